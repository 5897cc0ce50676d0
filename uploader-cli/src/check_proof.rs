//! What the uploader does not believe, and why.

use crate::row::Row;
use cairo_air::{Policy, Program, Statement, VerifyError};
use felt::{Felt, encoding};
use protocol::{Digest, ExternalId, Felts};
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
    /// Another proof than the one collected before.
    #[error("the distributor now has the proof {found}, but {before} was collected and verified before")]
    OtherProof {
        /// The proof now.
        found: Digest,
        /// The proof before.
        before: Digest,
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

/// The first values, in the form in which they are compared.
fn show(felts: &[Felt]) -> String {
    let shown: Vec<String> = felts.iter().take(8).map(encoding::to_hex).collect();
    let more = if felts.len() > shown.len() { format!(", … ({} values)", felts.len()) } else { String::new() };
    format!("[{}{more}]", shown.join(", "))
}

/// Checks a proof against the uploader's own program and arguments, and the row against what the proof shows.
///
/// # Errors
/// What is not believed.
pub fn check_proof(program: &Program, row: &Row, proof: &[u8], policy: &Policy) -> Result<(), Refusal> {
    let found = Digest::of(proof);
    if found != row.proof {
        return Err(Refusal::Digest { found, expected: row.proof });
    }
    let statement = Statement::single(program.clone(), row.arguments.clone(), *row.prover.as_bytes());
    let verified = cairo_air::verify(&statement, proof, policy)?;
    // As many runs as the statement has, which is one.
    for run in verified.runs {
        if run.output != row.output {
            return Err(Refusal::Output { listed: Felts(row.output.clone()), proven: Felts(run.output) });
        }
        if run.n_steps != row.n_steps {
            return Err(Refusal::Steps { listed: row.n_steps, proven: run.n_steps });
        }
    }
    Ok(())
}
