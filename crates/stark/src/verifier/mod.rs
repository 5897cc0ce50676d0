//! The verifier, step by step as in `docs/PROTOCOL.md`. No byte of a proof can make it panic.

mod bus_sum;
mod constraints;
mod queries;

use crate::composition::BusChallenges;
use crate::outline::{Outline, Outlined};
use crate::parameters::{Parameters, ParametersError};
use crate::proof::Proof;
use crate::proof_shape::{ShapeError, check_shape};
use crate::public::{PublicTerms, check_public};
use crate::shape::Shape;
use crate::table::{PublicTuple, Table, TableError, check_tables};
use crate::transcript::Transcript;
use bus_sum::check_bus_sum;
use constraints::{Challenges, constraints_hold};
use felt::Felt;
pub(crate) use queries::POINT_OF_PART;
use std::fmt;

/// One of the three column commitments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Commitment {
    /// Main columns.
    Main,
    /// LogUp columns.
    Lookup,
    /// Quotient chunks.
    Quotient,
}

impl fmt::Display for Commitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Main => "main columns",
            Self::Lookup => "LogUp columns",
            Self::Quotient => "quotient chunks",
        })
    }
}

/// Why a proof is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The parameters are outside their bounds.
    #[error(transparent)]
    Parameters(#[from] ParametersError),
    /// The list of tables is outside its bounds.
    #[error(transparent)]
    Tables(#[from] TableError),
    /// A length does not fit.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// A public tuple meets the challenge, which happens to an honest proof with probability below 2^-200.
    #[error("public tuple {0} has a zero denominator")]
    PublicDenominator(usize),
    /// A group without interactions claims a share of the bus sum.
    #[error("the tables of 2^{0} rows have no interactions but claim a share of the bus sum")]
    IdleTotal(u32),
    /// Tables other than those whose outlines the proof was bound to: a mistake of the caller.
    #[error("table {0} is not the one that the proof was bound to")]
    Outline(usize),
    /// The buses do not balance.
    #[error("the bus totals of the tables and the public tuples do not sum to zero: some lookup finds no entry")]
    BusSum,
    /// The constraints do not hold at the out-of-domain point.
    #[error("the constraints of the tables of 2^{0} rows do not hold")]
    Constraints(u32),
    /// The nonce does not solve the grinding puzzle.
    #[error("the proof-of-work nonce is wrong")]
    Grinding,
    /// The proof's query indices are not the transcript's.
    #[error("the query indices are not those that the transcript gives")]
    Indices,
    /// Opened rows do not belong to their commitment.
    #[error("the opened {commitment} do not belong to their commitment")]
    Opening {
        /// The commitment.
        commitment: Commitment,
    },
    /// Values of a FRI layer do not belong to its commitment.
    #[error("the values of FRI layer {layer} do not belong to its commitment")]
    FoldOpening {
        /// Number of the layer.
        layer: usize,
    },
    /// The folded value at this index is not that of the final polynomial.
    #[error("the folded value at index {0} differs from the final polynomial")]
    FinalPolynomial(u64),
}

/// Checks that `proof` shows knowledge of columns for `tables` that satisfy all constraints and balance all buses against
/// `public`. `context` is whatever else the statement says; it must be what the prover absorbed.
///
/// # Errors
/// A [`VerifyError`] that names what is wrong.
pub fn verify(
    tables: &[Table],
    public: &[PublicTuple],
    context: &[u8],
    parameters: &Parameters,
    proof: &Proof,
) -> Result<(), VerifyError> {
    bind(tables, &public.into(), context, parameters, proof)?.check(tables)
}

/// A proof that belongs to its transcript: its nonce solves the puzzle, its query indices are the transcript's, the rows that it opens
/// there are committed ones, and its bus totals balance the public tuples. Whether all these are right is for [`Bound::check`] to say.
#[derive(Debug)]
pub struct Bound<'a> {
    outlines: Vec<Outline>,
    proof: &'a Proof,
    shape: Shape,
    bus: BusChallenges,
    lambda: Felt,
    zeta: Felt,
    gamma: Felt,
    betas: Vec<Felt>,
}

