//! Witness of [`cairo_air::components::product`].

use crate::error::WitnessError;
use crate::witness::Trace;
use crate::witness::rows::{chunks, zeros};
use cairo_air::components::product::{Columns, DIGITS, ROWS, WIDTH};
use felt::Felt;
use felt::integers::small;
use rayon::prelude::*;
use stark::Control;
use stark_curve::products::{BATCH, BITS, Factors, Products};
use stark_curve::{GENERATOR, Point, START, lines};

/// A product, and how often others require it.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// The point, and the scalar.
    pub factors: Factors,
    /// How often it is required.
    pub uses: u32,
}

/// What rows are filled with for which there is no product.
const IDLE: Wanted = Wanted { factors: Factors { point: GENERATOR, scalar: [0; 4] }, uses: 0 };

/// The table of these products, and the products: `None` for one that no table can have. Then the table is not to be used.
///
/// # Errors
/// If the control hook cancels.
pub fn fill(
    wanted: &[Wanted],
    log_height: u32,
    control: &dyn Control,
) -> Result<(Trace, Vec<Option<Point>>), WitnessError> {
    let height = 1 << log_height;
    let mut columns = zeros(WIDTH, height);
    let parts = chunks(&mut columns, height, BATCH * ROWS).into_par_iter().enumerate().with_max_len(1);
    let ends = parts.map(|(number, mut part)| {
        control.checkpoint()?;
        let products = part.first().map_or(0, |column| column.len() / ROWS);
        let first = number * BATCH;
        let wanted: Vec<Wanted> =
            (first..first + products).map(|product| wanted.get(product).copied().unwrap_or(IDLE)).collect();
        Ok(fill_batch(&wanted, &mut part))
    });
    let ends: Vec<Vec<Option<Point>>> = ends.collect::<Result<_, WitnessError>>()?;
    let ends = ends.into_iter().flatten().take(wanted.len()).collect();
    Ok((columns, ends))
}

/// Fills the rows of a batch.
fn fill_batch(wanted: &[Wanted], part: &mut [&mut [Felt]]) -> Vec<Option<Point>> {
    let factors: Vec<Factors> = wanted.iter().map(|wanted| wanted.factors).collect();
    let products = Products::new(&factors);
    let ends: Vec<Point> = products.ends().iter().map(|end| end.unwrap_or(START)).collect();
    let (last, back) = (end_slopes(wanted), Back::new(&ends));
    for (product, wanted) in wanted.iter().enumerate() {
        let first = product * ROWS;
        let mut write = |row: usize, values: [Felt; WIDTH]| {
            for (column, value) in part.iter_mut().zip(values) {
                column[first + row] = value;
            }
        };
        let top = small(u64::from(wanted.factors.bit(BITS - 1)));
        let mut scalar = Felt::zero();
        for row in 0..DIGITS {
            let values = digit(&products, &factors[product], product, row);
            write(row, Columns { scalar, top, ..values }.into_row());
            scalar = scalar.double().double() + values.high.double() + values.low;
        }
        let Point { x: q_x, y: q_y } = wanted.factors.point;
        let uses = small(u64::from(wanted.uses));
        let end = rest(&ends[product]);
        write(DIGITS, Columns { q_x, q_y, double_x: uses, double_slope: last[product], scalar, top, ..end }.into_row());
        write(DIGITS + 1, back.row(product, &ends[product]).into_row());
    }
    products.ends().to_vec()
}

/// A row with two bits, but for the scalar.
fn digit(products: &Products, factors: &Factors, product: usize, row: usize) -> Columns<Felt> {
    let lower = 2 * (DIGITS - 1 - row);
    let bit = |i: usize| small(u64::from(factors.bit(i)));
    let (q, double) = (products.double(product, lower), products.double(product, lower + 1));
    let (sum, middle) = (products.sum(product, lower + 1), products.sum(product, lower));
    Columns {
        q_x: q.point.x,
        q_y: q.point.y,
        q_slope: q.slope,
        double_x: double.point.x,
        double_slope: double.slope,
        sum_x: sum.point.x,
        sum_y: sum.point.y,
        high: bit(lower + 1),
        high_slope: sum.slope,
        middle_x: middle.point.x,
        low: bit(lower),
        low_slope: middle.slope,
        scalar: Felt::zero(),
        top: Felt::zero(),
    }
}

/// A row that adds nothing to a sum.
fn rest(sum: &Point) -> Columns<Felt> {
    let zero = Felt::zero();
    Columns {
        q_x: zero,
        q_y: zero,
        q_slope: zero,
        double_x: zero,
        double_slope: zero,
        sum_x: sum.x,
        sum_y: sum.y,
        high: zero,
        high_slope: zero,
        middle_x: sum.x,
        low: zero,
        low_slope: zero,
        scalar: zero,
        top: zero,
    }
}

/// On the row that provides the product, whose `double_x` is the number of uses and whose `q_slope` is 0: the slope at the point `(uses, −q_y)`, which
/// need not be on the curve.
fn end_slopes(wanted: &[Wanted]) -> Vec<Felt> {
    let slope = |wanted: &Wanted| {
        let at = Point { x: small(u64::from(wanted.uses)), y: -wanted.factors.point.y };
        at.tangent()
    };
    lines::quotients(wanted.iter().map(slope))
}

/// The last row of each product, which leads back to the start: it adds what is missing.
struct Back {
    /// The point that is added, if any, and the slope of the line.
    added: Vec<(Point, Option<Felt>)>,
    /// The slope at that point, and its double.
    doubles: Vec<(Felt, Point)>,
    /// The slope at the double.
    slopes: Vec<Felt>,
}

impl Back {
    fn new(ends: &[Point]) -> Self {
        let missing = lines::sums(&ends.iter().map(|end| (START, -*end)).collect::<Vec<_>>());
        // Nothing is missing where the product is the start itself.
        let points: Vec<Point> = missing.iter().map(|sum| sum.map_or(GENERATOR, |(_, point)| point)).collect();
        let ways = lines::sums(&ends.iter().copied().zip(points.iter().copied()).collect::<Vec<_>>());
        let added = points.iter().zip(&missing).zip(ways);
        let added =
            added.map(|((point, missing), way)| (*point, way.filter(|_| missing.is_some()).map(|(slope, _)| slope)));
        let doubles = lines::doubles(&points);
        let slopes = lines::doubles(&doubles.iter().map(|(_, double)| *double).collect::<Vec<_>>());
        Self { added: added.collect(), doubles, slopes: slopes.into_iter().map(|(slope, _)| slope).collect() }
    }

    fn row(&self, product: usize, end: &Point) -> Columns<Felt> {
        let ((point, way), (q_slope, double)) = (self.added[product], self.doubles[product]);
        Columns {
            q_x: point.x,
            q_y: point.y,
            q_slope,
            double_x: double.x,
            double_slope: self.slopes[product],
            low: small(u64::from(way.is_some())),
            low_slope: way.unwrap_or_default(),
            ..rest(end)
        }
    }
}
