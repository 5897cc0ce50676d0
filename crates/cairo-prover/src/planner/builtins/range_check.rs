//! What the values of a segment of range_check are cut into, if no rows own its cells.

use crate::table_size::{self, half_columns, log_height};
use cairo_air::components::Size;
use cairo_air::components::range_check::Limbs;
use cairo_air::{Segment, TableEntry, TableKind};
use felt::Felt;

/// The builtin's table.
pub(super) fn tables(_memory: &[Felt], segment: Segment) -> Vec<TableEntry> {
    let cells = segment.stop - segment.base;
    vec![TableEntry { kind: TableKind::RangeCheck(cheapest(cells)), log_height: log_height(u64::from(cells)) }]
}

/// The limbs for a segment of this many cells: those whose tables have the fewest committed cells, and of several the fewest
/// columns. That some other table may need the byte table too is not taken into account.
pub fn cheapest(cells: u32) -> Limbs {
    let cost = |limbs: &Limbs| {
        let (rows, range) = sizes(*limbs);
        (committed(*limbs, cells), half_columns(rows) + half_columns(range))
    };
    Limbs::ALL.into_iter().min_by_key(cost).unwrap_or(Limbs::Bytes)
}

/// Committed cells of both tables for a segment of this many cells. Half a LogUp column counts as such.
pub fn committed(limbs: Limbs, cells: u32) -> u64 {
    let (rows, range) = sizes(limbs);
    table_size::cells(rows, log_height(u64::from(cells))) + table_size::cells(range, u32::from(limbs.limb().bits()))
}

/// The builtin's table and the one for its limbs.
fn sizes(limbs: Limbs) -> (Size, Size) {
    // The size is the same for every segment.
    let segment = Segment { base: 1, stop: 2 };
    (table_size::size(limbs.table(segment)), table_size::size(limbs.limb().table()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use stark::MIN_LOG_HEIGHT;

    /// The thresholds: 2^10 and 2^14 cells.
    #[test]
    fn the_cheapest_limbs_are_taken() {
        for (cells, limbs) in [
            (1, Limbs::Bytes),
            (64, Limbs::Bytes),
            (1 << 10, Limbs::Bytes),
            ((1 << 10) + 1, Limbs::Words12),
            (1 << 11, Limbs::Words12),
            (1 << 14, Limbs::Words12),
            ((1 << 14) + 1, Limbs::Words16),
            (1 << 28, Limbs::Words16),
            (u32::MAX, Limbs::Words16),
        ] {
            assert_eq!(cheapest(cells), limbs, "{cells}");
        }
        // The whole comparison, in halves of a cell.
        for log_height in MIN_LOG_HEIGHT..=32 {
            let cost = |columns: u64, interactions: u64, provider: u64| {
                ((2 * columns + interactions) << log_height) + provider
            };
            let costs = [cost(17, 17, 3 << 8), cost(12, 13, 5 << 12), cost(9, 9, 5 << 16)].into_iter().zip(Limbs::ALL);
            let (least, expected) = costs.min_by_key(|(cost, _)| *cost).unwrap();
            let cells = u32::try_from(1_u64 << log_height).unwrap_or(u32::MAX);
            assert_eq!(cheapest(cells), expected, "2^{log_height}");
            assert_eq!(2 * committed(expected, cells), least);
        }
    }
}
