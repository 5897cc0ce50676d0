//! The hint of `unsigned_div_rem`. cairo-vm's division of long integers is slow, and most numbers are short.

use crate::convert::from_vm;
use cairo_vm::Felt252;
use cairo_vm::hint_processor::builtin_hint_processor::builtin_hint_processor_definition::HintProcessorData;
use cairo_vm::hint_processor::builtin_hint_processor::hint_utils::{
    get_integer_from_var_name, insert_value_from_var_name,
};
use cairo_vm::types::builtin_name::BuiltinName;
use cairo_vm::vm::errors::hint_errors::HintError;
use cairo_vm::vm::vm_core::VirtualMachine;
use felt::encoding;
use std::any::Any;

/// The hint, compiled.
pub(super) struct DivisionHint {
    /// cairo-vm's own, for all other cases.
    pub(super) compiled: Box<dyn Any>,
}

impl DivisionHint {
    pub(super) fn data(&self) -> Option<&HintProcessorData> {
        self.compiled.downcast_ref()
    }

    /// Quotient and remainder, if they are as easy as that; nothing is written otherwise.
    pub(super) fn divide(&self, vm: &VirtualMachine) -> Option<[u64; 2]> {
        let data = self.data()?;
        // cairo-vm demands the builtin, and a divisor below 2^123.
        vm.builtin_runners.iter().find(|runner| runner.name() == BuiltinName::range_check)?;
        let short = |name| {
            let value = get_integer_from_var_name(name, vm, &data.ids_data, &data.ap_tracking).ok()?;
            encoding::to_u64(&from_vm(&value))
        };
        let (divisor, value) = (short("div")?, short("value")?);
        Some([value.checked_div(divisor)?, value.checked_rem(divisor)?])
    }

    pub(super) fn execute(&self, vm: &mut VirtualMachine, [quotient, remainder]: [u64; 2]) -> Result<(), HintError> {
        let Some(data) = self.data() else { return Ok(()) };
        // cairo-vm writes them in this order.
        for (name, value) in [("r", remainder), ("q", quotient)] {
            insert_value_from_var_name(name, Felt252::from(value), vm, &data.ids_data, &data.ap_tracking)?;
        }
        Ok(())
    }
}
