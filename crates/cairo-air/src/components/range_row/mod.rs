//! Several consecutive owned cells of the range_check builtin a row, each by the size of its value. See README.md.

use super::component::{Component, ComponentError, Context, Family, Occurrence};
use super::derived::TableSize;
use super::range::Range;
use super::uses;
use crate::buses;
use crate::codec::{CodecError, Reader};
use stark::{Air, AirBuilder, AirError, Expr};
use std::fmt;

/// Most cells of a row.
pub const MAX_CELLS: usize = 16;

pub use super::uses::{FIRST_COLUMN, ONCE, UNUSED};

/// What one of a row's cells holds, and how often others require it. The order of the fields is the order of tables in a layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Entry {
    /// Its values.
    pub range: Range,
    /// [`UNUSED`], [`ONCE`], or a column from [`FIRST_COLUMN`] on.
    pub uses: u8,
}

/// The cells of a row, in the order of their addresses. Kinds are ordered in a layout as lists are: cell by cell, one before those that it begins.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RangeRow {
    entries: Vec<Entry>,
}

impl RangeRow {
    /// 1 on rows in use.
    pub const ENABLER: usize = 0;
    /// Address of the first cell.
    pub const ADDRESS: usize = 1;
    /// The first limb of the first value less its offset. Its other limbs follow, most significant last, and then those of the other values.
    pub const LIMBS: usize = 2;

    /// Rows of such cells. `None` if there is no such table: without cells, with more than [`MAX_CELLS`], or with columns of uses that are not
    /// numbered in the order of the cells.
    pub fn new(entries: Vec<Entry>) -> Option<Self> {
        let numbered = uses::are_numbered(entries.iter().map(|entry| entry.uses));
        ((1..=MAX_CELLS).contains(&entries.len()) && numbered).then_some(Self { entries })
    }

    /// Rows of cells with these ranges, each of which is required once on every row in use.
    pub fn once(ranges: impl IntoIterator<Item = Range>) -> Option<Self> {
        Self::new(ranges.into_iter().map(|range| Entry { range, uses: ONCE }).collect())
    }

    /// The cells.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Number of cells of a row: 1 to [`MAX_CELLS`].
    pub fn cells(&self) -> usize {
        self.entries.len()
    }

    /// The same cells with other numbers for their uses, one each.
    pub fn with_uses(&self, uses: &[u8]) -> Option<Self> {
        let entries = self.entries.iter().zip(uses).map(|(entry, uses)| Entry { uses: *uses, ..*entry });
        Self::new(entries.collect()).filter(|row| row.cells() == self.cells())
    }

    /// Position of the first column of uses. There is one for each number.
    pub fn uses(&self) -> usize {
        Self::LIMBS + self.entries.iter().map(|entry| entry.range.limbs()).sum::<usize>()
    }

    /// Number of columns.
    pub fn columns(&self) -> usize {
        self.uses() + uses::columns(self.entries.iter().map(|entry| entry.uses))
    }

    /// Number of interactions.
    pub fn interactions(&self) -> usize {
        let of_cell = |Entry { range, uses }: &Entry| {
            range.limbs() + usize::from(range.excess().is_some()) + usize::from(*uses != UNUSED)
        };
        2 + self.entries.iter().map(of_cell).sum::<usize>()
    }

    /// The AIR.
    ///
    /// # Errors
    /// None in practice: every such table has one.
    pub fn air(&self) -> Result<Air, AirError> {
        let mut b = AirBuilder::new(self.to_string());
        let enabler = b.column("enabler");
        let address = b.column("address");
        let mut limbs = |(cell, entry): (usize, &Entry)| {
            (0..entry.range.limbs()).map(|i| b.column(format!("limb[{cell}][{i}]"))).collect::<Vec<_>>()
        };
        let limbs: Vec<Vec<Expr>> = self.entries.iter().enumerate().map(&mut limbs).collect();
        let uses: Vec<Expr> =
            (self.uses()..self.columns()).enumerate().map(|(i, _)| b.column(format!("uses[{i}]"))).collect();
        b.constrain_boolean("boolean_enabler", &enabler);
        // A row in use requires the address of its first cell, so it alone has all of them: see the bus. A row of padding has no terms at all.
        b.require("checks", buses::RANGE, &enabler, [address.clone()]);
        b.provide("checked", buses::RANGE, &enabler, [&address + self.cells() as u64]);
        for (cell, (Entry { range, uses: number }, limbs)) in self.entries.iter().zip(&limbs).enumerate() {
            let tuple = [&address + cell as u64, range.value(limbs)];
            super::uses::provide(&mut b, format!("cell[{cell}]"), (&enabler, &uses), *number, tuple);
            for (i, limb) in limbs.iter().enumerate() {
                b.require(format!("limb[{cell}][{i}]"), range.limb().bus(), &enabler, [limb.clone()]);
            }
            // As in range tables.
            if let (Some(excess), Some(top)) = (range.excess(), limbs.last()) {
                b.require(format!("top[{cell}]"), range.limb().bus(), &enabler, [top * (1_u64 << excess)]);
            }
        }
        b.build()
    }
}

impl Component for RangeRow {
    fn name(&self) -> String {
        self.to_string()
    }

    fn code(&self) -> u8 {
        CODE
    }

    fn describe(&self, out: &mut Vec<u8>) {
        out.push(self.entries.len() as u8);
        for Entry { range, uses } in &self.entries {
            range.encode(out);
            out.push(*uses);
        }
    }

    fn occurrence(&self) -> Occurrence {
        Occurrence::AsNeeded
    }

    fn air(&self, _context: Context<'_>) -> Result<Air, ComponentError> {
        Ok(Self::air(self)?)
    }

