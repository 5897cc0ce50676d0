//! Leases that the donor holds, and the key of a lease request that may be on its way.

use super::atomic::{self, Last};
use super::record::{self, RecordError};
use super::{Folder, StateError};
use protocol::{
    AttemptNumber, ExecutionInfo, Felts, Lease, LeaseMode, LeaseToken, LeasedProject, LeasedUnit, Renewed, RequestKey,
    Timestamp, UnitId,
};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};

/// Units that the donor holds under one lease. It is known here by its first unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Address of the distributor that lent them.
    pub server: String,
    /// The lease.
    pub lease: Lease,
    /// When it runs out, by this machine's clock.
    pub expires_here: Timestamp,
    /// Units that are still to be done: neither in the outbox nor given back.
    pub left: Vec<UnitId>,
}

/// The longest time for which a lease is believed to last: a week.
const MOST_LEASE: u64 = 7 * 86_400;

/// When a lease runs out by this machine's clock, given when it does by the distributor's.
pub fn expires_here(expires_at: Timestamp, now: Timestamp) -> Timestamp {
    Timestamp::now().plus(expires_at.since(now).min(MOST_LEASE))
}

impl Held {
    /// A lease that has just come.
    pub fn new(server: &str, lease: Lease) -> Self {
        let expires_here = expires_here(lease.expires_at, lease.now);
        let left = lease.units.iter().map(|unit| unit.id).collect();
        Self { server: server.to_owned(), lease, expires_here, left }
    }

    /// Takes in that the lease was prolonged. Of units that are settled nothing more is done.
    pub fn renewed(&mut self, renewed: &Renewed) {
        self.lease.now = renewed.now;
        self.lease.expires_at = renewed.expires_at;
        self.expires_here = expires_here(renewed.expires_at, renewed.now);
    }

    /// Its first unit, by which it is known here.
    pub fn unit(&self) -> UnitId {
        self.lease.units.first().map_or(UnitId::from_bytes([0; UnitId::LEN]), |unit| unit.id)
    }

    /// The units that are still to be done, in order.
    pub fn open(&self) -> impl Iterator<Item = &LeasedUnit> {
        self.lease.units.iter().filter(|unit| self.left.contains(&unit.id))
    }

    /// Steps of the units that are still to be done, as far as they are known.
    pub fn steps(&self) -> u64 {
        self.open().fold(0, |sum, unit| sum.saturating_add(unit.steps()))
    }

    /// Whether a unit is of this lease, done or not.
    pub fn has(&self, unit: &UnitId) -> bool {
        self.lease.units.iter().any(|one| one.id == *unit)
    }

    /// Notes that these units are done.
    pub fn done(&mut self, units: &[UnitId]) {
        self.left.retain(|unit| !units.contains(unit));
    }
}

/// A lease of one unit, as donors before version 3 of the protocol kept it.
#[derive(Debug, Clone, Deserialize)]
struct OldHeld {
    server: String,
    lease: OldLease,
    expires_here: Timestamp,
}

#[derive(Debug, Clone, Deserialize)]
struct OldLease {
    token: LeaseToken,
    attempt: AttemptNumber,
    mode: LeaseMode,
    now: Timestamp,
    expires_at: Timestamp,
    renewable_until: Timestamp,
    unit: OldUnit,
    project: LeasedProject,
    #[serde(default)]
    execution: Option<ExecutionInfo>,
}

#[derive(Debug, Clone, Deserialize)]
struct OldUnit {
    id: UnitId,
    arguments: Felts,
    estimated_steps: u64,
}

impl From<OldHeld> for Held {
    fn from(old: OldHeld) -> Self {
        let OldLease { token, attempt, mode, now, expires_at, renewable_until, unit, project, execution } = old.lease;
        let left = vec![unit.id];
        let OldUnit { id, arguments, estimated_steps } = unit;
        let units = vec![LeasedUnit { id, attempt, arguments, estimated_steps, execution }];
        let lease = Lease { token, mode, now, expires_at, renewable_until, units, project };
        Self { server: old.server, lease, expires_here: old.expires_here, left }
    }
}

/// Reads a lease, in its present form or the one before.
fn load(path: &Path) -> Result<Held, RecordError> {
    let held = record::load::<Held>(path, KIND)
        .or_else(|error| record::load::<OldHeld>(path, KIND).map(Held::from).map_err(|_| error))?;
    // What is on disk may be anything.
    if held.lease.units.is_empty() {
        return Err(RecordError::Damaged { path: path.to_owned(), why: "it is a lease of no unit".to_owned() });
    }
    Ok(held)
}

const KIND: &str = "lease";
const REQUEST: &str = "request";

fn path(folder: &Folder, unit: &UnitId) -> PathBuf {
    folder.path("leases").join(format!("{unit}.json"))
}

/// Keeps a lease. If the machine loses its power it may be lost: then it runs out, and its units are lent again.
///
/// # Errors
/// If it cannot be written.
pub fn keep(folder: &Folder, held: &Held) -> Result<(), RecordError> {
    record::save_to_last(&path(folder, &held.unit()), Last::Process, KIND, held)
}

/// Forgets a lease.
///
/// # Errors
/// If its file cannot be removed.
pub fn forget(folder: &Folder, unit: &UnitId) -> Result<(), StateError> {
    Ok(atomic::remove(&path(folder, unit))?)
}

