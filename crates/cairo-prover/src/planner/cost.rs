//! What tables cost: committed cells, and columns, which are proof bytes.

use super::budget::{BYTES_PER_CELL, BYTES_PER_COLUMN, Budget, CELLS_PER_TERM, MAX_LOG_HEIGHT, MAX_TERMS};
use super::builtins::bitwise_rows::Sizes;
use super::checked::Checked;
use super::ownership::cells_worth_a_table;
use super::tables::{lookups, memory_parts, of_builtins};
use crate::claim::joined;
use crate::table_size::{cells, cells_of_rows, half_columns, parts, size_of};
use cairo_air::components::{Context, Limb, MAX_CHUNKS, TableSize};
use cairo_air::fetch::MAX_FETCHES;
use cairo_air::layout::MAX_TABLES;
use cairo_air::program::PROGRAM_BASE;
use cairo_air::{Builtin, Claim, Segment, TableKind};
use cairo_execution::Execution;
use rayon::prelude::*;
use stark::Parameters;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Columns that keep a default proof (84 queries, blow-up 2) at about 600 kB: 250 kB and 2.6 kB for each column. Those beyond have a
/// [`Price`].
pub const DEFAULT_COLUMNS: usize = 135;

/// Half a second for a megabyte.
pub const DEFAULT_BYTE_PRICE_NS: u32 = 500;

/// Tables that are kept free beside the step tables and those that are counted: an instruction table in parts, the byte table, second parts of
/// cell and range tables.
const SPARE_TABLES: usize = 10;

/// What the bytes of a proof are worth, in time of one thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price {
    /// Nanoseconds that a byte is worth.
    pub byte_ns: u32,
    /// Parameters of the STARK: the bytes of a column and the time of a cell follow from them.
    pub parameters: Parameters,
}

impl Price {
    /// What a column's bytes are worth, in cells.
    ///
    /// The time of a cell is a constant, of a core with AVX2, and not measured, so that plans are the same on all machines: a part for
    /// interpolation, constraints and openings, and one for each point of the extension.
    pub fn column(&self) -> u64 {
        self.column_ns() / self.cell_ns()
    }

    const fn column_ns(&self) -> u64 {
        32 * (self.parameters.queries as u64 + 1) * self.byte_ns as u64
    }

    const fn cell_ns(&self) -> u64 {
        150 + (175 << self.parameters.log_blowup)
    }

    /// What a proof costs, its time and its bytes, in nanoseconds. A cell whose extension is recomputed takes twice the time (measured).
    pub fn of_proof(&self, cells: u64, recomputed: u64, columns: u64) -> u64 {
        (cells + recomputed) * self.cell_ns() + columns * self.column_ns()
    }
}

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
    /// What a column beyond `columns` costs at most, in cells: what its bytes are worth. Without it `columns` is a limit.
    pub excess_column: Option<u64>,
    /// Most step tables: those that the other tables leave of [`MAX_TABLES`].
    pub tables: usize,
    /// Whether rows can own cells.
    pub own: bool,
    /// Whether those of word tables can, too.
    pub own_words: bool,
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
    /// The tables of the checked cells, if rows can own cells and every value has a range: they are looked for once.
    pub checked: Option<Arc<Checked>>,
    /// The sizes of bitwise instances, if these may have row tables.
    pub sizes: Option<Sizes>,
}

impl Costs {
    /// The model for an execution whose proof may have `columns` columns in all.
    pub fn new(execution: &Execution, columns: usize) -> Self {
        let Survey { is_stack, fetches_fit } = Survey::new(execution);
        Self::with(execution, columns, (is_stack, fetches_fit), (None, None))
    }

