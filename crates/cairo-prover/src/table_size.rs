//! How high tables are, and how many cells they have.

use cairo_air::TableKind;
use cairo_air::components::memory::CELLS;
use cairo_air::components::{Context, MAX_CHUNKS, TableSize};
use stark::{Air, AirError, MIN_LOG_HEIGHT};

/// Most steps of a run: lookup multiplicities have 32 bits, and no table has more rows.
pub const MAX_STEPS: usize = 1 << 28;

/// Rows that a second chunk must save: fewer, and its columns cost more in openings than the rows.
const MIN_SAVED_ROWS: usize = 1 << 13;

/// The size of a table whose AIR is fixed.
pub fn size(air: Result<Air, AirError>) -> TableSize {
    air.map_or(NO_SIZE, |air| TableSize::of(&air))
}

/// The size of a kind of table; of one that this program and claim cannot have, a size that no plan would choose.
pub fn size_of(kind: &TableKind, context: Context<'_>) -> TableSize {
    kind.component().size(context).unwrap_or(NO_SIZE)
}

/// Larger than what it stands for.
const NO_SIZE: TableSize = TableSize { columns: 64, interactions: 32 };

/// Heights of the parts of a table, largest first. The search for a plan asks for them all the time, so they take no memory of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts {
    heights: [u32; MAX_CHUNKS],
    len: usize,
}

impl Parts {
    /// The heights.
    pub fn heights(&self) -> &[u32] {
        self.heights.get(..self.len).unwrap_or_default()
    }

    /// Rows of all parts.
    pub fn rows(&self) -> u64 {
        self.heights().iter().map(|log_height| 1 << log_height).sum()
    }

    fn push(&mut self, log_height: u32) {
        if let Some(slot) = self.heights.get_mut(self.len) {
            *slot = log_height;
            self.len += 1;
        }
    }
}

/// The parts of the table for so many rows: up to `chunks`, and [`MAX_CHUNKS`], fewer where more save no cells.
pub fn parts(rows: u64, chunks: usize) -> Parts {
    let mut parts = Parts { heights: [0; MAX_CHUNKS], len: 0 };
    let mut rest = rows;
    // What is above half of the next power of two goes on to the next part.
    while parts.len + 1 < chunks.min(MAX_CHUNKS) && log_height(rest) > MIN_LOG_HEIGHT && !rest.is_power_of_two() {
        let half = log_height(rest) - 1;
        parts.push(half);
        rest -= 1 << half;
    }
    parts.push(log_height(rest));
    // Two of the same height are one of twice as much.
    while let [.., before, last] = *parts.heights()
        && before == last
    {
        parts.len -= 2;
        parts.push(last + 1);
    }
    parts
}

/// The heights of [`parts`].
pub fn heights(rows: u64, chunks: usize) -> Vec<u32> {
    parts(rows, chunks).heights().to_vec()
}

/// `log2` of the smallest height for so many rows.
pub fn log_height(rows: u64) -> u32 {
    rows.max(1).next_power_of_two().ilog2().max(MIN_LOG_HEIGHT)
}

/// Cells of a table of that size with so many rows, padded to a power of two; or in between, to lead a search.
pub fn cells_of_rows(size: TableSize, rows: u64, padded: bool) -> u64 {
    match padded {
        true => cells(size, log_height(rows)),
        false => half_columns(size) as u64 * rows.max(1 << MIN_LOG_HEIGHT) * 2 / 3,
    }
}

/// Cells of a table of that size and height. Half a LogUp column is counted as such: odd fractions of one height share.
pub const fn cells(size: TableSize, log_height: u32) -> u64 {
    ((2 * size.columns + size.interactions) as u64) << (log_height - 1)
}

/// Half columns.
pub const fn half_columns(size: TableSize) -> usize {
    2 * size.columns + size.interactions
}

