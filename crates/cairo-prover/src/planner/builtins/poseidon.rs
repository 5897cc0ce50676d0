//! The table of poseidon.

use crate::table_size::log_height;
use cairo_air::components::poseidon::{CELLS, ROWS};
use cairo_air::{Segment, TableEntry, TableKind};
use felt::Felt;

/// The builtin's table.
pub(super) fn tables(_memory: &[Felt], segment: Segment) -> Vec<TableEntry> {
    let instances = u64::from(segment.stop - segment.base).div_ceil(CELLS);
    vec![TableEntry { kind: TableKind::Poseidon, log_height: log_height(instances * ROWS as u64) }]
}
