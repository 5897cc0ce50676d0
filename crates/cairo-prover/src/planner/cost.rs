//! What tables cost: committed cells, and columns, which are proof bytes.

use crate::witness::memory;
use crate::witness::range_check::Limbs;
use cairo_air::components::derived::Size;
use cairo_air::components::{generic, instruction};
use cairo_air::fetch::MAX_FETCHES;
use cairo_air::program::PROGRAM_BASE;
use cairo_air::{Builtin, TableKind};
use cairo_execution::{Execution, Registers};
use rayon::prelude::*;
use stark::{Air, MIN_LOG_HEIGHT};
use std::sync::atomic::{AtomicBool, Ordering};

/// Columns that keep a default proof (82 queries, blow-up 2) below 600 kB: about 250 kB and 2.6 kB for each column.
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
    /// The generic table.
    pub generic: Size,
    /// The instruction table; nothing if the claim's list of fetches takes its place.
    pub instruction: Size,
    /// Columns of the byte table, if the instruction table needs it and nothing else does already.
    pub byte: usize,
    /// Most tables of one kind.
    pub chunks: usize,
}

impl Costs {
    /// The model for an execution whose proof may have `columns` columns in all.
    pub fn new(execution: &Execution, columns: usize) -> Self {
        let size = |air: Result<Air, stark::AirError>| {
            air.map_or(Size { columns: 64, interactions: 32 }, |air| Size {
                columns: air.width(),
                interactions: air.interactions().len(),
            })
        };
        let used = |builtin: &Builtin| execution.segments.get(builtin).filter(|segment| segment.stop > segment.base);
        let limbs = used(&Builtin::RangeCheck).map(|segment| Limbs::cheapest(segment.stop - segment.base));
        let range_check = limbs.map_or(0, |limbs| {
            let (rows, range) = limbs.sizes();
            rows.width() + range.width()
        });
        let memory = memory::log_heights(execution.memory.len()).len() * MEMORY_WIDTH;
        let byte = if limbs == Some(Limbs::Bytes) { 0 } else { BYTE_WIDTH };
        let fixed = memory + range_check + if used(&Builtin::Bitwise).is_some() { BITWISE_WIDTH } else { 0 };
        let listed = fetches_fit(execution);
        Self {
            columns: columns.saturating_sub(fixed),
            cells_per_column: 256,
            steps_per_excess_column: 8,
            generic: size(generic::air()),
            instruction: match listed {
                true => Size { columns: 0, interactions: 0 },
                false => size(instruction::air(execution.program.final_pc())),
            },
            byte: if listed { 0 } else { byte },
            chunks: 2,
        }
    }
}

/// Whether the claim's list of fetches holds whatever instructions of the run a plan leaves to the generic and word tables.
fn fetches_fit(execution: &Execution) -> bool {
    let seen: Vec<AtomicBool> = execution.program.bytecode().iter().map(|_| AtomicBool::new(false)).collect();
    let is_inside = |registers: &Registers| {
        let index = registers.pc.checked_sub(PROGRAM_BASE).map(|index| index as usize);
        let Some(seen) = index.and_then(|index| seen.get(index)) else { return false };
        // Written once only: otherwise the threads would take it from each other at every step.
        if !seen.load(Ordering::Relaxed) {
            seen.store(true, Ordering::Relaxed);
        }
        true
    };
    let inside = execution.trace.par_chunks(1 << 15).all(|states| states.iter().all(is_inside));
    inside && seen.into_iter().filter(|seen| seen.load(Ordering::Relaxed)).count() <= MAX_FETCHES
}

// Main and LogUp columns of tables that a plan does not choose.
const MEMORY_WIDTH: usize = 21;
const BYTE_WIDTH: usize = 2;
const BITWISE_WIDTH: usize = 23;

/// Heights of the tables for so many rows: one, or two if that saves cells and `chunks` allows.
pub fn heights(rows: u64, chunks: usize) -> Vec<u32> {
    let whole = log_height(rows);
    if chunks < 2 || whole <= MIN_LOG_HEIGHT {
        return vec![whole];
    }
    let half = whole - 1;
    match rows.checked_sub(1 << half) {
        Some(rest) if rest > 0 && log_height(rest) < half => vec![half, log_height(rest)],
        _ => vec![whole],
    }
}

/// `log2` of the smallest height for so many rows.
pub fn log_height(rows: u64) -> u32 {
    rows.max(1).next_power_of_two().ilog2().max(MIN_LOG_HEIGHT)
}

/// Cells of a table of that size with so many rows, padded to a power of two; or in between, to lead a search.
pub fn cells_of_rows(size: Size, rows: u64, padded: bool) -> u64 {
    match padded {
        true => cells(size, log_height(rows)),
        false => half_columns(size) as u64 * rows.max(1 << MIN_LOG_HEIGHT) * 2 / 3,
    }
}

/// Cells of a table of that size and height. Half a LogUp column is counted as such: odd fractions of one height share.
pub const fn cells(size: Size, log_height: u32) -> u64 {
    ((2 * size.columns + size.interactions) as u64) << (log_height - 1)
}

/// Half columns.
pub const fn half_columns(size: Size) -> usize {
    2 * size.columns + size.interactions
}

/// Whether steps of this kind of table look up the instruction table.
pub const fn fetches(kind: &TableKind) -> bool {
    matches!(kind, TableKind::Generic | TableKind::Word(_))
}
