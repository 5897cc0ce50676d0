//! What a builtin's cells must hold. Both the check of an execution and the prover's witness use it.

use crate::step::cell;
use crate::{Execution, ExecutionError};
use cairo_air::Builtin;
use felt::integers::integer;
use felt::{Felt, encoding};

/// Bits of the bitwise builtin's inputs.
pub const BITWISE_BITS: u32 = 251;

/// An integer below `2^256`, least significant limb first.
pub type Word = [u64; 4];

/// Checks the used instances of each builtin. The output may hold anything.
///
/// # Errors
/// The first cell that is wrong.
pub(crate) fn check(execution: &Execution) -> Result<(), ExecutionError> {
    let memory = &execution.memory;
    for (builtin, segment) in &execution.segments {
        let mut instances = (segment.base..segment.stop).step_by(builtin.cells_per_instance() as usize);
        match builtin {
            Builtin::RangeCheck => instances.try_for_each(|address| range_check(memory, address).map(|_| ()))?,
            Builtin::Bitwise => instances.try_for_each(|address| bitwise(memory, address).map(|_| ()))?,
            Builtin::Output => {}
            // No program can declare them. One that becomes provable gets its line above.
            Builtin::Pedersen
            | Builtin::Ecdsa
            | Builtin::EcOp
            | Builtin::Keccak
            | Builtin::Poseidon
            | Builtin::RangeCheck96
            | Builtin::AddMod
            | Builtin::MulMod => return Err(ExecutionError::BuiltinUnchecked(*builtin)),
        }
    }
    Ok(())
}

/// The value of a cell of range_check.
///
/// # Errors
/// If there is no such cell, or it is not below `2^128`.
#[inline]
pub fn range_check(memory: &[Felt], address: u32) -> Result<u128, ExecutionError> {
    let value = builtin_cell(memory, Builtin::RangeCheck, address)?;
    if let Some(Ok(value)) = integer(value).map(u128::try_from) {
        return Ok(value);
    }
    match encoding::canonical_limbs(value) {
        [low, high, 0, 0] => Ok(u128::from(low) | u128::from(high) << 64),
        _ => Err(ExecutionError::RangeCheck { address, found: encoding::to_hex(value) }),
    }
}

/// The inputs of the bitwise instance at an address: five cells, which are `x`, `y`, `x and y`, `x xor y`, `x or y`.
///
/// # Errors
/// If there are no such cells, an input is not below `2^251`, or a result is another one.
pub fn bitwise(memory: &[Felt], address: u32) -> Result<[Word; 2], ExecutionError> {
    let at = |offset: u32| {
        let address = address.saturating_add(offset);
        builtin_cell(memory, Builtin::Bitwise, address).map(|value| (address, value))
    };
    let input = |offset| {
        let (address, value) = at(offset)?;
        let word = encoding::canonical_limbs(value);
        match word[3] >> (BITWISE_BITS - 192) {
            0 => Ok((value, word)),
            _ => Err(ExecutionError::BitwiseInput { address, found: encoding::to_hex(value) }),
        }
    };
    let ((x, x_word), (y, y_word)) = (input(0)?, input(1)?);
    // Below 2^251 and so below p.
    let and = encoding::from_canonical_limbs(std::array::from_fn(|i| x_word[i] & y_word[i])).unwrap_or_default();
    let or = *x + *y - and;
    for (offset, operation, expected) in [(2, "and", and), (3, "xor", or - and), (4, "or", or)] {
        let (address, found) = at(offset)?;
        if *found != expected {
            let (found, expected) = (encoding::to_hex(found), encoding::to_hex(&expected));
            return Err(ExecutionError::BitwiseResult { operation, address, found, expected });
        }
    }
    Ok([x_word, y_word])
}

fn builtin_cell(memory: &[Felt], builtin: Builtin, address: u32) -> Result<&Felt, ExecutionError> {
    cell(memory, u64::from(address)).ok_or(ExecutionError::BuiltinCell { builtin, address })
}

#[cfg(test)]
mod tests;
