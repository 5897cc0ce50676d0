//! The command line's words, pinned: help, errors, tables, exit codes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::grid::Grid;
use common::process::command;
use donor::governor::machine::since_boot;
use donor::state::Folder;
use donor::state::pause::{Length, Pause};
use std::path::Path;

/// Runs the donor and writes down exit code and output, with what differs between machines replaced.
fn said(state: &Path, arguments: &[&str]) -> String {
    let output = command().args(arguments).env("CAIRN_DONOR_STATE", state).env("COLUMNS", "100").output().unwrap();
    let clean = |bytes: Vec<u8>| {
        let text = String::from_utf8(bytes).unwrap().replace(&state.display().to_string(), "STATE");
        let hidden = text.lines().map(|line| match line.split_once("      ") {
            Some(("donor", _)) => "donor      KEY",
            _ if line.starts_with("sandbox    whole") => "sandbox    WALLS",
            _ => line,
        });
        hidden.map(|line| format!("{line}\n")).collect::<String>()
    };
    let (out, err) = (clean(output.stdout), clean(output.stderr));
    format!("donor {}\nexit {}\n--- stdout\n{out}--- stderr\n{err}", arguments.join(" "), output.status.code().unwrap())
}

fn all(state: &Path, commands: &[&[&str]]) -> String {
    commands.iter().map(|arguments| said(state, arguments)).collect::<Vec<_>>().join("\n")
}

#[test]
fn help() {
    let state = tempfile::tempdir().unwrap();
    insta::assert_snapshot!(all(
        state.path(),
        &[&["--help"], &["run", "--help"], &["config", "--help"], &["bench", "-h"]]
    ));
}

#[test]
fn usage_errors() {
    let state = tempfile::tempdir().unwrap();
    let commands: &[&[&str]] = &[
        &[],
        &["walk"],
        &["run", "--max-cpu", "0"],
        &["run", "--max-cpu", "many"],
        &["run", "--max-memory", "12M"],
        &["run", "--max-memory", "lots"],
        &["run", "--threads", "0"],
        &["run", "--schedule", "22-7"],
        &["run", "--project", "No Such"],
        &["run", "--execute-only", "--prove-only"],
        &["run", "--server", "grid.example.org"],
        &["run"],
        &["projects"],
    ];
    insta::assert_snapshot!(all(state.path(), commands));
}

#[test]
fn settings() {
    let state = tempfile::tempdir().unwrap();
    let commands: &[&[&str]] = &[
        &["config", "list"],
        &["config", "set", "server", "http://127.0.0.1:1"],
        &["config", "set", "max-cpu", "30%"],
        &["config", "get", "max-cpu"],
        &["config", "get", "threads"],
        &["config", "unset", "max-cpu"],
        &["config", "set", "max-cpu", "300"],
        &["config", "set", "colour", "red"],
        &["config", "set", "resume-below", "90"],
        &["config", "list"],
    ];
    insta::assert_snapshot!(all(state.path(), commands));
}

#[test]
fn without_a_running_donor() {
    let state = tempfile::tempdir().unwrap();
    insta::assert_snapshot!(all(state.path(), &[&["status"], &["pause"], &["resume"], &["finish"]]));
}

#[test]
fn an_unreachable_distributor() {
    let state = tempfile::tempdir().unwrap();
    // A port that was just given back.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let server = format!("http://127.0.0.1:{port}");
    let run = said(state.path(), &["run", "--server", &server, "--patience", "1", "--max-cpu", "100", "--no-yield"]);
    assert!(run.contains("exit 3\n"), "{run}");
    let last = run.lines().last().unwrap().replace(&port.to_string(), "PORT");
    let projects = said(state.path(), &["projects", "--server", &server]).replace(&port.to_string(), "PORT");
    insta::assert_snapshot!(format!("{last}\n\n{projects}"));
}

