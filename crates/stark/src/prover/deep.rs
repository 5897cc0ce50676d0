//! DEEP quotients: `Σ γ^k·(f_k(x) − f_k(p))/(x − p)` over a group's LDE domain.
//!
//! They have degrees below `N`, since the `f_k(p)` are what the columns have there. So they are computed on the first coset and moved on
//! from there, a transform of one column back and one forth for each further coset, in place of a sum of all columns on each.

use super::commit::Committed;
use super::rows::STRIDE;
use crate::control::{Cancelled, Meter};
use crate::proof::GroupOpenings;
use crate::shape::{Group, Shape};
use crate::verifier::POINT_OF_PART;
use felt::domain::root_of_unity;
use felt::fft::Domain;
use felt::memory::{prefetch, zeros};
use felt::packed::{Packed, WithPacked};
use felt::{Felt, fft, packed, vector};
use rayon::prelude::*;

/// One DEEP quotient for each group, each in the order of the LDE points. `weights` are those of the openings: for each group
/// `x/(x − ζ)` at every point `x` of its first coset.
pub fn deep_quotients(
    shape: &Shape,
    committed: [&Committed; 3],
    (openings, weights): (&[GroupOpenings], Vec<Vec<Felt>>),
    zeta: &Felt,
    gamma: &Felt,
    meter: &Meter<'_>,
) -> Result<Vec<Vec<Felt>>, Cancelled> {
    // The transcript keeps ζ from being 0.
    let inverse_zeta = zeta.inv().unwrap_or_default();
    let mut power = Felt::one();
    let mut quotients = Vec::with_capacity(shape.groups.len());
    for (number, (group, weights)) in shape.groups.iter().zip(weights).enumerate() {
        let columns = committed.map(|committed| committed.matrices[number].coset(0));
        // 1/(x − ζ) = (x/(x − ζ) − 1)/ζ, and at ζ·g it is the same of the row before, divided by g.
        let scales = [inverse_zeta, inverse_zeta * root_of_unity(group.log_height).inv().unwrap_or_default()];
        let mut sums = scales.map(|_| Combination { terms: Vec::new(), value: Felt::zero() });
        for (part, values) in openings[number].parts().into_iter().enumerate() {
            let point = POINT_OF_PART[part];
            for (k, value) in values.iter().enumerate() {
                let column = match part {
                    0 => columns[0][k],
                    1 => columns[0][group.next_columns[k]],
                    2 => columns[1][k],
                    3 => columns[1][columns[1].len() - 1],
                    _ => columns[2][k],
                };
                let factor = power * scales[point];
                sums[point].terms.push((factor, column));
                sums[point].value += factor * *value;
                power *= *gamma;
            }
        }
        quotients.push(Job { group, log_blowup: shape.log_blowup, sums, weights }.run(meter)?);
    }
    Ok(quotients)
}

/// `Σ factor·column`, and the same sum of the opened values.
struct Combination<'a> {
    terms: Vec<(Felt, &'a [Felt])>,
    value: Felt,
}

struct Job<'a> {
    group: &'a Group,
    log_blowup: u32,
    /// At `ζ` and at `ζ·g`.
    sums: [Combination<'a>; 2],
    /// `x/(x − ζ)` on the first coset.
    weights: Vec<Felt>,
}

