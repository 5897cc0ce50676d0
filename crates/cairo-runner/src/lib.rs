//! Runs Cairo programs: program and arguments in, checked [`Execution`] out.
//!
//! ```no_run
//! use cairo_runner::{Arguments, RunLimits, RunnableProgram, run, unwatched};
//!
//! let program = RunnableProgram::from_json(&std::fs::read("program.json")?)?;
//! let arguments = Arguments::from_json(br#"{"n": 5}"#)?;
//! let execution = run(&program, &arguments, &RunLimits::default(), &mut unwatched)?;
//! println!("{} steps", execution.n_steps());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod arguments;
mod cairo0;
mod cairo2;
mod catch;
mod complete;
mod convert;
mod error;
#[cfg(feature = "foreign")]
mod foreign;
mod guard;
mod hints;
mod limits;
mod load;
mod load_error;
mod panic;
mod relocate;
mod run;

pub use arguments::{ArgumentError, Arguments, MAX_ARGUMENT_BYTES, MAX_ARGUMENTS, MAX_NESTING};
pub use cairo_execution::Execution;
pub use error::RunError;
#[cfg(feature = "foreign")]
pub use foreign::{ForeignError, ForeignRun, What};
pub use limits::{MAX_PROGRAM_BYTES, Progress, RunLimits, Watch, unwatched};
pub use load::{Language, RunnableProgram};
pub use load_error::LoadError;
pub use run::run;
