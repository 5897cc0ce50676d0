//! Steps 3 and 6 of the verifier: the checks at the query indices. Queries share rows, leaves and paths, so all of them go down the
//! layers together and every position is hashed, folded and compared once.

use super::{Commitment, VerifyError};
use crate::fold::{evaluate, fold};
use crate::hash::hash_row;
use crate::merkle::{OpenedMatrix, verify_batch};
use crate::proof::{FoldOpening, GroupOpenings, Proof, committed_widths, matrices};
use crate::shape::{Fold, Group, LOG_FINAL, Shape, distinct};
use felt::{Felt, domain, vector};

/// Whether all opened rows belong to their commitments.
pub fn check_openings(proof: &Proof, shape: &Shape) -> Result<(), VerifyError> {
    let commitments = [
        (Commitment::Main, &proof.main, &proof.main_cap),
        (Commitment::Lookup, &proof.lookup, &proof.lookup_cap),
        (Commitment::Quotient, &proof.quotient, &proof.quotient_cap),
    ];
    for (which, (commitment, opening, cap)) in commitments.into_iter().enumerate() {
        let opened = matrices(shape, which).zip(&opening.rows).map(|((log_height, _), rows)| {
            let positions = distinct(&proof.indices, log_height).into_iter();
            OpenedMatrix { log_height, rows: positions.zip(rows.iter().map(|row| hash_row(row.iter()))).collect() }
        });
        if !verify_batch(cap, &opened.collect::<Vec<_>>(), &opening.path) {
            return Err(VerifyError::Opening { commitment });
        }
    }
    Ok(())
}

/// Which of the two points each part of the openings belongs to.
pub const POINT_OF_PART: [usize; 5] = [0, 1, 0, 1, 0];

/// What the DEEP quotients of one group share.
struct DeepGroup {
    /// `ζ` and `ζ·g`.
    points: [Felt; 2],
    /// The powers of `γ`, by parts of the openings.
    powers: [Vec<Felt>; 5],
    /// The combined out-of-domain values at both points.
    values: [Felt; 2],
}

impl DeepGroup {
    /// `power` is the power of `γ` that the group begins with, and then that which the next begins with.
    fn new(group: &Group, openings: &GroupOpenings, zeta: &Felt, gamma: &Felt, power: &mut Felt) -> Self {
        let points = [*zeta, *zeta * domain::root_of_unity(group.log_height)];
        let mut values = [Felt::zero(); 2];
        let powers = std::array::from_fn(|part| {
            let mut powers = Vec::with_capacity(openings.parts()[part].len());
            for value in openings.parts()[part] {
                values[POINT_OF_PART[part]] += *power * *value;
                powers.push(*power);
                *power *= *gamma;
            }
            powers
        });
        Self { points, powers, values }
    }

    /// `Σ γ^k·(f_k(x) − f_k(p))` over the openings at each of the two points, from the rows of the three commitments at `x`.
    fn numerators(&self, group: &Group, [main, aux, quotient]: [&[Felt]; 3]) -> [Felt; 2] {
        fn combine<'a>(powers: &[Felt], row: impl IntoIterator<Item = &'a Felt>) -> Felt {
            powers.iter().zip(row).fold(Felt::zero(), |sum, (power, value)| sum + *power * *value)
        }
        let [p_main, p_main_next, p_aux, p_aux_next, p_quotient] = &self.powers;
        let next = group.next_columns.iter().filter_map(|&column| main.get(column));
        let at_zeta = combine(p_main, main) + combine(p_aux, aux) + combine(p_quotient, quotient);
        let at_next = combine(p_main_next, next) + combine(p_aux_next, aux.last());
        [at_zeta - self.values[0], at_next - self.values[1]]
    }
}

/// A row of a matrix, if there is one.
fn row(rows: Option<&Vec<Vec<Felt>>>, number: usize) -> &[Felt] {
    rows.and_then(|rows| rows.get(number)).map_or(&[], Vec::as_slice)
}

