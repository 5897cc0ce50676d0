//! The LogUp columns of a height group (Haböck, eprint 2022/1530).

use super::ProveError;
use super::circuit::Circuit;
use super::rows::{Evaluate, STRIDE, lanes};
use crate::composition::{BusChallenges, Composition};
use crate::control::{Cancelled, Meter};
use crate::graph::Input;
use crate::shape::Group;
use crate::table::Table;
use felt::memory::zeros;
use felt::{Felt, packed, vector};
use rayon::prelude::*;

/// The LogUp columns of a group and its share of the bus sum. `main` are the group's main columns on the trace domain. The columns
/// are at the beginning of memory that their extensions by `2^log_blowup` will take.
pub fn lookup_columns(
    group: &Group,
    tables: &[Table],
    main: &[Vec<Felt>],
    challenges: BusChallenges,
    log_blowup: u32,
    meter: &Meter<'_>,
) -> Result<(Vec<Vec<Felt>>, Felt), ProveError> {
    if group.batches.is_empty() {
        return Ok((Vec::new(), Felt::zero()));
    }
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
    let mut columns: Vec<_> = (0..width).map(|_| zeros(height << log_blowup)).collect();
    let mut pieces: Vec<Vec<&mut [Felt]>> = (0..height.div_ceil(STRIDE)).map(|_| Vec::with_capacity(width)).collect();
    for column in &mut columns {
        for (piece, rows) in pieces.iter_mut().zip(column[..height].chunks_mut(STRIDE)) {
            piece.push(rows);
        }
    }
    pieces.into_par_iter().enumerate().try_for_each(|(number, mut numerators)| {
        let rows = numerators.first().map_or(0, |rows| rows.len());
        let mut denominators = vec![Felt::zero(); width * rows];
        let mut out: Vec<&mut [Felt]> = numerators.iter_mut().map(|rows| &mut **rows).collect();
        out.extend(denominators.chunks_mut(rows));
        packed::dispatch(Evaluate { circuit: &circuit, lanes: &lanes, start: number * STRIDE, out: &mut out });
        if vector::divide_assign(&mut numerators, &denominators) {
            return Err(ProveError::Denominator);
        }
        meter.advance((rows * width) as u64)?;
        Ok(())
    })?;
    let mut traces: Vec<_> = columns.iter_mut().map(|column| &mut column[..height]).collect();
    let total = accumulate(&mut traces, meter)?;
    Ok((columns, total))
}

/// Turns the last column from the sums of its own batch into the running sum of all; returns the total.
fn accumulate(columns: &mut [&mut [Felt]], meter: &Meter<'_>) -> Result<Felt, Cancelled> {
    let Some((running, helpers)) = columns.split_last_mut() else { return Ok(Felt::zero()) };
    let pieces = running.par_chunks_mut(STRIDE).enumerate();
    let totals: Vec<Felt> = pieces
        .map(|(piece, rows)| {
            let start = piece * STRIDE;
            for helper in helpers.iter() {
                vector::add_assign(rows, &helper[start..start + rows.len()]);
            }
            meter.checkpoint()?;
            Ok(rows.iter().fold(Felt::zero(), |sum, term| sum + *term))
        })
        .collect::<Result<_, Cancelled>>()?;
    let total = totals.iter().fold(Felt::zero(), |sum, piece| sum + *piece);
    // The height is a power of two below p, so its inverse exists.
    let share = total * Felt::from(running.len() as u64).inv().unwrap_or_default();
    // Each piece begins with what those before it add up to, less their shares.
    let piece_share = share * Felt::from(STRIDE as u64);
    let begins: Vec<Felt> = totals
        .iter()
        .scan(Felt::zero(), |before, piece| {
            let begin = *before;
            *before += *piece - piece_share;
            Some(begin)
        })
        .collect();
    running.par_chunks_mut(STRIDE).zip(begins).try_for_each(|(rows, mut sum)| {
        for entry in rows {
            let step = *entry - share;
            *entry = sum;
            sum += step;
        }
        meter.checkpoint()
    })?;
    Ok(total)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::air::{AirBuilder, Bus};
    use crate::control::{NoControl, Phase};
    use crate::parameters::Parameters;
    use crate::shape::Shape;
    use std::sync::Arc;

    const BUS: Bus = Bus { id: 5, name: "bus", arity: 1 };

    /// A challenge that meets the tuple of one row, which no transcript can be made to give.
    #[test]
    fn a_tuple_that_meets_the_challenge() -> Result<(), crate::AirError> {
        let mut b = AirBuilder::new("test");
        let x = b.column("x");
        b.provide("entry", BUS, 1, [x]);
        let tables = [Table { air: Arc::new(b.build()?), log_height: 6 }];
        let shape = Shape::new(&tables, &Parameters::default());
        let main = [(0..64u64).map(Felt::from).collect()];
        let columns = |z: u64| {
            let bus = BusChallenges { z: Felt::from(z), alpha: Felt::one() };
            let meter = Meter::new(&NoControl, Phase::Lookup, 1);
            lookup_columns(&shape.groups[0], &tables, &main, bus, 1, &meter)
        };
        for met in [5, 30, 68] {
            assert_eq!(columns(met), Err(ProveError::Denominator));
        }
        // 1/(69 − 5 − x) over all x below 64 is the sum of 1/1 to 1/64.
        let harmonic = (1..=64u64).fold(Felt::zero(), |sum, n| sum + Felt::from(n).inv().unwrap_or_default());
        assert_eq!(columns(69).map(|(_, total)| total), Ok(harmonic));
        Ok(())
    }
}