/// The part of [`verify`] that needs no expression of any table, only their outlines, and takes no longer than in proportion to the sizes of
/// what it is given.
///
/// # Errors
/// A [`VerifyError`] that names what is wrong.
pub fn bind<'a, T: Outlined>(
    tables: &[T],
    public: &PublicTerms,
    context: &[u8],
    parameters: &Parameters,
    proof: &'a Proof,
) -> Result<Bound<'a>, VerifyError> {
    // 1. Bounds and shape: nothing below reads a length from the proof.
    parameters.validate()?;
    check_tables(tables)?;
    check_public(public)?;
    let shape = Shape::new(tables, parameters);
    check_shape(proof, &shape)?;

    // 2. Replay the transcript, which ends with the proof of work and the query indices.
    let mut transcript = Transcript::new(parameters, context, tables, public);
    transcript.main_commitment(&proof.main_cap);
    let bus = transcript.bus_challenges();
    transcript.lookup_commitment(&proof.lookup_cap, &proof.totals);
    let lambda = transcript.constraint_challenge();
    transcript.quotient_commitment(&proof.quotient_cap);
    let zeta = transcript.out_of_domain_point();
    transcript.openings(&proof.openings);
    let gamma = transcript.deep_challenge();
    let betas = proof.fold_caps.iter().map(|cap| transcript.fri_layer(cap)).collect();
    transcript.final_polynomial(&proof.final_polynomial);
    if !transcript.grinding(proof.nonce, parameters.grinding_bits) {
        return Err(VerifyError::Grinding);
    }
    if transcript.query_indices(shape.queries, shape.log_max_lde()) != proof.indices {
        return Err(VerifyError::Indices);
    }

    // 3. The rows at the query indices belong to their commitments.
    queries::check_openings(proof, &shape)?;

    // 4. The bus totals of all groups and the public tuples sum to zero.
    check_bus_sum(&shape, public, &bus, &proof.totals)?;

    let outlines = tables.iter().map(|table| table.outline().into_owned()).collect();
    Ok(Bound { outlines, proof, shape, bus, lambda, zeta, gamma, betas })
}

impl Bound<'_> {
    /// The rest of [`verify`]. `tables` are those whose outlines the proof was bound to.
    ///
    /// # Errors
    /// A [`VerifyError`] that names what is wrong.
    pub fn check(self, tables: &[Table]) -> Result<(), VerifyError> {
        let Self { outlines, proof, shape, bus, lambda, zeta, gamma, betas } = self;
        check_outlines(&outlines, tables)?;

        // 5. The constraints of every group hold at the out-of-domain point.
        let challenges = Challenges { bus, lambda, zeta };
        for ((group, openings), total) in shape.groups.iter().zip(&proof.openings).zip(&proof.totals) {
            if !constraints_hold(group, tables, openings, total, &challenges, shape.log_blowup) {
                return Err(VerifyError::Constraints(group.log_height));
            }
        }

        // 6. At the query indices the opened rows give the DEEP quotients, and these fold, layer by layer, to the final polynomial.
        let quotients = queries::deep_quotients(proof, &shape, &zeta, &gamma);
        queries::check_folds(proof, &shape, quotients, &betas)
    }
}

/// All that was derived so far came from the outlines, so the tables must have them.
fn check_outlines(outlines: &[Outline], tables: &[Table]) -> Result<(), VerifyError> {
    let differ = |(outline, table): (&Outline, &Table)| *outline != *table.outline();
    let known = outlines.len().min(tables.len());
    match outlines.iter().zip(tables).position(differ).or((outlines.len() != tables.len()).then_some(known)) {
        Some(table) => Err(VerifyError::Outline(table)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_name_the_commitment() {
        let told = [Commitment::Main, Commitment::Lookup, Commitment::Quotient]
            .map(|c| VerifyError::Opening { commitment: c }.to_string());
        let expected = ["main columns", "LogUp columns", "quotient chunks"];
        assert_eq!(told, expected.map(|of| format!("the opened {of} do not belong to their commitment")));
    }
}
