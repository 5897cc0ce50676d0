//! Witness of [`cairo_air::components::word12`].

use super::multiplicities::Multiplicities;
use cairo_air::TableKind;
use cairo_air::components::Limb;
use cairo_air::components::word12::{Columns, LOG_HEIGHT};
use felt::Felt;
use felt::integers::small;

/// The values and how often each was looked up.
pub fn fill(multiplicities: &Multiplicities) -> Vec<Vec<Felt>> {
    let values = (0_u32..1 << LOG_HEIGHT).map(|value| small(value.into())).collect();
    let columns = Columns { value: values, multiplicity: multiplicities.uses(&TableKind::Limb(Limb::Bits12)) };
    vec![columns.value, columns.multiplicity]
}
