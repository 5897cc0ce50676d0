#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::fixture;
use cairo_air::TableKind;
use cairo_air::components::{OwningWord, Path, Word};
use cairo_execution::{ExecutionError, Registers};
use felt::Felt;

/// A run with these allocation pointers, this much memory and this segment of range_check, whose cells hold 7.
fn execution(aps: &[u32], memory: usize, checked: Option<[u32; 2]>) -> Execution {
    let segments = checked.map(|[base, stop]| (Builtin::RangeCheck, cairo_execution::Segment { base, stop }));
    let mut cells = vec![-Felt::one(); memory];
    for address in checked.map_or(0..0, |[base, stop]| base..stop) {
        cells[address as usize] = Felt::from(7_u64);
    }
    let trace = aps.iter().map(|ap| Registers { pc: 1, ap: *ap, fp: 9 }).collect();
    let run = fixture::execution(&[Builtin::Output, Builtin::RangeCheck], &[], trace, cells);
    Execution { segments: segments.into_iter().collect(), ..run }
}

/// A path that moves ap by so many cells, made from these steps.
fn path(cells: usize, starts: &[u32]) -> StepTable {
    let path = Path {
        pc: 1,
        frame: None,
        steps: 1,
        taken: Vec::new(),
        targets: Vec::new(),
        returns: Vec::new(),
        owned: vec![0; cells],
    };
    StepTable { kind: TableKind::Path(path), log_height: 6, starts: starts.to_vec() }
}

/// What is owned, and that exactly these cells are, each once.
fn covered(execution: &Execution, steps: &[StepTable]) -> Cover {
    let mut kept = steps.to_vec();
    let cover = cover(execution, &mut kept).unwrap();
    if cover == Cover::NONE {
        assert!(kept.iter().all(|table| owned_cells(&table.kind) == 0));
        return cover;
    }
    assert_eq!(kept, steps);
    let mut cells: Vec<u32> = cover.rest.iter().flat_map(|[base, stop]| *base..*stop).collect();
    assert_eq!(cells.len(), cover.rest_cells());
    cells.extend(cover.checks.iter().flat_map(|checks| &checks.addresses));
    for table in steps {
        for start in &table.starts {
            let ap = execution.trace[*start as usize].ap;
            cells.extend(ap..ap + owned_cells(&table.kind));
        }
    }
    cells.sort_unstable();
    assert_eq!(cells, (PROGRAM_BASE..cover.owned_end).collect::<Vec<_>>());
    cover
}

fn checked(cover: &Cover) -> Vec<u32> {
    cover.checks.iter().flat_map(|checks| checks.addresses.clone()).collect()
}

/// Memory after the stack, more than the cell table takes.
const FAR: usize = 100_000;

#[test]
fn nothing_owned() {
    let run = execution(&[10, 13, 14], 30, Some([20, 25]));
    assert_eq!(covered(&run, &[]), Cover::NONE);
    assert_eq!(covered(&run, &[path(0, &[0, 1])]), Cover::NONE);
    assert_eq!(covered(&run, &[path(3, &[])]), Cover::NONE);
    let generic = StepTable { kind: TableKind::Generic, log_height: 6, starts: vec![0, 1] };
    assert_eq!(covered(&run, std::slice::from_ref(&generic)), Cover::NONE);
    let cover = covered(&run, &[generic, path(1, &[1])]);
    assert_eq!((cover.owned_end, checked(&cover)), (30, vec![20, 21, 22, 23, 24]));
}

#[test]
fn gaps_are_the_cell_tables() {
    // Rows at 10..13, 13..16, 20..22, 25..28, from two tables and not in order.
    let run = execution(&[10, 20, 25, 13, 30], FAR, None);
    let steps = [path(3, &[3, 0, 2]), path(2, &[1])];
    let cover = covered(&run, &steps);
    assert_eq!(cover, Cover { owned_end: 28, rest: vec![[1, 10], [16, 20], [22, 25]], ..Cover::NONE });
    assert_eq!(cover.rest_cells(), 16);
    // From the first cell on, without gaps.
    let cover = covered(&execution(&[1, 3, 5], FAR, None), &[path(2, &[0, 1])]);
    assert_eq!(cover, Cover { owned_end: 5, rest: Vec::new(), ..Cover::NONE });
}

/// Cells above the stack go to the cell table if they are few.
#[test]
fn what_follows() {
    let most = cells_worth_a_table(2, None) as usize;
    assert_eq!(most, 4096);
    for (memory, owned_end) in [(12, 12), (13, 13), (12 + most, 12 + most), (13 + most, 12), (FAR, 12)] {
        let cover = covered(&execution(&[10, 11, 12], memory, None), &[path(1, &[0, 1])]);
        assert_eq!(cover.owned_end, owned_end as u32, "{memory}");
    }
    // Longer runs: more than they would be worth.
    assert_eq!(cells_worth_a_table(1 << 20, None), (21 << 20) / 72);
    assert_eq!(cells_worth_a_table(usize::MAX >> 8, None), 1 << 30);
    assert_eq!(cells_worth_a_table(1 << 20, Some(1500)), 21 * 1500 / 3);
    // A row that moves ap beyond the memory.
    assert_eq!(covered(&execution(&[10, 15], 12, None), &[path(5, &[0])]).owned_end, 15);
}

