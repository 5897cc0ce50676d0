//! The tables that execute steps.

use super::multiplicities::Multiplicities;
use super::{Trace, blake, derived, generic, qm31};
use crate::error::WitnessError;
use crate::planner::StepTable;
use cairo_air::TableKind;
use cairo_execution::Execution;
use rayon::prelude::*;
use stark::{Control, Phase};
use std::sync::{Mutex, PoisonError};

/// Fills the opcode tables and counts what they look up.
pub fn fill_steps(
    execution: &Execution,
    tables: &[StepTable],
    multiplicities: &Multiplicities,
    control: &dyn Control,
) -> Result<Vec<Trace>, WitnessError> {
    let steps: usize = tables.iter().map(|table| table.starts.len()).sum();
    let done = Mutex::new(0);
    let fill = |table: &StepTable| {
        let StepTable { kind, log_height, starts } = table;
        let trace = match kind {
            TableKind::Generic => generic::fill(execution, starts, *log_height, multiplicities, control)?,
            TableKind::Qm31 => qm31::fill(execution, starts, *log_height, multiplicities, control)?,
            TableKind::Blake => blake::fill(execution, starts, *log_height, multiplicities, control)?,
            TableKind::Word(word) => {
                derived::fill(execution, &word.rows()?, starts, *log_height, multiplicities, control)?
            }
            TableKind::OwningWord(word) => {
                derived::fill(execution, &word.rows()?, starts, *log_height, multiplicities, control)?
            }
            TableKind::Path(path) => {
                derived::fill(execution, &path.rows(&execution.program)?, starts, *log_height, multiplicities, control)?
            }
            _ => return Err(WitnessError::Empty("other than opcode")),
        };
        // Reported under the lock: otherwise two threads could report in the wrong order.
        let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
        *done += starts.len();
        control.progress(Phase::Witness, 0.5 * *done as f64 / steps.max(1) as f64);
        Ok(trace)
    };
    tables.par_iter().with_max_len(1).map(fill).collect()
}
