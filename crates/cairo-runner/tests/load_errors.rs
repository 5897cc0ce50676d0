//! Files that are no programs, or none that can be proved, and how they are told.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use cairo_air::{Builtin, ProgramError};
use cairo_runner::{Language, LoadError, MAX_PROGRAM_BYTES, RunnableProgram};
use common::{RETURN, cairo0, load_json, shortest, with_hint};
use serde_json::{Value, json};

fn error_of(bytes: &[u8]) -> LoadError {
    RunnableProgram::from_json(bytes).expect_err("no program")
}

fn error(program: &Value) -> LoadError {
    load_json(program).expect_err("no program")
}

/// A program with one field changed.
fn with(mut program: Value, field: &str, value: Value) -> Value {
    program[field] = value;
    program
}

#[test]
fn what_is_no_json() {
    assert_eq!(error_of(b""), LoadError::Empty);
    let error = error_of(b"%builtins output\nfunc main() {}");
    assert!(matches!(&error, LoadError::NotJson { .. }), "{error}");
    assert!(error.to_string().contains("not its source"), "{error}");
    assert!(matches!(error_of(b"{\"prime\": "), LoadError::NotJson { .. }));
    assert!(matches!(error_of(&[b'['; 100_000]), LoadError::NotJson { .. } | LoadError::NotAProgram { .. }));
    assert!(matches!(error_of(b"PK\x03\x04rest"), LoadError::NotAProgram { what, .. } if what.contains("zip")));
    let large = vec![b' '; MAX_PROGRAM_BYTES + 1];
    assert_eq!(error_of(&large), LoadError::TooLarge { bytes: MAX_PROGRAM_BYTES + 1 });
}

#[test]
fn what_is_other_json() {
    let cases = [
        (json!({"sierra_program": ["0x1"], "entry_points_by_type": {}}), "Sierra"),
        (json!({"prime": "0x1", "bytecode": [], "hints": [], "entry_points_by_type": {}}), "CASM"),
        (json!({"abi": [], "entry_points_by_type": {}, "program": {}}), "Cairo 0 Starknet contract"),
        (json!({"version": 1, "program": {"type_declarations": []}}), "Sierra program"),
        (json!({"type_declarations": [], "funcs": []}), "Sierra program"),
        (json!({"proof_parameters": {}, "proof_hex": ""}), "proof"),
        (json!({"name": "something"}), "nothing of Cairo's"),
        (json!([1, 2, 3]), "nothing of Cairo's"),
        (json!("text"), "nothing of Cairo's"),
        (json!(5), "nothing of Cairo's"),
    ];
    for (file, expected) in cases {
        let error = error(&file);
        assert!(matches!(error, LoadError::NotAProgram { what, .. } if what.contains(expected)), "{file}: {error}");
    }
}

#[test]
fn damaged_programs() {
    for (field, value) in [
        ("data", json!(["0xzz"])),
        ("builtins", json!(5)),
        ("hints", json!([])),
        ("identifiers", json!({"__main__.__start__": 5})),
        ("reference_manager", json!(null)),
    ] {
        let error = error(&with(shortest(), field, value));
        assert!(matches!(error, LoadError::Malformed { .. }), "{field}: {error}");
    }
    // A hint behind the program.
    let mut program = with_hint(shortest(), "vm_enter_scope()");
    let hints = program["hints"]["6"].take();
    program["hints"] = json!({"999": hints});
    assert!(matches!(error(&program), LoadError::Malformed { .. }));
}

#[test]
fn programs_that_cannot_be_proved() {
    let prime = with(shortest(), "prime", json!("0x11"));
    assert_eq!(error(&prime), LoadError::WrongPrime { found: "0x11".to_owned() });
    let mut unlabelled = shortest();
    unlabelled["identifiers"].as_object_mut().unwrap().remove("__main__.__end__");
    assert_eq!(error(&unlabelled), LoadError::NotProofMode { label: "__end__" });
    let mut moved = shortest();
    moved["identifiers"]["__main__.__start__"]["pc"] = json!(2);
    assert_eq!(error(&moved), LoadError::NotProofMode { label: "__start__" });
    let unknown = cairo0(&["output", "oracle"], &[RETURN]);
    assert_eq!(error(&unknown), LoadError::UnknownBuiltin { name: "oracle".to_owned() });
    let mut header = shortest();
    header["data"][4] = json!("0x1");
    assert!(matches!(error(&header), LoadError::Program(ProgramError::Header { offset: 4, .. })));
    let disordered = cairo0(&["range_check", "output"], &[RETURN]);
    assert!(matches!(error(&disordered), LoadError::Program(ProgramError::BuiltinOrder { .. })));
}

