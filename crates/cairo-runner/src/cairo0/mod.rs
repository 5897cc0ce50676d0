//! Compiled Cairo 0 programs: loading, their `program_input` hints and the whitelist of all others.

use crate::catch::quietly;
use crate::convert::{from_vm, one_line, to_vm};
use crate::hints::Hints;
use crate::load_error::{LoadError, builtins_of, unreadable};
use cairo_air::{ArgumentBinding, Builtin, Program};
use cairo_vm::Felt252;
use cairo_vm::hint_processor::builtin_hint_processor::builtin_hint_processor_definition::{
    BuiltinHintProcessor, HintProcessorData,
};
use cairo_vm::hint_processor::builtin_hint_processor::hint_code;
use cairo_vm::hint_processor::builtin_hint_processor::hint_utils::{
    get_integer_from_var_name, insert_value_from_var_name,
};
use cairo_vm::hint_processor::hint_processor_definition::{HintProcessorLogic, HintReference};
use cairo_vm::hint_processor::hint_processor_utils::compute_addr_from_reference;
use cairo_vm::serde::deserialize_program::{
    ApTracking, HintParams, ProgramJson, deserialize_program_json, parse_program_json,
};
use cairo_vm::types::builtin_name::BuiltinName;
use cairo_vm::types::exec_scope::ExecutionScopes;
use cairo_vm::types::program::Program as VmProgram;
use cairo_vm::types::relocatable::{MaybeRelocatable, Relocatable};
use cairo_vm::utils::PRIME_STR;
use cairo_vm::vm::errors::hint_errors::HintError;
use cairo_vm::vm::errors::vm_errors::VirtualMachineError;
use cairo_vm::vm::runners::cairo_runner::ResourceTracker;
use cairo_vm::vm::vm_core::VirtualMachine;
use felt::{Felt, encoding};
use std::any::Any;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// A loaded Cairo 0 program.
#[derive(Debug, Clone)]
pub(crate) struct Cairo0 {
    pub(crate) vm_program: VmProgram,
    /// Names of the inputs, in the order in which the hints first read them: by `pc`, then by line.
    pub(crate) inputs: Vec<String>,
}

/// Reads a compiled program whose kind and builtins are known already.
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
    let inputs = scan_hints(&json)?;
    if let Some(input) = inputs.first().filter(|_| !builtins.contains(&Builtin::Output)) {
        return Err(LoadError::UnboundInput { input: one_line(input, 80) });
    }
    let words = json.data.iter().filter_map(MaybeRelocatable::get_int_ref).map(from_vm).collect();
    let program = Program::new(words, builtins, ArgumentBinding::OutputPrefix)?;
    let vm_program = quietly(|| parse_program_json(json, None))
        .map_err(|message| LoadError::Malformed { message })?
        .map_err(|error| LoadError::Malformed { message: one_line(&error.to_string(), 300) })?;
    Ok((program, Cairo0 { vm_program, inputs }))
}

/// Refuses every hint that is neither cairo-vm's own nor an input; gives the inputs' names.
fn scan_hints(json: &ProgramJson) -> Result<Vec<String>, LoadError> {
    let mut inputs: Vec<String> = Vec::new();
    let mut known: HashSet<&str> = HashSet::new();
    for (&pc, hints) in &json.hints {
        for hint in hints {
            if let Some(reads) = parse_input_hint(&hint.code) {
                for read in reads {
                    if !has_variable(hint, &read.variable) {
                        return Err(LoadError::InputTarget { pc, variable: read.variable });
                    }
                    if !inputs.contains(&read.input) {
                        inputs.push(read.input);
                    }
                }
            } else if known.insert(&hint.code) && !is_builtin_hint(&hint.code) {
                return Err(LoadError::UnknownHint { pc, code: one_line(&hint.code, 120) });
            }
        }
    }
    Ok(inputs)
}

fn has_variable(hint: &HintParams, variable: &str) -> bool {
    hint.flow_tracking_data.reference_ids.keys().any(|path| path.rsplit('.').next() == Some(variable))
}

/// Whether cairo-vm's own processor implements a hint.
///
/// The processor offers no list of its hints, but it refuses what it does not know by one particular error; so it is
/// asked, on an empty machine, where each hint it does know fails for want of variables. None of its hints touches
/// files or the network. `random_ec_point` and its kin take randomness only from their inputs or as a guess for which
/// any value will do; the code after a hint checks it.
fn is_builtin_hint(code: &str) -> bool {
    let answer = quietly(|| {
        let data: Box<dyn Any> = Box::new(HintProcessorData::new_default(code.to_owned(), HashMap::new()));
        let mut vm = VirtualMachine::new(false, false);
        BuiltinHintProcessor::new_empty().execute_hint(&mut vm, &mut ExecutionScopes::new(), &data)
    });
    !matches!(answer, Ok(Err(HintError::UnknownHint(_))))
}

/// `ids.variable = program_input["input"]`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct InputRead {
    variable: String,
    input: String,
}

/// The input reads of a hint that consists of nothing else; `None` for other hints.
fn parse_input_hint(code: &str) -> Option<Vec<InputRead>> {
    let lines = code.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let reads: Vec<_> = lines.map(parse_input_line).collect::<Option<_>>()?;
    (!reads.is_empty()).then_some(reads)
}

fn parse_input_line(line: &str) -> Option<InputRead> {
    let (variable, source) = line.strip_prefix("ids.")?.split_once('=')?;
    let index = source.trim().strip_prefix("program_input")?.trim_start();
    let quoted = index.strip_prefix('[')?.strip_suffix(']')?.trim();
    let input = ['"', '\''].into_iter().find_map(|quote| quoted.strip_prefix(quote)?.strip_suffix(quote))?;
    let variable = variable.trim();
    let plain = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    // Escapes and inner quotes have no business in a name.
    let readable = !input.is_empty() && !input.contains(['"', '\'', '\\']) && !input.chars().any(char::is_control);
    (!variable.is_empty() && plain(variable) && readable)
        .then(|| InputRead { variable: variable.to_owned(), input: input.to_owned() })
}

