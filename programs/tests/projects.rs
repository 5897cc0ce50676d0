//! Every program on every one of its argument sets, against the independent computations.
#![allow(clippy::expect_used, clippy::panic, reason = "a test may panic")]

use cairo_runner::{Arguments, Language, RunLimits, RunnableProgram, run, unwatched};
use felt::Felt;
use programs::{ALL, Project};

/// Steps that a unit of the committed argument sets takes: enough that proving dwarfs the overhead, and a second or so.
const STEPS: std::ops::RangeInclusive<usize> = 1 << 16..=1 << 20;

fn load(project: &Project) -> RunnableProgram {
    let bytes = std::fs::read(project.path(project.program)).expect("the compiled program");
    RunnableProgram::from_json(&bytes).expect("a program that can be run")
}

fn felts(values: impl IntoIterator<Item = u128>) -> Vec<Felt> {
    let two_64 = Felt::from(1_u64 << 32) * Felt::from(1_u64 << 32);
    values.into_iter().map(|value| Felt::from((value >> 64) as u64) * two_64 + Felt::from(value as u64)).collect()
}

fn project(name: &str) -> &'static Project {
    ALL.iter().find(|project| project.name == name).expect("a project")
}

/// The output of a run, without a look at how long it takes.
fn output(project: &Project, arguments: &[u64]) -> Vec<Felt> {
    let program = load(project);
    let arguments = Arguments::from_felts(&felts(arguments.iter().map(|value| u128::from(*value))));
    run(&program, &arguments, &RunLimits::default(), &mut unwatched).expect("a run").output().to_vec()
}

fn check_argument_sets(name: &str) {
    let project = project(name);
    let program = load(project);
    let sets = project.argument_sets().expect("argument sets");
    assert!(sets.len() >= 8, "{name} has {} argument sets", sets.len());
    for (line, values) in sets {
        let arguments = Arguments::from_json(line.as_bytes()).expect("arguments");
        let execution = run(&program, &arguments, &RunLimits::default(), &mut unwatched).expect("a run");
        let expected = felts((project.compute)(&values));
        assert_eq!(execution.output(), expected, "{name} {line}");
        assert!(execution.output().starts_with(&felts(values.iter().map(|value| u128::from(*value)))), "{name} {line}");
        assert!(STEPS.contains(&execution.n_steps()), "{name} {line} takes {} steps", execution.n_steps());
    }
}

#[test]
fn primes() {
    check_argument_sets("primes");
}

#[test]
fn collatz() {
    check_argument_sets("collatz");
}

#[test]
fn nqueens() {
    check_argument_sets("nqueens");
}

#[test]
fn montecarlo() {
    check_argument_sets("montecarlo");
}

#[test]
fn committed_expectations_are_those_of_the_computations() {
    for project in ALL {
        let text = std::fs::read_to_string(project.path("expected.json")).expect("expected.json");
        let committed: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(committed, project.expected().expect("argument sets"), "{}", project.name);
    }
}

#[test]
fn units_away_from_the_committed_ones() {
    for (name, arguments) in [
        ("primes", vec![0, 1]),
        ("primes", vec![2, 4]),
        ("primes", vec![1_000_000, 1_000_004]),
        ("collatz", vec![1, 2]),
        ("collatz", vec![837_799, 837_800]),
        ("nqueens", vec![1, 0, 0]),
        ("nqueens", vec![6, 0, 0]),
        ("nqueens", vec![8, 2, 8]),
        ("nqueens", vec![8, 2, 62]),
        ("nqueens", vec![10, 4, 7_130]),
        ("montecarlo", vec![0, 0]),
        ("montecarlo", vec![123_456, 123_500]),
    ] {
        let project = project(name);
        assert_eq!(output(project, &arguments), felts((project.compute)(&arguments)), "{name} {arguments:?}");
    }
}

#[test]
fn known_results() {
    let sum = |name: &str, column: usize| -> u128 {
        let project = project(name);
        project.argument_sets().expect("sets").iter().map(|(_, values)| (project.compute)(values)[column]).sum()
    };
    assert_eq!(sum("primes", 2), 669, "π(5000)");
    assert_eq!(sum("nqueens", 3), 352, "solutions on a 9 × 9 board");
    let pi = 4.0 * sum("montecarlo", 2) as f64 / 20_000.0;
    assert!((pi - std::f64::consts::PI).abs() < 0.035, "{pi} lies three standard deviations off π or more");
    assert_eq!((project("collatz").compute)(&[1, 1000])[2..4], [871, 178], "the longest chain below 1000");
}

#[test]
fn arguments_that_make_no_sense_end_the_run() {
    for (name, arguments) in [
        ("primes", [5_u64, 5].as_slice()),
        ("primes", &[0, 1 << 32]),
        ("collatz", &[0, 5]),
        ("collatz", &[5, 5]),
        ("nqueens", &[17, 0, 0]),
        ("nqueens", &[4, 5, 0]),
        ("nqueens", &[9, 1, 9]),
        ("montecarlo", &[2, 1]),
    ] {
        let program = load(project(name));
        let values = felts(arguments.iter().map(|value| u128::from(*value)));
        let outcome = run(&program, &Arguments::from_felts(&values), &RunLimits::default(), &mut unwatched);
        assert!(outcome.is_err(), "{name} {arguments:?}");
    }
}

#[test]
fn two_of_each_language() {
    for language in [Language::Cairo0, Language::Cairo2] {
        assert_eq!(ALL.iter().filter(|project| load(project).language() == language).count(), 2);
    }
}
