#![allow(clippy::unwrap_used)]

use super::*;
use crate::fixture::{checked_memory as memory, numbers};
use cairo_air::Builtin;
use cairo_execution::ExecutionError;
use felt::encoding;

const TOP: u128 = u128::MAX;

/// What is chosen: each value in one range, which has it.
fn chosen(values: &[u128], steps: usize) -> Vec<Checks> {
    let (memory, segment) = memory(values);
    let checks = partition_ranges(&memory, segment, steps).unwrap();
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
        let sizes: Vec<(u128, bool, u128)> =
            (0..1 + number() % 5).map(|_| (number() % 128, number().is_multiple_of(2), 1 + number() % 100)).collect();
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
            assert_eq!(partition_ranges(&memory, segment, 100), Err(refused));
        }
    }
    let (memory, segment) = memory(&[7]);
    let beyond = Segment { base: segment.base, stop: 100 };
    let refused = partition_ranges(&memory, beyond, 100);
    assert!(matches!(refused, Err(WitnessError::Execution(ExecutionError::RangeCheck { address: 6, .. }))));
    let none = |address| ExecutionError::BuiltinCell { builtin: Builtin::RangeCheck, address };
    let beyond = Segment { base: memory.len() as u32, stop: 100 };
    assert_eq!(partition_ranges(&memory, beyond, 100), Err(WitnessError::Execution(none(beyond.base))));
    let zero = Segment { base: 0, stop: 1 };
    assert_eq!(partition_ranges(&memory, zero, 100), Err(WitnessError::Execution(none(0))));
}

#[test]
fn sizes_are_the_tables() {
    for limb in Limb::ALL.map(Limb::bits) {
        for width in 1..=128 {
            let range = Range::new(limb, width, 0).unwrap();
            let air = range.air().unwrap();
            assert_eq!(size(&range), TableSize { columns: air.width(), interactions: air.interactions().len() });
        }
    }
}
