//! Everything that can go wrong around a donor, on real processes. Afterwards every unit is proved exactly once and no
//! finished proof is lost.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::grid::{Grid, PROJECT};
use common::process::{Donor, command, cpu_seconds, donor, is_alive, signal, unit_of};
use common::wire::Wire;
use protocol::{Cause, FailureCause};
use rustix::process::Signal;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

const SMALL: &str = "cairo0/sum_to_n.json";
/// 262,000 steps.
const LARGE: &str = "bench/primes_2p18.json";
/// A share of the machine at which a large unit takes seconds.
const SLOWLY: &[&str] = &["--max-cpu", "5"];

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn files(folder: &Path) -> Vec<String> {
    let Ok(files) = std::fs::read_dir(folder) else { return Vec::new() };
    files.flatten().map(|file| file.file_name().to_string_lossy().into_owned()).collect()
}

/// Nothing of any unit is left on disk. The key of a lease request that was cut off is kept for the next request.
fn assert_clean(state: &Path) {
    for name in ["leases", "executions", "outbox", "refused", "set-aside"] {
        let mut left = files(&state.join(name));
        left.retain(|file| (name, file.as_str()) != ("leases", "request"));
        assert_eq!(left, Vec::<String>::new(), "{name}");
    }
}

/// Runs until one unit is delivered.
fn deliver_one(state: &Path, server: &str) {
    let (status, events) = Donor::run(state, server, &["--max-units", "1"]).end();
    assert!(status.success(), "{events:?}");
}

