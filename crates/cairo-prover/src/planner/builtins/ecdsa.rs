//! The tables of ecdsa: a row for each instance, and its products.

use crate::table_size::log_height;
use cairo_air::components::ecdsa::CELLS;
use cairo_air::components::product::{ROWS, User};
use cairo_air::{Segment, TableEntry, TableKind};
use felt::Felt;

/// Products of an instance.
const PRODUCTS: u64 = 3;

/// The builtin's table and that of its products.
pub(super) fn tables(_memory: &[Felt], segment: Segment) -> Vec<TableEntry> {
    let instances = u64::from(segment.stop - segment.base).div_ceil(CELLS);
    let products = log_height(instances * PRODUCTS * ROWS as u64);
    vec![
        TableEntry { kind: TableKind::Ecdsa, log_height: log_height(instances) },
        TableEntry { kind: TableKind::Product(User::Ecdsa), log_height: products },
    ]
}
