//! Hints that read inputs: what they write, and how they fail.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use cairo_execution::ExecutionError;
use cairo_runner::{LoadError, RunError};
use common::{PUSH_FIRST_POINTER, RETURN, cairo0, execute, load, load_json, with_hint};
use felt::Felt;
use serde_json::Value;

/// `ap += 1`, and the output pointer is returned: the hint writes the cell that `ap` moves over.
fn program(code: &str) -> Value {
    let main = ["0x40780017fff7fff", "0x1", PUSH_FIRST_POINTER, RETURN];
    with_hint(cairo0(&["output"], &main), code)
}

/// How a run of a hint fails.
fn failure(code: &str, arguments: &str) -> RunError {
    execute(&load_json(&program(code)).unwrap(), arguments).expect_err("it fails")
}

fn message(code: &str, arguments: &str) -> String {
    match failure(code, arguments) {
        RunError::Vm { pc: 6, step: 2, message } => message,
        other => panic!("{code}: {other}"),
    }
}

#[test]
fn arguments_of_every_form_are_bound() {
    let program = load("cairo0/args_forms.json").unwrap();
    assert_eq!(program.inputs().unwrap(), ["a", "deep", "first", "second", "third", "points", "last"]);
    assert!(matches!(program.notes(), [note] if note.contains("prints something")), "{:?}", program.notes());
    let named = r#"{"last": 9, "points": [{"x": 1, "y": 2}], "third": [4], "second": [10], "first": [], "a": 5,
        "deep": {"inner": {"c": 7}, "b": "0x10"}}"#;
    let execution = execute(&program, named).unwrap();
    let expected = [5, 16, 7, 0, 1, 10, 1, 4, 1, 2, 1, 9].map(Felt::from);
    assert_eq!(execution.arguments, expected);
    assert_eq!(execution.output()[..12], expected);
    // As a donor gets them.
    let flat = execute(&program, "[5, 16, 7, 0, 1, 10, 1, 4, 1, 2, 1, 9]").unwrap();
    assert_eq!(flat, execution);
}

