//! Several units under one lease, on real processes: each is proved once, and what fails fails alone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::grid::Grid;
use common::process::{Donor, signal};
use common::real::Real;
use protocol::{FailureCause, Outcome};
use rustix::process::Signal;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;
use testkit::random::Random;

const SMALL: &str = "cairo0/sum_to_n.json";
/// 65,000 steps.
const LARGE: &str = "bench/primes_2p16.json";

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// Sums to 20, 21, 22, …
fn sums(count: u64) -> Vec<String> {
    (0..count).map(|number| format!(r#"{{"n": "{}"}}"#, 20 + number)).collect()
}

/// A distributor that lends all of these units at once.
fn grid(program: &str, units: &[String]) -> Grid {
    let units: Vec<&str> = units.iter().map(String::as_str).collect();
    let grid = Grid::of(program).with_units(&units);
    grid.world().script.most_units = units.len();
    grid
}

fn run(state: &Path, server: &str, more: &[&str]) -> Donor {
    Donor::run(state, server, &[&["--batch-minutes", "15", "--at-once", "1"], more].concat())
}

fn finish(donor: Donor) -> Vec<serde_json::Value> {
    let (status, events) = donor.end();
    assert_eq!(status.code(), Some(0), "{events:?}");
    events
}

/// Nothing of any unit is left on disk.
fn assert_clean(state: &Path) {
    for name in ["leases", "executions", "outbox", "refused", "set-aside", "work"] {
        let Ok(files) = std::fs::read_dir(state.join(name)) else { continue };
        let left: Vec<_> = files.flatten().map(|file| file.file_name()).filter(|file| file != "request").collect();
        assert!(left.is_empty(), "{name}: {left:?}");
    }
}

/// All of them were lent together, and to no lease again.
fn assert_one_lease(grid: &Grid) {
    let world = grid.world();
    let tokens: Vec<_> = world.units.iter().filter_map(|unit| unit.lease.as_ref()).map(|lease| lease.0).collect();
    assert!(tokens.windows(2).all(|pair| pair[0] == pair[1]), "{tokens:?}");
}

#[test]
fn all_units_of_a_lease_are_proved() {
    let (grid, state) = (grid(SMALL, &sums(5)), folder());
    let events = finish(run(state.path(), &grid.address, &["--max-units", "5"]));
    grid.assert_all_proved_once();
    assert_one_lease(&grid);
    assert!(grid.world().units.iter().all(|unit| unit.leases == 1));
    assert_clean(state.path());
    let begun: Vec<_> = events.iter().filter(|event| event["event"] == "unit").collect();
    assert_eq!((begun.len(), &begun[0]["units"]), (1, &5.into()), "{events:?}");
}

#[test]
fn no_more_units_than_are_wanted_are_asked_for() {
    let (grid, state) = (grid(SMALL, &sums(5)), folder());
    finish(run(state.path(), &grid.address, &["--max-units", "3"]));
    let proved = grid.world().units.iter().filter(|unit| unit.proofs.len() == 1).count();
    assert_eq!(proved, 3);
    assert_clean(state.path());
    // One at a time, whatever there is.
    finish(Donor::run(state.path(), &grid.address, &["--batch-minutes", "0", "--max-units", "2", "--at-once", "1"]));
    grid.assert_all_proved_once();
    assert_clean(state.path());
}

#[test]
fn a_unit_that_fails_is_reported_alone() {
    let mut units = sums(4);
    units[1] = r#"{"n": "4000"}"#.to_owned();
    let (grid, state) = (grid(SMALL, &units), folder());
    grid.world().limits.max_steps = 10_000;
    let events = finish(run(state.path(), &grid.address, &["--max-units", "4"]));
    for (index, unit) in grid.world().units.iter().enumerate() {
        let causes: Vec<_> = unit.failures.iter().map(|failure| failure.cause).collect();
        let expected = if index == 1 { vec![FailureCause::StepLimit] } else { Vec::new() };
        assert_eq!((causes, unit.proofs.len()), (expected, usize::from(index != 1)), "{index}: {events:?}");
    }
    assert_clean(state.path());
}

/// Works until everything is proved and delivered.
fn work_to_the_end(grid: &Grid, state: &Path) {
    let mut last = run(state, &grid.address, &[]);
    grid.wait_until("all proofs", |world| world.units.iter().all(|unit| !unit.proofs.is_empty()));
    last.wait_for("no work", |event| event["event"] == "waiting");
    last.interrupt();
    finish(last);
    grid.assert_all_proved_once();
    assert_clean(state);
}

#[test]
fn killed_in_each_phase_of_a_lease() {
    let (grid, state) = (grid(LARGE, &vec!["{}".to_owned(); 3]), folder());
    for phase in ["execute", "main", "verify own proof"] {
        let (donor, _) = Donor::run_to(phase, state.path(), &grid.address, &["--batch-minutes", "15"]);
        donor.kill();
        assert!(grid.world().units.iter().all(|unit| unit.proofs.is_empty()), "killed in {phase}");
    }
    work_to_the_end(&grid, state.path());
    assert_one_lease(&grid);
    assert!(grid.world().units.iter().all(|unit| unit.leases == 1));
}

/// Whatever ends a process that proves several may be the fault of any: it is reported for none of them, and the halves are tried.
#[test]
fn a_group_whose_process_is_killed_is_halved() {
    let (grid, state) = (grid(LARGE, &vec!["{}".to_owned(); 4]), folder());
    let arguments = ["--batch-minutes", "15", "--max-units", "4"];
    let (donor, process) = Donor::run_to("main", state.path(), &grid.address, &arguments);
    signal(process, Signal::KILL);
    let events = finish(donor);
    grid.assert_all_proved_once();
    assert!(grid.world().units.iter().all(|unit| unit.failures.is_empty() && unit.leases == 1));
    let proofs: Vec<_> =
        events.iter().filter(|event| event["event"] == "delivered").map(|event| &event["units"]).collect();
    assert_eq!(proofs, [2, 2], "{events:?}");
    assert_clean(state.path());
}

/// Killed at any moment, until everything is proved.
#[test]
fn killed_again_and_again() {
    let (grid, state) = (grid(SMALL, &sums(8)), folder());
    grid.world().script.lease_seconds = 3600;
    let mut random = Random(7);
    for round in 0..40 {
        if grid.world().units.iter().all(|unit| !unit.proofs.is_empty()) {
            break;
        }
        let donor = run(state.path(), &grid.address, &[]);
        std::thread::sleep(Duration::from_millis(150 + random.below(600) as u64 + round * 20));
        donor.kill();
    }
    work_to_the_end(&grid, state.path());
    assert_one_lease(&grid);
}

#[test]
fn executions_are_handed_over_one_by_one_and_proved_from_one_lease() {
    let (grid, one, two) = (grid(SMALL, &sums(4)), folder(), folder());
    finish(run(one.path(), &grid.address, &["--execute-only", "--max-units", "4"]));
    assert!(grid.world().units.iter().all(|unit| unit.execution.is_some() && unit.leases == 1));
    assert_clean(one.path());
    finish(run(two.path(), &grid.address, &["--prove-only", "--max-units", "4"]));
    grid.assert_all_proved_once();
    assert!(grid.world().units.iter().all(|unit| unit.leases == 2));
    assert_clean(two.path());
}

#[test]
fn two_donors_and_the_real_distributor() {
    let units = sums(12);
    let units: Vec<&str> = units.iter().map(String::as_str).collect();
    let (real, one, two) = (Real::with(SMALL, &units), folder(), folder());
    let donors = [one.path(), two.path()].map(|state| run(state, &real.address, &[]));
    real.wait_until("all proofs", |counts| counts.proved == 12);
    for donor in donors {
        donor.interrupt();
        finish(donor);
    }
    real.assert_all_proved_once();
    assert!((0..12).all(|unit| real.unit(unit).attempts.len() == 1), "nothing was lent twice");
}

/// A thousand units, and three donors of which one is killed fifty times, at any moment.
#[test]
#[ignore = "slow: some minutes"]
fn a_thousand_units_and_fifty_kills() {
    let units: Vec<String> = (0..1000).map(|number| format!(r#"{{"n": "{}"}}"#, 5 + number % 40)).collect();
    let units: Vec<&str> = units.iter().map(String::as_str).collect();
    let (real, states) = (Real::with(SMALL, &units), [folder(), folder(), folder()]);
    let start = |index: usize| run(states[index].path(), &real.address, &[]);
    let mut donors: Vec<Option<Donor>> = (0..states.len()).map(|index| Some(start(index))).collect();
    let mut random = Random(11);
    for _ in 0..50 {
        std::thread::sleep(Duration::from_millis(200 + random.below(2000) as u64));
        let index = random.below(donors.len());
        // The folder is free only then.
        donors[index].take().unwrap().kill();
        donors[index] = Some(start(index));
    }
    real.wait_until("all proofs", |counts| counts.proved == 1000);
    for mut donor in donors.into_iter().flatten() {
        // One that has only just begun does not hear yet.
        donor.wait_for("its start", |event| event["event"] == "started");
        donor.interrupt();
        finish(donor);
    }
    real.assert_all_proved_once();
    for index in 0..units.len() {
        let detail = real.unit(index);
        let proved = detail.attempts.iter().filter(|attempt| attempt.outcome == Outcome::Proved).count();
        assert_eq!(proved, 1, "{detail:?}");
        assert!(detail.reports.is_empty(), "{detail:?}");
    }
}
