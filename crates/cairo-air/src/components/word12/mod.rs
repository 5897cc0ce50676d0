//! The values below 2^12. See README.md.

use crate::buses;
use crate::components::columns::columns;
use stark::{Air, AirBuilder, AirError, Rows};

/// `log2` of the number of rows.
pub const LOG_HEIGHT: u32 = 12;

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
    let mut b = AirBuilder::new("word12");
    let Columns { value, multiplicity } = Columns::new(&mut b);
    // Row v holds v. A fixed column of this length would cost the verifier an interpolation of 2^12 points.
    b.constrain("first_value", Rows::First, &value);
    b.constrain("next_value", Rows::Transition, b.next(&value) - &value - 1);
    b.provide("value", buses::WORD12, multiplicity, [value]);
    b.build()
}
