//! Aligned columns, for people.

use super::writer::{Summary, Writer};
use crate::show::sheet::{Sheet, Value};
use protocol::text;
use std::io::{self, Write};

/// Aligned columns.
pub(super) struct Aligned;

/// Longer cells are shortened in the middle.
const MAX_CELL: usize = 48;

/// Characters that are shown of a digest.
const DIGEST: usize = 12;

impl Writer for Aligned {
    fn name(&self) -> &'static str {
        "table"
    }

    fn help(&self) -> &'static str {
        "Aligned columns, for people"
    }

    fn is_for_people(&self) -> bool {
        true
    }

    fn write(&self, sheet: &Sheet, out: &mut dyn Write) -> io::Result<()> {
        Cells::of(sheet).write_table(out)
    }

    /// Row by row where the table is too wide: a terminal would break its lines in the middle of cells.
    fn write_within(&self, sheet: &Sheet, width: usize, out: &mut dyn Write) -> io::Result<()> {
        let cells = Cells::of(sheet);
        if cells.width() <= width { cells.write_table(out) } else { cells.write_rows(out) }
    }

    fn summarise(&self, summary: &Summary, out: &mut dyn Write) -> io::Result<bool> {
        writeln!(out, "{}", text::message(&summary.sentence)).map(|()| true)
    }
}

/// Headings, each with whether numbers stand below it, and the cells below them.
struct Cells {
    headings: Vec<(String, bool)>,
    rows: Vec<Vec<String>>,
    widths: Vec<usize>,
}

impl Cells {
    fn of(sheet: &Sheet) -> Self {
        let (headings, rows) = sheet.flat(false, |value| match value {
            Value::Digest(digest) => digest.chars().take(DIGEST).collect(),
            value => value.flat(),
        });
        let headings: Vec<(String, bool)> = headings.iter().map(|(name, number)| (printable(name), *number)).collect();
        let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(|cell| printable(cell)).collect()).collect();
        let width = |(column, (name, _)): (usize, &(String, bool))| {
            let cells = rows.iter().filter_map(|row| row.get(column)).chain([name]);
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths = headings.iter().enumerate().map(width).collect();
        Self { headings, rows, widths }
    }

    /// Columns of the widest line.
    fn width(&self) -> usize {
        self.widths.iter().sum::<usize>() + 2 * self.widths.len().saturating_sub(1)
    }

    fn write_table(&self, out: &mut dyn Write) -> io::Result<()> {
        let header: Vec<String> = self.headings.iter().map(|(name, _)| name.clone()).collect();
        for row in std::iter::once(&header).chain(&self.rows) {
            let mut line = String::new();
            for ((cell, (_, is_number)), width) in row.iter().zip(&self.headings).zip(&self.widths) {
                let cell = if *is_number { format!("{cell:>width$}  ") } else { format!("{cell:<width$}  ") };
                line.push_str(&cell);
            }
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }

    /// A line for each cell, behind its heading.
    fn write_rows(&self, out: &mut dyn Write) -> io::Result<()> {
        let width = self.headings.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        for (index, row) in self.rows.iter().enumerate() {
            if index > 0 {
                writeln!(out)?;
            }
            for ((name, _), cell) in self.headings.iter().zip(row) {
                writeln!(out, "{}", format!("{name:<width$}  {cell}").trim_end())?;
            }
        }
        Ok(())
    }
}

/// A cell for a terminal: nothing that acts on it, which could come from a stranger, and no endless texts.
fn printable(cell: &str) -> String {
    let clean: Vec<char> = text::printable(cell, usize::MAX).chars().collect();
    if clean.len() <= MAX_CELL {
        return clean.into_iter().collect();
    }
    let (head, tail) = (MAX_CELL / 2, MAX_CELL - MAX_CELL / 2 - 1);
    clean.iter().take(head).chain(['…'].iter()).chain(clean.iter().skip(clean.len() - tail)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_cells_are_shortened() {
        let cell = printable(&"0123456789".repeat(10));
        assert_eq!(cell.chars().count(), MAX_CELL);
        assert!(cell.contains('…') && cell.ends_with("789"));
    }
}
