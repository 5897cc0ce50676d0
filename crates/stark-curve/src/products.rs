//! `START + m·Q` for many points `Q` and scalars `m` at once, with all that a proof of it shows.
//!
//! The sum takes the bits of `m` from the most significant down: it begins at [`START`], and to it `2^i·Q` is added for each bit `i` that is
//! set. Beginning at a point that is not infinity spares the sums a case, and leaves the end of the walk, where the sum is, at `Q` itself.
//! One inversion serves a whole batch, since all products take their steps side by side.

use crate::{Point, START, Word};
use felt::Felt;
use felt::vector::divide_assign;

/// Bits of a scalar.
pub const BITS: usize = 252;

/// Products that are made at a time: an inversion for fewer costs more, and more would not fit into a cache. A product takes 50 kB meanwhile.
pub const BATCH: usize = 128;

/// A point and the scalar that it is multiplied by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Factors {
    /// The point, which must lie on the curve.
    pub point: Point,
    /// The scalar, below `2^252`.
    pub scalar: Word,
}

impl Factors {
    /// Bit `i` of the scalar.
    pub const fn bit(&self, i: usize) -> bool {
        i < 256 && self.scalar[i / 64] >> (i % 64) & 1 == 1
    }
}

/// A sum, and the slope of the line by which the next point is added to it (0 if none is).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sum {
    /// The sum.
    pub point: Point,
    /// The slope.
    pub slope: Felt,
}

/// A multiple `2^i·Q`, and the slope of the tangent there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Double {
    /// The multiple.
    pub point: Point,
    /// The slope.
    pub slope: Felt,
}

/// A batch of products, step by step.
#[derive(Debug)]
pub struct Products {
    len: usize,
    /// `BITS` times the batch: `2^i·Q` of all, then `2^(i+1)·Q` of all.
    doubles: Vec<Double>,
    /// The sums before bit 251 of all, then those before bit 250 of all, and so on.
    sums: Vec<Sum>,
    ends: Vec<Option<Point>>,
}

impl Products {
    /// All steps of these products; best not more than [`BATCH`].
    pub fn new(factors: &[Factors]) -> Self {
        let doubles = doubles(factors);
        let (sums, ends) = sums(factors, &doubles);
        Self { len: factors.len(), doubles, sums, ends }
    }

    /// `2^i·Q` of a product.
    ///
    /// # Panics
    /// Unless there is such a product, and `i` is below [`BITS`].
    pub fn double(&self, product: usize, i: usize) -> &Double {
        &self.doubles[i * self.len + product]
    }

    /// The sum of a product before its bit `i` is taken.
    ///
    /// # Panics
    /// Unless there is such a product, and `i` is below [`BITS`].
    pub fn sum(&self, product: usize, i: usize) -> &Sum {
        &self.sums[(BITS - 1 - i) * self.len + product]
    }

    /// `START + m·Q` of each product; `None` if a sum on the way meets the opposite of the point to be added.
    pub fn ends(&self) -> &[Option<Point>] {
        &self.ends
    }
}

/// `START + m·Q` of each; `None` if a sum on the way meets the opposite of the point to be added.
pub fn products(factors: &[Factors]) -> Vec<Option<Point>> {
    factors.chunks(BATCH).flat_map(|factors| Products::new(factors).ends).collect()
}

fn doubles(factors: &[Factors]) -> Vec<Double> {
    let mut doubles = Vec::with_capacity(BITS * factors.len());
    let mut points: Vec<Point> = factors.iter().map(|factors| factors.point).collect();
    for _ in 0..BITS {
        let (mut slopes, denominators): (Vec<Felt>, Vec<Felt>) = points.iter().map(Point::tangent).unzip();
        // No point of the curve has y = 0. Of others, which are none of ours, nothing that is said here holds.
        divide_assign(&mut [&mut slopes], &denominators);
        for (point, slope) in points.iter_mut().zip(&slopes) {
            doubles.push(Double { point: *point, slope: *slope });
            *point = point.along(slope, &point.x);
        }
    }
    doubles
}

fn sums(factors: &[Factors], doubles: &[Double]) -> (Vec<Sum>, Vec<Option<Point>>) {
    let len = factors.len();
    let mut sums = Vec::with_capacity(BITS * len);
    let mut points = vec![Some(START); len];
    let (mut slopes, mut denominators) = (vec![Felt::zero(); len], vec![Felt::one(); len]);
    for i in (0..BITS).rev() {
        let doubles = doubles.get(i * len..(i + 1) * len).unwrap_or_default();
        for (product, (sum, double)) in points.iter_mut().zip(doubles).enumerate() {
            let added = factors[product].bit(i);
            let line = sum.filter(|_| added).map(|sum| sum.slope(&double.point));
            if line == Some(None) {
                *sum = None;
            }
            (slopes[product], denominators[product]) = line.flatten().unwrap_or((Felt::zero(), Felt::one()));
        }
        divide_assign(&mut [&mut slopes], &denominators);
        for (product, (sum, double)) in points.iter_mut().zip(doubles).enumerate() {
            let (added, slope) = (factors[product].bit(i), slopes[product]);
            sums.push(Sum { point: sum.unwrap_or(START), slope });
            if let Some(sum) = sum.as_mut().filter(|_| added) {
                *sum = sum.along(&slope, &double.point.x);
            }
        }
    }
    (sums, points)
}
