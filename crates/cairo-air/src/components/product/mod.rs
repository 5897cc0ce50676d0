//! Products `m·Q` on the Stark curve, one in 128 rows. See README.md.

use super::component::{Component, ComponentError, Context, Family, Occurrence};
use super::line::{At, Line, curve, selector, tangent};
use crate::buses;
use crate::components::columns::columns;
use stark::{Air, AirBuilder, AirError, Bus, Expr, Rows};
use stark_curve::START;
use stark_curve::products::BITS;

/// Whose products: each builtin has a table of its own. The order is that of tables in a layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum User {
    /// Those of ec_op.
    EcOp,
    /// Those of ecdsa.
    Ecdsa,
}

impl User {
    /// The bus of the products.
    pub const fn bus(self) -> Bus {
        match self {
            Self::EcOp => buses::EC_OP_PRODUCT,
            Self::Ecdsa => buses::ECDSA_PRODUCT,
        }
    }
}

impl Component for User {
    fn name(&self) -> String {
        self.bus().name.to_owned()
    }

    fn code(&self) -> u8 {
        match self {
            Self::EcOp => 33,
            Self::Ecdsa => 37,
        }
    }

    fn occurrence(&self) -> Occurrence {
        Occurrence::IfRequired(self.bus())
    }

    fn air(&self, _context: Context<'_>) -> Result<Air, ComponentError> {
        Ok(air(*self)?)
    }
}

/// Rows of a product.
pub const ROWS: usize = 128;

/// Rows with two bits each, the first ones.
pub const DIGITS: usize = BITS / 2;

/// The row that provides the product.
pub const END: usize = DIGITS;

columns! {
    /// A multiple `2^(2j)·Q`, where bits `2j + 1` and `2j` are the row's; on the row `END` the point `Q`.
    q_x,
    /// Its second coordinate.
    q_y,
    /// The slope of the tangent there.
    q_slope,
    /// `x` of its double. On the row `END` how often the product is required elsewhere.
    double_x,
    /// The slope of the tangent at the double.
    double_slope,
    /// The sum before the row's bits are taken.
    sum_x,
    /// Its second coordinate.
    sum_y,
    /// The higher bit.
    high,
    /// The slope of the line by which the double is added; 0 if it is not.
    high_slope,
    /// `x` of the sum after the higher bit.
    middle_x,
    /// The lower bit.
    low,
    /// The slope of the line by which the multiple is added; 0 if it is not.
    low_slope,
    /// The bits of the rows before, as a number.
    scalar,
    /// Bit 251, on every row up to `END`.
    top,
}

/// Which rows of a product are meant.
struct Selectors {
    first: Expr,
    digit: Expr,
    /// Digits before the last.
    before_last: Expr,
    last: Expr,
    end: Expr,
}

impl Selectors {
    fn new(b: &mut AirBuilder) -> Self {
        Self {
            first: selector(b, ROWS, |row| row == 0),
            digit: selector(b, ROWS, |row| row < DIGITS),
            before_last: selector(b, ROWS, |row| row + 1 < DIGITS),
            last: selector(b, ROWS, |row| row + 1 == DIGITS),
            end: selector(b, ROWS, |row| row == END),
        }
    }
}

/// The AIR.
///
/// # Errors
/// None in practice: the description is fixed.
pub fn air(user: User) -> Result<Air, AirError> {
    let mut b = AirBuilder::new(user.name());
    let columns = Columns::new(&mut b);
    let selectors = Selectors::new(&mut b);
    let double = constrain_doubles(&mut b, &columns, &selectors);
    constrain_sums(&mut b, &columns, &selectors, &double);
    constrain_scalar(&mut b, &columns, &selectors);
    let Columns { q_x, q_y, double_x, sum_x, sum_y, scalar, top, .. } = columns;
    b.provide("product", user.bus(), selectors.end * double_x, [q_x, q_y, scalar, top, sum_x, sum_y]);
    b.build()
}

