//! Tables of text in the three formats.

use super::Format;
use protocol::text;
use std::io::{self, Write};

/// How a column of an aligned table stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Texts.
    Left,
    /// Numbers.
    Right,
}

/// Named columns and rows of cells.
#[derive(Debug, Clone)]
pub struct Table {
    columns: Vec<(String, Align)>,
    rows: Vec<Vec<String>>,
}

/// Longer cells are shortened in the middle, in aligned tables only.
const MAX_CELL: usize = 48;

impl Table {
    /// A table without rows.
    pub fn new<N: Into<String>>(columns: impl IntoIterator<Item = (N, Align)>) -> Self {
        Self { columns: columns.into_iter().map(|(name, align)| (name.into(), align)).collect(), rows: Vec::new() }
    }

    /// Adds a row. Missing cells are empty.
    pub fn push(&mut self, mut row: Vec<String>) {
        row.resize(self.columns.len(), String::new());
        self.rows.push(row);
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Writes the table.
    ///
    /// # Errors
    /// If writing fails.
    pub fn write(&self, format: Format, out: &mut dyn Write) -> io::Result<()> {
        match format {
            Format::Table => self.write_aligned(out),
            Format::Jsonl => self.write_jsonl(out),
            Format::Csv => self.write_csv(out),
        }
    }

    fn write_aligned(&self, out: &mut dyn Write) -> io::Result<()> {
        let header: Vec<String> = self.columns.iter().map(|(name, _)| name.clone()).collect();
        let lines: Vec<Vec<String>> = std::iter::once(&header)
            .chain(&self.rows)
            .map(|row| row.iter().map(|cell| printable(cell)).collect())
            .collect();
        let width = |column: usize| lines.iter().filter_map(|row| row.get(column)).map(|c| c.chars().count()).max();
        let widths: Vec<usize> = (0..self.columns.len()).map(|column| width(column).unwrap_or(0)).collect();
        for row in &lines {
            let mut line = String::new();
            for ((cell, (_, align)), width) in row.iter().zip(&self.columns).zip(&widths) {
                match align {
                    Align::Left => line.push_str(&format!("{cell:<width$}  ")),
                    Align::Right => line.push_str(&format!("{cell:>width$}  ")),
                }
            }
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }

    fn write_jsonl(&self, out: &mut dyn Write) -> io::Result<()> {
        // In the order of the columns, which a map would not keep.
        for row in &self.rows {
            let field = |((name, align), cell): (&(String, Align), &String)| {
                let number = cell.parse::<u64>().ok().filter(|number| *align == Align::Right && *number < 1 << 53);
                let value = number.map_or_else(|| serde_json::Value::from(cell.as_str()), serde_json::Value::from);
                format!("{}:{value}", serde_json::Value::from(name.as_str()))
            };
            let fields: Vec<String> = self.columns.iter().zip(row).map(field).collect();
            writeln!(out, "{}", text::json(&format!("{{{}}}", fields.join(","))))?;
        }
        Ok(())
    }

    fn write_csv(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut writer = csv::Writer::from_writer(out);
        writer.write_record(self.columns.iter().map(|(name, _)| name))?;
        for row in &self.rows {
            writer.write_record(row.iter().map(|cell| for_spreadsheets(cell)))?;
        }
        writer.flush()
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

    fn table() -> Table {
        let mut table = Table::new([("unit", Align::Left), ("count", Align::Right)]);
        table.push(vec!["0..400".to_owned(), "78".to_owned()]);
        table.push(vec!["a \"b\", c\u{1b}[31m".to_owned(), "1234".to_owned()]);
        table
    }

    fn written(format: Format) -> String {
        let mut out = Vec::new();
        table().write(format, &mut out).expect("a Vec takes everything");
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn aligned() {
        insta::assert_snapshot!(written(Format::Table), @r#"
        unit                count
        0..400                 78
        a "b", c\u{1b}[31m   1234
        "#);
    }

    #[test]
    fn json_lines_keep_everything_and_csv_is_harmless() {
        let lines: Vec<serde_json::Value> =
            written(Format::Jsonl).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(lines[1]["unit"], "a \"b\", c\u{1b}[31m");
        assert_eq!(lines[1]["count"], 1234);
        insta::assert_snapshot!(written(Format::Csv), @r#"
        unit,count
        0..400,78
        "a ""b"", c\u{1b}[31m",1234
        "#);
        assert!(!written(Format::Jsonl).contains('\u{1b}'));
    }

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

    #[test]
    fn long_cells_are_shortened() {
        let cell = printable(&"0123456789".repeat(10));
        assert_eq!(cell.chars().count(), MAX_CELL);
        assert!(cell.contains('…') && cell.ends_with("789"));
    }
}
