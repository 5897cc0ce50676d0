//! What the values of a segment of range_check96 are cut into.

use super::limbs::Costs;
use crate::table_size::{self, log_height};
use cairo_air::components::range_check::Limbs;
use cairo_air::components::range_check96::Table;
use cairo_air::{Segment, TableEntry, TableKind};
use felt::Felt;

/// The builtin's table.
pub(super) fn tables(_memory: &[Felt], segment: Segment) -> Vec<TableEntry> {
    let cells = segment.stop - segment.base;
    let table = Table(cheapest(cells));
    vec![TableEntry { kind: TableKind::RangeCheck96(table), log_height: log_height(u64::from(cells)) }]
}

/// The limbs for a segment of this many cells.
pub fn cheapest(cells: u32) -> Limbs {
    // The size is the same for every segment.
    let segment = Segment { base: 1, stop: 2 };
    let size = |limbs| table_size::size(Table(limbs).table(segment));
    Costs { rows: u64::from(cells), size: &size }.cheapest()
}

#[cfg(test)]
mod tests {
    use super::*;
    use stark::MIN_LOG_HEIGHT;

    /// Each width where it commits the fewest cells, by columns and interactions written out.
    #[test]
    fn the_cheapest_limbs_are_taken() {
        for log_height in MIN_LOG_HEIGHT..=31 {
            let cost = |columns: u64, provider: u64| ((3 * columns) << log_height) + provider;
            let costs = [cost(13, 3 << 8), cost(9, 5 << 12), cost(7, 5 << 16)].into_iter().zip(Limbs::ALL);
            let expected = costs.min_by_key(|(cost, _)| *cost).map(|(_, limbs)| limbs);
            assert_eq!(Some(cheapest(1 << log_height)), expected, "2^{log_height}");
        }
        assert_eq!([1, 1 << 11, 1 << 16].map(cheapest), Limbs::ALL);
    }
}
