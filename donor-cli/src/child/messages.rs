//! What the donor and a work unit's process say to each other: one JSON value a line, on the unit's standard input and
//! output.

use super::sandbox::Walls;
use crate::progress::Phase;
use protocol::{Digest, DonorKey, FailureCause, Felts, LeaseMode, Preset, ProgramHash, UnitId};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The version of these messages. A donor replaced by another version while a unit runs is no case: the unit's process is
/// started from the donor's own file.
pub const VERSION: u32 = 4;

/// A unit that a process has to work on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobUnit {
    /// Its id.
    pub id: UnitId,
    /// The arguments.
    pub arguments: Felts,
    /// Where an execution may lie that is to be proved, or that an earlier attempt left.
    pub earlier: PathBuf,
    /// Where a finished execution goes.
    pub execution: PathBuf,
}

/// What a unit's process has to do: units of one program, executed one after the other and proved in one proof.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// [`VERSION`].
    pub version: u32,
    /// The donor's process. If it is not the parent, it has died meanwhile.
    pub parent: u32,
    /// The program file.
    pub program: PathBuf,
    /// Its digest.
    pub program_digest: Digest,
    /// Digest of its record.
    pub record: Digest,
    /// Its identity in proofs.
    pub program_hash: ProgramHash,
    /// The units, at least one, in the order in which they are worked on.
    pub units: Vec<JobUnit>,
    /// What to do. With [`LeaseMode::Both`] an execution that an earlier attempt left is taken if it is sound.
    pub mode: LeaseMode,
    /// Where the proof goes.
    pub proof: PathBuf,
    /// The prover's identity.
    pub prover: DonorKey,
    /// Security of the proof.
    #[serde(with = "protocol::preset")]
    pub preset: Preset,
    /// What a byte of the proof is worth, in nanoseconds; the prover's own price if not given.
    pub byte_price: Option<u32>,
    /// The limits.
    pub limits: JobLimits,
    /// Threads.
    pub threads: usize,
    /// Cores to begin with; 0 is a pause.
    pub cores: f64,
    /// What may be used at once, in seconds of one core; less than 0 is a debt of earlier units.
    pub credit: f64,
    /// The walls that this system has. One that cannot be built after all ends the process.
    pub walls: Walls,
}

/// Limits of each unit, and of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobLimits {
    /// Most steps.
    pub max_steps: u64,
    /// Most memory cells.
    pub max_memory_cells: u64,
    /// Whether that is the donor's own limit, below the project's.
    pub own_memory: bool,
    /// Most processor seconds of an execution.
    pub execute_seconds: u64,
    /// Most processor seconds of the whole process.
    pub total_seconds: u64,
    /// Most bytes of memory of the process.
    pub memory_bytes: u64,
    /// Most bytes of each file that it writes.
    pub file_bytes: u64,
}

/// What the donor says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Use this many cores from now on; 0 is a pause.
    Cores(f64),
    /// Stop and exit.
    Cancel,
}

/// What the unit's process says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// How far a phase is.
    Progress {
        /// The phase.
        phase: Phase,
        /// From 0 to 1.
        fraction: f64,
    },
    /// Work on the execution of a unit begins.
    Begins {
        /// The unit.
        unit: UnitId,
    },
    /// The program has been executed, or a kept execution was loaded.
    Executed {
        /// The unit.
        unit: UnitId,
        /// Steps of the run.
        steps: u64,
        /// Memory cells of the run.
        cells: u64,
        /// Processor seconds of this phase.
        cpu_seconds: f64,
        /// Whether it was written into its file.
        kept: bool,
    },
    /// Work goes on, though there is nothing to tell.
    Alive,
    /// Something does not work but will be tried again, such as writing to a full disk.
    Waiting {
        /// What and why.
        why: String,
    },
    /// A unit cannot be done; the process goes on with the others.
    UnitFailed {
        /// The unit.
        unit: UnitId,
        /// Why.
        cause: FailureCause,
        /// For people.
        detail: String,
    },
    /// The proof has been made, verified and written.
    Proved {
        /// The units whose runs it is of, in order.
        units: Vec<UnitId>,
        /// Its bytes.
        bytes: u64,
        /// Its digest.
        sha256: Digest,
        /// Steps proven, of all runs.
        steps: u64,
        /// Processor seconds of proving.
        cpu_seconds: f64,
        /// Largest resident memory in bytes, if the system tells.
        peak_memory: Option<u64>,
    },
    /// Nothing more comes: what was under way cannot be done.
    Failed {
        /// Why.
        cause: FailureCause,
        /// For people.
        detail: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_survive_the_way() {
        let events = [
            Event::Progress { phase: Phase::Fri, fraction: 0.25 },
            Event::Executed {
                unit: UnitId::from_bytes([1; 10]),
                steps: 1 << 20,
                cells: 5,
                cpu_seconds: 1.5,
                kept: true,
            },
            Event::Failed { cause: FailureCause::StepLimit, detail: "the program\ndid not end".to_owned() },
        ];
        for event in events {
            let line = serde_json::to_string(&event).expect("written");
            assert!(!line.contains('\n'));
            assert_eq!(serde_json::from_str::<Event>(&line).expect("read"), event);
        }
        for order in [Order::Cores(0.5), Order::Cancel] {
            let line = serde_json::to_string(&order).expect("written");
            assert_eq!(serde_json::from_str::<Order>(&line).expect("read"), order);
        }
    }
}
