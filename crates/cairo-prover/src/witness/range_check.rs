//! Witness of [`cairo_air::components::range_check`].

use super::counters::{Counters, Tally};
use super::rows::fill_rows;
use super::{Trace, WitnessError};
use crate::planner::cost;
use cairo_air::components::derived::Size;
use cairo_air::components::range_check::{bytes, words12, words16};
use cairo_air::components::{byte, word12, word16};
use cairo_air::{Segment, TableKind};
use cairo_execution::cells;
use felt::Felt;
use felt::integers::small;
use stark::{Control, MIN_LOG_HEIGHT};
use std::array::from_fn;

/// What the values of a segment are cut into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limbs {
    /// Sixteen bytes.
    Bytes,
    /// Eleven words of 12 bits.
    Words12,
    /// Eight words of 16 bits.
    Words16,
}

impl Limbs {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Bytes, Self::Words12, Self::Words16];

    /// The limbs for a segment of this many cells: those whose tables have the fewest committed cells, and of several the fewest
    /// columns. That some other table may need the byte table too is not taken into account.
    pub fn cheapest(cells: u32) -> Self {
        let cost = |limbs: &Self| {
            let (rows, range) = limbs.sizes();
            (limbs.committed(cells), cost::half_columns(rows) + cost::half_columns(range))
        };
        Self::ALL.into_iter().min_by_key(cost).unwrap_or(Self::Bytes)
    }

    /// Committed cells of both tables for a segment of this many cells. Half a LogUp column counts as such.
    pub fn committed(self, cells: u32) -> u64 {
        let (rows, range) = self.sizes();
        cost::cells(rows, cost::log_height(u64::from(cells))) + cost::cells(range, self.range_log_height())
    }

    /// The builtin's table.
    pub const fn table(self) -> TableKind {
        match self {
            Self::Bytes => TableKind::RangeCheck8,
            Self::Words12 => TableKind::RangeCheck12,
            Self::Words16 => TableKind::RangeCheck16,
        }
    }

    /// The table in which it looks up its limbs.
    pub const fn range(self) -> TableKind {
        match self {
            Self::Bytes => TableKind::Byte,
            Self::Words12 => TableKind::Word12,
            Self::Words16 => TableKind::Word16,
        }
    }

    /// `log2` of that table's height.
    pub const fn range_log_height(self) -> u32 {
        match self {
            Self::Bytes => byte::LOG_HEIGHT,
            Self::Words12 => word12::LOG_HEIGHT,
            Self::Words16 => word16::LOG_HEIGHT,
        }
    }

    /// The builtin's table and the one for its limbs. A row looks up each limb and the cell, words of 12 bits also the top limb
    /// once more.
    pub const fn sizes(self) -> (Size, Size) {
        const fn size(columns: usize, interactions: usize) -> Size {
            Size { columns, interactions }
        }
        match self {
            Self::Bytes => (size(bytes::WIDTH, bytes::WIDTH), size(byte::WIDTH, 1)),
            Self::Words12 => (size(words12::WIDTH, words12::WIDTH + 1), size(word12::WIDTH, 1)),
            Self::Words16 => (size(words16::WIDTH, words16::WIDTH), size(word16::WIDTH, 1)),
        }
    }
}

/// The table's height for a segment.
pub fn log_height(segment: Segment) -> u32 {
    (segment.stop - segment.base).max(1 << MIN_LOG_HEIGHT).next_power_of_two().ilog2()
}

/// The address and value of the segment's cell `row`, or of its last one; counts the look-up.
fn value(memory: &[Felt], segment: Segment, row: usize, uses: &mut Tally<'_>) -> Result<(u32, u128), WitnessError> {
    let last =
        segment.stop.checked_sub(1).filter(|last| *last >= segment.base).ok_or(WitnessError::Empty("range_check"))?;
    let address = last.min(segment.base.saturating_add(u32::try_from(row).unwrap_or(u32::MAX)));
    uses.add(address as usize, 1).ok_or(WitnessError::Address(u64::from(address)))?;
    Ok((address, cells::range_check(memory, address)?))
}

