//! Which tables check and provide the cells of a segment of range_check.

use super::range_rows::{CheckedRows, partition_rows};
use super::ranges::{Checks, partition_ranges};
use crate::error::WitnessError;
use cairo_air::{Segment, TableEntry};
use felt::Felt;

/// The cells of a segment of range_check, by the tables that check and provide them: every cell is in one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Checked {
    /// Those of range tables.
    pub ranges: Vec<Checks>,
    /// Those of range row tables.
    pub rows: Vec<CheckedRows>,
}

impl Checked {
    /// In range tables; or in range row tables, if `column` says what a column costs besides its cells, in cells.
    ///
    /// # Errors
    /// [`WitnessError::Execution`] if a value is not below 2^128.
    pub fn new(memory: &[Felt], segment: Segment, steps: usize, column: Option<u64>) -> Result<Self, WitnessError> {
        match column {
            None => Ok(Self { ranges: partition_ranges(memory, segment, steps)?, rows: Vec::new() }),
            Some(column) => Ok(Self { ranges: Vec::new(), rows: partition_rows(memory, segment, column)? }),
        }
    }

    /// Their tables.
    pub fn tables(&self, steps: usize) -> impl Iterator<Item = TableEntry> + '_ {
        let ranges = self.ranges.iter().flat_map(move |checks| checks.tables(steps));
        ranges.chain(self.rows.iter().flat_map(CheckedRows::tables))
    }

    /// Cells of one row of each kind of range rows.
    pub fn cells_of_kinds(&self) -> usize {
        self.rows.iter().map(|rows| rows.row.cells()).sum()
    }

    /// Number of cells.
    pub fn cells(&self) -> u32 {
        let ranges = self.ranges.iter().map(|checks| checks.addresses.len()).sum::<usize>();
        (ranges + self.rows.iter().map(|rows| rows.addresses.len() * rows.row.cells()).sum::<usize>()) as u32
    }
}
