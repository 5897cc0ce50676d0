//! Witness of [`cairo_air::components::pedersen_points`].

use super::multiplicities::Multiplicities;
use cairo_air::TableKind;
use cairo_air::components::pedersen_points::{Columns, LOG_HEIGHT};
use felt::Felt;

/// How often each point of the first input and each of the second was looked up.
pub fn fill(multiplicities: &Multiplicities) -> Vec<Vec<Felt>> {
    let mut first = multiplicities.uses(&TableKind::PedersenPoints);
    let second = first.split_off((1 << LOG_HEIGHT).min(first.len()));
    let columns = Columns { multiplicity: [first, second] };
    columns.multiplicity.into()
}
