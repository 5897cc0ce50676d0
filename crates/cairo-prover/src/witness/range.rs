//! Witness of [`cairo_air::components::range`]: which ranges a run's checked values fall into, and their tables.

use super::counters::Counters;
use super::owned::log_heights;
use super::rows::fill_rows;
use super::{Trace, WitnessError};
use crate::planner::cost;
use cairo_air::components::derived::Size;
use cairo_air::components::range::Range;
use cairo_air::components::{byte, word12, word16};
use cairo_air::{Segment, TableKind};
use cairo_execution::cells::range_check;
use felt::Felt;
use felt::integers::small;
use stark::Control;

/// Cells of the range_check segment that are checked by tables of one range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checks {
    /// The range.
    pub range: Range,
    /// Their addresses, ascending.
    pub addresses: Vec<u32>,
}

/// How many values have a number of bits.
struct Histogram {
    /// Values below 2^127, by their bits.
    low: [u32; 129],
    /// The others, by the bits of what 2^128 − 1 exceeds them by.
    high: [u32; 129],
}

/// Widths that a table may have, in limbs.
const WIDTHS: [u8; 7] = [1, 2, 3, 4, 6, 8, 16];

/// Bits of limbs.
const LIMBS: [u8; 3] = [8, 12, 16];

/// The values of a segment.
///
/// # Errors
/// [`WitnessError::Execution`] if one is not below 2^128.
fn values(memory: &[Felt], segment: Segment) -> impl Iterator<Item = Result<(u32, u128), WitnessError>> + '_ {
    (segment.base..segment.stop).map(|address| Ok((address, range_check(memory, address)?)))
}

/// The number of bits of an integer.
const fn bits(value: u128) -> usize {
    (128 - value.leading_zeros()) as usize
}

/// The range of the values below `2^width`, or of the highest such.
fn range(limb: u8, width: usize, high: bool) -> Option<Range> {
    let width = u8::try_from(width).ok()?;
    let offset = if high && width < 128 { u128::MAX - ((1 << width) - 1) } else { 0 };
    Range::new(limb, width, offset)
}

/// The table in which limbs are looked up, with its size and the `log2` of its height.
pub const fn limb_table(limb: u8) -> (TableKind, Size, u32) {
    match limb {
        8 => (TableKind::Byte, Size { columns: byte::WIDTH, interactions: 1 }, byte::LOG_HEIGHT),
        12 => (TableKind::Word12, Size { columns: word12::WIDTH, interactions: 1 }, word12::LOG_HEIGHT),
        _ => (TableKind::Word16, Size { columns: word16::WIDTH, interactions: 1 }, word16::LOG_HEIGHT),
    }
}

/// The size of a range's table.
pub const fn size(range: &Range) -> Size {
    Size { columns: range.columns(), interactions: range.interactions() }
}

/// The ranges for the values of a segment, each with limbs of the same bits: those whose tables cost least, a column counting as much as a cell in 16
/// steps.
///
/// # Errors
/// [`WitnessError::Execution`] if a value is not below 2^128.
pub fn choose(memory: &[Felt], segment: Segment, steps: usize) -> Result<Vec<Checks>, WitnessError> {
    let mut histogram = Histogram { low: [0; 129], high: [0; 129] };
    for value in values(memory, segment) {
        let (_, value) = value?;
        let (side, bits) =
            if value >> 127 == 0 { (&mut histogram.low, bits(value)) } else { (&mut histogram.high, bits(!value)) };
        side.get_mut(bits).into_iter().for_each(|count| *count += 1);
    }
    let ranges = histogram.cheapest(steps);
    let mut checks: Vec<Checks> = ranges.into_iter().map(|range| Checks { range, addresses: Vec::new() }).collect();
    for value in values(memory, segment) {
        let (address, value) = value?;
        // The last range has all values.
        if let Some(checks) = checks.iter_mut().find(|checks| checks.range.contains(value)) {
            checks.addresses.push(address);
        }
    }
    checks.retain(|checks| !checks.addresses.is_empty());
    Ok(checks)
}

impl Histogram {
    /// Values of the histogram below 2^width, and above 2^128 − 2^width.
    fn count(side: &[u32], width: usize) -> u64 {
        side.iter().take(width + 1).copied().map(u64::from).sum()
    }

