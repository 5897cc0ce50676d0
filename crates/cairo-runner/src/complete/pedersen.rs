//! The pedersen builtin.

use super::written::written;
use crate::error::RunError;
use cairo_air::Builtin;
use cairo_vm::vm::vm_core::VirtualMachine;
use felt::Felt;
use stark_curve::pedersen::hashes;

const CELLS: usize = Builtin::Pedersen.cells_per_instance() as usize;

/// Instances of which the program wrote only a part: unwritten inputs are 0, and the hash follows.
pub(super) fn complete(vm: &VirtualMachine, segment: usize, cells: &mut [Felt]) -> Result<(), RunError> {
    let error = |instance, what| RunError::CurveInstance { builtin: Builtin::Pedersen, instance, what };
    let inputs: Vec<[Felt; 2]> = cells.chunks_exact(CELLS).map(|cells| [cells[0], cells[1]]).collect();
    for (instance, (cells, hash)) in cells.chunks_exact_mut(CELLS).zip(hashes(&inputs)).enumerate() {
        let hash = hash.ok_or_else(|| error(instance, "has no hash that can be proven"))?;
        let [_, _, known]: [bool; CELLS] = written(vm, segment, instance);
        if known && cells[2] != hash {
            return Err(error(instance, "has a hash that does not follow from its inputs (unwritten inputs are 0)"));
        }
        cells[2] = hash;
    }
    Ok(())
}
