//! The keccak builtin.

use super::written::written;
use crate::error::RunError;
use cairo_air::Builtin;
use cairo_air::keccak::{WORD_BYTES, WORDS, pack, permute, unpack};
use cairo_vm::vm::vm_core::VirtualMachine;
use felt::Felt;

const CELLS: usize = Builtin::Keccak.cells_per_instance() as usize;

/// Instances of which the program wrote only a part: unwritten inputs are 0, outputs follow from the inputs. cairo-vm finds outputs that are
/// read while all inputs are written, and looks at none that the program or a hint wrote.
pub(super) fn complete(vm: &VirtualMachine, segment: usize, cells: &mut [Felt]) -> Result<(), RunError> {
    let builtin = Builtin::Keccak;
    for (instance, cells) in cells.chunks_exact_mut(CELLS).enumerate() {
        let Some((inputs, outputs)) = cells.split_first_chunk_mut::<WORDS>() else { continue };
        let state = unpack(inputs).map_err(|input| {
            let bits = 8 * WORD_BYTES as u32;
            RunError::InstanceInput { builtin, instance, input, bits }
        })?;
        let written: [bool; CELLS] = written(vm, segment, instance);
        let known = written.iter().skip(WORDS);
        for ((output, expected), known) in outputs.iter_mut().zip(pack(&permute(state))).zip(known) {
            if *known && *output != expected {
                return Err(RunError::BuiltinInstance { builtin, instance });
            }
            *output = expected;
        }
    }
    Ok(())
}
