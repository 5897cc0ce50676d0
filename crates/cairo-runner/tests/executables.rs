//! Cairo 2 executables that are not as the compiler makes them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use cairo_air::{ArgumentBinding, ProgramError};
use cairo_runner::{Language, LoadError, RunError};
use common::{execute, load_json};
use serde_json::{Value, json};

fn cell(register: &str, offset: i16) -> Value {
    json!({"register": register, "offset": offset})
}

fn read_arguments(dst: Value) -> Value {
    json!({"WriteRunParam": {"index": {"Immediate": "0x0"}, "dst": dst}})
}

/// An executable with output and this wrapper, whose hints are given with their places.
fn executable(wrapper: &[&str], hints: Value) -> Value {
    let header = ["0x40780017fff7fff", "0x1", "0x1104800180018000", "0x4", "0x10780017fff7fff", "0x0"];
    json!({
        "program": {"bytecode": header.iter().chain(wrapper).collect::<Vec<_>>(), "hints": hints},
        "entrypoints": [{"builtins": ["output"], "offset": 0, "kind": "Standalone"}],
    })
}

/// Two cells for the pointers, then the output pointer.
const WRAPPER: [&str; 4] = ["0x40780017fff7fff", "0x2", "0x480a7ffd7fff8000", "0x208b7fff7fff7ffe"];

fn sound() -> Value {
    executable(&WRAPPER, json!([[6, [read_arguments(cell("AP", 0))]]]))
}

fn binding(program: &Value) -> Result<u32, LoadError> {
    let program = load_json(program)?;
    match program.program().arguments() {
        ArgumentBinding::Pointers { cell } => Ok(cell),
        ArgumentBinding::OutputPrefix => panic!("arguments of an executable lie in a segment"),
    }
}

#[test]
fn the_pointers_place_follows_from_the_wrapper() {
    // One builtin and the return address lie before the wrapper's frame.
    assert_eq!(binding(&sound()), Ok(3));
    assert_eq!(load_json(&sound()).unwrap().language(), Language::Cairo2);
    let later = json!([[8, [read_arguments(cell("AP", -2))]]]);
    assert_eq!(binding(&executable(&WRAPPER, later)), Ok(3));
    let by_frame = json!([[9, [read_arguments(cell("FP", 1))]]]);
    assert_eq!(binding(&executable(&WRAPPER, by_frame)), Ok(4));
}

#[test]
fn the_arguments_are_bound_where_the_wrapper_reads_them() {
    let program = load_json(&sound()).unwrap();
    let execution = execute(&program, "[5, 6]").unwrap();
    assert_eq!(execution.arguments.len(), 2);
    let start = execution.arguments_start.unwrap() as usize;
    assert_eq!(execution.memory[start..start + 2], execution.arguments[..]);
}

#[test]
fn wrappers_must_run_straight_to_the_hint() {
    let reason = |wrapper: &[&str], hint: Value| match binding(&executable(wrapper, json!([[9, [hint]]]))) {
        Err(LoadError::EntryWrapper { reason, .. }) => reason,
        other => panic!("{other:?}"),
    };
    let read = || read_arguments(cell("AP", 0));
    let jump = ["0x10780017fff7fff", "0x2", WRAPPER[2], WRAPPER[3]];
    assert!(reason(&jump, read()).contains("jumps"));
    let call = ["0x1104800180018000", "0x2", WRAPPER[2], WRAPPER[3]];
    assert!(reason(&call, read()).contains("calls"));
    // ap += [fp - 3]
    let variable = [WRAPPER[2], "0x402a7ffd7fff7fff", "0x40b7ffd7fff7fff", WRAPPER[3]];
    assert!(reason(&variable, read()).contains("no constant"));
    let huge = ["0x40780017fff7fff", "0x10000000000000000", WRAPPER[2], WRAPPER[3]];
    assert!(reason(&huge, read()).contains("huge"));
    let inside = [WRAPPER[2], WRAPPER[2], "0x40780017fff7fff", "0x2", WRAPPER[3]];
    assert!(reason(&inside, read()).contains("before an instruction"));
    assert!(reason(&WRAPPER, read_arguments(cell("AP", -4))).contains("below"));
    let data = ["0xffffffffffffffffffff", "0x2", WRAPPER[2], WRAPPER[3]];
    assert!(reason(&data, read()).contains("no instruction"));
    let mut second = read();
    second["WriteRunParam"]["index"] = json!({"Immediate": "0x1"});
    assert!(reason(&WRAPPER, second).contains("another parameter"));
}

