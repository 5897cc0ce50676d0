//! The values below 2^16. See README.md.

use crate::buses;
use crate::components::columns::columns;
use stark::{Air, AirBuilder, AirError, Rows};

/// `log2` of the number of rows.
pub const LOG_HEIGHT: u32 = 16;

columns! {
    /// The row's number.
    value,
    /// How often it is required elsewhere.
    multiplicity,
}

/// The AIR.
///
/// # Errors
/// None in practice: the description is fixed.
pub fn air() -> Result<Air, AirError> {
    let mut b = AirBuilder::new("word16");
    let Columns { value, multiplicity } = Columns::new(&mut b);
    // Row v holds v. A fixed column of this length would cost the verifier an interpolation of 2^16 points.
    b.constrain("first_value", Rows::First, &value);
    b.constrain("next_value", Rows::Transition, b.next(&value) - &value - 1);
    b.provide("value", buses::WORD16, multiplicity, [value]);
    b.build()
}
