//! Witness of [`cairo_air::components::byte`].

use super::multiplicities::Multiplicities;
use cairo_air::TableKind;
use cairo_air::components::Limb;
use cairo_air::components::byte::Columns;
use felt::Felt;

/// The only column: how often each byte was looked up.
pub fn fill(multiplicities: &Multiplicities) -> Vec<Vec<Felt>> {
    let columns = Columns { multiplicity: multiplicities.uses(&TableKind::Limb(Limb::Bits8)) };
    vec![columns.multiplicity]
}
