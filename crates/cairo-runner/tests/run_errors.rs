//! Each way in which a run fails, by programs made for it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use cairo_air::Builtin;
use cairo_air::decode::DecodeError;
use cairo_execution::ExecutionError;
use cairo_runner::{ArgumentError, Arguments, Progress, RunError, RunLimits, run, unwatched};
use common::{PUSH, PUSH_FIRST_POINTER, PUSH_SECOND_POINTER, RETURN, cairo0, execute, failure, load, load_json};
use felt::Felt;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// A program of some thousand steps.
const LONG: &str = "bench/fib_2p16.json";

#[test]
fn the_shortest_program_runs() {
    let program = load_json(&common::shortest()).unwrap();
    let execution = execute(&program, "{}").unwrap();
    assert_eq!((execution.n_steps(), execution.output()), (4, &[][..]));
}

#[test]
fn arguments_must_fit() {
    let program = load("cairo0/args3.json").unwrap();
    let error = |arguments: &str| match execute(&program, arguments) {
        Err(RunError::Arguments(error)) => error,
        other => panic!("{other:?}"),
    };
    assert!(matches!(error("[1, 2]"), ArgumentError::Count { found: 2, expected: 3, .. }));
    assert!(matches!(error(r#"{"a": 1, "b": 2}"#), ArgumentError::Missing { name } if name == "c"));
    assert!(matches!(error(r#"{"a": 1, "b": 2, "c": 3, "d": 4}"#), ArgumentError::Unknown { name, .. } if name == "d"));
    assert!(matches!(error("[1, [2], 3]"), ArgumentError::Shape { path, .. } if path == "[1]"));
    assert!(matches!(error(r#"{"a": 1, "b": [], "c": 3}"#), ArgumentError::Shape { path, .. } if path == "`b`"));
}

#[test]
fn executables_take_no_names() {
    let program = load("cairo2/fib.executable.json").unwrap();
    let error = execute(&program, r#"{"n": 5}"#).unwrap_err();
    assert_eq!(error, RunError::Arguments(ArgumentError::NamedForCairo2));
}

#[test]
fn setup_fails_on_broken_references() {
    let mut program = common::with_hint(common::shortest(), "memory[ap] = segments.add()");
    program["reference_manager"]["references"] = serde_json::json!([]);
    assert!(matches!(failure(&program), RunError::Setup { .. }));
}

#[test]
fn limits_stop_a_run_soon() {
    let program = load(LONG).unwrap();
    let with = |limits: RunLimits| run(&program, &Arguments::none(), &limits, &mut unwatched).unwrap_err();
    let limits = RunLimits::default();
    assert_eq!(with(RunLimits { max_steps: 1000, ..limits }), RunError::StepLimit { limit: 1000 });
    let error = with(RunLimits { max_memory_cells: 5000, ..limits });
    assert!(matches!(error, RunError::MemoryLimit { limit: 5000, step } if step < 10_000), "{error}");
    let error = with(RunLimits { max_time: Some(Duration::ZERO), ..limits });
    assert!(matches!(error, RunError::TimeLimit { limit: Duration::ZERO, .. }), "{error}");
    // A run that just fits.
    let exact = RunLimits { max_steps: 65533, max_memory_cells: 1 << 16, ..limits };
    assert!(run(&program, &Arguments::none(), &exact, &mut unwatched).is_ok());
}

#[test]
fn endless_programs_stop_in_time() {
    let program = load("hostile/infinite_loop.json").unwrap();
    let limits =
        RunLimits { max_steps: u64::MAX, max_memory_cells: u64::MAX, max_time: Some(Duration::from_millis(50)) };
    let begin = Instant::now();
    let error = run(&program, &Arguments::none(), &limits, &mut unwatched).unwrap_err();
    assert!(matches!(error, RunError::TimeLimit { step, .. } if step > 0), "{error}");
    assert!(begin.elapsed() < Duration::from_secs(20));
}

#[test]
fn a_watch_sees_progress_and_cancels() {
    let program = load(LONG).unwrap();
    let mut seen: Vec<Progress> = Vec::new();
    let mut note = |progress| {
        seen.push(progress);
        ControlFlow::Continue(())
    };
    run(&program, &Arguments::none(), &RunLimits::default(), &mut note).unwrap();
    assert!(seen.len() > 10 && seen.windows(2).all(|pair| pair[0].steps <= pair[1].steps));
    assert_eq!(seen.last().unwrap().steps, 65533);
    let mut cancel = |progress: Progress| match progress.steps {
        0..10_000 => ControlFlow::Continue(()),
        _ => ControlFlow::Break(()),
    };
    let error = run(&program, &Arguments::none(), &RunLimits::default(), &mut cancel).unwrap_err();
    assert!(matches!(error, RunError::Cancelled { step: 10_000..20_000 }), "{error}");
    let mut never = |_| ControlFlow::Break(());
    let error = run(&program, &Arguments::none(), &RunLimits::default(), &mut never).unwrap_err();
    assert_eq!(error, RunError::Cancelled { step: 0 });
}

#[test]
fn failing_instructions_and_hints_say_where() {
    // [ap] = 1, ap++; [ap - 1] = 2
    let program = cairo0(&["output"], &[PUSH, "0x1", "0x400680017fff7fff", "0x2", RETURN]);
    assert!(matches!(failure(&program), RunError::Vm { pc: 8, step: 3, .. }));
    let program = common::with_hint(common::shortest(), "vm_exit_scope()");
    assert!(matches!(failure(&program), RunError::Vm { pc: 6, step: 2, .. }));
}

#[test]
fn extension_opcodes_are_named() {
    for (word, expected) in [
        ("0x8000000000000000", DecodeError::BlakeFlags),
        ("0x18000000000000000", DecodeError::Qm31Flags),
        ("0x10000000000000000", DecodeError::BlakeFlags),
        ("0x1c02480007fff7fff", DecodeError::Immediate),
        ("0x20000000000000000", DecodeError::UnknownExtension),
        ("0x28000000000000000", DecodeError::UnknownExtension),
        ("0x100000000000000000000000000000000", DecodeError::UnknownExtension),
    ] {
        let refused = failure(&cairo0(&["output"], &[word, RETURN]));
        let named = matches!(refused, RunError::ExtensionOpcode { pc: 6, step: 2, error } if error == expected);
        assert!(named, "{word}: {refused}");
    }
}

#[test]
fn unbalanced_scopes_end_badly() {
    let program = common::with_hint(common::shortest(), "vm_enter_scope()");
    assert!(matches!(failure(&program), RunError::End { .. }));
}

#[test]
fn programs_must_not_grow() {
    // [ap] = 5, ap++; [ap - 1] = [[fp - 1] + 100]: a cell behind the code.
    let program = cairo0(&["output"], &[PUSH, "0x5", "0x400280647fff7fff", PUSH_FIRST_POINTER, RETURN]);
    assert_eq!(failure(&program), RunError::ProgramGrew { cells: 94, words: 11 });
}

#[test]
fn temporary_segments_need_a_place() {
    let main = ["0x40780017fff7fff", "0x1", PUSH_FIRST_POINTER, RETURN];
    let code = "ids.temporary_array = segments.add_temp_segment()";
    let mut program = common::with_hint(cairo0(&["output"], &main), code);
    program["hints"]["6"][0]["flow_tracking_data"]["reference_ids"] =
        serde_json::json!({"__main__.main.temporary_array": 0});
    assert!(matches!(failure(&program), RunError::TemporarySegment { segment: 1, temporary: -1 }));
}

#[test]
fn stop_pointers_must_be_left() {
    // main returns 7 instead of its output pointer.
    let error = failure(&cairo0(&["output"], &[PUSH, "0x7", RETURN]));
    assert!(
        matches!(&error, RunError::StopPointer { builtin: Builtin::Output, used: 0, found } if found == "the number 0x7"),
        "{error}"
    );
}

#[test]
fn bitwise_inputs_have_251_bits() {
    // x = 2^251 and nothing else of the instance: [ap] = 2^251, ap++; [ap - 1] = [[fp - 3]]
    let large = format!("0x8{}", "0".repeat(62));
    let main = [PUSH, large.as_str(), "0x400280007ffd7fff", PUSH_SECOND_POINTER, "0x482680017ffd8000", "0x5", RETURN];
    let error = failure(&cairo0(&["output", "bitwise"], &main));
    assert_eq!(error, RunError::BitwiseInstance { instance: 0 });
}

#[test]
fn skipped_bitwise_inputs_are_zero() {
    // x = 6 and nothing else of the instance.
    let main = [PUSH, "0x6", "0x400280007ffd7fff", PUSH_SECOND_POINTER, "0x482680017ffd8000", "0x5", RETURN];
    let program = load_json(&cairo0(&["output", "bitwise"], &main)).unwrap();
    let execution = execute(&program, "[]").unwrap();
    let segment = execution.segments[&Builtin::Bitwise];
    let cells = &execution.memory[segment.base as usize..segment.stop as usize];
    assert_eq!(cells, [6, 0, 0, 6, 6].map(Felt::from));
    // An output that does not follow from them: and = 6.
    let main = [PUSH, "0x6", "0x400280027ffd7fff", PUSH_SECOND_POINTER, "0x482680017ffd8000", "0x5", RETURN];
    let error = failure(&cairo0(&["output", "bitwise"], &main));
    assert_eq!(error, RunError::BitwiseInstance { instance: 0 });
}

#[test]
fn the_output_begins_with_the_arguments() {
    let program = common::with_hint(common::shortest(), "ids.x = program_input['x']");
    // The hint writes the cell that the next instruction asserts to be the output pointer.
    let error = execute(&load_json(&program).unwrap(), "[3]").unwrap_err();
    assert!(matches!(error, RunError::Vm { pc: 6, .. }), "{error}");
    // ap += 1 instead: the argument is read, and not written to the output.
    let main = ["0x40780017fff7fff", "0x1", PUSH_FIRST_POINTER, RETURN];
    let program = common::with_hint(cairo0(&["output"], &main), "ids.x = program_input['x']");
    let error = execute(&load_json(&program).unwrap(), "[3]").unwrap_err();
    assert_eq!(error, RunError::Unprovable(ExecutionError::OutputTooShort { output: 0, arguments: 1 }));
}

#[test]
fn texts_are_one_line_and_name_the_remedy() {
    let error = failure(&cairo0(&["output"], &[PUSH, "0x7", RETURN])).to_string();
    assert!(error.contains("main must return each builtin pointer") && !error.contains('\n'), "{error}");
}
