//! How `donor pause`, `resume`, `finish` and `status` reach the running donor: wishes are files in `control/`, which it
//! removes as it follows them; what it does is in `status.json`.

use super::Folder;
use super::atomic::{self, FileError};
use serde::{Deserialize, Serialize};
use std::fs;

/// What somebody wants of the running donor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Pause until `Resume`.
    Pause,
    /// Go on.
    Resume,
    /// Finish the unit, deliver, and end.
    Finish,
}

impl Wish {
    /// All wishes.
    pub const ALL: [Self; 3] = [Self::Pause, Self::Resume, Self::Finish];

    /// Name of the command and of the file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Finish => "finish",
        }
    }
}

/// Makes a wish.
///
/// # Errors
/// If its file cannot be written.
pub fn wish(folder: &Folder, wish: Wish) -> Result<(), FileError> {
    atomic::write(&folder.path("control").join(wish.name()), b"")
}

/// Whether a wish has been taken.
pub fn taken(folder: &Folder, wish: Wish) -> bool {
    !folder.path("control").join(wish.name()).exists()
}

/// Takes a wish back.
pub fn withdraw(folder: &Folder, wish: Wish) {
    // One that cannot be removed is removed at the donor's next start.
    let _ = fs::remove_file(folder.path("control").join(wish.name()));
}

/// Takes all wishes that are there.
pub fn take(folder: &Folder) -> Vec<Wish> {
    let there = |wish: &Wish| fs::remove_file(folder.path("control").join(wish.name())).is_ok();
    Wish::ALL.into_iter().filter(there).collect()
}

/// What the running donor does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Its process.
    pub pid: u32,
    /// Version of the program.
    pub version: String,
    /// Its public key.
    pub donor: String,
    /// Address of the distributor.
    pub server: String,
    /// Project that it works for; all if not given.
    pub project: Option<String>,
    /// `working`, `waiting` (for work or for the distributor), `paused`, `finishing`.
    pub state: String,
    /// Why, for `waiting` and `paused`.
    pub reason: Option<String>,
    /// The cap in percent of the machine.
    pub max_cpu: f64,
    /// Measured use over the last ten seconds, in percent of the machine.
    pub cpu: f64,
    /// Cores of the machine.
    pub cores: usize,
    /// Threads of all units.
    pub threads: usize,
    /// The units that it works on, the oldest first.
    pub units: Vec<UnitStatus>,
    /// Finished results that are not acknowledged yet.
    pub outbox: usize,
    /// Units finished since the start.
    pub finished: u64,
}

/// How far a unit is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UnitStatus {
    /// The unit.
    pub unit: String,
    /// Its project.
    pub project: String,
    /// Phase.
    pub phase: String,
    /// How far the phase is, from 0 to 1.
    pub phase_fraction: f64,
    /// How far the unit is, from 0 to 1.
    pub fraction: f64,
    /// Seconds that are left, if that can be said.
    pub seconds_left: Option<u64>,
    /// Resident memory in bytes.
    pub memory: u64,
}

/// Writes the status. Whole or not at all, but it need not survive a crash of the machine.
///
/// # Errors
/// If it cannot be written.
pub fn write_status(folder: &Folder, status: &Status) -> Result<(), FileError> {
    let (path, unfinished) = (folder.path("status.json"), folder.path(".unfinished-status"));
    let text = serde_json::to_string(status).unwrap_or_default();
    fs::write(&unfinished, text).and_then(|()| fs::rename(&unfinished, &path)).map_err(FileError::of("write", &path))
}

/// The status that the running donor wrote last.
pub fn read_status(folder: &Folder) -> Option<Status> {
    serde_json::from_slice(&fs::read(folder.path("status.json")).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_are_taken_once() {
        let place = tempfile::tempdir().expect("a folder");
        let folder = Folder::open(place.path()).expect("made");
        assert_eq!(take(&folder), []);
        wish(&folder, Wish::Pause).expect("written");
        wish(&folder, Wish::Finish).expect("written");
        assert!(!taken(&folder, Wish::Pause) && taken(&folder, Wish::Resume));
        assert_eq!(take(&folder), [Wish::Pause, Wish::Finish]);
        assert!(taken(&folder, Wish::Pause));
        wish(&folder, Wish::Resume).expect("written");
        withdraw(&folder, Wish::Resume);
        assert_eq!(take(&folder), []);
    }
}
