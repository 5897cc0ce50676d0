//! Finished results that no distributor has acknowledged yet.
//!
//! A result is two files: the payload, written first, and a record about it, which makes it count. Only an acknowledgement
//! removes them.

use super::atomic::{self, FileError};
use super::lease::Held;
use super::record::{self, RecordError};
use super::{Folder, StateError};
use protocol::{Digest, LeaseToken, ProjectName, Timestamp, UnitId, read_trailer};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What a result is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A proof.
    Proof,
    /// An execution, for somebody else to prove.
    Execution,
}

impl Kind {
    /// Name in messages, and extension of the payload.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Proof => "proof",
            Self::Execution => "execution",
        }
    }
}

/// A finished result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Address of the distributor that it is for.
    pub server: String,
    /// Of which unit; of a proof of several, the first. It is known here by this one.
    pub unit: UnitId,
    /// The units whose runs a proof is of, in order, if they are more than that one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub units: Vec<UnitId>,
    /// Of which project; not known if the record was lost.
    pub project: Option<ProjectName>,
    /// The lease under which it was made; not known if the record was lost. The result is taken without it, too.
    pub lease: Option<LeaseToken>,
    /// What it is.
    pub kind: Kind,
    /// Digest of the payload.
    pub sha256: Digest,
    /// Bytes of the payload.
    pub bytes: u64,
    /// Steps of the run; 0 if that is not known.
    pub steps: u64,
    /// When it was finished.
    pub finished_at: Timestamp,
}

const RECORD: &str = "outbox";

/// The units that a proof's trailer names, so that a proof whose record was lost still says whose it is. Payloads of donors before
/// version 3 of the protocol have none.
fn named(payload: &[u8], kind: Kind) -> Vec<UnitId> {
    match read_trailer(payload) {
        Ok((units, _)) if kind == Kind::Proof => units,
        _ => Vec::new(),
    }
}

/// The proof in a payload, without what follows it.
pub fn bare(payload: &[u8]) -> &[u8] {
    let trailer = read_trailer(payload).map_or(0, |(_, length)| length);
    payload.get(..payload.len() - trailer).unwrap_or(payload)
}

/// Where a payload is, or is to be written to.
pub fn payload(folder: &Folder, unit: &UnitId, kind: Kind) -> PathBuf {
    folder.path("outbox").join(format!("{unit}.{}", kind.name()))
}

fn about(folder: &Folder, unit: &UnitId) -> PathBuf {
    folder.path("outbox").join(format!("{unit}.json"))
}

impl Entry {
    /// A result of a unit, or of several of which this is the first, whose payload is in its place.
    ///
    /// # Errors
    /// If the payload cannot be read.
    pub fn of(folder: &Folder, held: &Held, unit: UnitId, kind: Kind, steps: u64) -> Result<Self, FileError> {
        let path = payload(folder, &unit, kind);
        let bytes = fs::read(&path).map_err(FileError::of("read", &path))?;
        Ok(Self {
            server: held.server.clone(),
            unit,
            units: named(&bytes, kind),
            project: Some(held.lease.project.name.clone()),
            lease: Some(held.lease.token),
            kind,
            sha256: Digest::of(&bytes),
            bytes: bytes.len() as u64,
            steps,
            finished_at: Timestamp::now(),
        })
    }

    /// A result of which only the payload is left.
    fn orphan(folder: &Folder, server: &str, unit: UnitId, kind: Kind) -> Result<Self, FileError> {
        let path = payload(folder, &unit, kind);
        let bytes = fs::read(&path).map_err(FileError::of("read", &path))?;
        Ok(Self {
            server: server.to_owned(),
            unit,
            units: named(&bytes, kind),
            project: None,
            lease: None,
            kind,
            sha256: Digest::of(&bytes),
            bytes: bytes.len() as u64,
            steps: 0,
            finished_at: Timestamp::now(),
        })
    }

    /// The units that it is of.
    pub fn all_units(&self) -> &[UnitId] {
        if self.units.is_empty() { std::slice::from_ref(&self.unit) } else { &self.units }
    }

    /// Makes the result count.
    ///
    /// # Errors
    /// If the record cannot be written.
    pub fn add(&self, folder: &Folder) -> Result<(), RecordError> {
        record::save(&about(folder, &self.unit), RECORD, self)
    }

    /// The payload, checked.
    ///
    /// # Errors
    /// If it cannot be read or is not what was written.
    pub fn read(&self, folder: &Folder) -> Result<Vec<u8>, RecordError> {
        let path = payload(folder, &self.unit, self.kind);
        if !path.is_file() {
            return Err(RecordError::Damaged { path, why: "it is no file".to_owned() });
        }
        let bytes = fs::read(&path).map_err(FileError::of("read", &path))?;
        if Digest::of(&bytes) == self.sha256 {
            Ok(bytes)
        } else {
            Err(RecordError::Damaged {
                path,
                why: format!("its SHA-256 is not that of the finished {}", self.kind.name()),
            })
        }
    }

