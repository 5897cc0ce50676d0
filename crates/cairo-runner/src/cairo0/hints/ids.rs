//! What an executor sees: `ids`, memory, the scopes.

use super::super::input::{Place, Types, VariableType};
use cairo_vm::Felt252;
use cairo_vm::hint_processor::builtin_hint_processor::builtin_hint_processor_definition::HintProcessorData;
use cairo_vm::hint_processor::builtin_hint_processor::hint_utils::{get_constant_from_var_name, insert_value_into_ap};
use cairo_vm::types::exec_scope::ExecutionScopes;
use cairo_vm::types::relocatable::{MaybeRelocatable, Relocatable};
use cairo_vm::vm::errors::hint_errors::HintError;
use cairo_vm::vm::vm_core::VirtualMachine;
use num_bigint::BigUint;
use std::any::Any;

/// The surroundings of a hint.
pub(super) struct Ids<'a> {
    pub(super) vm: &'a mut VirtualMachine,
    pub(super) scopes: &'a mut ExecutionScopes,
    pub(super) data: &'a HintProcessorData,
    pub(super) types: &'a Types,
}

pub(super) type Done<T> = Result<T, HintError>;

/// An error with a text of ours.
pub(super) fn fail<T>(message: impl Into<String>) -> Done<T> {
    Err(HintError::CustomHint(message.into().into()))
}

impl Ids<'_> {
    fn place(&self, path: &str) -> Done<Place> {
        let names: Vec<String> = path.split('.').map(ToOwned::to_owned).collect();
        let variable_type = |name: &str| {
            let reference = self.data.ids_data.get(name)?;
            let name = reference.cairo_type.clone().unwrap_or_else(|| "felt".to_owned());
            Some(VariableType { name, is_cell: reference.outer_dereference })
        };
        let place = self.types.resolve(&names, &self.data.accessible_scopes, variable_type);
        place.ok_or_else(|| HintError::UnknownIdentifier(path.into()))
    }

    /// `ids.path`: what it holds.
    pub(super) fn get(&self, path: &str) -> Done<MaybeRelocatable> {
        self.place(path)?.value(self.vm, self.data, |address| self.vm.get_maybe(&address))
    }

    /// A field element.
    pub(super) fn felt(&self, path: &str) -> Done<Felt252> {
        self.get(path)?.get_int().ok_or_else(|| HintError::IdentifierNotInteger(path.into()))
    }

    /// The same as an integer.
    pub(super) fn integer(&self, path: &str) -> Done<BigUint> {
        self.felt(path).map(|felt| felt.to_biguint())
    }

    /// A number that is at most `limit`.
    pub(super) fn small(&self, path: &str, limit: usize) -> Done<usize> {
        let value = self.felt(path)?;
        match usize::try_from(value).ok().filter(|value| *value <= limit) {
            Some(value) => Ok(value),
            None => fail(format!("`{path}` is {value:#x}, and must be at most {limit}")),
        }
    }

    /// An address that a variable holds.
    pub(super) fn pointer(&self, path: &str) -> Done<Relocatable> {
        self.get(path)?.get_relocatable().ok_or_else(|| HintError::IdentifierNotRelocatable(path.into()))
    }

    /// Where `ids.path` stands.
    pub(super) fn address(&self, path: &str) -> Done<Relocatable> {
        self.place(path)?.address(self.vm, self.data, |address| self.vm.get_maybe(&address))
    }

    /// `ids.path = value`.
    pub(super) fn set(&mut self, path: &str, value: impl Into<MaybeRelocatable>) -> Done<()> {
        let address = self.address(path)?;
        self.write(address, value)
    }

    /// `memory[ap] = value`.
    pub(super) fn set_ap(&mut self, value: impl Into<MaybeRelocatable>) -> Done<()> {
        insert_value_into_ap(self.vm, value)
    }

    /// `memory[address] = value`.
    pub(super) fn write(&mut self, address: Relocatable, value: impl Into<MaybeRelocatable>) -> Done<()> {
        self.vm.insert_value(address, value).map_err(HintError::Memory)
    }

    /// `memory[address]`, a field element.
    pub(super) fn read(&self, address: Relocatable) -> Done<Felt252> {
        Ok(*self.vm.get_integer(address)?)
    }

    /// A constant of the library, at most `limit`.
    pub(super) fn constant(&self, name: &'static str, limit: usize) -> Done<usize> {
        let value = get_constant_from_var_name(name, &self.data.constants)?;
        match usize::try_from(*value).ok().filter(|value| *value <= limit) {
            Some(value) => Ok(value),
            None => fail(format!("the constant {name} is {value:#x}, and must be at most {limit}")),
        }
    }

    /// A name of the present scope.
    pub(super) fn scope<T: Any + Clone>(&self, name: &str) -> Done<T> {
        self.scopes.get(name)
    }

    /// Sets a name of the present scope.
    pub(super) fn set_scope<T: Any>(&mut self, name: &str, value: T) {
        self.scopes.assign_or_update_variable(name, Box::new(value));
    }
}
