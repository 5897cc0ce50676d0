//! Witness of [`cairo_air::components::word16`].

use super::multiplicities::Multiplicities;
use cairo_air::TableKind;
use cairo_air::components::Limb;
use cairo_air::components::word16::{Columns, LOG_HEIGHT};
use felt::Felt;
use felt::integers::small;
use rayon::prelude::*;

/// The values and how often each was looked up.
pub fn fill(multiplicities: &Multiplicities) -> Vec<Vec<Felt>> {
    let values =
        (0_u32..1 << LOG_HEIGHT).into_par_iter().with_min_len(1 << 12).map(|value| small(value.into())).collect();
    let columns = Columns { value: values, multiplicity: multiplicities.uses(&TableKind::Limb(Limb::Bits16)) };
    vec![columns.value, columns.multiplicity]
}
