//! What a builtin's cells must hold, a file for each. Both the check of an execution and the prover's witness use it.

mod add_mod;
mod bitwise;
mod ec_op;
mod ecdsa;
mod keccak;
mod modular;
mod mul_mod;
mod number;
mod pedersen;
mod poseidon;
mod range_check;
mod range_check96;

pub use add_mod::add_mod;
pub use bitwise::{BITWISE_BITS, bitwise};
pub use ec_op::{ec_op, ec_op_result};
pub use ecdsa::signed;
pub use keccak::keccak;
pub use modular::Instance as ModularInstance;
pub use mul_mod::mul_mod;
pub use number::{Number, Product, Sum};
pub use pedersen::{pedersen, pedersen_result};
pub use poseidon::poseidon;
pub use range_check::range_check;
pub use range_check96::range_check96;

use crate::reading::cell;
use crate::{ExecutionError, Run, Segment};
use cairo_air::Builtin;
use felt::{Felt, encoding};
use stark_curve::Point;

/// An integer below `2^256`, least significant limb first.
pub type Word = [u64; 4];

/// Checks the used instances of each builtin. The output may hold anything.
///
/// # Errors
/// The first cell that is wrong.
pub(crate) fn check(run: &Run<'_>) -> Result<(), ExecutionError> {
    run.segments.keys().try_for_each(|builtin| check_builtin(run, *builtin))
}

/// Checks the used instances of a builtin.
///
/// # Errors
/// The first cell that is wrong.
pub(crate) fn check_builtin(run: &Run<'_>, builtin: Builtin) -> Result<(), ExecutionError> {
    // A segment without instances holds nothing that could be wrong.
    let segment = run.segments.get(&builtin).filter(|segment| segment.base < segment.stop);
    segment.map_or(Ok(()), |segment| check_segment(run, builtin, segment))
}

fn check_segment(run: &Run<'_>, builtin: Builtin, segment: &Segment) -> Result<(), ExecutionError> {
    let memory = run.memory;
    let mut instances = instances(builtin, segment);
    match builtin {
        Builtin::RangeCheck => instances.try_for_each(|address| range_check(memory, address).map(|_| ())),
        Builtin::Bitwise => instances.try_for_each(|address| bitwise(memory, address).map(|_| ())),
        Builtin::Pedersen => pedersen::check(memory, segment),
        Builtin::Ecdsa => ecdsa::check(run, segment),
        Builtin::EcOp => ec_op::check(memory, segment),
        Builtin::Poseidon => instances.try_for_each(|address| poseidon(memory, address).map(|_| ())),
        Builtin::RangeCheck96 => instances.try_for_each(|address| range_check96(memory, address).map(|_| ())),
        Builtin::AddMod => {
            instances.try_for_each(|address| add_mod(memory, address)?.0.check_batch(memory, builtin, segment.stop))
        }
        Builtin::MulMod => {
            instances.try_for_each(|address| mul_mod(memory, address)?.0.check_batch(memory, builtin, segment.stop))
        }
        Builtin::Output => Ok(()),
        Builtin::Keccak => instances.try_for_each(|address| keccak(memory, address).map(|_| ())),
    }
}

/// The first addresses of a segment's instances.
fn instances(builtin: Builtin, segment: &Segment) -> impl Iterator<Item = u32> {
    (segment.base..segment.stop).step_by(builtin.cells_per_instance() as usize)
}

/// A point in two cells.
fn point(memory: &[Felt], builtin: Builtin, address: u32) -> Result<Point, ExecutionError> {
    let [x, y] = [0, 1].map(|offset| builtin_cell(memory, builtin, address.saturating_add(offset)));
    let point = Point { x: *x?, y: *y? };
    match point.is_on_curve() {
        true => Ok(point),
        false => {
            let (x, y) = (encoding::to_hex(&point.x), encoding::to_hex(&point.y));
            Err(ExecutionError::NotOnCurve { builtin, address, x, y })
        }
    }
}

/// Compares a result with what the instance's inputs make.
fn compare(memory: &[Felt], builtin: Builtin, address: u32, expected: &Felt) -> Result<(), ExecutionError> {
    let found = builtin_cell(memory, builtin, address)?;
    if found == expected {
        return Ok(());
    }
    let (found, expected) = (encoding::to_hex(found), encoding::to_hex(expected));
    Err(ExecutionError::BuiltinResult { builtin, address, found, expected })
}

fn builtin_cell(memory: &[Felt], builtin: Builtin, address: u32) -> Result<&Felt, ExecutionError> {
    cell(memory, u64::from(address)).ok_or(ExecutionError::BuiltinCell { builtin, address })
}

#[cfg(test)]
mod tests;