/// What is not written to the output is not bound, and the run is refused.
#[test]
fn lists_must_be_written_with_their_length() {
    let program = program("ids.x = len(program_input['values'])");
    let error = execute(&load_json(&program).unwrap(), r#"{"values": [1, 2]}"#).unwrap_err();
    assert_eq!(error, RunError::Unprovable(ExecutionError::OutputTooShort { output: 0, arguments: 3 }));
}

#[test]
fn hints_fail_with_their_line() {
    let list = r#"{"x": [1, 2, 3]}"#;
    let index = message("x = program_input['x']\nids.x = x[3]", list);
    assert!(index.contains("line 2 of the hint: ") && index.contains("3 elements, and none at 3"), "{index}");
    let assertion = message("assert len(program_input['x']) > 3", list);
    assert!(assertion.contains("line 1 of the hint: an assertion about the inputs does not hold"), "{assertion}");
    assert!(execute(&load_json(&program("assert len(program_input['x']) == 3")).unwrap(), list).is_err());
    let inner = message("for i in range(2):\n    assert program_input['n'] != i + 4", "[5]");
    assert!(inner.contains("line 2 of the hint: an assertion") && !inner.contains("line 1"), "{inner}");
    let number = message("memory[program_input['n']] = 1", "[5]");
    assert!(number.contains("a number is used as an address"), "{number}");
    let twice = message("memory[ap] = program_input['n']\nmemory[ap] = 6", "[5]");
    assert!(twice.contains("Inconsistent memory"), "{twice}");
    let unset = message("if_absent = program_input['n']\nassert memory[ap + 1] == 0", "[5]");
    assert!(unset.contains("nothing was written"), "{unset}");
    let scope = message("x = program_input['n']\nvm_enter_scope(dict(y=x))\nids.x = x", "[5]");
    assert!(scope.contains("`x` is not set in the scope"), "{scope}");
}

/// Neither memory nor time is what the arguments say.
#[test]
fn hints_take_what_they_may() {
    let far = failure("memory[ap + program_input['n']] = 1", r#"{"n": "0x10000000000"}"#);
    assert!(matches!(far, RunError::MemoryLimit { .. }), "{far}");
    let below = message("memory[ap + program_input['n']] = 1", r#"{"n": -1000}"#);
    assert!(!below.is_empty());
    let far = failure("p = segments.add()\nmemory[p + program_input['n']] = 1", r#"{"n": "0x10000000000"}"#);
    assert!(matches!(far, RunError::MemoryLimit { .. }), "{far}");
    let long = message("for i in range(program_input['n']):\n    x = i", r#"{"n": -1}"#);
    assert!(long.contains("too long"), "{long}");
    let nested = "for i in range(program_input['n']):\n  for j in range(program_input['n']):\n    x = j";
    assert!(message(nested, "[100000]").contains("too many steps"));
    let power = "x = program_input['n']\n".to_owned() + &"assert x * x * x * x * x * x == 0\n".repeat(3);
    assert!(message(&power, r#"{"n": -1}"#).contains("a number is too large"));
}

#[test]
fn other_python_is_told_with_its_line() {
    for (code, line) in [
        ("ids.x = program_input['n'] + 1", "ids.x = program_input['n'] + 1"),
        ("x = 5\nids.x = program_input['n'] if x else 0", "ids.x = program_input['n'] if x else 0"),
        ("ids.x = program_input['n']\nimport os", "import os"),
        ("ids.x = open(program_input['n']).read()", "ids.x = open(program_input['n']).read()"),
        ("exec(program_input['n'])", "exec(program_input['n'])"),
    ] {
        let error = load_json(&program(code)).unwrap_err();
        let LoadError::InputHint { pc: 6, line: found, .. } = &error else { panic!("{error}") };
        assert_eq!(found, line);
        assert!(error.to_string().contains("WRITING_PROGRAMS"), "{error}");
    }
    let member = load_json(&program("ids.x.y = program_input['n']")).unwrap_err();
    assert_eq!(member, LoadError::InputTarget { pc: 6, variable: "x.y".to_owned() });
}

#[test]
fn prints_are_noted() {
    let printing = load_json(&program("print(ids.x, __import__('os'))")).unwrap();
    assert_eq!(printing.notes().len(), 1);
    assert!(execute(&printing, "[]").is_ok());
    assert!(load_json(&program("print('a')\nids.x = 5")).is_err());
    assert!(load("cairo0/args3.json").unwrap().notes().is_empty());
}

/// cairo-vm's own hints that print a whole array.
#[test]
fn arrays_that_are_printed_are_noted() {
    let name = r#"print(bytes.fromhex(f"{ids.name:062x}").decode().replace('\x00',''))"#;
    let array = format!("{name}\narr = [memory[ids.arr + i] for i in range(ids.arr_len)]\nprint(arr)");
    let printing = load_json(&program(&array)).unwrap();
    assert!(matches!(printing.notes(), [note] if note.contains("pc 6 prints something")), "{:?}", printing.notes());
    assert!(execute(&printing, "[]").is_ok());
}

/// `ids.x = segments.add()` and `nondet %{ segments.add() %}`.
#[test]
fn segments_are_added_without_an_input() {
    let code = ["memory[ap] = to_felt_or_relocatable(segments.add())", "# A comment.\nids.x = segments.add()"];
    for code in code {
        let execution = execute(&load_json(&program(code)).unwrap(), "[]").unwrap();
        // It leads behind everything else: the new segment is empty, and the last one.
        let pointer = Felt::from(execution.memory.len() as u64);
        assert!(execution.memory.contains(&pointer), "{code}");
    }
    for code in ["ids.x = 5", "ids.x = segments.add()\nids.x = 5", "ids.x = segments.add() + 1", "segments.add()"] {
        let error = load_json(&program(code)).unwrap_err();
        assert!(matches!(error, LoadError::UnknownHint { pc: 6, .. }), "{code}: {error}");
    }
}
