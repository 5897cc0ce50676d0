//! The range_check96 builtin: values below 2^96. See README.md.

use super::component::{Component, ComponentError, Context, Family, Occurrence};
use super::range_check::{self, Limbs};
use crate::{Builtin, Segment};
use stark::{Air, AirBuilder, AirError, Expr};

/// Bits of a checked value. Limbs of 8, 12 and 16 bits make up exactly so many.
pub const BITS: usize = 96;

/// A table of the builtin, by what its values are cut into. The order is that of tables in a layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Table(pub Limbs);

impl Table {
    /// All of them.
    pub const ALL: [Self; 3] = [Self(Limbs::Bytes), Self(Limbs::Words12), Self(Limbs::Words16)];

    /// The column with the address of the checked cell.
    pub const ADDRESS: usize = 0;

    /// The first limb of its value; the other limbs follow, most significant last.
    pub const LIMBS: usize = 1;

    /// Number of limbs: 12, 8 or 6.
    pub const fn limbs(self) -> usize {
        BITS / self.0.limb().bits() as usize
    }

    /// The AIR for a segment.
    ///
    /// # Errors
    /// None in practice: the description is fixed.
    pub fn table(self, Segment { base, stop }: Segment) -> Result<Air, AirError> {
        let mut b = AirBuilder::new(self.name());
        let address = b.column("address");
        let limbs: Vec<Expr> = (0..self.limbs()).map(|i| b.column(format!("limb[{i}]"))).collect();
        range_check::constrain(&mut b, &address, &limbs, self.0.limb(), (base, stop));
        b.build()
    }
}

impl Component for Table {
    fn name(&self) -> String {
        format!("range_check96_{}", self.0.limb().bits())
    }

    fn code(&self) -> u8 {
        match self.0 {
            Limbs::Bytes => 64,
            Limbs::Words12 => 65,
            Limbs::Words16 => 66,
        }
    }

    fn occurrence(&self) -> Occurrence {
        Occurrence::Builtin(Builtin::RangeCheck96)
    }

    fn air(&self, context: Context<'_>) -> Result<Air, ComponentError> {
        Ok(self.table(context.segment(Builtin::RangeCheck96)?)?)
    }
}

impl Family for Table {
    const PLAIN: &'static [Self] = &Self::ALL;
}
