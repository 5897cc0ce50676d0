//! Executes the hints of Cairo 0 programs.

use super::Cairo0;
use super::circuit;
use super::division::DivisionHint;
use super::hints::{LIBRARY_REACH, LibraryHint};
use super::input::{Input, InputHint, Types, VariableType, ids_of, parse, plan};
use crate::arguments::read;
use crate::hints::Hints;
use cairo_vm::Felt252;
use cairo_vm::hint_processor::builtin_hint_processor::builtin_hint_processor_definition::{
    BuiltinHintProcessor, HintProcessorData,
};
use cairo_vm::hint_processor::builtin_hint_processor::hint_code;
use cairo_vm::hint_processor::hint_processor_definition::{HintProcessorLogic, HintReference};
use cairo_vm::hint_processor::hint_processor_utils::compute_addr_from_reference;
use cairo_vm::serde::deserialize_program::ApTracking;
use cairo_vm::types::exec_scope::ExecutionScopes;
use cairo_vm::types::relocatable::{MaybeRelocatable, Relocatable};
use cairo_vm::vm::errors::hint_errors::HintError;
use cairo_vm::vm::errors::vm_errors::VirtualMachineError;
use cairo_vm::vm::runners::cairo_runner::ResourceTracker;
use cairo_vm::vm::vm_core::VirtualMachine;
use felt::Felt;
use std::any::Any;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// cairo-vm's processor, the library's hints that it has not, and those that read inputs.
pub(crate) struct Cairo0Hints {
    builtin: BuiltinHintProcessor,
    inputs: Input,
    input_hints: Arc<HashSet<String>>,
    types: Arc<Types>,
}

impl Cairo0Hints {
    /// `arguments` are those that fit the program's inputs.
    pub(crate) fn new(source: &Cairo0, arguments: &[Felt]) -> Self {
        // They have been written from the inputs' shapes, so they can be read by them.
        let inputs = read(arguments, &source.inputs).unwrap_or(Input::Record(Vec::new().into()));
        Self {
            builtin: BuiltinHintProcessor::new_empty(),
            inputs,
            input_hints: Arc::clone(&source.input_hints),
            types: Arc::clone(&source.types),
        }
    }

    /// A hint that reads inputs, or prints.
    fn input_hint(&self, code: &str, data: HintProcessorData) -> Result<InputHint, VirtualMachineError> {
        let statements = parse(code).map_err(|_| VirtualMachineError::Unexpected)?;
        let variable_type = |name: &str| {
            let reference = data.ids_data.get(name)?;
            let name = reference.cairo_type.clone().unwrap_or_else(|| "felt".to_owned());
            Some(VariableType { name, is_cell: reference.outer_dereference })
        };
        let place = |(path, _): (&[String], bool)| {
            let place = self.types.resolve(path, &data.accessible_scopes, variable_type)?;
            Some((path.to_vec(), place))
        };
        let places = ids_of(&statements).into_iter().map(place).collect::<Option<_>>();
        let places = places.ok_or(VirtualMachineError::Unexpected)?;
        Ok(InputHint { statements, places, data })
    }
}

impl ResourceTracker for Cairo0Hints {}

impl HintProcessorLogic for Cairo0Hints {
    fn execute_hint(
        &mut self,
        vm: &mut VirtualMachine,
        scopes: &mut ExecutionScopes,
        hint: &Box<dyn Any>,
    ) -> Result<(), HintError> {
        if let Some(division) = hint.downcast_ref::<DivisionHint>() {
            return match division.divide(vm) {
                Some(results) => division.execute(vm, results),
                None => self.builtin.execute_hint(vm, scopes, &division.compiled),
            };
        }
        if let Some(input) = hint.downcast_ref::<InputHint>() {
            return plan(input, &self.inputs, vm, scopes)?.execute(vm, scopes);
        }
        match hint.downcast_ref::<LibraryHint>() {
            Some(library) => library.execute(vm, scopes),
            None => self.builtin.execute_hint(vm, scopes, hint),
        }
    }

    fn compile_hint(
        &self,
        code: &str,
        ap_tracking: &ApTracking,
        reference_ids: &HashMap<String, usize>,
        references: &[HintReference],
        accessible_scopes: &[String],
        constants: Arc<HashMap<String, Felt252>>,
    ) -> Result<Box<dyn Any>, VirtualMachineError> {
        let compiled =
            self.builtin.compile_hint(code, ap_tracking, reference_ids, references, accessible_scopes, constants)?;
        if code == hint_code::UNSIGNED_DIV_REM {
            return Ok(Box::new(DivisionHint { compiled }));
        }
        let data = *compiled.downcast::<HintProcessorData>().map_err(|_| VirtualMachineError::Unexpected)?;
        if self.input_hints.contains(code) {
            return Ok(Box::new(self.input_hint(code, data)?));
        }
        match LibraryHint::new(code, data, &self.types) {
            Ok(library) => Ok(Box::new(library)),
            Err(data) => Ok(Box::new(data)),
        }
    }
}

impl Hints for Cairo0Hints {
    fn reach(&self, vm: &VirtualMachine, scopes: &ExecutionScopes, hint: &dyn Any, visit: &mut dyn FnMut(Relocatable)) {
        if let Some(input) = hint.downcast_ref::<InputHint>() {
            // What cannot be planned fails when it is executed.
            if let Ok(plan) = plan(input, &self.inputs, vm, scopes) {
                plan.reach(visit);
            }
            return;
        }
        if let Some(library) = hint.downcast_ref::<LibraryHint>() {
            library.destination(vm).into_iter().for_each(&mut *visit);
        }
        let (data, further) = match (hint.downcast_ref::<LibraryHint>(), hint.downcast_ref::<DivisionHint>()) {
            (Some(library), _) => (Some(library.data()), LIBRARY_REACH),
            (_, Some(division)) => (division.data(), 0),
            _ => (hint.downcast_ref::<HintProcessorData>(), 0),
        };
        let Some(data) = data else { return };
        if data.code == hint_code::RUN_P_CIRCUIT {
            circuit::reach(vm, data, visit);
        }
        // A hint writes at its variables and at what they point to.
        for reference in data.ids_data.values() {
            let Some(address) = compute_addr_from_reference(reference, vm, &data.ap_tracking) else { continue };
            visit(address);
            if let Some(MaybeRelocatable::RelocatableValue(pointer)) = vm.get_maybe(&address)
                && let Ok(end) = pointer + further
            {
                visit(end);
            }
        }
    }
}
