//! The table of pedersen; that of its points is always of one height.

use crate::table_size::log_height;
use cairo_air::components::pedersen::{CELLS, ROWS};
use cairo_air::{Segment, TableEntry, TableKind};
use felt::Felt;

/// The builtin's table.
pub(super) fn tables(_memory: &[Felt], segment: Segment) -> Vec<TableEntry> {
    let instances = u64::from(segment.stop - segment.base).div_ceil(CELLS);
    vec![TableEntry { kind: TableKind::Pedersen, log_height: log_height(instances * ROWS as u64) }]
}
