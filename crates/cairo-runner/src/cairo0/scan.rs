//! Looks through all hints of a program before anything runs, also those that are never reached.

use super::hints::{is_library_hint, prints as is_print_hint};
use super::input::{
    Action, Refusal, Shape, Shapes, Statement, Types, Value, VariableType, ids_of, parse, prints as has_print,
};
use crate::catch::quietly;
use crate::convert::one_line;
use crate::load_error::LoadError;
use cairo_vm::hint_processor::builtin_hint_processor::builtin_hint_processor_definition::{
    BuiltinHintProcessor, HintProcessorData,
};
use cairo_vm::hint_processor::hint_processor_definition::HintProcessorLogic;
use cairo_vm::serde::deserialize_program::{HintParams, ProgramJson};
use cairo_vm::types::exec_scope::ExecutionScopes;
use cairo_vm::vm::errors::hint_errors::HintError;
use cairo_vm::vm::vm_core::VirtualMachine;
use std::any::Any;
use std::collections::{HashMap, HashSet};

/// What there is to know about a program's hints.
pub(super) struct Scanned {
    /// Names and shapes of the inputs, in the order in which hints first read them.
    pub(super) inputs: Vec<(String, Shape)>,
    /// The texts of hints that read them, or do what needs none.
    pub(super) input_hints: HashSet<String>,
    /// What the user should know.
    pub(super) notes: Vec<String>,
}

/// Refuses every hint that is neither cairo-vm's own, nor one of ours, nor an input.
pub(super) fn scan(json: &ProgramJson, types: &Types) -> Result<Scanned, LoadError> {
    let mut shapes = Shapes::new();
    let mut known: HashSet<&str> = HashSet::new();
    let mut input_hints = HashSet::new();
    let mut prints: Option<usize> = None;
    for (pc, hint) in json.hints.iter().flat_map(|(pc, hints)| hints.iter().map(move |hint| (*pc, hint))) {
        if known.contains(hint.code.as_str()) {
            continue;
        }
        if is_library_hint(&hint.code) || is_builtin_hint(&hint.code) {
            known.insert(&hint.code);
            prints = prints.or(is_print_hint(&hint.code).then_some(pc));
            continue;
        }
        let unknown = || LoadError::UnknownHint { pc, code: one_line(&hint.code, 120) };
        let statements =
            parse(&hint.code).map_err(|refusal| refused(pc, &hint.code, &refusal).unwrap_or_else(unknown))?;
        let is_idle = !statements.is_empty() && statements.iter().all(|statement| needs_no_input(&statement.what));
        let reads =
            shapes.look(&statements).map_err(|refusal| refused(pc, &hint.code, &refusal).unwrap_or_else(unknown))?;
        if !reads && !is_idle {
            return Err(unknown());
        }
        if has_print(&statements) {
            prints = prints.or(Some(pc));
        }
        check_variables(json, types, pc, hint, &statements)?;
        input_hints.insert(hint.code.clone());
    }
    let note = prints.map(|pc| format!("the hint at pc {pc} prints something; `print` in hints is ignored"));
    Ok(Scanned { inputs: shapes.finish(), input_hints, notes: note.into_iter().collect() })
}

/// Whether a hint may do this without reading an input: print, or let a variable point to a new segment.
const fn needs_no_input(action: &Action) -> bool {
    matches!(action, Action::Print | Action::Assign { value: Value::Segment, .. })
}

/// The error for a hint that reads inputs in another way than is taken; `None` for one that does not.
fn refused(pc: usize, code: &str, refusal: &Refusal) -> Option<LoadError> {
    code.contains("program_input").then(|| LoadError::InputHint {
        pc,
        line: one_line(code.lines().nth(refusal.line.saturating_sub(1)).unwrap_or_default(), 120),
        reason: refusal.reason,
    })
}

fn check_variables(
    json: &ProgramJson,
    types: &Types,
    pc: usize,
    hint: &HintParams,
    statements: &[Statement],
) -> Result<(), LoadError> {
    let references = &json.reference_manager.references;
    let variable_type = |name: &str| {
        let ids = &hint.flow_tracking_data.reference_ids;
        let (_, id) = ids.iter().find(|(path, _)| path.rsplit('.').next() == Some(name))?;
        // A reference that does not exist is found when the machine is set up.
        let address = references.get(*id).map(|reference| &reference.value_address);
        Some(address.map_or(VariableType { name: "felt".to_owned(), is_cell: true }, |address| VariableType {
            name: address.value_type.clone(),
            is_cell: address.outer_dereference,
        }))
    };
    for (path, is_written) in ids_of(statements) {
        let place = types.resolve(path, &hint.accessible_scopes, variable_type);
        if place.is_none_or(|place| is_written && matches!(place, super::input::Place::Constant(_))) {
            return Err(LoadError::InputTarget { pc, variable: one_line(&path.join("."), 80) });
        }
    }
    Ok(())
}

/// Whether cairo-vm's own processor implements a hint.
///
/// The processor offers no list of its hints, but it refuses what it does not know by one particular error; so it is
/// asked, on an empty machine, where each hint it does know fails for want of variables. None of its hints touches
/// files or the network. `random_ec_point` and its kin take randomness only from their inputs or as a guess for which
/// any value will do; the code after a hint checks it.
pub(super) fn is_builtin_hint(code: &str) -> bool {
    let answer = quietly(|| {
        let data: Box<dyn Any> = Box::new(HintProcessorData::new_default(code.to_owned(), HashMap::new()));
        let mut vm = VirtualMachine::new(false, false);
        BuiltinHintProcessor::new_empty().execute_hint(&mut vm, &mut ExecutionScopes::new(), &data)
    });
    !matches!(answer, Ok(Err(HintError::UnknownHint(_))))
}

#[cfg(test)]
mod tests;
