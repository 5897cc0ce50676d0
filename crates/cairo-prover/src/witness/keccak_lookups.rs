//! Witness of [`cairo_air::components::keccak_chunks`] and [`cairo_air::components::keccak_bytes`].

use super::multiplicities::Multiplicities;
use cairo_air::TableKind;
use cairo_air::components::{keccak_bytes, keccak_chunks};
use felt::Felt;
use felt::integers::small;

/// A block of rows for each top digit, and how often what each operation makes of the row's number was looked up.
pub fn chunks(multiplicities: &Multiplicities) -> Vec<Vec<Felt>> {
    let rows = 1 << keccak_chunks::LOG_HEIGHT;
    let top = |row: usize| row * 8 / rows;
    let bits = (0..3).map(|bit| (0..rows).map(|row| small((top(row) >> bit & 1) as u64)).collect());
    let uses = multiplicities.uses(&TableKind::KeccakChunks);
    bits.chain(uses.chunks(rows).map(<[Felt]>::to_vec)).collect()
}

/// The only column: how often each byte was looked up.
pub fn bytes(multiplicities: &Multiplicities) -> Vec<Vec<Felt>> {
    let columns = keccak_bytes::Columns { multiplicity: multiplicities.uses(&TableKind::KeccakBytes) };
    vec![columns.multiplicity]
}
