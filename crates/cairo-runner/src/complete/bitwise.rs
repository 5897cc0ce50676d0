//! The bitwise builtin.

use crate::error::RunError;
use cairo_air::Builtin;
use cairo_vm::types::relocatable::Relocatable;
use cairo_vm::vm::vm_core::VirtualMachine;
use felt::{Felt, encoding};

/// Instances of which the program wrote only a part: unwritten inputs are 0, outputs follow from the inputs. cairo-vm
/// has done this already wherever both inputs were written.
pub(super) fn complete(vm: &VirtualMachine, segment: usize, cells: &mut [Felt]) -> Result<(), RunError> {
    for (instance, cells) in cells.chunks_exact_mut(Builtin::Bitwise.cells_per_instance() as usize).enumerate() {
        let [x, y, outputs @ ..] = cells else { continue };
        let (x, y) = (encoding::canonical_limbs(x), encoding::canonical_limbs(y));
        let fits = |limbs: &[u64; 4]| limbs.last().is_none_or(|top| top >> 59 == 0);
        if !(fits(&x) && fits(&y)) {
            return Err(RunError::BitwiseInstance { instance });
        }
        let operations: [fn(u64, u64) -> u64; 3] = [|x, y| x & y, |x, y| x ^ y, |x, y| x | y];
        for (index, (output, operation)) in outputs.iter_mut().zip(operations).enumerate() {
            let mut limbs = [0; 4];
            for (limb, (x, y)) in limbs.iter_mut().zip(x.iter().zip(&y)) {
                *limb = operation(*x, *y);
            }
            let expected = encoding::from_canonical_limbs(limbs).ok_or(RunError::BitwiseInstance { instance })?;
            let offset = instance * Builtin::Bitwise.cells_per_instance() as usize + 2 + index;
            let written = vm.get_maybe(&Relocatable::from((segment as isize, offset))).is_some();
            if written && *output != expected {
                return Err(RunError::BitwiseInstance { instance });
            }
            *output = expected;
        }
    }
    Ok(())
}
