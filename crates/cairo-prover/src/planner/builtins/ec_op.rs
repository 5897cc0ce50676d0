//! The tables of ec_op: a row for each instance, and its product.

use crate::table_size::log_height;
use cairo_air::components::ec_op::CELLS;
use cairo_air::components::product::{ROWS, User};
use cairo_air::{Segment, TableEntry, TableKind};
use felt::Felt;

/// The builtin's table and that of its products.
pub(super) fn tables(_memory: &[Felt], segment: Segment) -> Vec<TableEntry> {
    let instances = u64::from(segment.stop - segment.base).div_ceil(CELLS);
    vec![
        TableEntry { kind: TableKind::EcOp, log_height: log_height(instances) },
        TableEntry { kind: TableKind::Product(User::EcOp), log_height: log_height(instances * ROWS as u64) },
    ]
}
