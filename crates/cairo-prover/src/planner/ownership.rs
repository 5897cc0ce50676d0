//! Which rows own which memory cells: the cells below the claim's `owned_end` belong to the path rows that move `ap` over them, to range tables, and
//! the rest to the cell table.

use super::builtins::bitwise_rows::{Instances, Sizes};
use super::ranges::{self, Checks};
use super::step_table::{StepTable, owned_cells};
use crate::error::WitnessError;
use crate::table_size;
use cairo_air::components::bitwise_row::BitwiseRow;
use cairo_air::components::range::Range;
use cairo_air::components::{cell, memory};
use cairo_air::program::PROGRAM_BASE;
use cairo_air::{Builtin, Segment, TableKind};
use cairo_execution::Execution;
use rayon::prelude::*;
use stark::MIN_LOG_HEIGHT;

/// Cells that rows of step tables own, and what is left for the tables that hold cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cover {
    /// One past the last owned cell; 1 if there are none.
    pub owned_end: u32,
    /// Owned cells for the cell table, as ranges.
    pub rest: Vec<[u32; 2]>,
    /// The cells of range tables: all of the segment of range_check, or none.
    pub checks: Vec<Checks>,
    /// The instances of bitwise row tables, whether these own their cells or not: all of the segment of bitwise, or none.
    pub instances: Vec<Instances>,
}

impl Cover {
    /// Without owners: all cells are the memory tables'.
    pub const NONE: Self =
        Self { owned_end: PROGRAM_BASE, rest: Vec::new(), checks: Vec::new(), instances: Vec::new() };

    /// The addresses of the range tables of one range, from the `first` on.
    pub fn checked(&self, range: Range, first: usize) -> &[u32] {
        let checks = self.checks.iter().find(|checks| checks.range == range);
        checks.and_then(|checks| checks.addresses.get(first..)).unwrap_or_default()
    }

    /// The instances of the bitwise row tables of one kind, from the `first` on.
    pub fn instances(&self, row: BitwiseRow, first: usize) -> &[u32] {
        let instances = self.instances.iter().find(|instances| instances.row == row);
        instances.and_then(|instances| instances.addresses.get(first..)).unwrap_or_default()
    }

    /// Cells of [`Cover::rest`].
    pub fn rest_cells(&self) -> usize {
        self.rest.iter().map(|[base, stop]| stop.saturating_sub(*base) as usize).sum()
    }
}

/// Finds what the rows of the step tables own, and the range tables. If two of them would own the same cell, since the run moved `ap` back, none owns any:
/// then the paths are changed.
///
/// # Errors
/// [`WitnessError::Execution`] if a checked value is not below 2^128.
pub fn cover(execution: &Execution, steps: &mut [StepTable]) -> Result<Cover, WitnessError> {
    let choose = |segment| ranges::partition_ranges(&execution.memory, segment, execution.n_steps());
    cover_with(execution, steps, choose, None)
}

/// [`cover`], where the ranges of the segment of range_check are known or need not be looked for; and with bitwise row tables where those cost least, if
/// the sizes of that builtin's instances are given.
pub fn cover_with(
    execution: &Execution,
    steps: &mut [StepTable],
    checks: impl FnOnce(Segment) -> Result<Vec<Checks>, WitnessError>,
    sizes: Option<&Sizes>,
) -> Result<Cover, WitnessError> {
    let mut ranges: Vec<[u32; 2]> = Vec::new();
    for table in &*steps {
        let cells = owned_cells(&table.kind);
        if cells > 0 {
            let ap = |start: &u32| execution.trace.get(*start as usize).map_or(0, |registers| registers.ap);
            ranges.extend(table.starts.iter().map(ap).map(|ap| [ap, ap.saturating_add(cells)]));
        }
    }
    // Sorted, the ranges are disjoint exactly if each ends before the next begins. The owned bus demands it: it is a walk through all owned
    // addresses, on which no address comes twice.
    ranges.par_sort_unstable();
    let most = cells_worth_a_table(execution.n_steps());
    let checked = execution.segments.get(&Builtin::RangeCheck).filter(|segment| segment.base < segment.stop);
    let checked = checked.map(|segment| Segment { base: segment.base, stop: segment.stop });
    // Range tables have the checked cells, if those are near, and so with bitwise rows. The lower segment comes first: if it is too far, so is the other,
    // and what lies below a segment that is owned is owned as well.
    let worked = sizes.filter(|sizes| !sizes.tables(true).is_empty()).map(Sizes::segment);
    let wanted = [(Builtin::RangeCheck, checked), (Builtin::Bitwise, worked)].into_iter();
    let mut taken: Vec<(Builtin, Segment)> =
        wanted.filter_map(|(builtin, segment)| Some((builtin, segment?))).collect();
    taken.sort_by_key(|(_, segment)| segment.base);
    taken.retain(|(_, Segment { base, stop })| {
        let is_near = ranges.last().is_some_and(|[_, end]| base.saturating_sub(*end) <= most);
        if is_near {
            ranges.push([*base, *stop]);
            ranges.par_sort_unstable();
        }
        is_near
    });
    let taken = |builtin| taken.iter().find(|(taken, _)| *taken == builtin).map(|(_, segment)| *segment);
    let instances = |owned| sizes.map_or_else(Vec::new, |sizes| sizes.partition(&execution.memory, owned));
    let apart = ranges.windows(2).all(|pair| matches!(pair, [[_, stop], [base, _]] if stop <= base));
    let begins = ranges.first().is_some_and(|[base, _]| *base >= PROGRAM_BASE);
    let Some([_, end]) = ranges.last().filter(|_| apart && begins) else {
        for table in steps {
            if let TableKind::Path(path) = &mut table.kind {
                path.owned = Vec::new();
            }
        }
        return Ok(Cover { instances: instances(false), ..Cover::NONE });
    };
    // From here on every address below `owned_end` gets exactly one owner: a row of a path, a range table, or the cell table.
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
    let checks = match taken(Builtin::RangeCheck) {
        Some(segment) => checks(segment)?,
        None => Vec::new(),
    };
    let instances = instances(taken(Builtin::Bitwise).is_some());
    Ok(Cover { owned_end, rest, checks, instances })
}

/// Cells that are better off in the cell table than in a memory table of their own: that one has fewer columns a cell, but many more in
/// all, each of which may be worth a cell in 24 steps.
pub fn cells_worth_a_table(steps: usize) -> u32 {
    let [columns, cell] = [memory::air(u64::from(PROGRAM_BASE)), cell::air()].map(|air| table_size::size(air).width());
    let saved = cell.saturating_sub(columns.div_ceil(memory::CELLS)).max(1);
    (columns * steps / 24 / saved).clamp((8 * memory::CELLS) << MIN_LOG_HEIGHT, 1 << 30) as u32
}

#[cfg(test)]
mod tests;
