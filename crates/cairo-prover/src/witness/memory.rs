//! Witness of [`cairo_air::components::memory`].

use super::counters::Counters;
use super::integers::small;
use super::rows::fill_rows;
use super::{Trace, WitnessError};
use cairo_air::components::memory::{CELLS, Columns};
use felt::Felt;
use stark::{Control, MIN_LOG_HEIGHT};
use std::array::from_fn;

/// Rows that a second chunk must save: fewer, and its columns cost more in openings than the rows.
const MIN_SAVED_ROWS: usize = 1 << 13;

/// Heights of the chunks for a memory of `cells` addresses (from 0).
pub fn log_heights(cells: usize) -> Vec<u32> {
    let rows = cells.saturating_sub(1).div_ceil(CELLS).max(1 << MIN_LOG_HEIGHT);
    let whole = rows.next_power_of_two();
    let (first, rest) = (whole / 2, (rows - whole / 2).max(1 << MIN_LOG_HEIGHT).next_power_of_two());
    if rows == whole || first + rest + MIN_SAVED_ROWS > whole {
        return vec![whole.ilog2()];
    }
    vec![first.ilog2(), rest.ilog2()]
}

/// The chunk of `2^log_height` rows whose first cell has address `start`. Cells past the end hold 0.
pub fn fill(
    memory: &[Felt],
    start: u64,
    log_height: u32,
    counters: &Counters,
    control: &dyn Control,
) -> Result<Trace, WitnessError> {
    fill_rows(
        1 << log_height,
        control,
        || (),
        |(), row| {
            let address = start as usize + CELLS * row;
            let columns = Columns {
                address: small(address as u64),
                value: match memory.get(address..).and_then(|cells| cells.first_chunk::<CELLS>()) {
                    Some(cells) => *cells,
                    None => from_fn(|k| memory.get(address + k).copied().unwrap_or_else(Felt::zero)),
                },
                multiplicity: from_fn(|k| small(u64::from(counters.memory_uses(address + k)))),
            };
            Ok(columns.into_row())
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_cover_memory_tightly() {
        for cells in [0, 1, 2, 513, 514, 8 << 14, (8 << 14) + 2, (8 << 20) + 1, (8 << 20) + 2, 10 << 20] {
            let heights = log_heights(cells);
            let rows: usize = heights.iter().map(|log| 1usize << log).sum();
            let needed = cells.saturating_sub(1).div_ceil(8);
            assert!(rows >= needed, "{cells} cells: {heights:?}");
            assert!(rows <= 64.max(needed.next_power_of_two()), "{cells} cells: {heights:?}");
        }
        assert_eq!(log_heights((8 << 20) + 2), [20, 6]);
    }
}
