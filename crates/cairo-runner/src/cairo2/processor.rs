//! Executes the hints of Cairo 2 executables.

use super::core::{CoreHints, INFO_CELLS, Operands};
use super::hint::{CellRef, DerefOrImmediate, Hint, Operation, Register, ResOperand};
use super::load::Cairo2;
use crate::convert::{from_vm, to_vm};
use crate::hints::Hints;
use cairo_vm::Felt252;
use cairo_vm::hint_processor::hint_processor_definition::{HintProcessorLogic, HintReference};
use cairo_vm::serde::deserialize_program::ApTracking;
use cairo_vm::types::exec_scope::ExecutionScopes;
use cairo_vm::types::relocatable::Relocatable;
use cairo_vm::vm::errors::hint_errors::HintError;
use cairo_vm::vm::errors::vm_errors::VirtualMachineError;
use cairo_vm::vm::runners::cairo_runner::ResourceTracker;
use cairo_vm::vm::vm_core::VirtualMachine;
use felt::Felt;
use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;

/// Most values of panic data that are kept.
const MAX_PANIC_DATA: usize = 1 << 12;

/// Executes core hints and those of the entry wrapper.
pub(crate) struct Cairo2Hints {
    hints: Arc<Vec<Hint>>,
    arguments: Vec<Felt252>,
    arguments_read: bool,
    core: CoreHints,
    /// The result that the wrapper announced last, and the `pc` where it did.
    marker: Option<(Relocatable, Vec<Felt252>)>,
}

impl Cairo2Hints {
    pub(crate) fn new(source: &Cairo2, arguments: &[Felt]) -> Self {
        Self {
            hints: Arc::clone(&source.hints),
            arguments: arguments.iter().map(to_vm).collect(),
            arguments_read: false,
            core: CoreHints::default(),
            marker: None,
        }
    }

    /// Writes the arguments to a segment of their own, and its start and end to two cells.
    fn write_arguments(&mut self, vm: &mut VirtualMachine, dst: &CellRef) -> Result<(), HintError> {
        // A proof binds the arguments at the place of the first reading only.
        if std::mem::replace(&mut self.arguments_read, true) {
            return Err(custom("the program reads its arguments a second time, which a proof would not bind"));
        }
        let cell = Operands(vm).address(dst)?;
        let start = vm.add_memory_segment();
        let mut next = start;
        for argument in &self.arguments {
            vm.insert_value(next, *argument)?;
            next = (next + 1)?;
        }
        vm.insert_value(cell, start)?;
        vm.insert_value((cell + 1)?, next)?;
        Ok(())
    }
}

fn custom(message: &str) -> HintError {
    HintError::CustomHint(message.into())
}

/// The values from `start` to `end`, as far as they are kept.
fn read_values(vm: &VirtualMachine, start: Relocatable, end: Relocatable) -> Result<Vec<Felt252>, HintError> {
    let length = (end - start).map_err(|error| custom(&error.to_string()))?;
    let mut values = Vec::new();
    for index in 0..length.min(MAX_PANIC_DATA) {
        match vm.get_integer((start + index)?) {
            Ok(value) => values.push(*value),
            // The result of a run without panic may hold anything.
            Err(_) => break,
        }
    }
    Ok(values)
}

impl ResourceTracker for Cairo2Hints {}

impl HintProcessorLogic for Cairo2Hints {
    fn execute_hint(
        &mut self,
        vm: &mut VirtualMachine,
        _: &mut ExecutionScopes,
        hint: &Box<dyn Any>,
    ) -> Result<(), HintError> {
        match hint.downcast_ref::<Hint>().ok_or(HintError::WrongHintData)? {
            Hint::WriteRunParam { dst, .. } => self.write_arguments(vm, dst),
            Hint::AddRelocationRule { src, dst } => {
                let operands = Operands(vm);
                let (src, dst) = (operands.pointer(src)?, operands.pointer(dst)?);
                Ok(vm.add_relocation_rule(src, dst)?)
            }
            Hint::AddMarker { start, end } => {
                let operands = Operands(vm);
                let (start, end) = (operands.pointer(start)?, operands.pointer(end)?);
                self.marker = Some((vm.get_pc(), read_values(vm, start, end)?));
                Ok(())
            }
            Hint::AddTrace { .. } => Ok(()),
            hint => self.core.execute(vm, hint),
        }
    }

    fn compile_hint(
        &self,
        code: &str,
        _: &ApTracking,
        _: &HashMap<String, usize>,
        _: &[HintReference],
        _: &[String],
        _: Arc<HashMap<String, Felt252>>,
    ) -> Result<Box<dyn Any>, VirtualMachineError> {
        let hint = code.parse().ok().and_then(|index: usize| self.hints.get(index));
        Ok(Box::new(hint.ok_or(VirtualMachineError::Unexpected)?.clone()))
    }
}

impl Hints for Cairo2Hints {
    fn reach(&self, vm: &VirtualMachine, _: &ExecutionScopes, hint: &dyn Any, visit: &mut dyn FnMut(Relocatable)) {
        let pointer = match hint.downcast_ref::<Hint>() {
            Some(
                Hint::Felt252DictEntryInit { dict_ptr: pointer, .. }
                | Hint::Felt252DictWrite { dict_ptr: pointer, .. }
                | Hint::AssertLeFindSmallArcs { range_check_ptr: pointer, .. }
                | Hint::GetCurrentAccessIndex { range_check_ptr: pointer },
            ) => pointer,
            Some(Hint::AllocFelt252Dict { segment_arena_ptr }) => {
                pointer_value(vm, segment_arena_ptr)
                    .and_then(|arena| next_dictionary_info(vm, arena))
                    .into_iter()
                    .for_each(visit);
                return;
            }
            _ => return,
        };
        pointer_value(vm, pointer).into_iter().for_each(visit);
    }

    fn panicked(&self, pc: Relocatable) -> Option<Vec<Felt>> {
        // The wrapper announces its result right where it asserts that there was no panic.
        let (marked, data) = self.marker.as_ref()?;
        (*marked == pc).then(|| data.iter().map(from_vm).collect())
    }
}

/// The pointer that an operand stands for.
fn pointer_value(vm: &VirtualMachine, operand: &ResOperand) -> Option<Relocatable> {
    let (cell, offset) = match operand {
        ResOperand::Deref(cell) => (cell, Felt252::ZERO),
        ResOperand::BinOp(sum) if matches!(sum.op, Operation::Add) => match &sum.b {
            DerefOrImmediate::Immediate(offset) => (&sum.a, offset.0),
            DerefOrImmediate::Deref(_) => return None,
        },
        _ => return None,
    };
    let register = match cell.register {
        Register::Ap => vm.get_ap(),
        Register::Fp => vm.get_fp(),
    };
    let address = (register + i32::from(cell.offset)).ok()?;
    (vm.get_relocatable(address).ok()? + &offset).ok()
}

/// Where the next dictionary's entry goes: the arena holds the table's start and the number of dictionaries.
fn next_dictionary_info(vm: &VirtualMachine, arena: Relocatable) -> Option<Relocatable> {
    let table = vm.get_relocatable((arena - 3).ok()?).ok()?;
    let count = vm.get_integer((arena - 2).ok()?).ok()?;
    (table + &(*count * Felt252::from(INFO_CELLS))).ok()
}