#[test]
fn one_unit_from_lease_to_acknowledgement() {
    let (grid, state) = (Grid::of(SMALL).with_units(&[r#"{"n": "100"}"#]), folder());
    let (status, events) = Donor::run(state.path(), &grid.address, &["--project", PROJECT, "--max-units", "1"]).end();
    assert_eq!(status.code(), Some(0), "{events:?}");
    grid.assert_all_proved_once();
    assert_clean(state.path());
    for name in ["started", "unit", "finished", "delivered", "ended"] {
        assert!(events.iter().any(|event| event["event"] == name), "{name}: {events:?}");
    }
    let history = std::fs::read_to_string(state.path().join("history.jsonl")).unwrap();
    assert_eq!(history.lines().count(), 1);
}

#[test]
fn a_cairo_2_unit() {
    let (grid, state) = (Grid::of("cairo2/loop_n.executable.json").with_units(&["[\"200\"]"]), folder());
    deliver_one(state.path(), &grid.address);
    grid.assert_all_proved_once();
}

/// Kills the donor while its unit is in this phase, and starts it again.
fn killed_in(phase: &str) {
    let (grid, state) = (Grid::of(LARGE).with_units(&["{}"]), folder());
    let (first, unit) = Donor::run_to(phase, state.path(), &grid.address, &[]);
    first.kill();
    wait_for_death(unit);
    assert!(grid.world().units[0].proofs.is_empty(), "killed in {phase}: nothing was sent yet");
    deliver_one(state.path(), &grid.address);
    grid.assert_all_proved_once();
    assert_eq!(grid.world().units[0].leases, 1, "killed in {phase}: it went on with its lease");
    assert_clean(state.path());
}

#[test]
fn killed_in_each_phase_of_a_units_process() {
    const PHASES: [&str; 8] =
        ["execute", "witness", "main", "lookup", "quotient", "openings", "fri", "verify own proof"];
    PHASES.into_iter().for_each(killed_in);
}

/// The unit's process must not survive its donor.
fn wait_for_death(unit: u32) {
    let begin = std::time::Instant::now();
    while is_alive(unit) {
        assert!(begin.elapsed().as_secs() < 10, "the unit's process {unit} outlives its donor");
        std::thread::yield_now();
    }
}

#[test]
fn killed_while_it_downloads() {
    let (grid, state) = (Grid::of(SMALL).with_units(&[r#"{"n": "50"}"#]), folder());
    grid.world().script.stall = Some("program");
    // Else it may be asking for another unit meanwhile, and would ask again later.
    let first = Donor::run(state.path(), &grid.address, &["--at-once", "1"]);
    grid.wait_until("a download", |world| world.requests.iter().any(|request| request == "GET program"));
    first.kill();
    grid.world().script.stall = None;
    deliver_one(state.path(), &grid.address);
    grid.assert_all_proved_once();
    assert_eq!(grid.world().units[0].leases, 1);
    assert_clean(state.path());
}

#[test]
fn killed_while_it_uploads() {
    let (grid, state) = (Grid::of(SMALL).with_units(&[r#"{"n": "50"}"#]), folder());
    grid.world().script.stall = Some("proof");
    let first = Donor::run(state.path(), &grid.address, &[]);
    grid.wait_until("the proof", |world| !world.units[0].proofs.is_empty());
    first.kill();
    assert_eq!(files(&state.path().join("outbox")).len(), 2, "without an acknowledgement it is kept");
    grid.world().script.stall = None;
    let mut second = Donor::run(state.path(), &grid.address, &[]);
    let delivered = second.wait_event("delivered");
    assert_eq!(delivered["status"], "accepted", "the same proof again gets the same answer");
    second.wait_for("no work", |event| event["event"] == "waiting");
    second.interrupt();
    assert_eq!(second.end().0.code(), Some(0));
    grid.assert_all_proved_once();
    assert_eq!(grid.world().units[0].submissions, 2);
    assert_clean(state.path());
}

#[test]
fn killed_between_proof_and_delivery() {
    let (grid, state) = (Grid::of(SMALL).with_units(&[r#"{"n": "50"}"#]), folder());
    grid.world().script.unavailable = true;
    let mut first = Donor::run(state.path(), &grid.address, &[]);
    first.wait_event("finished");
    first.wait_for("failed delivery", |event| event["event"] == "waiting");
    first.kill();
    assert_eq!(files(&state.path().join("outbox")).len(), 2);
    grid.world().script.unavailable = false;
    let mut second = Donor::run(state.path(), &grid.address, &[]);
    second.wait_event("delivered");
    grid.assert_all_proved_once();
    second.interrupt();
    let (status, events) = second.end();
    assert_eq!(status.code(), Some(0), "{events:?}");
    assert_eq!(grid.world().units[0].leases, 1, "the outbox was enough");
    assert_clean(state.path());
}

#[test]
fn killed_between_the_lease_and_its_record() {
    let (grid, state) = (Grid::of(SMALL).with_units(&[r#"{"n": "50"}"#]), folder());
    let (first, _) = Donor::run_to("execute", state.path(), &grid.address, &[]);
    let token = grid.world().units[0].lease.as_ref().unwrap().0;
    first.kill();
    // As if the donor had died before it wrote the lease down: only the request's key is there.
    let lease = files(&state.path().join("leases")).into_iter().find(|name| name.ends_with(".json")).unwrap();
    std::fs::remove_file(state.path().join("leases").join(lease)).unwrap();
    let key = grid.world().units[0].lease.as_ref().unwrap().3;
    write_request(state.path(), &format!("{key}"));
    deliver_one(state.path(), &grid.address);
    grid.assert_all_proved_once();
    assert_eq!(grid.world().units[0].lease.as_ref().unwrap().0, token, "the same lease came again");
}

fn write_request(state: &Path, key: &str) {
    let folder = donor::state::Folder::open(state).unwrap();
    donor::state::record::save(&folder.path("leases").join("request"), "request", &key).unwrap();
}

#[test]
fn the_network_is_cut_during_each_upload() {
    let (grid, state) = (Grid::of(SMALL).with_units(&[r#"{"n": "50"}"#]), folder());
    let wire = Wire::to(&grid.address);
    wire.cut_after(20_000);
    let mut first = Donor::run(state.path(), &wire.address, &["--max-units", "1"]);
    first.wait_event("finished");
    for _ in 0..2 {
        first.wait_event("waiting");
    }
    assert!(wire.cuts() >= 2);
    assert!(grid.world().units[0].proofs.is_empty());
    wire.cut_after(0);
    let (status, events) = first.end();
    assert_eq!(status.code(), Some(0), "{events:?}");
    grid.assert_all_proved_once();
    assert_clean(state.path());
}

#[test]
fn lost_answers_cost_nothing() {
    let (grid, state) = (Grid::of(SMALL).with_units(&[r#"{"n": "50"}"#]), folder());
    grid.world().script.lose_answers = 2;
    deliver_one(state.path(), &grid.address);
    grid.assert_all_proved_once();
    assert_eq!(grid.world().units[0].submissions, 3);
    assert_clean(state.path());
}

#[test]
fn the_network_is_gone_for_the_whole_proof() {
    let (grid, state) = (Grid::of(LARGE).with_units(&["{}"]), folder());
    grid.world().script.lease_seconds = 2;
    let wire = Wire::to(&grid.address);
    let (mut first, unit) = Donor::run_to("execute", state.path(), &wire.address, &["--max-units", "1"]);
    wire.set_down(true);
    signal(unit, Signal::CONT);
    first.wait_event("finished");
    first.wait_for("failed delivery", |event| event["event"] == "waiting");
    wire.set_down(false);
    let (status, events) = first.end();
    assert_eq!(status.code(), Some(0), "{events:?}");
    grid.assert_all_proved_once();
}

#[test]
fn an_hour_of_clock_skew() {
    for clock in [3600, -3600] {
        let (grid, state) = (Grid::of(SMALL).with_units(&[r#"{"n": "20"}"#]), folder());
        grid.world().script.clock = clock;
        deliver_one(state.path(), &grid.address);
        grid.assert_all_proved_once();
    }
}

#[test]
fn a_killed_unit_costs_one_attempt_and_not_the_donor() {
    let (grid, state) = (Grid::of(LARGE).with_units(&["{}", "{}"]), folder());
    // If it were one of several, nobody would know which is to blame.
    grid.world().script.most_units = 1;
    let (mut first, unit) = Donor::run_to("main", state.path(), &grid.address, &["--max-units", "2"]);
    // As the kernel does for lack of memory, but it is not the kernel that does it.
    signal(unit, Signal::KILL);
    let failed = first.wait_event("failed");
    assert_eq!(failed["cause"], "stopped");
    let (status, events) = first.end();
    assert_eq!(status.code(), Some(0), "{events:?}");
    let world = grid.world();
    assert_eq!(world.units[0].failures[0].cause, FailureCause::Stopped);
    assert_eq!(world.units[1].proofs.len(), 1);
}

#[test]
fn a_unit_that_needs_more_memory_than_lent_is_given_back() {
    // One whose proof is known to take more before it begins, and one that does not come so far.
    for (program, unit, detail) in [
        ("bench/cairo0/network.json", r#"{"n": "200"}"#, "the proof would take about"),
        ("cairo0/range_count.json", r#"{"lo": "2", "hi": "5000"}"#, "than the system gives it"),
    ] {
        let (grid, state) = (Grid::of(program).with_units(&[unit]), folder());
        grid.world().limits.max_steps = 1 << 22;
        let run = Donor::run(state.path(), &grid.address, &["--max-units", "1", "--max-memory", "250M"]);
        let (status, events) = run.end();
        assert_eq!(status.code(), Some(0), "{events:?}");
        let failure = grid.world().units[0].failures[0].clone();
        assert_eq!(failure.cause, FailureCause::OutOfMemory, "{program}: {failure:?}");
        assert!(failure.detail.contains(detail), "{program}: {failure:?}");
        assert_clean(state.path());
    }
}

#[test]
fn two_donors_share_the_work() {
    let units: Vec<String> = (0..4).map(|n| format!(r#"{{"n": "{}"}}"#, 20 + n)).collect();
    let units: Vec<&str> = units.iter().map(String::as_str).collect();
    let (grid, one, two) = (Grid::of(SMALL).with_units(&units), folder(), folder());
    let first = Donor::run(one.path(), &grid.address, &[]);
    let second = Donor::run(two.path(), &grid.address, &[]);
    grid.wait_until("all proofs", |world| world.units.iter().all(|unit| !unit.proofs.is_empty()));
    for donor in [first, second] {
        donor.interrupt();
        let (status, events) = donor.end();
        assert_eq!(status.code(), Some(0), "{events:?}");
    }
    grid.assert_all_proved_once();
}

#[test]
fn executing_and_proving_apart() {
    let (grid, one, two) = (Grid::of(SMALL).with_units(&[r#"{"n": "60"}"#]), folder(), folder());
    let (status, events) = Donor::run(one.path(), &grid.address, &["--execute-only", "--max-units", "1"]).end();
    assert!(status.success(), "{events:?}");
    assert!(grid.world().units[0].execution.is_some());
    assert_clean(one.path());
    let (status, events) = Donor::run(two.path(), &grid.address, &["--prove-only", "--max-units", "1"]).end();
    assert!(status.success(), "{events:?}");
    grid.assert_all_proved_once();
    assert_clean(two.path());
}

/// Runs the donor on a tiny file system with a ballast that can be taken off.
fn on_a_small_disk(state: &Path, server: &str, ballast: &str) -> Option<Donor> {
    let script = format!(
        "mount -t tmpfs -o size=1m tmpfs \"$STATE\" && head -c {ballast} /dev/zero > \"$STATE/ballast\" && \
         exec \"$DONOR\" run --json --no-yield --max-cpu 100 --max-units 1 --server {server} --state \"$STATE\""
    );
    let probe = Command::new("unshare")
        .args(["--map-root-user", "--mount", "mount", "-t", "tmpfs", "tmpfs"])
        .arg(state)
        .status();
    if !probe.is_ok_and(|status| status.success()) {
        eprintln!("skipped: this machine lets nobody mount a small disk");
        return None;
    }
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--mount", "sh", "-c", &script]);
    command.env("STATE", state).env("DONOR", env!("CARGO_BIN_EXE_donor"));
    Some(Donor::start(&mut command))
}

#[test]
fn a_full_disk_only_makes_a_finished_proof_wait() {
    let (grid, state) = (Grid::of(SMALL).with_units(&[r#"{"n": "300"}"#]), folder());
    let Some(mut run) = on_a_small_disk(state.path(), &grid.address, "970k") else { return };
    let warning = run
        .wait_for("full disk", |event| event["message"].as_str().is_some_and(|text| text.contains("Free some space")));
    assert!(warning["message"].as_str().unwrap().contains("finished but cannot write"), "{warning}");
    let ballast = format!("/proc/{}/root{}/ballast", run.id(), state.path().display());
    std::fs::remove_file(ballast).unwrap();
    let (status, events) = run.end();
    assert_eq!(status.code(), Some(0), "{events:?}");
    grid.assert_all_proved_once();
}

#[test]
fn damaged_state_is_set_aside_and_work_goes_on() {
    let (grid, state) = (Grid::of(LARGE).with_units(&["{}"]), folder());
    grid.world().script.lease_seconds = 3;
    let (first, _) = Donor::run_to("main", state.path(), &grid.address, &[]);
    first.kill();
    for place in ["leases", "executions", "programs"] {
        for name in files(&state.path().join(place)) {
            std::fs::write(state.path().join(place).join(name), b"cairn donor lease v1 sha256 00\nrubbish").unwrap();
        }
    }
    let (status, events) = Donor::run(state.path(), &grid.address, &["--max-units", "1"]).end();
    assert_eq!(status.code(), Some(0), "{events:?}");
    let told =
        |text: &str| events.iter().any(|event| event["message"].as_str().is_some_and(|message| message.contains(text)));
    assert!(told("damaged") && told("set aside"), "{events:?}");
    grid.assert_all_proved_once();
}

#[test]
fn a_damaged_proof_is_not_sent() {
    let (grid, state) = (Grid::of(SMALL).with_units(&[r#"{"n": "30"}"#]), folder());
    grid.world().script.unavailable = true;
    grid.world().script.lease_seconds = 3;
    let mut first = Donor::run(state.path(), &grid.address, &[]);
    first.wait_event("finished");
    first.kill();
    let outbox = state.path().join("outbox");
    let proof = files(&outbox).into_iter().find(|name| name.ends_with(".proof")).unwrap();
    let mut bytes = std::fs::read(outbox.join(&proof)).unwrap();
    bytes[1000] ^= 1;
    std::fs::write(outbox.join(&proof), bytes).unwrap();
    grid.world().script.unavailable = false;
    let (status, events) = Donor::run(state.path(), &grid.address, &["--max-units", "1"]).end();
    assert_eq!(status.code(), Some(0), "{events:?}");
    assert!(
        events.iter().any(|event| event["message"].as_str().is_some_and(|text| text.contains("set aside"))),
        "{events:?}"
    );
    grid.assert_all_proved_once();
    assert_eq!(grid.world().units[0].submissions, 1);
}

#[test]
fn a_refused_proof_ends_with_code_4_and_is_kept() {
    let (grid, state) = (Grid::of(SMALL).with_units(&[r#"{"n": "30"}"#]), folder());
    grid.world().script.refuse = Some(Cause::VerifyFailed);
    let (status, events) = Donor::run(state.path(), &grid.address, &["--max-units", "1"]).end();
    assert_eq!(status.code(), Some(4), "{events:?}");
    assert_eq!(files(&state.path().join("refused")).len(), 2);
    assert_eq!(files(&state.path().join("outbox")).len(), 0);
}

#[test]
fn interrupted_and_continued() {
    let (grid, state) = (Grid::of(LARGE).with_units(&["{}"]), folder());
    let mut first = Donor::run(state.path(), &grid.address, SLOWLY);
    first.wait_phase("main");
    first.interrupt();
    let (status, events) = first.end();
    assert_eq!(status.code(), Some(0), "{events:?}");
    let told = |event: &serde_json::Value| {
        event["message"].as_str().is_some_and(|text| text.contains("is unfinished; start again within"))
    };
    assert!(events.iter().any(told), "{events:?}");
    deliver_one(state.path(), &grid.address);
    grid.assert_all_proved_once();
    assert_eq!(grid.world().units[0].leases, 1);
}

#[test]
fn paused_resumed_finished_and_watched() {
    let (grid, state) = (Grid::of(LARGE).with_units(&["{}"]), folder());
    let mut run = Donor::run(state.path(), &grid.address, SLOWLY);
    run.wait_phase("main");
    let shown = || String::from_utf8(donor(state.path(), &["status"]).stdout).unwrap();
    // The status says so as soon as the command has returned.
    for _ in 0..3 {
        assert!(donor(state.path(), &["pause"]).status.success());
        let status = shown();
        assert!(status.contains("paused: you asked for it"), "{status}");
        assert!(donor(state.path(), &["resume"]).status.success());
        let status = shown();
        assert!(!status.contains("paused"), "{status}");
    }
    assert!(donor(state.path(), &["pause"]).status.success());
    let paused = run.wait_event("paused");
    assert_eq!(paused["reason"], "asked");
    let unit = unit_of(run.id()).unwrap();
    run.wait_for("a paused status", |event| event["event"] == "progress" && event["state"] == "paused");
    run.wait_for("a paused status", |event| event["event"] == "progress" && event["state"] == "paused");
    let before = cpu_seconds(unit).unwrap();
    run.wait_for("a paused status", |event| event["event"] == "progress" && event["state"] == "paused");
    run.wait_for("a paused status", |event| event["event"] == "progress" && event["state"] == "paused");
    let used = cpu_seconds(unit).unwrap() - before;
    assert!(used < 0.05, "{used} s were used while paused");
    let status = donor(state.path(), &["status"]);
    let text = String::from_utf8(status.stdout).unwrap();
    assert!(text.contains("paused: you asked for it"), "{text}");
    let second = command().args(["run", "--server", &grid.address, "--state"]).arg(state.path()).output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    let message = String::from_utf8(second.stderr).unwrap();
    assert!(message.contains("a donor already runs with the state folder"), "{message}");
    assert!(donor(state.path(), &["resume"]).status.success());
    run.wait_event("resumed");
    assert!(donor(state.path(), &["finish"]).status.success());
    let (status, events) = run.end();
    assert_eq!(status.code(), Some(0), "{events:?}");
    grid.assert_all_proved_once();
    let gone = donor(state.path(), &["pause"]);
    assert_eq!(gone.status.code(), Some(1));
}

#[test]
fn outside_the_schedule_it_says_so_and_takes_nothing() {
    let (grid, state) = (Grid::of(SMALL).with_units(&[r#"{"n": "5"}"#]), folder());
    let now = jiff::Zoned::now().time();
    let at = |hours: i64| now.wrapping_add(jiff::SignedDuration::from_hours(hours)).strftime("%H:%M").to_string();
    let mut run = Donor::run(state.path(), &grid.address, &["--schedule", &format!("{}-{}", at(2), at(3))]);
    let paused = run.wait_event("paused");
    assert_eq!(paused["reason"], "schedule");
    assert_eq!(paused["why"], format!("outside the schedule; it opens at {}", at(2)));
    run.wait_event("progress");
    run.interrupt();
    assert_eq!(run.end().0.code(), Some(0));
    assert_eq!(grid.world().units[0].leases, 0);
}

/// `HH:MM` so many minutes from now.
fn clock(minutes: i64) -> String {
    let now = jiff::Zoned::now().time();
    now.wrapping_add(jiff::SignedDuration::from_mins(minutes)).strftime("%H:%M").to_string()
}

#[test]
fn the_schedule_sets_the_cap_and_status_says_which_rule_holds() {
    let (grid, state) = (Grid::of(LARGE).with_units(&["{}"]), folder());
    let rules = format!("{}-{}=5, else=0", clock(-60), clock(120));
    let mut run = Donor::run(state.path(), &grid.address, &["--schedule", &rules]);
    run.wait_phase("execute");
    let progress = run.wait_for("progress", |event| event["event"] == "progress" && event["rule"].is_object());
    assert_eq!(progress["max_cpu"], 5.0);
    assert_eq!(progress["rule"]["until"], clock(120));
    let status = String::from_utf8(donor(state.path(), &["status"]).stdout).unwrap();
    let expected = format!("schedule   5 % until {} (`{}-{}=5`)\n", clock(120), clock(-60), clock(120));
    assert!(status.contains(&expected), "{status}");
    run.interrupt();
    assert_eq!(run.end().0.code(), Some(0));
}

#[test]
fn a_pause_for_some_time_outlives_the_donor() {
    let (grid, state) = (Grid::of(LARGE).with_units(&["{}"]), folder());
    let mut first = Donor::run(state.path(), &grid.address, SLOWLY);
    first.wait_phase("main");
    let asked = donor(state.path(), &["pause", "--for", "2h"]);
    let said = String::from_utf8(asked.stderr).unwrap();
    assert!(asked.status.success() && said.starts_with("paused for 2 h 00 min, until "), "{said}");
    first.wait_event("paused");
    first.kill();
    let mut second = Donor::run(state.path(), &grid.address, &[]);
    let paused = second.wait_event("paused");
    assert_eq!(paused["reason"], "asked");
    let why = paused["why"].as_str().unwrap();
    assert!(
        why.starts_with("you asked for it, for another 1 h 59 min")
            || why.starts_with("you asked for it, for another 2 h"),
        "{why}"
    );
    second.wait_for("a status", |event| event["event"] == "progress" && event["state"] == "paused");
    let status = String::from_utf8(donor(state.path(), &["status"]).stdout).unwrap();
    assert!(status.contains("paused: you asked for it, for another"), "{status}");
    assert!(donor(state.path(), &["resume"]).status.success());
    second.wait_event("resumed");
    second.kill();
    let (status, events) = Donor::run(state.path(), &grid.address, &["--max-units", "1"]).end();
    assert!(status.success(), "{events:?}");
    assert!(!events.iter().any(|event| event["event"] == "paused"), "`resume` ended it for good: {events:?}");
    grid.assert_all_proved_once();
}

#[test]
fn a_pause_for_some_time_ends_by_itself() {
    let (grid, state) = (Grid::of(LARGE).with_units(&["{}"]), folder());
    let mut run = Donor::run(state.path(), &grid.address, &[SLOWLY, &["--max-units", "1"]].concat());
    run.wait_phase("execute");
    assert!(donor(state.path(), &["pause", "--for", "1s"]).status.success());
    run.wait_event("paused");
    run.wait_event("resumed");
    assert!(!state.path().join("pause.json").exists());
    run.interrupt();
    assert_eq!(run.end().0.code(), Some(0));
}

#[test]
fn pauses_while_a_named_program_runs() {
    let (grid, state) = (Grid::of(SMALL).with_units(&[r#"{"n": "30"}"#]), folder());
    // A program of a name that no other has.
    let program = state.path().join("cairn-test-game");
    std::fs::copy("/bin/sleep", &program).unwrap();
    let mut game = Command::new(&program).arg("600").spawn().unwrap();
    let arguments = ["--pause-for", "no-such-program,CAIRN-test-Game", "--max-units", "1"];
    let mut run = Donor::run(state.path(), &grid.address, &arguments);
    let paused = run.wait_event("paused");
    assert_eq!((&paused["reason"], &paused["why"]), (&"program".into(), &"cairn-test-game runs".into()));
    game.kill().unwrap();
    game.wait().unwrap();
    run.wait_event("resumed");
    let (status, events) = run.end();
    assert!(status.success(), "{events:?}");
    grid.assert_all_proved_once();
}

/// An X server without a screen, and its display; none where it is not installed.
fn x_server() -> Option<(std::process::Child, String)> {
    use std::io::BufRead as _;
    let mut command = Command::new("Xvfb");
    command.args(["-displayfd", "1", "-screen", "0", "320x200x24", "-nolisten", "tcp"]);
    let Ok(mut server) = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::null()).spawn()
    else {
        eprintln!("skipped: there is no Xvfb on this machine");
        return None;
    };
    let mut display = String::new();
    std::io::BufReader::new(server.stdout.take().unwrap()).read_line(&mut display).unwrap();
    Some((server, format!(":{}", display.trim())))
}

#[test]
fn pauses_while_a_window_fills_the_screen() {
    use x11rb::connection::Connection as _;
    use x11rb::protocol::xproto::{AtomEnum, ConnectionExt as _, CreateWindowAux, PropMode, WindowClass};
    use x11rb::wrapper::ConnectionExt as _;
    let Some((mut server, display)) = x_server() else { return };
    let (connection, screen) = x11rb::connect(Some(&display)).unwrap();
    let (root, window) = (connection.setup().roots[screen].root, connection.generate_id().unwrap());
    let aux = CreateWindowAux::new();
    connection.create_window(0, window, root, 0, 0, 320, 200, 0, WindowClass::INPUT_OUTPUT, 0, &aux).unwrap();
    let atom = |name: &str| connection.intern_atom(false, name.as_bytes()).unwrap().reply().unwrap().atom;
    let (state, fullscreen) = (atom("_NET_WM_STATE"), atom("_NET_WM_STATE_FULLSCREEN"));
    connection.change_property32(PropMode::REPLACE, window, state, AtomEnum::ATOM, &[fullscreen]).unwrap();
    let activate = |window: u32| {
        let active = atom("_NET_ACTIVE_WINDOW");
        connection.change_property32(PropMode::REPLACE, root, active, AtomEnum::WINDOW, &[window]).unwrap();
        connection.flush().unwrap();
    };
    activate(window);
    let (grid, state) = (Grid::of(SMALL).with_units(&[r#"{"n": "30"}"#]), folder());
    let mut command = command();
    command.env("DISPLAY", &display).env_remove("WAYLAND_DISPLAY").env_remove("XDG_SESSION_TYPE");
    command.args(["run", "--json", "--no-yield", "--max-units", "1", "--pause-when-fullscreen"]);
    let mut run = Donor::start(command.args(["--server", &grid.address, "--state"]).arg(state.path()));
    assert_eq!(run.wait_event("paused")["reason"], "fullscreen");
    activate(0);
    run.wait_event("resumed");
    let (status, events) = run.end();
    assert!(status.success(), "{events:?}");
    assert!(!events.iter().any(|event| event["event"] == "warning"), "{events:?}");
    grid.assert_all_proved_once();
    server.kill().unwrap();
    server.wait().unwrap();
}

#[test]
fn what_cannot_be_seen_is_said() {
    let (grid, state) = (Grid::of(SMALL).with_units(&[r#"{"n": "30"}"#]), folder());
    let mut command = command();
    command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY").env_remove("XDG_SESSION_TYPE");
    command.args(["run", "--json", "--no-yield", "--pause-when-fullscreen", "--server", &grid.address, "--state"]);
    let mut run = Donor::start(command.arg(state.path()));
    let warning = run.wait_event("warning");
    let message = warning["message"].as_str().unwrap();
    assert_eq!(
        message,
        "whether a window fills the screen cannot be seen: there is no DISPLAY: the donor does not run in a graphical session"
    );
    run.wait_event("delivered");
    run.wait_event("progress");
    let status = String::from_utf8(donor(state.path(), &["status"]).stdout).unwrap();
    assert!(status.contains(&format!("unseen     {message}\n")), "{status}");
    run.interrupt();
    assert_eq!(run.end().0.code(), Some(0));
}

/// The cap can only be exceeded by the donor itself: a machine that is busy otherwise lets it use less.
fn assert_held(donor: &mut Donor, percent: f64, seconds: usize) {
    let (begin, before) = (std::time::Instant::now(), family_seconds(donor.id()));
    for _ in 0..seconds {
        donor.wait_for("progress", |event| event["event"] == "progress");
    }
    let used = family_seconds(donor.id()) - before;
    let cores = std::thread::available_parallelism().unwrap().get() as f64;
    let share = 100.0 * used / begin.elapsed().as_secs_f64() / cores;
    assert!(share < 1.4 * percent, "{share} % of the machine instead of {percent} %");
}

/// Processor seconds of the donor, its running unit, and its units that have ended.
fn family_seconds(donor: u32) -> f64 {
    let own = cpu_seconds(donor).unwrap() + common::process::ended_children_seconds(donor).unwrap();
    own + unit_of(donor).and_then(cpu_seconds).unwrap_or(0.0)
}

#[test]
fn the_cap_holds_within_a_unit() {
    let (grid, state) = (Grid::of("bench/primes_2p20.json").with_units(&["{}"]), folder());
    let mut run = Donor::run(state.path(), &grid.address, &["--max-cpu", "4"]);
    run.wait_phase("witness");
    assert_held(&mut run, 4.0, 4);
    assert!(unit_of(run.id()).is_some(), "the unit ended too early to show anything");
}

#[test]
fn the_cap_holds_over_many_small_units() {
    let units: Vec<&str> = vec![r#"{"n": "100"}"#; 400];
    let (grid, state) = (Grid::of(SMALL).with_units(&units), folder());
    let mut run = Donor::run(state.path(), &grid.address, &["--max-cpu", "20"]);
    run.wait_event("delivered");
    assert_held(&mut run, 20.0, 5);
    assert!(grid.world().units.iter().filter(|unit| !unit.proofs.is_empty()).count() > 2);
}

#[test]
fn several_units_at_once() {
    let units: Vec<&str> = vec!["{}"; 4];
    let (grid, state) = (Grid::of(LARGE).with_units(&units), folder());
    grid.world().script.most_units = 1;
    let arguments = ["--max-units", "4", "--at-once", "2", "--threads", "2", "--max-memory", "2G"];
    let mut run = Donor::run(state.path(), &grid.address, &[&arguments, SLOWLY].concat());
    run.wait_for("two units at once", |event| event["units"].as_array().is_some_and(|units| units.len() == 2));
    run.interrupt();
    assert_eq!(run.end().0.code(), Some(0));
    let (status, events) = Donor::run(state.path(), &grid.address, &arguments).end();
    assert_eq!(status.code(), Some(0), "{events:?}");
    assert!(events.iter().any(|event| event["resumed"] == true), "{events:?}");
    grid.assert_all_proved_once();
    assert!(grid.world().units.iter().all(|unit| unit.leases == 1), "both went on with their leases");
    assert_clean(state.path());
}
