//! Bitwise: five cells an instance, which are `x`, `y`, `x and y`, `x xor y`, `x or y`.

use super::{Word, builtin_cell};
use crate::ExecutionError;
use cairo_air::Builtin;
use felt::{Felt, encoding};

/// Bits of the bitwise builtin's inputs.
pub const BITWISE_BITS: u32 = 251;

/// The inputs of the bitwise instance at an address.
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
