//! Comma-separated values with a header.

use super::writer::{Summary, Writer};
use crate::show::sheet::{Sheet, Value};
use protocol::text;
use std::io::{self, Write};

/// Comma-separated values.
pub(super) struct Csv;

impl Writer for Csv {
    fn name(&self) -> &'static str {
        "csv"
    }

    fn help(&self) -> &'static str {
        "Comma-separated values with a header"
    }

    fn write(&self, sheet: &Sheet, out: &mut dyn Write) -> io::Result<()> {
        let (headings, rows) = sheet.flat(true, Value::flat);
        let mut writer = csv::Writer::from_writer(out);
        writer.write_record(headings.iter().map(|(name, _)| name))?;
        for row in &rows {
            writer.write_record(row.iter().map(|cell| for_spreadsheets(cell)))?;
        }
        writer.flush()
    }

    /// A CSV file has one shape.
    fn summarise(&self, _: &Summary, _: &mut dyn Write) -> io::Result<bool> {
        Ok(false)
    }
}

/// A cell that a spreadsheet does not take for a formula, which could read other cells and send them away: one that begins as
/// formulas do gets a `'` before it, unless it consists of digits, signs, commas and points.
fn for_spreadsheets(cell: &str) -> String {
    let clean = text::printable(cell, usize::MAX);
    let is_formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    let is_number = cell.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b',' | b'.'));
    if is_formula && !is_number { format!("'{clean}") } else { clean }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spreadsheets_get_no_formulas() {
        for (cell, shown) in [
            ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("+1+cmd", "'+1+cmd"),
            ("\t=1", "'\\t=1"),
            ("-5", "-5"),
            ("-3,5", "-3,5"),
            ("0,400", "0,400"),
            ("a=b", "a=b"),
        ] {
            assert_eq!(for_spreadsheets(cell), shown);
        }
    }
}