    /// The model where further columns have a price: they are taken where the time that they save is worth their bytes.
    pub fn priced(execution: &Execution, columns: usize, price: &Price) -> Self {
        let Survey { is_stack, fetches_fit } = Survey::new(execution);
        let bitwise = execution.segments.get(&Builtin::Bitwise).filter(|segment| segment.base < segment.stop);
        let sizes = bitwise.map(|segment| {
            let segment = Segment { base: segment.base, stop: segment.stop };
            Sizes::new(&execution.memory, segment, CELLS_PER_COLUMN + price.column())
        });
        Self::with(execution, columns, (is_stack, fetches_fit), (sizes, Some(price.column())))
    }

    /// What a column costs besides its cells, in cells, if those beyond `columns` have a price: then all other tables have it too.
    pub fn column(&self) -> Option<u64> {
        self.excess_column.map(|price| CELLS_PER_COLUMN + price)
    }

    /// What so many columns cost besides their cells, in cells.
    pub fn of_columns(&self, columns: usize, steps: u64) -> u64 {
        let excess = columns.saturating_sub(self.columns) as u64;
        let limit = (steps / self.steps_per_excess_column.max(1)).max(1 << 12);
        let beyond = self.excess_column.map_or(limit, |price| price.min(limit));
        columns as u64 * self.cells_per_column + excess * beyond
    }

    /// The same model where no row owns cells.
    pub fn without_owners(&self, execution: &Execution) -> Self {
        let claim = joined(execution);
        let (checked, sizes, column) = (self.checked.as_deref(), self.sizes.as_ref(), self.column());
        let before = Fixed::new(execution, &claim, self.own, (checked, sizes, column));
        let fixed = Fixed::new(execution, &claim, false, (None, sizes, column));
        let columns = (self.columns + before.columns).saturating_sub(fixed.columns);
        let tables = (self.tables + before.tables).saturating_sub(fixed.tables);
        let byte = if self.instruction.columns == 0 { 0 } else { fixed.byte };
        Self { columns, tables, byte, own: false, own_words: false, rest: 0, checked: None, ..self.clone() }
    }

    /// What may be disclosed.
    pub const fn budget(&self) -> Budget {
        Budget::new(self.disclosed_terms)
    }

    /// What tables of that size with so many rows cost: cells, and half columns. Where columns have a price, in as many parts as are cheapest.
    pub fn spend(&self, size: TableSize, rows: u64, padded: bool, budget: &mut Budget) -> (u64, usize) {
        let (Some(price), true) = (self.excess_column, padded) else {
            return self.spend_whole(size, rows, padded, budget);
        };
        let whole = self.spend_whole(size, rows, padded, budget);
        if rows <= 1 << MAX_LOG_HEIGHT {
            return whole;
        }
        let column = self.cells_per_column + price;
        let in_parts = (2..=self.chunks).map(|chunks| {
            let parts = parts(rows, chunks);
            let cells = parts.heights().iter().map(|log_height| cells(size, *log_height)).sum::<u64>();
            (cells, parts.heights().len() * half_columns(size))
        });
        let cost = |(cells, halves): &(u64, usize)| cells + halves.div_ceil(2) as u64 * column;
        std::iter::once(whole).chain(in_parts).min_by_key(cost).unwrap_or(whole)
    }

