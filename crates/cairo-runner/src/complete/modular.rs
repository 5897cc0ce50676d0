//! The builtins add_mod and mul_mod.

use super::written::written;
use cairo_air::Builtin;
use cairo_vm::vm::vm_core::VirtualMachine;
use felt::Felt;

/// Cells of an instance: the modulus, the pointers to values and to offsets, and the number of instances left.
const CELLS: usize = Builtin::AddMod.cells_per_instance() as usize;

/// Instances of a batch follow from the one before: what the program did not write of them is completed. Everything else is an input; where
/// it was not written it is 0, and the check of the instances says what is wrong with that.
pub(super) fn complete(vm: &VirtualMachine, segment: usize, cells: &mut [Felt]) {
    for first in (CELLS..cells.len()).step_by(CELLS) {
        let (before, rest) = cells.split_at_mut(first);
        let Some(before) = before.last_chunk::<CELLS>() else { continue };
        let [p0, p1, p2, p3, values, offsets, n] = *before;
        if n == Felt::zero() || n == Felt::one() {
            continue;
        }
        let next = [p0, p1, p2, p3, values, offsets + Felt::from(3_u64), n - Felt::one()];
        let written = written::<CELLS>(vm, segment, first / CELLS);
        for ((cell, value), written) in rest.iter_mut().zip(next).zip(written) {
            if !written {
                *cell = value;
            }
        }
    }
}