/// cairo-vm's processor, and the input hints.
pub(crate) struct Cairo0Hints {
    builtin: BuiltinHintProcessor,
    values: HashMap<String, Felt252>,
}

/// An input hint with its values looked up.
struct InputHint {
    writes: Vec<(String, Felt252)>,
    data: HintProcessorData,
}

/// The hint of `unsigned_div_rem`. cairo-vm's division of long integers is slow, and most numbers are short.
struct DivisionHint {
    /// cairo-vm's own, for all other cases.
    compiled: Box<dyn Any>,
}

impl DivisionHint {
    fn data(&self) -> Option<&HintProcessorData> {
        self.compiled.downcast_ref()
    }

    /// Quotient and remainder, if they are as easy as that; nothing is written otherwise.
    fn divide(&self, vm: &VirtualMachine) -> Option<[u64; 2]> {
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

    fn execute(&self, vm: &mut VirtualMachine, [quotient, remainder]: [u64; 2]) -> Result<(), HintError> {
        let Some(data) = self.data() else { return Ok(()) };
        // cairo-vm writes them in this order.
        for (name, value) in [("r", remainder), ("q", quotient)] {
            insert_value_from_var_name(name, Felt252::from(value), vm, &data.ids_data, &data.ap_tracking)?;
        }
        Ok(())
    }
}

impl Cairo0Hints {
    pub(crate) fn new(inputs: &[String], arguments: &[Felt]) -> Self {
        let values = inputs.iter().cloned().zip(arguments.iter().map(to_vm)).collect();
        Self { builtin: BuiltinHintProcessor::new_empty(), values }
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
        let Some(input) = hint.downcast_ref::<InputHint>() else {
            return self.builtin.execute_hint(vm, scopes, hint);
        };
        for (variable, value) in &input.writes {
            insert_value_from_var_name(variable, *value, vm, &input.data.ids_data, &input.data.ap_tracking)?;
        }
        Ok(())
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
        let Some(reads) = parse_input_hint(code) else { return Ok(compiled) };
        let data = *compiled.downcast::<HintProcessorData>().map_err(|_| VirtualMachineError::Unexpected)?;
        let value = |read: InputRead| {
            let value = self.values.get(&read.input).copied().ok_or(VirtualMachineError::Unexpected)?;
            Ok::<_, VirtualMachineError>((read.variable, value))
        };
        let writes = reads.into_iter().map(value).collect::<Result<_, _>>()?;
        Ok(Box::new(InputHint { writes, data }))
    }
}

impl Hints for Cairo0Hints {
    fn reach(&self, vm: &VirtualMachine, hint: &dyn Any, visit: &mut dyn FnMut(Relocatable)) {
        let data = match (hint.downcast_ref::<InputHint>(), hint.downcast_ref::<DivisionHint>()) {
            (Some(input), _) => Some(&input.data),
            (_, Some(division)) => division.data(),
            _ => hint.downcast_ref::<HintProcessorData>(),
        };
        let Some(data) = data else { return };
        // A hint writes at its variables and at what they point to.
        for reference in data.ids_data.values() {
            let Some(address) = compute_addr_from_reference(reference, vm, &data.ap_tracking) else { continue };
            visit(address);
            if let Some(MaybeRelocatable::RelocatableValue(pointer)) = vm.get_maybe(&address) {
                visit(pointer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    fn read(variable: &str, input: &str) -> InputRead {
        InputRead { variable: variable.to_owned(), input: input.to_owned() }
    }

    #[test]
    fn input_hints_are_recognised() {
        for code in
            ["ids.n = program_input[\"n\"]", "  ids.n=program_input['n'] ", "\nids.n  =  program_input [ \"n\" ]\n"]
        {
            assert_eq!(parse_input_hint(code), Some(vec![read("n", "n")]), "{code}");
        }
        let two = "# both\nids.low = program_input['lo']\n\nids.high = program_input['hi']";
        assert_eq!(parse_input_hint(two), Some(vec![read("low", "lo"), read("high", "hi")]));
    }

    #[test]
    fn other_hints_are_no_input_hints() {
        for code in [
            "",
            "# nothing",
            "ids.n = program_input[\"n\"] + 1",
            "ids.n = program_input[\"n']",
            "ids.n = program_input[n]",
            "ids.n = program_input[\"\"]",
            "ids.n.x = program_input[\"n\"]",
            "n = program_input[\"n\"]",
            "ids.n = program_input[\"n\"]; import os",
            "ids.n = program_input[\"a\"][\"b\"]",
            "ids.n = program_input[\"n\"]\nimport os",
        ] {
            assert_eq!(parse_input_hint(code), None, "{code}");
        }
    }

    #[test]
    fn the_processor_tells_its_own_hints_from_others() {
        for code in [
            hint_code::ADD_SEGMENT,
            hint_code::IS_NN,
            hint_code::UNSIGNED_DIV_REM,
            hint_code::VM_EXIT_SCOPE,
            hint_code::VM_ENTER_SCOPE,
            hint_code::DICT_NEW,
            hint_code::ASSERT_LE_FELT_EXCLUDED_2,
            hint_code::RANDOM_EC_POINT,
        ] {
            assert!(is_builtin_hint(code), "{code}");
        }
        for code in ["import os", "print(ids.n)", "skip_next_instruction()", "memory[ap] = segments.add() # x", ""] {
            assert!(!is_builtin_hint(code), "{code}");
        }
    }
}