    /// Removes an acknowledged result. The record goes last: until then it would be sent again, which is harmless.
    ///
    /// # Errors
    /// If a file cannot be removed.
    pub fn remove(&self, folder: &Folder) -> Result<(), FileError> {
        atomic::remove(&payload(folder, &self.unit, self.kind))?;
        atomic::remove(&about(folder, &self.unit))
    }

    /// Keeps a refused result for a look, and takes it out of the outbox.
    ///
    /// # Errors
    /// If a file cannot be moved or written.
    pub fn refuse(&self, folder: &Folder, reason: &str) -> Result<PathBuf, FileError> {
        let name = format!("{}.{}", self.unit, self.kind.name());
        let place = folder.path("refused").join(&name);
        atomic::rename(&payload(folder, &self.unit, self.kind), &place)?;
        atomic::write(
            &folder.path("refused").join(format!("{name}.txt")),
            format!("{}\n", protocol::text::message(&reason)).as_bytes(),
        )?;
        atomic::remove(&about(folder, &self.unit))?;
        Ok(place)
    }
}

/// Number of results that are not acknowledged yet.
pub fn waiting(folder: &Folder) -> usize {
    let record = |name: std::ffi::OsString| {
        let name = name.to_string_lossy().into_owned();
        name.ends_with(".json") && !atomic::is_unfinished(&name)
    };
    fs::read_dir(folder.path("outbox"))
        .map_or(0, |files| files.flatten().filter(|file| record(file.file_name())).count())
}

/// Units of which a result waits to be acknowledged, as far as can be read.
pub fn units(folder: &Folder) -> HashSet<UnitId> {
    let files = fs::read_dir(folder.path("outbox")).into_iter().flatten().flatten().map(|file| file.path());
    let records = files.filter(|path| path.extension().is_some_and(|found| found == "json"));
    let entries = records.filter_map(|path| record::load::<Entry>(&path, RECORD).ok());
    entries.flat_map(|entry| entry.all_units().to_vec()).collect()
}

