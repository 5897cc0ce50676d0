#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::fixture::{checked_memory as memory, numbers};
use crate::table_size::cells;
use cairo_execution::ExecutionError;
use felt::encoding;

const TOP: u128 = u128::MAX;

/// What is chosen: each cell in one row, whose range for it has its value.
fn chosen(values: &[u128], column: u64) -> Vec<CheckedRows> {
    let (memory, segment) = memory(values);
    let all = partition_rows(&memory, segment, column).unwrap();
    let mut addresses: Vec<u32> = Vec::new();
    for (index, rows) in all.iter().enumerate() {
        let CheckedRows { row, addresses: some, log_heights } = rows;
        assert!(!some.is_empty() && some.is_sorted(), "{row}");
        assert!(all[..index].iter().all(|other| other.row != *row), "{row} twice");
        assert!(log_heights.iter().map(|log_height| 1_usize << log_height).sum::<usize>() >= some.len(), "{row}");
        assert!(log_heights.len() <= cairo_air::components::MAX_CHUNKS);
        assert_eq!(rows.tables().count(), log_heights.len());
        for first in some {
            for (address, entry) in (*first..).zip(row.entries()) {
                assert!(entry.range.contains(values[(address - segment.base) as usize]), "{row}: {address}");
                addresses.push(address);
            }
        }
    }
    addresses.sort_unstable();
    assert_eq!(addresses, (segment.base..segment.stop).collect::<Vec<_>>());
    assert!(all.len() <= MAX_PATTERNS + (1 << LABEL_BITS));
    assert_eq!(partition_rows(&memory, segment, column).unwrap(), all);
    all
}

/// Committed cells of rows, without padding.
fn committed_cells(all: &[CheckedRows]) -> f64 {
    let of = |rows: &CheckedRows| half_columns(size(&rows.row)) as f64 / 2.0 * rows.addresses.len() as f64;
    all.iter().map(of).sum()
}

/// With their columns and their padding.
fn cost(all: &[CheckedRows], column: u64) -> u64 {
    let tables = |rows: &CheckedRows| {
        let size = size(&rows.row);
        rows.log_heights.iter().map(|log| cells(size, *log) + half_columns(size) as u64 * column / 2).sum::<u64>()
    };
    all.iter().map(tables).sum()
}

#[test]
fn every_cell_has_one_row() {
    let edges =
        [0, 1, 255, 256, 4095, 4096, 65535, 65536, 1 << 64, (1 << 127) - 1, 1 << 127, TOP - 256, TOP - 255, TOP];
    for column in [0, 100, 3000, 1 << 20] {
        assert_eq!(chosen(&[], column), []);
        chosen(&edges, column);
        for value in edges {
            assert_eq!(chosen(&[value], column).len(), 1);
            chosen(&vec![value; 700], column);
        }
    }
    let mut number = numbers();
    for _ in 0..30 {
        // Some patterns of values of some sizes, at the bottom and at the top, each more or less often.
        let patterns: Vec<Vec<(u128, bool)>> = (0..1 + number() % 4)
            .map(|_| (0..1 + number() % 20).map(|_| (number() % 128, number().is_multiple_of(4))).collect())
            .collect();
        let count = [3, 100, 5000, 40_000][(number() % 4) as usize];
        let mut values = Vec::new();
        while values.len() < count {
            let pattern = &patterns[(number() % patterns.len() as u128) as usize];
            values.extend(pattern.iter().map(|(bits, is_high)| {
                let number = number() >> bits;
                if *is_high { TOP - number } else { number }
            }));
        }
        for column in [0, 2800] {
            chosen(&values, column);
        }
    }
}

