//! Compiled Cairo 0 programs: loading, and their hints.
//!
//! A hint is one of cairo-vm's own, one of the common library that cairo-vm has none for ([`hints`]), one that reads inputs
//! ([`input`]), or one that prints. Any other is refused before anything runs. Whatever a hint does, it only proposes
//! values: no verifier believes them.

mod circuit;
mod division;
mod hints;
mod input;
mod processor;
mod scan;

pub(crate) use input::{Input, Shape};
pub(crate) use processor::Cairo0Hints;

use crate::catch::quietly;
use crate::convert::{from_vm, one_line};
use crate::load_error::{LoadError, builtins_of, unreadable};
use cairo_air::{ArgumentBinding, Builtin, Program};
use cairo_vm::serde::deserialize_program::{deserialize_program_json, parse_program_json};
use cairo_vm::types::program::Program as VmProgram;
use cairo_vm::types::relocatable::MaybeRelocatable;
use cairo_vm::utils::PRIME_STR;
use std::collections::HashSet;
use std::sync::Arc;

/// A loaded Cairo 0 program.
#[derive(Debug, Clone)]
pub(crate) struct Cairo0 {
    pub(crate) vm_program: VmProgram,
    /// Names and shapes of the inputs, in the order in which the hints first read them: by `pc`, then by line.
    pub(crate) inputs: Vec<(String, Shape)>,
    /// The inputs' names.
    pub(crate) names: Vec<String>,
    /// What the user should know about the hints.
    pub(crate) notes: Vec<String>,
    /// The texts of hints that read inputs, or print.
    input_hints: Arc<HashSet<String>>,
    types: Arc<input::Types>,
}

/// Reads a compiled program whose kind and builtins are known already. `version` is that of its compiler, if the file says so.
pub(crate) fn load(
    bytes: &[u8],
    builtin_names: &[String],
    version: Option<&str>,
) -> Result<(Program, Cairo0), LoadError> {
    // cairo-vm's own message for an unknown builtin says nothing about it.
    let builtins = builtins_of(builtin_names)?;
    let json = quietly(|| deserialize_program_json(bytes))
        .map_err(|message| LoadError::Malformed { message })?
        .map_err(|error| unreadable(version, one_line(&error.to_string(), 300)))?;
    if json.prime != PRIME_STR {
        return Err(LoadError::WrongPrime { found: one_line(&json.prime, 80) });
    }
    for (label, expected) in [("__start__", 0), ("__end__", 4)] {
        let found = json.identifiers.get(&format!("__main__.{label}")).and_then(|identifier| identifier.pc);
        if found != Some(expected) {
            return Err(LoadError::NotProofMode { label });
        }
    }
    let types = input::Types::of(&json);
    let scan::Scanned { inputs, input_hints, notes } = scan::scan(&json, &types)?;
    let names: Vec<String> = inputs.iter().map(|(name, _)| name.clone()).collect();
    if let Some(input) = names.first().filter(|_| !builtins.contains(&Builtin::Output)) {
        return Err(LoadError::UnboundInput { input: one_line(input, 80) });
    }
    let words = json.data.iter().filter_map(MaybeRelocatable::get_int_ref).map(from_vm).collect();
    let program = Program::new(words, builtins, ArgumentBinding::OutputPrefix)?;
    let vm_program = quietly(|| parse_program_json(json, None))
        .map_err(|message| LoadError::Malformed { message })?
        .map_err(|error| LoadError::Malformed { message: one_line(&error.to_string(), 300) })?;
    let (input_hints, types) = (Arc::new(input_hints), Arc::new(types));
    Ok((program, Cairo0 { vm_program, inputs, names, notes, input_hints, types }))
}
