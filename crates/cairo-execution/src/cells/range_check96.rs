//! range_check96: one cell an instance, a value below 2^96.

use super::builtin_cell;
use crate::ExecutionError;
use cairo_air::Builtin;
use felt::integers::integer;
use felt::{Felt, encoding};

/// Bits of a value of range_check96, and of a word of the modular builtins.
pub(super) const BITS: u32 = 96;

/// The value of a cell of range_check96.
///
/// # Errors
/// If there is no such cell, or it is not below `2^96`.
#[inline]
pub fn range_check96(memory: &[Felt], address: u32) -> Result<u128, ExecutionError> {
    let value = builtin_cell(memory, Builtin::RangeCheck96, address)?;
    word96(value).ok_or_else(|| ExecutionError::RangeCheck96 { address, found: encoding::to_hex(value) })
}

/// The element as an integer, if it is below `2^96`.
#[inline]
pub(super) fn word96(value: &Felt) -> Option<u128> {
    if let Some(Ok(value)) = integer(value).map(u128::try_from) {
        return Some(value);
    }
    match encoding::canonical_limbs(value) {
        [low, high, 0, 0] if high >> (BITS - 64) == 0 => Some(u128::from(low) | u128::from(high) << 64),
        _ => None,
    }
}
