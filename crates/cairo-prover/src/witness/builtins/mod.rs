//! The tables of builtins, a file for each. All tables of one builtin are filled at once, since those besides the one that walks over its
//! segment follow from that; what they require from tables that they share with others is counted, and these are filled later.

pub mod add_mod;
pub mod bitwise;
mod ec_op;
mod ecdsa;
mod keccak;
mod modular;
pub mod mul_mod;
pub mod pedersen;
mod poseidon;
pub mod product;
pub mod range_check;
pub mod range_check96;

use super::Trace;
use super::multiplicities::Multiplicities;
use crate::error::WitnessError;
use cairo_air::{Builtin, Segment, TableEntry};
use cairo_execution::Execution;
use stark::Control;

/// What a builtin's tables are filled from.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    /// The run.
    pub execution: &'a Execution,
    /// The builtin's segment, which is not empty.
    pub segment: Segment,
    /// Where lookups are counted.
    pub multiplicities: &'a Multiplicities,
    /// Asked now and then whether to go on.
    pub control: &'a dyn Control,
}

/// Fills the tables of a builtin, which are those that the planner has chosen, in its order.
///
/// # Errors
/// [`WitnessError`] if a cell of an instance is not what it must be, or the control hook cancels.
pub fn fill(builtin: Builtin, source: &Source<'_>, tables: &[&TableEntry]) -> Result<Vec<Trace>, WitnessError> {
    match builtin {
        Builtin::RangeCheck => range_check::tables(source, tables),
        Builtin::Bitwise => bitwise::tables(source, tables),
        Builtin::Pedersen => pedersen::tables(source, tables),
        Builtin::Ecdsa => ecdsa::tables(source, tables),
        Builtin::EcOp => ec_op::tables(source, tables),
        Builtin::Keccak => keccak::tables(source, tables),
        Builtin::Poseidon => poseidon::tables(source, tables),
        Builtin::RangeCheck96 => range_check96::tables(source, tables),
        Builtin::AddMod => add_mod::tables(source, tables),
        Builtin::MulMod => mul_mod::tables(source, tables),
        // Public memory.
        Builtin::Output => Ok(Vec::new()),
    }
}