impl Job<'_> {
    fn run(self, meter: &Meter<'_>) -> Result<Vec<Felt>, Cancelled> {
        let (height, log_blowup, cosets) = (self.group.height(), self.log_blowup, 1 << self.log_blowup);
        let mut coset = [zeros(height)];
        coset[0].par_chunks_mut(STRIDE).enumerate().try_for_each(|(piece, out)| {
            self.rows(piece * STRIDE, out);
            meter.advance(out.len() as u64)
        })?;
        // With the weights.
        drop(self);
        let mut values = zeros(height * cosets);
        for number in 0..cosets {
            if number > 0 {
                let move_on = (Domain::Coset(number - 1), Domain::Coset(number));
                fft::change_domain(&mut coset, move_on, log_blowup, &|| meter.checkpoint())?;
            }
            // In the order of the LDE points.
            values.par_chunks_mut(cosets * STRIDE).zip(coset[0].par_chunks(STRIDE)).try_for_each(|(out, values)| {
                for (out, value) in out.iter_mut().skip(number).step_by(cosets).zip(values) {
                    *out = *value;
                }
                meter.advance(values.len() as u64)
            })?;
        }
        Ok(values)
    }

    /// The rows of the first coset from `start` on.
    fn rows(&self, start: usize, out: &mut [Felt]) {
        // From the row before on, cyclically: at ζ·g a row has the weight of that one.
        let mut weights = Vec::with_capacity(out.len() + 1);
        weights.push(self.weights[start.checked_sub(1).unwrap_or(self.weights.len() - 1)]);
        weights.extend_from_slice(&self.weights[start..start + out.len()]);
        let inverses = vector::differences(&weights, &Felt::one());
        for (sum, inverses) in self.sums.iter().zip([&inverses[1..], &inverses[..out.len()]]) {
            if !sum.terms.is_empty() {
                packed::dispatch(Combine { sum, offset: start, inverses, out: &mut *out });
            }
        }
    }
}

/// `out += (Σ factor·column − value)·inverse`, row by row.
struct Combine<'a> {
    sum: &'a Combination<'a>,
    offset: usize,
    /// `ζ/(x − ζ)`, or `ζ·g/(x − ζ·g)`: the rest is in the factors.
    inverses: &'a [Felt],
    out: &'a mut [Felt],
}

/// Packs of rows that are summed up together, a few columns at a time: long enough runs of each column that its memory arrives
/// in time, and few enough that the sums stay in a core's cache.
const BLOCK: usize = 32;

/// Columns that are added at once.
const COLUMNS: usize = 4;

impl WithPacked for Combine<'_> {
    type Output = ();

    #[inline(always)]
    fn run<P: Packed>(self) {
        let zero = P::broadcast(&Felt::zero());
        let minus_value = P::broadcast(&-&self.sum.value);
        let mut sums = [zero; BLOCK];
        assert!(self.out.len().is_multiple_of(P::WIDTH), "whole packs");
        let mut row = 0;
        while row < self.out.len() {
            let packs = BLOCK.min((self.out.len() - row) / P::WIDTH);
            sums.fill(minus_value);
            let mut columns = self.sum.terms.chunks_exact(COLUMNS);
            for (number, columns) in columns.by_ref().enumerate() {
                let next = self.sum.terms.get((number + 1) * COLUMNS..(number + 2) * COLUMNS).unwrap_or_default();
                let [a, b, c, d] = [&columns[0], &columns[1], &columns[2], &columns[3]];
                let factors = [P::broadcast(&a.0), P::broadcast(&b.0), P::broadcast(&c.0), P::broadcast(&d.0)];
                for (pack, sum) in sums.iter_mut().enumerate().take(packs) {
                    let at = self.offset + row + pack * P::WIDTH;
                    for (_, column) in next {
                        prefetch(&column[at..at + P::WIDTH]);
                    }
                    let values = [P::load(&a.1[at..]), P::load(&b.1[at..]), P::load(&c.1[at..]), P::load(&d.1[at..])];
                    *sum = sum.add(P::sum_of_products(factors, values));
                }
            }
            for (factor, column) in columns.remainder() {
                let factor = P::broadcast(factor);
                for (pack, sum) in sums.iter_mut().enumerate().take(packs) {
                    *sum = sum.add(factor.mul(P::load(&column[self.offset + row + pack * P::WIDTH..])));
                }
            }
            for sum in sums.iter().take(packs) {
                let term = sum.mul(P::load(&self.inverses[row..]));
                P::load(&self.out[row..]).add(term).store(&mut self.out[row..]);
                row += P::WIDTH;
            }
        }
    }
}
