//! What was pushed: the uploader's own record, against which everything from the distributor is checked.

use super::error::StateError;
use super::file::{read_checked, write_checked, write_whole};
use super::state::State;
use protocol::{Digest, ExternalId, Felts, Preset, ProgramHash, ProjectName, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

const ADVICE: &str = "Remove the folder and push again with the same program and arguments: a push that the distributor \
                      has already changes nothing there and writes the record anew.";

/// A unit as it was pushed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedUnit {
    /// The uploader's name for it.
    pub id: ExternalId,
    /// Its arguments.
    pub arguments: Felts,
}

/// A project as it was pushed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Where.
    pub distributor: String,
    /// Under which name.
    pub project: ProjectName,
    /// The program file, which lies beside the record.
    pub program: Digest,
    /// The program's identity in proofs.
    pub program_hash: ProgramHash,
    /// Security that proofs must have.
    #[serde(with = "protocol::preset")]
    pub preset: Preset,
    /// Most steps of a unit.
    pub max_steps: u64,
    /// When it was pushed last.
    pub pushed_at: Timestamp,
    /// The units, in the order in which they were pushed first.
    pub units: Vec<RecordedUnit>,
    /// Units of a push that was cut off, which the distributor may not have.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub unsent: BTreeSet<ExternalId>,
}

/// Units that do not go with what was pushed before.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// A unit that was pushed with other arguments.
    #[error(
        "the unit `{unit}` of project `{project}` was pushed with other arguments before; give the new arguments another name \
         (a unit keeps its arguments, since its result is about them)"
    )]
    Changed {
        /// The project.
        project: ProjectName,
        /// The unit.
        unit: ExternalId,
    },
    /// Arguments that were pushed under another name.
    #[error(
        "the arguments of the unit `{unit}` were pushed to project `{project}` before, as unit `{before}`. The same arguments give \
         the same result, which would be counted twice: leave them out, or push them under the old name"
    )]
    Renamed {
        /// The project.
        project: ProjectName,
        /// The unit now.
        unit: ExternalId,
        /// The unit before.
        before: ExternalId,
    },
}

impl Record {
    /// Reads the record of a project; `None` if it was never pushed from here.
    ///
    /// # Errors
    /// If the record cannot be read, is damaged, or its program file is not the one that was pushed.
    pub fn load(state: &State, distributor: &str, name: &ProjectName) -> Result<Option<(Self, Vec<u8>)>, StateError> {
        let folder = state.project(distributor, name);
        let Some(record) = read_checked::<Self>(&folder.join("record.json"), ADVICE)? else { return Ok(None) };
        let path = program_path(&folder, &record.program);
        let damaged = |what: String| StateError::Damaged { path: path.clone(), what, advice: ADVICE.to_owned() };
        let program = std::fs::read(&path).map_err(|error| damaged(error.to_string()))?;
        if Digest::of(&program) != record.program {
            return Err(damaged("it is not the program that was pushed".to_owned()));
        }
        Ok(Some((record, program)))
    }

    /// Writes the record and the program file, the program first.
    ///
    /// # Errors
    /// If a file cannot be written; the record is then the old one.
    pub fn save(&self, state: &State, program: &[u8]) -> Result<(), StateError> {
        let folder = state.project(&self.distributor, &self.project);
        write_whole(&program_path(&folder, &self.program), program)?;
        write_checked(&folder.join("record.json"), self)
    }

