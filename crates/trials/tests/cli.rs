//! The program's own command line. The runs are `make trials`.
#![allow(clippy::unwrap_used)]

use std::process::{Command, Output};

fn run(program: &std::path::Path, arguments: &[&str]) -> Output {
    Command::new(program).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn help_names_every_run() {
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_trials"));
    let help = text(&run(program, &["--help"]).stdout);
    for name in
        ["attack", "soak", "kill-distributor", "kill-donors", "network", "disk", "clock", "backup", "interrupt", "all"]
    {
        assert!(help.lines().any(|line| line.trim_start().starts_with(&format!("- {name}:"))), "{name}: {help}");
    }
    let wrong = run(program, &["frobnicate"]);
    assert_eq!(wrong.status.code(), Some(2));
}

#[test]
fn without_the_programs_it_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let alone = folder.path().join("trials");
    std::fs::copy(env!("CARGO_BIN_EXE_trials"), &alone).unwrap();
    let output = run(&alone, &["attack", "--short"]);
    assert_eq!(output.status.code(), Some(1));
    let message = text(&output.stderr);
    assert!(message.contains("distributor is not there; build it with `cargo build"), "{message}");
}
