//! What may be disclosed: short tables whose rows stand in the proof instead of commitments to their columns.

use cairo_air::layout::{MAX_DISCLOSED_CELLS, MAX_DISCLOSED_WORK};

/// Most bus terms that a proof's disclosed tables have together by default: the verifier looks at each, which shall take no longer than all
/// the rest.
pub const MAX_TERMS: u64 = 1 << 13;

/// Tables above this height, as `log2`, are always committed.
pub const MAX_LOG_HEIGHT: u32 = 9;

/// What it takes to look at a bus term of a disclosed row, in the time that a committed cell takes.
pub const CELLS_PER_TERM: u64 = 8;

/// Bytes of a proof that a committed column takes, with 80 queries.
pub const BYTES_PER_COLUMN: u64 = 2600;

/// Bytes that a disclosed cell takes: most are flags, limbs and addresses.
pub const BYTES_PER_CELL: u64 = 3;

/// What may be disclosed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Bus terms.
    pub terms: u64,
    /// Cells.
    pub cells: u64,
    /// As [`MAX_DISCLOSED_WORK`] counts it.
    pub work: u64,
}

impl Budget {
    /// So many bus terms, and what the verifier allows of all else.
    pub const fn new(terms: u64) -> Self {
        Self { terms, cells: MAX_DISCLOSED_CELLS as u64, work: MAX_DISCLOSED_WORK }
    }

    /// Takes the rows of a table from the budget, if it has as much.
    pub fn take(&mut self, rows: u64, width: usize, interactions: usize, constraints: usize) -> bool {
        let cells = rows.saturating_mul(width as u64);
        let terms = rows.saturating_mul(interactions as u64);
        let work = cells.saturating_mul((constraints + interactions) as u64);
        let left = (self.terms.checked_sub(terms), self.cells.checked_sub(cells), self.work.checked_sub(work));
        let (Some(terms), Some(cells), Some(work)) = left else { return false };
        *self = Self { terms, cells, work };
        true
    }
}
