//! What values are cut into, where a builtin has a table for each kind of limbs.

use crate::table_size::{self, half_columns, log_height};
use cairo_air::components::TableSize;
use cairo_air::components::range_check::Limbs;

/// What tables of so many rows cost, by their limbs.
pub(super) struct Costs<'a> {
    /// Rows that are needed.
    pub(super) rows: u64,
    /// The size of the table with these limbs.
    pub(super) size: &'a dyn Fn(Limbs) -> TableSize,
}

impl Costs<'_> {
    /// The limbs whose tables have the fewest committed cells, and of several the fewest columns. That some other table may need one of the
    /// tables of limbs too is not taken into account.
    pub(super) fn cheapest(&self) -> Limbs {
        let columns = |limbs| half_columns((self.size)(limbs)) + half_columns(provider(limbs));
        Limbs::ALL.into_iter().min_by_key(|limbs| (self.committed(*limbs), columns(*limbs))).unwrap_or(Limbs::Bytes)
    }

    /// Committed cells of the table and of the one that provides its limbs. Half a LogUp column counts as such.
    pub(super) fn committed(&self, limbs: Limbs) -> u64 {
        let provider = table_size::cells(provider(limbs), u32::from(limbs.limb().bits()));
        table_size::cells((self.size)(limbs), log_height(self.rows)) + provider
    }
}

fn provider(limbs: Limbs) -> TableSize {
    table_size::size(limbs.limb().table())
}
