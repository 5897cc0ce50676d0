//! All pairs of nibbles with their conjunction. See README.md.

use crate::buses;
use crate::components::columns::columns;
use crate::components::component::{Component, ComponentError, Context, Occurrence};
use felt::Felt;
use stark::{Air, AirBuilder, AirError};

/// `log2` of the number of rows.
pub const LOG_HEIGHT: u32 = 8;

/// The kind: it has nothing but its name.
#[derive(Debug, Clone, Copy)]
pub struct Table;

impl Component for Table {
    fn name(&self) -> String {
        "nibble_and".to_owned()
    }

    fn code(&self) -> u8 {
        8
    }

    fn occurrence(&self) -> Occurrence {
        Occurrence::IfRequired(buses::NIBBLE_AND)
    }

    fn log_height(&self) -> Option<u32> {
        Some(LOG_HEIGHT)
    }

    fn air(&self, _context: Context<'_>) -> Result<Air, ComponentError> {
        Ok(air()?)
    }
}

columns! {
    /// How often the row's triple is required elsewhere.
    multiplicity,
}

/// The AIR. Row `16a + b` holds `(a, b, a & b)`.
///
/// # Errors
/// None in practice: the description is fixed.
pub fn air() -> Result<Air, AirError> {
    let mut b = AirBuilder::new("nibble_and");
    let Columns { multiplicity } = Columns::new(&mut b);
    // All three columns are the verifier's own.
    let mut fixed =
        |entry: fn(u64) -> u64| b.periodic((0..1 << LOG_HEIGHT).map(|row| Felt::from(entry(row))).collect());
    let triple = [fixed(|row| row >> 4), fixed(|row| row & 15), fixed(|row| (row >> 4) & row & 15)];
    b.provide("triple", buses::NIBBLE_AND, multiplicity, triple);
    b.build()
}
