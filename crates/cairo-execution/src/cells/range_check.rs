//! Range_check: values below 2^128.

use super::builtin_cell;
use crate::ExecutionError;
use cairo_air::Builtin;
use felt::integers::integer;
use felt::{Felt, encoding};

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
