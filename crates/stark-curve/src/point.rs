//! Finite points of the curve.

use felt::Felt;
use felt::encoding::{canonical_limbs, is_zero};
use felt::vector::batch_inverse_portable;
use std::ops::Neg;

/// `β` of `y² = x³ + x + β`.
pub const BETA: Felt = Felt::from_hex_unchecked("6f21413efbe40de150e596d72f7a8c5609ad26c15c915c1f4cdfcb99cee9e89");

/// Affine coordinates of a finite point; nothing says that it lies on the curve but [`Point::is_on_curve`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point {
    /// First coordinate.
    pub x: Felt,
    /// Second coordinate.
    pub y: Felt,
}

impl Point {
    pub(crate) const fn from_hex(x: &str, y: &str) -> Self {
        Self { x: Felt::from_hex_unchecked(x), y: Felt::from_hex_unchecked(y) }
    }

    /// The point on the curve with this `x` whose `y` is an even integer; `None` if there is none.
    pub fn with_x(x: Felt) -> Option<Self> {
        let (y, other) = right_side(&x).sqrt()?;
        let is_even = |y: &Felt| canonical_limbs(y)[0].is_multiple_of(2);
        Some(Self { x, y: if is_even(&y) { y } else { other } })
    }

    /// Whether `y² = x³ + x + β`.
    pub fn is_on_curve(&self) -> bool {
        self.y.square() == right_side(&self.x)
    }

    /// Numerator and denominator of the slope of the line through both points: the chord, or the tangent if they are equal. `None` if one is
    /// the other's opposite.
    ///
    /// Both must lie on the curve. Then a denominator is never 0: no point has `y = 0`.
    pub fn slope(&self, other: &Self) -> Option<(Felt, Felt)> {
        if self.x != other.x {
            return Some((self.y - other.y, self.x - other.x));
        }
        (self.y == other.y).then(|| self.tangent())
    }

    /// Numerator and denominator of the tangent's slope.
    pub fn tangent(&self) -> (Felt, Felt) {
        let square = self.x.square();
        (square.double() + square + Felt::one(), self.y.double())
    }

    /// The third point of the line of this slope through both, mirrored: their sum.
    pub fn along(&self, slope: &Felt, other_x: &Felt) -> Self {
        let x = slope.square() - self.x - other_x;
        Self { x, y: slope * (self.x - x) - self.y }
    }

    /// The slope of the line through both points, and their sum; `None` if the sum is infinity. Both must lie on the curve. It takes an
    /// inversion: for many sums see [`products`](crate::products).
    pub fn add_by_slope(&self, other: &Self) -> Option<(Felt, Self)> {
        let (numerator, denominator) = self.slope(other)?;
        let slope = numerator * invert(denominator);
        Some((slope, self.along(&slope, &other.x)))
    }

    /// The sum; `None` if it is infinity. Both must lie on the curve.
    pub fn add(&self, other: &Self) -> Option<Self> {
        self.add_by_slope(other).map(|(_, sum)| sum)
    }
}

impl Neg for Point {
    type Output = Self;

    fn neg(self) -> Self {
        Self { x: self.x, y: -self.y }
    }
}

fn right_side(x: &Felt) -> Felt {
    x.square() * x + x + BETA
}

fn invert(value: Felt) -> Felt {
    let mut values = [value];
    batch_inverse_portable(&mut values);
    values[0]
}

/// A point in Jacobian coordinates: `x = X/Z²`, `y = Y/Z³`.
#[derive(Clone, Copy)]
struct Jacobian {
    x: Felt,
    y: Felt,
    z: Felt,
}

impl Jacobian {
    /// Twice the point, for the curve's coefficient 1 of `x` (Hankerson, Menezes, Vanstone, "Guide to Elliptic Curve Cryptography", section
    /// 3.2.2).
    fn double(&self) -> Self {
        let y_square = self.y.square();
        let s = (self.x * y_square).double().double();
        let x_square = self.x.square();
        let m = x_square.double() + x_square + self.z.square().square();
        let x = m.square() - s.double();
        let y = m * (s - x) - y_square.square().double().double().double();
        Self { x, y, z: (self.y * self.z).double() }
    }
}

/// `2^i·point` for `i < n`, with one inversion. The point must lie on the curve.
pub fn double_repeatedly(point: &Point, n: usize) -> Vec<Point> {
    let first = Jacobian { x: point.x, y: point.y, z: Felt::one() };
    let doubles: Vec<Jacobian> = std::iter::successors(Some(first), |last| Some(last.double())).take(n).collect();
    let mut inverses: Vec<Felt> = doubles.iter().map(|point| point.z).collect();
    batch_inverse_portable(&mut inverses);
    let affine = |(point, inverse): (&Jacobian, &Felt)| {
        debug_assert!(!is_zero(inverse), "no point has y = 0");
        let square = inverse.square();
        Point { x: point.x * square, y: point.y * square * inverse }
    };
    doubles.iter().zip(&inverses).map(affine).collect()
}
