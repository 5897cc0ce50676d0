//! Witness of [`cairo_air::components::memory`].

use super::multiplicities::Multiplicities;
use super::rows::{chunks, zeros};
use super::{Trace, WitnessError};
use cairo_air::components::memory::{CELLS, Columns, WIDTH};
use felt::Felt;
use felt::integers::small;
use rayon::prelude::*;
use stark::Control;

/// Rows that one thread fills at a time; between them it visits the control hook.
const CHUNK: usize = 1 << 11;

/// Rows that are written column by column, so many that their part of memory stays in a core's first cache meanwhile.
const TILE: usize = 1 << 6;

/// The chunk of `2^log_height` rows whose first cell has address `start`. Cells past the end hold 0.
pub fn fill(
    memory: &[Felt],
    start: u64,
    log_height: u32,
    multiplicities: &Multiplicities,
    control: &dyn Control,
) -> Result<Trace, WitnessError> {
    let height = 1 << log_height;
    let positions = Columns::positions();
    let mut columns = zeros(WIDTH, height);
    let filled = chunks(&mut columns, height, CHUNK).into_par_iter().enumerate().with_max_len(1);
    filled.try_for_each(|(number, mut chunk)| {
        control.checkpoint()?;
        let len = chunk.first().map_or(0, |part| part.len());
        let cell = |row: usize, k: usize| start as usize + CELLS * (number * CHUNK + row) + k;
        for first in (0..len).step_by(TILE) {
            let rows = first..len.min(first + TILE);
            for row in rows.clone() {
                chunk[positions.address][row] = small(cell(row, 0) as u64);
            }
            for (k, (value, multiplicity)) in positions.value.into_iter().zip(positions.multiplicity).enumerate() {
                for row in rows.clone() {
                    chunk[value][row] = memory.get(cell(row, k)).copied().unwrap_or_else(Felt::zero);
                }
                for row in rows.clone() {
                    chunk[multiplicity][row] = small(u64::from(multiplicities.memory_uses(cell(row, k))));
                }
            }
        }
        Ok::<_, WitnessError>(())
    })?;
    Ok(columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_and_their_uses_lie_side_by_side() {
        let memory: Vec<Felt> = (0..5000_u64).map(|cell| Felt::from(7 * cell)).collect();
        let multiplicities = Multiplicities::new(memory.len());
        for cell in 1..5000_u32 {
            multiplicities.memory(cell, cell % 5).expect("within memory");
        }
        let columns = fill(&memory, 1, 10, &multiplicities, &stark::NoControl).expect("nobody cancels");
        let positions = Columns::positions();
        for (row, found) in columns[positions.address].iter().enumerate() {
            let address = 1 + CELLS * row;
            assert_eq!(*found, Felt::from(address as u64));
            for k in 0..CELLS {
                let cell = if address + k < 5000 { (address + k) as u64 } else { 0 };
                assert_eq!(columns[positions.value[k]][row], Felt::from(7 * cell));
                assert_eq!(columns[positions.multiplicity[k]][row], Felt::from(cell % 5));
            }
        }
    }
}
