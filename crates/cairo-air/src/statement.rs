//! The verifier's own record of what a proof must show, and what of it enters the transcript.

use crate::claim::Claim;
use crate::codec::Write;
use crate::layout::Layout;
use crate::program::Program;
use crate::version::{MAX_RUNS, Version};
use felt::{Felt, encoding};
use stark::hash::Parts;

/// What the verifier wants shown: that this program, on these arguments, gives some outputs, proven by this prover.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The program. Many statements may share one: clones of it are its handles.
    pub program: Program,
    /// The arguments of each run, in the order of the proof. Two runs may have the same: each is shown by steps of its own.
    pub runs: Vec<Vec<Felt>>,
    /// The prover's identity, any 32 bytes. A proof for one identity is none for another.
    pub prover: [u8; 32],
}

/// Why nothing can be shown of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// No run.
    #[error("a statement needs one run at least; it has none")]
    NoRuns,
    /// More than [`MAX_RUNS`].
    #[error("a statement has at most {MAX_RUNS} runs; it has {0}")]
    TooManyRuns(usize),
}

impl Statement {
    /// A statement about one run.
    pub fn single(program: Program, arguments: Vec<Felt>, prover: [u8; 32]) -> Self {
        Self { program, runs: vec![arguments], prover }
    }

    /// Whether it has runs, and not too many.
    ///
    /// # Errors
    /// [`StatementError`] if not.
    pub const fn check(&self) -> Result<(), StatementError> {
        match self.runs.len() {
            0 => Err(StatementError::NoRuns),
            1..=MAX_RUNS => Ok(()),
            runs => Err(StatementError::TooManyRuns(runs)),
        }
    }

    /// BLAKE3 of the arguments of all runs.
    pub fn arguments_hash(&self) -> [u8; 32] {
        self.arguments_hash_in(Version::Batch)
    }

    /// The same, as a proof file of that version has it.
    pub fn arguments_hash_in(&self, version: Version) -> [u8; 32] {
        let mut parts = Parts::new(blake3::Hasher::new_derive_key(match version {
            Version::Single => "cairn arguments v1",
            Version::Batch => "cairn arguments v2",
        }));
        if version == Version::Batch {
            parts.push(&(self.runs.len() as u64).to_le_bytes());
        }
        for arguments in &self.runs {
            parts.push(&(arguments.len() as u64).to_le_bytes());
            for argument in arguments {
                parts.push(&encoding::to_canonical_be(argument));
            }
        }
        *parts.finish().finalize().as_bytes()
    }

    /// Everything that the transcript absorbs before the first commitment, besides what the STARK layer absorbs itself:
    /// version, statement, claim and layout. All parts have fixed or prefixed lengths.
    pub fn context(&self, claim: &Claim, layout: &Layout) -> Vec<u8> {
        self.context_in(Version::Batch, claim, layout)
    }

    /// The same, for a proof file of that version.
    pub fn context_in(&self, version: Version, claim: &Claim, layout: &Layout) -> Vec<u8> {
        let mut out = b"cairn cairo proof".to_vec();
        out.u32(version.number());
        out.extend_from_slice(&self.program.hash());
        out.extend_from_slice(&self.arguments_hash_in(version));
        out.extend_from_slice(&self.prover);
        claim.encode(version, &mut out);
        layout.encode(&mut out);
        out
    }
}
