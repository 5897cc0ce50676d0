//! The compiled programs in `programs/fixtures` give what other implementations found.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use cairo_air::Builtin;
use cairo_runner::{Arguments, Execution, RunError, RunnableProgram};
use felt::{Felt, encoding};
use serde_json::Value;

/// The runs of a folder.
fn expected(folder: &str) -> Vec<(String, Value)> {
    let all: Value = serde_json::from_slice(&common::fixture("expected.json")).unwrap();
    let runs = all.as_object().unwrap().iter();
    runs.filter(|(name, _)| name.starts_with(folder)).map(|(name, run)| (name.clone(), run.clone())).collect()
}

/// Decimal strings as field elements; cells that were never written are `null` there and 0 here.
fn felts(values: &Value) -> Vec<Felt> {
    let digit = |sum: Felt, digit: u8| sum * Felt::from(10) + Felt::from(u64::from(digit - b'0'));
    let felt = |value: &Value| value.as_str().unwrap_or("0").bytes().fold(Felt::zero(), digit);
    values.as_array().unwrap().iter().map(felt).collect()
}

fn run_expected(name: &str, run: &Value) -> Execution {
    let program = common::load(run["file"].as_str().unwrap()).unwrap_or_else(|error| panic!("{name}: {error}"));
    common::execute(&program, &run["args"].to_string()).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn compare(name: &str, run: &Value) {
    let execution = run_expected(name, run);
    assert_eq!(execution.output(), felts(&run["output"]), "{name}: output");
    // The published count includes the closing jump.
    assert_eq!(execution.n_steps() as u64 + 1, run["n_steps"].as_u64().unwrap(), "{name}: steps");
    let builtins: Vec<&str> = execution.program.builtins().iter().map(|builtin| builtin.name()).collect();
    assert_eq!(Value::from(builtins), run["builtins"], "{name}: builtins");
    for (builtin, count) in run["instances"].as_object().unwrap() {
        let builtin = Builtin::from_name(builtin).unwrap();
        let segment = execution.segments[&builtin];
        let instances = (segment.stop - segment.base) / builtin.cells_per_instance();
        assert_eq!(u64::from(instances), count.as_u64().unwrap(), "{name}: instances of {builtin}");
    }
    let mut file = Vec::new();
    cairo_execution::save(&execution, &mut file).unwrap();
    let loaded = cairo_execution::load(file.as_slice(), cairo_execution::LoadLimits::default());
    assert_eq!(loaded.unwrap(), execution, "{name}: saved and loaded");
}

#[test]
fn bench_programs() {
    let runs = expected("bench/");
    assert!(runs.len() >= 5);
    runs.iter().for_each(|(name, run)| compare(name, run));
}

#[test]
fn cairo0_programs() {
    let runs = expected("cairo0/");
    assert!(runs.len() >= 30);
    for (name, run) in &runs {
        compare(name, run);
        let execution = run_expected(name, run);
        assert_eq!(execution.arguments, felts(&run["args_in_output"]), "{name}: arguments");
    }
}

#[test]
fn cairo2_programs() {
    let runs = expected("cairo2/");
    assert!(runs.len() >= 30);
    for (name, run) in runs.iter().filter(|(_, run)| run.get("panic").is_none()) {
        compare(name, run);
        assert_eq!(run_expected(name, run).arguments, felts(&run["args"]), "{name}: arguments");
    }
}

/// Between them the programs declare and do not use, and use, each builtin; so the comparisons above say something about each.
#[test]
fn every_builtin_is_used_and_declared_in_vain() {
    let runs = [expected("cairo0/"), expected("cairo2/")].concat();
    let counts = |builtin: Builtin| {
        let counts = runs.iter().filter_map(move |(_, run)| run.get("instances")?.get(builtin.name())?.as_u64());
        counts.collect::<Vec<_>>()
    };
    for builtin in Builtin::ALL.into_iter().filter(|builtin| *builtin != Builtin::Output) {
        let counts = counts(builtin);
        assert!(counts.contains(&0) && counts.iter().any(|count| *count > 0), "{builtin}: {counts:?}");
    }
}

#[test]
fn cairo2_panics_are_told() {
    let texts = [
        ("cairo2/fib@too_many_args", "Input too long for params."),
        ("cairo2/fib@no_args", "Failed to deserialize param #0"),
        ("cairo2/panic_felts@panics", "first word, *"),
        ("cairo2/panic_message@panics", "the argument is too large for this program: 11 is above 10"),
        ("cairo2/panic_overflow@panics", "u8_add Overflow"),
    ];
    let runs = expected("cairo2/");
    let panicking: Vec<_> = runs.iter().filter(|(_, run)| run.get("panic").is_some()).collect();
    assert_eq!(panicking.len(), texts.len());
    for (name, run) in panicking {
        let program = common::load(run["file"].as_str().unwrap()).unwrap();
        let error = common::execute(&program, &run["args"].to_string()).expect_err("it panics");
        let expected = texts.iter().find(|(other, _)| other == name).map(|(_, text)| (*text).to_owned());
        assert!(error.to_string().contains(expected.as_deref().unwrap()), "{name}: {error}");
        let RunError::Panicked { data, text } = error else { panic!("{name}: {error}") };
        assert_eq!(text, expected, "{name}");
        assert!(!data.is_empty());
    }
}

#[test]
fn nested_arrays_are_serialised() {
    let program = common::load("cairo2/sum_array.executable.json").unwrap();
    let nested = common::execute(&program, "[[1, 2, 3]]").unwrap();
    let flat = common::execute(&program, r#"[3, "1", "0x2", 3]"#).unwrap();
    assert_eq!(nested, flat);
    assert_eq!(nested.output(), [6, 3].map(Felt::from));
    assert!(program.inputs().is_none());
}

#[test]
fn arguments_by_name_and_in_order_are_the_same() {
    let program = common::load("cairo0/args3.json").unwrap();
    assert_eq!(program.inputs().unwrap(), ["a", "b", "c"]);
    let named = common::execute(&program, r#"{"c": "0xc", "a": 5, "b": "7"}"#).unwrap();
    let listed = common::execute(&program, "[5, 7, 12]").unwrap();
    assert_eq!(named, listed);
    assert_eq!(named.arguments, [5, 7, 12].map(Felt::from));
    let felts = Arguments::from_felts(&[5, 7, 12].map(Felt::from));
    assert_eq!(program.bind(&felts).unwrap(), listed.arguments);
}

#[test]
fn negative_arguments_count_from_the_modulus() {
    let program = common::load("cairo0/args3.json").unwrap();
    let arguments = Arguments::from_json(br#"{"a": -5, "b": "-0x1", "c": 0}"#).unwrap();
    let bound = program.bind(&arguments).unwrap();
    assert_eq!(bound, [-Felt::from(5), -Felt::from(1), Felt::zero()]);
    assert_eq!(encoding::to_hex(&bound[0]), "0x800000000000010fffffffffffffffffffffffffffffffffffffffffffffffc");
}

#[test]
fn unwritten_bitwise_outputs_are_deduced() {
    let program: RunnableProgram = common::load("cairo0/bitwise_unread.json").unwrap();
    let execution = common::execute(&program, "[]").unwrap();
    let segment = execution.segments[&Builtin::Bitwise];
    let cells = &execution.memory[segment.base as usize..segment.stop as usize];
    for instance in cells.chunks(5) {
        let values: Vec<u64> = instance.iter().filter_map(encoding::to_u64).collect();
        if let [x, y, and, xor, or] = values[..] {
            assert_eq!((and, xor, or), (x & y, x ^ y, x | y));
        }
    }
}
