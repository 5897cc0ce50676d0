//! The digests of all rows of columns whose extensions are not kept: coset by coset, between which the columns move, or some columns at a time.

use super::matrix::Matrix;
use crate::control::{Cancelled, Meter};
use crate::hash::{BATCH, Digest, PIECE_ELEMENTS, RowHasher};
use crate::shape::Group;
use felt::Felt;
use felt::fft::{self, Domain};
use felt::memory::zeros;
use rayon::prelude::*;

/// Rows hashed between two visits to the control hook.
const STRIDE: usize = 1 << 10;

/// The digests of all rows of a matrix, in coset-major order. Its columns end on coset 1, where the quotient is evaluated first.
pub fn digests(matrix: &mut Matrix, meter: &Meter<'_>) -> Result<Vec<Digest>, Cancelled> {
    let (width, height, cosets) = (matrix.width(), matrix.height(), matrix.cosets());
    let mut digests = zeros(height * cosets);
    for coset in (0..cosets).filter(|coset| *coset != 1).chain([1]) {
        matrix.move_to(Domain::Coset(coset), meter)?;
        hash_rows(&matrix.coset(coset), &mut digests[coset * height..][..height], meter)?;
        // Heights are multiples of every blow-up.
        meter.advance((width * height / cosets) as u64)?;
    }
    Ok(digests)
}

/// The same digests, by extensions of as many columns at a time as are hashed together. The columns are on the trace domain, and stay there.
pub fn streamed_digests(columns: &[Vec<Felt>], log_blowup: u32, meter: &Meter<'_>) -> Result<Vec<Digest>, Cancelled> {
    let mut pieces = Vec::with_capacity(columns.len().div_ceil(PIECE_ELEMENTS));
    for columns in columns.chunks(PIECE_ELEMENTS) {
        let extended = fft::extend_batch(columns, log_blowup, &|| meter.checkpoint())?;
        let extended: Vec<_> = extended.iter().map(Vec::as_slice).collect();
        let mut digests = zeros(extended.first().map_or(0, |column| column.len()));
        hash_rows(&extended, &mut digests, meter)?;
        pieces.push(digests);
        meter.advance(columns.iter().map(|column| column.len() as u64).sum())?;
    }
    let Some((digests, further)) = pieces.split_first_mut() else { return Ok(Vec::new()) };
    if !further.is_empty() {
        digests.par_chunks_mut(STRIDE).enumerate().try_for_each(|(piece, out)| {
            let mut hasher = RowHasher::new(columns.len());
            for (batch, out) in out.chunks_mut(BATCH).enumerate() {
                let mut first = [[0; 32]; BATCH];
                first[..out.len()].copy_from_slice(out);
                let start = piece * STRIDE + batch * BATCH;
                hasher.join_pieces(out, |piece, row| match piece.checked_sub(1) {
                    None => first[row],
                    Some(further_piece) => further[further_piece][start + row],
                });
            }
            meter.checkpoint()
        })?;
    }
    Ok(pieces.swap_remove(0))
}

/// Elements and digests that [`streamed_digests`] takes of a group's columns, without its result.
pub fn scratch(group: &Group, log_blowup: u32) -> u64 {
    let columns = group.main_width.min(PIECE_ELEMENTS) + group.main_width.div_ceil(PIECE_ELEMENTS);
    (columns as u64) << (group.log_height + log_blowup)
}

/// The digests of rows, given by columns.
fn hash_rows(columns: &[&[Felt]], digests: &mut [Digest], meter: &Meter<'_>) -> Result<(), Cancelled> {
    digests.par_chunks_mut(STRIDE).enumerate().try_for_each(|(piece, out)| {
        let mut hasher = RowHasher::new(columns.len());
        for (batch, out) in out.chunks_mut(BATCH).enumerate() {
            let first = piece * STRIDE + batch * BATCH;
            hasher.hash(out, |column, row| &columns[column][first + row]);
        }
        meter.checkpoint()
    })
}
