//! What the values of a segment of range_check are cut into, if no rows own its cells.

use super::limbs::Costs;
use crate::table_size::{self, log_height};
use cairo_air::components::range_check::Limbs;
use cairo_air::{Segment, TableEntry, TableKind};
use felt::Felt;

/// The builtin's table.
pub(super) fn tables(_memory: &[Felt], segment: Segment) -> Vec<TableEntry> {
    let cells = segment.stop - segment.base;
    vec![TableEntry { kind: TableKind::RangeCheck(cheapest(cells)), log_height: log_height(u64::from(cells)) }]
}

/// The limbs for a segment of this many cells.
pub fn cheapest(cells: u32) -> Limbs {
    costs(cells).cheapest()
}

/// Committed cells of both tables for a segment of this many cells. Half a LogUp column counts as such.
pub fn committed(limbs: Limbs, cells: u32) -> u64 {
    costs(cells).committed(limbs)
}

const fn costs(cells: u32) -> Costs<'static> {
    // The size is the same for every segment.
    Costs { rows: cells as u64, size: &|limbs: Limbs| table_size::size(limbs.table(Segment { base: 1, stop: 2 })) }
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
