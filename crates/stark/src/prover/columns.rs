//! The commitments to main and LogUp columns.

use super::ProveError;
use super::commit::Committed;
use super::lookup::lookup_columns;
use super::matrix::Matrix;
use super::memory::Kept;
use super::sweep;
use crate::composition::BusChallenges;
use crate::control::{Cancelled, Meter};
use crate::shape::Shape;
use crate::table::Table;
use felt::Felt;
use felt::fft::Domain;

/// Columns on the trace domain.
type Trace = Vec<Vec<Felt>>;

/// The main columns, committed, and at hand on the trace domain for the LogUp columns.
#[derive(Debug)]
pub struct Columns {
    /// The commitment. Columns that are not extended stand on the trace domain.
    pub main: Committed,
    /// Of the groups that are extended.
    traces: Vec<Option<Trace>>,
}

impl Columns {
    /// Commits to main columns, side by side within their group.
    pub fn new(traces: Vec<Trace>, shape: &Shape, kept: &Kept, meter: &Meter<'_>) -> Result<Self, Cancelled> {
        // First those that are not extended, as long as the memory of the others' extensions is free.
        let mut hashed = Vec::with_capacity(traces.len());
        for (number, columns) in traces.into_iter().enumerate() {
            let mut matrix = Matrix::on(Domain::Trace, columns, shape.log_blowup);
            let digests = if kept.main[number] {
                None
            } else if kept.streamed[number] {
                Some(sweep::streamed_digests(matrix.columns(), shape.log_blowup, meter)?)
            } else {
                let digests = sweep::digests(&mut matrix, meter)?;
                matrix.move_to(Domain::Trace, meter)?;
                Some(digests)
            };
            hashed.push((matrix, digests));
        }
        let mut traces = Vec::with_capacity(hashed.len());
        for ((matrix, _), kept) in hashed.iter_mut().zip(&kept.main) {
            traces.push(if *kept { Some(matrix.extend(meter)?) } else { None });
        }
        Ok(Self { main: Committed::with_digests(hashed, kept.lowest_layers(), meter)?, traces })
    }

    /// The LogUp columns, committed, and each group's share of the bus sum. Traces beside extensions are given up.
    pub fn lookup(
        &mut self,
        tables: &[Table],
        (shape, kept): (&Shape, &Kept),
        bus: BusChallenges,
        meter: &Meter<'_>,
    ) -> Result<(Committed, Vec<Felt>), ProveError> {
        let (mut columns, mut totals) = (Vec::new(), Vec::new());
        for (number, group) in shape.groups.iter().enumerate() {
            let trace = self.traces[number].take();
            let main = trace.as_deref().unwrap_or(self.main.matrices[number].columns());
            // Columns that will be extended in place take the memory for it at once.
            let log_memory = if kept.aux[number] { shape.log_blowup } else { 0 };
            let (aux, total) = lookup_columns(group, tables, main, bus, log_memory, meter)?;
            columns.push(aux);
            totals.push(total);
        }
        let mut matrices = Vec::with_capacity(columns.len());
        for (columns, kept) in columns.into_iter().zip(&kept.aux) {
            matrices.push(match kept {
                true => Matrix::extend_in_place(columns, shape.log_blowup, meter)?,
                false => Matrix::on(Domain::Trace, columns, shape.log_blowup),
            });
        }
        Ok((Committed::new(matrices, kept.lowest_layers(), meter)?, totals))
    }
}
