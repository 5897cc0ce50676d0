//! ec_op: seven cells an instance, which are `P`, `Q`, `m` and `R = P + m·Q`; points are two cells each.

use super::{builtin_cell, instances, point};
use crate::{ExecutionError, Segment};
use cairo_air::Builtin;
use felt::Felt;
use stark_curve::ec_op::{Operation, results};
use stark_curve::products::BATCH;

/// Checks all instances of a segment.
///
/// # Errors
/// The first instance that is wrong.
pub(super) fn check(memory: &[Felt], segment: &Segment) -> Result<(), ExecutionError> {
    let addresses: Vec<u32> = instances(Builtin::EcOp, segment).collect();
    for addresses in addresses.chunks(BATCH) {
        let operations: Vec<_> = addresses.iter().map(|at| ec_op(memory, *at)).collect::<Result<_, _>>()?;
        for (address, result) in addresses.iter().zip(results(&operations)) {
            ec_op_result(memory, *address, result)?;
        }
    }
    Ok(())
}

/// The inputs of the ec_op instance at an address.
///
/// # Errors
/// If there are no such cells, or a point is not on the curve.
pub fn ec_op(memory: &[Felt], address: u32) -> Result<Operation, ExecutionError> {
    let at = |offset: u32| address.saturating_add(offset);
    let (p, q) = (point(memory, Builtin::EcOp, at(0))?, point(memory, Builtin::EcOp, at(2))?);
    Ok(Operation { p, q, m: *builtin_cell(memory, Builtin::EcOp, at(4))? })
}

/// Compares an instance's result with what it must be, if there is one.
///
/// # Errors
/// If the cells hold something else, or the instance has no result that could be proven.
pub fn ec_op_result(memory: &[Felt], address: u32, expected: Option<stark_curve::Point>) -> Result<(), ExecutionError> {
    let Some(expected) = expected else {
        return Err(ExecutionError::EcOpInfinity { address });
    };
    for (offset, coordinate) in [(5, expected.x), (6, expected.y)] {
        super::compare(memory, Builtin::EcOp, address.saturating_add(offset), &coordinate)?;
    }
    Ok(())
}
