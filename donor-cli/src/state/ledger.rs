//! Small things that the donor learns: how fast the machine is, what it has done, whose programs it has run.

use super::Folder;
use super::atomic::Last;
use super::outbox::Entry;
use super::record::{self, RecordError};
use protocol::{Digest, LeaseMode, ProjectName, SignerKey, Timestamp, UnitId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Write as _;

/// Memory that a process takes before it proves anything.
const BASE_MEMORY: u64 = 96 << 20;

/// The machine's speed, in processor seconds of one core.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Speed {
    /// Steps executed in a processor second; 0 if not known.
    pub execute: f64,
    /// Steps proved in a processor second; 0 if not known.
    pub prove: f64,
    /// Bytes of memory that proving takes for each step.
    pub bytes_per_step: f64,
    /// Runs that were measured.
    pub runs: u64,
}

impl Default for Speed {
    /// Nothing measured; memory as programs of 2^16 to 2^20 steps take it, rounded up.
    fn default() -> Self {
        Self { execute: 0.0, prove: 0.0, bytes_per_step: 2_000.0, runs: 0 }
    }
}

impl Speed {
    /// Whether a machine can have been measured so.
    pub fn is_possible(&self) -> bool {
        let possible = |steps: f64| (0.0..=1e12).contains(&steps);
        possible(self.execute) && possible(self.prove) && (1.0..=1e9).contains(&self.bytes_per_step)
    }

    /// Steps of the largest unit that can be proved in so much memory.
    pub fn max_steps(&self, memory: u64) -> u64 {
        (memory.saturating_sub(BASE_MEMORY) as f64 / self.bytes_per_step.max(1.0)) as u64
    }

    /// Steps that are executed and proved in a second of this many cores; 0 if not known.
    pub fn steps_per_second(&self, cores: f64) -> u64 {
        if self.execute <= 0.0 || self.prove <= 0.0 {
            return 0;
        }
        (cores / (1.0 / self.execute + 1.0 / self.prove)).round() as u64
    }

    /// Seconds that a unit of so many steps takes on this many cores; `None` if not known. Running it takes one thread.
    pub fn seconds(&self, steps: u64, mode: LeaseMode, cores: f64) -> Option<f64> {
        let steps = steps as f64;
        let part = |speed: f64, cores: f64| (speed > 0.0 && cores > 0.0).then(|| steps / speed / cores);
        let execute = || part(self.execute, cores.min(1.0));
        let prove = || part(self.prove, cores);
        match mode {
            LeaseMode::Both => Some(execute()? + prove()?),
            LeaseMode::Execute => execute(),
            LeaseMode::Prove => prove(),
        }
    }

    /// Takes a run into account. Small runs say little about memory.
    pub fn note(&mut self, steps: u64, execute_seconds: Option<f64>, prove_seconds: f64, peak_memory: Option<u64>) {
        let steps = steps as f64;
        let blend = |old: f64, new: f64| if old > 0.0 { old + 0.3 * (new - old) } else { new };
        if let Some(seconds) = execute_seconds.filter(|seconds| *seconds > 0.0) {
            self.execute = blend(self.execute, steps / seconds);
        }
        if prove_seconds > 0.0 {
            self.prove = blend(self.prove, steps / prove_seconds);
        }
        if let Some(peak) = peak_memory.filter(|_| steps >= 50_000.0) {
            let seen = peak.saturating_sub(BASE_MEMORY) as f64 / steps;
            // Too little memory costs a unit, too careful a guess only large units: so up at once and down slowly.
            self.bytes_per_step =
                if seen > self.bytes_per_step { seen } else { blend(self.bytes_per_step, seen * 1.15) };
        }
        self.runs = self.runs.saturating_add(1);
    }
}

/// What this state folder's donor has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Totals {
    /// Units whose proofs were accepted.
    pub proofs: u64,
    /// Steps credited for them.
    pub steps: u64,
    /// Executions that were accepted.
    pub executions: u64,
    /// Units whose results came after somebody else's.
    pub late: u64,
    /// Results that were refused.
    pub refused: u64,
    /// Units that failed.
    pub failed: u64,
}

/// The measured speed. A damaged record is as none, and so is one that no machine can have: it is measured again.
pub fn speed(folder: &Folder) -> Speed {
    record::load(&folder.path("speed.json"), "speed").ok().filter(Speed::is_possible).unwrap_or_default()
}

/// Keeps the measured speed.
///
/// # Errors
/// If it cannot be written.
pub fn keep_speed(folder: &Folder, speed: &Speed) -> Result<(), RecordError> {
    record::save_to_last(&folder.path("speed.json"), Last::Process, "speed", speed)
}

/// The sums. A damaged record begins anew: the distributor's count is the one that holds.
pub fn totals(folder: &Folder) -> Totals {
    record::load(&folder.path("totals.json"), "totals").unwrap_or_default()
}

/// Counts up, and no further than a number goes: what is on disk may be anything.
pub const fn one_more(count: &mut u64) {
    *count = count.saturating_add(1);
}

/// Changes the sums.
///
/// # Errors
/// If they cannot be written.
pub fn add(folder: &Folder, change: impl FnOnce(&mut Totals)) -> Result<(), RecordError> {
    let mut sums = totals(folder);
    change(&mut sums);
    record::save_to_last(&folder.path("totals.json"), Last::Process, "totals", &sums)
}

