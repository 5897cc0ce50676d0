//! The tables of keccak: its cells, and the rounds of its permutations. Those that the rounds look up are always of one height.

use crate::table_size::log_height;
use cairo_air::components::{keccak, keccak_rounds};
use cairo_air::{Segment, TableEntry, TableKind};
use felt::Felt;

/// Both tables, for equally many instances.
pub(super) fn tables(_memory: &[Felt], segment: Segment) -> Vec<TableEntry> {
    let instances = u64::from(segment.stop - segment.base).div_ceil(keccak::CELLS);
    let cells = log_height(instances * keccak::ROWS as u64);
    let rounds = cells + (keccak_rounds::ROWS / keccak::ROWS).ilog2();
    vec![
        TableEntry { kind: TableKind::Keccak, log_height: cells },
        TableEntry { kind: TableKind::KeccakRounds, log_height: rounds },
    ]
}
