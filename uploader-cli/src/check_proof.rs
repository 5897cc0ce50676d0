//! What the uploader does not believe, and why.

use crate::manifest::ManifestBatch;
use crate::row::Row;
use cairo_air::{Policy, Program};
use cairo_air::{VerifiedRun, VerifyError};
use felt::{Felt, encoding};
use protocol::{Digest, DonorKey, ExternalId, Felts};
use std::fmt;

/// A unit whose result is not believed.
#[derive(Debug, Clone, PartialEq)]
pub struct Refused {
    /// The uploader's name for it.
    pub unit: ExternalId,
    /// Why.
    pub reason: Refusal,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unit `{}`: {}", self.unit, self.reason)
    }
}

/// Why a result is not believed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// A unit that is not in the uploader's record.
    #[error("it was not pushed from here, but the distributor lists a result for it")]
    NotPushed,
    /// Arguments other than those that were pushed.
    #[error("the distributor says that its arguments are {}, but {} were pushed", show(&found.0), show(&expected.0))]
    Arguments {
        /// What the distributor says.
        found: Felts,
        /// What was pushed.
        expected: Felts,
    },
    /// Two results in one list.
    #[error("the distributor lists its result twice; it is counted once")]
    Repeated,
    /// Another result than the one collected before, with another proof that holds.
    #[error("{0}")]
    OtherResult(Box<OtherResult>),
    /// A proof that the distributor let go.
    #[error("its proof is not kept any more; `uploader prove-again` has it made anew")]
    Thinned,
    /// A list of runs that cannot be that of the proof.
    #[error("what the distributor says of its proof's runs makes no sense: {0}")]
    Runs(String),
    /// A run that the proof does not have.
    #[error("it is said to be run {index} of a proof of {runs}")]
    NoSuchRun {
        /// The run.
        index: u32,
        /// How many the proof has.
        runs: usize,
    },
    /// A run on other arguments than the unit's.
    #[error("it is said to be run {index} of its proof, but that is one on {}", show(&found.0))]
    OtherRun {
        /// The run.
        index: u32,
        /// Its arguments.
        found: Felts,
    },
    /// Another prover than that of the other runs of the proof.
    #[error("its prover is listed as {found}, but the proof is one of {expected}")]
    OtherProver {
        /// Who is listed.
        found: DonorKey,
        /// Whose the proof is.
        expected: DonorKey,
    },
    /// A proof that cannot be had.
    #[error("its proof is not there ({0})")]
    NoProof(String),
    /// Other bytes than those announced.
    #[error("its proof is not the one that is listed: the file has the digest {found}, the list says {expected}")]
    Digest {
        /// Digest of the bytes.
        found: Digest,
        /// Digest in the list.
        expected: Digest,
    },
    /// A proof that does not hold.
    #[error("{0}")]
    Proof(#[from] VerifyError),
    /// Another output than the proven one.
    #[error("its output is listed as {}, but the proof shows {}", show(&listed.0), show(&proven.0))]
    Output {
        /// What the list says.
        listed: Felts,
        /// What the proof shows.
        proven: Felts,
    },
    /// Another number of steps than the proven one.
    #[error("its steps are listed as {listed}, but the proof shows {proven}")]
    Steps {
        /// What the list says.
        listed: u64,
        /// What the proof shows.
        proven: u64,
    },
    /// Proved, as the distributor says, and not in its results.
    #[error("the distributor says that it is proved, but lists no result for it")]
    Withheld,
    /// Pushed, and unknown to the distributor.
    #[error("it was pushed, but the distributor no longer has it")]
    Forgotten,
}

/// Two results of one unit, both with proofs that hold.
#[derive(Debug, Clone, PartialEq)]
pub struct OtherResult {
    /// What was collected.
    pub before: Row,
    /// What is listed now.
    pub now: Row,
}

impl fmt::Display for OtherResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { before, now } = self;
        write!(
            f,
            "it was proven again, with another result: {} in {} steps, but {} in {} steps were collected and verified before. The \
             program is not deterministic, or one of the proofs {} and {} is false",
            show(&now.output),
            now.n_steps,
            show(&before.output),
            before.n_steps,
            before.proof,
            now.proof
        )
    }
}

/// The first values, in the form in which they are compared.
fn show(felts: &[Felt]) -> String {
    let shown: Vec<String> = felts.iter().take(8).map(encoding::to_hex).collect();
    let more = if felts.len() > shown.len() { format!(", … ({} values)", felts.len()) } else { String::new() };
    format!("[{}{more}]", shown.join(", "))
}

/// What a proof is said to be of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// Digest of its file.
    pub proof: Digest,
    /// Its prover.
    pub prover: DonorKey,
    /// The arguments of each of its runs.
    pub arguments: Vec<Vec<Felt>>,
}

/// A proof that holds: what it shows of each of its runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// What it is of.
    pub claimed: Claimed,
    /// Each run.
    pub runs: Vec<VerifiedRun>,
}

impl Claimed {
    /// Checks a file against one's own program and the arguments.
    ///
    /// # Errors
    /// Why it is not believed.
    pub fn check(self, program: &Program, file: &[u8], policy: &Policy) -> Result<Shown, Refusal> {
        let found = Digest::of(file);
        if found != self.proof {
            return Err(Refusal::Digest { found, expected: self.proof });
        }
        let runs = protocol::proof::verify(program, self.arguments.clone(), &self.prover, file, policy)?;
        Ok(Shown { claimed: self, runs })
    }
}

impl Shown {
    /// What a manifest says of it, if it is of several runs.
    pub fn batch(&self) -> Option<ManifestBatch> {
        let Claimed { proof, prover, arguments } = &self.claimed;
        let runs = || arguments.iter().cloned().map(Felts).collect();
        (arguments.len() > 1).then(|| ManifestBatch { proof: *proof, prover: *prover, runs: runs() })
    }

    /// Checks a row against the run that it is said to be.
    ///
    /// # Errors
    /// What is not believed.
    pub fn check_row(&self, row: &Row) -> Result<(), Refusal> {
        let place = row.index as usize;
        let (Some(arguments), Some(run)) = (self.claimed.arguments.get(place), self.runs.get(place)) else {
            return Err(Refusal::NoSuchRun { index: row.index, runs: self.runs.len() });
        };
        if *arguments != row.arguments {
            return Err(Refusal::OtherRun { index: row.index, found: Felts(arguments.clone()) });
        }
        if self.claimed.prover != row.prover {
            return Err(Refusal::OtherProver { found: row.prover, expected: self.claimed.prover });
        }
        if run.output != row.output {
            return Err(Refusal::Output { listed: Felts(row.output.clone()), proven: Felts(run.output.clone()) });
        }
        if run.n_steps != row.n_steps {
            return Err(Refusal::Steps { listed: row.n_steps, proven: run.n_steps });
        }
        Ok(())
    }
}
