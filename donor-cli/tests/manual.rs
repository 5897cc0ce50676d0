//! Completions and manual pages.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::process::{Command, Output};

fn donor(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_donor")).args(arguments).output().unwrap()
}

#[test]
fn shells_are_told_of_every_command_but_inner_ones() {
    for shell in ["bash", "zsh", "fish"] {
        let output = donor(&["completions", shell]);
        let script = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{shell}");
        assert!(
            ["status", "--watch", "--verbose"].iter().all(|word| script.contains(word.trim_start_matches('-'))),
            "{shell}"
        );
    }
    assert_eq!(donor(&["completions", "abacus"]).status.code(), Some(2));
    // What bash reads is bash.
    let script = donor(&["completions", "bash"]).stdout;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("donor");
    std::fs::write(&file, script).unwrap();
    if let Ok(checked) = Command::new("bash").arg("-n").arg(&file).status() {
        assert!(checked.success());
    }
}

#[test]
fn every_command_has_a_page() {
    let folder = tempfile::tempdir().unwrap();
    let man = folder.path().join("man/man1");
    assert!(donor(&["man", &man.display().to_string()]).status.success());
    let page = |name: &str| std::fs::read_to_string(man.join(name)).unwrap();
    assert!(page("donor.1").contains(".TH donor 1") && page("donor-run.1").contains("patience"));
    assert!(page("donor-service-install.1").contains("max"));
    assert!(!man.join("donor-work-unit.1").exists(), "inner commands are not for people");
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let refused = donor(&["man", &file.join("below").display().to_string()]);
    assert_eq!(refused.status.code(), Some(1));
}