    /// A range of small values, of further values that are not so small, and of those just below 2^128, each perhaps none; and of all others.
    fn cheapest(&self, steps: usize) -> Vec<Range> {
        let most = |side: &[u32; 129]| side.iter().rposition(|count| *count > 0);
        let (low, high) = (most(&self.low), most(&self.high));
        let of = |side, width: usize| Self::count(side, width.min(127));
        let all = of(&self.low, 127) + of(&self.high, 127);
        let mut best: Option<(u64, Vec<Range>)> = None;
        for limb in LIMBS {
            // As wide as it has to be for the largest value, or as one of the usual widths.
            let widths = |most: Option<usize>| {
                let least = usize::from(limb);
                let usual = WIDTHS.into_iter().map(|limbs| usize::from(limb) * usize::from(limbs));
                let usual = usual.filter(|width| most.is_some_and(|most| *width < most)).collect::<Vec<_>>();
                let exact = most.map(|most| most.max(1).next_multiple_of(least).min(127)).filter(|width| *width < 100);
                std::iter::once(0).chain(usual).chain(exact).collect::<Vec<_>>()
            };
            for first in widths(low) {
                for second in widths(low).into_iter().filter(|second| *second == 0 || *second > first) {
                    for top in widths(high) {
                        let mut rest = all;
                        let mut ranges = Vec::new();
                        let mut total = 0;
                        let mut add = |range: Option<Range>, rows: u64| {
                            if let Some(range) = range.filter(|_| rows > 0) {
                                total += price(size(&range), rows, steps);
                                ranges.push(range);
                            }
                        };
                        let small = if first > 0 { of(&self.low, first) } else { 0 };
                        let middle = if second > first && first > 0 { of(&self.low, second) - small } else { 0 };
                        let near_top = if top > 0 { of(&self.high, top) } else { 0 };
                        rest -= small + middle + near_top;
                        add(range(limb, first, false), small);
                        add(range(limb, second, false), middle);
                        add(range(limb, top, true), near_top);
                        add(range(limb, 128, false), rest);
                        let (_, table, log_height) = limb_table(limb);
                        total += cost::cells(table, log_height) + column_price(table, steps);
                        if best.as_ref().is_none_or(|(least, _)| total < *least) {
                            best = Some((total, ranges));
                        }
                    }
                }
            }
        }
        best.map_or_else(Vec::new, |(_, ranges)| ranges)
    }
}

/// What a table of so many rows costs, in cells.
fn price(size: Size, rows: u64, steps: usize) -> u64 {
    let heights = log_heights(rows as usize, steps);
    heights.into_iter().map(|log_height| cost::cells(size, log_height) + column_price(size, steps)).sum()
}

fn column_price(size: Size, steps: usize) -> u64 {
    (cost::half_columns(size) * steps.max(1 << 12) / 32) as u64
}

