//! The verifier's own record of what a proof must show, and what of it enters the transcript.

use crate::claim::Claim;
use crate::codec::Write;
use crate::layout::Layout;
use crate::program::Program;
use felt::{Felt, encoding};
use stark::hash::Parts;

/// Version of the protocol: of the tables, the buses, the transcript and the proof file together.
pub const PROTOCOL_VERSION: u32 = 6;

/// What the verifier wants shown: that this program, on these arguments, gives some output, proven by this prover.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The program. Many statements may share one: clones of it are its handles.
    pub program: Program,
    /// Its arguments.
    pub arguments: Vec<Felt>,
    /// The prover's identity, any 32 bytes. A proof for one identity is none for another.
    pub prover: [u8; 32],
}

impl Statement {
    /// BLAKE3 of the arguments.
    pub fn arguments_hash(&self) -> [u8; 32] {
        let mut parts = Parts::new(blake3::Hasher::new_derive_key("cairn arguments v1"));
        parts.push(&(self.arguments.len() as u64).to_le_bytes());
        for argument in &self.arguments {
            parts.push(&encoding::to_canonical_be(argument));
        }
        *parts.finish().finalize().as_bytes()
    }

    /// Everything that the transcript absorbs before the first commitment, besides what the STARK layer absorbs itself:
    /// version, statement, claim and layout. All parts have fixed or prefixed lengths.
    pub fn context(&self, claim: &Claim, layout: &Layout) -> Vec<u8> {
        let mut out = b"cairn cairo proof".to_vec();
        out.u32(PROTOCOL_VERSION);
        out.extend_from_slice(&self.program.hash());
        out.extend_from_slice(&self.arguments_hash());
        out.extend_from_slice(&self.prover);
        claim.encode(&mut out);
        layout.encode(&mut out);
        out
    }
}
