//! The values below 2^8. See README.md.

use crate::buses;
use crate::components::columns::columns;
use felt::Felt;
use stark::{Air, AirBuilder, AirError};

/// `log2` of the number of rows.
pub const LOG_HEIGHT: u32 = 8;

columns! {
    /// How often the row's value is required elsewhere.
    multiplicity,
}

/// The AIR.
///
/// # Errors
/// None in practice: the description is fixed.
pub fn air() -> Result<Air, AirError> {
    let mut b = AirBuilder::new("byte");
    let Columns { multiplicity } = Columns::new(&mut b);
    // Row v holds v: the column is the verifier's own.
    let value = b.periodic((0..1 << LOG_HEIGHT).map(|v: u64| Felt::from(v)).collect());
    b.provide("value", buses::BYTE, multiplicity, [value]);
    b.build()
}
