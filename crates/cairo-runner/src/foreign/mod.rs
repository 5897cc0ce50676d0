//! Runs that other tools made: what `cairo-run`, `cairo-execute` and Scarb write of a run in proof mode, and Cairo PIEs.
//!
//! Nothing in the files is believed. They are read into an [`Execution`] with one piece of bounded size after the other, compared with each
//! other and with the program, and the execution is checked step by step and cell by cell at the end, as one that came from a stranger.
//!
//! A **relocated run** is a trace and a memory. Its addresses are those that the tool gave its segments: the program at 1 and the execution
//! segment behind it, as in every proof; where the builtins' segments lie is for the run to say, since their bounds are public in a proof.
//! So no address must be changed, nor could it be: a relocated memory no longer tells pointers from numbers. What the tool added behind the
//! run's end to fill up its trace is left out.
//!
//! A **PIE** has segments, and no trace: its memory is relocated here, as a run in proof mode would have been, and the steps follow from it.

mod assemble;
mod error;
mod files;
mod json;
mod memory;
mod pie;
mod private;
mod public;
mod replay;
mod trace;

#[cfg(test)]
mod tests;

pub use error::{ForeignError, What};
pub use files::ForeignRun;

use crate::arguments::Arguments;
use crate::limits::RunLimits;
use crate::load::RunnableProgram;
use assemble::Parts;
use cairo_execution::Execution;
use error::at;
use memory::Memory;

impl ForeignRun {
    /// Reads the run, compares it with the program, and checks it as any execution.
    ///
    /// Without arguments they are taken from the run: those of Cairo 2 from its memory, those of Cairo 0 from the beginning of the output.
    /// Of the limits those of steps and cells hold.
    ///
    /// # Errors
    /// The first thing that is wrong with a file, between files, or with the run.
    pub fn read(
        &self,
        program: &RunnableProgram,
        arguments: Option<&Arguments>,
        limits: &RunLimits,
    ) -> Result<Execution, ForeignError> {
        let arguments = arguments.map(|arguments| program.bind(arguments)).transpose()?;
        let execution = match self {
            Self::Relocated { trace, memory, public, private } => {
                let file = files::open(trace, What::Trace)?;
                let raw = trace::read(file, limits.max_steps).map_err(|error| at(trace, error))?;
                let file = files::open(memory, What::Memory)?;
                let cells = Memory::read(file, limits.max_memory_cells).map_err(|error| at(memory, error))?;
                let parts = Parts::of_trace(program.program(), raw, cells).map_err(|error| at(trace, error))?;
                if let Some(public) = public {
                    let file = files::open(public, What::PublicInput)?;
                    public::check(file, &parts).map_err(|error| at(public, error))?;
                }
                let signatures = match private {
                    Some(private) => {
                        let file = files::open(private, What::PrivateInput)?;
                        private::check(file, &parts).map_err(|error| at(private, error))?
                    }
                    None => Default::default(),
                };
                parts.finish(program, arguments, &signatures, limits)?
            }
            Self::Pie(path) => {
                let file = files::open(path, What::Pie)?;
                let (parts, signatures) =
                    pie::read(file, program.program(), limits).map_err(|error| at(path, error))?;
                parts.finish(program, arguments, &signatures, limits)?
            }
        };
        execution.check()?;
        Ok(execution)
    }
}
