//! Column values out of the domain, by the barycentric formula over the first coset.

use super::commit::Committed;
use crate::control::{Cancelled, Meter};
use crate::proof::GroupOpenings;
use crate::shape::{Group, Shape};
use felt::domain::{lde_point, root_of_unity};
use felt::{Felt, vector};
use rayon::prelude::*;

/// Opens all columns of all groups at `zeta`, and those read on the next row at `zeta·g`.
pub fn open_groups(
    shape: &Shape,
    [main, aux, quotient]: [&Committed; 3],
    zeta: &Felt,
    meter: &Meter<'_>,
) -> Result<Vec<GroupOpenings>, Cancelled> {
    let mut openings = Vec::with_capacity(shape.groups.len());
    for (number, group) in shape.groups.iter().enumerate() {
        let weights = weights(group, shape.log_blowup, zeta);
        let height = group.height();
        let here = |column: &Vec<Felt>| {
            meter.advance(height as u64)?;
            Ok(vector::dot(&weights, &column[..height]))
        };
        // At ζ·g the weight of row i is that of row i − 1 at ζ.
        let next = |column: &Vec<Felt>| {
            meter.advance(height as u64)?;
            let (first, rest) = (column[0], &column[1..height]);
            Ok(vector::dot(&weights[..height - 1], rest) + weights[height - 1] * first)
        };
        let all = |columns: &Vec<Vec<Felt>>| columns.par_iter().map(here).collect::<Result<Vec<_>, Cancelled>>();
        let main_columns = &main.groups[number];
        let aux_columns = &aux.groups[number];
        openings.push(GroupOpenings {
            main: all(main_columns)?,
            main_next: group.next_columns.par_iter().map(|&c| next(&main_columns[c])).collect::<Result<_, Cancelled>>()?,
            aux: all(aux_columns)?,
            aux_next: aux_columns.last().map(next).transpose()?.into_iter().collect(),
            quotient: all(&quotient.groups[number])?,
        });
    }
    Ok(openings)
}

/// `w_i` with `f(ζ) = Σ w_i·f(σ·g^i)` for every `f` of degree below `N`, where `σ` is the shift of coset 0:
/// `w_i = ((ζ/σ)^N − 1)/N · g^i/(ζ/σ − g^i)`.
fn weights(group: &Group, log_blowup: u32, zeta: &Felt) -> Vec<Felt> {
    let height = group.height();
    let shift = lde_point(group.log_height + log_blowup, 0);
    // Neither a shift nor a height is 0 in the field, and the transcript keeps ζ out of every domain.
    let point = *zeta * shift.inv().unwrap_or_default();
    let scale = (point.pow(height as u64) - Felt::one()) * Felt::from(height as u64).inv().unwrap_or_default();
    let powers = vector::powers(&root_of_unity(group.log_height), &Felt::one(), height);
    let mut weights: Vec<_> = powers.par_iter().with_min_len(1 << 10).map(|power| point - *power).collect();
    vector::batch_inverse(&mut weights);
    weights.par_iter_mut().with_min_len(1 << 10).zip(&powers).for_each(|(weight, power)| *weight = *weight * *power * scale);
    weights
}
