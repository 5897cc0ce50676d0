//! Filling columns on all threads.

use super::{Trace, WitnessError};
use felt::Felt;
use rayon::prelude::*;
use stark::Control;

/// Rows that one thread fills at a time; between them it visits the control hook.
const CHUNK: usize = 1 << 11;

/// Rows that are made before they are written, column by column: columns tend to lie a power of two apart, so that the cells of
/// one row would push each other out of the cache.
const TILE: usize = 16;

/// Columns of zeros. The system supplies their memory when they are filled, to the threads that fill them.
pub(crate) fn zeros(width: usize, height: usize) -> Trace {
    (0..width).map(|_| felt::memory::zeros(height)).collect()
}

/// The first `rows` rows of all columns in chunks of at most `len` rows.
pub(crate) fn chunks(columns: &mut Trace, rows: usize, len: usize) -> Vec<Vec<&mut [Felt]>> {
    let width = columns.len();
    let mut chunks: Vec<Vec<&mut [Felt]>> = Vec::new();
    chunks.resize_with(rows.div_ceil(len), || Vec::with_capacity(width));
    for column in columns {
        let used = rows.min(column.len());
        for (chunk, part) in chunks.iter_mut().zip(column[..used].chunks_mut(len)) {
            chunk.push(part);
        }
    }
    chunks
}

/// Fills `height` rows of `W` columns with what `row` gives for each, and for the state of its chunk of rows.
pub(crate) fn fill_rows<const W: usize, S>(
    height: usize,
    control: &dyn Control,
    state: impl Fn() -> S + Sync,
    row: impl Fn(&mut S, usize) -> Result<[Felt; W], WitnessError> + Sync,
) -> Result<Trace, WitnessError> {
    let mut columns = zeros(W, height);
    let chunks = chunks(&mut columns, height, CHUNK);
    chunks.into_par_iter().enumerate().with_max_len(1).try_for_each(|(number, mut chunk)| {
        control.checkpoint()?;
        let mut state = state();
        let mut tile = [[Felt::zero(); W]; TILE];
        let len = chunk.first().map_or(0, |part| part.len());
        for first in (0..len).step_by(TILE) {
            let rows = first..len.min(first + TILE);
            for (values, offset) in tile.iter_mut().zip(rows.clone()) {
                *values = row(&mut state, number * CHUNK + offset)?;
            }
            for (column, part) in chunk.iter_mut().enumerate() {
                for (cell, values) in part[rows.clone()].iter_mut().zip(&tile) {
                    *cell = values[column];
                }
            }
        }
        Ok::<_, WitnessError>(())
    })?;
    Ok(columns)
}
