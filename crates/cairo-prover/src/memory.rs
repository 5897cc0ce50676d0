//! What planner and witness read of a run's memory.

use crate::error::WitnessError;
use cairo_air::program::PROGRAM_BASE;
use felt::Felt;

/// The memory cell at an address.
pub(crate) fn cell(memory: &[Felt], address: u64) -> Result<Felt, WitnessError> {
    let index = usize::try_from(address).ok().filter(|index| *index >= PROGRAM_BASE as usize);
    match index.and_then(|index| memory.get(index)) {
        Some(cell) => Ok(*cell),
        None => Err(WitnessError::Address(address)),
    }
}
