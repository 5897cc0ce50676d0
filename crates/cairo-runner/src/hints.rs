//! What the run loop needs from a hint processor beyond cairo-vm's trait.

use cairo_vm::hint_processor::hint_processor_definition::HintProcessor;
use cairo_vm::types::exec_scope::ExecutionScopes;
use cairo_vm::types::relocatable::Relocatable;
use cairo_vm::vm::vm_core::VirtualMachine;
use felt::Felt;
use std::any::Any;

/// A hint processor that the guard can ask.
pub(crate) trait Hints: HintProcessor {
    /// Visits the addresses that a hint may write at or next to, except those near a register.
    fn reach(&self, vm: &VirtualMachine, scopes: &ExecutionScopes, hint: &dyn Any, visit: &mut dyn FnMut(Relocatable));

    /// The panic data, if the program just told that it panicked at this `pc`.
    fn panicked(&self, _pc: Relocatable) -> Option<Vec<Felt>> {
        None
    }
}
