//! The commit in `--version`: what the build script, which all three programs share, finds out.
#![allow(clippy::expect_used, clippy::panic, reason = "a test may panic")]

#[path = "../../tools/version.rs"]
#[allow(dead_code, reason = "its main is not called here")]
mod script;

use std::path::Path;
use std::process::Command;

/// Runs git, which must be there for the test, with nothing of the user's settings.
fn git(folder: &Path, arguments: &[&str]) {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(["-c", "user.name=a", "-c", "user.email=a@example.org"]).args(arguments);
    let output = command.env("GIT_CONFIG_GLOBAL", "/dev/null").output().expect("git");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_program_names_its_version() {
    let output = Command::new(env!("CARGO_BIN_EXE_uploader")).arg("--version").output().expect("a run");
    let said = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!(said, format!("uploader {}\n", env!("CAIRN_VERSION")));
    assert!(env!("CAIRN_VERSION").starts_with(env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_work_tree_has_a_commit_and_a_tarball_has_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    assert_eq!(script::commit(root), None, "sources without git");
    assert_eq!(script::watched(root), Vec::<std::path::PathBuf>::new());
    git(root, &["init", "--quiet"]);
    assert_eq!(script::commit(root), None, "nothing was committed");
    std::fs::write(root.join("a"), "1").expect("a write");
    git(root, &["add", "a"]);
    git(root, &["commit", "--quiet", "--message=one"]);
    git(root, &["tag", "v9"]);
    let first = script::commit(root).expect("a commit");
    assert!(first.len() == 12 && first.bytes().all(|byte| byte.is_ascii_hexdigit()), "{first}");
    assert!(script::watched(root).iter().any(|path| path.ends_with("HEAD")));
    std::fs::write(root.join("a"), "2").expect("a write");
    assert_eq!(script::commit(root), Some(format!("{first}-dirty")));
    git(root, &["commit", "--quiet", "--all", "--message=two"]);
    assert_ne!(script::commit(root), Some(first));
    // Sources that were unpacked within somebody's repository are not of its commit.
    let inner = root.join("cairn-0.1.0");
    std::fs::create_dir(&inner).expect("a folder");
    assert_eq!(script::commit(&inner), None);
    assert_eq!(script::commit(&root.join("nowhere")), None);
}

#[test]
fn what_is_given_is_a_name_and_nothing_else() {
    assert!(["0123456789ab", "v1.2.3", "abc-dirty", "debian_12"].iter().all(|text| script::is_name(text)));
    let long = "a".repeat(65);
    for text in ["", "a b", "a\ncargo::rustc-cfg=x", "$(id)", long.as_str()] {
        assert!(!script::is_name(text), "{text:?}");
    }
    assert_eq!(script::version("0.1.0", "abc"), "0.1.0 (abc)");
    assert_eq!(script::version("0.1.0", ""), "0.1.0");
}
