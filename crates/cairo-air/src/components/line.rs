//! Sums of points on the Stark curve: what tables constrain of the line through two points.
//!
//! Both points lie on the curve `y² = x³ + x + β`, all of whose points are finite here, and whose group has an odd order, so that no point has
//! `y = 0`. *Lemma.* Let `A` and `B` be such points and
//!
//! * `slope·(A.x − B.x) = A.y − B.y` (the chord),
//! * `slope·(A.y + B.y) = A.x² + A.x·B.x + B.x² + 1` (the tangent).
//!
//! Then `A + B` is finite, and `slope` is that of the line through both, the tangent if they are equal: so `A + B` is the point that
//! [`Line::sum_x`] and [`Line::sum_y`] give. If `A.x ≠ B.x`, the first equation determines the slope (and the second, which is the first times
//! `A.y + B.y` by the curve's equation, holds). If `A = B`, the second is `slope·2y = 3x² + 1`, and `y ≠ 0`. If `A = −B`, the first is
//! `0 = 2·A.y`, which is false. For every pair whose sum is finite there is such a slope.

use felt::Felt;
use stark::{AirBuilder, Expr, Rows};
use stark_curve::{BETA, Point};

/// A point's coordinates.
#[derive(Clone)]
pub(super) struct At {
    pub x: Expr,
    pub y: Expr,
}

impl At {
    pub fn new(x: &Expr, y: &Expr) -> Self {
        Self { x: x.clone(), y: y.clone() }
    }

    pub fn opposite(&self) -> Self {
        Self { x: self.x.clone(), y: -&self.y }
    }
}

impl From<Point> for At {
    fn from(point: Point) -> Self {
        Self { x: point.x.into(), y: point.y.into() }
    }
}

/// The line of some slope through two points.
pub(super) struct Line<'a> {
    pub slope: &'a Expr,
    pub a: &'a At,
    pub b: &'a At,
}

impl Line<'_> {
    /// Demands the lemma's equations. Degrees: that of a `y` and one more, or that of an `x` twice.
    pub fn constrain(&self, builder: &mut AirBuilder, name: &str) {
        builder.constrain(format!("{name}_chord"), Rows::All, self.rise(&Expr::one()));
        self.constrain_tangent(builder, name);
    }

    /// Demands the second equation alone.
    pub fn constrain_tangent(&self, builder: &mut AirBuilder, name: &str) {
        let Line { slope, a, b } = self;
        let tangent = *slope * (&a.y + &b.y) - self.quotient();
        builder.constrain(format!("{name}_tangent"), Rows::All, tangent);
    }

    /// The same where `added` is 1; where it is 0, that the slope is 0.
    pub fn constrain_if(&self, builder: &mut AirBuilder, name: &str, added: &Expr) {
        let Line { slope, a, b } = self;
        builder.constrain(format!("{name}_chord"), Rows::All, self.rise(added));
        let tangent = *slope * (&a.y + &b.y) - added * self.quotient();
        builder.constrain(format!("{name}_tangent"), Rows::All, tangent);
        builder.constrain(format!("{name}_off"), Rows::All, (Expr::one() - added) * *slope);
    }

    fn rise(&self, added: &Expr) -> Expr {
        let Line { slope, a, b } = self;
        *slope * (&a.x - &b.x) - added * (&a.y - &b.y)
    }

    /// `(A.y² − B.y²)/(A.x − B.x)`, by the curve's equation.
    fn quotient(&self) -> Expr {
        let Line { a, b, .. } = self;
        &a.x * &a.x + &a.x * &b.x + &b.x * &b.x + 1
    }

    /// `x` of the sum.
    pub fn sum_x(&self) -> Expr {
        self.slope * self.slope - &self.a.x - &self.b.x
    }

    /// `y` of the sum, by its `x`.
    pub fn sum_y(&self, sum_x: &Expr) -> Expr {
        self.slope * (&self.a.x - sum_x) - &self.a.y
    }
}

/// `y² − x³ − x − β`, which is 0 on the curve.
pub(super) fn curve(point: &At) -> Expr {
    &point.y * &point.y - &point.x * &point.x * &point.x - &point.x - Expr::from(BETA)
}

/// The slope of the tangent times the denominator `2y`, less the numerator `3x² + 1`.
pub(super) fn tangent(slope: &Expr, point: &At) -> Expr {
    slope * &point.y * 2 - &point.x * &point.x * 3 - 1
}

/// A column that is 1 on one row of a period.
pub(super) fn selector(b: &mut AirBuilder, period: usize, on: impl Fn(usize) -> bool) -> Expr {
    b.periodic((0..period).map(|row| if on(row) { Felt::one() } else { Felt::zero() }).collect())
}
