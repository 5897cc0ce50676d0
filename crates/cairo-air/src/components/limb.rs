//! The tables of all values of so many bits, in which other tables look up their limbs: [`byte`], [`word12`], [`word16`].

use super::component::{Component, ComponentError, Context, Family, Occurrence};
use super::{byte, word12, word16};
use crate::buses;
use stark::{Air, AirError, Bus};

/// Bits of a limb, and the table of all such values. The order is that of tables in a layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Limb {
    /// The values below 2^8.
    Bits8,
    /// The values below 2^16.
    Bits16,
    /// The values below 2^12.
    Bits12,
}

impl Limb {
    /// All of them, the shortest first.
    pub const ALL: [Self; 3] = [Self::Bits8, Self::Bits12, Self::Bits16];

    /// The limb of so many bits, if there is a table for it.
    pub const fn from_bits(bits: u8) -> Option<Self> {
        match bits {
            8 => Some(Self::Bits8),
            12 => Some(Self::Bits12),
            16 => Some(Self::Bits16),
            _ => None,
        }
    }

    /// Number of bits. The table has a row for each value.
    pub const fn bits(self) -> u8 {
        match self {
            Self::Bits8 => 8,
            Self::Bits12 => 12,
            Self::Bits16 => 16,
        }
    }

    /// The bus of the values.
    pub const fn bus(self) -> Bus {
        match self {
            Self::Bits8 => buses::BYTE,
            Self::Bits12 => buses::WORD12,
            Self::Bits16 => buses::WORD16,
        }
    }

    /// The AIR of the table.
    ///
    /// # Errors
    /// None in practice: the description is fixed.
    pub fn table(self) -> Result<Air, AirError> {
        match self {
            Self::Bits8 => byte::air(),
            Self::Bits12 => word12::air(),
            Self::Bits16 => word16::air(),
        }
    }
}

impl Component for Limb {
    fn name(&self) -> String {
        self.bus().name.to_owned()
    }

    fn code(&self) -> u8 {
        match self {
            Self::Bits8 => 6,
            Self::Bits16 => 7,
            Self::Bits12 => 12,
        }
    }

    fn occurrence(&self) -> Occurrence {
        Occurrence::IfRequired(self.bus())
    }

    fn log_height(&self) -> Option<u32> {
        Some(u32::from(self.bits()))
    }

    fn air(&self, _context: Context<'_>) -> Result<Air, ComponentError> {
        Ok(self.table()?)
    }
}

impl Family for Limb {
    const PLAIN: &'static [Self] = &[Self::Bits8, Self::Bits16, Self::Bits12];
}
