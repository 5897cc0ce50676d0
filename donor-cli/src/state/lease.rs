//! Units that the donor holds, and the key of a lease request that may be on its way.

use super::atomic::{self, Last};
use super::record::{self, RecordError};
use super::{Folder, StateError};
use protocol::{Lease, Renewed, RequestKey, Timestamp, UnitId};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::PathBuf;

/// A unit that the donor holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Address of the distributor that lent it.
    pub server: String,
    /// The lease.
    pub lease: Lease,
    /// When it runs out, by this machine's clock.
    pub expires_here: Timestamp,
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
        Self { server: server.to_owned(), lease, expires_here }
    }

    /// Takes in that the lease was prolonged.
    pub fn renewed(&mut self, renewed: &Renewed) {
        self.lease.now = renewed.now;
        self.lease.expires_at = renewed.expires_at;
        self.expires_here = expires_here(renewed.expires_at, renewed.now);
    }

    /// Its unit.
    pub const fn unit(&self) -> UnitId {
        self.lease.unit.id
    }
}

const KIND: &str = "lease";
const REQUEST: &str = "request";

fn path(folder: &Folder, unit: &UnitId) -> PathBuf {
    folder.path("leases").join(format!("{unit}.json"))
}

/// Keeps a lease. If the machine loses its power it may be lost: then it runs out, and the unit is lent again.
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
        match record::load::<Held>(&path, KIND) {
            Ok(lease) => held.push(Held {
                // It may have been written while the clock was ahead.
                expires_here: lease.expires_here.min(Timestamp::now().plus(MOST_LEASE)),
                ..lease
            }),
            Err(error) => {
                let why = format!("{error}; its unit will be lent to somebody else");
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
