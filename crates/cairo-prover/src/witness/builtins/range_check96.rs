//! Witness of [`cairo_air::components::range_check96`].

use super::Source;
use crate::error::WitnessError;
use crate::witness::Trace;
use crate::witness::multiplicities::Multiplicities;
use crate::witness::rows::fill_rows;
use cairo_air::components::range_check::Limbs;
use cairo_air::components::range_check96::Table;
use cairo_air::{Segment, TableEntry, TableKind};
use cairo_execution::cells;
use felt::Felt;
use felt::integers::small;
use stark::Control;

/// The builtin's table.
pub(super) fn tables(source: &Source<'_>, entries: &[&TableEntry]) -> Result<Vec<Trace>, WitnessError> {
    let table = |entry: &&TableEntry| {
        let TableKind::RangeCheck96(table) = entry.kind else { return Err(WitnessError::Empty("range_check96")) };
        let Source { execution, segment, multiplicities, control } = source;
        fill(table, &execution.memory, *segment, entry.log_height, multiplicities, *control)
    };
    entries.iter().map(table).collect()
}

/// One cell after the other; padding repeats the last.
pub fn fill(
    table: Table,
    memory: &[Felt],
    segment: Segment,
    log_height: u32,
    multiplicities: &Multiplicities,
    control: &dyn Control,
) -> Result<Trace, WitnessError> {
    match table.0 {
        Limbs::Bytes => fill_limbs::<13>(table, memory, segment, log_height, multiplicities, control),
        Limbs::Words12 => fill_limbs::<9>(table, memory, segment, log_height, multiplicities, control),
        Limbs::Words16 => fill_limbs::<7>(table, memory, segment, log_height, multiplicities, control),
    }
}

/// `W` is the number of columns: the address and the limbs.
fn fill_limbs<const W: usize>(
    table: Table,
    memory: &[Felt],
    segment: Segment,
    log_height: u32,
    multiplicities: &Multiplicities,
    control: &dyn Control,
) -> Result<Trace, WitnessError> {
    let last = segment.stop.checked_sub(1).filter(|last| *last >= segment.base);
    let last = last.ok_or(WitnessError::Empty("range_check96"))?;
    let limb = table.0.limb();
    let state = || [multiplicities.memory_tally(), multiplicities.tally(&TableKind::Limb(limb))];
    fill_rows(1 << log_height, control, state, |[cells, limbs], row| {
        let address = last.min(segment.base.saturating_add(u32::try_from(row).unwrap_or(u32::MAX)));
        cells.add(address as usize, 1).ok_or(WitnessError::Address(u64::from(address)))?;
        let mut rest = cells::range_check96(memory, address)?;
        let mut columns = [Felt::zero(); W];
        columns[Table::ADDRESS] = small(u64::from(address));
        for column in &mut columns[Table::LIMBS..] {
            let word = rest as u64 & ((1 << limb.bits()) - 1);
            let _ = limbs.add(word as usize, 1);
            *column = small(word);
            rest >>= limb.bits();
        }
        Ok(columns)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use cairo_execution::ExecutionError;
    use felt::encoding;
    use stark::{MIN_LOG_HEIGHT, NoControl};

    /// Limbs of each width make up the value again and are counted; values that are too large are refused.
    #[test]
    fn values_at_the_edges() {
        let two = |bits: u64| Felt::from(2_u64).pow(bits);
        let one = Felt::one();
        for table in Table::ALL {
            let bits = u64::from(table.0.limb().bits());
            let filled = |value: Felt| {
                let memory = [Felt::zero(), Felt::zero(), value];
                let multiplicities = Multiplicities::new(memory.len());
                let segment = Segment { base: 2, stop: 3 };
                let trace = fill(table, &memory, segment, MIN_LOG_HEIGHT, &multiplicities, &NoControl)?;
                assert_eq!(multiplicities.memory_uses(2), 1 << MIN_LOG_HEIGHT);
                Ok::<_, WitnessError>((trace, multiplicities))
            };
            for value in [Felt::zero(), one, two(48), two(49) - one, two(64) + one, two(95), two(96) - one] {
                let (trace, multiplicities) = filled(value).unwrap();
                assert_eq!(trace.len(), 1 + table.limbs());
                let sum = trace[1..].iter().rev().fold(Felt::zero(), |sum, limb| sum * two(bits) + limb[0]);
                assert_eq!(sum, value);
                let uses = multiplicities.uses(&TableKind::Limb(table.0.limb()));
                let mut expected = vec![Felt::zero(); uses.len()];
                for limb in &trace[1..] {
                    expected[encoding::to_u64(&limb[0]).unwrap() as usize] += Felt::from(1_u64 << MIN_LOG_HEIGHT);
                }
                assert!(uses == expected, "{bits} bits");
            }
            for value in [two(96), two(96) + one, two(128) - one, two(250), -one, -two(96)] {
                let refused = ExecutionError::RangeCheck96 { address: 2, found: encoding::to_hex(&value) };
                assert_eq!(filled(value).err(), Some(WitnessError::Execution(refused)), "{bits} bits");
            }
        }
    }
}
