//! The verifier, step by step as in `docs/PROTOCOL.md`. No byte of a proof can make it panic.

mod queries;

use crate::composition::{BusChallenges, Composition};
use crate::graph::Input;
use crate::parameters::{Parameters, ParametersError};
use crate::proof::{GroupOpenings, Proof};
use crate::proof_shape::{ShapeError, check_shape};
use crate::shape::{Group, Shape};
use crate::table::{PublicTuple, Table, TableError, check_public, check_tables};
use crate::transcript::Transcript;
use felt::{Felt, domain};
pub(crate) use queries::POINT_OF_PART;
use std::fmt;

/// One of the three column commitments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Commitment {
    /// Main columns.
    Main,
    /// LogUp columns.
    Lookup,
    /// Quotient pieces.
    Quotient,
}

impl fmt::Display for Commitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Main => "main columns",
            Self::Lookup => "LogUp columns",
            Self::Quotient => "quotient pieces",
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
    /// The buses do not balance.
    #[error("the bus totals of the tables and the public tuples do not sum to zero: some look-up finds no entry")]
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
    // 1. Bounds and shape: nothing below reads a length from the proof.
    parameters.validate()?;
    check_tables(tables)?;
    check_public(public)?;
    let shape = Shape::new(tables, parameters);
    check_shape(proof, &shape)?;

    // 2. Replay the transcript up to the out-of-domain point.
    let mut transcript = Transcript::new(parameters, context, tables, public);
    transcript.main_commitment(&proof.main_cap);
    let bus = transcript.bus_challenges();
    transcript.lookup_commitment(&proof.lookup_cap, &proof.totals);
    let lambda = transcript.constraint_challenge();
    transcript.quotient_commitment(&proof.quotient_cap);
    let zeta = transcript.out_of_domain_point();

    // 3. The bus totals of all groups and the public tuples sum to zero.
    check_bus_sum(&shape, public, &bus, &proof.totals)?;

    // 4. The constraints of every group hold at the out-of-domain point.
    let challenges = Challenges { bus, lambda, zeta };
    for ((group, openings), total) in shape.groups.iter().zip(&proof.openings).zip(&proof.totals) {
        if !constraints_hold(group, tables, openings, total, &challenges, shape.log_blowup) {
            return Err(VerifyError::Constraints(group.log_height));
        }
    }

    // 5. Replay the rest of the transcript: openings, FRI layers, final polynomial, grinding, queries.
    transcript.openings(&proof.openings);
    let gamma = transcript.deep_challenge();
    let betas: Vec<_> = proof.fold_caps.iter().map(|cap| transcript.fri_layer(cap)).collect();
    transcript.final_polynomial(&proof.final_polynomial);
    if !transcript.grinding(proof.nonce, parameters.grinding_bits) {
        return Err(VerifyError::Grinding);
    }
    if transcript.query_indices(shape.queries, shape.log_max_lde()) != proof.indices {
        return Err(VerifyError::Indices);
    }

    // 6. At the query indices: opened rows belong to their commitments, give the DEEP quotients, and these fold, layer by
    //    layer, to the final polynomial.
    queries::check_openings(proof, &shape)?;
    let quotients = queries::deep_quotients(proof, &shape, &zeta, &gamma);
    queries::check_folds(proof, &shape, quotients, &betas)
}

fn check_bus_sum(
    shape: &Shape,
    public: &[PublicTuple],
    bus: &BusChallenges,
    totals: &[Felt],
) -> Result<(), VerifyError> {
    for (group, total) in shape.groups.iter().zip(totals) {
        if group.batches.is_empty() && *total != Felt::zero() {
            return Err(VerifyError::IdleTotal(group.log_height));
        }
    }
    let mut denominators: Vec<_> = public.iter().map(|tuple| bus.denominator(tuple)).collect();
    if let Some(position) = denominators.iter().position(|denominator| *denominator == Felt::zero()) {
        return Err(VerifyError::PublicDenominator(position));
    }
    felt::vector::batch_inverse_portable(&mut denominators);
    let terms = public.iter().zip(&denominators).map(|(tuple, inverse)| tuple.multiplicity * *inverse);
    let sum = terms.chain(totals.iter().copied()).fold(Felt::zero(), |sum, term| sum + term);
    if sum == Felt::zero() { Ok(()) } else { Err(VerifyError::BusSum) }
}

/// `1/value`. Callers only invert differences between the out-of-domain point and domain points, which the transcript
/// keeps apart; 0 would make the check fail, not panic.
fn invert(value: Felt) -> Felt {
    value.inv().unwrap_or_default()
}

/// What the constraint check draws on.
struct Challenges {
    bus: BusChallenges,
    lambda: Felt,
    zeta: Felt,
}

