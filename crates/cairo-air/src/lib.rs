//! The Cairo machine as a set of AIR tables, the statement that a proof makes, and its verifier.

pub mod builtin;
pub mod program;

pub use builtin::Builtin;
pub use program::{ArgumentBinding, Program, ProgramError};
