//! Dictionaries: a segment of accesses for each, whose values the hints remember.

use super::operand::failed;
use cairo_vm::Felt252;
use cairo_vm::types::relocatable::{MaybeRelocatable, Relocatable};
use cairo_vm::vm::errors::hint_errors::HintError;
use cairo_vm::vm::vm_core::VirtualMachine;
use std::collections::HashMap;

/// Cells of an entry of the arena's table of dictionaries.
pub(in crate::cairo2) const INFO_CELLS: usize = 3;

/// A dictionary as its accesses left it.
struct Dictionary {
    number: usize,
    values: HashMap<Felt252, MaybeRelocatable>,
}

/// All dictionaries of a run, by their segments.
#[derive(Default)]
pub(super) struct Dictionaries(HashMap<isize, Dictionary>);

impl Dictionaries {
    /// Makes a dictionary and notes its segment in the arena's table. All but the first live in temporary segments, which the
    /// entry wrapper places behind each other.
    pub(super) fn allocate(&mut self, vm: &mut VirtualMachine, arena: Relocatable) -> Result<(), HintError> {
        let count = *vm.get_integer((arena - 2)?)?;
        let count = usize::try_from(count).map_err(|_| failed(format!("the arena counts {count} dictionaries")))?;
        let table = vm.get_relocatable((arena - 3)?)?;
        let offset = count.checked_mul(INFO_CELLS).ok_or_else(|| failed("the arena has too many dictionaries"))?;
        let segment = if self.0.is_empty() { vm.add_memory_segment() } else { vm.add_temporary_segment() };
        let number = self.0.len();
        self.0.insert(segment.segment_index, Dictionary { number, values: HashMap::new() });
        Ok(vm.insert_value((table + offset)?, segment)?)
    }

    fn of(&self, pointer: Relocatable) -> Result<&Dictionary, HintError> {
        self.0.get(&pointer.segment_index).ok_or_else(|| failed("a pointer to a dictionary points to none"))
    }

    /// Its place in the order of their making.
    pub(super) fn number(&self, pointer: Relocatable) -> Result<usize, HintError> {
        Ok(self.of(pointer)?.number)
    }

    /// The value at a key.
    pub(super) fn get(&self, pointer: Relocatable, key: &Felt252) -> Result<MaybeRelocatable, HintError> {
        Ok(self.of(pointer)?.values.get(key).cloned().unwrap_or(UNWRITTEN))
    }

    /// Sets the value at a key.
    pub(super) fn set(&mut self, pointer: Relocatable, key: Felt252, value: MaybeRelocatable) -> Result<(), HintError> {
        let missing = || failed("a pointer to a dictionary points to none");
        self.0.get_mut(&pointer.segment_index).ok_or_else(missing)?.values.insert(key, value);
        Ok(())
    }
}

/// A dictionary's value before it is first written.
const UNWRITTEN: MaybeRelocatable = MaybeRelocatable::Int(Felt252::ZERO);
