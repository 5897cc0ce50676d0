//! Which rows own which memory cells: the cells below the claim's `owned_end` belong to the rows of paths and owning words that move `ap` over them, to
//! tables of ranges and range rows, and the rest to the cell table.

use super::builtins::bitwise_rows::{Instances, Sizes};
use super::checked::Checked;
use super::range_rows::CheckedRows;
use super::ranges::Checks;
use super::step_table::{StepTable, disown, owned_cells};
use crate::error::WitnessError;
use crate::table_size;
use cairo_air::components::bitwise_row::BitwiseRow;
use cairo_air::components::range::Range;
use cairo_air::components::range_row::RangeRow;
use cairo_air::components::{cell, memory};
use cairo_air::program::PROGRAM_BASE;
use cairo_air::{Builtin, Segment};
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
    /// The cells of range tables.
    pub checks: Vec<Checks>,
    /// Those of range row tables: both together have all of the segment, or none of it.
    pub rows: Vec<CheckedRows>,
    /// The instances of bitwise row tables, whether these own their cells or not: all of the segment of bitwise, or none.
    pub instances: Vec<Instances>,
    /// What a column costs besides its cells, in cells, if tables come in as many parts as are cheapest.
    pub column: Option<u64>,
}

impl Cover {
    /// Without owners: all cells are the memory tables'.
    pub const NONE: Self = Self {
        owned_end: PROGRAM_BASE,
        rest: Vec::new(),
        checks: Vec::new(),
        rows: Vec::new(),
        instances: Vec::new(),
        column: None,
    };

    /// The addresses of the range tables of one range, from the `first` on.
    pub fn checked(&self, range: Range, first: usize) -> &[u32] {
        let checks = self.checks.iter().find(|checks| checks.range == range);
        checks.and_then(|checks| checks.addresses.get(first..)).unwrap_or_default()
    }

    /// The first addresses of the rows of the range row tables of one kind, from the `first` on.
    pub fn checked_rows(&self, row: &RangeRow, first: usize) -> &[u32] {
        let rows = self.rows.iter().find(|rows| rows.row == *row);
        rows.and_then(|rows| rows.addresses.get(first..)).unwrap_or_default()
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
/// then the tables are changed.
///
/// # Errors
/// [`WitnessError::Execution`] if a checked value is not below 2^128.
pub fn cover(execution: &Execution, steps: &mut Vec<StepTable>) -> Result<Cover, WitnessError> {
    let choose = |segment| Checked::new(&execution.memory, segment, execution.n_steps(), None);
    cover_with(execution, steps, choose, (None, None))
}

/// [`cover`], where the tables of the segment of range_check are known or need not be looked for; and with bitwise row tables where those cost least, if
/// the sizes of that builtin's instances are given. `column` is as in [`Cover`].
pub fn cover_with(
    execution: &Execution,
    steps: &mut Vec<StepTable>,
    checked: impl FnOnce(Segment) -> Result<Checked, WitnessError>,
    (sizes, column): (Option<&Sizes>, Option<u64>),
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
    let most = cells_worth_a_table(execution.n_steps(), None);
    let segment = execution.segments.get(&Builtin::RangeCheck).filter(|segment| segment.base < segment.stop);
    let segment = segment.map(|segment| Segment { base: segment.base, stop: segment.stop });
    // Range tables have the checked cells, if those are near, and so with bitwise rows. The lower segment comes first: if it is too far, so is the other,
    // and what lies below a segment that is owned is owned as well.
    let worked = sizes.filter(|sizes| !sizes.tables(true).is_empty()).map(Sizes::segment);
    let wanted = [(Builtin::RangeCheck, segment), (Builtin::Bitwise, worked)].into_iter();
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
        disown(steps);
        return Ok(Cover { instances: instances(false), column, ..Cover::NONE });
    };
    // From here on every address below `owned_end` gets exactly one owner: a row of a path or an owning word, a range table, or the cell table.
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
    if above > 0 && above <= cells_worth_a_table(execution.n_steps(), column) {
        rest.push([owned_end, memory]);
        owned_end = memory;
    }
    let Checked { ranges: checks, rows } = match taken(Builtin::RangeCheck) {
        Some(segment) => checked(segment)?,
        None => Checked::default(),
    };
    let instances = instances(taken(Builtin::Bitwise).is_some());
    Ok(Cover { owned_end, rest, checks, rows, instances, column })
}

/// Cells that are better off in the cell table than in a memory table of their own: that one has fewer columns a cell, but many more in
/// all, each of which may be worth a cell in 24 steps, or what a column costs besides its cells.
pub fn cells_worth_a_table(steps: usize, column: Option<u64>) -> u32 {
    let [columns, cell] = [memory::air(u64::from(PROGRAM_BASE)), cell::air()].map(|air| table_size::size(air).width());
    let saved = cell.saturating_sub(columns.div_ceil(memory::CELLS)).max(1);
    let price = column.map_or(columns * steps / 24, |column| columns.saturating_mul(column as usize));
    (price / saved).clamp((8 * memory::CELLS) << MIN_LOG_HEIGHT, 1 << 30) as u32
}

#[cfg(test)]
mod tests;