    fn size(&self, _context: Context<'_>) -> Result<TableSize, ComponentError> {
        Ok(TableSize { columns: self.columns(), interactions: self.interactions() })
    }

    fn least_size(&self) -> (usize, usize) {
        (self.columns(), self.interactions())
    }

    /// The AIR of sixteen cells of sixteen limbs takes as long to construct as that of about sixteen steps.
    fn derived_steps(&self) -> u32 {
        self.cells() as u32
    }
}

const CODE: u8 = 26;

impl Family for RangeRow {
    const PLAIN: &'static [Self] = &[];

    fn decode(code: u8, reader: &mut Reader<'_>, _position: usize) -> Option<Result<Self, CodecError>> {
        (code == CODE).then(|| read(reader))
    }
}

fn read(reader: &mut Reader<'_>) -> Result<RangeRow, CodecError> {
    let what = "cells of a range row";
    let offset = reader.offset();
    let cells = reader.u8(what)?;
    let unknown = CodecError::Unknown { what, found: u64::from(cells), offset };
    if usize::from(cells) > MAX_CELLS {
        return Err(unknown);
    }
    let entries = (0..cells).map(|_| Ok(Entry { range: Range::read(reader)?, uses: reader.u8(what)? }));
    RangeRow::new(entries.collect::<Result<_, CodecError>>()?).ok_or(unknown)
}

impl fmt::Display for RangeRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "range row of")?;
        for (cell, Entry { range, uses }) in self.entries.iter().enumerate() {
            write!(f, "{} {}/{}", if cell > 0 { "," } else { "" }, range.width(), range.bits())?;
            if range.offset() > 0 {
                write!(f, " from {:#x}", range.offset())?;
            }
            if *uses != ONCE {
                write!(f, " by {uses}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn range(bits: u8, width: u8, offset: u128) -> Range {
        Range::new(bits, width, offset).unwrap()
    }

    fn of(uses: &[u8]) -> Option<RangeRow> {
        RangeRow::new(uses.iter().map(|uses| Entry { range: range(12, 12, 0), uses: *uses }).collect())
    }

    #[test]
    fn sizes_are_the_tables() {
        let ranges = [range(12, 12, 0), range(16, 128, 0), range(12, 116, 1 << 127), range(8, 3, 9), range(8, 128, 0)];
        for cells in 1..=MAX_CELLS {
            for uses in [[0, 0, 0, 0], [1, 1, 1, 1], [2, 2, 1, 2], [0, 2, 3, 3], [2, 1, 3, 0]] {
                let entries = ranges.iter().cycle().zip(uses.iter().cycle()).take(cells);
                let row = RangeRow::new(entries.map(|(range, uses)| Entry { range: *range, uses: *uses }).collect());
                let row = row.unwrap();
                let air = row.air().unwrap();
                assert_eq!((air.width(), air.interactions().len()), (row.columns(), row.interactions()), "{row}");
                assert_eq!(air.columns()[RangeRow::ADDRESS], "address");
                assert_eq!(air.columns()[RangeRow::LIMBS], "limb[0][0]");
                assert_eq!(air.columns()[row.uses() - 1], {
                    let last = row.entries()[cells - 1].range.limbs() - 1;
                    format!("limb[{}][{last}]", cells - 1)
                });
                assert!(air.check_local().is_ok(), "{row}");
                let mut bytes = Vec::new();
                Component::describe(&row, &mut bytes);
                assert_eq!(bytes.len(), 1 + 19 * cells);
                let mut reader = Reader::new(&bytes);
                assert_eq!(read(&mut reader), Ok(row));
                assert!(reader.rest().is_empty());
            }
        }
    }

    #[test]
    fn rows_that_are_none() {
        assert_eq!(RangeRow::new(Vec::new()), None);
        assert!(of(&[1; MAX_CELLS]).is_some());
        assert_eq!(of(&[1; MAX_CELLS + 1]), None);
        for uses in [&[0, 1][..], &[2, 2], &[1, 2, 1, 3, 2], &[2, 3, 4, 5, 6, 7]] {
            assert!(of(uses).is_some(), "{uses:?}");
        }
        for uses in [&[3][..], &[1, 3], &[3, 2], &[2, 4], &[2, 3, 5], &[255]] {
            assert_eq!(of(uses), None, "{uses:?}");
        }
        let row = of(&[1, 1, 1]).unwrap();
        assert_eq!(row.with_uses(&[2, 0, 2]), of(&[2, 0, 2]));
        assert_eq!((row.with_uses(&[1, 1]), row.with_uses(&[3, 1, 1])), (None, None));
    }

    #[test]
    fn bytes_that_are_none() {
        let mut bytes = vec![2];
        for uses in [1, 2] {
            range(12, 40, 9).encode(&mut bytes);
            bytes.push(uses);
        }
        assert!(read(&mut Reader::new(&bytes)).is_ok());
        let with = |at: usize, byte: u8| {
            let mut bytes = bytes.clone();
            bytes[at] = byte;
            read(&mut Reader::new(&bytes)).unwrap_err()
        };
        let cells = |found| CodecError::Unknown { what: "cells of a range row", found, offset: 0 };
        assert_eq!((with(0, 0), with(0, 17), with(0, 255)), (cells(0), cells(17), cells(255)));
        assert_eq!((with(19, 3), with(38, 3)), (cells(2), cells(2)));
        let what = "range of a range table";
        assert_eq!(with(1, 13), CodecError::Unknown { what, found: 13 << 8 | 40, offset: 1 });
        assert_eq!(with(21, 0), CodecError::Unknown { what, found: 12 << 8, offset: 20 });
        for length in 0..bytes.len() {
            let cut = read(&mut Reader::new(&bytes[..length]));
            assert!(matches!(cut, Err(CodecError::Truncated { .. })), "{length}");
        }
    }
}
