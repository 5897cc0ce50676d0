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
        let (headings, rows) = sheet.flat(false, |value| match value {
            Value::Digest(digest) => digest.chars().take(DIGEST).collect(),
            value => value.flat(),
        });
        let header: Vec<String> = headings.iter().map(|(name, _)| name.clone()).collect();
        let lines: Vec<Vec<String>> =
            std::iter::once(&header).chain(&rows).map(|row| row.iter().map(|cell| printable(cell)).collect()).collect();
        let width = |column: usize| lines.iter().filter_map(|row| row.get(column)).map(|c| c.chars().count()).max();
        let widths: Vec<usize> = (0..headings.len()).map(|column| width(column).unwrap_or(0)).collect();
        for row in &lines {
            let mut line = String::new();
            for ((cell, (_, is_number)), width) in row.iter().zip(&headings).zip(&widths) {
                let cell = if *is_number { format!("{cell:>width$}  ") } else { format!("{cell:<width$}  ") };
                line.push_str(&cell);
            }
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }

    fn summarise(&self, summary: &Summary, out: &mut dyn Write) -> io::Result<bool> {
        writeln!(out, "{}", text::message(&summary.sentence)).map(|()| true)
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