/// `Σ γ^k·(f_k(x) − f_k(p))/(x − p)` of each group, at the points of its LDE domain that the queries read.
pub fn deep_quotients(proof: &Proof, shape: &Shape, zeta: &Felt, gamma: &Felt) -> Vec<Vec<(u64, Felt)>> {
    let mut power = Felt::one();
    let mut opened = [&proof.main, &proof.lookup, &proof.quotient].map(|opening| opening.rows.iter());
    let groups = shape.groups.iter().zip(&proof.openings).map(|(group, openings)| {
        let deep = DeepGroup::new(group, openings, zeta, gamma, &mut power);
        let widths = committed_widths(group);
        // A commitment without columns of this group has no matrix for it.
        let matrices = [0, 1, 2].map(|which| if widths[which] > 0 { opened[which].next() } else { None });
        let log_lde = shape.log_lde(group);
        let positions = distinct(&proof.indices, log_lde);
        // Points of the domain and the out-of-domain points differ; a zero would stay zero and make the check fail.
        let mut inverses: Vec<_> = positions
            .iter()
            .map(|&position| domain::lde_point(log_lde, position))
            .flat_map(|x| deep.points.map(|point| x - point))
            .collect();
        vector::batch_inverse_portable(&mut inverses);
        let quotients = positions.into_iter().zip(inverses.chunks_exact(2)).enumerate();
        quotients
            .map(|(number, (position, inverses))| {
                let [here, there] = deep.numerators(group, matrices.map(|rows| row(rows, number)));
                (position, here * inverses[0] + there * inverses[1])
            })
            .collect()
    });
    groups.collect()
}

/// Whether the DEEP quotients (by group, position ascending) fold to the final polynomial.
pub fn check_folds(
    proof: &Proof,
    shape: &Shape,
    quotients: Vec<Vec<(u64, Felt)>>,
    betas: &[Felt],
) -> Result<(), VerifyError> {
    // The tallest group starts the fold; every other comes in where the sizes meet. The schedule stops at each of them.
    let mut groups = shape.groups.iter().zip(quotients).peekable();
    let mut codeword = groups.next().map(|(_, quotients)| quotients).unwrap_or_default();
    let layers = shape.folds.iter().zip(&proof.folds).zip(&proof.fold_caps).zip(betas);
    for (layer, (((step, opening), cap), beta)) in layers.enumerate() {
        let leaves = fill_leaves(*step, &codeword, opening);
        let rows = leaves.iter().map(|(leaf, values)| (*leaf, hash_row(values.iter()))).collect();
        if !verify_batch(cap, &[OpenedMatrix { log_height: step.log_leaves(), rows }], &opening.path) {
            return Err(VerifyError::FoldOpening { layer });
        }
        codeword = fold_leaves(*step, leaves, beta);
        if let Some((_, quotients)) = groups.next_if(|(group, _)| shape.log_lde(group) == step.log_leaves()) {
            // Its own power of the challenge, as if it were one more part of the folded polynomial.
            let factor = beta.pow(1u64 << step.log_arity);
            // Both lists are over the positions that the queries read in the domain of this size.
            for ((_, value), (_, quotient)) in codeword.iter_mut().zip(quotients) {
                *value += factor * quotient;
            }
        }
    }
    let log_final = LOG_FINAL + shape.log_blowup;
    for (index, value) in codeword {
        let x = domain::lde_point(log_final, index);
        // A group that never came in would go untested.
        if groups.peek().is_some() || value != evaluate(&proof.final_polynomial, &x) {
            return Err(VerifyError::FinalPolynomial(index));
        }
    }
    Ok(())
}

/// The leaves above the known values of a codeword, ascending: the values that are not known are the opened ones.
fn fill_leaves(step: Fold, codeword: &[(u64, Felt)], opening: &FoldOpening) -> Vec<(u64, Vec<Felt>)> {
    let known: Vec<_> = codeword.iter().map(|(index, _)| *index).collect();
    let leaves = distinct(&known, step.log_leaves()).into_iter().zip(&opening.siblings);
    let fill = |(leaf, siblings): (u64, &Vec<Felt>)| {
        let mut siblings = siblings.iter();
        let values = step.indices(leaf).map(|index| match known.binary_search(&index) {
            Ok(position) => codeword[position].1,
            // Their number is part of the shape.
            Err(_) => siblings.next().copied().unwrap_or_default(),
        });
        (leaf, values.collect())
    };
    leaves.map(fill).collect()
}

fn fold_leaves(step: Fold, leaves: Vec<(u64, Vec<Felt>)>, beta: &Felt) -> Vec<(u64, Felt)> {
    // `x_j·x_(n − 1 − j) = 1` in the LDE domain, and `w^(a − 1) = 1/w` for a root of unity of order `a`.
    let last = (1u64 << step.log_size) - 1;
    let inverse_root = domain::root_of_unity(step.log_arity).pow((1u64 << step.log_arity) - 1);
    let fold = |(leaf, values)| {
        let inverse_x = domain::lde_point(step.log_size, last - leaf);
        (leaf, fold(values, inverse_x, inverse_root, *beta))
    };
    leaves.into_iter().map(fold).collect()
}
