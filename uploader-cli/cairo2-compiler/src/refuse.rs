//! What compiles and cannot be proved, or does not compile in a way that needs explaining.

use anyhow::bail;
use cairo_lang_compiler::get_sierra_program_for_functions;
use cairo_lang_executable_plugin::EXECUTABLE_PREFIX;
use cairo_lang_lowering::ids::ConcreteFunctionWithBodyId;
use cairo_lang_sierra::program::{GenStatement, GenericArg, Program, StatementIdx};
use cairo_lang_sierra_generator::replace_ids::replace_sierra_ids_in_program;
use cairo_lang_utils::CloneableDatabase;

/// Sierra's type that stands for system calls.
const SYSTEM: &str = "System";

/// Refuses functions that make a system call, or that ask for the right to make one: a proof shows nothing of its answer.
pub(crate) fn system_calls<'db>(
    db: &'db dyn CloneableDatabase,
    function: ConcreteFunctionWithBodyId<'db>,
) -> anyhow::Result<()> {
    const REASON: &str = "which only Starknet answers; a program that is to be proved cannot make one";
    let sierra = get_sierra_program_for_functions(db, vec![function])?;
    let program = replace_sierra_ids_in_program(db, &sierra.program);
    let Some(call) = system_call(&program) else { return Ok(()) };
    let callers = sierra.debug_info.statements_locations.extract_statements_functions(db);
    let callers = callers.statements_to_functions_map.get(&call.statement);
    // From the inside to the outside, through functions that were inlined; those of the core library are not the user's.
    let own = callers.into_iter().flatten().find(|name| !name.starts_with("core::")).cloned();
    let name = own.or_else(|| containing(&program, call.statement)).map(|name| plain(&name));
    let name = name.map_or_else(|| "the program".to_owned(), |name| format!("the function `{name}`"));
    match call.libfunc {
        Some(libfunc) => bail!("{name} makes a system call (the libfunc `{libfunc}`), {REASON}"),
        None => bail!(
            "{name}, or one that it calls, asks for the right to make system calls (core::internal::require_implicit::<System>()), {REASON}"
        ),
    }
}

/// A function's path as its author would write it: without the crate, which has the file's name, and without what the wrapper is called.
pub(crate) fn plain(path: &str) -> String {
    let path = path.replace(EXECUTABLE_PREFIX, "");
    let mut rest = path.as_str();
    if let Some((name, _)) = path.split_once("::") {
        while let Some(shorter) = rest.strip_prefix(name).and_then(|rest| rest.strip_prefix("::")) {
            rest = shorter;
        }
    }
    rest.to_owned()
}

/// A statement that needs a system call.
struct SystemCall {
    statement: StatementIdx,
    /// What it calls; nothing if it only passes the right on.
    libfunc: Option<String>,
}

/// The first statement that needs a system call.
fn system_call(program: &Program) -> Option<SystemCall> {
    let is_system = |arg: &GenericArg| match arg {
        GenericArg::Type(id) => program
            .type_declarations
            .iter()
            .any(|declared| declared.id == *id && declared.long_id.generic_id.0 == SYSTEM),
        _ => false,
    };
    let is_call = |name: &str| name.ends_with("_syscall");
    let needs = |name: &str, args: &[GenericArg]| is_call(name) || args.iter().any(is_system);
    let declared: Vec<_> = program
        .libfunc_declarations
        .iter()
        .filter(|declared| needs(&declared.long_id.generic_id.0, &declared.long_id.generic_args))
        .collect();
    // What takes or gives the right is in every function around: what makes a call comes first.
    let calls = |makes: bool| {
        (0..).zip(&program.statements).find_map(|(index, statement)| {
            let GenStatement::Invocation(call) = statement else { return None };
            let libfunc = declared.iter().find(|declared| declared.id == call.libfunc_id)?;
            let name = libfunc.long_id.generic_id.0.to_string();
            let libfunc = is_call(&name).then_some(name);
            (libfunc.is_some() == makes).then_some(SystemCall { statement: StatementIdx(index), libfunc })
        })
    };
    calls(true).or_else(|| calls(false))
}

/// The name of the Sierra function that a statement is in.
fn containing(program: &Program, statement: StatementIdx) -> Option<String> {
    let before = program.funcs.iter().filter(|function| function.entry_point.0 <= statement.0);
    let function = before.max_by_key(|function| function.entry_point.0)?;
    function.id.debug_name.as_ref().map(ToString::to_string)
}

/// What to do about a diagnostic that says that a parameter or a return value cannot be serialised; the types are named in it.
pub(crate) fn unserialised(diagnostic: &str) -> Option<String> {
    let (_, said) = diagnostic.split_once("Trait has no implementation in context: ")?;
    let rest = said.strip_prefix("core::serde::").unwrap_or(said).strip_prefix("Serde::<")?;
    let line = rest.lines().next().unwrap_or_default().trim_end().trim_end_matches('.');
    let name = line.strip_suffix('>').unwrap_or(line);
    Some(format!(
        "note: the type `{name}` cannot be serialised. Parameters and return values of an executable function must be: integers, felt252, \
         bool, tuples, Array, Span, ByteArray, and structs and enums with `#[derive(Drop, Serde)]`"
    ))
}

#[cfg(test)]
mod tests {
    use super::{plain, unserialised};

    #[test]
    fn paths_are_as_their_author_would_write_them() {
        assert_eq!(plain("two::two::inner::second"), "inner::second");
        assert_eq!(plain("a::a::__executable_wrapper__main"), "main");
        assert_eq!(plain("main"), "main");
    }

    #[test]
    fn types_that_cannot_be_serialised_are_named() {
        let said = "Trait has no implementation in context: core::serde::Serde::<core::dict::Felt252Dict::<core::felt252>>.\n --> a.cairo:2:14\n";
        let note = unserialised(said).unwrap_or_default();
        assert!(
            note.starts_with("note: the type `core::dict::Felt252Dict::<core::felt252>` cannot be serialised."),
            "{note}"
        );
        let other = unserialised("Trait has no implementation in context: Serde::<Plain>.").unwrap_or_default();
        assert!(other.starts_with("note: the type `Plain` cannot"), "{other}");
        assert_eq!(unserialised("Trait has no implementation in context: Into::<u256, u32>."), None);
        assert_eq!(unserialised("Type not found."), None);
    }
}
