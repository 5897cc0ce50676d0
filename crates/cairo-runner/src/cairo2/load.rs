//! Loads an executable and finds the place of its arguments.

use super::hint::Hint;
use super::wrapper::{ArgumentHint, argument_cell, is_zero};
use crate::arguments::parse_felt;
use crate::convert::{one_line, to_vm};
use crate::load_error::{LoadError, builtins_of};
use cairo_air::{ArgumentBinding, Program};
use cairo_vm::serde::deserialize_program::{ApTracking, FlowTrackingData, HintParams, ReferenceManager};
use cairo_vm::types::builtin_name::BuiltinName;
use cairo_vm::types::program::Program as VmProgram;
use cairo_vm::types::relocatable::MaybeRelocatable;
use felt::Felt;
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::Arc;

/// A loaded executable.
#[derive(Debug, Clone)]
pub(crate) struct Cairo2 {
    pub(crate) vm_program: VmProgram,
    /// All hints; the virtual machine's program names them by their index here.
    pub(super) hints: Arc<Vec<Hint>>,
}

/// The parts of `*.executable.json` that a run needs.
#[derive(Deserialize)]
struct Executable {
    program: Code,
    entrypoints: Vec<EntryPoint>,
}

#[derive(Deserialize)]
struct Code {
    bytecode: Vec<String>,
    hints: Vec<(usize, Vec<Hint>)>,
}

#[derive(Deserialize)]
struct EntryPoint {
    builtins: Vec<String>,
    offset: usize,
    kind: String,
}

/// Reads an executable.
pub(crate) fn load(bytes: &[u8]) -> Result<(Program, Cairo2), LoadError> {
    let executable: Executable = serde_json::from_slice(bytes)
        .map_err(|error| LoadError::ExecutableForm { message: one_line(&error.to_string(), 300) })?;
    let entry = executable
        .entrypoints
        .iter()
        .find(|entry| entry.kind == "Standalone" && entry.offset == 0)
        .ok_or(LoadError::NotStandalone)?;
    let builtins = builtins_of(&entry.builtins)?;
    let words = words_of(&executable.program.bytecode)?;
    // The header is checked first: the walk below relies on it.
    let shape = Program::new(words, builtins, ArgumentBinding::OutputPrefix)?;
    let read = argument_hint(&executable.program.hints)?;
    let cell = argument_cell(&shape, &read)?;
    let binding = ArgumentBinding::Pointers { cell };
    let program = Program::new(shape.bytecode().to_vec(), shape.builtins().to_vec(), binding)?;
    let (vm_program, hints) = vm_program(&program, executable.program.hints)?;
    Ok((program, Cairo2 { vm_program, hints: Arc::new(hints) }))
}

fn words_of(bytecode: &[String]) -> Result<Vec<Felt>, LoadError> {
    let word = |(index, text): (usize, &String)| {
        parse_felt(text, &format!("program.bytecode[{index}]"))
            .map_err(|error| LoadError::Malformed { message: error.to_string() })
    };
    bytecode.iter().enumerate().map(word).collect()
}

/// Refuses hints that depend on more than the run, and finds the one that reads the arguments.
fn argument_hint(hints: &[(usize, Vec<Hint>)]) -> Result<ArgumentHint, LoadError> {
    let mut read: Option<ArgumentHint> = None;
    for (pc, hint) in hints.iter().flat_map(|(pc, hints)| hints.iter().map(move |hint| (*pc, hint))) {
        if let Some(name) = forbidden(hint) {
            return Err(LoadError::ForbiddenHint { pc, name });
        }
        let Hint::WriteRunParam { index, dst } = hint else { continue };
        if let Some(first) = read {
            return Err(LoadError::ArgumentHints { first: first.pc, second: pc });
        }
        if !is_zero(index) {
            return Err(LoadError::EntryWrapper { pc, reason: "the hint reads another parameter than the first" });
        }
        read = Some(ArgumentHint { pc, dst: *dst });
    }
    read.ok_or(LoadError::NoArgumentHint)
}

/// The name of a hint that a provable program must not have.
///
/// Core hints are functions of the run: they compute guesses that the code then checks. `RandomEcPoint` draws a guess
/// for which any value will do. `DebugPrint` has no effect here. Markers, traces and relocation rules are the entry
/// wrapper's own.
fn forbidden(hint: &Hint) -> Option<&'static str> {
    match hint {
        Hint::SystemCall { .. } => Some("a Starknet system call"),
        Hint::Cheatcode { .. } => Some("a cheat code"),
        _ => None,
    }
}

/// The program for the virtual machine, and its hints by index.
fn vm_program(program: &Program, listed: Vec<(usize, Vec<Hint>)>) -> Result<(VmProgram, Vec<Hint>), LoadError> {
    let malformed = |message: String| LoadError::Malformed { message: one_line(&message, 300) };
    let mut hints = Vec::new();
    let mut params: HashMap<usize, Vec<HintParams>> = HashMap::new();
    for (pc, hint) in listed.into_iter().flat_map(|(pc, hints)| hints.into_iter().map(move |hint| (pc, hint))) {
        params.entry(pc).or_default().push(HintParams {
            code: hints.len().to_string(),
            accessible_scopes: Vec::new(),
            flow_tracking_data: FlowTrackingData { ap_tracking: ApTracking::new(), reference_ids: HashMap::new() },
        });
        hints.push(hint);
    }
    let builtin = |builtin: &cairo_air::Builtin| {
        BuiltinName::from_str(builtin.name()).ok_or_else(|| LoadError::UnknownBuiltin { name: builtin.to_string() })
    };
    let builtins = program.builtins().iter().map(builtin).collect::<Result<_, _>>()?;
    let data = program.bytecode().iter().map(|word| MaybeRelocatable::from(to_vm(word))).collect();
    let vm_program = VmProgram::new_for_proof(
        builtins,
        data,
        0,
        cairo_air::program::END_OFFSET as usize,
        params,
        ReferenceManager::default(),
        HashMap::new(),
        Vec::new(),
        None,
    )
    .map_err(|error| malformed(error.to_string()))?;
    Ok((vm_program, hints))
}
