//! Which rows own which memory cells: the cells below the claim's `owned_end` belong to the path rows that move `ap` over them, to range tables, and
//! the rest to the cell table.

use super::counters::Counters;
use super::range::{self, Checks};
use super::rows::fill_rows;
use super::{StepTable, Trace, WitnessError};
use crate::planner::cost::heights;
use cairo_air::components::cell::Columns;
use cairo_air::components::derived::{DerivedError, Linear, Path, RowContents, Source};
use cairo_air::components::memory::CELLS;
use cairo_air::components::range::Range;
use cairo_air::program::PROGRAM_BASE;
use cairo_air::{Builtin, Segment, TableKind};
use cairo_execution::Execution;
use felt::Felt;
use felt::integers::{natural, small};
use rayon::prelude::*;
use stark::{Control, MIN_LOG_HEIGHT};

/// Cells that rows of step tables own, and what is left for the tables that hold cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cover {
    /// One past the last owned cell; 1 if there are none.
    pub owned_end: u32,
    /// Owned cells for the cell table, as ranges.
    pub rest: Vec<[u32; 2]>,
    /// The cells of range tables: all of the segment of range_check, or none.
    pub checks: Vec<Checks>,
}

impl Cover {
    /// Without owners: all cells are the memory tables'.
    pub const NONE: Self = Self { owned_end: PROGRAM_BASE, rest: Vec::new(), checks: Vec::new() };

    /// The addresses of the range tables of one range, from the `first` on.
    pub fn checked(&self, range: Range, first: usize) -> &[u32] {
        let checks = self.checks.iter().find(|checks| checks.range == range);
        checks.and_then(|checks| checks.addresses.get(first..)).unwrap_or_default()
    }

    /// Cells of [`Cover::rest`].
    pub fn rest_cells(&self) -> usize {
        self.rest.iter().map(|[base, stop]| stop.saturating_sub(*base) as usize).sum()
    }
}

/// The cells that a path's rows own.
pub fn owned_cells(kind: &TableKind) -> u32 {
    match kind {
        TableKind::Path(path) => path.owned.len() as u32,
        _ => 0,
    }
}

/// Finds what the rows of the step tables own, and the range tables. If two of them would own the same cell, since the run moved `ap` back, none owns any:
/// then the paths are changed.
///
/// # Errors
/// [`WitnessError::Execution`] if a checked value is not below 2^128.
pub fn cover(execution: &Execution, steps: &mut [StepTable]) -> Result<Cover, WitnessError> {
    let mut ranges: Vec<[u32; 2]> = Vec::new();
    for table in &*steps {
        let cells = owned_cells(&table.kind);
        if cells > 0 {
            let ap = |start: &u32| execution.trace.get(*start as usize).map_or(0, |registers| registers.ap);
            ranges.extend(table.starts.iter().map(ap).map(|ap| [ap, ap.saturating_add(cells)]));
        }
    }
    ranges.par_sort_unstable();
    let most = cells_worth_a_table(execution.n_steps());
    let checked = execution.segments.get(&Builtin::RangeCheck).filter(|segment| segment.base < segment.stop);
    let checked = checked.map(|segment| Segment { base: segment.base, stop: segment.stop });
    // Range tables have the checked cells, if those are near.
    let near = |segment: &Segment| ranges.last().is_some_and(|[_, end]| segment.base.saturating_sub(*end) <= most);
    let checked = checked.filter(near);
    if let Some(segment) = checked {
        ranges.push([segment.base, segment.stop]);
        ranges.par_sort_unstable();
    }
    let apart = ranges.windows(2).all(|pair| matches!(pair, [[_, stop], [base, _]] if stop <= base));
    let begins = ranges.first().is_some_and(|[base, _]| *base >= PROGRAM_BASE);
    let Some([_, end]) = ranges.last().filter(|_| apart && begins) else {
        for table in steps {
            if let TableKind::Path(path) = &mut table.kind {
                path.owned = Vec::new();
            }
        }
        return Ok(Cover::NONE);
    };
    let mut owned_end = *end;
    let mut rest = Vec::new();
    let mut at = PROGRAM_BASE;
    for [base, stop] in ranges {
        if base > at {
            rest.push([at, base]);
        }
        at = stop;
    }
    // What follows goes to a memory table, unless it is so little that the columns would cost more than the cells.
    let memory = u32::try_from(execution.memory.len()).unwrap_or(u32::MAX);
    let above = memory.saturating_sub(owned_end);
    if above > 0 && above <= most {
        rest.push([owned_end, memory]);
        owned_end = memory;
    }
    let checks = match checked {
        Some(segment) => range::choose(&execution.memory, segment, execution.n_steps())?,
        None => Vec::new(),
    };
    Ok(Cover { owned_end, rest, checks })
}

