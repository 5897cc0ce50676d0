//! The ecdsa builtin.

use super::written::written;
use crate::convert::from_vm;
use crate::error::RunError;
use cairo_air::Builtin;
use cairo_vm::types::relocatable::Relocatable;
use cairo_vm::vm::runners::builtin_runner::BuiltinRunner;
use cairo_vm::vm::vm_core::VirtualMachine;
use felt::Felt;
use stark_curve::ecdsa::{EXAMPLE, Signature};

const CELLS: usize = Builtin::Ecdsa.cells_per_instance() as usize;

/// Instances of which the program wrote nothing hold a signature that everybody knows.
pub(super) fn complete(vm: &VirtualMachine, segment: usize, cells: &mut [Felt]) -> Result<(), RunError> {
    for (instance, cells) in cells.chunks_exact_mut(CELLS).enumerate() {
        match written(vm, segment, instance) {
            [true, true] => {}
            [false, false] => cells.copy_from_slice(&[EXAMPLE.key, EXAMPLE.message]),
            _ => {
                let what = "has a public key or a message alone; write both";
                return Err(RunError::CurveInstance { builtin: Builtin::Ecdsa, instance, what });
            }
        }
    }
    Ok(())
}

/// The signatures of a segment's instances.
pub(crate) fn signatures(vm: &VirtualMachine, segment: usize, cells: usize) -> Result<Vec<Signature>, RunError> {
    let given = vm.builtin_runners.iter().find_map(|runner| match runner {
        BuiltinRunner::Signature(runner) => Some(runner.signatures.borrow()),
        _ => None,
    });
    let signature = |instance: usize| {
        let address = Relocatable::from((segment as isize, instance * CELLS));
        let known = given.as_ref().and_then(|given| given.get(&address));
        match (known, written(vm, segment, instance)) {
            (Some(known), [true, true]) => Ok(Signature { r: from_vm(&known.r), s: from_vm(&known.s) }),
            (None, [true, true]) => {
                let what = "has no signature; a hint must add it before its cells are written";
                Err(RunError::CurveInstance { builtin: Builtin::Ecdsa, instance, what })
            }
            _ => Ok(EXAMPLE.signature),
        }
    };
    (0..cells / CELLS).map(signature).collect()
}
