//! What the computation of some rows needs besides their columns.

use cairo_execution::Registers;
use felt::Felt;

/// Rows that are computed column by column: the cells of that many rows, and the memory that they come from, stay in a core's cache.
pub(super) const TILE: usize = 1 << 7;

/// What the computation of a tile needs besides the columns.
pub(super) struct Scratch {
    pub(super) registers: [Registers; TILE],
    pub(super) starts: Vec<usize>,
    /// Of each column that addresses need, its values in the tile.
    pub(super) integers: Vec<Vec<i64>>,
    pub(super) addresses: [i64; TILE],
    pub(super) left: [Felt; TILE],
    pub(super) right: [Felt; TILE],
}
