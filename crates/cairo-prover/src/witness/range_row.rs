//! Witness of [`cairo_air::components::range_row`].

use super::multiplicities::{Multiplicities, Tally};
use super::rows::{chunks, zeros};
use super::{Trace, WitnessError};
use cairo_air::TableKind;
use cairo_air::components::Limb;
use cairo_air::components::range_row::{Entry, RangeRow};
use cairo_execution::cells::range_check;
use felt::Felt;
use felt::integers::small;
use rayon::prelude::*;
use stark::Control;

/// Rows that one thread fills at a time; between them it visits the control hook.
const CHUNK: usize = 1 << 10;

/// A table of rows whose first cells are at `addresses`, at least one; padding repeats the first. Counts limbs; the columns of uses are left for
/// [`super::uses::provide`].
///
/// # Errors
/// If a cell is not in the range that its row has for it, or the control hook cancels.
pub fn fill(
    memory: &[Felt],
    row: &RangeRow,
    addresses: &[u32],
    log_height: u32,
    multiplicities: &Multiplicities,
    control: &dyn Control,
) -> Result<Trace, WitnessError> {
    let first = *addresses.first().ok_or(WitnessError::Empty("range row"))?;
    let used = |limb: &Limb| row.entries().iter().any(|entry| entry.range.limb() == *limb);
    let tables: Vec<(Limb, TableKind)> =
        Limb::ALL.into_iter().filter(used).map(|limb| (limb, TableKind::Limb(limb))).collect();
    let height = 1 << log_height;
    let mut columns = zeros(row.uses(), height);
    let filled = chunks(&mut columns, height, CHUNK).into_par_iter().enumerate().with_max_len(1);
    filled.try_for_each(|(number, mut chunk)| {
        control.checkpoint()?;
        let mut tallies: Vec<(Limb, Tally<'_>)> =
            tables.iter().map(|(limb, table)| (*limb, multiplicities.tally(table))).collect();
        // Column by column: a row has too many to be in the cache with all its neighbours.
        let len = chunk.first().map_or(0, |part| part.len());
        let used = addresses.get(number * CHUNK..).unwrap_or_default();
        let used = used.get(..len).unwrap_or(used);
        let all = || used.iter().chain(std::iter::repeat_n(&first, len - used.len()));
        let mut parts = chunk.iter_mut();
        for (slot, at) in parts.next().into_iter().flat_map(|part| part.iter_mut().zip(0..)) {
            *slot = small(u64::from(at < used.len()));
        }
        for (slot, address) in parts.next().into_iter().flat_map(|part| part.iter_mut().zip(all())) {
            *slot = small(u64::from(*address));
        }
        for (cell, Entry { range, .. }) in (0..).zip(row.entries()) {
            let Some((_, tally)) = tallies.iter_mut().find(|(limb, _)| *limb == range.limb()) else { continue };
            let value = |address: &u32| {
                let value = range_check(memory, address + cell)?;
                let error = WitnessError::Range { address: address + cell, range: *range, value };
                value.checked_sub(range.offset()).filter(|_| range.contains(value)).ok_or(error)
            };
            let rests: Vec<u128> = all().map(value).collect::<Result<_, WitnessError>>()?;
            let mask = (1 << range.bits()) - 1;
            for (i, part) in (0..range.limbs()).zip(&mut parts) {
                let excess = range.excess().filter(|_| i + 1 == range.limbs());
                for (at, (slot, rest)) in part.iter_mut().zip(&rests).enumerate() {
                    let limb = (rest >> (i * usize::from(range.bits())) & mask) as u64;
                    *slot = small(limb);
                    if at < used.len() {
                        let _ = tally.add(limb as usize, 1);
                        if let Some(excess) = excess {
                            let _ = tally.add((limb as usize) << excess, 1);
                        }
                    }
                }
            }
        }
        Ok::<_, WitnessError>(())
    })?;
    Ok(columns)
}

#[cfg(test)]
mod tests;
