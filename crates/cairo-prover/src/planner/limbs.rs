//! What the values of a segment of range_check are cut into, if no rows own its cells.

use crate::table_size::{self, half_columns};
use cairo_air::TableKind;
use cairo_air::components::derived::Size;
use cairo_air::components::range_check::{bytes, words12, words16};
use cairo_air::components::{byte, word12, word16};

/// What the values of a segment are cut into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limbs {
    /// Sixteen bytes.
    Bytes,
    /// Eleven words of 12 bits.
    Words12,
    /// Eight words of 16 bits.
    Words16,
}

impl Limbs {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Bytes, Self::Words12, Self::Words16];

    /// The limbs for a segment of this many cells: those whose tables have the fewest committed cells, and of several the fewest
    /// columns. That some other table may need the byte table too is not taken into account.
    pub fn cheapest(cells: u32) -> Self {
        let cost = |limbs: &Self| {
            let (rows, range) = limbs.sizes();
            (limbs.committed(cells), half_columns(rows) + half_columns(range))
        };
        Self::ALL.into_iter().min_by_key(cost).unwrap_or(Self::Bytes)
    }

    /// Committed cells of both tables for a segment of this many cells. Half a LogUp column counts as such.
    pub fn committed(self, cells: u32) -> u64 {
        let (rows, range) = self.sizes();
        table_size::cells(rows, table_size::log_height(u64::from(cells)))
            + table_size::cells(range, self.range_log_height())
    }

    /// The builtin's table.
    pub const fn table(self) -> TableKind {
        match self {
            Self::Bytes => TableKind::RangeCheck8,
            Self::Words12 => TableKind::RangeCheck12,
            Self::Words16 => TableKind::RangeCheck16,
        }
    }

    /// The table in which it looks up its limbs.
    pub const fn range(self) -> TableKind {
        match self {
            Self::Bytes => TableKind::Byte,
            Self::Words12 => TableKind::Word12,
            Self::Words16 => TableKind::Word16,
        }
    }

    /// `log2` of that table's height.
    pub const fn range_log_height(self) -> u32 {
        match self {
            Self::Bytes => byte::LOG_HEIGHT,
            Self::Words12 => word12::LOG_HEIGHT,
            Self::Words16 => word16::LOG_HEIGHT,
        }
    }

    /// The builtin's table and the one for its limbs. A row looks up each limb and the cell, words of 12 bits also the top limb
    /// once more.
    pub const fn sizes(self) -> (Size, Size) {
        const fn size(columns: usize, interactions: usize) -> Size {
            Size { columns, interactions }
        }
        match self {
            Self::Bytes => (size(bytes::WIDTH, bytes::WIDTH), size(byte::WIDTH, 1)),
            Self::Words12 => (size(words12::WIDTH, words12::WIDTH + 1), size(word12::WIDTH, 1)),
            Self::Words16 => (size(words16::WIDTH, words16::WIDTH), size(word16::WIDTH, 1)),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use cairo_air::components::range_check;
    use stark::{Air, MIN_LOG_HEIGHT};

    #[test]
    fn sizes_are_the_tables() {
        let size = |air: Air| Size { columns: air.width(), interactions: air.interactions().len() };
        let pair = |table, range| (size(table), size(range));
        assert_eq!(Limbs::Bytes.sizes(), pair(range_check::bytes::air(1, 2).unwrap(), byte::air().unwrap()));
        assert_eq!(Limbs::Words12.sizes(), pair(range_check::words12::air(1, 2).unwrap(), word12::air().unwrap()));
        assert_eq!(Limbs::Words16.sizes(), pair(range_check::words16::air(1, 2).unwrap(), word16::air().unwrap()));
    }

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
            assert_eq!(Limbs::cheapest(cells), limbs, "{cells}");
        }
        // The whole comparison, in halves of a cell.
        for log_height in MIN_LOG_HEIGHT..=32 {
            let cost = |columns: u64, interactions: u64, provider: u64| {
                ((2 * columns + interactions) << log_height) + provider
            };
            let costs = [cost(17, 17, 3 << 8), cost(12, 13, 5 << 12), cost(9, 9, 5 << 16)].into_iter().zip(Limbs::ALL);
            let (least, expected) = costs.min_by_key(|(cost, _)| *cost).unwrap();
            let cells = u32::try_from(1_u64 << log_height).unwrap_or(u32::MAX);
            assert_eq!(Limbs::cheapest(cells), expected, "2^{log_height}");
            assert_eq!(2 * expected.committed(cells), least);
        }
    }
}
