//! Witness of [`cairo_air::components::byte_and`].

use super::Trace;
use super::multiplicities::Multiplicities;
use cairo_air::TableKind;
use cairo_air::components::byte_and::{LOG_HEIGHT, bits};
use felt::Felt;
use felt::integers::small;

/// The bits of each row, and how often each pair of bytes was looked up.
pub fn fill(multiplicities: &Multiplicities) -> Trace {
    let rows = 1 << LOG_HEIGHT;
    let column = |value: fn([usize; 2]) -> usize| (0..rows).map(|row| small(value(bits(row)) as u64)).collect();
    let bits: [Vec<Felt>; 3] = [column(|[a, _]| a), column(|[_, b]| b), column(|[a, b]| a & b)];
    let uses = multiplicities.uses(&TableKind::ByteAnd);
    bits.into_iter().chain(uses.chunks(rows).map(<[Felt]>::to_vec)).collect()
}
