//! Cells of builtins that a program never wrote, but that a proof needs; a file for each builtin that has some.

mod bitwise;
mod ec_op;
pub(crate) mod ecdsa;
mod keccak;
mod modular;
mod pedersen;
mod poseidon;
mod written;

use crate::error::RunError;
use cairo_air::Builtin;
use cairo_vm::vm::vm_core::VirtualMachine;
use felt::Felt;

/// Completes the instances of a builtin. `cells` are those of its segment, relocated, and 0 where nothing was written; `segment` is its number
/// in the machine.
pub(crate) fn complete(
    builtin: Builtin,
    vm: &VirtualMachine,
    segment: usize,
    cells: &mut [Felt],
) -> Result<(), RunError> {
    match builtin {
        // Public memory; and single cells, of which nothing follows from another.
        Builtin::Output | Builtin::RangeCheck | Builtin::RangeCheck96 => Ok(()),
        Builtin::Bitwise => bitwise::complete(vm, segment, cells),
        Builtin::Ecdsa => ecdsa::complete(vm, segment, cells),
        Builtin::Pedersen => pedersen::complete(vm, segment, cells),
        Builtin::EcOp => ec_op::complete(vm, segment, cells),
        Builtin::AddMod | Builtin::MulMod => {
            modular::complete(vm, segment, cells);
            Ok(())
        }
        Builtin::Poseidon => poseidon::complete(vm, segment, cells),
        Builtin::Keccak => keccak::complete(vm, segment, cells),
    }
}
