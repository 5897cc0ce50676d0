//! Fetching the next unit while one is worked on, and limits on the network, on real processes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::grid::Grid;
use common::process::{Donor, donor, signal};
use common::real::Real;
use protocol::UnitState;
use rustix::process::Signal;
use serde_json::Value;
use std::time::{Duration, Instant};

const SMALL: &str = "cairo0/sum_to_n.json";
/// 65,000 steps.
const LARGE: &str = "bench/primes_2p16.json";
/// 262,000 steps.
const LARGER: &str = "bench/primes_2p18.json";

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn position(events: &[Value], what: &str, condition: impl Fn(&Value) -> bool) -> usize {
    events.iter().position(condition).unwrap_or_else(|| panic!("no {what}: {events:?}"))
}

#[test]
fn the_next_unit_is_there_before_one_ends() {
    let (real, state) = (Real::with(LARGER, &["{}", "{}", "{}"]), folder());
    let run = Donor::run(state.path(), &real.address, &["--at-once", "1", "--max-units", "3"]);
    let (status, events) = run.end();
    assert_eq!(status.code(), Some(0), "{events:?}");
    real.assert_all_proved_once();
    let units: Vec<&Value> =
        events.iter().filter(|event| event["event"] == "unit").map(|event| &event["unit"]).collect();
    assert_eq!(units.len(), 3);
    // The first one's length is not known before it has ended.
    for pair in units.windows(2).skip(1) {
        let fetched = position(&events, "ahead", |event| event["event"] == "ahead" && event["unit"] == *pair[1]);
        let finished = position(&events, "finished", |event| event["event"] == "finished" && event["unit"] == *pair[0]);
        assert!(fetched < finished, "{events:?}");
    }
    assert!((0..3).all(|unit| real.unit(unit).attempts.len() == 1));
}

/// Runs to where the second unit is fetched while the first one's process is stopped. Returns that process and the unit.
fn with_one_ahead(state: &std::path::Path, server: &str) -> (Donor, u32, String) {
    let (mut donor, process) = Donor::run_to("fri", state, server, &[]);
    let ahead = donor.event("ahead");
    (donor, process, ahead["unit"].as_str().unwrap().to_owned())
}

#[test]
fn a_kill_loses_nothing_of_what_was_fetched_ahead() {
    let (real, state) = (Real::with(LARGE, &["{}", "{}"]), folder());
    let (first, ..) = with_one_ahead(state.path(), &real.address);
    first.kill();
    let run = Donor::run(state.path(), &real.address, &["--at-once", "1", "--max-units", "2"]);
    let (status, events) = run.end();
    assert_eq!(status.code(), Some(0), "{events:?}");
    real.assert_all_proved_once();
    assert!((0..2).all(|unit| real.unit(unit).attempts.len() == 1), "both went on under their leases");
}

#[test]
fn what_was_fetched_ahead_is_given_back_when_the_donor_stops() {
    let (real, state) = (Real::with(LARGE, &["{}", "{}"]), folder());
    let (first, process, ahead) = with_one_ahead(state.path(), &real.address);
    assert_eq!(real.counts().queued, 0);
    first.interrupt();
    signal(process, Signal::CONT);
    let (status, events) = first.end();
    assert_eq!(status.code(), Some(0), "{events:?}");
    let index = real.units.iter().position(|unit| unit.to_string() == ahead).unwrap();
    assert_eq!(real.unit(index).unit.state, UnitState::Queued, "{events:?}");
    assert!(!state.path().join("leases").join(format!("{ahead}.json")).exists());
    let (status, events) = Donor::run(state.path(), &real.address, &["--max-units", "2"]).end();
    assert_eq!(status.code(), Some(0), "{events:?}");
    real.assert_all_proved_once();
}

#[test]
fn finish_and_max_units_fetch_nothing_ahead() {
    let (real, state) = (Real::with(LARGE, &["{}", "{}"]), folder());
    let run = Donor::run(state.path(), &real.address, &["--at-once", "1", "--max-units", "1"]);
    let (status, events) = run.end();
    assert_eq!(status.code(), Some(0), "{events:?}");
    assert!(!events.iter().any(|event| event["event"] == "ahead"), "{events:?}");
    let counts = real.counts();
    assert_eq!((counts.proved, counts.queued), (1, 1));

    let (real, state) = (Real::with(LARGE, &["{}", "{}"]), folder());
    let (first, process) = Donor::run_to("execute", state.path(), &real.address, &[]);
    assert!(donor(state.path(), &["finish"]).status.success());
    signal(process, Signal::CONT);
    let (status, events) = first.end();
    assert_eq!(status.code(), Some(0), "{events:?}");
    assert!(!events.iter().any(|event| event["event"] == "ahead"), "{events:?}");
    let counts = real.counts();
    assert_eq!((counts.proved, counts.queued), (1, 1));
}

#[test]
fn finish_gives_back_what_was_fetched_ahead() {
    let (real, state) = (Real::with(LARGE, &["{}", "{}"]), folder());
    let (first, process, ahead) = with_one_ahead(state.path(), &real.address);
    assert!(donor(state.path(), &["finish"]).status.success());
    real.wait_until("the unit to be given back", |counts| counts.queued == 1);
    signal(process, Signal::CONT);
    let (status, events) = first.end();
    assert_eq!(status.code(), Some(0), "{events:?}");
    let counts = real.counts();
    assert_eq!((counts.proved, counts.queued), (1, 1));
    assert!(!state.path().join("leases").join(format!("{ahead}.json")).exists());
}