/// Whether the quotient at `ζ` is the combination of all constraints over their vanishing polynomials.
///
/// The quotient `Q` of degree below `2N` is given by the polynomials `R_0`, `R_1` of degree below `N` that agree with it on
/// the first two cosets of the LDE domain, where `x^N` is `u_0` and `u_1`:
/// `Q(ζ) = R_0(ζ)·(ζ^N − u_1)/(u_0 − u_1) + R_1(ζ)·(ζ^N − u_0)/(u_1 − u_0)`.
fn constraints_hold(
    group: &Group,
    tables: &[Table],
    openings: &GroupOpenings,
    total: &Felt,
    Challenges { bus, lambda, zeta }: &Challenges,
    log_blowup: u32,
) -> bool {
    let mut composition = Composition::new(group, tables, *bus);
    let sums = composition.constraints(total, lambda);
    let periodic: Vec<Felt> = group
        .tables
        .iter()
        .flat_map(|&table| tables[table].air.periodic())
        .map(|column| evaluate_periodic(column, group.log_height, zeta))
        .collect();
    let next = |column: u32| group.next_columns.binary_search(&(column as usize)).ok();
    // Out-of-range inputs do not occur: indices come from the AIRs and lengths from the shape check.
    let at = |values: &[Felt], index: Option<usize>| index.and_then(|i| values.get(i)).copied().unwrap_or_default();
    let values = composition.graph.evaluate(|input| match input {
        Input::Main(column) => at(&openings.main, Some(column as usize)),
        Input::MainNext(column) => at(&openings.main_next, next(column)),
        Input::Aux(column) => at(&openings.aux, Some(column as usize)),
        Input::AuxNext(_) => at(&openings.aux_next, Some(0)),
        Input::Periodic(column) => at(&periodic, Some(column as usize)),
    });
    let [all, transition, first, last] = sums.roots().map(|root| values[root.index()]);
    let zeta_n = zeta.pow(group.height() as u64);
    let last_point = invert(domain::root_of_unity(group.log_height));
    let on_trace = invert(zeta_n - Felt::one());
    let expected = (all + transition * (*zeta - last_point)) * on_trace
        + first * invert(*zeta - Felt::one())
        + last * invert(*zeta - last_point);
    let [u0, u1] = [0, 1].map(|coset| domain::lde_point(log_blowup, coset));
    let piece = |index| at(&openings.quotient, Some(index));
    let quotient = (piece(0) * (zeta_n - u1) - piece(1) * (zeta_n - u0)) * invert(u0 - u1);
    quotient == expected
}

/// A periodic column at `zeta`: the polynomial through one period, at `zeta^(N/period)`, by the barycentric formula.
fn evaluate_periodic(values: &[Felt], log_height: u32, zeta: &Felt) -> Felt {
    let log_period = values.len().trailing_zeros();
    let x = zeta.pow(1u64 << (log_height - log_period));
    let root = domain::root_of_unity(log_period);
    let mut point = Felt::one();
    let mut points = Vec::with_capacity(values.len());
    for _ in values {
        points.push(point);
        point *= root;
    }
    let mut inverses: Vec<_> = points.iter().map(|point| x - *point).collect();
    felt::vector::batch_inverse_portable(&mut inverses);
    let sum = values.iter().zip(&points).zip(&inverses).fold(Felt::zero(), |sum, ((v, p), i)| sum + *v * *p * *i);
    sum * (x.pow(values.len() as u64) - Felt::one()) * invert(Felt::from(values.len() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::air::{AirBuilder, Bus};
    use crate::fold::evaluate;
    use std::sync::Arc;

    const BUS: Bus = Bus { id: 5, name: "bus", arity: 2 };

    /// A challenge that meets a tuple, which no transcript can be made to give.
    #[test]
    fn a_public_tuple_that_meets_the_challenge() -> Result<(), crate::AirError> {
        let mut b = AirBuilder::new("test");
        b.provide("entry", BUS, 1, [0.into(), 0.into()]);
        let table = Table { air: Arc::new(b.build()?), log_height: 6 };
        let shape = Shape::new(&[table], &Parameters::default());
        let tuple = |a: u64, b: u64| vec![Felt::from(a), Felt::from(b)];
        // 5 + 10·3 + 100·4
        let bus = BusChallenges { z: Felt::from(435u64), alpha: Felt::from(10u64) };
        let public = [PublicTuple::provide(BUS, tuple(1, 2)), PublicTuple::require(BUS, tuple(3, 4))];
        let refused = check_bus_sum(&shape, &public, &bus, &[Felt::zero()]);
        assert_eq!(refused, Err(VerifyError::PublicDenominator(1)));
        // Beside it the sum counts: 1/(435 − 215) and the group's total.
        let total = -Felt::from(220u64).inv().unwrap_or_default();
        assert_eq!(check_bus_sum(&shape, &public[..1], &bus, &[total]), Ok(()));
        assert_eq!(check_bus_sum(&shape, &public[..1], &bus, &[-total]), Err(VerifyError::BusSum));
        Ok(())
    }

    /// The barycentric formula agrees with the coefficients of the polynomial through one period.
    #[test]
    fn periodic_columns_out_of_the_domain() {
        let zeta = Felt::from(123_456_789u64).pow(9u64);
        for log_period in 0..=5u32 {
            let values: Vec<Felt> = (0..1u64 << log_period).map(|i| Felt::from(i * i + 7)).collect();
            let coefficients = felt::fft::coefficients_natural(&values, &Felt::one());
            for log_height in [6, 9] {
                let x = zeta.pow(1u64 << (log_height - log_period));
                assert_eq!(evaluate_periodic(&values, log_height, &zeta), evaluate(&coefficients, &x));
            }
        }
    }
}