#[test]
fn arguments_are_read_once() {
    assert_eq!(binding(&executable(&WRAPPER, json!([]))), Err(LoadError::NoArgumentHint));
    let twice = json!([[6, [read_arguments(cell("AP", 0))]], [8, [read_arguments(cell("AP", 0))]]]);
    assert_eq!(binding(&executable(&WRAPPER, twice)), Err(LoadError::ArgumentHints { first: 6, second: 8 }));
}

#[test]
fn hints_of_the_outside_world_are_refused() {
    let call = json!({"SystemCall": {"system": {"Deref": cell("AP", 0)}}});
    let operand = json!({"Deref": cell("AP", 0)});
    let cheat = json!({"Cheatcode": {"selector": "0x1", "input_start": operand, "input_end": operand,
        "output_start": cell("AP", 0), "output_end": cell("AP", 1)}});
    for (hint, expected) in [(call, "system call"), (cheat, "cheat code")] {
        let program = executable(&WRAPPER, json!([[6, [read_arguments(cell("AP", 0))]], [8, [hint]]]));
        let error = load_json(&program).unwrap_err();
        assert!(matches!(error, LoadError::ForbiddenHint { pc: 8, name } if name.contains(expected)), "{error}");
    }
    let unknown = executable(&WRAPPER, json!([[8, [{"ReadFile": {"path": "x"}}]]]));
    assert!(matches!(load_json(&unknown), Err(LoadError::ExecutableForm { .. })));
}

#[test]
fn entry_points_and_words() {
    let mut program = sound();
    program["entrypoints"][0]["kind"] = json!("Bootloader");
    assert_eq!(load_json(&program).unwrap_err(), LoadError::NotStandalone);
    let mut program = sound();
    program["entrypoints"][0]["offset"] = json!(6);
    assert_eq!(load_json(&program).unwrap_err(), LoadError::NotStandalone);
    let mut program = sound();
    program["entrypoints"][0]["builtins"] = json!(["output", "oracle"]);
    assert_eq!(load_json(&program).unwrap_err(), LoadError::UnknownBuiltin { name: "oracle".to_owned() });
    let mut program = sound();
    program["program"]["bytecode"][1] = json!("0x2");
    assert!(matches!(load_json(&program), Err(LoadError::Program(ProgramError::Header { offset: 1, .. }))));
    let mut program = sound();
    program["program"]["bytecode"][7] = json!(common::PRIME);
    assert!(matches!(load_json(&program), Err(LoadError::Malformed { .. })));
}

#[test]
fn an_operand_of_the_wrong_kind_is_an_error() {
    // A marker from nowhere: an operand that the compiler never writes there.
    let marker = json!({"AddMarker": {"start": {"Immediate": "0x0"}, "end": {"Immediate": "0x0"}}});
    let program = executable(&WRAPPER, json!([[6, [read_arguments(cell("AP", 0))]], [8, [marker]]]));
    let error = execute(&load_json(&program).unwrap(), "[]").unwrap_err();
    assert!(matches!(&error, RunError::Vm { pc: 8, message, .. } if message.contains("needs a pointer")), "{error}");
}

#[test]
fn a_second_reading_fails() {
    // A wrapper that calls itself: jmp back to its start.
    let wrapper = ["0x40780017fff7fff", "0x2", "0x10780017fff7fff", "-0x2"];
    let program = executable(&wrapper, json!([[6, [read_arguments(cell("AP", 0))]]]));
    let error = execute(&load_json(&program).unwrap(), "[]").unwrap_err();
    assert!(matches!(&error, RunError::Vm { pc: 6, message, .. } if message.contains("second time")), "{error}");
}