/// A wrong address or project is told at the start, also if work begins with a pause.
#[test]
fn patience_counts_while_work_is_paused() {
    let state = tempfile::tempdir().unwrap();
    let folder = Folder::open(state.path()).unwrap();
    let pause = || {
        let (now, steady) = (protocol::Timestamp::now(), since_boot());
        let mut pause = Pause::new(Length::For(std::time::Duration::from_secs(7200)), now, steady).unwrap();
        pause.keep(&folder, now, steady).unwrap();
    };
    pause();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let server = format!("http://127.0.0.1:{port}");
    let run = said(state.path(), &["run", "--server", &server, "--patience", "1", "--no-yield"]);
    assert!(run.contains("exit 3\n") && run.contains("paused: you asked for it"), "{run}");
    assert!(run.lines().last().unwrap().contains("cannot be reached"), "{run}");
    let grid = Grid::of("cairo0/sum_to_n.json");
    let unknown = said(state.path(), &["run", "--server", &grid.address, "--no-yield", "--project", "nowhere"]);
    assert!(unknown.contains("exit 1\n") && unknown.contains("paused: you asked for it"), "{unknown}");
    let last = unknown.lines().last().unwrap().replace(&grid.address, "SERVER");
    assert_eq!(last, "donor: there is no such project. `donor projects` lists the projects of SERVER");
    assert!(!grid.world().requests.iter().any(|request| request.contains("/v1/leases")), "nothing is lent meanwhile");
}

#[test]
fn an_unknown_project_and_another_version() {
    let state = tempfile::tempdir().unwrap();
    let grid = Grid::of("cairo0/sum_to_n.json");
    let arguments = ["run", "--server", &grid.address, "--no-yield", "--project", "nowhere"];
    let unknown = said(state.path(), &arguments);
    grid.world().script.version = 99;
    let version = said(state.path(), &arguments);
    let last = |text: &str| {
        let exit = text.lines().nth(1).unwrap().to_owned();
        format!("{exit}: {}", text.lines().last().unwrap().replace(&grid.address, "SERVER"))
    };
    insta::assert_snapshot!(format!("{}\n{}", last(&unknown), last(&version)));
}

#[test]
fn damaged_files() {
    let state = tempfile::tempdir().unwrap();
    std::fs::write(state.path().join("config.toml"), "server = 'http://127.0.0.1:1'\nmax-cpu = [").unwrap();
    let config = said(state.path(), &["status"]);
    std::fs::write(state.path().join("config.toml"), "max-cpu = 0\n").unwrap();
    let value = said(state.path(), &["config", "list"]);
    std::fs::remove_file(state.path().join("config.toml")).unwrap();
    std::fs::write(state.path().join("key"), "nonsense").unwrap();
    let key = said(state.path(), &["status"]);
    insta::assert_snapshot!([config, value, key].join("\n"));
}

#[test]
fn a_state_folder_that_cannot_be_made() {
    let state = tempfile::tempdir().unwrap();
    std::fs::write(state.path().join("file"), "").unwrap();
    let message = said(&state.path().join("file/below"), &["status"]);
    insta::assert_snapshot!(message);
}

#[test]
fn the_inner_command_is_not_for_people() {
    let output = command().arg("work-unit").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("this is an inner command of `donor run`"), "{message}");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_fault() {
    let state = tempfile::tempdir().unwrap();
    assert!(said(state.path(), &["config", "set", "max-cpu", "30"]).contains("exit 0"));
    for arguments in [
        &["status"][..],
        &["status", "--json"],
        &["config", "list"],
        &["config", "get", "max-cpu"],
        &["config", "get", "threads"],
        &["--help"],
    ] {
        // Standard output alone, and both, as in `2>&1 | head`.
        for both in [false, true] {
            let (reader, writer) = std::io::pipe().unwrap();
            drop(reader);
            let mut command = command();
            command.args(arguments).env("CAIRN_DONOR_STATE", state.path()).stderr(std::process::Stdio::null());
            if both {
                command.stderr(writer.try_clone().unwrap());
            }
            let status = command.stdout(writer).status().unwrap();
            assert!(status.success(), "{arguments:?}, both: {both}: {status}");
        }
    }
}
