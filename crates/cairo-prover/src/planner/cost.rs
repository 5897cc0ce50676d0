//! What tables cost: committed cells, and columns, which are proof bytes.

use super::budget::{Budget, MAX_LOG_HEIGHT, MAX_TERMS};
use super::ownership::cells_worth_a_table;
use super::ranges::{self, Checks};
use super::tables::{lookups, of_builtins};
use crate::claim::claim;
use crate::table_size::{cells_of_rows, half_columns, memory_log_heights, size_of};
use cairo_air::components::{Context, Limb, TableSize};
use cairo_air::fetch::MAX_FETCHES;
use cairo_air::program::PROGRAM_BASE;
use cairo_air::{Builtin, Claim, TableKind};
use cairo_execution::Execution;
use rayon::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Columns that keep a default proof (84 queries, blow-up 2) at about 600 kB: 250 kB and 2.6 kB for each column.
pub const DEFAULT_COLUMNS: usize = 135;

/// The cost model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Costs {
    /// Columns that step tables may have, with the instruction table and the byte table if they are needed for it.
    pub columns: usize,
    /// What a column costs besides its cells, in cells: openings, and the verifier's work.
    pub cells_per_column: u64,
    /// A column beyond `columns` must save one cell in this many steps. There may be no plan within the limit: the generic
    /// and the instruction table alone have about 70 columns.
    pub steps_per_excess_column: u64,
    /// Whether rows can own cells.
    pub own: bool,
    /// The cell table.
    pub cell: TableSize,
    /// Cells of the cell table besides those that steps move `ap` over; none if rows cannot own cells.
    pub rest: u64,
    /// The generic table.
    pub generic: TableSize,
    /// The instruction table; nothing if the claim's list of fetches takes its place.
    pub instruction: TableSize,
    /// Columns of the byte table, if the instruction table needs it and nothing else does already.
    pub byte: usize,
    /// Most tables of one kind.
    pub chunks: usize,
    /// Most bus terms of the disclosed tables; 0 if all are committed.
    pub disclosed_terms: u64,
    /// The ranges of the checked cells, if rows can own cells and every value has a range: they are looked for once.
    pub checks: Option<Arc<[Checks]>>,
}

impl Costs {
    /// The model for an execution whose proof may have `columns` columns in all.
    pub fn new(execution: &Execution, columns: usize) -> Self {
        let Survey { is_stack, fetches_fit } = Survey::new(execution);
        Self::with(execution, columns, is_stack, fetches_fit)
    }

    /// The same model where no row owns cells.
    pub fn without_owners(&self, execution: &Execution) -> Self {
        let checks = self.checks.as_deref().unwrap_or_default();
        let claim = claim(execution);
        let before = Fixed::new(execution, &claim, self.own, checks);
        let fixed = Fixed::new(execution, &claim, false, &[]);
        let columns = (self.columns + before.columns).saturating_sub(fixed.columns);
        let byte = if self.instruction.columns == 0 { 0 } else { fixed.byte };
        Self { columns, byte, own: false, rest: 0, checks: None, ..self.clone() }
    }

    /// What may be disclosed.
    pub const fn budget(&self) -> Budget {
        Budget::new(self.disclosed_terms)
    }

    /// What a table of that size with so many rows costs: cells, and half columns. A short one is disclosed, if that much is left: it is committed to
    /// no cells and has no columns, but its rows are bytes, which are counted as the columns that would take as many, and the verifier looks at each.
    pub fn spend(&self, size: TableSize, rows: u64, padded: bool, budget: &mut Budget) -> (u64, usize) {
        let halves = half_columns(size);
        // In this order of tests: what is disclosed is decided again, with the true sizes, when the witness is made. The model need only
        // prefer tables that will be.
        if rows <= 1 << MAX_LOG_HEIGHT {
            let bytes = rows * size.columns as u64 * BYTES_PER_CELL;
            let open = (2 * bytes).div_ceil(BYTES_PER_COLUMN) as usize;
            // Of constraints there are about as many as columns, at most.
            if open < halves && budget.take(rows, size.columns, size.interactions, size.columns) {
                return (rows * size.interactions as u64 * CELLS_PER_TERM, open);
            }
        }
        (cells_of_rows(size, rows, padded), halves)
    }

