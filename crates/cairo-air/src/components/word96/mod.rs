//! Words of 96 bits in two halves, in which the modular builtins look up theirs. See README.md.

use super::component::{Component, ComponentError, Context, Family, Occurrence};
use super::range_check::Limbs;
use crate::buses;
use stark::{Air, AirBuilder, AirError, Expr};

/// Bits of a half.
pub const HALF_BITS: usize = 48;

/// A table of words, by what its halves are cut into. The order is that of tables in a layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Table(pub Limbs);

impl Table {
    /// All of them.
    pub const ALL: [Self; 3] = [Self(Limbs::Bytes), Self(Limbs::Words12), Self(Limbs::Words16)];

    /// The column that says how often the word is required elsewhere.
    pub const USES: usize = 0;

    /// The first limb of the low half; the other limbs follow, those of the high half last.
    pub const LIMBS: usize = 1;

    /// Number of limbs of both halves: 12, 8 or 6.
    pub const fn limbs(self) -> usize {
        2 * HALF_BITS / self.0.limb().bits() as usize
    }

    /// The AIR.
    ///
    /// # Errors
    /// None in practice: the description is fixed.
    pub fn table(self) -> Result<Air, AirError> {
        let mut b = AirBuilder::new(self.name());
        let uses = b.column("uses");
        let limbs: Vec<Expr> = (0..self.limbs()).map(|i| b.column(format!("limb[{i}]"))).collect();
        // Once for each row, whatever its uses: who could have a limb required minus once could have any.
        for (i, limb) in limbs.iter().enumerate() {
            b.require(format!("limb[{i}]"), self.0.limb().bus(), Expr::one(), [limb.clone()]);
        }
        // The limbs of a half have 48 bits together, far below the 251 of p: an integer, and every integer below 2^48 is one.
        let radix = 1_u64 << self.0.limb().bits();
        let half = |limbs: &[Expr]| limbs.iter().rev().fold(Expr::zero(), |value, limb| value * radix + limb);
        let (low, high) = limbs.split_at(self.limbs() / 2);
        b.provide("word", buses::WORD96, uses, [half(low), half(high)]);
        b.build()
    }
}

impl Component for Table {
    fn name(&self) -> String {
        format!("word96_{}", self.0.limb().bits())
    }

    fn code(&self) -> u8 {
        match self.0 {
            Limbs::Bytes => 67,
            Limbs::Words12 => 68,
            Limbs::Words16 => 69,
        }
    }

    fn occurrence(&self) -> Occurrence {
        Occurrence::IfRequired(buses::WORD96)
    }

    fn air(&self, _context: Context<'_>) -> Result<Air, ComponentError> {
        Ok(self.table()?)
    }
}

impl Family for Table {
    const PLAIN: &'static [Self] = &Self::ALL;
}
