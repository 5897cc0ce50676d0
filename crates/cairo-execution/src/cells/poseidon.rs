//! The poseidon builtin: three inputs and what the permutation makes of them.

use super::builtin_cell;
use crate::ExecutionError;
use cairo_air::Builtin;
use felt::poseidon::{SBOXES, State, WIDTH, sboxes};
use felt::{Felt, encoding};

/// The inputs of all S-boxes of the instance at an address, see [`sboxes`], and its outputs.
///
/// # Errors
/// If there are no such cells, or an output is another one.
pub fn poseidon(memory: &[Felt], address: u32) -> Result<([Felt; SBOXES], State), ExecutionError> {
    let cell = |offset: usize| {
        let address = address.saturating_add(offset as u32);
        builtin_cell(memory, Builtin::Poseidon, address).map(|value| (address, *value))
    };
    let input = |offset| cell(offset).map(|(_, value)| value);
    let (inputs, outputs) = sboxes([input(0)?, input(1)?, input(2)?]);
    for (offset, expected) in outputs.iter().enumerate() {
        let (address, found) = cell(WIDTH + offset)?;
        if found != *expected {
            let (found, expected) = (encoding::to_hex(&found), encoding::to_hex(expected));
            return Err(ExecutionError::BuiltinResult { builtin: Builtin::Poseidon, address, found, expected });
        }
    }
    Ok((inputs, outputs))
}