/// All results in the order in which they were finished, and what was damaged. A payload without a record, left by a crash
/// between the two, gets its record from the lease. If its record was damaged, it gets one for the distributor `server`, which
/// knows units by their ids alone. The payloads of `running` units are left alone: their records are to come.
///
/// # Errors
/// If the folder cannot be read or a record not be written.
pub fn all(
    folder: &Folder,
    server: &str,
    held: &[Held],
    running: &[UnitId],
) -> Result<(Vec<Entry>, Vec<String>), StateError> {
    let (mut entries, mut damaged) = (Vec::new(), Vec::new());
    let place = folder.path("outbox");
    let files = fs::read_dir(&place).map_err(FileError::of("read", &place))?.flatten();
    let paths: Vec<PathBuf> = files.map(|file| file.path()).collect();
    let is = |path: &Path, extension: &str| path.extension().is_some_and(|found| found == extension);
    for path in paths.iter().filter(|path| is(path, "json")) {
        match record::load::<Entry>(path, RECORD) {
            Ok(entry) if payload(folder, &entry.unit, entry.kind).exists() => entries.push(entry),
            // The payload went first when it was acknowledged.
            Ok(_) => atomic::remove(path)?,
            Err(error) => damaged.push(folder.set_aside(path, &error.to_string())),
        }
    }
    for path in paths.iter().filter(|path| path.exists() && !is(path, "json")) {
        let kind = if is(path, "proof") { Kind::Proof } else { Kind::Execution };
        let unit = path.file_stem().and_then(|stem| stem.to_str()?.parse::<UnitId>().ok());
        let unfinished = path.file_name().is_some_and(|name| atomic::is_unfinished(&name.to_string_lossy()));
        if unfinished
            || unit.is_some_and(|unit| running.contains(&unit))
            || entries.iter().any(|entry| Some(entry.unit) == unit)
        {
            continue;
        }
        match unit.and_then(|unit| Some((unit, held.iter().find(|held| held.has(&unit))?))) {
            Some((unit, held)) => {
                let entry = Entry::of(folder, held, unit, kind, 0)?;
                entry.add(folder)?;
                entries.push(entry);
            }
            None if let Some(unit) = unit.filter(|_| path.is_file()) => {
                let entry = Entry::orphan(folder, server, unit, kind)?;
                entry.add(folder)?;
                entries.push(entry);
            }
            None => {
                let why = format!("nothing is known about the {} {}", kind.name(), path.display());
                damaged.push(folder.set_aside(path, &why));
            }
        }
    }
    entries.sort_by_key(|entry| entry.finished_at);
    Ok((entries, damaged))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (tempfile::TempDir, Folder) {
        let place = tempfile::tempdir().expect("a folder");
        let folder = Folder::open(place.path()).expect("made");
        (place, folder)
    }

    fn entry(folder: &Folder, bytes: &[u8]) -> Entry {
        let unit = UnitId::random().expect("random");
        fs::write(payload(folder, &unit, Kind::Proof), bytes).expect("written");
        let entry = Entry {
            server: "http://grid".to_owned(),
            unit,
            units: Vec::new(),
            project: Some("primes".parse().expect("a name")),
            lease: Some(LeaseToken::random().expect("random")),
            kind: Kind::Proof,
            sha256: Digest::of(bytes),
            bytes: bytes.len() as u64,
            steps: 5,
            finished_at: Timestamp(7),
        };
        entry.add(folder).expect("added");
        entry
    }

    #[test]
    fn what_is_added_stays_until_it_is_removed() {
        let (_place, folder) = folder();
        let first = entry(&folder, b"proof");
        assert_eq!(all(&folder, "http://grid", &[], &[]).expect("read"), (vec![first.clone()], vec![]));
        assert_eq!(first.read(&folder).expect("whole"), b"proof");
        first.remove(&folder).expect("removed");
        assert_eq!(all(&folder, "http://grid", &[], &[]).expect("read"), (vec![], vec![]));
        assert_eq!(fs::read_dir(folder.path("outbox")).expect("there").count(), 0);
    }

    #[test]
    fn a_crash_between_the_two_removals_leaves_nothing() {
        let (_place, folder) = folder();
        let first = entry(&folder, b"proof");
        fs::remove_file(payload(&folder, &first.unit, Kind::Proof)).expect("removed");
        assert_eq!(all(&folder, "http://grid", &[], &[]).expect("read"), (vec![], vec![]));
        assert_eq!(fs::read_dir(folder.path("outbox")).expect("there").count(), 0);
    }

    #[test]
    fn damage_is_noticed_before_it_is_sent() {
        let (_place, folder) = folder();
        let first = entry(&folder, b"proof");
        fs::write(payload(&folder, &first.unit, Kind::Proof), b"prooF").expect("written");
        assert!(matches!(first.read(&folder), Err(RecordError::Damaged { .. })));
        fs::write(about(&folder, &first.unit), "no record").expect("written");
        let (entries, damaged) = all(&folder, "http://grid", &[], &[]).expect("read");
        assert_eq!(damaged.len(), 1, "the record: {damaged:?}");
        // The payload may be right: the distributor says so, which knows the unit by its id.
        let [orphan] = entries.as_slice() else { panic!("one result is left: {entries:?}") };
        assert_eq!((orphan.unit, orphan.sha256, orphan.lease), (first.unit, Digest::of(b"prooF"), None));
    }

    #[test]
    fn a_proof_without_a_record_says_whose_it_is() {
        let (_place, folder) = folder();
        let units = [1, 2, 3].map(|number| UnitId::from_bytes([number; 10]));
        let file = [b"proof".as_slice(), &protocol::trailer(&units).expect("a list")].concat();
        fs::write(payload(&folder, &units[0], Kind::Proof), &file).expect("written");
        let (entries, damaged) = all(&folder, "http://grid", &[], &[]).expect("read");
        assert_eq!((entries.len(), entries[0].all_units(), damaged), (1, &units[..], vec![]));
        assert_eq!(units.to_vec(), units_of(&folder));
        assert_eq!((bare(&file), bare(b"proof")), (&b"proof"[..], &b"proof"[..]));
        // One of an earlier version has no list.
        let old = entry(&folder, b"old proof");
        assert_eq!(old.all_units(), [old.unit]);
        assert_eq!(units_of(&folder).len(), 4);
    }

    fn units_of(folder: &Folder) -> Vec<UnitId> {
        let mut all: Vec<_> = units(folder).into_iter().collect();
        all.sort_by_key(|unit| *unit.as_bytes());
        all
    }

    #[test]
    fn the_running_units_payload_is_left_alone() {
        let (_place, folder) = folder();
        let unit = UnitId::random().expect("random");
        fs::write(payload(&folder, &unit, Kind::Proof), b"proof").expect("written");
        assert_eq!(all(&folder, "http://grid", &[], &[unit]).expect("read"), (vec![], vec![]));
        assert!(payload(&folder, &unit, Kind::Proof).exists());
    }

    #[test]
    fn refused_results_are_kept_with_the_reason() {
        let (_place, folder) = folder();
        let first = entry(&folder, b"proof");
        let place = first.refuse(&folder, "verify_failed: no").expect("moved");
        assert_eq!(fs::read(&place).expect("there"), b"proof");
        assert_eq!(all(&folder, "http://grid", &[], &[]).expect("read"), (vec![], vec![]));
    }
}
