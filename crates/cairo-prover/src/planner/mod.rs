//! Which steps of a run go to which table.
//!
//! A path table executes many steps a row and needs few cells for them, but it fits only one sequence of instructions, and
//! every table costs proof bytes for each of its columns. The planner finds the sequences that the run consists of
//! ([`blocks`], [`grammar`]), and chooses those whose tables leave the fewest committed cells ([`choose`], [`cost`]), in time linear
//! in the number of steps. What no chosen path covers goes to word tables and the generic table.
//!
//! A plan decides how much a proof costs, never whether it is right. It depends on the execution only, so proofs are
//! reproducible.

mod assignment;
mod blocks;
pub mod budget;
pub mod builtins;
pub mod checked;
mod choose;
mod cost;
mod emit;
pub mod extensions;
mod grammar;
pub mod ownership;
mod parts;
pub mod range_rows;
pub mod ranges;
mod step_table;
pub mod tables;
#[cfg(test)]
mod tests;
mod usage;

pub use assignment::Assignment;
pub use cost::{Costs, DEFAULT_BYTE_PRICE_NS, DEFAULT_COLUMNS, Price};
pub use step_table::{StepTable, all_generic, owned, owned_cells, with_owned};

use crate::error::WitnessError;
use crate::table_size::{half_columns, size};
use blocks::Blocks;
use cairo_air::TableKind;
use cairo_air::components::memory;
use cairo_air::program::PROGRAM_BASE;
use cairo_execution::Execution;
use checked::Checked;
use choose::Choice;
use grammar::Grammar;
use ownership::Cover;
use usage::Usage;

/// What a plan costs, by the model that it was made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Estimate {
    /// Committed cells of the step tables, main and LogUp columns.
    pub cells: u64,
    /// Columns of the step tables and, if it is needed, the instruction table.
    pub columns: usize,
}

/// A plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The step tables, in no particular order.
    pub tables: Vec<StepTable>,
    /// What they cost.
    pub estimate: Estimate,
    /// Which cells their rows own; or the value that keeps a checked cell from belonging to any row.
    pub cover: Result<Cover, WitnessError>,
}

impl Plan {
    /// What it decides for the witness.
    ///
    /// # Errors
    /// [`WitnessError::Execution`] if a checked value is not below 2^128.
    pub fn assignment(self) -> Result<Assignment, WitnessError> {
        Ok(Assignment::from_parts(self.tables, self.cover?))
    }
}

/// Distributes the steps of an execution to tables. Every step is in exactly one table.
pub fn plan(execution: &Execution, costs: &Costs) -> Plan {
    let (mut tables, estimate) = tables_of_steps(execution, costs);
    let checked = |segment| match &costs.checked {
        Some(checked) => Ok(Checked::clone(checked)),
        None => Checked::new(&execution.memory, segment, execution.n_steps(), costs.column()),
    };
    let cover = ownership::cover_with(execution, &mut tables, checked, (costs.sizes.as_ref(), costs.column()));
    Plan { tables, estimate, cover }
}

fn tables_of_steps(execution: &Execution, costs: &Costs) -> (Vec<StepTable>, Estimate) {
    let blocks = Blocks::new(execution);
    let grammar = Grammar::new(&blocks, &execution.program);
    let made = |usage: Option<&Usage<'_>>, costs: &Costs| {
        let choice = Choice::new(&blocks, &grammar, usage, &execution.program, costs);
        emit::emit(execution, &blocks, &grammar, &choice, costs)
    };
    if costs.own {
        let (tables, estimate) = made(Some(&Usage::new(execution, &grammar)), costs);
        if pays(execution, &tables, costs) {
            return (tables, estimate);
        }
    }
    made(None, &costs.without_owners(execution))
}

/// Whether it pays that rows own cells: one that a row owns saves its part of a memory table, and one that remains takes a whole row of the cell
/// table instead.
fn pays(execution: &Execution, tables: &[StepTable], costs: &Costs) -> bool {
    let cells = |table: &StepTable| u64::from(owned_cells(&table.kind)) * table.starts.len() as u64;
    let owned = tables.iter().map(cells).sum::<u64>();
    let moved =
        execution.trace.last().map_or(0, |registers| registers.ap.saturating_sub(execution.program.initial_ap()));
    if !costs.own_words {
        return owned >= u64::from(moved).saturating_sub(owned);
    }
    // In half columns: all cells in memory tables, or those without an owner in the cell table. A row of an owning word has up to two more than that of a
    // plain one, that of a path about as many as without cells.
    let stack = u64::from(moved).max(owned);
    let memory = half_columns(size(memory::air(u64::from(PROGRAM_BASE)))) as u64;
    let words = tables.iter().filter(|table| matches!(table.kind, TableKind::OwningWord(_)));
    let more = words.map(|table| 2 * table.starts.len() as u64).sum::<u64>();
    let with_owners = half_columns(costs.cell) as u64 * (stack - owned + costs.rest) + more;
    with_owners <= memory * (stack + costs.rest) / memory::CELLS as u64
}