/// Cells that are better off in the cell table than in a memory table of their own: that one has three columns a cell less, but 21
/// columns, each of which may be worth a cell in 24 steps.
pub fn cells_worth_a_table(steps: usize) -> u32 {
    (21 * steps / 24 / 3).clamp((8 * CELLS) << MIN_LOG_HEIGHT, 1 << 30) as u32
}

/// Heights of the cell tables for so many cells: one, or two if that saves enough rows.
pub fn log_heights(cells: usize, steps: usize) -> Vec<u32> {
    match cells {
        0 => Vec::new(),
        _ => {
            let whole = heights(cells as u64, 1);
            let cut = heights(cells as u64, 2);
            let rows = |heights: &[u32]| heights.iter().map(|log_height| 1_usize << log_height).sum::<usize>();
            if rows(&whole) - rows(&cut) > steps / 16 { cut } else { whole }
        }
    }
}

/// Fills a cell table with the cells at `addresses`, at least one.
pub fn fill(
    memory: &[Felt],
    addresses: &[u32],
    log_height: u32,
    counters: &Counters,
    control: &dyn Control,
) -> Result<Trace, WitnessError> {
    let first = *addresses.first().ok_or(WitnessError::Empty("cell"))?;
    fill_rows(
        1 << log_height,
        control,
        || (),
        |(), row| {
            let (enabler, address) = match addresses.get(row) {
                Some(address) => (Felt::one(), *address),
                None => (Felt::zero(), first),
            };
            let value = memory.get(address as usize).copied().unwrap_or_else(Felt::zero);
            let uses = small(u64::from(counters.memory_uses(address as usize)));
            Ok(Columns { enabler, address: small(u64::from(address)), value, uses }.into_row())
        },
    )
}

/// How often a cell of a path's rows is used by others, over all rows: their sum, and two sums with pseudo-random weights, which are the same
/// for cells that are used equally often in each row, and practically never for others.
type Usage = [u64; 3];

/// Says which of its cells a path must provide, and which of them are used equally often in every row, so that one column of uses does for
/// them. `starts` are the rows of all tables of the path.
pub fn usage(
    execution: &Execution,
    path: &Path,
    starts: &[&[u32]],
    counters: &Counters,
) -> Result<Vec<u8>, WitnessError> {
    const PIECE: usize = 1 << 10;
    let cells = path.owned.len();
    let mut total: Vec<Usage> = vec![[0; 3]; cells];
    let mut before = 0;
    for starts in starts {
        let pieces = starts.par_chunks(PIECE).enumerate().map(|(piece, starts)| {
            let mut total: Vec<Usage> = vec![[0; 3]; cells];
            for (row, start) in (before + (piece * PIECE) as u64..).zip(starts) {
                let ap = execution.trace.get(*start as usize).map_or(0, |registers| registers.ap as usize);
                let weights = [1, mix(2 * row), mix(2 * row + 1)];
                for (place, sums) in total.iter_mut().enumerate() {
                    let uses = u64::from(counters.memory_uses(ap + place));
                    for (sum, weight) in sums.iter_mut().zip(weights) {
                        *sum = sum.wrapping_add(uses.wrapping_mul(weight));
                    }
                }
            }
            total
        });
        for piece in pieces.collect::<Vec<_>>() {
            for (sums, more) in total.iter_mut().flatten().zip(piece.iter().flatten()) {
                *sums = sums.wrapping_add(*more);
            }
        }
        before += starts.len() as u64;
    }
    let mut numbers: Vec<Usage> = Vec::new();
    let number = |usage: &Usage| match usage {
        [0, ..] => Ok(0),
        _ => {
            let known = numbers.iter().position(|other| other == usage);
            let index = known.unwrap_or_else(|| {
                numbers.push(*usage);
                numbers.len() - 1
            });
            u8::try_from(index + 1).map_err(|_| DerivedError::Columns.into())
        }
    };
    total.iter().map(number).collect()
}

