//! The quotient of a height group: its combined constraints divided by the polynomials on whose zeros they vanish.
//!
//! The quotient `Q` has degree below `2N`. It is evaluated on two cosets of the trace domain and committed to as the two
//! polynomials of degree below `N` that agree with it on either coset.

use super::circuit::Circuit;
use super::commit::Committed;
use super::lookup::repeated_periodic;
use super::matrix::Matrix;
use super::memory::Kept;
use super::rows::{Evaluate, STRIDE, lanes};
use crate::composition::{BusChallenges, Composition};
use crate::control::{Cancelled, Meter};
use crate::graph::Input;
use crate::shape::{Group, QUOTIENT_CHUNKS};
use crate::table::Table;
use felt::domain::{lde_point, root_of_unity};
use felt::encoding::is_zero;
use felt::fft::Domain;
use felt::memory::zeros;
use felt::packed::{Packed, WithPacked};
use felt::{Felt, fft, packed, vector};
use rayon::prelude::*;

/// What the quotient of a group is computed from, but for its columns.
#[derive(Debug)]
pub struct QuotientInputs<'a> {
    /// The group.
    pub group: &'a Group,
    /// All tables of the proof.
    pub tables: &'a [Table],
    /// Bus challenges.
    pub bus: BusChallenges,
    /// The group's share of the bus sum.
    pub total: Felt,
    /// Combines the constraints.
    pub lambda: Felt,
    /// `log2` of the blow-up.
    pub log_blowup: u32,
}

/// Commits to the quotients of all groups. All columns end on coset 0, unless they are extended.
pub fn commit(
    groups: &[QuotientInputs<'_>],
    [main, aux]: [&mut Committed; 2],
    kept: &Kept,
    meter: &Meter<'_>,
) -> Result<Committed, Cancelled> {
    let columns = groups.iter().zip(main.matrices.iter_mut().zip(&mut aux.matrices)).zip(&kept.quotient);
    let chunks = columns.map(|((inputs, (main, aux)), kept)| inputs.chunks([main, aux], *kept, meter));
    let mut quotient = Committed::new(chunks.collect::<Result<_, _>>()?, kept.lowest_layers(), meter)?;
    quotient.move_to(Domain::Coset(0), meter)?;
    Ok(quotient)
}

impl QuotientInputs<'_> {
    /// The two chunks, extended if they are to be kept so. Columns that are moved to coset 1 and then coset 0 end there.
    fn chunks(&self, [main, aux]: [&mut Matrix; 2], kept: bool, meter: &Meter<'_>) -> Result<Matrix, Cancelled> {
        let (height, log_blowup) = (self.group.height(), self.log_blowup);
        let circuit = self.circuit();
        let mut chunks = Vec::with_capacity(QUOTIENT_CHUNKS);
        for coset in (0..QUOTIENT_CHUNKS).rev() {
            let domain = Domain::Coset(coset);
            main.move_to(domain, meter)?;
            aux.move_to(domain, meter)?;
            let columns = [&*main, &*aux];
            if kept {
                let mut chunk = [zeros(height << log_blowup)];
                let values = &mut chunk[0][coset * height..][..height];
                self.evaluate_on_coset(&circuit, coset, columns, values, meter)?;
                fft::extend_from_coset(&mut chunk, coset, log_blowup, &|| meter.checkpoint())?;
                meter.advance(height as u64)?;
                chunks.extend(chunk);
            } else {
                let mut values = zeros(height);
                self.evaluate_on_coset(&circuit, coset, columns, &mut values, meter)?;
                let mut chunk = Matrix::on(domain, vec![values], log_blowup);
                chunk.move_to(Domain::Coset(0), meter)?;
                chunks.extend(chunk.into_columns());
            }
        }
        chunks.reverse();
        Ok(match kept {
            true => Matrix::extended(chunks, log_blowup),
            false => Matrix::on(Domain::Coset(0), chunks, log_blowup),
        })
    }

    fn circuit(&self) -> Circuit {
        let mut composition = Composition::new(self.group, self.tables, self.bus);
        let sums = composition.constraints(&self.total, &self.lambda);
        Circuit::compile(&composition.graph, &sums.roots())
    }

    fn evaluate_on_coset(
        &self,
        circuit: &Circuit,
        coset: usize,
        [main, aux]: [&Matrix; 2],
        quotient: &mut [Felt],
        meter: &Meter<'_>,
    ) -> Result<(), Cancelled> {
        let Self { group, tables, log_blowup, .. } = self;
        let periodic = repeated_periodic(group, tables, |column| {
            let extended = fft::extend(column, *log_blowup);
            extended[coset * column.len()..(coset + 1) * column.len()].to_vec()
        });
        let lanes = lanes(circuit, |input| match input {
            Input::Main(column) | Input::MainNext(column) => main.on_coset(column as usize, coset),
            Input::Aux(column) | Input::AuxNext(column) => aux.on_coset(column as usize, coset),
            Input::Periodic(column) => &periodic[column as usize],
        });
        let divisors = Divisors::new(group, coset, *log_blowup);
        quotient.par_chunks_mut(STRIDE).enumerate().try_for_each(|(chunk, quotient)| {
            let mut sums: [Vec<Felt>; 3] = std::array::from_fn(|_| vec![Felt::zero(); quotient.len()]);
            let [transition, first, last] = &mut sums;
            let mut out = [&mut *quotient, transition, first, last];
            packed::dispatch(Evaluate { circuit, lanes: &lanes, start: chunk * STRIDE, out: &mut out });
            divisors.divide(quotient, &sums, chunk * STRIDE);
            meter.advance(quotient.len() as u64)
        })
    }
}

