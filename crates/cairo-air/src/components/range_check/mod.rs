//! The range_check builtin: values below 2^128. See README.md.

use super::Limb;
use super::component::{Component, ComponentError, Context, Family, Occurrence};
use crate::components::columns::columns;
use crate::{Builtin, Segment};
use stark::{Air, AirBuilder, AirError, Expr};

/// What values are cut into: the builtin's tables, in the order that they have in layouts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Limbs {
    /// Sixteen bytes.
    Bytes,
    /// Eleven words of 12 bits.
    Words12,
    /// Eight words of 16 bits.
    Words16,
}

impl Limbs {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Bytes, Self::Words12, Self::Words16];

    /// One of them.
    pub const fn limb(self) -> Limb {
        match self {
            Self::Bytes => Limb::Bits8,
            Self::Words12 => Limb::Bits12,
            Self::Words16 => Limb::Bits16,
        }
    }

    /// The AIR of the table for a segment.
    ///
    /// # Errors
    /// None in practice: the description is fixed.
    pub fn table(self, Segment { base, stop }: Segment) -> Result<Air, AirError> {
        match self {
            Self::Bytes => bytes::air(base, stop),
            Self::Words12 => words12::air(base, stop),
            Self::Words16 => words16::air(base, stop),
        }
    }
}

impl Component for Limbs {
    fn name(&self) -> String {
        format!("range_check{}", self.limb().bits())
    }

    fn code(&self) -> u8 {
        match self {
            Self::Bytes => 9,
            Self::Words12 => 13,
            Self::Words16 => 10,
        }
    }

    fn occurrence(&self) -> Occurrence {
        Occurrence::Builtin(Builtin::RangeCheck)
    }

    fn air(&self, context: Context<'_>) -> Result<Air, ComponentError> {
        Ok(self.table(context.segment(Builtin::RangeCheck)?)?)
    }
}

impl Family for Limbs {
    const PLAIN: &'static [Self] = &Self::ALL;
}

/// Limbs of a value, each a byte.
pub mod bytes {
    use super::*;

    columns! {
        /// Address of the checked cell.
        address,
        /// Its value's limbs, least significant first.
        limb[16],
    }

    /// The AIR for the cells `base..stop`.
    ///
    /// # Errors
    /// None in practice: the description is fixed.
    pub fn air(base: u32, stop: u32) -> Result<Air, AirError> {
        let mut b = AirBuilder::new(Limbs::Bytes.name());
        let Columns { address, limb } = Columns::new(&mut b);
        super::constrain(&mut b, &address, &limb, Limbs::Bytes.limb(), (base, stop));
        b.build()
    }
}

/// Limbs of a value, each a word of 12 bits.
pub mod words12 {
    use super::*;

    columns! {
        /// Address of the checked cell.
        address,
        /// Its value's limbs, least significant first.
        limb[11],
    }

    /// The AIR for the cells `base..stop`.
    ///
    /// # Errors
    /// None in practice: the description is fixed.
    pub fn air(base: u32, stop: u32) -> Result<Air, AirError> {
        let mut b = AirBuilder::new(Limbs::Words12.name());
        let Columns { address, limb } = Columns::new(&mut b);
        super::constrain(&mut b, &address, &limb, Limbs::Words12.limb(), (base, stop));
        // Eleven limbs are 132 bits, four too many. The top limb's own lookup makes it an integer below 2^12, so 16 times it is
        // an integer below 2^16 and no other modulo p; it is below 2^12 exactly if the limb is below 2^8.
        let [.., top] = limb;
        b.require("top", Limb::Bits12.bus(), Expr::one(), [top * 16]);
        b.build()
    }
}

/// Limbs of a value, each a word of 16 bits.
pub mod words16 {
    use super::*;

    columns! {
        /// Address of the checked cell.
        address,
        /// Its value's limbs, least significant first.
        limb[8],
    }

    /// The AIR for the cells `base..stop`.
    ///
    /// # Errors
    /// None in practice: the description is fixed.
    pub fn air(base: u32, stop: u32) -> Result<Air, AirError> {
        let mut b = AirBuilder::new(Limbs::Words16.name());
        let Columns { address, limb } = Columns::new(&mut b);
        super::constrain(&mut b, &address, &limb, Limbs::Words16.limb(), (base, stop));
        b.build()
    }
}

/// What the tables of range_check and range_check96 have in common: each cell of `base..stop` holds the sum of its row's limbs.
pub(super) fn constrain(b: &mut AirBuilder, address: &Expr, limbs: &[Expr], limb: Limb, (base, stop): (u32, u32)) {
    let (bus, radix) = (limb.bus(), 1_u64 << limb.bits());
    super::constrain_segment(b, address, 1, None, (base, stop));
    // The limbs' number times their width is at most 132 bits, below the 251 of p: the sum is an integer and does not wrap. It
    // is below 2^128 if the limbs have 128 bits.
    let value = limbs.iter().rev().fold(Expr::zero(), |value, limb| value * radix + limb);
    for (i, limb) in limbs.iter().enumerate() {
        b.require(format!("limb[{i}]"), bus, Expr::one(), [limb.clone()]);
    }
    b.require("cell", crate::buses::MEMORY, Expr::one(), [address.clone(), value]);
}