/// All leases, and what was damaged.
///
/// # Errors
/// If the folder cannot be read.
pub fn all(folder: &Folder) -> Result<(Vec<Held>, Vec<String>), StateError> {
    let (mut held, mut damaged) = (Vec::new(), Vec::new());
    let place = folder.path("leases");
    for entry in fs::read_dir(&place).map_err(atomic::FileError::of("read", &place))?.flatten() {
        let path = entry.path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        match load(&path) {
            Ok(lease) => held.push(Held {
                // It may have been written while the clock was ahead.
                expires_here: lease.expires_here.min(Timestamp::now().plus(MOST_LEASE)),
                ..lease
            }),
            Err(error) => {
                let why = format!("{error}; its units will be lent to somebody else");
                damaged.push(folder.set_aside(&path, &why));
            }
        }
    }
    held.sort_by_key(|held| held.expires_here);
    Ok((held, damaged))
}

fn request_path(folder: &Folder) -> PathBuf {
    folder.path("leases").join("request")
}

/// The key for the next lease request. It is kept until a lease is: after a crash in between, asking again with the same
/// key gives the same lease.
///
/// # Errors
/// If it cannot be written, or the system gives no random bytes.
pub fn request_key(folder: &Folder) -> Result<RequestKey, StateError> {
    let path = request_path(folder);
    match record::load(&path, REQUEST) {
        Ok(key) => return Ok(key),
        // A damaged one is replaced, a folder in its place cannot be.
        Err(_) if path.is_dir() => drop(folder.set_aside(&path, "it is no file")),
        Err(_) => {}
    }
    let key = RequestKey::random().map_err(protocol::KeyFileError::Random)?;
    record::save_to_last(&request_path(folder), Last::Process, REQUEST, &key)?;
    Ok(key)
}

/// The request was answered, and what came is kept.
///
/// # Errors
/// If the file cannot be removed.
pub fn request_done(folder: &Folder) -> Result<(), StateError> {
    Ok(atomic::remove(&request_path(folder))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_keeps_its_key_until_it_is_done() {
        let place = tempfile::tempdir().expect("a folder");
        let folder = Folder::open(place.path()).expect("made");
        let key = request_key(&folder).expect("drawn");
        assert_eq!(request_key(&folder).expect("kept"), key);
        request_done(&folder).expect("removed");
        assert_ne!(request_key(&folder).expect("drawn"), key);
    }

    /// A lease as it travels, with these units.
    fn lease(units: &str) -> String {
        let (key, digest) = ("11".repeat(32), "22".repeat(32));
        format!(
            r#"{{"token":"{}","mode":"prove","now":0,"expires_at":600,"renewable_until":6000,{units},"project":{{"name":"primes",
            "program":"{digest}","record":"{digest}","program_hash":"{digest}","signer":"{key}","signature":"{}",
            "limits":{{"max_steps":1,"max_memory_cells":1,"time_limit":1}},"preset":"default-100","description":"{digest}",
            "weight":1}}}}"#,
            "33".repeat(32),
            "55".repeat(64)
        )
    }

    #[test]
    fn a_lease_of_an_earlier_version_is_gone_on_with() {
        let place = tempfile::tempdir().expect("a folder");
        let folder = Folder::open(place.path()).expect("made");
        let (id, digest) = ("44".repeat(10), "66".repeat(32));
        let unit = format!(
            r#""attempt":7,"unit":{{"id":"{id}","arguments":["0x5"],"estimated_steps":100}},
            "execution":{{"sha256":"{digest}","size":9,"n_steps":90}}"#
        );
        let now = Timestamp::now();
        let old = format!(r#"{{"server":"http://grid","lease":{},"expires_here":{}}}"#, lease(&unit), now.0);
        let value: serde_json::Value = serde_json::from_str(&old).expect("JSON");
        let id: UnitId = id.parse().expect("an id");
        record::save(&path(&folder, &id), KIND, &value).expect("written");
        let (held, damaged) = all(&folder).expect("read");
        assert_eq!(damaged, Vec::<String>::new());
        let [held] = &held[..] else { panic!("{held:?}") };
        assert_eq!((held.unit(), &held.left, held.steps()), (id, &vec![id], 90));
        let unit = held.open().next().expect("one");
        assert_eq!((unit.attempt, unit.arguments.0.len()), (7, 1));
        keep(&folder, held).expect("kept");
        assert_eq!(all(&folder).expect("read").0, std::slice::from_ref(held), "in its new form");
    }

    #[test]
    fn what_is_done_is_left_out() {
        let unit = |number: u8| {
            let id = UnitId::from_bytes([number; 10]);
            format!(r#"{{"id":"{id}","attempt":1,"arguments":[],"estimated_steps":{number}}}"#)
        };
        let units = format!(r#""units":[{},{},{}]"#, unit(1), unit(2), unit(3));
        let mut held = Held::new("http://grid", serde_json::from_str(&lease(&units)).expect("a lease"));
        let ids = [1, 2, 3].map(|number| UnitId::from_bytes([number; 10]));
        assert_eq!((held.left.as_slice(), held.steps(), held.unit()), (&ids[..], 6, ids[0]));
        held.done(&ids[..1]);
        assert_eq!((held.open().map(|unit| unit.id).collect::<Vec<_>>(), held.steps()), (ids[1..].to_vec(), 5));
        assert_eq!((held.unit(), held.has(&ids[0])), (ids[0], true), "it is known by the same unit");
    }

    #[test]
    fn damaged_leases_are_set_aside() {
        let place = tempfile::tempdir().expect("a folder");
        let folder = Folder::open(place.path()).expect("made");
        fs::write(folder.path("leases").join("0123.json"), "cairn donor lease v1 sha256 00\n{}").expect("written");
        let (held, damaged) = all(&folder).expect("read");
        assert!(held.is_empty());
        let [message] = &damaged[..] else { panic!("{damaged:?}") };
        assert!(message.contains("checksum") && message.contains("set aside"), "{message}");
        assert_eq!(all(&folder).expect("read").1, Vec::<String>::new());
    }
}
