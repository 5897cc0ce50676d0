//! How `donor pause`, `resume`, `finish` and `status` reach the running donor: wishes are files in `control/`; what it does is in
//! `status.json`. A wish that it takes gets another name, and is removed once the status says so: whoever waits for that sees it there.

use super::Folder;
use super::atomic::{self, FileError};
use super::pause::Length;
use crate::governor::rules::Watched;
use crate::session::bounds::Bounds;
use serde::{Deserialize, Serialize};
use std::fs;

/// Most bytes of the status file that are read.
const MAX_STATUS: u64 = 1 << 20;

/// What somebody wants of the running donor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Pause for so long, or until `Resume`.
    Pause(Length),
    /// Go on.
    Resume,
    /// Finish the unit, deliver, and end.
    Finish,
}

impl Wish {
    /// Names of the commands and of the files.
    const NAMES: [&str; 3] = ["pause", "resume", "finish"];

    /// Name of the command and of the file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pause(_) => "pause",
            Self::Resume => "resume",
            Self::Finish => "finish",
        }
    }

    fn from_file(name: &str, text: &str) -> Self {
        match name {
            "pause" => Self::Pause(Length::from_text(text)),
            "resume" => Self::Resume,
            _ => Self::Finish,
        }
    }

    fn text(self) -> String {
        if let Self::Pause(length) = self { length.to_text() } else { String::new() }
    }
}

/// Makes a wish.
///
/// # Errors
/// If its file cannot be written.
pub fn wish(folder: &Folder, wish: Wish) -> Result<(), FileError> {
    atomic::write(&folder.path("control").join(wish.name()), wish.text().as_bytes())
}

/// Name of a wish's file while it is followed.
fn followed(name: &str) -> String {
    format!(".{name}-taken")
}

/// Whether a wish has been followed, and the status says so.
pub fn followed_up(folder: &Folder, wish: Wish) -> bool {
    let control = folder.path("control");
    !control.join(wish.name()).exists() && !control.join(followed(wish.name())).exists()
}

/// Takes a wish back.
pub fn withdraw(folder: &Folder, wish: Wish) {
    // One that cannot be removed is removed at the donor's next start.
    let _ = fs::remove_file(folder.path("control").join(wish.name()));
}

/// Takes all wishes that are there; [`done`] says that they were followed.
pub fn take(folder: &Folder) -> Vec<Wish> {
    let control = folder.path("control");
    let there = |name: &&str| {
        let path = control.join(followed(name));
        fs::rename(control.join(name), &path).ok()?;
        // What cannot be read any more is still a wish.
        Some(Wish::from_file(name, &fs::read_to_string(&path).unwrap_or_default()))
    };
    Wish::NAMES.iter().filter_map(there).collect()
}

/// The wishes that were taken were followed, and the status was written since.
pub fn done(folder: &Folder) {
    for name in Wish::NAMES {
        // One that cannot be removed is removed at the donor's next start; who waits for it is told that the donor does not answer.
        let _ = fs::remove_file(folder.path("control").join(followed(name)));
    }
}

/// What the running donor does.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
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
    /// The cap in percent of the machine, as it is now.
    pub max_cpu: f64,
    /// The rule of the schedule that holds, if there is a schedule.
    #[serde(default)]
    pub rule: Option<RuleStatus>,
    /// What pause rules saw, for people.
    #[serde(default)]
    pub watched: Vec<Watched>,
    /// What was asked for and cannot be seen on this machine, in words.
    #[serde(default)]
    pub unseen: Vec<String>,
    /// Why nothing is transferred now, if it is so.
    #[serde(default)]
    pub network_closed: Option<String>,
    /// Bytes that went over the network today and this month.
    #[serde(default)]
    pub network_used: (u64, u64),
    /// Units that were fetched ahead.
    #[serde(default)]
    pub ahead: usize,
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
    /// Results finished since the start.
    pub finished: u64,
    /// Seconds since the start.
    #[serde(default)]
    pub running_for: u64,
    /// What a unit gets at most.
    #[serde(default)]
    pub bounds: Bounds,
    /// What pause rules saw, for machines, in a field for each that has one.
    #[serde(flatten)]
    pub fields: serde_json::Map<String, serde_json::Value>,
}

/// The rule of the schedule that holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RuleStatus {
    /// The rule as it is written; none if no rule fits.
    pub rule: Option<String>,
    /// The cap in percent of the machine; 0 for a pause.
    pub cap: f64,
    /// The local time at which another cap holds; none if it never changes by itself.
    pub until: Option<String>,
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
    serde_json::from_slice(&atomic::read(&folder.path("status.json"), MAX_STATUS).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_are_taken_once() {
        let place = tempfile::tempdir().expect("a folder");
        let folder = Folder::open(place.path()).expect("made");
        assert_eq!(take(&folder), []);
        let pause = Wish::Pause(Length::For(std::time::Duration::from_secs(7200)));
        wish(&folder, pause).expect("written");
        wish(&folder, Wish::Finish).expect("written");
        assert!(!followed_up(&folder, pause) && followed_up(&folder, Wish::Resume));
        assert_eq!(take(&folder), [pause, Wish::Finish]);
        assert_eq!(take(&folder), []);
        assert!(!followed_up(&folder, pause), "the status does not say so yet");
        // A further wish meanwhile is not lost.
        wish(&folder, Wish::Resume).expect("written");
        done(&folder);
        assert!(
            followed_up(&folder, pause) && followed_up(&folder, Wish::Finish) && !followed_up(&folder, Wish::Resume)
        );
        assert_eq!(take(&folder), [Wish::Resume]);
        done(&folder);
        wish(&folder, Wish::Pause(Length::Open)).expect("written");
        assert_eq!(take(&folder), [Wish::Pause(Length::Open)]);
        wish(&folder, Wish::Resume).expect("written");
        withdraw(&folder, Wish::Resume);
        assert_eq!(take(&folder), []);
    }
}
