//! What the integration tests share.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use cairo_runner::{Arguments, Execution, LoadError, RunError, RunLimits, RunnableProgram, run, unwatched};
use serde_json::{Value, json};
use std::path::PathBuf;

/// The Stark prime, as compiled programs write it.
pub const PRIME: &str = "0x800000000000011000000000000000000000000000000000000000000000001";

/// `[ap] = imm, ap++`
pub const PUSH: &str = "0x480680017fff8000";
/// `[ap] = [fp - 3], ap++`
pub const PUSH_FIRST_POINTER: &str = "0x480a7ffd7fff8000";
/// `[ap] = [fp - 4], ap++`
pub const PUSH_SECOND_POINTER: &str = "0x480a7ffc7fff8000";
/// `ret`
pub const RETURN: &str = "0x208b7fff7fff7ffe";

pub fn fixture(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../programs/fixtures").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub fn small_limits() -> RunLimits {
    RunLimits { max_steps: 1 << 18, max_memory_cells: 1 << 20, max_time: None }
}

pub fn load(name: &str) -> Result<RunnableProgram, LoadError> {
    RunnableProgram::from_json(&fixture(name))
}

pub fn execute(program: &RunnableProgram, arguments: &str) -> Result<Execution, RunError> {
    let arguments = Arguments::from_json(arguments.as_bytes())?;
    run(program, &arguments, &small_limits(), &mut unwatched)
}

/// A compiled Cairo 0 program whose `main` has these words.
pub fn cairo0(builtins: &[&str], main: &[&str]) -> Value {
    let count = format!("{:#x}", builtins.len());
    let header = ["0x40780017fff7fff", &count, "0x1104800180018000", "0x4", "0x10780017fff7fff", "0x0"];
    let label = |pc: u32| json!({"pc": pc, "type": "label"});
    json!({
        "prime": PRIME,
        "builtins": builtins,
        "data": header.iter().chain(main).collect::<Vec<_>>(),
        "identifiers": {"__main__.__start__": label(0), "__main__.__end__": label(4)},
        "hints": {},
        "reference_manager": {"references": []},
        "attributes": [],
        "debug_info": null,
    })
}

/// The shortest program with output: `main` returns its output pointer.
pub fn shortest() -> Value {
    cairo0(&["output"], &[PUSH_FIRST_POINTER, RETURN])
}

/// Adds a hint before `main`'s first instruction that knows the variable `x`, the cell at `ap`.
pub fn with_hint(mut program: Value, code: &str) -> Value {
    let tracking = json!({"group": 0, "offset": 0});
    *program.get_mut("hints").unwrap() = json!({"6": [{
        "code": code,
        "accessible_scopes": ["__main__"],
        "flow_tracking_data": {"ap_tracking": tracking, "reference_ids": {"__main__.main.x": 0}},
    }]});
    let reference = json!({"ap_tracking_data": tracking, "pc": 6, "value": "[cast(ap, felt*)]"});
    *program.get_mut("reference_manager").unwrap() = json!({"references": [reference]});
    program
}

pub fn load_json(program: &Value) -> Result<RunnableProgram, LoadError> {
    RunnableProgram::from_json(&serde_json::to_vec(program).unwrap())
}

/// Loads and runs a program without arguments that must fail.
pub fn failure(program: &Value) -> RunError {
    let program = load_json(program).expect("the program loads");
    execute(&program, "[]").expect_err("the run fails")
}
