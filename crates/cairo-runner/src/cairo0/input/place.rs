//! What `ids.a.b` stands for: a cell that a variable's reference, and the members of structures, lead to.

use cairo_vm::Felt252;
use cairo_vm::hint_processor::builtin_hint_processor::builtin_hint_processor_definition::HintProcessorData;
use cairo_vm::hint_processor::builtin_hint_processor::hint_utils::{
    get_maybe_relocatable_from_var_name, get_ptr_from_var_name, get_relocatable_from_var_name,
};
use cairo_vm::serde::deserialize_program::ProgramJson;
use cairo_vm::types::relocatable::{MaybeRelocatable, Relocatable};
use cairo_vm::vm::errors::hint_errors::HintError;
use cairo_vm::vm::vm_core::VirtualMachine;
use std::collections::HashMap;

/// The structures and constants of a program, by their full names.
#[derive(Debug, Clone, Default)]
pub(crate) struct Types {
    structs: HashMap<String, Struct>,
    constants: HashMap<String, Felt252>,
}

#[derive(Debug, Clone)]
struct Struct {
    size: usize,
    /// Offset and type of each member.
    members: HashMap<String, (usize, String)>,
}

/// Where a path leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// A constant.
    Constant(Felt252),
    /// The variable itself, which may have no cell.
    Variable(String),
    /// A cell.
    Cell {
        /// The variable that the way begins at.
        variable: String,
        /// Whether it is a pointer that is followed, not a structure in place.
        follows: bool,
        /// From there on the offsets of members; what lies between two of them is a pointer.
        offsets: Vec<usize>,
        /// Whether the cell's address is meant, not what it holds.
        is_address: bool,
    },
}

/// What is known about the type of a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VariableType {
    /// As cairo-vm has it: without the `*` of the reference itself.
    pub(crate) name: String,
    /// Whether the reference is a cell, not a value that has none.
    pub(crate) is_cell: bool,
}

impl Types {
    pub(crate) fn of(json: &ProgramJson) -> Self {
        let mut types = Self::default();
        for (name, identifier) in &json.identifiers {
            match (identifier.type_.as_deref(), &identifier.members, identifier.value) {
                (Some("struct"), Some(members), _) => {
                    let member = |(name, member): (&String, &cairo_vm::serde::deserialize_program::Member)| {
                        (name.clone(), (member.offset, member.cairo_type.clone()))
                    };
                    let members = members.iter().map(member).collect();
                    types.structs.insert(name.clone(), Struct { size: identifier.size.unwrap_or(0), members });
                }
                (Some("const"), _, Some(value)) => {
                    types.constants.insert(name.clone(), value);
                }
                _ => {}
            }
        }
        types
    }

    /// The place that a path leads to; `None` if there is none. `scopes` are those that the hint sees, inner ones last.
    pub(crate) fn resolve(
        &self,
        path: &[String],
        scopes: &[String],
        variable_type: impl Fn(&str) -> Option<VariableType>,
    ) -> Option<Place> {
        let (variable, members) = path.split_first()?;
        let (members, is_address) = match members.split_last() {
            Some((last, members)) if last == "address_" => (members, true),
            _ => (members, false),
        };
        let Some(VariableType { name, is_cell }) = variable_type(variable) else {
            return self.constant(path, scopes).map(Place::Constant);
        };
        if members.is_empty() && !is_address {
            return Some(Place::Variable(variable.clone()));
        }
        let pointee = name.strip_suffix('*').map(ToOwned::to_owned);
        // The value of a reference without a cell is a pointer, if its type is a structure.
        let follows = pointee.is_some() || !is_cell;
        let mut at = pointee.unwrap_or(name);
        let mut offsets = vec![0];
        for member in members {
            if let Some(pointee) = at.strip_suffix('*') {
                at = pointee.to_owned();
                offsets.push(0);
            }
            let (offset, of) = self.structs.get(&at)?.members.get(member)?.clone();
            *offsets.last_mut()? += offset;
            at = of;
        }
        Some(Place::Cell { variable: variable.clone(), follows, offsets, is_address })
    }

    /// `ids.NAME` and `ids.Struct.SIZE`, `ids.Struct.member`.
    fn constant(&self, path: &[String], scopes: &[String]) -> Option<Felt252> {
        let full = |name: &str| scopes.iter().rev().map(move |scope| format!("{scope}.{name}")).collect::<Vec<_>>();
        match path {
            [name] => full(name).iter().find_map(|name| self.constants.get(name)).copied(),
            [name, member] => {
                let of = full(name).iter().find_map(|name| self.structs.get(name)).or_else(|| {
                    // An imported structure has another full name.
                    let is_it = |known: &&String| known.rsplit('.').next() == Some(name);
                    let mut named = self.structs.keys().filter(is_it);
                    named.next().filter(|_| named.next().is_none()).and_then(|only| self.structs.get(only))
                })?;
                let offset = of.members.get(member).map(|(offset, _)| *offset);
                let offset = offset.or_else(|| (member == "SIZE").then_some(of.size))?;
                Some(Felt252::from(offset as u64))
            }
            _ => None,
        }
    }
}

