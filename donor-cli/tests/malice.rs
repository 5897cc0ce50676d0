//! What a hostile distributor or uploader may try. Nothing runs that was not signed, nothing runs for ever, and the
//! donor survives everything.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::grid::Grid;
use common::process::Donor;
use protocol::{FailureCause, FailureReport, Lease, Timestamp, UnitLimits};

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
    let limits = cairo_runner::RunLimits::default();
    let mut execution = cairo_runner::run(&program, &arguments, &limits, &mut cairo_runner::unwatched).unwrap();
    execution.trace[9].ap -= 1;
    let mut file = Vec::new();
    cairo_execution::save(&execution, &mut file).unwrap();
    grid.world().units[0].execution = Some((file, execution.n_steps() as u64));
    let failure = failure(&grid, &["--prove-only"]);
    assert_eq!(failure.cause, FailureCause::BadExecution);
    assert!(failure.detail.contains("step 8, at pc = "), "{failure:?}");
}

#[test]
fn a_donor_has_limits_of_its_own() {
    for (arguments, said) in [
        (["--max-unit-steps", "2000"], "more than 2,000 steps, the most that this donor gives one"),
        (["--max-unit-time", "2s"], "more than 2 s of processor time, the most that this donor gives one"),
    ] {
        let grid = Grid::of("hostile/infinite_loop.json").with_units(&["{}"]);
        grid.world().limits = UnitLimits { max_steps: 1 << 40, max_memory_cells: 1 << 32, time_limit: 7 * 24 * 3600 };
        let failure = failure(&grid, &[&arguments[..], &["--max-memory", "8G"]].concat());
        assert_eq!(failure.cause, FailureCause::Stopped, "{failure:?}");
        assert!(!failure.cause.counts(), "it says nothing about the unit");
        assert!(failure.detail.contains(said) && failure.detail.contains("its own limit"), "{failure:?}");
    }
}