/// With bytes as limbs.
pub fn fill_bytes(
    memory: &[Felt],
    segment: Segment,
    log_height: u32,
    counters: &Counters,
    control: &dyn Control,
) -> Result<Trace, WitnessError> {
    let state = || [counters.memory_tally(), counters.byte_tally()];
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
    counters: &Counters,
    control: &dyn Control,
) -> Result<Trace, WitnessError> {
    let state = || [counters.memory_tally(), counters.word12_tally()];
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
    counters: &Counters,
    control: &dyn Control,
) -> Result<Trace, WitnessError> {
    let state = || [counters.memory_tally(), counters.word16_tally()];
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
    use cairo_air::components::{byte, range_check, word12, word16};
    use cairo_execution::ExecutionError;
    use felt::encoding;
    use stark::{Air, Unattended};

    #[test]
    fn sizes_are_the_tables() {
        let size = |air: Air| Size { columns: air.width(), interactions: air.interactions().len() };
        let pair = |table, range| (size(table), size(range));
        assert_eq!(Limbs::Bytes.sizes(), pair(range_check::bytes::air(1, 2).unwrap(), byte::air().unwrap()));
        assert_eq!(Limbs::Words12.sizes(), pair(range_check::words12::air(1, 2).unwrap(), word12::air().unwrap()));
        assert_eq!(Limbs::Words16.sizes(), pair(range_check::words16::air(1, 2).unwrap(), word16::air().unwrap()));
    }

    /// The thresholds: 2^10 and 2^14 cells.
    #[test]
    fn the_cheapest_limbs_are_taken() {
        for (cells, limbs) in [
            (1, Limbs::Bytes),
            (64, Limbs::Bytes),
            (1 << 10, Limbs::Bytes),
            ((1 << 10) + 1, Limbs::Words12),
            (1 << 11, Limbs::Words12),
            (1 << 14, Limbs::Words12),
            ((1 << 14) + 1, Limbs::Words16),
            (1 << 28, Limbs::Words16),
            (u32::MAX, Limbs::Words16),
        ] {
            assert_eq!(Limbs::cheapest(cells), limbs, "{cells}");
        }
        // The whole comparison, in halves of a cell.
        for log_height in MIN_LOG_HEIGHT..=32 {
            let cost = |columns: u64, interactions: u64, provider: u64| {
                ((2 * columns + interactions) << log_height) + provider
            };
            let costs = [cost(17, 17, 3 << 8), cost(12, 13, 5 << 12), cost(9, 9, 5 << 16)].into_iter().zip(Limbs::ALL);
            let (least, expected) = costs.min_by_key(|(cost, _)| *cost).unwrap();
            let cells = u32::try_from(1_u64 << log_height).unwrap_or(u32::MAX);
            assert_eq!(Limbs::cheapest(cells), expected, "2^{log_height}");
            assert_eq!(2 * expected.committed(cells), least);
        }
    }

    /// Limbs of each width make up the value again; values that are too large are refused.
    #[test]
    fn values_at_the_edges() {
        type Fill = fn(&[Felt], Segment, u32, &Counters, &dyn Control) -> Result<Trace, WitnessError>;
        let fills: [(Fill, u64, usize); 3] = [(fill_bytes, 8, 16), (fill_words12, 12, 11), (fill_words16, 16, 8)];
        let two = |bits: u64| Felt::from(2_u64).pow(bits);
        let one = Felt::one();
        for (fill, bits, limbs) in fills {
            let filled = |value: Felt| {
                let memory = [Felt::zero(), Felt::zero(), value];
                let counters = Counters::new(memory.len());
                let segment = Segment { base: 2, stop: 3 };
                let trace = fill(&memory, segment, MIN_LOG_HEIGHT, &counters, &Unattended)?;
                assert_eq!(counters.memory_uses(2), 1 << MIN_LOG_HEIGHT);
                Ok::<_, WitnessError>((trace, counters))
            };
            for value in [Felt::zero(), one, two(120) - one, two(120), two(127), two(128) - two(120), two(128) - one] {
                let (trace, counters) = filled(value).unwrap();
                assert_eq!(trace.len(), 1 + limbs);
                let sum = trace[1..].iter().rev().fold(Felt::zero(), |sum, limb| sum * two(bits) + limb[0]);
                assert_eq!(sum, value);
                // Every limb is counted, and the top one of 12 bits twice.
                let uses = match bits {
                    8 => counters.byte_uses(),
                    12 => counters.word12_uses(),
                    _ => counters.word16_uses(),
                };
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