/// Heights of the cell tables for so many cells: one, or two if that saves enough rows.
pub fn cell_log_heights(cells: usize, steps: usize) -> Vec<u32> {
    match cells {
        0 => Vec::new(),
        _ => {
            let whole = heights(cells as u64, 1);
            let cut = heights(cells as u64, 2);
            let rows = |heights: &[u32]| heights.iter().map(|log_height| 1_usize << log_height).sum::<usize>();
            if rows(&whole) - rows(&cut) > steps / 16 { cut } else { whole }
        }
    }
}

/// Heights of the memory tables for so many cells.
pub fn memory_log_heights(cells: usize) -> Vec<u32> {
    let rows = cells.div_ceil(CELLS).max(1 << MIN_LOG_HEIGHT);
    let whole = rows.next_power_of_two();
    let (first, rest) = (whole / 2, (rows - whole / 2).max(1 << MIN_LOG_HEIGHT).next_power_of_two());
    if rows == whole || first + rest + MIN_SAVED_ROWS > whole {
        return vec![whole.ilog2()];
    }
    vec![first.ilog2(), rest.ilog2()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn heights_are_sufficient_and_small() {
        for rows in [1, 2, 63, 64, 65, 100, 1000, 1023, 1024, 1025, 1500, 1600, 40_000] {
            let mut before = u64::MAX;
            for chunks in 1..=4 {
                let heights = heights(rows, chunks);
                let total: u64 = heights.iter().map(|height| 1 << height).sum();
                assert!(total >= rows && total <= before && total <= 1 << log_height(rows), "{rows} in {heights:?}");
                assert!(heights.len() <= chunks && heights.is_sorted_by(|a, b| a > b), "{rows} in {heights:?}");
                before = total;
            }
        }
        assert_eq!(heights(400_000, 3), [18, 17, 13]);
        assert_eq!(heights(400_000, 4), [18, 17, 13]);
        assert_eq!(heights(395_000, 4), [18, 17, 11]);
        assert_eq!(heights((1 << 18) + (1 << 18) - 5, 4), [19]);
        assert_eq!(heights(1025, 2), [10, 6]);
        assert_eq!(heights(1025, 1), [11]);
    }

    #[test]
    fn heights_of_cell_tables() {
        for (cells, steps, expected) in [
            (0, 100, vec![]),
            (1, 100, vec![6]),
            (64, 100, vec![6]),
            (65, 100, vec![7]),
            (129, 100, vec![7, 6]),
            (192, 100, vec![7, 6]),
            (193, 100, vec![8]),
            (129, 16 * 64, vec![8]),
            (129, 16 * 64 - 1, vec![7, 6]),
            ((1 << 16) + 1, 1 << 16, vec![16, 6]),
            ((1 << 16) + 1, 1 << 24, vec![17]),
        ] {
            assert_eq!(cell_log_heights(cells, steps), expected, "{cells} in {steps}");
            let rows: usize = expected.iter().map(|log_height| 1 << log_height).sum();
            assert!(rows >= cells);
        }
        let map: BTreeMap<usize, usize> = (1..3000)
            .map(|cells| (cells, cell_log_heights(cells, 100).iter().map(|height| 1_usize << height).sum()))
            .collect();
        assert!(map.iter().all(|(cells, rows)| rows >= cells));
    }

    #[test]
    fn chunks_cover_memory_tightly() {
        for cells in [0, 1, 2, 512, 513, 8 << 14, (8 << 14) + 1, 8 << 20, (8 << 20) + 1, 10 << 20] {
            let heights = memory_log_heights(cells);
            let rows: usize = heights.iter().map(|log| 1usize << log).sum();
            let needed = cells.div_ceil(8);
            assert!(rows >= needed, "{cells} cells: {heights:?}");
            assert!(rows <= 64.max(needed.next_power_of_two()), "{cells} cells: {heights:?}");
        }
        assert_eq!(memory_log_heights((8 << 20) + 1), [20, 6]);
    }
}
