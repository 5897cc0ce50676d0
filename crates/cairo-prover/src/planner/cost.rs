//! What tables cost: committed cells, and columns, which are proof bytes.

use super::budget::{Budget, CELLS_PER_TERM, MAX_LOG_HEIGHT, MAX_TERMS};
use super::builtins::bitwise_rows::Sizes;
use super::ownership::cells_worth_a_table;
use super::ranges::{self, Checks};
use super::tables::{lookups, of_builtins};
use crate::claim::claim;
use crate::table_size::{cells, cells_of_rows, half_columns, heights, memory_log_heights, size_of};
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
        let Parameters { log_blowup, queries, .. } = self.parameters;
        let bytes = 32 * (u64::from(queries) + 1);
        let cell_ns = 150 + (175 << log_blowup);
        bytes * u64::from(self.byte_ns) / cell_ns
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
    /// The sizes of bitwise instances, if these may have row tables.
    pub sizes: Option<Sizes>,
}

impl Costs {
    /// The model for an execution whose proof may have `columns` columns in all.
    pub fn new(execution: &Execution, columns: usize) -> Self {
        let Survey { is_stack, fetches_fit } = Survey::new(execution);
        Self::with(execution, columns, (is_stack, fetches_fit), None)
    }

    /// The model where further columns have a price: they are taken where the time that they save is worth their bytes.
    pub fn priced(execution: &Execution, columns: usize, price: &Price) -> Self {
        let Survey { is_stack, fetches_fit } = Survey::new(execution);
        let bitwise = execution.segments.get(&Builtin::Bitwise).filter(|segment| segment.base < segment.stop);
        let sizes = bitwise.map(|segment| {
            let segment = Segment { base: segment.base, stop: segment.stop };
            Sizes::new(&execution.memory, segment, CELLS_PER_COLUMN + price.column())
        });
        let costs = Self::with(execution, columns, (is_stack, fetches_fit), sizes);
        Self { excess_column: Some(price.column()), chunks: MAX_CHUNKS, ..costs }
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
        let checks = self.checks.as_deref().unwrap_or_default();
        let claim = claim(execution);
        let before = Fixed::new(execution, &claim, self.own, (checks, self.sizes.as_ref()));
        let fixed = Fixed::new(execution, &claim, false, (&[], self.sizes.as_ref()));
        let columns = (self.columns + before.columns).saturating_sub(fixed.columns);
        let tables = (self.tables + before.tables).saturating_sub(fixed.tables);
        let byte = if self.instruction.columns == 0 { 0 } else { fixed.byte };
        Self { columns, tables, byte, own: false, rest: 0, checks: None, ..self.clone() }
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
            let parts = heights(rows, chunks);
            let cells = parts.iter().map(|log_height| cells(size, *log_height)).sum::<u64>();
            (cells, parts.len() * half_columns(size))
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

    fn with(execution: &Execution, columns: usize, (own, listed): (bool, bool), sizes: Option<Sizes>) -> Self {
        let claim = claim(execution);
        let context = Context { program: &execution.program, claim: &claim, memory_start: 0 };
        let checked = claim.segment(&execution.program, Builtin::RangeCheck);
        let checked = checked.filter(|segment| own && segment.base < segment.stop);
        // A value that is in no range is refused when the cells are covered.
        let checks =
            checked.map(|segment| ranges::partition_ranges(&execution.memory, segment, execution.n_steps()).ok());
        let checks = checks.flatten().map(Arc::from);
        let fixed = Fixed::new(execution, &claim, own, (checks.as_deref().unwrap_or_default(), sizes.as_ref()));
        Self {
            columns: columns.saturating_sub(fixed.columns),
            cells_per_column: CELLS_PER_COLUMN,
            own,
            cell: size_of(&TableKind::Cell, context),
            rest: fixed.rest,
            steps_per_excess_column: 8,
            excess_column: None,
            tables: MAX_TABLES.saturating_sub(fixed.tables + SPARE_TABLES),
            generic: size_of(&TableKind::Generic, context),
            instruction: match listed {
                true => TableSize { columns: 0, interactions: 0 },
                false => size_of(&TableKind::Instruction, context),
            },
            byte: if listed { 0 } else { fixed.byte },
            chunks: 2,
            disclosed_terms: MAX_TERMS,
            checks,
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
    fn new(execution: &Execution, claim: &Claim, own: bool, (checks, sizes): (&[Checks], Option<&Sizes>)) -> Self {
        let context = Context { program: &execution.program, claim, memory_start: 0 };
        let rows = sizes.map_or_else(Vec::new, |sizes| sizes.tables(own));
        let instances = if rows.is_empty() { None } else { sizes.map(Sizes::segment) };
        let builtins = of_builtins(execution, claim, |builtin| match builtin {
            Builtin::RangeCheck => own,
            Builtin::Bitwise => instances.is_some(),
            _ => false,
        });
        let builtins = builtins.into_iter().chain(rows).map(|entry| entry.kind);
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
        let cells = cells - instances.filter(|_| own).map_or(0, |segment| segment.stop - segment.base).min(cells);
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

/// Bytes of a proof that a committed column takes, with 80 queries.
const BYTES_PER_COLUMN: u64 = 2600;

/// Bytes that a disclosed cell takes: most are flags and addresses.
const BYTES_PER_CELL: u64 = 3;
