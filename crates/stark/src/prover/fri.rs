//! The prover's side of FRI: commit to a codeword, fold it, let the next group in, until the final polynomial is left.

use crate::control::{Cancelled, Meter};
use crate::fold::inverse_of_two;
use crate::hash::{BATCH, Digest, RowHasher};
use crate::merkle::{MerkleTree, Rows};
use crate::proof::{FoldOpening, unknown_values};
use crate::shape::{Fold, LOG_FINAL, Shape, distinct};
use crate::transcript::Transcript;
use felt::domain::{lde_point, root_of_unity};
use felt::memory::zeros;
use felt::packed::{Packed, WithPacked};
use felt::{Felt, fft, packed, vector};
use rayon::prelude::*;

/// Values folded between two visits to the control hook.
const STRIDE: usize = 1 << 12;

/// A committed codeword.
#[derive(Debug)]
struct Layer {
    fold: Fold,
    codeword: Vec<Felt>,
    tree: MerkleTree,
}

/// All layers with the final polynomial.
#[derive(Debug)]
pub struct Folded {
    layers: Vec<Layer>,
    /// Coefficients, constant first.
    pub final_polynomial: Vec<Felt>,
}

/// Folds the groups' DEEP quotients (tallest first, in the order of their LDE points) and commits to every layer.
pub fn fold_all(
    shape: &Shape,
    quotients: Vec<Vec<Felt>>,
    transcript: &mut Transcript,
    meter: &Meter<'_>,
) -> Result<Folded, Cancelled> {
    let mut quotients = quotients.into_iter().peekable();
    let mut codeword = quotients.next().unwrap_or_default();
    let mut layers = Vec::with_capacity(shape.folds.len());
    for &fold in &shape.folds {
        let tree = MerkleTree::build(&Leaves { codeword: &codeword, fold }, meter)?;
        let beta = transcript.fri_layer(&tree.cap());
        let mut folded = fold_codeword(&codeword, fold, beta, meter)?;
        if let Some(quotient) = quotients.next_if(|quotient| quotient.len() == folded.len()) {
            vector::add_scaled(&mut folded, &beta.pow(1u64 << fold.log_arity), &quotient);
        }
        layers.push(Layer { fold, codeword, tree });
        codeword = folded;
    }
    let mut final_polynomial = fft::coefficients_natural(&codeword, &lde_point(LOG_FINAL + shape.log_blowup, 0));
    // An honest codeword has no higher coefficients.
    final_polynomial.truncate(1 << LOG_FINAL);
    transcript.final_polynomial(&final_polynomial);
    Ok(Folded { layers, final_polynomial })
}

impl Folded {
    /// The commitment to each layer.
    pub fn caps(&self) -> Vec<Vec<Digest>> {
        self.layers.iter().map(|layer| layer.tree.cap()).collect()
    }

    /// The leaves of all layers at the query indices.
    pub fn open(&self, indices: &[u64]) -> Vec<FoldOpening> {
        let open = |layer: &Layer| {
            // The codeword is in memory, so its indices fit.
            let values = |unknown: Vec<u64>| unknown.into_iter().map(|index| layer.codeword[index as usize]).collect();
            let leaves = Leaves { codeword: &layer.codeword, fold: layer.fold };
            FoldOpening {
                siblings: unknown_values(layer.fold, indices).into_iter().map(values).collect(),
                path: layer.tree.open(&distinct(indices, layer.fold.log_leaves()), &leaves),
            }
        };
        self.layers.iter().map(open).collect()
    }
}

/// Leaf `l` of `m` holds the values at `l`, `l + m`, `l + 2m`, …, which fold together.
struct Leaves<'a> {
    codeword: &'a [Felt],
    fold: Fold,
}

impl Rows for Leaves<'_> {
    fn heights(&self) -> Vec<usize> {
        vec![self.codeword.len() >> self.fold.log_arity]
    }

    fn hash(&self, _: usize, first: usize, out: &mut [Digest]) {
        let leaves = self.codeword.len() >> self.fold.log_arity;
        let mut hasher = RowHasher::new(1 << self.fold.log_arity);
        for (batch, out) in out.chunks_mut(BATCH).enumerate() {
            let first = first + batch * BATCH;
            hasher.hash(out, |position, leaf| &self.codeword[position * leaves + first + leaf]);
        }
    }
}

fn fold_codeword(codeword: &[Felt], fold: Fold, beta: Felt, meter: &Meter<'_>) -> Result<Vec<Felt>, Cancelled> {
    let mut beta = beta;
    let mut folded: Option<Vec<Felt>> = None;
    for step in 0..fold.log_arity {
        let values = folded.as_deref().unwrap_or(codeword);
        folded = Some(fold_by_two(values, fold.log_size - step, beta, meter)?);
        beta = beta.square();
    }
    Ok(folded.unwrap_or_else(|| codeword.to_vec()))
}

/// `(f(x) + f(−x))/2 + β·(f(x) − f(−x))/(2x)` over the LDE domain of half the size.
fn fold_by_two(values: &[Felt], log_size: u32, beta: Felt, meter: &Meter<'_>) -> Result<Vec<Felt>, Cancelled> {
    let (left, right) = values.split_at(values.len() / 2);
    let half = inverse_of_two();
    // Points are roots of unity, so their inverses are powers of the inverse root.
    let inverse_root = root_of_unity(log_size).inv().unwrap_or_default();
    let first = lde_point(log_size, 0).inv().unwrap_or_default() * beta * half;
    let mut folded = zeros(left.len());
    folded.par_chunks_mut(STRIDE).enumerate().try_for_each(|(chunk, out)| {
        let start = chunk * STRIDE;
        let end = start + out.len();
        let factors = vector::powers(&inverse_root, &(first * inverse_root.pow(start as u64)), out.len());
        packed::dispatch(FoldRows { left: &left[start..end], right: &right[start..end], factors: &factors, half, out });
        meter.checkpoint()
    })?;
    Ok(folded)
}

struct FoldRows<'a> {
    left: &'a [Felt],
    right: &'a [Felt],
    /// `β/(2x)`.
    factors: &'a [Felt],
    half: Felt,
    out: &'a mut [Felt],
}

impl WithPacked for FoldRows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<P: Packed>(self) {
        let half = P::broadcast(&self.half);
        // The shortest codeword has 2^(LOG_FINAL + 1) values, a multiple of every pack width.
        for row in (0..self.out.len()).step_by(P::WIDTH) {
            let (a, b) = (P::load(&self.left[row..]), P::load(&self.right[row..]));
            let folded = P::sum_of_products([a.add(b), a.sub(b)], [half, P::load(&self.factors[row..])]);
            folded.store(&mut self.out[row..]);
        }
    }
}
