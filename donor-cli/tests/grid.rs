//! Donors and the real distributor.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::process::signal;
use common::process::{Donor, donor};
use common::real::{Real, Setup};
use common::wire::Wire;
use protocol::{FailureCause, UnitState};
use rustix::process::Signal;

const SMALL: &str = "cairo0/sum_to_n.json";
/// 65,000 steps.
const LARGE: &str = "bench/primes_2p16.json";

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn finish(donor: Donor) {
    donor.interrupt();
    let (status, events) = donor.end();
    assert_eq!(status.code(), Some(0), "{events:?}");
}

#[test]
fn two_donors_prove_everything_once() {
    let real =
        Real::with(SMALL, &[r#"{"n": "20"}"#, r#"{"n": "30"}"#, r#"{"n": "40"}"#, r#"{"n": "50"}"#, r#"{"n": "60"}"#]);
    let (one, two) = (folder(), folder());
    let donors = [one.path(), two.path()].map(|state| Donor::run(state, &real.address, &["--project", "primes"]));
    real.wait_until("five proofs", |counts| counts.proved == 5);
    donors.into_iter().for_each(finish);
    real.assert_all_proved_once();
    let list = donor(one.path(), &["projects", "--server", &real.address]);
    insta::assert_snapshot!(String::from_utf8(list.stdout).unwrap());
}

#[test]
fn a_donor_chooses_what_others_see() {
    let (real, state) = (Real::with(SMALL, &[r#"{"n": "20"}"#]), folder());
    let profile = |more: &[&str]| {
        let output = donor(state.path(), &[&["profile", "--server", &real.address], more].concat());
        (output.status.code(), String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, shown, said) = profile(&[]);
    assert!(code == Some(0) && shown.contains("nickname  none\nteam      none\n"), "{shown}{said}");
    let (code, shown, said) = profile(&["--nickname", "Zoë", "--team", "Team One"]);
    assert!(code == Some(0) && shown.contains("nickname  Zoë\nteam      Team One\n"), "{shown}{said}");
    let key = shown.lines().next().unwrap().strip_prefix("key       ").unwrap().to_owned();
    assert!(said.contains(&format!("{}/donors/{key}", real.address)), "{said}");
    // What is not said stays.
    let (_, shown, _) = profile(&["--no-nickname", "--json"]);
    assert_eq!(shown, format!("{{\"donor\":\"{key}\",\"nickname\":null,\"team\":\"Team One\"}}\n"));
    for hostile in ["<b>x</b>", "a\u{202e}b", "p\u{430}ypal", &"x".repeat(10_000)] {
        let (code, _, said) = profile(&["--nickname", hostile]);
        // The command line repeats what its own user wrote.
        assert!(code == Some(2) && said.contains("a nickname must be"), "{said}");
    }
    let (_, shown, _) = profile(&["--no-team", "--json"]);
    assert!(shown.contains("\"team\":null"), "{shown}");
}

#[test]
fn killed_and_started_again() {
    let killed_in = |phase: &'static str| {
        let (real, state) = (Real::with(LARGE, &["{}"]), folder());
        let (first, _) = Donor::run_to(phase, state.path(), &real.address, &[]);
        first.kill();
        let (status, events) = Donor::run(state.path(), &real.address, &["--max-units", "1"]).end();
        assert_eq!(status.code(), Some(0), "{events:?}");
        real.assert_all_proved_once();
        assert_eq!(real.unit(0).attempts.len(), 1, "killed in {phase}: it went on under its lease");
    };
    ["execute", "main", "fri"].into_iter().for_each(killed_in);
}

#[test]
fn the_distributor_is_killed_while_a_donor_proves() {
    let (mut real, state) = (Real::set_up(LARGE, &["{}"], &Setup { process: true, ..Setup::default() }), folder());
    let (mut donor, unit) = Donor::run_to("main", state.path(), &real.address, &["--max-units", "1"]);
    real.kill();
    signal(unit, Signal::CONT);
    donor.wait_event("finished");
    donor.wait_for("failed delivery", |event| event["event"] == "waiting");
    real.start_again();
    let (status, events) = donor.end();
    assert_eq!(status.code(), Some(0), "{events:?}");
    real.assert_all_proved_once();
    assert_eq!(real.unit(0).attempts.len(), 1, "the lease outlived the distributor's process");
}

#[test]
fn the_distributor_is_killed_at_each_delivery() {
    let units: Vec<&str> = vec![r#"{"n": "40"}"#; 4];
    let (mut real, state) = (Real::set_up(SMALL, &units, &Setup { process: true, ..Setup::default() }), folder());
    let mut donor = Donor::run(state.path(), &real.address, &["--max-units", "4", "--at-once", "1"]);
    for _ in 0..3 {
        // The proof is on its way, or was taken and its receipt is.
        donor.wait_event("finished");
        real.kill();
        real.start_again();
    }
    let (status, events) = donor.end();
    assert_eq!(status.code(), Some(0), "{events:?}");
    real.assert_all_proved_once();
}

/// Not a test: see [`common::real::be_a_process`].
#[test]
#[ignore = "the process of a distributor for other tests; alone it does nothing"]
fn the_process_of_a_distributor() {
    common::real::be_a_process();
}

#[test]
fn the_network_is_cut_during_uploads() {
    let (real, state) = (Real::with(SMALL, &[r#"{"n": "50"}"#]), folder());
    let wire = Wire::to(&real.address);
    wire.cut_after(20_000);
    let mut first = Donor::run(state.path(), &wire.address, &["--max-units", "1"]);
    first.wait_event("finished");
    first.wait_event("waiting");
    first.wait_event("waiting");
    wire.cut_after(0);
    let (status, events) = first.end();
    assert_eq!(status.code(), Some(0), "{events:?}");
    real.assert_all_proved_once();
}

#[test]
fn the_lease_runs_out_and_the_late_proof_is_taken() {
    let (real, state) = (Real::set_up(LARGE, &["{}"], &Setup { lease_seconds: 2, ..Setup::default() }), folder());
    let wire = Wire::to(&real.address);
    let (mut first, unit) = Donor::run_to("main", state.path(), &wire.address, &["--max-units", "1"]);
    wire.set_down(true);
    real.wait_until("the lease to run out", |counts| counts.queued == 1);
    signal(unit, Signal::CONT);
    first.wait_event("finished");
    wire.set_down(false);
    let delivered = first.wait_event("delivered");
    assert_eq!(delivered["status"], "accepted");
    let (status, events) = first.end();
    assert_eq!(status.code(), Some(0), "{events:?}");
    real.assert_all_proved_once();
}

#[test]
fn two_donors_race_and_one_comes_too_late() {
    let (real, one, two) =
        (Real::set_up(LARGE, &["{}"], &Setup { lease_seconds: 2, ..Setup::default() }), folder(), folder());
    let wire = Wire::to(&real.address);
    let (mut slow, unit) = Donor::run_to("main", one.path(), &wire.address, &["--max-units", "1"]);
    wire.set_down(true);
    real.wait_until("the lease to run out", |counts| counts.queued == 1);
    let (status, events) = Donor::run(two.path(), &real.address, &["--max-units", "1"]).end();
    assert_eq!(status.code(), Some(0), "{events:?}");
    assert_eq!(real.counts().proved, 1);
    signal(unit, Signal::CONT);
    slow.wait_event("finished");
    wire.set_down(false);
    let delivered = slow.wait_event("delivered");
    assert_eq!(delivered["status"], "already_proved");
    let (status, events) = slow.end();
    assert_eq!(status.code(), Some(0), "{events:?}");
    real.assert_all_proved_once();
}

#[test]
fn an_hour_of_clock_skew() {
    for clock in [3600, -3600] {
        let (real, state) = (Real::set_up(SMALL, &[r#"{"n": "20"}"#], &Setup { clock, ..Setup::default() }), folder());
        let (status, events) = Donor::run(state.path(), &real.address, &["--max-units", "1"]).end();
        assert_eq!(status.code(), Some(0), "{events:?}");
        real.assert_all_proved_once();
    }
}

#[test]
fn one_executes_and_another_proves() {
    let (real, one, two) = (Real::with(SMALL, &[r#"{"n": "70"}"#]), folder(), folder());
    let (status, events) = Donor::run(one.path(), &real.address, &["--execute-only", "--max-units", "1"]).end();
    assert_eq!(status.code(), Some(0), "{events:?}");
    assert_eq!(real.counts().executed, 1);
    let (status, events) = Donor::run(two.path(), &real.address, &["--prove-only", "--max-units", "1"]).end();
    assert_eq!(status.code(), Some(0), "{events:?}");
    real.assert_all_proved_once();
}

#[test]
fn a_program_that_fails_on_each_donor_is_set_aside() {
    let real = Real::with("hostile/infinite_loop.json", &["{}"]);
    for reports in 1..=3 {
        let state = folder();
        real.trust(state.path());
        let (status, events) = Donor::run(state.path(), &real.address, &["--max-units", "1"]).end();
        assert_eq!(status.code(), Some(0), "{events:?}");
        let detail = real.unit(0);
        assert_eq!((detail.unit.suspect, detail.reports.len()), (reports < 3, reports), "{detail:?}");
    }
    let detail = real.unit(0);
    assert_eq!(detail.unit.state, UnitState::Failed);
    assert_eq!(detail.unit.failure.unwrap().cause, FailureCause::StepLimit);
}

#[test]
fn an_unknown_project() {
    let (real, state) = (Real::with(SMALL, &[r#"{"n": "5"}"#]), folder());
    let (status, events) = Donor::run(state.path(), &real.address, &["--project", "nowhere"]).end();
    assert_eq!(status.code(), Some(1), "{events:?}");
    let told = |event: &serde_json::Value| event["message"].as_str().is_some_and(|text| text.contains("nowhere"));
    assert!(events.iter().any(told), "{events:?}");
}
