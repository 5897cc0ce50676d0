//! Witness of [`cairo_air::components::nibble_and`].

use super::multiplicities::Multiplicities;
use cairo_air::TableKind;
use cairo_air::components::nibble_and::Columns;
use felt::Felt;

/// The only column: how often each pair of nibbles was looked up.
pub fn fill(multiplicities: &Multiplicities) -> Vec<Vec<Felt>> {
    let columns = Columns { multiplicity: multiplicities.uses(&TableKind::NibbleAnd) };
    vec![columns.multiplicity]
}