#[test]
fn a_unit_beyond_the_donors_limit_is_not_begun() {
    let grid = Grid::of("cairo0/sum_to_n.json").with_units(&[r#"{"n": "5"}"#]);
    grid.world().script.bend = Some(|lease| lease.units[0].estimated_steps = 1 << 30);
    let failure = failure(&grid, &["--max-unit-steps", "5000"]);
    assert_eq!(failure.cause, FailureCause::Stopped);
    assert!(failure.detail.contains("takes at most 5,000"), "{failure:?}");
    assert!(!grid.world().requests.iter().any(|request| request == "GET program"), "nothing was even fetched");
}

/// Numbers without measure, in every field of a lease that has one; the unit is proved all the same.
#[test]
fn numbers_without_measure() {
    for spoiled in [
        bend(|lease| (lease.now, lease.expires_at) = (Timestamp(0), Timestamp(u64::MAX))),
        bend(|lease| lease.expires_at = Timestamp(u64::MAX)),
        bend(|lease| (lease.now, lease.expires_at) = (Timestamp(u64::MAX), Timestamp(0))),
        bend(|lease| (lease.renewable_until, lease.units[0].attempt) = (Timestamp(u64::MAX), u32::MAX)),
        bend(|lease| lease.units[0].estimated_steps = u64::MAX),
    ] {
        let (grid, state) =
            (Grid::of("cairo0/sum_to_n.json").with_units(&[r#"{"n": "5"}"#]), tempfile::tempdir().unwrap());
        grid.world().script.bend = Some(spoiled);
        let (status, events) = Donor::run(state.path(), &grid.address, &["--max-units", "1"]).end();
        assert_eq!(status.code(), Some(0), "{events:?}");
        grid.assert_all_proved_once();
    }
}

#[test]
fn leases_that_make_no_sense_are_given_back() {
    for (spoiled, said) in [
        (bend(|lease| lease.project.limits.time_limit = u64::MAX), "a number of seconds from 1 to a week"),
        (bend(|lease| lease.project.limits.max_steps = 0), "limits.max_steps must be"),
        (bend(|lease| lease.project.limits.max_memory_cells = u64::MAX), "limits.max_memory_cells must be"),
        (bend(|lease| lease.project.name = "other".parse().unwrap()), "a unit of project other came"),
        (bend(|lease| lease.mode = protocol::LeaseMode::Execute), "a lease to execute came"),
        (bend(|lease| lease.mode = protocol::LeaseMode::Prove), "a lease to prove came"),
        (bend(|lease| lease.units[0].arguments.0 = vec![felt_one(); 1 + (1 << 16)]), "units with 65537 arguments came"),
        (bend(|lease| lease.units.clear()), "a lease of 0 units came"),
        (bend(|lease| lease.units.push(lease.units[0].clone())), "a lease of 2 units came; 1 to 1 were asked for"),
    ] {
        let (grid, state) =
            (Grid::of("cairo0/sum_to_n.json").with_units(&[r#"{"n": "5"}"#]), tempfile::tempdir().unwrap());
        grid.world().script.bend = Some(spoiled);
        let mut donor = Donor::run(state.path(), &grid.address, &["--max-units", "1", "--project", "primes"]);
        let event = donor.wait_for("a complaint", |event| event["event"] == "waiting");
        let why = event["why"].as_str().unwrap();
        assert!(why.contains("makes no sense and was given back") && why.contains(said), "{why}");
        grid.world().script.bend = None;
        let (status, events) = donor.end();
        assert_eq!(status.code(), Some(0), "{events:?}");
        grid.assert_all_proved_once();
    }
}

/// A closure as what it is: a function.
fn bend(change: fn(&mut Lease)) -> fn(&mut Lease) {
    change
}

fn felt_one() -> felt::Felt {
    felt::Felt::from(1)
}

#[test]
fn a_donor_that_was_reached_once_waits_out_whoever_answers_in_between() {
    const HTML: &str = "<html>Please log in</html>";
    let revoked = r#"{"type":"x","title":"x","status":403,"detail":"x","cause":"key_revoked"}"#.to_owned();
    let header = |name, value: &str| (name, value.to_owned());
    let ours = || header("cairn-protocol", "3");
    let strangers = [
        (403, vec![], HTML.to_owned(), "does not let the request through"),
        (302, vec![header("location", "http://login.example/")], String::new(), "redirects to"),
        (407, vec![], String::new(), "a proxy wants a name and a password"),
        (511, vec![], HTML.to_owned(), "wants a login first"),
        (200, vec![header("content-type", "text/html")], HTML.to_owned(), "lacks the header"),
        (200, vec![ours()], "{\"token\": \"01".to_owned(), "its JSON is not as expected"),
        (200, vec![header("cairn-protocol", "7")], String::new(), "speaks version 7"),
        (403, vec![header("content-type", "application/problem+json")], revoked, "does not let the request through"),
        (404, vec![ours()], HTML.to_owned(), "without a problem document"),
    ];
    let units: Vec<String> = (0..=strangers.len()).map(|n| format!(r#"{{"n": "{}"}}"#, 5 + n)).collect();
    let units: Vec<&str> = units.iter().map(String::as_str).collect();
    let (grid, state) = (Grid::of("cairo0/sum_to_n.json").with_units(&units), tempfile::tempdir().unwrap());
    // So that each of them is asked once.
    grid.world().script.most_units = 1;
    grid.world().script.strangers =
        strangers.iter().map(|(status, headers, body, _)| (*status, headers.clone(), body.clone())).collect();
    let count = units.len().to_string();
    // What is fetched ahead is asked for without a word.
    let arguments = ["--max-units", &count, "--at-once", "1", "--no-fetch-ahead"];
    let run = Donor::run(state.path(), &grid.address, &arguments);
    let (status, events) = run.end();
    assert_eq!(status.code(), Some(0), "{events:?}");
    grid.assert_all_proved_once();
    assert!(grid.world().script.strangers.is_empty());
    for (_, _, _, said) in strangers {
        let told = |event: &serde_json::Value| event["why"].as_str().is_some_and(|why| why.contains(said));
        assert!(events.iter().any(told), "nothing says `{said}`: {events:?}");
    }
}

/// Whatever stands in a text of the distributor, nothing of it acts on a terminal.
#[test]
fn words_of_strangers_do_nothing() {
    const HOSTILE: &str = "\u{1b}]0;owned\u{7}\u{9b}2J\r\u{202e}gnp.exe\u{2066}\u{200b}\u{7f}\nforged: all is well";
    let (grid, state) = (Grid::of("cairo0/sum_to_n.json").with_units(&[r#"{"n": "5"}"#]), tempfile::tempdir().unwrap());
    let zeros = |bytes: usize| "00".repeat(bytes);
    let project = serde_json::json!({
        "name": "primes", "state": "active", "weight": 1, "proven_steps": u64::MAX, "created_at": u64::MAX,
        "units": { "queued": u64::MAX, "leased": u64::MAX, "executed": u64::MAX, "proved": u64::MAX,
                   "collected": u64::MAX, "failed": u64::MAX, "withdrawn": u64::MAX },
        "spec": { "program": zeros(32), "record": zeros(32), "program_hash": zeros(32), "signer": zeros(32),
                  "signature": zeros(64), "preset": "default-100", "description": HOSTILE, "weight": 1,
                  "limits": { "max_steps": 1, "max_memory_cells": 1, "time_limit": 1 } },
    });
    let problem = serde_json::json!({
        "type": HOSTILE, "title": HOSTILE, "status": 503, "detail": HOSTILE, "cause": "busy", "request_id": HOSTILE,
    });
    grid.world().script.projects = Some(serde_json::json!({ "projects": [project] }).to_string());
    let mut seen = Vec::new();
    for json in [&["projects", "--server", &grid.address][..], &["projects", "--json", "--server", &grid.address]] {
        let output = common::process::donor(state.path(), json);
        assert!(output.status.success(), "{output:?}");
        seen.push(String::from_utf8(output.stdout).unwrap());
        seen.push(String::from_utf8(output.stderr).unwrap());
    }
    let listed: serde_json::Value = serde_json::from_str(&seen[2]).unwrap();
    assert_eq!(listed["projects"][0]["spec"]["description"], HOSTILE, "JSON says all of it");

    for json in [true, false] {
        let problem = problem.to_string();
        let media = ("content-type", "application/problem+json".to_owned());
        let mut world = grid.world();
        (world.units[0].lease, world.units[0].proofs) = (None, Vec::new());
        world.script.strangers = [(503, vec![("cairn-protocol", "3".to_owned()), media], problem)].into();
        world.script.stranger_next = true;
        drop(world);
        let mut command = common::process::command();
        command.args([
            "run",
            "--server",
            &grid.address,
            "--no-yield",
            "--max-cpu",
            "100",
            "--max-units",
            "1",
            "--state",
        ]);
        command.arg(state.path()).args(json.then_some("--json"));
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert!(format!("{out}{err}").contains("owned"), "it is shown, but does nothing: {out}{err}");
        assert!(!err.lines().any(|line| line.starts_with("forged")), "{err}");
        seen.extend([out, err]);
    }
    for text in seen {
        let acting: Vec<char> = text.chars().filter(|c| *c != '\n' && protocol::text::is_hidden(*c)).collect();
        assert!(acting.is_empty(), "{acting:?} in {text:?}");
    }
}

/// An execution file that unpacks to a gigabyte of zeros.
fn bomb(announced: u64) -> Vec<u8> {
    let frame = zstd::encode_all(std::io::Read::take(std::io::repeat(0), 1 << 30), 1).unwrap();
    let mut file = b"CAIRNRUN\x02\0\0\0".to_vec();
    file.extend_from_slice(&announced.to_le_bytes());
    file.extend_from_slice(&(frame.len() as u64).to_le_bytes());
    let mut hasher = blake3::Hasher::new_derive_key("cairn execution file v1");
    hasher.update(&file).update(&frame);
    let checksum = *hasher.finalize().as_bytes();
    file.extend_from_slice(&checksum);
    file.extend_from_slice(&frame);
    file
}
