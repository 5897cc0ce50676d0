//! Proves executions of Cairo programs: fills the tables of `cairo_air` and hands them to the STARK layer.

pub mod planner;
pub mod prove;
pub mod witness;

pub use prove::{Options, ProveError, Witness, prove};
pub use witness::{StepTable, WitnessError};