#[test]
fn the_lease_of_a_unit_that_waits_is_kept_alive() {
    let (grid, state) = (Grid::of(LARGE).with_units(&["{}", "{}"]), folder());
    grid.world().script.lease_seconds = 2;
    let (donor, unit, _) = with_one_ahead(state.path(), &grid.address);
    let ahead = grid.world().units[1].lease.as_ref().unwrap().0;
    let renewed = format!("/v1/leases/{ahead}/renew");
    grid.wait_until("renewals", |world| {
        world.requests.iter().filter(|request| request.ends_with(&renewed)).count() >= 3
    });
    signal(unit, Signal::CONT);
    grid.wait_until("both proofs", |world| world.units.iter().all(|unit| unit.proofs.len() == 1));
    donor.interrupt();
    assert_eq!(donor.end().0.code(), Some(0));
    assert!(grid.world().units.iter().all(|unit| unit.leases == 1));
}

/// `HH:MM` so many minutes from now.
fn clock(minutes: i64) -> String {
    let now = jiff::Zoned::now().time();
    now.wrapping_add(jiff::SignedDuration::from_mins(minutes)).strftime("%H:%M").to_string()
}

#[test]
fn outside_the_network_hours_results_wait_and_their_leases_are_kept() {
    let (grid, state) = (Grid::of(LARGE).with_units(&["{}", "{}"]), folder());
    grid.world().script.lease_seconds = 4;
    let (first, _) = Donor::run_to("fri", state.path(), &grid.address, &["--no-fetch-ahead"]);
    first.kill();
    let hours = format!("{}-{}", clock(120), clock(180));
    let mut second = Donor::run(state.path(), &grid.address, &["--at-once", "1", "--network-hours", &hours]);
    second.wait_event("finished");
    let lease = grid.world().units[0].lease.as_ref().unwrap().0;
    let renewed = format!("/v1/leases/{lease}/renew");
    let renewals =
        |world: &common::grid::World| world.requests.iter().filter(|request| request.ends_with(&renewed)).count();
    let before = renewals(&grid.world());
    grid.wait_until("renewals", |world| renewals(world) >= before + 2);
    let waiting = second.wait_for("the reason", |event| event["event"] == "progress" && event["state"] == "waiting");
    let why = format!("outside the network hours, which begin at {}", clock(120));
    assert_eq!(waiting["network_closed"], why);
    assert!(waiting["reason"].as_str().unwrap().contains(&why), "{waiting}");
    assert_eq!(waiting["outbox"], 1);
    assert!(grid.world().units[0].proofs.is_empty() && grid.world().units[1].leases == 0);
    second.interrupt();
    assert_eq!(second.end().0.code(), Some(0));
    let (status, events) = Donor::run(state.path(), &grid.address, &["--max-units", "1"]).end();
    assert_eq!(status.code(), Some(0), "{events:?}");
    grid.assert_all_proved_once();
}

#[test]
fn a_volume_that_is_used_up_stays_so_after_a_restart() {
    let units: Vec<&str> = vec![r#"{"n": "3000"}"#; 40];
    let (grid, state) = (Grid::of(SMALL).with_units(&units), folder());
    let limit = ["--max-network-per-day", "1MB"];
    let mut first = Donor::run(state.path(), &grid.address, &limit);
    let closed = first.wait_for("the end of the volume", |event| event["network_closed"].is_string());
    assert_eq!(closed["network_closed"], "the 1.0 MB for today are used up; it goes on at 00:00");
    first.interrupt();
    assert_eq!(first.end().0.code(), Some(0));
    let leases: u32 = grid.world().units.iter().map(|unit| unit.leases).sum();
    let mut second = Donor::run(state.path(), &grid.address, &limit);
    let progress = second.wait_for("progress", |event| event["event"] == "progress");
    assert!(progress["network_used"][0].as_u64().unwrap() >= 1_000_000, "{progress}");
    second.wait_for("a wait", |event| event["event"] == "progress" && event["network_closed"].is_string());
    second.interrupt();
    assert_eq!(second.end().0.code(), Some(0));
    assert_eq!(grid.world().units.iter().map(|unit| unit.leases).sum::<u32>(), leases, "nothing more was fetched");
}

#[test]
fn a_slow_upload_takes_its_time_and_arrives() {
    let (grid, state) = (Grid::of(SMALL).with_units(&[r#"{"n": "50"}"#]), folder());
    let mut run = Donor::run(state.path(), &grid.address, &["--max-upload", "64kB/s", "--max-units", "1"]);
    let finished = run.wait_event("finished");
    let begin = Instant::now();
    run.wait_event("delivered");
    let least = Duration::from_secs_f64(finished["bytes"].as_f64().unwrap() / 64e3 * 0.7);
    assert!(begin.elapsed() >= least, "{:?} for {}", begin.elapsed(), finished["bytes"]);
    let (status, events) = run.end();
    assert_eq!(status.code(), Some(0), "{events:?}");
    grid.assert_all_proved_once();
}
