//! The write-once memory, eight cells a row. See README.md.

use crate::buses;
use crate::components::columns::columns;
use crate::components::component::{Component, ComponentError, Context, Occurrence};
use stark::{Air, AirBuilder, AirError, Expr, Rows};

/// Cells of a row.
pub const CELLS: usize = 8;

/// The kind: it has nothing but its name.
#[derive(Debug, Clone, Copy)]
pub struct Table;

impl Component for Table {
    fn name(&self) -> String {
        "memory".to_owned()
    }

    fn code(&self) -> u8 {
        1
    }

    fn occurrence(&self) -> Occurrence {
        Occurrence::AsNeeded
    }

    fn air(&self, context: Context<'_>) -> Result<Air, ComponentError> {
        Ok(air(context.memory_start)?)
    }
}

columns! {
    /// Address of the row's first cell.
    address,
    /// The cells.
    value[8],
    /// How often each cell is required elsewhere.
    multiplicity[8],
}

/// The AIR of the chunk whose first cell has address `start`.
///
/// # Errors
/// None in practice: the description is fixed.
pub fn air(start: u64) -> Result<Air, AirError> {
    let mut b = AirBuilder::new("memory");
    let Columns { address, value, multiplicity } = Columns::new(&mut b);
    let cells = Expr::from(CELLS as u64);
    // With the first address fixed by the verifier and every later row eight further on, row r holds the cells
    // start + 8r .. start + 8r + 7. Heights are bounded so that these integers are far below p.
    b.constrain("first_address", Rows::First, &address - start);
    b.constrain("next_address", Rows::Transition, b.next(&address) - &address - cells);
    for (k, (value, multiplicity)) in value.into_iter().zip(multiplicity).enumerate() {
        // Nothing bounds the multiplicity: whatever it is, the tuple is the only one that this address has.
        b.provide(format!("cell[{k}]"), buses::MEMORY, multiplicity, [&address + k as u64, value]);
    }
    b.build()
}
