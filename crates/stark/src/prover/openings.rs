//! Column values out of the domain, by the barycentric formula over the first coset.

use super::commit::Committed;
use crate::control::{Cancelled, Meter};
use crate::proof::GroupOpenings;
use crate::shape::{Group, Shape};
use felt::domain::{lde_point, root_of_unity};
use felt::memory::zeros;
use felt::{Felt, vector};
use rayon::prelude::*;

/// Weights computed between two visits to the control hook.
const STRIDE: usize = 1 << 13;

/// Products summed up between two visits to the control hook.
const LONG: usize = 1 << 18;

/// Opens all columns of all groups at `zeta`, and those read on the next row at `zeta·g`. The second list has for each group the weights
/// `x/(x − ζ)` at every point `x` of its first coset.
pub fn open_groups(
    shape: &Shape,
    committed: [&Committed; 3],
    zeta: &Felt,
    meter: &Meter<'_>,
) -> Result<(Vec<GroupOpenings>, Vec<Vec<Felt>>), Cancelled> {
    let mut openings = Vec::with_capacity(shape.groups.len());
    let mut kept = Vec::with_capacity(shape.groups.len());
    for (number, group) in shape.groups.iter().enumerate() {
        let (weights, scale) = weights(group, shape.log_blowup, zeta, meter)?;
        let [main, aux, quotient] = committed.map(|committed| committed.matrices[number].coset(0));
        let next = group.next_columns.iter().map(|&column| &main[column]).chain(aux.last());
        let here = main.iter().chain(&aux).chain(&quotient).map(|column| (*column, false));
        let columns: Vec<_> = here.chain(next.map(|column| (*column, true))).collect();
        let mut values = sums(&weights, &columns, meter)?.into_iter().map(|sum| sum * scale);
        let mut take = |count| values.by_ref().take(count).collect::<Vec<_>>();
        let [main, aux, quotient] = [main, aux, quotient].map(|columns| take(columns.len()));
        let (main_next, aux_next) = (take(group.next_columns.len()), take(1));
        openings.push(GroupOpenings { main, main_next, aux, aux_next, quotient });
        kept.push(weights);
    }
    Ok((openings, kept))
}

/// `Σ w_i·f(i)` for each column `f`; or, for those marked, `Σ w_i·f(i + 1)`, cyclically: at ζ·g the weight of a row is that of the
/// row before at ζ.
fn sums(weights: &[Felt], columns: &[(&[Felt], bool)], meter: &Meter<'_>) -> Result<Vec<Felt>, Cancelled> {
    let (before, last) = (&weights[..weights.len() - 1], weights[weights.len() - 1]);
    let sum = |(column, next): &(&[Felt], bool)| match next {
        false => dot(weights, column, meter),
        true => Ok(dot(before, &column[1..], meter)? + last * column[0]),
    };
    columns.par_iter().map(sum).collect()
}

/// `Σ a_i·b_i`, in pieces between which the control hook is visited.
fn dot(a: &[Felt], b: &[Felt], meter: &Meter<'_>) -> Result<Felt, Cancelled> {
    a.chunks(LONG).zip(b.chunks(LONG)).try_fold(Felt::zero(), |sum, (a, b)| {
        meter.advance(a.len() as u64)?;
        Ok(sum + vector::dot(a, b))
    })
}

/// `w_i` and a factor `s` with `f(ζ) = s·Σ w_i·f(σ·g^i)` for every `f` of degree below `N`, where `σ` is the shift of coset 0:
/// `w_i = g^i/(g^i − ζ/σ)` and `s = (1 − (ζ/σ)^N)/N`.
fn weights(group: &Group, log_blowup: u32, zeta: &Felt, meter: &Meter<'_>) -> Result<(Vec<Felt>, Felt), Cancelled> {
    let height = group.height();
    let shift = lde_point(group.log_height + log_blowup, 0);
    // Neither a shift nor a height is 0 in the field, and the transcript keeps ζ out of every domain.
    let point = *zeta * shift.inv().unwrap_or_default();
    let scale = (Felt::one() - point.pow(height as u64)) * Felt::from(height as u64).inv().unwrap_or_default();
    let root = root_of_unity(group.log_height);
    let mut weights = zeros(height);
    weights.par_chunks_mut(STRIDE).enumerate().try_for_each(|(chunk, weights)| {
        let powers = vector::powers(&root, &root.pow((chunk * STRIDE) as u64), weights.len());
        weights.copy_from_slice(&vector::differences(&powers, &point));
        vector::batch_inverse(weights);
        vector::mul_assign(weights, &powers);
        meter.checkpoint()
    })?;
    Ok((weights, scale))
}
