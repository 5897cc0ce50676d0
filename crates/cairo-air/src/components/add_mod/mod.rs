//! The add_mod builtin: sums of 384-bit integers modulo another. See README.md.

use super::component::{Component, ComponentError, Context, Occurrence};
use super::modular::{HALVES, Instance, digits};
use super::word96::HALF_BITS;
use crate::components::columns::columns;
use crate::{Builtin, buses};
use felt::Felt;
use stark::{Air, AirBuilder, AirError, Rows};

/// The kind: it has nothing but its name.
#[derive(Debug, Clone, Copy)]
pub struct Table;

impl Component for Table {
    fn name(&self) -> String {
        Builtin::AddMod.name().to_owned()
    }

    fn code(&self) -> u8 {
        70
    }

    fn occurrence(&self) -> Occurrence {
        Occurrence::Builtin(Builtin::AddMod)
    }

    fn air(&self, _context: Context<'_>) -> Result<Air, ComponentError> {
        Ok(air()?)
    }
}

columns! {
    /// 1 on rows in use.
    enabler,
    /// Address of the instance's first cell.
    address,
    /// 1 if the instance before belongs to the same batch.
    joins,
    /// 1 if the next instance does.
    goes_on,
    /// Where the values' offsets count from.
    values_ptr,
    /// Where the three offsets stand.
    offsets_ptr,
    /// Instances of the batch from this one on.
    n,
    /// Offsets of a, b and c.
    offset[3],
    /// The modulus, in digits to the base 2^48, the least significant first.
    p[8],
    /// The first summand.
    a[8],
    /// The second summand.
    b[8],
    /// The result.
    c[8],
    /// 1 if the modulus is subtracted from the sum.
    reduces,
    /// What the lower 192 bits carry: −1, 0 or 1.
    carry,
}

/// The AIR.
///
/// # Errors
/// None in practice: the description is fixed.
pub fn air() -> Result<Air, AirError> {
    let mut builder = AirBuilder::new(Builtin::AddMod.name());
    let Columns { enabler, address, joins, goes_on, values_ptr, offsets_ptr, n, offset, p, a, b, c, reduces, carry } =
        &Columns::new(&mut builder);
    let instance = Instance { enabler, address, joins, goes_on, values_ptr, offsets_ptr, n, offset, p, a, b, c };
    instance.constrain(&mut builder, buses::ADD_MOD);
    builder.constrain_boolean("boolean_reduces", reduces);
    builder.constrain("carry_of_one", Rows::All, carry * (carry - 1) * (carry + 1));
    // a + b − c − reduces·p = 0 as integers, the lower halves first. Each side is below 2^194 in amount: nothing wraps modulo p.
    let half = HALVES / 2;
    let sum = |low: usize| {
        let part = low..low + half;
        digits(&a[part.clone()]) + digits(&b[part.clone()]) - digits(&c[part.clone()]) - reduces * digits(&p[part])
    };
    let shift = Felt::from(2).pow((half * HALF_BITS) as u64);
    builder.constrain("low", Rows::All, sum(0) - carry * shift);
    builder.constrain("high", Rows::All, sum(half) + carry);
    builder.build()
}
