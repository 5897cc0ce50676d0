//! Verifying a proof of several runs: the one place where distributor, donors and uploaders ask `cairo_air`.

use crate::ids::DonorKey;
use cairo_air::{Policy, Program, Statement, VerifiedRun, VerifyError};
use felt::Felt;

/// Checks that `proof` shows runs of the program on these lists of arguments, in order, by this prover. What is returned is as many
/// runs, in the same order.
///
/// # Errors
/// A [`VerifyError`] that says why not.
pub fn verify(
    program: &Program,
    arguments: Vec<Vec<Felt>>,
    prover: &DonorKey,
    proof: &[u8],
    policy: &Policy,
) -> Result<Vec<VerifiedRun>, VerifyError> {
    let statement = Statement { program: program.clone(), runs: arguments, prover: *prover.as_bytes() };
    Ok(cairo_air::verify(&statement, proof, policy)?.runs)
}