/// Names that other tools have, names that nobody has, and the wrong order: each is told.
#[test]
fn builtins_that_are_none() {
    for (name, part) in [("segment_arena", "dictionaries"), ("gas_builtin", "gas"), ("system", "system calls")] {
        let error = error(&cairo0(&["output", name], &[RETURN]));
        assert!(matches!(error, LoadError::ForeignBuiltin { name: found, .. } if found == name), "{error}");
        assert!(error.to_string().contains(part), "{error}");
    }
    let unknown = error(&cairo0(&["output", "blake"], &[RETURN])).to_string();
    assert!(
        unknown.contains("`blake`") && unknown.contains("output, pedersen") && unknown.contains("mul_mod"),
        "{unknown}"
    );
    for (builtins, first, second) in [
        (["range_check", "pedersen"], Builtin::RangeCheck, Builtin::Pedersen),
        (["mul_mod", "add_mod"], Builtin::MulMod, Builtin::AddMod),
        (["output", "output"], Builtin::Output, Builtin::Output),
    ] {
        let error = error(&cairo0(&builtins, &[RETURN]));
        assert_eq!(error, LoadError::Program(ProgramError::BuiltinOrder { first, second }));
        assert!(error.to_string().contains("the order is: output, pedersen"), "{error}");
    }
    // The machine that runs programs has all of them.
    let all = Builtin::ALL.map(Builtin::name);
    assert!(load_json(&cairo0(&all, &[RETURN])).is_ok());
    assert!(LoadError::BuiltinNotInMachine(Builtin::EcOp).to_string().contains("cairo-vm 3.2"));
}

#[test]
fn other_versions_are_named() {
    // Old compilers wrote one hint for an instruction, no list; others are none of Cairo 0.
    let old = with(with(shortest(), "compiler_version", json!("0.1.0")), "hints", json!({"6": {"code": "x"}}));
    let newer = with(shortest(), "compiler_version", json!("2.6.3"));
    for (program, version) in [(old, "0.1.0"), (newer, "2.6.3")] {
        let error = error(&program);
        assert!(matches!(&error, LoadError::CompilerVersion { found, .. } if found == version), "{error}");
        assert!(error.to_string().contains("cairo-compile` 0.14"), "{error}");
    }
    for version in ["0.10.3", "0.14.0.1"] {
        assert!(load_json(&with(shortest(), "compiler_version", json!(version))).is_ok());
    }
    // Damaged, whatever its version.
    let damaged = with(with(shortest(), "compiler_version", json!("0.14.0.1")), "hints", json!([]));
    assert!(matches!(error(&damaged), LoadError::Malformed { .. }));
    let executable = json!({"program": {"bytecode": ["0x1"]}, "entrypoints": []});
    let error = error(&executable);
    assert!(matches!(&error, LoadError::ExecutableForm { message } if message.contains("hints")), "{error}");
    assert!(error.to_string().contains("Cairo 2.21"), "{error}");
}

#[test]
fn files_about_runs_are_told_from_programs() {
    let public = json!({"layout": "starknet_with_keccak", "n_steps": 5, "public_memory": [], "memory_segments": {}});
    let error_of_public = error(&public);
    assert!(matches!(&error_of_public, LoadError::OfALayout { layout, .. } if layout == "starknet_with_keccak"));
    assert!(error_of_public.to_string().contains("all_cairo"), "{error_of_public}");
    let private = json!({"trace_path": "trace", "memory_path": "memory", "pedersen": []});
    assert!(matches!(error(&private), LoadError::NotAProgram { what, .. } if what.contains("private input")));
    let mut stripped = shortest();
    stripped.as_object_mut().unwrap().remove("hints");
    assert!(matches!(error(&stripped), LoadError::NotAProgram { what, .. } if what.contains("without its hints")));
}

#[test]
fn hints_outside_the_whitelist() {
    let long = format!("import os\n{}", "x = 1\n".repeat(100));
    for code in ["import os", "ids.x = open('/etc/passwd').read()", "skip_next_instruction()", "ids.x = 5", &long] {
        let error = error(&with_hint(shortest(), code));
        let LoadError::UnknownHint { pc: 6, code: shown } = &error else { panic!("{error}") };
        assert!(shown.chars().count() <= 121 && !shown.contains('\n'), "{shown}");
        assert!(shown.starts_with(&code[..5]));
    }
    let error = error(&with_hint(shortest(), "ids.y = program_input['y']"));
    assert_eq!(error, LoadError::InputTarget { pc: 6, variable: "y".to_owned() });
}

/// A proof without output shows nothing about arguments; one without arguments needs none.
#[test]
fn inputs_need_an_output() {
    for builtins in [&[][..], &["range_check"]] {
        let program = cairo0(builtins, &[RETURN]);
        assert!(load_json(&program).is_ok());
        let error = error(&with_hint(program, "ids.x = program_input['x']"));
        assert_eq!(error, LoadError::UnboundInput { input: "x".to_owned() });
        assert!(error.to_string().contains("by the beginning of the output"), "{error}");
    }
}

#[test]
fn inputs_come_in_the_order_of_the_hints() {
    let mut program = with_hint(shortest(), "ids.x = program_input['second']\nids.x = program_input[\"third\"]");
    let mut first = program["hints"]["6"].clone();
    first[0]["code"] = json!("ids.x = program_input['first']");
    let mut again = first.clone();
    again[0]["code"] = json!("ids.x = program_input['second']");
    // JSON keys are sorted as texts; the order that counts is that of the numbers.
    program["hints"]["0"] = first;
    program["hints"]["7"] = again;
    let program = load_json(&program).unwrap();
    assert_eq!(program.inputs().unwrap(), ["first", "second", "third"]);
    assert_eq!(program.language(), Language::Cairo0);
}
