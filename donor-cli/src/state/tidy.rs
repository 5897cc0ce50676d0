//! Keeps the folders that only fill up within bounds: programs that were fetched, results that were refused, files that were
//! set aside. What was used last stays longest, and what a unit needs stays in any case.

use super::Folder;
use super::atomic::{self, FileError};
use super::lease;
use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How much a folder keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    /// The folder.
    pub folder: &'static str,
    /// Most bytes of all that is in it.
    pub bytes: u64,
    /// How long something is kept that nobody uses.
    pub age: Duration,
}

const DAY: Duration = Duration::from_secs(86_400);

/// The folders that are kept within bounds.
pub const BOUNDS: [Bound; 3] = [
    Bound { folder: "programs", bytes: 1 << 30, age: DAY.saturating_mul(30) },
    Bound { folder: "refused", bytes: 256 << 20, age: DAY.saturating_mul(90) },
    Bound { folder: "set-aside", bytes: 256 << 20, age: DAY.saturating_mul(90) },
];

/// Removes what is too old or too much, the oldest first. Returns what went wrong, in words.
///
/// Nothing else may begin a unit meanwhile: a program is in use from the moment at which a lease that names it is on disk.
pub fn tidy(folder: &Folder, now: SystemTime) -> Vec<String> {
    let (in_use, mut wrong) = match lease::all(folder) {
        Ok((held, damaged)) => (held.iter().map(|held| folder.program(&held.lease.project.program)).collect(), damaged),
        // Without the leases nothing is known of what is in use.
        Err(error) => return vec![error.to_string()],
    };
    for bound in &BOUNDS {
        let failed = tidy_one(&folder.path(bound.folder), bound, now, &in_use);
        wrong.extend(failed.iter().map(ToString::to_string));
    }
    wrong
}

/// Notes that a file was used now. That this fails is no reason to stop: it only goes sooner.
pub fn used(path: &Path) {
    let touch = || fs::File::options().append(true).open(path)?.set_modified(SystemTime::now());
    let _: io::Result<()> = touch();
}

/// Something in a folder.
struct Found {
    path: PathBuf,
    bytes: u64,
    used: SystemTime,
}

fn tidy_one(folder: &Path, bound: &Bound, now: SystemTime, in_use: &HashSet<PathBuf>) -> Vec<FileError> {
    let mut found = match list(folder) {
        Ok(found) => found,
        Err(error) => return vec![FileError::of("read", folder)(error)],
    };
    // A clock that was set back makes nothing old.
    let age = |found: &Found| now.duration_since(found.used).unwrap_or_default();
    found.sort_by_key(|found| found.used);
    let mut bytes = found.iter().fold(0_u64, |sum, found| sum.saturating_add(found.bytes));
    let mut failed = Vec::new();
    for one in found.iter().filter(|one| !in_use.contains(&one.path)) {
        if bytes <= bound.bytes && age(one) <= bound.age {
            continue;
        }
        match remove(&one.path) {
            Ok(()) => bytes = bytes.saturating_sub(one.bytes),
            Err(error) => failed.push(FileError::of("remove", &one.path)(error)),
        }
    }
    failed
}

fn list(folder: &Path) -> io::Result<Vec<Found>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)?.flatten() {
        // What is being written is not finished, and whoever was killed at it sweeps it up at the next start.
        if atomic::is_unfinished(&entry.file_name().to_string_lossy()) {
            continue;
        }
        // What has gone meanwhile is no concern.
        let Ok(about) = entry.metadata() else { continue };
        let bytes = if about.is_dir() { size_of(&entry.path()) } else { about.len() };
        found.push(Found { path: entry.path(), bytes, used: about.modified().unwrap_or(SystemTime::UNIX_EPOCH) });
    }
    Ok(found)
}

/// Bytes of the files below a folder that was set aside.
fn size_of(folder: &Path) -> u64 {
    let (mut bytes, mut folders) = (0_u64, vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(about) if about.is_dir() => folders.push(entry.path()),
                Ok(about) => bytes = bytes.saturating_add(about.len()),
                Err(_) => {}
            }
        }
    }
    bytes
}

