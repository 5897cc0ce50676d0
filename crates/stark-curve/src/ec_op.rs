//! The operation of the machine's builtin ec_op: `R = P + m·Q`, by way of [`START`].

use crate::products::{Factors, products};
use crate::{Point, START, lines};
use felt::Felt;
use felt::encoding::canonical_limbs;

/// What an instance computes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation {
    /// `P`, which must lie on the curve.
    pub p: Point,
    /// `Q`, which must lie on the curve.
    pub q: Point,
    /// `m`, as the integer below `p`.
    pub m: Felt,
}

impl Operation {
    /// The product that it needs.
    pub fn factors(&self) -> Factors {
        Factors { point: self.q, scalar: canonical_limbs(&self.m) }
    }
}

/// How the result follows from the product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Steps {
    /// `START + m·Q`.
    pub product: Point,
    /// The slope of the line through `P` and the product.
    pub sum_slope: Felt,
    /// Their sum.
    pub sum: Point,
    /// The slope of the line through the sum and `−START`.
    pub r_slope: Felt,
    /// The result.
    pub r: Point,
}

/// The steps of each operation whose product is given; `None` where the result is infinity, or a sum on the way meets the opposite of what is
/// added to it.
pub fn steps(operations: &[Operation], products: &[Option<Point>]) -> Vec<Option<Steps>> {
    let given: Vec<Point> = products.iter().map(|product| product.unwrap_or(START)).collect();
    let pairs: Vec<_> = operations.iter().zip(&given).map(|(operation, product)| (operation.p, *product)).collect();
    let sums = lines::sums(&pairs);
    let pairs: Vec<_> = sums.iter().map(|sum| (sum.map_or(START, |(_, sum)| sum), -START)).collect();
    let results = lines::sums(&pairs);
    let steps = |number: usize| {
        let (product, (sum_slope, sum)) = ((*products.get(number)?)?, (*sums.get(number)?)?);
        let (r_slope, r) = (*results.get(number)?)?;
        Some(Steps { product, sum_slope, sum, r_slope, r })
    };
    (0..products.len()).map(steps).collect()
}

/// The result of each operation; `None` as in [`steps`].
pub fn results(operations: &[Operation]) -> Vec<Option<Point>> {
    let factors: Vec<Factors> = operations.iter().map(Operation::factors).collect();
    steps(operations, &products(&factors)).into_iter().map(|steps| steps.map(|steps| steps.r)).collect()
}
