//! The benchmark suite: its programs compute what they should, and their runs are proven.
#![allow(clippy::unwrap_used, clippy::panic)]

use cairo_air::{Statement, verify};
use cairo_prover::{Options, prove};
use stark::NoControl;
use std::collections::BTreeMap;
use testkit::programs::{SuiteRun, suite};
use testkit::proofs::{CHEAP, policy};

/// Of which figures are told.
const SIZES: [u32; 2] = [16, 20];

#[test]
fn every_kind_is_there_just_below_both_sizes() {
    let mut kinds: BTreeMap<String, Vec<SuiteRun>> = BTreeMap::new();
    for run in suite() {
        assert!(
            (7 << run.log_steps >> 3..=1 << run.log_steps).contains(&run.n_steps) || run.log_steps < 16,
            "{}",
            run.kind
        );
        kinds.entry(run.kind.clone()).or_default().push(run);
    }
    let cairo2 = kinds.values().filter(|runs| runs[0].file.contains(".executable.")).count();
    assert!(kinds.len() >= 14 && cairo2 >= 6, "{} kinds, {cairo2} of them Cairo 2", kinds.len());
    for (kind, runs) in kinds {
        assert!(SIZES.iter().all(|size| runs.iter().any(|run| run.log_steps == *size)), "{kind}");
        assert!(runs.iter().any(|run| run.log_steps < SIZES[0]), "{kind} has no run for the tests");
    }
}

#[test]
fn programs_compute_what_python_does() {
    let runs: Vec<_> = suite().into_iter().filter(|run| run.log_steps <= SIZES[0]).collect();
    assert!(runs.len() >= 28);
    for run in runs {
        run.execute();
    }
}

#[test]
#[ignore = "runs of a million steps"]
fn programs_compute_what_python_does_in_long_runs() {
    let runs: Vec<_> = suite().into_iter().filter(|run| run.log_steps > SIZES[0]).collect();
    assert!(runs.len() >= 14);
    for run in runs {
        run.execute();
    }
}

#[test]
#[ignore = "proves all kinds"]
fn small_runs_are_proven() {
    let options = Options { parameters: CHEAP, ..Options::default() };
    for run in suite().into_iter().filter(|run| run.log_steps < SIZES[0]) {
        let execution = run.execute();
        let statement = Statement::single(execution.program.clone(), execution.arguments.clone(), [3; 32]);
        let proof = prove(execution, statement.prover, &options, &NoControl);
        let proof = proof.unwrap_or_else(|error| panic!("{}: {error}", run.kind));
        let verified = verify(&statement, &proof.encode(), &policy());
        let verified = verified.unwrap_or_else(|error| panic!("{}: {error}", run.kind));
        assert_eq!(verified.runs[0].output, run.output, "{}", run.kind);
    }
}
