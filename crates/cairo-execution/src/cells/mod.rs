//! What a builtin's cells must hold, a file for each. Both the check of an execution and the prover's witness use it.

mod bitwise;
mod range_check;
mod range_check96;

pub use bitwise::{BITWISE_BITS, bitwise};
pub use range_check::range_check;
pub use range_check96::range_check96;

use crate::step::cell;
use crate::{Execution, ExecutionError};
use cairo_air::Builtin;
use felt::Felt;

/// An integer below `2^256`, least significant limb first.
pub type Word = [u64; 4];

/// Checks the used instances of each builtin. The output may hold anything.
///
/// # Errors
/// The first cell that is wrong.
pub(crate) fn check(execution: &Execution) -> Result<(), ExecutionError> {
    for (builtin, segment) in &execution.segments {
        let mut instances = (segment.base..segment.stop).step_by(builtin.cells_per_instance() as usize);
        instances.try_for_each(|address| check_instance(execution, *builtin, address))?;
    }
    Ok(())
}

fn check_instance(execution: &Execution, builtin: Builtin, address: u32) -> Result<(), ExecutionError> {
    let memory = &execution.memory;
    match builtin {
        Builtin::RangeCheck => range_check(memory, address).map(|_| ()),
        Builtin::Bitwise => bitwise(memory, address).map(|_| ()),
        Builtin::RangeCheck96 => range_check96(memory, address).map(|_| ()),
        Builtin::Output => Ok(()),
        // No program can declare them. One that becomes provable gets its line above.
        Builtin::Pedersen
        | Builtin::Ecdsa
        | Builtin::EcOp
        | Builtin::Keccak
        | Builtin::Poseidon
        | Builtin::AddMod
        | Builtin::MulMod => Err(ExecutionError::BuiltinUnchecked(builtin)),
    }
}

fn builtin_cell(memory: &[Felt], builtin: Builtin, address: u32) -> Result<&Felt, ExecutionError> {
    cell(memory, u64::from(address)).ok_or(ExecutionError::BuiltinCell { builtin, address })
}

#[cfg(test)]
mod tests;
