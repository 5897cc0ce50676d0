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

/// Opens all columns of all groups at `zeta`, and those read on the next row at `zeta·g`.
pub fn open_groups(
    shape: &Shape,
    [main, aux, quotient]: [&Committed; 3],
    zeta: &Felt,
    meter: &Meter<'_>,
) -> Result<Vec<GroupOpenings>, Cancelled> {
    let mut openings = Vec::with_capacity(shape.groups.len());
    for (number, group) in shape.groups.iter().enumerate() {
        let weights = weights(group, shape.log_blowup, zeta, meter)?;
        let height = group.height();
        let here = |column: &Vec<Felt>| dot(&weights, &column[..height], meter);
        // At ζ·g the weight of row i is that of row i − 1 at ζ.
        let next = |column: &Vec<Felt>| {
            let (first, rest) = (column[0], &column[1..height]);
            Ok(dot(&weights[..height - 1], rest, meter)? + weights[height - 1] * first)
        };
        let all = |columns: &Vec<Vec<Felt>>| columns.par_iter().map(here).collect::<Result<Vec<_>, Cancelled>>();
        let main_columns = &main.groups[number];
        let aux_columns = &aux.groups[number];
        openings.push(GroupOpenings {
            main: all(main_columns)?,
            main_next: group
                .next_columns
                .par_iter()
                .map(|&c| next(&main_columns[c]))
                .collect::<Result<_, Cancelled>>()?,
            aux: all(aux_columns)?,
            aux_next: aux_columns.last().map(next).transpose()?.into_iter().collect(),
            quotient: all(&quotient.groups[number])?,
        });
    }
    Ok(openings)
}

/// `w_i` with `f(ζ) = Σ w_i·f(σ·g^i)` for every `f` of degree below `N`, where `σ` is the shift of coset 0:
/// `w_i = ((ζ/σ)^N − 1)/N · g^i/(ζ/σ − g^i)`.
fn weights(group: &Group, log_blowup: u32, zeta: &Felt, meter: &Meter<'_>) -> Result<Vec<Felt>, Cancelled> {
    let height = group.height();
    let shift = lde_point(group.log_height + log_blowup, 0);
    // Neither a shift nor a height is 0 in the field, and the transcript keeps ζ out of every domain.
    let point = *zeta * shift.inv().unwrap_or_default();
    let scale = (point.pow(height as u64) - Felt::one()) * Felt::from(height as u64).inv().unwrap_or_default();
    let root = root_of_unity(group.log_height);
    let mut weights = zeros(height);
    weights.par_chunks_mut(STRIDE).enumerate().try_for_each(|(chunk, weights)| {
        let powers = vector::powers(&root, &root.pow((chunk * STRIDE) as u64), weights.len());
        weights.iter_mut().zip(&powers).for_each(|(weight, power)| *weight = point - *power);
        vector::batch_inverse(weights);
        weights.iter_mut().zip(&powers).for_each(|(weight, power)| *weight = *weight * *power * scale);
        meter.checkpoint()
    })?;
    Ok(weights)
}

/// `Σ a_i·b_i`, in pieces between which the control hook is visited.
fn dot(a: &[Felt], b: &[Felt], meter: &Meter<'_>) -> Result<Felt, Cancelled> {
    a.chunks(LONG).zip(b.chunks(LONG)).try_fold(Felt::zero(), |sum, (a, b)| {
        meter.advance(a.len() as u64)?;
        Ok(sum + vector::dot(a, b))
    })
}
