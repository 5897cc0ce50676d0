//! All bytes with their bits spread. See README.md.

use crate::buses;
use crate::components::columns::columns;
use crate::components::component::{Component, ComponentError, Context, Occurrence};
use crate::components::keccak_chunks::spread;
use felt::Felt;
use stark::{Air, AirBuilder, AirError};

/// `log2` of the number of rows.
pub const LOG_HEIGHT: u32 = 8;

/// The kind: it has nothing but its name.
#[derive(Debug, Clone, Copy)]
pub struct Table;

impl Component for Table {
    fn name(&self) -> String {
        "keccak_bytes".to_owned()
    }

    fn code(&self) -> u8 {
        52
    }

    fn occurrence(&self) -> Occurrence {
        Occurrence::IfRequired(buses::KECCAK_BYTE)
    }

    fn log_height(&self) -> Option<u32> {
        Some(LOG_HEIGHT)
    }

    fn air(&self, _context: Context<'_>) -> Result<Air, ComponentError> {
        Ok(air()?)
    }
}

columns! {
    /// How often the row's pair is required elsewhere.
    multiplicity,
}

/// The AIR. Row `b` holds `b` and the number whose digits to the base 8 are the bits of `b`.
///
/// # Errors
/// None in practice: the description is fixed.
pub fn air() -> Result<Air, AirError> {
    let mut b = AirBuilder::new(Table.name());
    let Columns { multiplicity } = Columns::new(&mut b);
    // Both columns are the verifier's own.
    let mut fixed =
        |entry: fn(u64) -> u64| b.periodic((0..1 << LOG_HEIGHT).map(|row| Felt::from(entry(row))).collect());
    let pair = [fixed(|row| row), fixed(spread)];
    b.provide("pair", buses::KECCAK_BYTE, multiplicity, pair);
    b.build()
}
