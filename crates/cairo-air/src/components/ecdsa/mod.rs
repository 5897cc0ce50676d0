//! The ecdsa builtin: signatures on the Stark curve. See README.md.

use super::component::{Component, ComponentError, Context, Occurrence};
use super::line::{At, Line};
use crate::components::columns::columns;
use crate::{Builtin, Segment, buses};
use stark::{Air, AirBuilder, AirError, Expr, Rows};
use stark_curve::{GENERATOR, START, ecdsa::minus_twice_start};

/// The kind: it has nothing but its name.
#[derive(Debug, Clone, Copy)]
pub struct Table;

impl Component for Table {
    fn name(&self) -> String {
        "ecdsa".to_owned()
    }

    fn code(&self) -> u8 {
        36
    }

    fn occurrence(&self) -> Occurrence {
        Occurrence::Builtin(Builtin::Ecdsa)
    }

    fn air(&self, context: Context<'_>) -> Result<Air, ComponentError> {
        let Segment { base, stop } = context.segment(Builtin::Ecdsa)?;
        Ok(air(base, stop)?)
    }
}

/// Memory cells of an instance: public key, message.
pub const CELLS: u64 = Builtin::Ecdsa.cells_per_instance() as u64;

columns! {
    /// Address of the instance's first cell.
    address,
    /// `x` of the key `Q`.
    q_x,
    /// `y` of it: one of two.
    q_y,
    /// The message.
    z,
    /// `r` of the signature.
    r,
    /// The inverse of its `s`.
    w,
    /// `x` of `START + z·G`.
    zg_x,
    /// `y` of it.
    zg_y,
    /// `x` of `START + r·Q`.
    rq_x,
    /// `y` of it.
    rq_y,
    /// The slope of the line through both.
    sum_slope,
    /// `x` of their sum.
    sum_x,
    /// The slope of the line through the sum and `−2·START`.
    b_slope,
    /// `x` of `B = z·G + r·Q`.
    b_x,
    /// `x` of `START + w·B`.
    wb_x,
    /// `y` of it.
    wb_y,
    /// The slope of the line through that and `−START`.
    r_slope,
}

/// The AIR for the instances in `base..stop`.
///
/// # Errors
/// None in practice: the description is fixed.
pub fn air(base: u32, stop: u32) -> Result<Air, AirError> {
    let mut b = AirBuilder::new("ecdsa");
    let columns = Columns::new(&mut b);
    super::constrain_segment(&mut b, &columns.address, CELLS, None, (base, stop));
    let Columns { address, q_x, q_y, z, r, w, zg_x, zg_y, rq_x, rq_y, .. } = &columns;
    let Columns { sum_slope, sum_x, b_slope, b_x, wb_x, wb_y, r_slope, .. } = &columns;

    // All products are on the curve by their table, and so are sums of points that are.
    let line = Line { slope: sum_slope, a: &At::new(zg_x, zg_y), b: &At::new(rq_x, rq_y) };
    line.constrain(&mut b, "sum");
    b.constrain("sum_x", Rows::All, sum_x - line.sum_x());
    let sum = At { y: line.sum_y(sum_x), x: sum_x.clone() };
    let line = Line { slope: b_slope, a: &sum, b: &minus_twice_start().into() };
    line.constrain(&mut b, "b");
    b.constrain("b_x", Rows::All, b_x - line.sum_x());
    let b_y = line.sum_y(b_x);
    let line = Line { slope: r_slope, a: &At::new(wb_x, wb_y), b: &At::from(START).opposite() };
    line.constrain(&mut b, "r");
    b.constrain("r_x", Rows::All, r - line.sum_x());

    // Bit 251 of each scalar is 0: z, r and w are below 2^251, and are what the field elements say.
    let bus = buses::ECDSA_PRODUCT;
    let (g_x, g_y) = (Expr::from(GENERATOR.x), Expr::from(GENERATOR.y));
    let copy = |list: [&Expr; 6]| list.map(Expr::clone);
    let zero = Expr::zero();
    b.require("zg", bus, Expr::one(), copy([&g_x, &g_y, z, &zero, zg_x, zg_y]));
    b.require("rq", bus, Expr::one(), copy([q_x, q_y, r, &zero, rq_x, rq_y]));
    b.require("wb", bus, Expr::one(), copy([b_x, &b_y, w, &zero, wb_x, wb_y]));
    b.require("cell_key", buses::MEMORY, Expr::one(), [address.clone(), q_x.clone()]);
    b.require("cell_message", buses::MEMORY, Expr::one(), [address + 1, z.clone()]);
    b.build()
}