impl Place {
    /// The cell's address.
    ///
    /// # Errors
    /// If there is no cell, or a pointer on the way is none. `read` reads a cell.
    pub(crate) fn address(
        &self,
        vm: &VirtualMachine,
        data: &HintProcessorData,
        read: impl Fn(Relocatable) -> Option<MaybeRelocatable>,
    ) -> Result<Relocatable, HintError> {
        let (ids, tracking) = (&data.ids_data, &data.ap_tracking);
        match self {
            Self::Constant(_) => Err(HintError::CustomHint("a constant has no address".into())),
            Self::Variable(name) => get_relocatable_from_var_name(name, vm, ids, tracking),
            Self::Cell { variable, follows, offsets, .. } => {
                let mut at = match get_relocatable_from_var_name(variable, vm, ids, tracking) {
                    // Written by the hint itself, perhaps.
                    Ok(address) if *follows && read(address).is_some() && is_cell(data, variable) => {
                        pointer(read(address))?
                    }
                    Ok(address) if !*follows => address,
                    _ => get_ptr_from_var_name(variable, vm, ids, tracking)?,
                };
                for (index, offset) in offsets.iter().enumerate() {
                    if index > 0 {
                        at = pointer(read(at))?;
                    }
                    at = (at + *offset)?;
                }
                Ok(at)
            }
        }
    }

    /// What the place holds, or is.
    ///
    /// # Errors
    /// As [`address`](Self::address), or if nothing was written there.
    pub(crate) fn value(
        &self,
        vm: &VirtualMachine,
        data: &HintProcessorData,
        read: impl Fn(Relocatable) -> Option<MaybeRelocatable>,
    ) -> Result<MaybeRelocatable, HintError> {
        match self {
            Self::Constant(value) => Ok(MaybeRelocatable::Int(*value)),
            Self::Variable(name) => {
                let (ids, tracking) = (&data.ids_data, &data.ap_tracking);
                let written =
                    get_relocatable_from_var_name(name, vm, ids, tracking).ok().filter(|_| is_cell(data, name));
                match written.and_then(read) {
                    Some(value) => Ok(value),
                    None => get_maybe_relocatable_from_var_name(name, vm, ids, tracking),
                }
            }
            Self::Cell { is_address, .. } => {
                let address = self.address(vm, data, &read)?;
                if *is_address {
                    return Ok(address.into());
                }
                read(address).ok_or_else(|| HintError::CustomHint(format!("nothing was written to {address}").into()))
            }
        }
    }
}

fn is_cell(data: &HintProcessorData, variable: &str) -> bool {
    data.ids_data.get(variable).is_some_and(|reference| reference.outer_dereference)
}

fn pointer(value: Option<MaybeRelocatable>) -> Result<Relocatable, HintError> {
    match value {
        Some(MaybeRelocatable::RelocatableValue(pointer)) => Ok(pointer),
        _ => Err(HintError::CustomHint("a member is read through what is no pointer".into())),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn types() -> Types {
        let member = |name: &str, offset: usize, of: &str| (name.to_owned(), (offset, of.to_owned()));
        let structs = [
            ("m.Point", 2, vec![member("x", 0, "felt"), member("y", 1, "felt")]),
            ("m.Line", 4, vec![member("from", 0, "m.Point"), member("to", 2, "m.Point*"), member("n", 3, "felt")]),
        ];
        let structs = structs
            .map(|(name, size, members)| (name.to_owned(), Struct { size, members: members.into_iter().collect() }));
        let constants = [("m.N".to_owned(), Felt252::from(7))];
        Types { structs: structs.into(), constants: constants.into() }
    }

    fn resolve(path: &str, name: &str, is_cell: bool) -> Option<Place> {
        let path: Vec<String> = path.split('.').map(ToOwned::to_owned).collect();
        let of = |variable: &str| (variable == "v").then(|| VariableType { name: name.to_owned(), is_cell });
        types().resolve(&path, &["m".to_owned(), "m.main".to_owned()], of)
    }

    #[test]
    fn members_are_offsets() {
        let cell = |follows, offsets: &[usize], is_address| {
            Some(Place::Cell { variable: "v".to_owned(), follows, offsets: offsets.to_vec(), is_address })
        };
        assert_eq!(resolve("v", "felt", true), Some(Place::Variable("v".to_owned())));
        assert_eq!(resolve("v.y", "m.Point", true), cell(false, &[1], false));
        assert_eq!(resolve("v.y", "m.Point*", true), cell(true, &[1], false));
        assert_eq!(resolve("v.from.y", "m.Line*", true), cell(true, &[1], false));
        assert_eq!(resolve("v.to.y", "m.Line", true), cell(false, &[2, 1], false));
        // A pointer that is computed has no cell, and cairo-vm drops its star.
        assert_eq!(resolve("v.y", "m.Point", false), cell(true, &[1], false));
        assert_eq!(resolve("v.address_", "m.Point*", true), cell(true, &[0], true));
        assert_eq!(resolve("v.to.address_", "m.Line", true), cell(false, &[2], true));
        for path in ["v.z", "v.from.z", "v.n.x", "w", "w.x"] {
            assert_eq!(resolve(path, "m.Line", true), None, "{path}");
        }
    }

    #[test]
    fn constants_and_sizes() {
        let constant = |value: u64| Some(Place::Constant(Felt252::from(value)));
        assert_eq!(resolve("N", "felt", true), constant(7));
        assert_eq!(resolve("Line.SIZE", "felt", true), constant(4));
        assert_eq!(resolve("Line.n", "felt", true), constant(3));
        assert_eq!(resolve("Line.z", "felt", true), None);
        assert_eq!(resolve("M", "felt", true), None);
    }
}
