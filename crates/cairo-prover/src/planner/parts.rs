//! In how many parts a table comes, where a column has a price.

use super::budget::{BYTES_PER_CELL, BYTES_PER_COLUMN, CELLS_PER_TERM, MAX_LOG_HEIGHT};
use crate::table_size::{Parts, cells, half_columns, parts};
use cairo_air::components::{MAX_CHUNKS, TableSize};

/// Tables of so few rows are likely disclosed: see [`crate::disclosed`].
const SHORT: u64 = 1 << MAX_LOG_HEIGHT;

/// What a committed table costs, in cells. `column` is what a column costs besides its cells.
pub fn committed(size: TableSize, log_height: u32, column: u64) -> u64 {
    cells(size, log_height) + half_columns(size) as u64 * column / 2
}

/// What tables of so many rows cost, at least one, and their heights: as many parts as are cheapest.
pub fn cheapest(size: TableSize, rows: u64, column: u64) -> (u64, Parts) {
    let cost = |parts: Parts| parts.heights().iter().map(|height| committed(size, *height, column)).sum::<u64>();
    let whole = parts(rows, 1);
    if rows <= SHORT {
        let open = rows * size.columns as u64 * BYTES_PER_CELL * column / BYTES_PER_COLUMN
            + rows * size.interactions as u64 * CELLS_PER_TERM;
        return (open.min(cost(whole)), whole);
    }
    let priced = (1..=MAX_CHUNKS).map(|chunks| parts(rows, chunks)).map(|parts| (cost(parts), parts));
    priced.min_by_key(|(cost, parts)| (*cost, parts.heights().len())).unwrap_or((cost(whole), whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A further part must save as many rows as its columns are worth.
    #[test]
    fn parts_have_a_price() {
        let size = TableSize { columns: 3, interactions: 2 };
        for (rows, column, expected) in [
            (65, 63, &[7][..]),
            (SHORT, 1, &[9]),
            (SHORT + 1, 447, &[9, 6]),
            (SHORT + 1, 448, &[10]),
            ((1 << 16) + (1 << 14) + 5, 1 << 10, &[16, 14, 6]),
            ((1 << 16) + (1 << 14) + 5, 1 << 14, &[16, 15]),
            ((1 << 16) + (1 << 14) + 5, 1 << 15, &[17]),
        ] {
            let (cost, parts) = cheapest(size, rows, column);
            assert_eq!(parts.heights(), expected, "{rows} with {column}");
            let rows: u64 = expected.iter().map(|height| 1 << height).sum();
            let committed = 4 * (rows + column * expected.len() as u64);
            assert_eq!(cost, committed, "{rows} with {column}");
        }
        // Rows that are likely disclosed.
        assert_eq!(cheapest(size, 1, 5200), (3 * 3 * 2 + 2 * 8, parts(1, 1)));
    }
}
