//! What a plan decides for the witness.

use super::ownership::{Cover, cover};
use super::step_table::{StepTable, owned_cells, with_owned};
use crate::error::WitnessError;
use cairo_execution::Execution;

/// Which rows execute which steps, and which rows own which memory cells: all that a witness is told. It decides nothing itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The step tables, in the order of their kinds. Which of its cells a row provides shows only when everything is counted: until then
    /// none.
    pub steps: Vec<StepTable>,
    /// Which cells their rows own, and what is left for other tables.
    pub cover: Cover,
}

impl Assignment {
    /// For step tables that some planner made, or that were made by hand.
    ///
    /// # Errors
    /// [`WitnessError::Execution`] if a checked value is not below 2^128.
    pub fn new(execution: &Execution, mut steps: Vec<StepTable>) -> Result<Self, WitnessError> {
        let cover = cover(execution, &mut steps)?;
        Ok(Self::from_parts(steps, cover))
    }

    /// For step tables whose cover is known.
    pub(super) fn from_parts(mut steps: Vec<StepTable>, cover: Cover) -> Self {
        for table in &mut steps {
            let cells = owned_cells(&table.kind) as usize;
            if cells > 0 {
                table.kind = with_owned(table.kind.clone(), vec![0; cells]);
            }
        }
        // Stable, so that the chunks of a kind stay in the order of their steps.
        steps.sort_by(|a, b| a.kind.cmp(&b.kind));
        Self { steps, cover }
    }
}
