//! Which cells of an instance the program wrote.

use cairo_vm::types::relocatable::Relocatable;
use cairo_vm::vm::vm_core::VirtualMachine;

/// For each of the instance's `N` cells whether the program, or the machine for it, wrote it.
pub(super) fn written<const N: usize>(vm: &VirtualMachine, segment: usize, instance: usize) -> [bool; N] {
    std::array::from_fn(|offset| vm.get_maybe(&Relocatable::from((segment as isize, instance * N + offset))).is_some())
}
