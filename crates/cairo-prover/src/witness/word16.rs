//! Witness of [`cairo_air::components::word16`].

use super::counters::Counters;
use super::small;
use cairo_air::components::word16::{Columns, LOG_HEIGHT};
use felt::Felt;

/// The values and how often each was looked up.
pub fn fill(counters: &Counters) -> Vec<Vec<Felt>> {
    let columns = Columns { value: (0..1 << LOG_HEIGHT).map(small).collect(), multiplicity: counters.word16_uses() };
    vec![columns.value, columns.multiplicity]
}
