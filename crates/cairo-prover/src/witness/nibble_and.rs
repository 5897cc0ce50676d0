//! Witness of [`cairo_air::components::nibble_and`].

use super::counters::Counters;
use cairo_air::TableKind;
use cairo_air::components::nibble_and::Columns;
use felt::Felt;

/// The only column: how often each pair of nibbles was looked up.
pub fn fill(counters: &Counters) -> Vec<Vec<Felt>> {
    let columns = Columns { multiplicity: counters.uses(&TableKind::NibbleAnd) };
    vec![columns.multiplicity]
}
