//! The test program, as the distributor's types have it.

pub use testkit::tiny::{STEPS, file, program, run, run_writing};

use cairo_air::Policy;
use cairo_execution::Execution;
use protocol::{DonorKey, Felts, Preset};
use stark::Parameters;
use testkit::{proofs, tiny};

/// A policy under which cheap proofs pass.
pub fn lenient(_: Preset, max_steps: u64) -> Policy {
    Policy { max_steps, ..proofs::policy() }
}

pub fn felts(numbers: &[u64]) -> Felts {
    Felts(tiny::felts(numbers))
}

/// A proof of a run, made in milliseconds.
pub fn prove(execution: Execution, donor: &DonorKey) -> Vec<u8> {
    tiny::prove(execution, *donor.as_bytes())
}

/// A proof with other parameters.
pub fn prove_with(execution: Execution, donor: &DonorKey, parameters: Parameters) -> Vec<u8> {
    tiny::prove_with(execution, *donor.as_bytes(), parameters)
}
