//! A backup is whole, or it is not there.

use crate::process::{data, program, run, text};
use protocol::Digest;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// Files in a folder whose names begin so.
fn beside(folder: &Path, beginning: &str) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| name.starts_with(beginning)).collect();
    names.sort();
    names
}

/// Puts files among the programs.
fn fill(data: &Path, count: usize, bytes: usize) {
    for number in 0..count {
        let mut file = vec![7; bytes];
        file.extend_from_slice(&number.to_le_bytes());
        let digits = Digest::of(&file).to_string();
        let folder = data.join("blobs/programs").join(&digits[..2]);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(digits), file).unwrap();
    }
}

#[test]
fn what_is_there_is_never_touched() {
    let (folder, _) = data();
    let place = tempfile::tempdir().unwrap();
    fs::create_dir(place.path().join("empty")).unwrap();
    fs::write(place.path().join("file"), "mine").unwrap();
    std::os::unix::fs::symlink("nowhere", place.path().join("link")).unwrap();
    for name in ["empty", "file", "link"] {
        let target = place.path().join(name);
        let output = run(folder.path(), &["backup", target.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output.stderr).contains("exists already; give a new folder"), "{output:?}");
    }
    // Nor is what has the name under which a backup is made.
    fs::create_dir(place.path().join("new.partial")).unwrap();
    fs::write(place.path().join("new.partial/thesis.tex"), "mine").unwrap();
    let output = run(folder.path(), &["backup", place.path().join("new").to_str().unwrap()]);
    assert!(text(&output.stderr).contains("which is no part of a backup"), "{output:?}");
    assert_eq!(beside(&place.path().join("new.partial"), ""), ["thesis.tex"]);
    assert_eq!(beside(place.path(), ""), ["empty", "file", "link", "new.partial"]);
    assert_eq!(fs::read(place.path().join("file")).unwrap(), b"mine");
    let output = run(folder.path(), &["backup", "/"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}

#[test]
fn a_backup_that_fails_leaves_nothing() {
    let (folder, _) = data();
    fill(folder.path(), 50, 10);
    // A file that cannot be copied.
    let digits = Digest::of(b"x").to_string();
    let bad = folder.path().join("blobs/proofs").join(&digits[..2]).join(&digits);
    fs::create_dir_all(&bad).unwrap();
    let place = tempfile::tempdir().unwrap();
    let target = place.path().join("deep/copy");
    let output = run(folder.path(), &["backup", target.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    let message = text(&output.stderr);
    assert!(
        message.starts_with("distributor: there is no backup, and nothing is left of it: cannot copy "),
        "{message}"
    );
    assert!(beside(&place.path().join("deep"), "").is_empty());
    fs::remove_dir(&bad).unwrap();
    // What a killed process left is replaced.
    fs::create_dir_all(place.path().join("deep/copy.partial/blobs")).unwrap();
    fs::write(place.path().join("deep/copy.partial/cairn.db"), "half").unwrap();
    let output = run(folder.path(), &["backup", target.to_str().unwrap()]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(text(&output.stderr), format!("copied the database and 50 files to {}\n", target.display()));
    assert_eq!(beside(&place.path().join("deep"), ""), ["copy"]);
    assert!(run(&target, &["check"]).status.success());
}

/// A real file system without room, where the machine lets us have one.
#[test]
fn a_full_disk_leaves_no_backup() {
    let (folder, _) = data();
    fill(folder.path(), 100, 100_000);
    let place = tempfile::tempdir().unwrap();
    let mount = ["-t", "tmpfs", "-o", "size=4m", "tmpfs"];
    let mounted = Command::new("mount").args(mount).arg(place.path()).output();
    if !mounted.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: no tmpfs can be mounted here");
        return;
    }
    let output = run(folder.path(), &["backup", place.path().join("copy").to_str().unwrap()]);
    let left = beside(place.path(), "");
    let unmounted = Command::new("umount").arg(place.path()).status().unwrap();
    assert!(unmounted.success());
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(text(&output.stderr).contains("No space left on device"), "{output:?}");
    assert!(left.is_empty(), "{left:?}");
}

/// Stopped at any moment, it has made a backup that is whole, or none.
#[test]
fn an_interrupted_backup_is_whole_or_not_there() {
    let (folder, _) = data();
    fill(folder.path(), 3000, 10);
    let place = tempfile::tempdir().unwrap();
    let target = place.path().join("copy");
    let mut stopped = 0;
    for (round, signal) in ["-INT", "-TERM", "-KILL"].into_iter().cycle().take(12).enumerate() {
        if signal != "-KILL" {
            // What a killed one left: it would be taken for this one's, which may not have begun.
            let _ = fs::remove_dir_all(place.path().join("copy.partial"));
        }
        let mut command = program();
        command.args(["backup", target.to_str().unwrap(), "--data"]).arg(folder.path());
        let mut child = command.stderr(Stdio::null()).spawn().unwrap();
        // In a later round somewhat later.
        let wanted = 200 * round;
        let copied = || walk(&place.path().join("copy.partial/blobs"));
        while child.try_wait().unwrap().is_none() && copied() < wanted && !target.exists() {}
        let _ = Command::new("kill").args([signal, &child.id().to_string()]).output().unwrap();
        let ended = child.wait().unwrap();
        let left = beside(place.path(), "");
        if target.exists() {
            assert!(run(&target, &["check"]).status.success(), "{signal} {round}");
            assert_eq!(walk(&target.join("blobs")), 3000, "{signal} {round}");
            fs::remove_dir_all(&target).unwrap();
        } else {
            stopped += 1;
            assert!(!ended.success());
            assert!(signal == "-KILL" || left.is_empty(), "{signal} {round}: {left:?}");
        }
    }
    assert!(stopped > 0, "it was never stopped in time");
    assert!(run(folder.path(), &["backup", target.to_str().unwrap()]).status.success());
    assert_eq!(beside(place.path(), ""), ["copy"]);
}

/// Files below a folder, some of which may vanish meanwhile.
fn walk(folder: &Path) -> usize {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let entries = entries.filter_map(Result::ok);
    entries.map(|entry| if entry.path().is_dir() { walk(&entry.path()) } else { 1 }).sum()
}
