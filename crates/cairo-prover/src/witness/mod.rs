//! The columns of every table, one file per component of `cairo_air::components`. What tables there are, how high, and which rows they have
//! has been decided by the planner; here nothing is.
//!
//! Tables that use others come first, so that every lookup is counted before the table that provides for it is filled.

pub mod bitwise_row;
pub mod blake;
mod build;
pub mod builtins;
pub mod byte;
mod byte_and;
mod cell;
pub mod derived;
pub mod generic;
pub mod instruction;
mod keccak_lookups;
pub mod memory;
mod mix;
pub mod multiplicities;
pub mod nibble_and;
pub mod opcode_extension;
mod others;
mod owned;
pub mod pedersen_points;
pub mod qm31;
pub mod range;
pub mod range_row;
mod rows;
mod steps;
mod uses;
pub mod word12;
pub mod word16;
pub mod word96;

pub(crate) use build::refused;
pub use build::{Witness, build};
pub use builtins::{bitwise, pedersen, product, range_check};
#[cfg(test)]
pub(crate) use steps::fill_steps;

use crate::error::WitnessError;
use felt::Felt;

/// A table's columns.
pub type Trace = Vec<Vec<Felt>>;
