//! Pedersen: three cells an instance, which are `x`, `y` and their hash.

use super::{builtin_cell, compare, instances};
use crate::{ExecutionError, Segment};
use cairo_air::Builtin;
use felt::Felt;
use stark_curve::pedersen::{BATCH, hashes};

/// Checks all instances of a segment.
///
/// # Errors
/// The first instance that is wrong.
pub(super) fn check(memory: &[Felt], segment: &Segment) -> Result<(), ExecutionError> {
    let addresses: Vec<u32> = instances(Builtin::Pedersen, segment).collect();
    for addresses in addresses.chunks(BATCH) {
        let inputs: Vec<_> = addresses.iter().map(|at| pedersen(memory, *at)).collect::<Result<_, _>>()?;
        for (address, hash) in addresses.iter().zip(hashes(&inputs)) {
            pedersen_result(memory, *address, hash)?;
        }
    }
    Ok(())
}

/// The inputs of the pedersen instance at an address.
///
/// # Errors
/// If there are no such cells.
pub fn pedersen(memory: &[Felt], address: u32) -> Result<[Felt; 2], ExecutionError> {
    let at = |offset: u32| builtin_cell(memory, Builtin::Pedersen, address.saturating_add(offset)).copied();
    Ok([at(0)?, at(1)?])
}

/// Compares an instance's hash with what it must be.
///
/// # Errors
/// If the cell holds something else, or the inputs have no hash that could be proven, of which nobody knows any.
pub fn pedersen_result(memory: &[Felt], address: u32, expected: Option<Felt>) -> Result<(), ExecutionError> {
    let expected = expected.ok_or(ExecutionError::PedersenInfinity { address })?;
    compare(memory, Builtin::Pedersen, address.saturating_add(2), &expected)
}
