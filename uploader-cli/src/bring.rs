//! Runs that the organisation made elsewhere, in place of units that somebody still has to run.

use crate::units::{Place, UnitToPush, default_id};
use cairo_execution::{Execution, save};
use cairo_runner::{ForeignError, ForeignRun, RunLimits, RunnableProgram};
use protocol::{Felts, MAX_UNIT_ARGUMENTS, UnitLimits};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// Why a run is not brought.
#[derive(Debug, thiserror::Error)]
pub enum BringError {
    /// The files hold no run of the program.
    #[error("the run {} is not taken, so nothing was sent: {source}", path.display())]
    Run {
        /// Where it is said to be.
        path: PathBuf,
        /// Why.
        source: Box<ForeignError>,
    },
    /// More arguments than a unit may have.
    #[error(
        "the run {} had {found} field elements as arguments; a unit may have {MAX_UNIT_ARGUMENTS}", path.display()
    )]
    Arguments {
        /// Where it is.
        path: PathBuf,
        /// How many.
        found: usize,
    },
    /// The execution's file.
    #[error("the execution cannot be written to a temporary file: {0}")]
    Save(String),
}

/// Reads a run of the program, checks it step by step, and makes the unit that it is of.
///
/// # Errors
/// If it is none, or takes more than a unit may.
pub fn read(
    path: &Path,
    program: &RunnableProgram,
    limits: &UnitLimits,
) -> Result<(UnitToPush, Execution), BringError> {
    let limits = RunLimits { max_steps: limits.max_steps, max_memory_cells: limits.max_memory_cells, max_time: None };
    let read = ForeignRun::at(path).and_then(|run| run.read(program, None, &limits));
    let execution = read.map_err(|source| BringError::Run { path: path.to_owned(), source: Box::new(source) })?;
    let found = execution.arguments.len();
    if found > MAX_UNIT_ARGUMENTS {
        return Err(BringError::Arguments { path: path.to_owned(), found });
    }
    let place = Place { file: path.display().to_string(), line: 1, column: None };
    let id = default_id(&execution.arguments);
    Ok((UnitToPush { id, arguments: Felts(execution.arguments.clone()), place }, execution))
}

/// Writes an execution to a temporary file, as a donor submits it that only executes.
///
/// # Errors
/// If it cannot be written.
pub fn write(execution: &Execution) -> Result<NamedTempFile, BringError> {
    let failed = |error: &dyn std::fmt::Display| BringError::Save(error.to_string());
    let file = NamedTempFile::new().map_err(|error| failed(&error))?;
    let mut writer = BufWriter::new(file.as_file());
    save(execution, &mut writer).map_err(|error| failed(&error))?;
    writer.flush().map_err(|error| failed(&error))?;
    drop(writer);
    Ok(file)
}
