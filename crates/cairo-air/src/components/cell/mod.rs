//! Owned memory cells that no path row owns, one a row. See README.md.

use crate::buses;
use crate::components::columns::columns;
use crate::components::component::{Component, ComponentError, Context, Occurrence};
use stark::{Air, AirBuilder, AirError};

/// The kind: it has nothing but its name.
#[derive(Debug, Clone, Copy)]
pub struct Table;

impl Component for Table {
    fn name(&self) -> String {
        "cell".to_owned()
    }

    fn code(&self) -> u8 {
        18
    }

    fn occurrence(&self) -> Occurrence {
        Occurrence::AsNeeded
    }

    fn air(&self, _context: Context<'_>) -> Result<Air, ComponentError> {
        Ok(air()?)
    }
}

columns! {
    /// 1 on rows in use.
    enabler,
    /// Address of the cell.
    address,
    /// The cell.
    value,
    /// How often it is required elsewhere.
    uses,
}

/// The AIR.
///
/// # Errors
/// None in practice: the description is fixed.
pub fn air() -> Result<Air, AirError> {
    let mut b = AirBuilder::new("cell");
    let Columns { enabler, address, value, uses } = Columns::new(&mut b);
    b.constrain_boolean("boolean_enabler", &enabler);
    // A row in use requires its address, so it alone has it: see the bus. A row of padding has no terms at all.
    b.require("owns", buses::OWNED, &enabler, [address.clone()]);
    b.provide("owned", buses::OWNED, &enabler, [&address + 1]);
    // Nothing bounds the count: whatever it is, the tuple is the only one that this address has.
    b.provide("cell", buses::MEMORY, &enabler * &uses, [address, value]);
    b.build()
}