/// What a checked cell costs, in rows of the length that pays.
#[test]
fn patterns_that_come_again_are_rows() {
    let mut number = numbers();
    let mut many = |count: usize, pattern: &[u32]| -> Vec<u128> {
        (0..count).map(|at| number() >> (128 - pattern[at % pattern.len()])).collect()
    };
    // 12 bits in rows of four and more, 128 bits in rows of two to eight.
    let small = chosen(&many(1 << 16, &[12]), 2800);
    assert!(committed_cells(&small) / f64::from(1 << 16) <= 2.75, "{small:?}");
    let wide = chosen(&many(1 << 18, &[128]), 2800);
    assert!(committed_cells(&wide) / f64::from(1 << 18) <= 13.25, "{wide:?}");
    // Few of them have rows of their own, since columns cost more.
    for pattern in [&[12][..], &[128]] {
        let few = chosen(&many(2000, pattern), 2800);
        assert!(few.iter().all(|rows| rows.row.cells() == 1), "{few:?}");
    }
    // A pattern stands in rows of its own, all of it, however long the segment.
    let pattern = [12, 128, 128, 64, 12];
    for count in [1 << 14, 1 << 17] {
        let values = many(5 * count, &pattern);
        let all = chosen(&values, 100);
        let cells: usize = all
            .iter()
            .filter(|rows| rows.row.cells() % 5 == 0)
            .map(|rows| rows.addresses.len() * rows.row.cells())
            .sum();
        assert!(cells * 10 >= values.len() * 9, "{all:?}");
    }
}

/// Nothing that is chosen costs more than a table for each range.
#[test]
fn rows_save_what_they_cost() {
    let mut number = numbers();
    for length in [1_usize, 2, 3, 7, 16, 40] {
        let pattern: Vec<u128> = (0..length).map(|_| [116, 100, 64, 0][(number() % 4) as usize]).collect();
        for count in [100, 3000, 50_000] {
            // With a cell of another size here and there.
            let values: Vec<u128> =
                (0..count).map(|at| number() >> if at % 61 == 0 { 0 } else { pattern[at % length] }).collect();
            for column in [0, 300, 2800, 20_000] {
                let all = chosen(&values, column);
                let mut histogram = Histogram::default();
                values.iter().for_each(|value| histogram.add(*value));
                let ranges = histogram.cheapest(&Priced(column));
                let of = |range: &Range| {
                    let count = values
                        .iter()
                        .filter(|value| ranges.iter().find(|range| range.contains(**value)) == Some(range));
                    Priced(column).of_cells(*range, count.count() as u64)
                };
                let singles: u64 = ranges.iter().map(of).sum();
                // What short tables cost depends on whether they are disclosed.
                let short = 600 * (column / 2 + 1) * 20;
                let found = cost(&all, column);
                assert!(found <= singles + singles / 20 + short, "{found} for {singles}: {column} {all:?}");
            }
        }
    }
}

#[test]
fn labels_from_a_cell_on() {
    let labels: Vec<u8> = (0..40).map(|at| (at * at % 7 % 4) as u8).collect();
    let next = following(&labels);
    for at in 0..labels.len() {
        for cells in 1..=MAX_CELLS.min(labels.len() - at) {
            let pattern = Pattern::begin(next[at], cells);
            let found: Vec<u8> = (0..cells).map(|cell| pattern.label(cell) as u8).collect();
            assert_eq!(found, labels[at..at + cells]);
        }
    }
    // Pieces from all over, the first and the last cells among them.
    let labels: Vec<u8> = (0..100_000).map(|at| (at % 251) as u8).collect();
    let pieces = sample(&labels);
    assert_eq!(pieces.iter().map(|piece| piece.len()).sum::<usize>(), SAMPLE);
    assert_eq!((pieces[0][0], pieces.last().and_then(|piece| piece.last())), (labels[0], labels.last()));
    assert_eq!(sample(&labels[..SAMPLE]), [&labels[..SAMPLE]]);
}

#[test]
fn values_in_no_range_are_refused() {
    let (mut memory, segment) = memory(&[1, 2, 3]);
    let value = Felt::from(2_u64).pow(128_u64);
    memory[segment.base as usize + 1] = value;
    let refused = ExecutionError::RangeCheck { address: segment.base + 1, found: encoding::to_hex(&value) };
    assert_eq!(partition_rows(&memory, segment, 300), Err(WitnessError::Execution(refused)));
}
