//! Keccak: eight cells of 200 bits with a state, and eight with what the permutation makes of it.

use super::builtin_cell;
use crate::ExecutionError;
use cairo_air::Builtin;
use cairo_air::keccak::{State, WORDS, pack, permute, unpack};
use felt::{Felt, encoding};

/// The state that the permutation of the instance at an address begins with.
///
/// # Errors
/// If there are no such cells, an input is not below `2^200`, or an output is another one.
pub fn keccak(memory: &[Felt], address: u32) -> Result<State, ExecutionError> {
    let at = |offset: usize| address.saturating_add(offset as u32);
    let cell = |offset: usize| builtin_cell(memory, Builtin::Keccak, at(offset));
    let mut inputs = [Felt::zero(); WORDS];
    for (offset, input) in inputs.iter_mut().enumerate() {
        *input = *cell(offset)?;
    }
    let state = unpack(&inputs).map_err(|position| {
        let found = inputs.get(position).map(encoding::to_hex).unwrap_or_default();
        ExecutionError::KeccakInput { address: at(position), found }
    })?;
    for (offset, expected) in pack(&permute(state)).iter().enumerate() {
        let found = cell(WORDS + offset)?;
        if found != expected {
            let (found, expected) = (encoding::to_hex(found), encoding::to_hex(expected));
            let address = at(WORDS + offset);
            return Err(ExecutionError::BuiltinResult { builtin: Builtin::Keccak, address, found, expected });
        }
    }
    Ok(state)
}
