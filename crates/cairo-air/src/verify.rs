//! The verifier: nine steps, as in `docs/PROTOCOL.md`. No byte of a proof can make it panic.

use crate::claim::ClaimError;
use crate::layout::LayoutError;
use crate::policy::{self, Policy, PolicyError};
use crate::proof::{CairoProof, ProofFileError};
use crate::public::public_terms;
use crate::statement::{Statement, StatementError};
use felt::Felt;
use stark::{Parameters, Proof, Shape};

/// Why a proof is refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum VerifyError {
    /// Nothing can be shown of the statement.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// Not what the verifier's policy demands.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// Not a proof file.
    #[error(transparent)]
    File(#[from] ProofFileError),
    /// A proof of another program.
    #[error(
        "this is a proof of another program: its program hash is {found}, that of the expected program is {expected}"
    )]
    OtherProgram {
        /// Hash in the proof.
        found: String,
        /// Hash of the statement's program.
        expected: String,
    },
    /// A proof of the program on other arguments.
    #[error(
        "this is a proof of the program on other arguments: their hash is {found}, that of the expected ones is {expected}"
    )]
    OtherArguments {
        /// Hash in the proof.
        found: String,
        /// Hash of the statement's arguments.
        expected: String,
    },
    /// Another prover's proof.
    #[error("this proof was made by another prover: its identity is {found}, the expected one is {expected}")]
    OtherProver {
        /// Identity in the proof.
        found: String,
        /// Identity of the statement.
        expected: String,
    },
    /// A claim that no run fits.
    #[error(transparent)]
    Claim(#[from] ClaimError),
    /// Tables that do not fit program and claim.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// Bytes that are no STARK proof for these tables.
    #[error("the STARK proof cannot be read: {0}")]
    Decode(#[from] stark::DecodeError),
    /// A STARK proof that does not hold.
    #[error("the STARK proof is invalid: {0}")]
    Stark(#[from] stark::VerifyError),
}

/// What a valid proof shows of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedRun {
    /// The output cells of the run.
    pub output: Vec<Felt>,
    /// Its number of steps, up to the first arrival at the program's end.
    pub n_steps: u64,
}

/// What a valid proof shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Verified {
    /// What it shows of each run, in the order of the statement.
    pub runs: Vec<VerifiedRun>,
    /// Parameters of the proof.
    pub parameters: Parameters,
    /// Bits of security by the conjecture on list decoding.
    pub conjectured_bits: f64,
    /// Bits of security by theorems alone.
    pub proven_bits: f64,
}

impl Verified {
    /// What is shown of the run, if it is one run.
    pub fn into_single(self) -> Option<VerifiedRun> {
        let mut runs = self.runs.into_iter();
        runs.next().filter(|_| runs.len() == 0)
    }
}

/// Checks that `proof`, a proof file, shows the statement: that the statement's prover knows runs of its program, one on each of its lists of
/// arguments, with the outputs and the numbers of steps that are returned.
///
/// # Errors
/// A [`VerifyError`] that names what is wrong.
pub fn verify(statement: &Statement, proof: &[u8], policy: &Policy) -> Result<Verified, VerifyError> {
    // 1. Read the file.
    statement.check()?;
    policy.check_size(proof.len())?;
    let file = CairoProof::decode(proof)?;

    // 2. It is for this program, these arguments and this prover.
    check_identity(statement, &file)?;

    // 3. The claim is possible.
    file.claim.check(&statement.program, &statement.runs, file.layout.memory_end(file.claim.owned_end))?;
    file.claim.runs.iter().try_for_each(|run| policy.check_steps(run.n_steps))?;

    // 4. The tables can be those of a proof of this program with this claim, as far as their descriptions say, and so can the file's length.
    file.layout.check(&statement.program, &file.claim)?;
    check_least_length(&file)?;

    // 5. Paths and words can be executed in the verifier's own program. What tables they come to fixes all lengths, and the security,
    //    which the policy compares.
    let mut draft = file.layout.draft(&statement.program, &file.claim, false)?;
    let shape = Shape::new(draft.outlines(), &file.parameters);
    let stark_proof = Proof::decode(&file.stark, &shape)?;

    // 6. The public side of the bus sum follows from statement and claim, and from the disclosed rows.
    let mut public = public_terms(statement, &file.claim, &file.layout);
    draft.append_disclosed(&mut public)?;
    let security = policy::security(draft.outlines(), &public, &file.parameters);
    policy.check_security(&security)?;

    // 7. The STARK proof belongs to this statement, claim and layout: its nonce, its query indices, the rows opened there,
    //    its bus totals.
    let context = statement.context_in(file.version, &file.claim, &file.layout);
    let bound = stark::bind(draft.outlines(), &public, &context, &file.parameters, &stark_proof)?;

    // 8. The constraints hold on the disclosed rows.
    draft.check_disclosed()?;

    // 9. The STARK proof holds. Only now the AIRs of paths and words are constructed.
    bound.check(&draft.tables()?)?;

    let runs = file.claim.runs.into_iter().map(|run| VerifiedRun { output: run.output, n_steps: run.n_steps });
    Ok(Verified {
        runs: runs.collect(),
        parameters: file.parameters,
        conjectured_bits: security.conjectured,
        proven_bits: security.proven,
    })
}

/// No table is constructed for a file that cannot hold its columns.
fn check_least_length(file: &CairoProof) -> Result<(), stark::DecodeError> {
    let (head, found) = (file.layout.least_proof_len(&file.parameters), file.stark.len());
    if found < head { Err(stark::DecodeError::Short { head, found }) } else { Ok(()) }
}

fn check_identity(statement: &Statement, file: &CairoProof) -> Result<(), VerifyError> {
    let differ = |found: &[u8; 32], expected: &[u8; 32]| (found != expected).then(|| (hex(found), hex(expected)));
    if let Some((found, expected)) = differ(&file.program_hash, &statement.program.hash()) {
        return Err(VerifyError::OtherProgram { found, expected });
    }
    if let Some((found, expected)) = differ(&file.arguments_hash, &statement.arguments_hash_in(file.version)) {
        return Err(VerifyError::OtherArguments { found, expected });
    }
    if let Some((found, expected)) = differ(&file.prover, &statement.prover) {
        return Err(VerifyError::OtherProver { found, expected });
    }
    Ok(())
}

/// A hash as 64 digits.
pub fn hex(bytes: &[u8; 32]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(64), |mut digits, byte| {
        // Writing to a String cannot fail.
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}