fn remove(path: &Path) -> io::Result<()> {
    // A link is removed itself, not what it points to.
    if fs::symlink_metadata(path)?.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A lease of a unit of some program.
    fn held() -> lease::Held {
        let (key, digest) = ("11".repeat(32), "22".repeat(32));
        let lease = serde_json::json!({
            "token": "33".repeat(32), "mode": "both", "now": 0, "expires_at": 600, "renewable_until": 6000,
            "units": [{ "id": "44".repeat(10), "attempt": 1, "arguments": [], "estimated_steps": 100 }],
            "project": {
                "name": "primes", "program": digest, "record": digest, "program_hash": digest, "signer": key,
                "signature": "55".repeat(64), "limits": protocol::UnitLimits::default(), "preset": "default-100",
                "description": digest, "weight": 100,
            },
        });
        lease::Held::new("http://grid", serde_json::from_value(lease).expect("a lease"))
    }

    const BOUND: Bound = Bound { folder: "programs", bytes: 100, age: DAY.saturating_mul(30) };

    fn put(folder: &Path, name: &str, bytes: usize, days_ago: u32, now: SystemTime) -> PathBuf {
        let path = folder.join(name);
        fs::write(&path, vec![7; bytes]).expect("written");
        let file = fs::File::options().append(true).open(&path).expect("there");
        file.set_modified(now - DAY * days_ago).expect("set");
        path
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .expect("a folder")
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn the_oldest_go_first_and_only_as_many_as_need_be() {
        let (place, now) = (tempfile::tempdir().expect("a folder"), SystemTime::now());
        let folder = place.path();
        put(folder, "a", 60, 3, now);
        put(folder, "b", 50, 2, now);
        put(folder, "c", 40, 1, now);
        put(folder, "future", 10, 0, now + DAY);
        assert!(tidy_one(folder, &BOUND, now, &HashSet::new()).is_empty());
        assert_eq!(names(folder), ["b", "c", "future"]);
        assert!(tidy_one(folder, &BOUND, now, &HashSet::new()).is_empty());
        assert_eq!(names(folder), ["b", "c", "future"], "exactly the bound is not too much");
        used(&folder.join("b"));
        put(folder, "d", 1, 0, now);
        tidy_one(folder, &BOUND, now, &HashSet::new());
        assert_eq!(names(folder), ["b", "d", "future"], "what was used last stays");
    }

    #[test]
    fn what_is_old_goes_and_what_is_in_use_stays() {
        let (place, now) = (tempfile::tempdir().expect("a folder"), SystemTime::now());
        let folder = place.path();
        put(folder, "old", 1, 31, now);
        put(folder, "young", 1, 29, now);
        put(folder, ".unfinished-1-x", 500, 99, now);
        let in_use = put(folder, "in-use", 500, 99, now);
        assert!(tidy_one(folder, &BOUND, now, &HashSet::from([in_use])).is_empty());
        assert_eq!(names(folder), [".unfinished-1-x", "in-use"], "too much of it is in use: nothing else fits");
    }

    #[test]
    fn folders_that_were_set_aside_go_whole() {
        let (place, now) = (tempfile::tempdir().expect("a folder"), SystemTime::now());
        let inner = place.path().join("1-state/deep");
        fs::create_dir_all(&inner).expect("made");
        put(&inner, "file", 200, 0, now);
        assert!(tidy_one(place.path(), &BOUND, now, &HashSet::new()).is_empty());
        assert_eq!(names(place.path()), Vec::<String>::new());
    }

    #[test]
    fn programs_of_leases_stay() {
        let (place, now) = (tempfile::tempdir().expect("a folder"), SystemTime::now());
        let folder = Folder::open(place.path()).expect("made");
        let held = held();
        lease::keep(&folder, &held).expect("kept");
        let program = folder.program(&held.lease.project.program);
        fs::write(&program, "{}").expect("written");
        let other = folder.program(&protocol::Digest::of(b"another"));
        fs::write(&other, "{}").expect("written");
        assert!(tidy(&folder, now + DAY * 31).is_empty());
        assert!(program.exists() && !other.exists());
        assert!(tidy(&folder, now + DAY * 31).is_empty());
    }
}
