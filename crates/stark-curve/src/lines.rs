//! Many lines at once, with one inversion.

use crate::Point;
use felt::Felt;
use felt::vector::divide_assign;

/// For each pair the slope of the line through both points and their sum; `None` where the sum is infinity. All must lie on the curve.
pub fn sums(pairs: &[(Point, Point)]) -> Vec<Option<(Felt, Point)>> {
    let lines: Vec<_> = pairs.iter().map(|(a, b)| a.slope(b)).collect();
    let slopes = quotients(lines.iter().map(|line| line.unwrap_or((Felt::zero(), Felt::one()))));
    let sum =
        |((a, b), (line, slope)): (&(Point, Point), (&Option<_>, Felt))| line.map(|_| (slope, a.along(&slope, &b.x)));
    pairs.iter().zip(lines.iter().zip(slopes)).map(sum).collect()
}

/// For each point the slope of the tangent and its double. All must lie on the curve.
pub fn doubles(points: &[Point]) -> Vec<(Felt, Point)> {
    let slopes = quotients(points.iter().map(Point::tangent));
    points.iter().zip(slopes).map(|(point, slope)| (slope, point.along(&slope, &point.x))).collect()
}

/// Quotients of pairs, whose second elements must not be zero.
pub fn quotients(pairs: impl Iterator<Item = (Felt, Felt)>) -> Vec<Felt> {
    let (mut quotients, denominators): (Vec<Felt>, Vec<Felt>) = pairs.unzip();
    divide_assign(&mut [&mut quotients], &denominators);
    quotients
}