/// From row to row the multiple is a quarter of what it was, by tangents at it and at its double. Gives the double.
fn constrain_doubles(b: &mut AirBuilder, columns: &Columns<Expr>, selectors: &Selectors) -> At {
    let Columns { q_x, q_y, q_slope, double_x, double_slope, .. } = columns;
    let q = At::new(q_x, q_y);
    let not_end = Expr::one() - &selectors.end;
    b.constrain("q_on_curve", Rows::All, curve(&q));
    b.constrain("q_tangent", Rows::All, &not_end * tangent(q_slope, &q));
    let line = Line { slope: q_slope, a: &q, b: &q };
    b.constrain("double_x", Rows::All, &not_end * (double_x - line.sum_x()));
    let double = At { y: line.sum_y(double_x), x: double_x.clone() };
    // Not only where it is needed, which would be a degree more: wherever y is not 0 there is such a slope.
    b.constrain("double_tangent", Rows::All, tangent(double_slope, &double));
    let next = Line { slope: &b.next(double_slope), a: &next_at(b, &double), b: &next_at(b, &double) };
    b.constrain("quadruple_x", Rows::All, &selectors.before_last * (q_x - next.sum_x()));
    b.constrain("quadruple_y", Rows::All, &selectors.before_last * (q_y - next.sum_y(q_x)));
    b.constrain("same_x", Rows::All, &selectors.last * (b.next(q_x) - q_x));
    b.constrain("same_y", Rows::All, &selectors.last * (b.next(q_y) - q_y));
    double
}

/// A point on the next row.
fn next_at(b: &AirBuilder, point: &At) -> At {
    At { x: b.next(&point.x), y: b.next(&point.y) }
}

/// Every row adds two points or not, whichever row it is: those after the product lead back to the start.
fn constrain_sums(b: &mut AirBuilder, columns: &Columns<Expr>, selectors: &Selectors, double: &At) {
    let Columns { q_x, q_y, sum_x, sum_y, high, high_slope, middle_x, low, low_slope, .. } = columns;
    b.constrain("start_x", Rows::All, &selectors.first * (sum_x - Expr::from(START.x)));
    b.constrain("start_y", Rows::All, &selectors.first * (sum_y - Expr::from(START.y)));
    b.constrain_boolean("boolean_high", high);
    b.constrain_boolean("boolean_low", low);
    let sum = At::new(sum_x, sum_y);
    let line = Line { slope: high_slope, a: &sum, b: double };
    line.constrain_if(b, "high", high);
    b.constrain("middle_x", Rows::All, middle_x - x_if(&line, high));
    let middle = At { y: y_if(&line, high, middle_x), x: middle_x.clone() };
    let line = Line { slope: low_slope, a: &middle, b: &At::new(q_x, q_y) };
    line.constrain_if(b, "low", low);
    b.constrain("next_sum_x", Rows::All, b.next(sum_x) - x_if(&line, low));
    b.constrain("next_sum_y", Rows::All, b.next(sum_y) - y_if(&line, low, &b.next(sum_x)));
}

/// `x` of the sum if the point is added, else that of the first point, since then the slope is 0.
fn x_if(line: &Line<'_>, added: &Expr) -> Expr {
    let Line { slope, a, b } = line;
    *slope * *slope + &a.x - added * (&a.x * 2 + &b.x)
}

/// The same for `y`.
fn y_if(line: &Line<'_>, added: &Expr, sum_x: &Expr) -> Expr {
    let Line { slope, a, .. } = line;
    *slope * (&a.x - sum_x) + &a.y - added * &a.y * 2
}

fn constrain_scalar(b: &mut AirBuilder, columns: &Columns<Expr>, selectors: &Selectors) {
    let Columns { high, low, scalar, top, .. } = columns;
    b.constrain("start_scalar", Rows::All, &selectors.first * scalar);
    let next = b.next(scalar) - scalar * 4 - high * 2 - low;
    b.constrain("next_scalar", Rows::All, &selectors.digit * next);
    b.constrain("start_top", Rows::All, &selectors.first * (top - high));
    b.constrain("next_top", Rows::All, &selectors.digit * (b.next(top) - top));
}

impl Family for User {
    const PLAIN: &'static [Self] = &[Self::EcOp, Self::Ecdsa];
}
