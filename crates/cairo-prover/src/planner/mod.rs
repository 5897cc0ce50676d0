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
mod choose;
mod cost;
mod emit;
pub mod extensions;
mod grammar;
pub mod ownership;
pub mod ranges;
mod step_table;
pub mod tables;
#[cfg(test)]
mod tests;
mod usage;

pub use assignment::Assignment;
pub use cost::{Costs, DEFAULT_BYTE_PRICE_NS, DEFAULT_COLUMNS, Price};
pub use step_table::{StepTable, all_generic, owned_cells};

use crate::error::WitnessError;
use blocks::Blocks;
use cairo_execution::Execution;
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
    let checks = |segment| match &costs.checks {
        Some(checks) => Ok(checks.to_vec()),
        None => ranges::partition_ranges(&execution.memory, segment, execution.n_steps()),
    };
    let cover = ownership::cover_with(execution, &mut tables, checks, costs.sizes.as_ref());
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
        if pays(execution, &tables) {
            return (tables, estimate);
        }
    }
    made(None, &costs.without_owners(execution))
}

/// Whether it pays that rows own cells: one that a path owns saves its part of a memory table, and one that remains takes a whole row of the cell
/// table instead.
fn pays(execution: &Execution, tables: &[StepTable]) -> bool {
    let owned = tables.iter().map(|table| u64::from(owned_cells(&table.kind)) * table.starts.len() as u64).sum::<u64>();
    let moved =
        execution.trace.last().map_or(0, |registers| registers.ap.saturating_sub(execution.program.initial_ap()));
    owned >= u64::from(moved).saturating_sub(owned)
}
