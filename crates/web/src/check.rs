//! Checking a result that somebody else is said to have proved.

use crate::project::OpenProject;
use protocol::{Digest, DonorKey, Felts, MAX_PROOF_BYTES, ProofCheck};
use serde::Serialize;

/// What a proof was found to show.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Checked {
    /// Bytes of the proof.
    pub bytes: u64,
    /// Who proved it.
    pub prover: DonorKey,
    /// Its runs in order.
    pub runs: Vec<CheckedRun>,
}

/// What a proof shows of one run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CheckedRun {
    /// The uploader's name for the unit, as the distributor says it: the proof knows no names.
    pub unit: String,
    /// What the program was run on.
    pub arguments: Felts,
    /// What came out, arguments included where the program's output begins with them.
    pub output: Felts,
    /// How many steps it took.
    pub steps: u64,
}

/// Reads the answer to a request for a check, which must be about this proof.
///
/// # Errors
/// Says what makes no sense of it.
pub fn read_check(sha256: &str, text: &str) -> Result<ProofCheck, String> {
    let check: ProofCheck = serde_json::from_str(text)
        .map_err(|error| format!("the distributor's account of the proof cannot be read: {error}"))?;
    let asked: Digest = sha256.parse().map_err(|error: protocol::IdError| error.to_string())?;
    if check.proof.sha256 != asked {
        return Err(format!("the distributor answers about the proof {}, not about {asked}", check.proof.sha256));
    }
    check.spec.check().map_err(|error| format!("the project's settings make no sense: {error}"))?;
    Ok(check)
}

/// Checks that the program is what its uploader signed, and that the proof shows runs of it on the arguments that the account names.
///
/// # Errors
/// Says what is wrong, and that nothing is shown.
pub fn check(check: &ProofCheck, program: &[u8], proof: &[u8]) -> Result<Checked, String> {
    if proof.len() > MAX_PROOF_BYTES {
        return Err(format!("the file has {} bytes; a proof has at most {MAX_PROOF_BYTES}", proof.len()));
    }
    let found = Digest::of(proof);
    if found != check.proof.sha256 {
        return Err(format!(
            "the file that came has SHA-256 {found}, but the proof has {}: it was altered",
            check.proof.sha256
        ));
    }
    let project =
        OpenProject::of_spec(check.project.clone(), &check.spec, program).map_err(|failure| failure.detail)?;
    let arguments = check.proof.runs.iter().map(|run| run.arguments.0.clone()).collect();
    let policy = protocol::policy(check.spec.preset, check.spec.limits.max_steps);
    let shown = protocol::proof::verify(project.program.program(), arguments, &check.proof.prover, proof, &policy)
        .map_err(|error| error.to_string())?;
    let runs = check.proof.runs.iter().zip(shown).map(|(run, shown)| CheckedRun {
        unit: protocol::text::printable(&run.external_id.to_string(), 200),
        arguments: run.arguments.clone(),
        output: Felts(shown.output),
        steps: shown.n_steps,
    });
    Ok(Checked { bytes: proof.len() as u64, prover: check.proof.prover, runs: runs.collect() })
}