/// SplitMix64's output function.
pub(crate) const fn mix(index: u64) -> u64 {
    let z = index.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

/// Appends to the columns of a path's table those that come with the cells that it provides.
pub fn provide(
    execution: &Execution,
    path: &Path,
    rows: &RowContents,
    starts: &[u32],
    counters: &Counters,
    trace: &mut Trace,
) -> Result<(), WitnessError> {
    let height = trace.first().map_or(0, Vec::len);
    let ap = match path.frame {
        Some(distance) => Linear::column(1).offset(i64::from(distance)),
        None => Linear::column(2),
    };
    let place = |address: &Linear| {
        (address - &ap).as_constant().as_ref().and_then(natural).and_then(|place| usize::try_from(place).ok())
    };
    let more = rows.sources.iter().skip(trace.len()).map(|source| match source {
        Source::Memory(address) => place(address).map(|place| (place, false)),
        Source::Uses(address) => place(address).map(|place| (place, true)),
        _ => None,
    });
    let more: Vec<_> = more.collect::<Option<_>>().ok_or(WitnessError::Empty("path"))?;
    let columns = more.into_par_iter().map(|(place, is_uses)| {
        let mut column = felt::memory::zeros(height);
        for (slot, start) in column.iter_mut().zip(starts) {
            let ap = execution.trace.get(*start as usize).map_or(0, |registers| registers.ap as usize);
            *slot = match is_uses {
                true => small(u64::from(counters.memory_uses(ap + place))),
                false => execution.memory.get(ap + place).copied().unwrap_or_else(Felt::zero),
            };
        }
        if let Some(first) = column.first().copied() {
            column.iter_mut().skip(starts.len()).for_each(|slot| *slot = first);
        }
        column
    });
    trace.extend(columns.collect::<Vec<_>>());
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use super::*;
    use crate::fixture;
    use cairo_execution::{ExecutionError, Registers};
    use std::collections::BTreeMap;

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
        assert_eq!(cover, Cover { owned_end: 28, rest: vec![[1, 10], [16, 20], [22, 25]], checks: Vec::new() });
        assert_eq!(cover.rest_cells(), 16);
        // From the first cell on, without gaps.
        let cover = covered(&execution(&[1, 3, 5], FAR, None), &[path(2, &[0, 1])]);
        assert_eq!(cover, Cover { owned_end: 5, rest: Vec::new(), checks: Vec::new() });
    }

    /// Cells above the stack go to the cell table if they are few.
    #[test]
    fn what_follows() {
        let most = cells_worth_a_table(2) as usize;
        assert_eq!(most, 4096);
        for (memory, owned_end) in [(12, 12), (13, 13), (12 + most, 12 + most), (13 + most, 12), (FAR, 12)] {
            let cover = covered(&execution(&[10, 11, 12], memory, None), &[path(1, &[0, 1])]);
            assert_eq!(cover.owned_end, owned_end as u32, "{memory}");
        }
        // Longer runs: more than they would be worth.
        assert_eq!(cells_worth_a_table(1 << 20), (21 << 20) / 72);
        assert_eq!(cells_worth_a_table(usize::MAX >> 8), 1 << 30);
        // A row that moves ap beyond the memory.
        assert_eq!(covered(&execution(&[10, 15], 12, None), &[path(5, &[0])]).owned_end, 15);
    }

    #[test]
    fn segments_near_and_far() {
        let most = cells_worth_a_table(2);
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
            assert_eq!(cover, Cover { owned_end: 14, rest: vec![[1, 10]], checks: Vec::new() }, "{base}");
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
            assert_eq!(cover, Cover { owned_end: 14, rest: vec![[1, 10]], checks: Vec::new() });
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
        let refused = cover(&run, &mut [path(2, &[0, 1])]);
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
        let cover = Cover { owned_end: 10, rest: vec![[1, 5], [8, 9]], checks };
        assert_eq!(cover.checked(range(8), 0), [5, 7, 9]);
        assert_eq!(cover.checked(range(8), 2), [9]);
        assert!(cover.checked(range(8), 3).is_empty() && cover.checked(range(8), 4).is_empty());
        assert_eq!(cover.checked(range(16), 0), [6]);
        assert!(cover.checked(range(24), 0).is_empty());
        assert_eq!(cover.rest_cells(), 5);
    }

    #[test]
    fn heights_of_cell_tables() {
        for (cells, steps, expected) in [
            (0, 100, vec![]),
            (1, 100, vec![6]),
            (64, 100, vec![6]),
            (65, 100, vec![7]),
            (129, 100, vec![7, 6]),
            (192, 100, vec![7, 6]),
            (193, 100, vec![8]),
            (129, 16 * 64, vec![8]),
            (129, 16 * 64 - 1, vec![7, 6]),
            ((1 << 16) + 1, 1 << 16, vec![16, 6]),
            ((1 << 16) + 1, 1 << 24, vec![17]),
        ] {
            assert_eq!(log_heights(cells, steps), expected, "{cells} in {steps}");
            let rows: usize = expected.iter().map(|log_height| 1 << log_height).sum();
            assert!(rows >= cells);
        }
        let map: BTreeMap<usize, usize> = (1..3000)
            .map(|cells| (cells, log_heights(cells, 100).iter().map(|height| 1_usize << height).sum()))
            .collect();
        assert!(map.iter().all(|(cells, rows)| rows >= cells));
    }
}
