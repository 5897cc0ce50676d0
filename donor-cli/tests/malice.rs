//! What a hostile distributor or uploader may try. Nothing runs that was not signed, nothing runs for ever, and the
//! donor survives everything.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::grid::Grid;
use common::process::Donor;
use protocol::{FailureCause, FailureReport, UnitLimits};

/// Lets a donor work on the only unit and returns the failure that it reports.
fn failure(grid: &Grid, arguments: &[&str]) -> FailureReport {
    let state = tempfile::tempdir().unwrap();
    let (status, events) = Donor::run(state.path(), &grid.address, &[arguments, &["--max-units", "1"]].concat()).end();
    assert_eq!(status.code(), Some(0), "the donor survives: {events:?}");
    assert!(events.iter().any(|event| event["event"] == "failed"), "{events:?}");
    let world = grid.world();
    assert!(world.units[0].proofs.is_empty());
    world.units[0].failures.first().expect("a reported failure").clone()
}

#[test]
fn another_program_than_the_signed_one() {
    let grid = Grid::of("cairo0/sum_to_n.json").with_units(&[r#"{"n": "5"}"#]);
    grid.world().script.other_program = Some(common::fixture("bench/fib_tiny.json"));
    let failure = failure(&grid, &[]);
    assert_eq!(failure.cause, FailureCause::BadProgram);
    assert!(failure.detail.contains("digest"), "{failure:?}");
}

#[test]
fn a_signature_of_somebody_else() {
    let grid = Grid::of("cairo0/sum_to_n.json").with_units(&[r#"{"n": "5"}"#]);
    grid.world().script.bad_signature = true;
    let failure = failure(&grid, &[]);
    assert_eq!(failure.cause, FailureCause::BadProgram);
    assert!(failure.detail.contains("signature"), "{failure:?}");
    assert!(!grid.world().requests.iter().any(|request| request == "GET program"), "nothing was even fetched");
}

#[test]
fn a_program_that_loops_for_ever_meets_the_step_limit() {
    let grid = Grid::of("hostile/infinite_loop.json").with_units(&["{}"]);
    assert_eq!(failure(&grid, &[]).cause, FailureCause::StepLimit);
}

#[test]
fn a_program_that_loops_for_ever_meets_the_time_limit() {
    let grid = Grid::of("hostile/infinite_loop.json").with_units(&["{}"]);
    grid.world().limits = UnitLimits { max_steps: 1 << 40, max_memory_cells: 1 << 32, time_limit: 1 };
    let failure = failure(&grid, &["--max-memory", "8G"]);
    assert_eq!(failure.cause, FailureCause::TimeLimit);
    assert!(failure.detail.contains("1 s of processor time"), "{failure:?}");
}

#[test]
fn a_program_that_eats_memory() {
    for program in ["hostile/memory_eater.json", "hostile/memory_hole_2p28.json"] {
        let grid = Grid::of(program).with_units(&["{}"]);
        grid.world().limits.max_memory_cells = 1 << 20;
        assert_eq!(failure(&grid, &[]).cause, FailureCause::MemoryLimit, "{program}");
    }
}

#[test]
fn a_program_that_eats_more_memory_than_the_donor_lends() {
    let grid = Grid::of("hostile/memory_eater.json").with_units(&["{}"]);
    grid.world().limits = UnitLimits { max_steps: 1 << 40, max_memory_cells: 1 << 32, time_limit: 600 };
    assert_eq!(failure(&grid, &["--max-memory", "256MiB"]).cause, FailureCause::OutOfMemory);
}

#[test]
fn a_hint_that_would_run_python() {
    let grid = Grid::of("hostile/hint_import_os.json").with_units(&["{}"]);
    let failure = failure(&grid, &[]);
    assert_eq!(failure.cause, FailureCause::BadHint);
    assert!(failure.detail.contains("not allowed"), "{failure:?}");
}

#[test]
fn a_file_that_is_no_program() {
    let grid = Grid::of("README.md").with_units(&["{}"]);
    assert_eq!(failure(&grid, &[]).cause, FailureCause::BadProgram);
}

#[test]
fn a_program_that_fails() {
    let grid = Grid::of("hostile/failing_assert.json").with_units(&["{}"]);
    assert_eq!(failure(&grid, &[]).cause, FailureCause::Panic);
}

#[test]
fn a_run_that_cannot_be_proved() {
    for program in ["hostile/wrong_stop_pointer.json", "hostile/output_pointer.json", "hostile/rewrite_memory.json"] {
        let grid = Grid::of(program).with_units(&["{}"]);
        let failure = failure(&grid, &[]);
        assert!(
            matches!(failure.cause, FailureCause::ProveFailed | FailureCause::Panic | FailureCause::BadProgram),
            "{program}: {failure:?}"
        );
    }
}

#[test]
fn a_project_whose_signer_changes() {
    let (grid, state) = (
        Grid::of("cairo0/sum_to_n.json").with_units(&[r#"{"n": "5"}"#, r#"{"n": "6"}"#]),
        tempfile::tempdir().unwrap(),
    );
    let (status, events) = Donor::run(state.path(), &grid.address, &["--max-units", "1"]).end();
    assert_eq!(status.code(), Some(0), "{events:?}");
    grid.world().change_uploader();
    let (_, events) = Donor::run(state.path(), &grid.address, &["--max-units", "1"]).end();
    let failed = events.iter().find(|event| event["event"] == "failed").expect("a failure");
    assert!(failed["detail"].as_str().unwrap().contains("earlier ones were signed by"), "{failed}");
}

#[test]
fn a_download_without_end() {
    let grid = Grid::of("cairo0/sum_to_n.json").with_units(&[r#"{"n": "5"}"#]);
    grid.world().script.other_program = Some(vec![b' '; cairo_runner::MAX_PROGRAM_BYTES + 1]);
    let failure = failure(&grid, &[]);
    assert_eq!(failure.cause, FailureCause::BadProgram);
    assert!(failure.detail.contains("the most that is taken"), "{failure:?}");
}

#[test]
fn a_program_nested_without_end() {
    let grid = Grid::of("cairo0/sum_to_n.json").with_units(&[r#"{"n": "5"}"#]);
    grid.serve_signed(vec![b'['; 1 << 20]);
    assert_eq!(failure(&grid, &[]).cause, FailureCause::BadProgram);
}

#[test]
fn a_zip_bomb_as_execution() {
    let grid = Grid::of("cairo0/sum_to_n.json").with_units(&[r#"{"n": "5"}"#]);
    for announced in [1000, 1 << 32] {
        let bomb = bomb(announced);
        assert!(bomb.len() < 1 << 20, "a bomb is small");
        let mut world = grid.world();
        let unit = &mut world.units[0];
        (unit.execution, unit.lease) = (Some((bomb, 1000)), None);
        unit.failures.clear();
        drop(world);
        let failure = failure(&grid, &["--prove-only", "--max-memory", "260M"]);
        assert_eq!(
            failure.cause,
            FailureCause::BadExecution,
            "it did not even come to the limit of memory: {failure:?}"
        );
    }
}

/// The file is sound and has the form of a run, but one of its steps is none: the donor executes each before it proves any.
#[test]
fn an_invented_execution() {
    let grid = Grid::of("cairo0/sum_to_n.json").with_units(&[r#"{"n": "5"}"#]);
    let program = cairo_runner::RunnableProgram::from_json(&common::fixture("cairo0/sum_to_n.json")).unwrap();
    let arguments = cairo_runner::Arguments::from_json(br#"{"n": "5"}"#).unwrap();
    let limits = cairo_runner::Limits::default();
    let mut execution = cairo_runner::run(&program, &arguments, &limits, &mut cairo_runner::unwatched).unwrap();
    execution.trace[9].ap -= 1;
    let mut file = Vec::new();
    cairo_execution::save(&execution, &mut file).unwrap();
    grid.world().units[0].execution = Some((file, execution.n_steps() as u64));
    let failure = failure(&grid, &["--prove-only"]);
    assert_eq!(failure.cause, FailureCause::BadExecution);
    assert!(failure.detail.contains("step 8, at pc = "), "{failure:?}");
}

/// An execution file that unpacks to a gigabyte of zeros.
fn bomb(announced: u64) -> Vec<u8> {
    let frame = zstd::encode_all(std::io::Read::take(std::io::repeat(0), 1 << 30), 1).unwrap();
    let mut file = b"CAIRNRUN\x01\0\0\0".to_vec();
    file.extend_from_slice(&announced.to_le_bytes());
    file.extend_from_slice(&(frame.len() as u64).to_le_bytes());
    let mut hasher = blake3::Hasher::new_derive_key("cairn execution file v1");
    hasher.update(&file).update(&frame);
    let checksum = *hasher.finalize().as_bytes();
    file.extend_from_slice(&checksum);
    file.extend_from_slice(&frame);
    file
}
