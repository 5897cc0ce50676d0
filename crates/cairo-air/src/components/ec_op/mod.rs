//! The ec_op builtin: `R = P + m·Q` on the Stark curve. See README.md.

use super::component::{Component, ComponentError, Context, Occurrence};
use super::line::{At, Line, curve};
use crate::components::columns::columns;
use crate::{Builtin, Segment, buses};
use stark::{Air, AirBuilder, AirError, Expr, Rows};
use stark_curve::START;

/// The kind: it has nothing but its name.
#[derive(Debug, Clone, Copy)]
pub struct Table;

impl Component for Table {
    fn name(&self) -> String {
        "ec_op".to_owned()
    }

    fn code(&self) -> u8 {
        32
    }

    fn occurrence(&self) -> Occurrence {
        Occurrence::Builtin(Builtin::EcOp)
    }

    fn air(&self, context: Context<'_>) -> Result<Air, ComponentError> {
        let Segment { base, stop } = context.segment(Builtin::EcOp)?;
        Ok(air(base, stop)?)
    }
}

/// Memory cells of an instance: `P`, `Q`, `m`, `R`.
pub const CELLS: u64 = Builtin::EcOp.cells_per_instance() as u64;

/// Bytes of what is left from `m` to `p − 1`: 197 bits, of which the last byte has five.
pub const LIMBS: usize = 25;

columns! {
    /// Address of the instance's first cell.
    address,
    /// `x` of `P`.
    p_x,
    /// `y` of `P`.
    p_y,
    /// `x` of `Q`.
    q_x,
    /// `y` of `Q`.
    q_y,
    /// The scalar.
    m,
    /// Bit 251 of it.
    top,
    /// `x` of `START + m·Q`.
    product_x,
    /// `y` of it.
    product_y,
    /// The slope of the line through `P` and that.
    sum_slope,
    /// `x` of their sum.
    sum_x,
    /// The slope of the line through the sum and `−START`.
    r_slope,
    /// `x` of `R`.
    r_x,
    /// If `top` is 1, the bytes of `p − 1 − m`, least significant first; else 0.
    limb[25],
}

/// The AIR for the instances in `base..stop`.
///
/// # Errors
/// None in practice: the description is fixed.
pub fn air(base: u32, stop: u32) -> Result<Air, AirError> {
    let mut b = AirBuilder::new("ec_op");
    let columns = Columns::new(&mut b);
    super::constrain_segment(&mut b, &columns.address, CELLS, None, (base, stop));
    let r_y = constrain_sum(&mut b, &columns);
    let Columns { address, p_x, p_y, q_x, q_y, m, top, product_x, product_y, r_x, limb, .. } = columns;

    // A scalar of 252 bits may be m or m + p, which make different points: the curve's order is not p. If its bit 251 is 0 it is below p.
    // If it is 1, then what is left to p − 1 must be below 2^197, and would be at least 2p − 2^252 = 34·2^192 + 2 > 2^197 for m + p.
    let rest = limb.iter().rev().fold(Expr::zero(), |rest, limb| rest * 256 + limb);
    b.constrain("rest", Rows::All, &top * (-&m - 1) - rest);
    for (i, limb) in limb.iter().enumerate() {
        b.require(format!("limb[{i}]"), buses::BYTE, Expr::one(), [limb.clone()]);
    }
    // Its own lookup makes the last limb a byte, so that 8 times it does not wrap: it is a byte exactly if the limb is below 2^5.
    let [.., last] = limb;
    b.require("last_limb", buses::BYTE, Expr::one(), [last * 8]);

    let product = [q_x.clone(), q_y.clone(), m.clone(), top, product_x, product_y];
    b.require("product", buses::EC_OP_PRODUCT, Expr::one(), product);
    let cells = [p_x, p_y, q_x, q_y, m, r_x, r_y];
    let names = ["p_x", "p_y", "q_x", "q_y", "m", "r_x", "r_y"];
    for (offset, (name, value)) in names.into_iter().zip(cells).enumerate() {
        b.require(format!("cell_{name}"), buses::MEMORY, Expr::one(), [&address + offset as u64, value]);
    }
    b.build()
}

/// `R = (P + product) − START`. Gives `y` of it.
fn constrain_sum(b: &mut AirBuilder, columns: &Columns<Expr>) -> Expr {
    let Columns { p_x, p_y, product_x, product_y, sum_slope, sum_x, r_slope, r_x, .. } = columns;
    // Q and the product are on the curve by the product's table.
    let (p, product) = (At::new(p_x, p_y), At::new(product_x, product_y));
    b.constrain("p_on_curve", Rows::All, curve(&p));
    let line = Line { slope: sum_slope, a: &p, b: &product };
    line.constrain(b, "sum");
    b.constrain("sum_x", Rows::All, sum_x - line.sum_x());
    let sum = At { y: line.sum_y(sum_x), x: sum_x.clone() };
    let line = Line { slope: r_slope, a: &sum, b: &At::from(START).opposite() };
    line.constrain(b, "r");
    b.constrain("r_x", Rows::All, r_x - line.sum_x());
    line.sum_y(r_x)
}
