//! Witness of [`cairo_air::components::derived`]: columns from their sources.
//!
//! The sources of a table are made fit for many rows once ([`recipe`]); rows are then computed column by column, a tile of them at a time
//! ([`tile`]). A row that does not execute the run's steps is noticed here, by the table's own constraints: after that nothing would look
//! at it before a verifier does.

mod address;
mod recipe;
mod scratch;
mod sum;
#[cfg(test)]
mod tests;
mod tile;

use super::multiplicities::Multiplicities;
use super::rows::{chunks, zeros};
use super::{Trace, WitnessError};
use cairo_air::components::derived::{RowContents, Source};
use cairo_execution::Execution;
use rayon::prelude::*;
use recipe::Recipe;
use stark::Control;

/// Rows that one thread fills at a time; between them it visits the control hook.
const CHUNK: usize = 1 << 10;

/// One row for each of the steps `starts`; padding repeats the first with enabler 0.
///
/// # Errors
/// If the execution does not make the steps that the table executes, or uses cells outside memory.
pub fn fill(
    execution: &Execution,
    contents: &RowContents,
    starts: &[u32],
    log_height: u32,
    multiplicities: &Multiplicities,
    control: &dyn Control,
) -> Result<Trace, WitnessError> {
    let height = 1_usize << log_height;
    let starts = starts.get(..starts.len().min(height)).filter(|starts| !starts.is_empty());
    let starts = starts.ok_or(WitnessError::Empty("derived"))?;
    let recipe = Recipe::new(contents);
    let mut columns = zeros(contents.sources.len(), height);
    let filled = chunks(&mut columns, starts.len(), CHUNK).into_par_iter().zip(starts.par_chunks(CHUNK));
    filled.with_max_len(1).try_for_each(|(mut chunk, starts)| {
        control.checkpoint()?;
        recipe.fill_chunk(execution, starts, &mut chunk, multiplicities)
    })?;
    columns.par_iter_mut().zip(&contents.sources).for_each(|(column, source)| {
        let (used, padding) = column.split_at_mut(starts.len());
        match (source, used.first()) {
            (Source::Enabler, _) | (_, None) => {}
            (_, Some(first)) => padding.fill(*first),
        }
    });
    Ok(columns)
}