    /// Takes the record off the disk, if it is there.
    ///
    /// # Errors
    /// If it cannot be removed.
    pub fn remove(&self, state: &State) -> Result<(), StateError> {
        let folder = state.project(&self.distributor, &self.project);
        match std::fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(StateError::Write { path: folder, source: error })
            }
            _ => Ok(()),
        }
    }

    /// Takes units in, new ones as not sent. Those that are there already must have the same arguments, and no arguments may be
    /// there under another name.
    ///
    /// # Errors
    /// Names the first unit that was pushed before with other arguments, or whose arguments were pushed before; nothing is
    /// taken in then.
    pub fn merge(&mut self, units: Vec<RecordedUnit>) -> Result<(), MergeError> {
        let known: HashMap<&ExternalId, &Felts> = self.units.iter().map(|unit| (&unit.id, &unit.arguments)).collect();
        if let Some(unit) = units.iter().find(|unit| known.get(&unit.id).is_some_and(|old| **old != unit.arguments)) {
            return Err(MergeError::Changed { project: self.project.clone(), unit: unit.id.clone() });
        }
        let new: Vec<RecordedUnit> = units.iter().filter(|unit| !known.contains_key(&unit.id)).cloned().collect();
        let named: HashMap<Digest, &ExternalId> =
            self.units.iter().map(|unit| (unit.arguments.digest(), &unit.id)).collect();
        for unit in &new {
            if let Some(before) = named.get(&unit.arguments.digest()) {
                let (project, unit, before) = (self.project.clone(), unit.id.clone(), (*before).clone());
                return Err(MergeError::Renamed { project, unit, before });
            }
        }
        self.unsent.extend(new.iter().map(|unit| unit.id.clone()));
        self.units.extend(new);
        Ok(())
    }

    /// Notes that the distributor has these units.
    pub fn sent<'a>(&mut self, units: impl Iterator<Item = &'a ExternalId>) {
        for unit in units {
            self.unsent.remove(unit);
        }
    }

    /// Forgets the units that the distributor may not have.
    pub fn forget_unsent(&mut self) {
        let unsent = std::mem::take(&mut self.unsent);
        self.units.retain(|unit| !unsent.contains(&unit.id));
    }

    /// Arguments by unit.
    pub fn by_id(&self) -> BTreeMap<ExternalId, Felts> {
        self.units.iter().map(|unit| (unit.id.clone(), unit.arguments.clone())).collect()
    }
}

fn program_path(folder: &Path, program: &Digest) -> std::path::PathBuf {
    folder.join(format!("program-{program}.json"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use felt::Felt;

    fn unit(id: &str, argument: u64) -> RecordedUnit {
        RecordedUnit { id: id.parse().expect("an id"), arguments: Felts(vec![Felt::from(argument)]) }
    }

    fn record(program: &[u8]) -> Record {
        Record {
            distributor: "https://a".to_owned(),
            project: "primes".parse().expect("a name"),
            program: Digest::of(program),
            program_hash: ProgramHash::from_bytes([7; 32]),
            preset: Preset::Default100,
            max_steps: 1 << 20,
            pushed_at: Timestamp(5),
            units: vec![unit("a", 1)],
            unsent: BTreeSet::new(),
        }
    }

    #[test]
    fn a_record_survives_and_damage_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let state = State::new(Some(folder.path())).expect("a state");
        let record = record(b"program");
        let load = || Record::load(&state, "https://a", &record.project);
        assert!(load().expect("nothing yet").is_none());
        record.save(&state, b"program").expect("a write");
        assert_eq!(load().expect("a record"), Some((record.clone(), b"program".to_vec())));

        let file = program_path(&state.project("https://a", &record.project), &record.program);
        std::fs::write(&file, b"other").expect("a write");
        assert!(load().expect_err("damage").to_string().contains("push again"));
        std::fs::remove_file(&file).expect("the file");
        assert!(matches!(load(), Err(StateError::Damaged { .. })));
    }

    #[test]
    fn units_are_merged_once_and_never_changed() {
        let mut record = record(b"program");
        record.merge(vec![unit("a", 1), unit("b", 2)]).expect("the same and a new one");
        assert_eq!(record.units, [unit("a", 1), unit("b", 2)]);
        let error = record.merge(vec![unit("c", 3), unit("b", 4)]).expect_err("a changed unit");
        assert!(matches!(error, MergeError::Changed { unit, .. } if unit.as_str() == "b"));
        assert_eq!(record.units.len(), 2);
        let error = record.merge(vec![unit("c", 2)]).expect_err("another name");
        assert!(matches!(error, MergeError::Renamed { before, .. } if before.as_str() == "b"));
        assert_eq!((record.units.len(), record.unsent.len()), (2, 1));
    }

    #[test]
    fn units_that_were_not_sent_can_be_forgotten() {
        let mut record = record(b"program");
        record.merge(vec![unit("b", 2), unit("c", 3)]).expect("new ones");
        record.sent(["b".parse().expect("an id")].iter());
        record.forget_unsent();
        assert_eq!(record.units, [unit("a", 1), unit("b", 2)]);
        assert!(record.unsent.is_empty());
    }
}
