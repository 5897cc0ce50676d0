//! Filling columns row by row on all threads.

use super::WitnessError;
use felt::Felt;
use rayon::prelude::*;
use stark::Control;

/// Rows that one thread fills at a time; between them it visits the control hook.
const CHUNK: usize = 1 << 11;

/// Fills `height` rows of `W` columns with what `row` gives for each.
pub(crate) fn fill_rows<const W: usize>(
    height: usize,
    control: &dyn Control,
    row: impl Fn(usize) -> Result<[Felt; W], WitnessError> + Sync,
) -> Result<Vec<Vec<Felt>>, WitnessError> {
    let mut columns = vec![vec![Felt::zero(); height]; W];
    let mut chunks: Vec<Vec<&mut [Felt]>> = Vec::with_capacity(height.div_ceil(CHUNK));
    chunks.resize_with(height.div_ceil(CHUNK), || Vec::with_capacity(W));
    for column in &mut columns {
        for (chunk, part) in chunks.iter_mut().zip(column.chunks_mut(CHUNK)) {
            chunk.push(part);
        }
    }
    chunks.into_par_iter().enumerate().try_for_each(|(number, mut chunk)| {
        control.checkpoint()?;
        for offset in 0..chunk.first().map_or(0, |part| part.len()) {
            let values = row(number * CHUNK + offset)?;
            for (part, value) in chunk.iter_mut().zip(values) {
                part[offset] = value;
            }
        }
        Ok::<_, WitnessError>(())
    })?;
    Ok(columns)
}