    /// What one table of that size costs. A short one is disclosed, if that much is left: it is committed to no cells and has no columns, but its rows
    /// are bytes, which are counted as the columns that would take as many, and the verifier looks at each.
    pub fn spend_whole(&self, size: TableSize, rows: u64, padded: bool, budget: &mut Budget) -> (u64, usize) {
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

    fn with(
        execution: &Execution,
        columns: usize,
        (own, listed): (bool, bool),
        (sizes, excess_column): (Option<Sizes>, Option<u64>),
    ) -> Self {
        let claim = joined(execution);
        let context = Context { program: &execution.program, claim: &claim, memory_start: 0 };
        let segment = claim.segment(&execution.program, Builtin::RangeCheck);
        let segment = segment.filter(|segment| own && segment.base < segment.stop);
        let column = excess_column.map(|price| CELLS_PER_COLUMN + price);
        // A value that is in no range is refused when the cells are covered.
        let checked = segment.map(|segment| Checked::new(&execution.memory, segment, execution.n_steps(), column).ok());
        let checked = checked.flatten().map(Arc::new);
        let fixed = Fixed::new(execution, &claim, own, (checked.as_deref(), sizes.as_ref(), column));
        Self {
            columns: columns.saturating_sub(fixed.columns),
            cells_per_column: CELLS_PER_COLUMN,
            own,
            own_words: own && excess_column.is_some(),
            cell: size_of(&TableKind::Cell, context),
            rest: fixed.rest,
            steps_per_excess_column: 8,
            excess_column,
            tables: MAX_TABLES.saturating_sub(fixed.tables + SPARE_TABLES),
            generic: size_of(&TableKind::Generic, context),
            instruction: match listed {
                true => TableSize { columns: 0, interactions: 0 },
                false => size_of(&TableKind::Instruction, context),
            },
            byte: if listed { 0 } else { fixed.byte },
            chunks: if excess_column.is_some() { MAX_CHUNKS } else { 2 },
            disclosed_terms: MAX_TERMS,
            checked,
            sizes,
        }
    }
}

/// What a run's tables other than step tables come to.
struct Fixed {
    /// Cells of the cell table whatever the steps.
    rest: u64,
    /// Columns.
    columns: usize,
    /// Tables.
    tables: usize,
    /// Columns of the byte table, if none of the others needs it.
    byte: usize,
}

impl Fixed {
    fn new(
        execution: &Execution,
        claim: &Claim,
        own: bool,
        (checked, sizes, column): (Option<&Checked>, Option<&Sizes>, Option<u64>),
    ) -> Self {
        let context = Context { program: &execution.program, claim, memory_start: 0 };
        let rows = sizes.map_or_else(Vec::new, |sizes| sizes.tables(own));
        let instances = if rows.is_empty() { None } else { sizes.map(Sizes::segment) };
        let builtins = of_builtins(execution, claim, |builtin| match builtin {
            Builtin::RangeCheck => own,
            Builtin::Bitwise => instances.is_some(),
            _ => false,
        });
        let builtins = builtins.into_iter().chain(rows).map(|entry| entry.kind);
        let ranges = checked.iter().flat_map(|checked| checked.tables(execution.n_steps())).map(|entry| entry.kind);
        let mut kinds: Vec<TableKind> = builtins.chain(ranges).collect();
        let lookups = lookups(&kinds, context).into_iter().map(|entry| entry.kind);
        kinds.extend(lookups);
        let width = |kind: &TableKind| size_of(kind, context).width();
        let byte = TableKind::Limb(Limb::Bits8);
        let byte = if kinds.contains(&byte) { 0 } else { width(&byte) };

        let end = if own { execution.trace.last().map_or(0, |registers| registers.ap) } else { PROGRAM_BASE };
        let cells = u32::try_from(execution.memory.len()).unwrap_or(u32::MAX).saturating_sub(end);
        let cells = cells - checked.map_or(0, Checked::cells).min(cells);
        let cells = cells - instances.filter(|_| own).map_or(0, |segment| segment.stop - segment.base).min(cells);
        let mut rest = if own { u64::from(execution.program.initial_ap() - PROGRAM_BASE) } else { 0 };
        if own {
            kinds.push(TableKind::Cell);
        }
        // As the cover will have it.
        if own && cells <= cells_worth_a_table(execution.n_steps(), column) {
            rest += u64::from(cells);
        } else {
            let tables = memory_parts(cells as usize, column).len();
            kinds.extend(std::iter::repeat_n(TableKind::Memory, tables));
        }
        Self { rest, columns: kinds.iter().map(width).sum(), tables: kinds.len(), byte }
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

/// What a column costs besides its cells, in cells, whatever its bytes are worth.
const CELLS_PER_COLUMN: u64 = 256;
