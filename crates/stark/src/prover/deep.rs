//! DEEP quotients: `Σ γ^k·(f_k(x) − f_k(p))/(x − p)` over a group's LDE domain.

use super::commit::Committed;
use super::rows::STRIDE;
use crate::control::{Cancelled, Meter};
use crate::proof::GroupOpenings;
use crate::shape::{Group, Shape};
use crate::verifier::POINT_OF_PART;
use felt::domain::{lde_point, root_of_unity};
use felt::memory::{prefetch, zeros};
use felt::packed::{Packed, WithPacked};
use felt::{Felt, packed, vector};
use rayon::prelude::*;

/// One DEEP quotient for each group, each in the order of the LDE points.
pub fn deep_quotients(
    shape: &Shape,
    committed: [&Committed; 3],
    openings: &[GroupOpenings],
    zeta: &Felt,
    gamma: &Felt,
    meter: &Meter<'_>,
) -> Result<Vec<Vec<Felt>>, Cancelled> {
    let mut power = Felt::one();
    let mut quotients = Vec::with_capacity(shape.groups.len());
    for (number, group) in shape.groups.iter().enumerate() {
        let columns = committed.map(|commitment| commitment.groups[number].as_slice());
        let sums = [0, 1].map(|_| Combination { terms: Vec::new(), value: Felt::zero() });
        let mut job = Job { group, log_blowup: shape.log_blowup, zeta: *zeta, sums };
        for (part, values) in openings[number].parts().into_iter().enumerate() {
            for (k, value) in values.iter().enumerate() {
                let column = match part {
                    0 => &columns[0][k],
                    1 => &columns[0][group.next_columns[k]],
                    2 => &columns[1][k],
                    3 => &columns[1][columns[1].len() - 1],
                    _ => &columns[2][k],
                };
                let sum = &mut job.sums[POINT_OF_PART[part]];
                sum.terms.push((power, column));
                sum.value += power * *value;
                power *= *gamma;
            }
        }
        quotients.push(job.run(meter)?);
    }
    Ok(quotients)
}

/// `Σ power·column`, and the same sum of the opened values.
struct Combination<'a> {
    terms: Vec<(Felt, &'a Vec<Felt>)>,
    value: Felt,
}

struct Job<'a> {
    group: &'a Group,
    log_blowup: u32,
    zeta: Felt,
    /// At `ζ` and at `ζ·g`.
    sums: [Combination<'a>; 2],
}

impl Job<'_> {
    fn run(&self, meter: &Meter<'_>) -> Result<Vec<Felt>, Cancelled> {
        let (height, blowup) = (self.group.height(), 1usize << self.log_blowup);
        let stride = STRIDE.min(height);
        let mut quotient = zeros(height << self.log_blowup);
        // A piece of `stride` rows of every coset is one contiguous run of LDE points.
        quotient.par_chunks_mut(stride * blowup).enumerate().try_for_each(|(piece, out)| {
            for coset in 0..blowup {
                let values = self.rows(coset, piece * stride, stride);
                for (i, value) in values.into_iter().enumerate() {
                    out[i * blowup + coset] = value;
                }
                meter.advance(stride as u64)?;
            }
            Ok(())
        })?;
        Ok(quotient)
    }

    fn rows(&self, coset: usize, start: usize, count: usize) -> Vec<Felt> {
        let root = root_of_unity(self.group.log_height);
        let shift = lde_point(self.group.log_height + self.log_blowup, coset as u64);
        let points = vector::powers(&root, &(shift * root.pow(start as u64)), count);
        let opened = [self.zeta, self.zeta * root];
        let mut inverses = opened.map(|point| vector::differences(&points, &point)).concat();
        vector::batch_inverse(&mut inverses);
        let offset = (coset << self.group.log_height) + start;
        let mut quotient = vec![Felt::zero(); count];
        for (sum, inverses) in self.sums.iter().zip(inverses.chunks(count)) {
            packed::dispatch(Combine { sum, offset, inverses, out: &mut quotient });
        }
        quotient
    }
}

/// `out += (Σ power·column − value)·inverse`, row by row.
struct Combine<'a> {
    sum: &'a Combination<'a>,
    offset: usize,
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
                let powers = [P::broadcast(&a.0), P::broadcast(&b.0), P::broadcast(&c.0), P::broadcast(&d.0)];
                for (pack, sum) in sums.iter_mut().enumerate().take(packs) {
                    let at = self.offset + row + pack * P::WIDTH;
                    for (_, column) in next {
                        prefetch(&column[at..at + P::WIDTH]);
                    }
                    let values = [P::load(&a.1[at..]), P::load(&b.1[at..]), P::load(&c.1[at..]), P::load(&d.1[at..])];
                    *sum = sum.add(P::sum_of_products(powers, values));
                }
            }
            for (power, column) in columns.remainder() {
                let power = P::broadcast(power);
                for (pack, sum) in sums.iter_mut().enumerate().take(packs) {
                    *sum = sum.add(power.mul(P::load(&column[self.offset + row + pack * P::WIDTH..])));
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
