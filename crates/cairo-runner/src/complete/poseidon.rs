//! The poseidon builtin.

use crate::error::RunError;
use cairo_air::Builtin;
use cairo_vm::types::relocatable::Relocatable;
use cairo_vm::vm::vm_core::VirtualMachine;
use felt::Felt;
use felt::poseidon::{WIDTH, permute};

/// Instances of which the program wrote only a part: unwritten inputs are 0, outputs follow from the inputs. cairo-vm finds outputs that are
/// read while all inputs are written, and looks at none that the program or a hint wrote.
pub(super) fn complete(vm: &VirtualMachine, segment: usize, cells: &mut [Felt]) -> Result<(), RunError> {
    for (instance, cells) in cells.chunks_exact_mut(Builtin::Poseidon.cells_per_instance() as usize).enumerate() {
        let [a, b, c, outputs @ ..] = cells else { continue };
        let mut state = [*a, *b, *c];
        permute(&mut state);
        for (index, (output, expected)) in outputs.iter_mut().zip(state).enumerate() {
            let offset = instance * Builtin::Poseidon.cells_per_instance() as usize + WIDTH + index;
            let written = vm.get_maybe(&Relocatable::from((segment as isize, offset))).is_some();
            if written && *output != expected {
                return Err(RunError::BuiltinInstance { builtin: Builtin::Poseidon, instance });
            }
            *output = expected;
        }
    }
    Ok(())
}