#[test]
fn segments_near_and_far() {
    let most = cells_worth_a_table(2, None);
    let rows = [path(2, &[0, 1])];
    let far = FAR as u32;
    // Next to the stack, after a gap, as far as it may be.
    for base in [14, 15, 14 + most] {
        let cover = covered(&execution(&[10, 12, 14], FAR, Some([base, base + 7])), &rows);
        assert_eq!(cover.owned_end, base + 7, "{base}");
        assert_eq!(checked(&cover), (base..base + 7).collect::<Vec<_>>());
        let gap: Vec<[u32; 2]> = if base > 14 { vec![[14, base]] } else { Vec::new() };
        assert_eq!(cover.rest, [vec![[1, 10]], gap].concat());
    }
    // Beyond that, and at the end.
    for base in [15 + most, far - 7] {
        let cover = covered(&execution(&[10, 12, 14], FAR, Some([base, base + 7])), &rows);
        assert_eq!(cover, Cover { owned_end: 14, rest: vec![[1, 10]], ..Cover::NONE }, "{base}");
    }
    // With few cells after it, these are owned as well.
    let cover = covered(&execution(&[10, 12, 14], 40, Some([20, 30])), &rows);
    assert_eq!((cover.owned_end, cover.rest_cells(), checked(&cover).len()), (40, 9 + 6 + 10, 10));
    // Before the stack and among its rows.
    let cover = covered(&execution(&[10, 12, 14], FAR, Some([2, 10])), &rows);
    assert_eq!((cover.owned_end, cover.rest), (14, vec![[1, 2]]));
    let cover = covered(&execution(&[10, 16, 20], FAR, Some([12, 16])), &rows);
    assert_eq!((cover.owned_end, cover.rest), (18, vec![[1, 10]]));
    // Empty segments are nobody's.
    for base in [0, 1, 12, 14, 50, far] {
        let cover = covered(&execution(&[10, 12, 14], FAR, Some([base, base])), &rows);
        assert_eq!(cover, Cover { owned_end: 14, rest: vec![[1, 10]], ..Cover::NONE });
    }
    // Without rows that own there are no range tables.
    assert_eq!(covered(&execution(&[10, 12, 14], FAR, Some([15, 20])), &[]), Cover::NONE);
}

/// A run that moves ap back makes two rows owners of a cell: then none is one.
#[test]
fn overlapping_rows() {
    for (aps, cells) in [([10, 10], 1), ([10, 12], 3), ([12, 10], 3), ([10, 11], 2), ([0, 5], 2)] {
        let run = execution(&aps, 40, Some([20, 25]));
        assert_eq!(covered(&run, &[path(cells, &[0, 1])]), Cover::NONE, "{aps:?}");
    }
    // A row over cells of the segment.
    for segment in [[10, 11], [12, 14], [14, 16], [8, 11], [8, 30]] {
        let run = execution(&[10, 15], 40, Some(segment));
        assert_eq!(covered(&run, &[path(5, &[0])]), Cover::NONE, "{segment:?}");
    }
}

#[test]
fn too_large_values_are_refused() {
    let mut run = execution(&[10, 12, 14], 40, Some([20, 30]));
    run.memory[22] = -Felt::one();
    let refused = cover(&run, &mut vec![path(2, &[0, 1])]);
    let is_the_cell = |error: &ExecutionError| matches!(error, ExecutionError::RangeCheck { address: 22, .. });
    assert!(matches!(&refused, Err(WitnessError::Execution(error)) if is_the_cell(error)), "{refused:?}");
    // Without owners the other tables refuse it.
    assert_eq!(covered(&run, &[]), Cover::NONE);
}

#[test]
fn checked_cells_of_a_range() {
    let range = |width| Range::new(8, width, 0).unwrap();
    let checks =
        vec![Checks { range: range(8), addresses: vec![5, 7, 9] }, Checks { range: range(16), addresses: vec![6] }];
    let cover = Cover { owned_end: 10, rest: vec![[1, 5], [8, 9]], checks, ..Cover::NONE };
    assert_eq!(cover.checked(range(8), 0), [5, 7, 9]);
    assert_eq!(cover.checked(range(8), 2), [9]);
    assert!(cover.checked(range(8), 3).is_empty() && cover.checked(range(8), 4).is_empty());
    assert_eq!(cover.checked(range(16), 0), [6]);
    assert!(cover.checked(range(24), 0).is_empty());
    assert_eq!(cover.rest_cells(), 5);
}

/// A row of an owning word owns as many cells as its kind says. Where rows would own the same cell, all its steps go to one plain table, with those that
/// are there already.
#[test]
fn owning_words_own_or_are_plain() {
    let word = Word { flags: 0x480a, taken: None };
    let owning = |at_ap, starts: &[u32]| {
        let kind = TableKind::OwningWord(OwningWord { word, at_ap, owned: vec![0] });
        StepTable { kind, log_height: 6, starts: starts.to_vec() }
    };
    let plain = |starts: &[u32]| StepTable { kind: TableKind::Word(word), log_height: 6, starts: starts.to_vec() };
    let apart = execution(&[9, 10, 11, 12], 14, None);
    covered(&apart, &[owning(Some(0), &[0, 2]), owning(None, &[1]), plain(&[3])]);
    let back = execution(&[9, 10, 9, 10, 11], 14, None);
    let mut steps = vec![owning(Some(0), &[0, 2]), plain(&[3]), owning(None, &[1])];
    assert_eq!(cover(&back, &mut steps).unwrap(), Cover::NONE);
    assert_eq!(steps, [plain(&[0, 1, 2, 3])]);
}
