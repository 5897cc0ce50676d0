//! How far the hint of Cairo's library for modular circuits writes: it fills instances, offsets and values.

use cairo_vm::hint_processor::builtin_hint_processor::builtin_hint_processor_definition::HintProcessorData;
use cairo_vm::hint_processor::builtin_hint_processor::hint_utils::{get_integer_from_var_name, get_ptr_from_var_name};
use cairo_vm::types::relocatable::Relocatable;
use cairo_vm::vm::vm_core::VirtualMachine;
use num_traits::ToPrimitive;

/// Most instances of a batch that cairo-vm fills.
const MAX_INSTANCES: usize = 100_000;

/// Cells of an instance, and where it has its pointers and the length of its batch.
const CELLS: usize = 7;
const VALUES: usize = 4;
const OFFSETS: usize = 5;
const COUNT: usize = 6;

/// Visits the ends of the instances and of the offsets that the hint writes, and where it may write each value.
pub(super) fn reach(vm: &VirtualMachine, data: &HintProcessorData, visit: &mut dyn FnMut(Relocatable)) {
    for (pointer, gates) in [("add_mod_ptr", "add_mod_n"), ("mul_mod_ptr", "mul_mod_n")] {
        // Where something is missing, the hint fails before it writes.
        let _ = reach_of(vm, data, (pointer, gates), visit);
    }
}

fn reach_of(
    vm: &VirtualMachine,
    data: &HintProcessorData,
    (pointer, gates): (&str, &str),
    visit: &mut dyn FnMut(Relocatable),
) -> Option<()> {
    let gates = get_integer_from_var_name(gates, vm, &data.ids_data, &data.ap_tracking).ok()?.to_usize()?;
    if gates == 0 {
        return None;
    }
    let instance = get_ptr_from_var_name(pointer, vm, &data.ids_data, &data.ap_tracking).ok()?;
    let count = vm.get_integer((instance + COUNT).ok()?).ok()?.to_usize()?;
    if count > MAX_INSTANCES {
        return None;
    }
    visit((instance + CELLS * count).ok()?);
    let values = vm.get_relocatable((instance + VALUES).ok()?).ok()?;
    let offsets = vm.get_relocatable((instance + OFFSETS).ok()?).ok()?;
    visit((offsets + 3 * count).ok()?);
    for index in 0..gates.checked_mul(3)? {
        let offset = vm.get_integer((offsets + index).ok()?).ok()?.to_usize()?;
        visit((values + offset).ok()?);
    }
    Some(())
}