/// The points of a coset and the inverses of the vanishing polynomials on it.
struct Divisors {
    shift: Felt,
    root: Felt,
    last_point: Felt,
    /// `1/(x^N − 1)`, the same on the whole coset.
    inverse_vanishing: Felt,
}

impl Divisors {
    fn new(group: &Group, coset: usize, log_blowup: u32) -> Self {
        let shift = lde_point(group.log_height + log_blowup, coset as u64);
        let root = root_of_unity(group.log_height);
        let last_point = root.pow(group.height() as u64 - 1);
        // LDE and trace domains are disjoint, so nothing inverted here is 0.
        let inverse_vanishing = (shift.pow(group.height() as u64) - Felt::one()).inv().unwrap_or_default();
        Self { shift, root, last_point, inverse_vanishing }
    }

    /// Divides the four sums at rows `start..` and adds them up in `all`.
    fn divide(&self, all: &mut [Felt], [transition, first, last]: &[Vec<Felt>; 3], start: usize) {
        let points = vector::powers(&self.root, &(self.shift * self.root.pow(start as u64)), all.len());
        packed::dispatch(DivideTransitions { divisors: self, points: &points, transition, all: &mut *all });
        for (sums, point) in [(first, Felt::one()), (last, self.last_point)] {
            if !sums.iter().all(is_zero) {
                let mut quotients = vector::differences(&points, &point);
                vector::batch_inverse(&mut quotients);
                vector::mul_assign(&mut quotients, sums);
                vector::add_assign(all, &quotients);
            }
        }
    }
}

/// `all = (all + transition·(x − last point))/(x^N − 1)`.
struct DivideTransitions<'a> {
    divisors: &'a Divisors,
    points: &'a [Felt],
    transition: &'a [Felt],
    all: &'a mut [Felt],
}

impl WithPacked for DivideTransitions<'_> {
    type Output = ();

    #[inline(always)]
    fn run<P: Packed>(self) {
        let (last, inverse) = (&self.divisors.last_point, &self.divisors.inverse_vanishing);
        let (last, inverse) = (P::broadcast(last), P::broadcast(inverse));
        // Heights are multiples of every pack width.
        for row in (0..self.all.len()).step_by(P::WIDTH) {
            let from_last = P::load(&self.points[row..]).sub(last);
            let sum = P::load(&self.all[row..]).add(P::load(&self.transition[row..]).mul(from_last));
            sum.mul(inverse).store(&mut self.all[row..]);
        }
    }
}
