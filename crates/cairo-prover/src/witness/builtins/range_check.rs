//! Witness of [`cairo_air::components::range_check`].

use super::Source;
use crate::error::WitnessError;
use crate::witness::Trace;
use crate::witness::multiplicities::{Multiplicities, Tally};
use crate::witness::rows::fill_rows;
use cairo_air::components::Limb;
use cairo_air::components::range_check::{Limbs, bytes, words12, words16};
use cairo_air::{Segment, TableEntry, TableKind};
use cairo_execution::cells;
use felt::Felt;
use felt::integers::small;
use stark::Control;
use std::array::from_fn;

/// The address and value of the segment's cell `row`, or of its last one; counts the lookup.
fn value(memory: &[Felt], segment: Segment, row: usize, uses: &mut Tally<'_>) -> Result<(u32, u128), WitnessError> {
    let last =
        segment.stop.checked_sub(1).filter(|last| *last >= segment.base).ok_or(WitnessError::Empty("range_check"))?;
    let address = last.min(segment.base.saturating_add(u32::try_from(row).unwrap_or(u32::MAX)));
    uses.add(address as usize, 1).ok_or(WitnessError::Address(u64::from(address)))?;
    Ok((address, cells::range_check(memory, address)?))
}

/// The builtin's table.
pub(super) fn tables(source: &Source<'_>, entries: &[&TableEntry]) -> Result<Vec<Trace>, WitnessError> {
    let table = |entry: &&TableEntry| {
        let TableKind::RangeCheck(limbs) = entry.kind else { return Err(WitnessError::Empty("range_check")) };
        let Source { execution, segment, multiplicities, control } = source;
        fill(limbs, &execution.memory, *segment, entry.log_height, multiplicities, *control)
    };
    entries.iter().map(table).collect()
}

/// The table with these limbs.
pub fn fill(
    limbs: Limbs,
    memory: &[Felt],
    segment: Segment,
    log_height: u32,
    multiplicities: &Multiplicities,
    control: &dyn Control,
) -> Result<Trace, WitnessError> {
    match limbs {
        Limbs::Bytes => fill_bytes(memory, segment, log_height, multiplicities, control),
        Limbs::Words12 => fill_words12(memory, segment, log_height, multiplicities, control),
        Limbs::Words16 => fill_words16(memory, segment, log_height, multiplicities, control),
    }
}

/// With bytes as limbs.
pub fn fill_bytes(
    memory: &[Felt],
    segment: Segment,
    log_height: u32,
    multiplicities: &Multiplicities,
    control: &dyn Control,
) -> Result<Trace, WitnessError> {
    let state = || [multiplicities.memory_tally(), multiplicities.tally(&TableKind::Limb(Limb::Bits8))];
    fill_rows(1 << log_height, control, state, |[cells, bytes], row| {
        let (address, value) = value(memory, segment, row, cells)?;
        let limb = value.to_le_bytes();
        for limb in limb {
            let _ = bytes.add(usize::from(limb), 1);
        }
        let columns =
            bytes::Columns { address: small(u64::from(address)), limb: limb.map(|limb| small(u64::from(limb))) };
        Ok(columns.into_row())
    })
}

/// With 12-bit words as limbs.
pub fn fill_words12(
    memory: &[Felt],
    segment: Segment,
    log_height: u32,
    multiplicities: &Multiplicities,
    control: &dyn Control,
) -> Result<Trace, WitnessError> {
    let state = || [multiplicities.memory_tally(), multiplicities.tally(&TableKind::Limb(Limb::Bits12))];
    fill_rows(1 << log_height, control, state, |[cells, words], row| {
        let (address, value) = value(memory, segment, row, cells)?;
        let limb: [u16; 11] = from_fn(|i| (value >> (12 * i)) as u16 & 0xfff);
        // The top limb has 8 bits: shifted by four it is still a word of 12.
        let [.., top] = limb;
        for word in limb.into_iter().chain([top << 4]) {
            let _ = words.add(usize::from(word), 1);
        }
        let columns =
            words12::Columns { address: small(u64::from(address)), limb: limb.map(|limb| small(u64::from(limb))) };
        Ok(columns.into_row())
    })
}

/// With 16-bit words as limbs.
pub fn fill_words16(
    memory: &[Felt],
    segment: Segment,
    log_height: u32,
    multiplicities: &Multiplicities,
    control: &dyn Control,
) -> Result<Trace, WitnessError> {
    let state = || [multiplicities.memory_tally(), multiplicities.tally(&TableKind::Limb(Limb::Bits16))];
    fill_rows(1 << log_height, control, state, |[cells, words], row| {
        let (address, value) = value(memory, segment, row, cells)?;
        let limb: [u16; 8] = from_fn(|i| (value >> (16 * i)) as u16);
        for limb in limb {
            let _ = words.add(usize::from(limb), 1);
        }
        let columns =
            words16::Columns { address: small(u64::from(address)), limb: limb.map(|limb| small(u64::from(limb))) };
        Ok(columns.into_row())
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use cairo_execution::ExecutionError;
    use felt::encoding;
    use stark::{MIN_LOG_HEIGHT, NoControl};

    /// Limbs of each width make up the value again; values that are too large are refused.
    #[test]
    fn values_at_the_edges() {
        type Fill = fn(&[Felt], Segment, u32, &Multiplicities, &dyn Control) -> Result<Trace, WitnessError>;
        let fills: [(Fill, u64, usize); 3] = [(fill_bytes, 8, 16), (fill_words12, 12, 11), (fill_words16, 16, 8)];
        let two = |bits: u64| Felt::from(2_u64).pow(bits);
        let one = Felt::one();
        for (fill, bits, limbs) in fills {
            let filled = |value: Felt| {
                let memory = [Felt::zero(), Felt::zero(), value];
                let multiplicities = Multiplicities::new(memory.len());
                let segment = Segment { base: 2, stop: 3 };
                let trace = fill(&memory, segment, MIN_LOG_HEIGHT, &multiplicities, &NoControl)?;
                assert_eq!(multiplicities.memory_uses(2), 1 << MIN_LOG_HEIGHT);
                Ok::<_, WitnessError>((trace, multiplicities))
            };
            for value in [Felt::zero(), one, two(120) - one, two(120), two(127), two(128) - two(120), two(128) - one] {
                let (trace, multiplicities) = filled(value).unwrap();
                assert_eq!(trace.len(), 1 + limbs);
                let sum = trace[1..].iter().rev().fold(Felt::zero(), |sum, limb| sum * two(bits) + limb[0]);
                assert_eq!(sum, value);
                // Every limb is counted, and the top one of 12 bits twice.
                let limb = Limb::from_bits(bits as u8).unwrap();
                let uses = multiplicities.uses(&TableKind::Limb(limb));
                let mut expected = vec![Felt::zero(); uses.len()];
                let top = (bits == 12).then(|| trace[limbs][0] * Felt::from(16_u64));
                for word in trace[1..].iter().map(|limb| limb[0]).chain(top) {
                    let row = usize::try_from(encoding::to_u64(&word).unwrap()).unwrap();
                    expected[row] += Felt::from(1_u64 << MIN_LOG_HEIGHT);
                }
                assert!(uses == expected, "{bits} bits");
            }
            for value in [two(128), two(128) + one, two(132) - one, two(250), -one, -two(128)] {
                let refused = ExecutionError::RangeCheck { address: 2, found: encoding::to_hex(&value) };
                assert_eq!(filled(value).err(), Some(WitnessError::Execution(refused)), "{bits} bits");
            }
        }
    }
}
