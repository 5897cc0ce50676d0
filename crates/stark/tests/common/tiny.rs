//! A small system with a small proof, for tests that verify very often.

use super::{System, system};
use stark::{DecodeError, Parameters, Proof, Shape, VerifyError};
use std::ops::Range;

/// Few queries, but enough that another nonce never leads to the same ones.
pub const PARAMETERS: Parameters = Parameters { log_blowup: 1, queries: 5, grinding_bits: 6, log_fold: 2 };

/// A system, its shape and two proofs of it.
pub struct Tiny {
    pub system: System,
    pub shape: Shape,
    pub honest: Vec<u8>,
    /// Of another statement of the same shape.
    pub other: Vec<u8>,
}

/// Why bytes are refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    Decode(DecodeError),
    Verify(VerifyError),
}

impl Tiny {
    pub fn new() -> Self {
        let system = Self::with_rows_used([20, 9]);
        let shape = Shape::new(&system.tables, &PARAMETERS);
        let [honest, other] = [&system, &Self::with_rows_used([7, 64])].map(|system| {
            let proof = system.prove(&PARAMETERS).unwrap();
            system.verify(&PARAMETERS, &proof).unwrap();
            proof.encode(&shape)
        });
        Self { system, shape, honest, other }
    }

    fn with_rows_used(used: [usize; 2]) -> System {
        system(6, [7, 6], used)
    }

    pub fn check(&self, bytes: &[u8]) -> Result<(), Refusal> {
        let proof = Proof::decode(bytes, &self.shape).map_err(Refusal::Decode)?;
        self.system.verify(&PARAMETERS, &proof).map_err(Refusal::Verify)
    }
}

impl Tiny {
    /// Where nonce and query indices stand in the bytes.
    pub fn integers(&self) -> Range<usize> {
        let elements = |group: &stark::shape::Group| group.openings() + 1;
        let digests = (3 + self.shape.folds.len()) * 8;
        let nonce = (digests + self.shape.groups.iter().map(elements).sum::<usize>() + 64) * 32;
        nonce..nonce + 8 + 8 * self.shape.queries
    }
}
