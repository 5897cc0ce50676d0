#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::fixture::{checked_memory as memory, numbers};
use crate::witness::uses;
use cairo_air::buses;
use cairo_air::components::range::Range;
use cairo_air::components::range_row::{FIRST_COLUMN, MAX_CELLS, ONCE, UNUSED};
use cairo_execution::ExecutionError;
use felt::encoding;
use stark::graph::Input;
use stark::{MIN_LOG_HEIGHT, NoControl};
use std::collections::BTreeMap;

fn range(bits: u8, width: u8, offset: u128) -> Range {
    Range::new(bits, width, offset).unwrap()
}

#[test]
fn what_no_row_has_is_refused() {
    let (mut memory, segment) = memory(&[7, 300, 5]);
    let row = RangeRow::once([range(8, 8, 0), range(12, 12, 290), range(8, 3, 0)]).unwrap();
    let filled = |memory: &[Felt], row: &RangeRow, addresses: &[u32]| {
        fill(memory, row, addresses, MIN_LOG_HEIGHT, &Multiplicities::new(memory.len()), &NoControl)
    };
    assert!(filled(&memory, &row, &[segment.base]).is_ok());
    assert_eq!(filled(&memory, &row, &[]), Err(WitnessError::Empty("range row")));
    for (cell, other) in [(0, range(8, 2, 0)), (1, range(12, 12, 301)), (2, range(8, 3, 6)), (1, range(8, 8, 0))] {
        let mut ranges: Vec<Range> = row.entries().iter().map(|entry| entry.range).collect();
        ranges[cell] = other;
        let refused = filled(&memory, &RangeRow::once(ranges).unwrap(), &[segment.base]).unwrap_err();
        let (address, value) = (segment.base + cell as u32, [7, 300, 5][cell]);
        assert_eq!(refused, WitnessError::Range { address, range: other, value });
        assert!(refused.to_string().contains(&format!("cell {address} holds {value:#x}")), "{refused}");
    }
    memory[segment.base as usize + 2] = -Felt::one();
    let (address, found) = (segment.base + 2, encoding::to_hex(&-Felt::one()));
    let refused = WitnessError::Execution(ExecutionError::RangeCheck { address, found });
    assert_eq!(filled(&memory, &row, &[segment.base]), Err(refused));
}

/// Fills tables of rows of all lengths, in two parts where they are long, with cells that are used in every way, and looks at what the AIR makes of them.
#[test]
fn rows_hold_their_cells() {
    let mut number = numbers();
    let ranges = [
        range(12, 12, 0),
        range(16, 128, 0),
        range(8, 7, 3),
        range(12, 116, u128::MAX - ((1 << 116) - 1)),
        range(16, 72, 9),
    ];
    for cells in 1..=MAX_CELLS {
        for rows in [1, 3, 64, 100] {
            let row = RangeRow::once(ranges.iter().copied().cycle().take(cells)).unwrap();
            let value = |range: &Range, number: u128| range.offset() + (number & (u128::MAX >> (128 - range.width())));
            let values: Vec<u128> = (0..rows)
                .flat_map(|_| row.entries().iter().map(|entry| value(&entry.range, number())).collect::<Vec<_>>())
                .collect();
            let (memory, segment) = memory(&values);
            let addresses: Vec<u32> = (segment.base..segment.stop).step_by(cells).collect();
            let multiplicities = Multiplicities::new(memory.len());
            // Never, once, as often as another cell, and as no other.
            let uses = |place: usize, address: u32| match place % 5 {
                0 => 0,
                1 => 1,
                2 | 3 => address / cells as u32 % 3,
                _ => 2 + address % 2,
            };
            for (place, address) in (segment.base..segment.stop).enumerate() {
                let first = address - (place % cells) as u32;
                multiplicities.memory(address, uses(place % cells, first)).unwrap();
            }
            let used = uses::usage::<MAX_CELLS>(&addresses, &multiplicities);
            let used = row.with_uses(&used[..cells]).unwrap();
            let numbers: Vec<u8> = used.entries().iter().map(|entry| entry.uses).collect();
            if rows == 100 && cells >= 5 {
                let other = FIRST_COLUMN + 1;
                assert_eq!(numbers[..5], [UNUSED, ONCE, FIRST_COLUMN, FIRST_COLUMN, other]);
            }
            check(&row, &used, &memory, &addresses, &multiplicities);
        }
    }
}

/// What the tables of rows at these addresses provide and require, against the memory.
fn check(row: &RangeRow, used: &RangeRow, memory: &[Felt], addresses: &[u32], multiplicities: &Multiplicities) {
    let air = used.air().unwrap();
    let height = 1_usize << MIN_LOG_HEIGHT;
    let numbers: Vec<u8> = used.entries().iter().map(|entry| entry.uses).collect();
    let mut required: BTreeMap<(u32, u64), u64> = BTreeMap::new();
    let (mut provided, mut visited) = (BTreeMap::new(), Vec::new());
    for first in (0..addresses.len()).step_by(height) {
        let rest = &addresses[first..];
        let mut trace = fill(memory, row, rest, MIN_LOG_HEIGHT, multiplicities, &NoControl).unwrap();
        assert_eq!(trace.len(), row.uses());
        uses::provide(&mut trace, &numbers, rest, multiplicities);
        assert_eq!(trace.len(), air.width(), "{used}");
        for at in 0..height {
            let cells = air.graph().evaluate(|input| match input {
                Input::Main(column) => trace[column as usize][at],
                _ => panic!("only the row's own cells"),
            });
            let is_used = at < rest.len();
            assert_eq!(trace[RangeRow::ENABLER][at], Felt::from(u64::from(is_used)));
            assert_eq!(trace[RangeRow::LIMBS][at], trace[RangeRow::LIMBS][if is_used { at } else { 0 }]);
            for interaction in air.interactions() {
                let times = cells[interaction.multiplicity.index()];
                let tuple: Vec<u64> =
                    (interaction.tuple.iter()).filter_map(|entry| encoding::to_u64(&cells[entry.index()])).collect();
                if !is_used {
                    assert_eq!(times, Felt::zero());
                } else if interaction.bus == buses::MEMORY {
                    let address = tuple[0];
                    assert_eq!(cells[interaction.tuple[1].index()], memory[address as usize], "{used}: {address}");
                    assert_eq!(provided.insert(address, times), None, "{used}: {address}");
                } else if interaction.bus == buses::RANGE {
                    visited.push((times, tuple[0]));
                } else {
                    assert_eq!(times, -Felt::one());
                    *required.entry((interaction.bus.id, tuple[0])).or_default() += 1;
                }
            }
        }
    }
    let cells = used.cells() as u32;
    let edges = addresses.iter().flat_map(|a| [(-Felt::one(), u64::from(*a)), (Felt::one(), u64::from(a + cells))]);
    assert_eq!(visited, edges.collect::<Vec<_>>(), "{used}");
    for address in addresses.iter().flat_map(|first| *first..first + cells) {
        let uses = multiplicities.memory_uses(address as usize);
        let found = provided.get(&u64::from(address)).copied().unwrap_or_default();
        assert_eq!(found, Felt::from(u64::from(uses)), "{used}: {address}");
    }
    for limb in Limb::ALL {
        for (value, uses) in (0..).zip(multiplicities.uses(&TableKind::Limb(limb))) {
            let expected = required.get(&(limb.bus().id, value)).copied().unwrap_or(0);
            assert_eq!(uses, Felt::from(expected), "{used}: {value} in {limb:?}");
        }
    }
}
