//! The LogUp columns of a height group (Haböck, eprint 2022/1530).

use super::ProveError;
use super::circuit::Circuit;
use super::rows::{Evaluate, STRIDE, lanes};
use crate::composition::{BusChallenges, Composition};
use crate::control::Meter;
use crate::graph::Input;
use crate::shape::Group;
use crate::table::Table;
use felt::{Felt, packed, vector};
use rayon::prelude::*;

/// The LogUp columns of a group and its share of the bus sum. `main` are the group's main columns on the trace domain.
pub fn lookup_columns(
    group: &Group,
    tables: &[Table],
    main: &[Vec<Felt>],
    challenges: BusChallenges,
    meter: &Meter<'_>,
) -> Result<(Vec<Vec<Felt>>, Felt), ProveError> {
    let mut composition = Composition::new(group, tables, challenges);
    let batches: Vec<_> = group.batches.iter().map(|batch| composition.batch(batch)).collect();
    let roots: Vec<_> = batches.iter().map(|(n, _)| *n).chain(batches.iter().map(|(_, d)| *d)).collect();
    let circuit = Circuit::compile(&composition.graph, &roots);
    let periodic = repeated_periodic(group, tables, |column| column.to_vec());
    let lanes = lanes(&circuit, |input| match input {
        Input::Main(column) | Input::MainNext(column) => &main[column as usize],
        Input::Periodic(column) => &periodic[column as usize],
        // Interactions only read main and periodic columns.
        Input::Aux(_) | Input::AuxNext(_) => &[],
    });

    let height = group.height();
    let width = group.aux_width();
    let mut columns = vec![vec![Felt::zero(); height]; width];
    let mut pieces: Vec<Vec<&mut [Felt]>> = (0..height.div_ceil(STRIDE)).map(|_| Vec::with_capacity(width)).collect();
    for column in &mut columns {
        for (piece, rows) in pieces.iter_mut().zip(column.chunks_mut(STRIDE)) {
            piece.push(rows);
        }
    }
    pieces.into_par_iter().enumerate().try_for_each(|(number, mut numerators)| {
        let rows = numerators.first().map_or(0, |rows| rows.len());
        let mut denominators = vec![Felt::zero(); width * rows];
        let mut out: Vec<&mut [Felt]> = numerators.iter_mut().map(|rows| &mut **rows).collect();
        out.extend(denominators.chunks_mut(rows));
        packed::dispatch(Evaluate { circuit: &circuit, lanes: &lanes, start: number * STRIDE, out: &mut out });
        if denominators.contains(&Felt::zero()) {
            return Err(ProveError::Denominator);
        }
        vector::batch_inverse(&mut denominators);
        for (numerators, inverses) in numerators.iter_mut().zip(denominators.chunks(rows)) {
            vector::mul_assign(numerators, inverses);
        }
        meter.advance((rows * width) as u64)?;
        Ok(())
    })?;
    let total = accumulate(&mut columns);
    Ok((columns, total))
}

/// Turns the last column from the sums of its own batch into the running sum of all; returns the total.
fn accumulate(columns: &mut [Vec<Felt>]) -> Felt {
    let Some((running, helpers)) = columns.split_last_mut() else { return Felt::zero() };
    running.par_chunks_mut(STRIDE).enumerate().for_each(|(chunk, rows)| {
        let start = chunk * STRIDE;
        for helper in helpers.iter() {
            rows.iter_mut().zip(&helper[start..]).for_each(|(sum, term)| *sum += *term);
        }
    });
    let total = running.iter().fold(Felt::zero(), |sum, term| sum + *term);
    // The height is a power of two below p, so its inverse exists.
    let share = total * Felt::from(running.len() as u64).inv().unwrap_or_default();
    let mut sum = Felt::zero();
    for entry in running.iter_mut() {
        let step = *entry - share;
        *entry = sum;
        sum += step;
    }
    total
}

/// Each periodic column of the group mapped by `extend`, repeated until it fills a pack.
pub fn repeated_periodic(group: &Group, tables: &[Table], extend: impl Fn(&[Felt]) -> Vec<Felt>) -> Vec<Vec<Felt>> {
    let columns = group.tables.iter().flat_map(|&table| tables[table].air.periodic());
    columns
        .map(|column| {
            let mut period = extend(column);
            while period.len() < 16 {
                period.extend_from_within(..);
            }
            period
        })
        .collect()
}
