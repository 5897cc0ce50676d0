//! Witness of [`cairo_air::components::range`].

use super::multiplicities::Multiplicities;
use super::rows::fill_rows;
use super::{Trace, WitnessError};
use cairo_air::TableKind;
use cairo_air::components::range::Range;
use cairo_execution::cells::range_check;
use felt::Felt;
use felt::integers::small;
use stark::Control;

/// A table with the cells at `addresses`, at least one. Counts limbs; the column of uses is left for [`set_uses`].
pub fn fill(
    memory: &[Felt],
    range: &Range,
    addresses: &[u32],
    log_height: u32,
    multiplicities: &Multiplicities,
    control: &dyn Control,
) -> Result<Trace, WitnessError> {
    match range.limbs() {
        1 => fill_limbs::<1, 4>(memory, range, addresses, log_height, multiplicities, control),
        2 => fill_limbs::<2, 5>(memory, range, addresses, log_height, multiplicities, control),
        3 => fill_limbs::<3, 6>(memory, range, addresses, log_height, multiplicities, control),
        4 => fill_limbs::<4, 7>(memory, range, addresses, log_height, multiplicities, control),
        5 => fill_limbs::<5, 8>(memory, range, addresses, log_height, multiplicities, control),
        6 => fill_limbs::<6, 9>(memory, range, addresses, log_height, multiplicities, control),
        7 => fill_limbs::<7, 10>(memory, range, addresses, log_height, multiplicities, control),
        8 => fill_limbs::<8, 11>(memory, range, addresses, log_height, multiplicities, control),
        _ => {
            // Wide ones are for short segments.
            let mut trace = fill_limbs::<16, 19>(memory, range, addresses, log_height, multiplicities, control)?;
            trace.truncate(range.columns());
            Ok(trace)
        }
    }
}

fn fill_limbs<const LIMBS: usize, const COLUMNS: usize>(
    memory: &[Felt],
    range: &Range,
    addresses: &[u32],
    log_height: u32,
    multiplicities: &Multiplicities,
    control: &dyn Control,
) -> Result<Trace, WitnessError> {
    let first = *addresses.first().ok_or(WitnessError::Empty("range"))?;
    let table = TableKind::Limb(range.limb());
    let tally = || multiplicities.tally(&table);
    let mask = (1 << range.bits()) - 1;
    fill_rows(1 << log_height, control, tally, |tally, row| {
        let used = addresses.get(row);
        let address = *used.unwrap_or(&first);
        let rest = range_check(memory, address)?.wrapping_sub(range.offset());
        let mut columns = [Felt::zero(); COLUMNS];
        columns[Range::ENABLER] = small(u64::from(used.is_some()));
        columns[Range::ADDRESS] = small(u64::from(address));
        for (i, column) in columns[Range::LIMBS..].iter_mut().enumerate().take(range.limbs()) {
            let limb = (rest >> (i * usize::from(range.bits())) & mask) as u64;
            *column = small(limb);
            if used.is_some() {
                let _ = tally.add(limb as usize, 1);
                if let Some(excess) = range.excess().filter(|_| i + 1 == range.limbs()) {
                    let _ = tally.add((limb as usize) << excess, 1);
                }
            }
        }
        Ok(columns)
    })
}

/// Fills the column of uses, when all lookups are counted.
pub fn set_uses(trace: &mut Trace, addresses: &[u32], multiplicities: &Multiplicities) {
    let Some(column) = trace.get_mut(Range::USES) else { return };
    let uses = |address: &u32| small(u64::from(multiplicities.memory_uses(*address as usize)));
    let first = addresses.first().map_or_else(Felt::zero, uses);
    let used = addresses.iter().map(uses).chain(std::iter::repeat(first));
    column.iter_mut().zip(used).for_each(|(slot, uses)| *slot = uses);
}

#[cfg(test)]
mod tests;