/// A table with the cells at `addresses`, at least one. Counts limbs; the column of uses is left for [`set_uses`].
pub fn fill(
    memory: &[Felt],
    range: &Range,
    addresses: &[u32],
    log_height: u32,
    counters: &Counters,
    control: &dyn Control,
) -> Result<Trace, WitnessError> {
    match range.limbs() {
        1 => fill_limbs::<1, 4>(memory, range, addresses, log_height, counters, control),
        2 => fill_limbs::<2, 5>(memory, range, addresses, log_height, counters, control),
        3 => fill_limbs::<3, 6>(memory, range, addresses, log_height, counters, control),
        4 => fill_limbs::<4, 7>(memory, range, addresses, log_height, counters, control),
        5 => fill_limbs::<5, 8>(memory, range, addresses, log_height, counters, control),
        6 => fill_limbs::<6, 9>(memory, range, addresses, log_height, counters, control),
        7 => fill_limbs::<7, 10>(memory, range, addresses, log_height, counters, control),
        8 => fill_limbs::<8, 11>(memory, range, addresses, log_height, counters, control),
        _ => {
            // Wide ones are for short segments.
            let mut trace = fill_limbs::<16, 19>(memory, range, addresses, log_height, counters, control)?;
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
    counters: &Counters,
    control: &dyn Control,
) -> Result<Trace, WitnessError> {
    let first = *addresses.first().ok_or(WitnessError::Empty("range"))?;
    let tally = || match range.bits() {
        8 => counters.byte_tally(),
        12 => counters.word12_tally(),
        _ => counters.word16_tally(),
    };
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

/// Fills the column of uses, when all look-ups are counted.
pub fn set_uses(trace: &mut Trace, addresses: &[u32], counters: &Counters) {
    let Some(column) = trace.get_mut(Range::USES) else { return };
    let uses = |address: &u32| small(u64::from(counters.memory_uses(*address as usize)));
    let first = addresses.first().map_or_else(Felt::zero, uses);
    let used = addresses.iter().map(uses).chain(std::iter::repeat(first));
    column.iter_mut().zip(used).for_each(|(slot, uses)| *slot = uses);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::needless_range_loop)]

    use super::*;
    use cairo_air::{Builtin, buses};
    use cairo_execution::ExecutionError;
    use felt::encoding;
    use stark::graph::Input;
    use stark::{MIN_LOG_HEIGHT, Unattended};
    use std::collections::BTreeMap;

    const TOP: u128 = u128::MAX;

    fn wide(value: u128) -> Felt {
        Felt::from((value >> 64) as u64) * Felt::from(2_u64).pow(64_u64) + Felt::from(value as u64)
    }

    /// Pseudo-random numbers.
    fn numbers() -> impl FnMut() -> u128 {
        let mut state = 1_u128;
        move || {
            state = state.wrapping_mul(0xda94_2042_e4dd_58b5).wrapping_add(0x1234_5678_9abc_def1_0fed_cba9);
            state.rotate_left(64) ^ state >> 41
        }
    }

    /// The values at the end of a memory, behind others that are not checked.
    fn memory(values: &[u128]) -> (Vec<Felt>, Segment) {
        let mut memory = vec![-Felt::one(); 5];
        memory.extend(values.iter().copied().map(wide));
        memory.extend([-Felt::one(); 3]);
        (memory, Segment { base: 5, stop: 5 + values.len() as u32 })
    }

    /// What is chosen: each value in one range, which has it.
    fn chosen(values: &[u128], steps: usize) -> Vec<Checks> {
        let (memory, segment) = memory(values);
        let checks = choose(&memory, segment, steps).unwrap();
        let mut addresses: Vec<u32> = Vec::new();
        for (index, Checks { range, addresses: some }) in checks.iter().enumerate() {
            assert!(!some.is_empty() && some.is_sorted(), "{range}");
            assert!(some.iter().all(|address| range.contains(values[*address as usize - 5])), "{range}");
            assert_eq!(range.bits(), checks[0].range.bits());
            assert!(checks[..index].iter().all(|other| other.range != *range), "{range} twice");
            addresses.extend(some);
        }
        addresses.sort_unstable();
        assert_eq!(addresses, (segment.base..segment.stop).collect::<Vec<_>>());
        assert!(checks.len() <= 4);
        checks
    }

    fn ranges(values: &[u128], steps: usize) -> Vec<(Range, usize)> {
        chosen(values, steps).into_iter().map(|checks| (checks.range, checks.addresses.len())).collect()
    }

    #[test]
    fn every_value_has_one_range() {
        let edges =
            [0, 1, 255, 256, 4095, 4096, 65535, 65536, 1 << 64, (1 << 127) - 1, 1 << 127, TOP - 256, TOP - 255, TOP];
        for steps in [0, 50, 1 << 12, 1 << 16, 1 << 24] {
            assert_eq!(chosen(&[], steps), []);
            chosen(&edges, steps);
            for value in edges {
                assert_eq!(chosen(&[value], steps).len(), 1);
                chosen(&vec![value; 700], steps);
            }
        }
        let mut number = numbers();
        for _ in 0..40 {
            // Some sizes of values, at the bottom and at the top, each more or less often.
            let sizes: Vec<(u128, bool, u128)> = (0..1 + number() % 5)
                .map(|_| (number() % 128, number().is_multiple_of(2), 1 + number() % 100))
                .collect();
            let count = [3, 100, 5000][(number() % 3) as usize];
            let mut values = Vec::new();
            while values.len() < count {
                for (bits, is_high, often) in &sizes {
                    let number = number() >> bits;
                    values.extend(std::iter::repeat_n(if *is_high { TOP - number } else { number }, *often as usize));
                }
            }
            for steps in [100, 1 << 16] {
                chosen(&values, steps);
            }
        }
    }

    #[test]
    fn sensible_choices() {
        let range = |bits, width| Range::new(bits, width, 0).unwrap();
        let top = |bits, width| Range::new(bits, width, TOP - ((1 << width) - 1)).unwrap();
        let values = |count: u128, value: fn(u128) -> u128| (0..count).map(value).collect::<Vec<_>>();
        // One limb for bytes, and more rows make wider limbs worth their table.
        assert_eq!(ranges(&values(1000, |i| i % 256), 1 << 14), [(range(8, 8), 1000)]);
        assert_eq!(ranges(&values(1000, |i| TOP - i % 256), 1 << 14), [(top(8, 8), 1000)]);
        assert_eq!(ranges(&values(1000, |i| i), 1 << 14), [(range(8, 16), 1000)]);
        assert_eq!(ranges(&values(1 << 17, |i| i % 4096), 1 << 18), [(range(12, 12), 1 << 17)]);
        assert_eq!(ranges(&values(1 << 18, |i| i % 65536), 1 << 19), [(range(16, 16), 1 << 18)]);
        // Small ones and such as are near the top.
        let mixed = values(4000, |i| if i % 2 == 0 { i % 200 } else { TOP - i % 200 });
        assert_eq!(ranges(&mixed, 1 << 12), [(range(8, 8), 2000), (top(8, 8), 2000)]);
        // In between is all the rest.
        let all = values(1 << 12, |i| TOP / 3 + i);
        assert_eq!(ranges(&all, 1 << 14), [(range(12, 128), 1 << 12)]);
        // A single large value in a table of its own, if the others are many.
        let mut one = values(1 << 14, |i| i % 256);
        one.push(TOP / 3);
        assert_eq!(ranges(&one, 1 << 14), [(range(8, 8), 1 << 14), (range(8, 128), 1)]);
        // Few cells are best together.
        assert_eq!(ranges(&[0, TOP / 3], 1 << 14), [(range(8, 128), 2)]);
    }

    #[test]
    fn too_large_values_are_refused() {
        let two = |bits: u64| Felt::from(2_u64).pow(bits);
        let one = Felt::one();
        for value in [two(128), two(128) + one, two(192), two(250), -one, -two(48), -two(49), -two(127), -two(128)] {
            for place in 0..3 {
                let (mut memory, segment) = memory(&[0, 1 << 127, TOP]);
                let address = segment.base + place;
                memory[address as usize] = value;
                let found = encoding::to_hex(&value);
                let refused = WitnessError::Execution(ExecutionError::RangeCheck { address, found });
                assert_eq!(choose(&memory, segment, 100), Err(refused.clone()));
                let (counters, range) = (Counters::new(memory.len()), Range::new(8, 128, 0).unwrap());
                let filled = fill(&memory, &range, &[address], MIN_LOG_HEIGHT, &counters, &Unattended);
                assert_eq!(filled, Err(refused));
            }
        }
        let (memory, segment) = memory(&[7]);
        let beyond = Segment { base: segment.base, stop: 100 };
        let refused = choose(&memory, beyond, 100);
        assert!(matches!(refused, Err(WitnessError::Execution(ExecutionError::RangeCheck { address: 6, .. }))));
        let none = |address| ExecutionError::BuiltinCell { builtin: Builtin::RangeCheck, address };
        let beyond = Segment { base: memory.len() as u32, stop: 100 };
        assert_eq!(choose(&memory, beyond, 100), Err(WitnessError::Execution(none(beyond.base))));
        let zero = Segment { base: 0, stop: 1 };
        assert_eq!(choose(&memory, zero, 100), Err(WitnessError::Execution(none(0))));
        let counters = Counters::new(memory.len());
        let range = Range::new(8, 8, 0).unwrap();
        let empty = fill(&memory, &range, &[], MIN_LOG_HEIGHT, &counters, &Unattended);
        assert_eq!(empty, Err(WitnessError::Empty("range")));
    }

    /// Fills a table for each width of each size of limbs, at the bottom, at the top and in between, and looks at what its AIR makes of it.
    #[test]
    fn limbs_make_up_the_values() {
        let mut number = numbers();
        for limb in LIMBS {
            for width in 1..=128_u8 {
                let last = TOP >> (128 - width);
                for offset in [0, (TOP - last) / 3, TOP - last] {
                    let range = Range::new(limb, width, offset).unwrap();
                    let mut values = vec![offset, offset + last, offset + last / 2, offset + last / 3];
                    values.extend((0..10).map(|_| offset + (number() & last)));
                    check_table(&range, &values);
                }
            }
        }
    }

    fn check_table(range: &Range, values: &[u128]) {
        let (memory, segment) = memory(values);
        let counters = Counters::new(memory.len());
        // Not all of them, and not in order.
        let addresses: Vec<u32> = (segment.base..segment.stop).rev().filter(|address| address % 5 != 3).collect();
        for (address, uses) in addresses.iter().zip(0..) {
            counters.memory(*address, uses % 4).unwrap();
        }
        let mut trace = fill(&memory, range, &addresses, MIN_LOG_HEIGHT, &counters, &Unattended).unwrap();
        assert!(trace[Range::USES].iter().all(|uses| *uses == Felt::zero()));
        set_uses(&mut trace, &addresses, &counters);
        let air = range.air().unwrap();
        assert_eq!(trace.len(), air.width(), "{range}");
        let (_, size_of_limbs, _) = limb_table(range.bits());
        assert_eq!(size_of_limbs.interactions, 1);
        let bus = match range.bits() {
            8 => buses::BYTE,
            12 => buses::WORD12,
            _ => buses::WORD16,
        };
        let mut required: BTreeMap<u64, u64> = BTreeMap::new();
        for row in 0..1 << MIN_LOG_HEIGHT {
            let cells = air.graph().evaluate(|input| match input {
                Input::Main(column) => trace[column as usize][row],
                _ => panic!("only the row's own cells"),
            });
            for constraint in air.constraints() {
                assert_eq!(cells[constraint.expression.index()], Felt::zero(), "{range}: {}", constraint.name);
            }
            for interaction in air.interactions() {
                let tuple: Vec<Felt> = interaction.tuple.iter().map(|entry| cells[entry.index()]).collect();
                let multiplicity = cells[interaction.multiplicity.index()];
                let Some(address) = addresses.get(row) else {
                    assert_eq!(multiplicity, Felt::zero(), "{range}: {}", interaction.name);
                    continue;
                };
                let at = Felt::from(u64::from(*address));
                match interaction.bus {
                    buses::RANGE if interaction.name == "checks" => {
                        assert_eq!((multiplicity, tuple), (-Felt::one(), vec![at]));
                    }
                    buses::RANGE => assert_eq!((multiplicity, tuple), (Felt::one(), vec![at + Felt::one()])),
                    buses::MEMORY => {
                        let uses = Felt::from((row % 4) as u64);
                        assert_eq!((multiplicity, tuple), (uses, vec![at, memory[*address as usize]]), "{range}");
                    }
                    other => {
                        assert_eq!((other, multiplicity), (bus, -Felt::one()));
                        let limb = encoding::to_u64(&tuple[0]).unwrap();
                        assert_eq!(limb >> range.bits(), 0, "{range}: {}", interaction.name);
                        *required.entry(limb).or_default() += 1;
                    }
                }
            }
        }
        let uses = match range.bits() {
            8 => counters.byte_uses(),
            12 => counters.word12_uses(),
            _ => counters.word16_uses(),
        };
        for (limb, uses) in (0..).zip(uses) {
            assert_eq!(uses, Felt::from(required.get(&limb).copied().unwrap_or(0)), "{range}: {limb}");
        }
    }

    /// A second table goes on where the first one is full.
    #[test]
    fn uses_of_two_tables() {
        let height = 1 << MIN_LOG_HEIGHT;
        let values: Vec<u128> = (0..height as u128 + 20).collect();
        let (memory, segment) = memory(&values);
        let counters = Counters::new(memory.len());
        let addresses: Vec<u32> = (segment.base..segment.stop).collect();
        for address in &addresses {
            counters.memory(*address, 3 * address + 1).unwrap();
        }
        let range = Range::new(8, 8, 0).unwrap();
        for first in [0, height] {
            let rest = &addresses[first..];
            let mut trace = fill(&memory, &range, rest, MIN_LOG_HEIGHT, &counters, &Unattended).unwrap();
            set_uses(&mut trace, rest, &counters);
            for row in 0..height {
                let used = rest.get(row);
                let address = u64::from(*used.unwrap_or(&rest[0]));
                let expected = [u64::from(used.is_some()), address, 3 * address + 1, address - 5].map(Felt::from);
                let found: Vec<Felt> = trace.iter().map(|column| column[row]).collect();
                assert_eq!(found, expected, "row {row} from {first}");
            }
        }
        let mut nothing = Trace::new();
        set_uses(&mut nothing, &addresses, &counters);
        assert!(nothing.is_empty());
    }

    #[test]
    fn sizes_are_the_tables() {
        for limb in LIMBS {
            for width in 1..=128 {
                let range = Range::new(limb, width, 0).unwrap();
                let air = range.air().unwrap();
                assert_eq!(size(&range), Size { columns: air.width(), interactions: air.interactions().len() });
            }
        }
    }
}