    fn with(execution: &Execution, columns: usize, own: bool, listed: bool) -> Self {
        let claim = claim(execution);
        let context = Context { program: &execution.program, claim: &claim, memory_start: 0 };
        let checked = claim.segment(&execution.program, Builtin::RangeCheck);
        let checked = checked.filter(|segment| own && segment.base < segment.stop);
        // A value that is in no range is refused when the cells are covered.
        let checks =
            checked.map(|segment| ranges::partition_ranges(&execution.memory, segment, execution.n_steps()).ok());
        let checks = checks.flatten().map(Arc::from);
        let fixed = Fixed::new(execution, &claim, own, checks.as_deref().unwrap_or_default());
        Self {
            columns: columns.saturating_sub(fixed.columns),
            cells_per_column: 256,
            own,
            cell: size_of(&TableKind::Cell, context),
            rest: fixed.rest,
            steps_per_excess_column: 8,
            generic: size_of(&TableKind::Generic, context),
            instruction: match listed {
                true => TableSize { columns: 0, interactions: 0 },
                false => size_of(&TableKind::Instruction, context),
            },
            byte: if listed { 0 } else { fixed.byte },
            chunks: 2,
            disclosed_terms: MAX_TERMS,
            checks,
        }
    }
}

/// What a run's tables other than step tables come to.
struct Fixed {
    /// Cells of the cell table whatever the steps.
    rest: u64,
    /// Columns.
    columns: usize,
    /// Columns of the byte table, if none of the others needs it.
    byte: usize,
}

impl Fixed {
    fn new(execution: &Execution, claim: &Claim, own: bool, checks: &[Checks]) -> Self {
        let context = Context { program: &execution.program, claim, memory_start: 0 };
        let builtins = of_builtins(execution, claim, own).into_iter().map(|entry| entry.kind);
        let ranges = checks.iter().map(|checks| TableKind::Range(checks.range));
        let mut kinds: Vec<TableKind> = builtins.chain(ranges).collect();
        let lookups = lookups(&kinds, context).into_iter().map(|entry| entry.kind);
        kinds.extend(lookups);
        let width = |kind: &TableKind| size_of(kind, context).width();
        let byte = TableKind::Limb(Limb::Bits8);
        let byte = if kinds.contains(&byte) { 0 } else { width(&byte) };

        let end = if own { execution.trace.last().map_or(0, |registers| registers.ap) } else { PROGRAM_BASE };
        let cells = u32::try_from(execution.memory.len()).unwrap_or(u32::MAX).saturating_sub(end);
        let cells = cells - checks.iter().map(|checks| checks.addresses.len() as u32).sum::<u32>().min(cells);
        let mut rest = if own { u64::from(execution.program.initial_ap() - PROGRAM_BASE) } else { 0 };
        if own {
            kinds.push(TableKind::Cell);
        }
        // As the cover will have it.
        if own && cells <= cells_worth_a_table(execution.n_steps()) {
            rest += u64::from(cells);
        } else {
            let tables = memory_log_heights(cells as usize).len();
            kinds.extend(std::iter::repeat_n(TableKind::Memory, tables));
        }
        Self { rest, columns: kinds.iter().map(width).sum(), byte }
    }
}

/// What one look at all states tells.
struct Survey {
    /// Whether `ap` never decreases: otherwise rows cannot own cells.
    is_stack: bool,
    /// Whether the claim's list of fetches holds whatever instructions of the run a plan leaves to the generic and word tables.
    fetches_fit: bool,
}

impl Survey {
    fn new(execution: &Execution) -> Self {
        const PIECE: usize = 1 << 15;
        let trace = &execution.trace;
        let seen: Vec<AtomicBool> = execution.program.bytecode().iter().map(|_| AtomicBool::new(false)).collect();
        let look = |piece: usize| {
            let (mut ap, mut ascends, mut inside) = (0, true, true);
            // With the first state of the next piece.
            for state in &trace[piece * PIECE..trace.len().min((piece + 1) * PIECE + 1)] {
                ascends &= ap <= state.ap;
                ap = state.ap;
                let index = state.pc.checked_sub(PROGRAM_BASE).map(|index| index as usize);
                let Some(seen) = index.and_then(|index| seen.get(index)) else {
                    inside = false;
                    continue;
                };
                // Written once only: otherwise the threads would take it from each other at every step.
                if !seen.load(Ordering::Relaxed) {
                    seen.store(true, Ordering::Relaxed);
                }
            }
            [ascends, inside]
        };
        let pieces = (0..trace.len().div_ceil(PIECE)).into_par_iter().map(look);
        let [is_stack, inside] = pieces.reduce(|| [true; 2], |a, b| [a[0] && b[0], a[1] && b[1]]);
        let distinct = seen.iter().filter(|seen| seen.load(Ordering::Relaxed)).count();
        Self { is_stack, fetches_fit: inside && distinct <= MAX_FETCHES }
    }
}

/// Bytes of a proof that a committed column takes, with 80 queries.
const BYTES_PER_COLUMN: u64 = 2600;

/// Bytes that a disclosed cell takes: most are flags and addresses.
const BYTES_PER_CELL: u64 = 3;

/// What it takes to look at a bus term of a disclosed row, in the time that a committed cell takes.
const CELLS_PER_TERM: u64 = 8;