/// A line of the history.
#[derive(Debug, Serialize)]
struct Line<'a> {
    time: Timestamp,
    project: Option<&'a ProjectName>,
    unit: UnitId,
    kind: &'static str,
    sha256: Digest,
    steps: u64,
    status: &'static str,
}

/// What became of one unit of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Became {
    /// The unit.
    pub unit: UnitId,
    /// In a word.
    pub status: &'static str,
    /// Steps credited.
    pub steps: u64,
}

/// Writes down what became of a result, a line for each of its units. For people: losing lines in a crash loses nothing else.
/// `sha256` is that of the file as it was sent.
pub fn write_history(folder: &Folder, entry: &Entry, sha256: Digest, became: &[Became]) {
    let line = |one: &Became| Line {
        time: Timestamp::now(),
        project: entry.project.as_ref(),
        unit: one.unit,
        kind: entry.kind.name(),
        sha256,
        steps: one.steps,
        status: one.status,
    };
    let lines = became.iter().filter_map(|one| serde_json::to_string(&line(one)).ok());
    let lines: String = lines.map(|line| line + "\n").collect();
    let open = std::fs::File::options().create(true).append(true).open(folder.path("history.jsonl"));
    if let Ok(mut file) = open {
        let _ = file.write_all(lines.as_bytes());
    }
}

/// Whose signature a project had when its program was first run here.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Signers(BTreeMap<String, SignerKey>);

impl Signers {
    /// Those seen so far.
    ///
    /// # Errors
    /// If the record is damaged: then nobody is trusted before somebody has looked.
    pub fn load(folder: &Folder) -> Result<Self, RecordError> {
        let path = folder.path("signers.json");
        if !path.exists() {
            return Ok(Self::default());
        }
        record::load(&path, "signers").map_err(|error| match error {
            RecordError::Damaged { path, why } => {
                let why = format!(
                    "{why}. It says whose programs were run here before. Restore it from a backup, or remove it: then whoever \
                     signs a project's program next is taken for its owner"
                );
                RecordError::Damaged { path, why }
            }
            error => error,
        })
    }

    /// Whether this signer is the one seen before, or the first. `Err` gives the one seen before.
    ///
    /// # Errors
    /// If another signer was seen before.
    pub fn check(&self, server: &str, project: &ProjectName, signer: &SignerKey) -> Result<bool, SignerKey> {
        match self.0.get(&format!("{server} {project}")) {
            None => Ok(false),
            Some(known) if known == signer => Ok(true),
            Some(known) => Err(*known),
        }
    }

    /// Remembers a signer.
    ///
    /// # Errors
    /// If the record cannot be written.
    pub fn trust(
        &mut self,
        folder: &Folder,
        server: &str,
        project: &ProjectName,
        signer: SignerKey,
    ) -> Result<(), RecordError> {
        self.0.insert(format!("{server} {project}"), signer);
        record::save(&folder.path("signers.json"), "signers", self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_follows_what_was_measured() {
        let mut speed = Speed::default();
        assert_eq!(speed.steps_per_second(1.0), 0);
        assert_eq!(speed.max_steps(0), 0);
        let before = speed.max_steps(2 << 30);
        speed.note(1_000_000, Some(1.0), 9.0, Some(4 << 30));
        assert_eq!(speed.steps_per_second(1.0), 100_000);
        let seconds = |mode, cores| speed.seconds(2_000_000, mode, cores).map(f64::round);
        assert_eq!([seconds(LeaseMode::Both, 1.0), seconds(LeaseMode::Both, 2.0)], [Some(20.0), Some(11.0)]);
        assert_eq!([seconds(LeaseMode::Execute, 0.5), seconds(LeaseMode::Prove, 0.5)], [Some(4.0), Some(36.0)]);
        assert_eq!(Speed::default().seconds(5, LeaseMode::Both, 1.0), None);
        assert!(speed.max_steps(2 << 30) < before, "it takes more memory than was thought");
        let careful = speed.bytes_per_step;
        speed.note(1_000_000, Some(1.0), 9.0, Some(1 << 30));
        assert!(speed.bytes_per_step < careful && speed.bytes_per_step > 1100.0);
    }

    #[test]
    fn another_signer_is_noticed() {
        let place = tempfile::tempdir().expect("a folder");
        let folder = Folder::open(place.path()).expect("made");
        let (first, second) = (SignerKey::from_bytes([1; 32]), SignerKey::from_bytes([2; 32]));
        let project = "primes".parse().expect("a name");
        let mut signers = Signers::load(&folder).expect("empty");
        assert_eq!(signers.check("http://a", &project, &first), Ok(false));
        signers.trust(&folder, "http://a", &project, first).expect("written");
        let signers = Signers::load(&folder).expect("read");
        assert_eq!(signers.check("http://a", &project, &first), Ok(true));
        assert_eq!(signers.check("http://a", &project, &second), Err(first));
        assert_eq!(signers.check("http://b", &project, &second), Ok(false));
    }

    #[test]
    fn sums_add_up() {
        let place = tempfile::tempdir().expect("a folder");
        let folder = Folder::open(place.path()).expect("made");
        add(&folder, |totals| totals.proofs += 1).expect("written");
        add(&folder, |totals| totals.proofs += 1).expect("written");
        assert_eq!(totals(&folder).proofs, 2);
        std::fs::write(folder.path("totals.json"), "?").expect("written");
        assert_eq!(totals(&folder), Totals::default());
    }
}
