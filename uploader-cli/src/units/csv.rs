//! CSV with a header. A Cairo 0 program's inputs are found by their names; a Cairo 2 program takes the columns in order.

use super::{Argument, File, Unit, UnitsError};
use csv::{ReaderBuilder, StringRecord, Trim};

pub(super) fn read(file: &File<'_>, text: &[u8]) -> Result<Vec<Unit>, UnitsError> {
    let mut reader = ReaderBuilder::new().trim(Trim::All).from_reader(text);
    let header = reader.headers().map_err(|error| explain(file, &error, 1))?.clone();
    if header.iter().any(|name| name.parse::<i128>().is_ok()) {
        let message = "the first line must name the columns, but it has a number";
        return Err(file.error(1, None, message));
    }
    let id_column = match file.id_field {
        Some(field) => Some(header.iter().position(|name| name == field).ok_or_else(|| {
            let names: Vec<&str> = header.iter().collect();
            file.error(1, None, format!("there is no column `{field}`; the columns are: {}", names.join(", ")))
        })?),
        None => None,
    };
    let mut lines = Lines { text, offset: 0, line: 1 };
    let mut units = Vec::new();
    for record in reader.records() {
        let position = match &record {
            Ok(record) => record.position(),
            Err(error) => error.position(),
        };
        let line = lines.at(position.map_or(0, csv::Position::byte));
        let record = record.map_err(|error| explain(file, &error, line))?;
        file.push(&mut units, unit(file, &header, id_column, &record, line)?)?;
    }
    Ok(units)
}

/// Counts lines. (The reader's own count is one behind where lines end with `\r\n`.)
struct Lines<'a> {
    text: &'a [u8],
    offset: usize,
    line: u64,
}

impl Lines<'_> {
    /// The line of the record that the reader began to look for at this offset.
    fn at(&mut self, offset: u64) -> u64 {
        let rest = self.text.get(offset as usize..).unwrap_or_default();
        let blank = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let begin = (offset as usize).saturating_add(blank);
        let passed = self.text.get(self.offset..begin).unwrap_or_default();
        self.line += passed.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.offset = self.offset.max(begin);
        self.line
    }
}

fn unit(
    file: &File<'_>,
    header: &StringRecord,
    id_column: Option<usize>,
    record: &StringRecord,
    line: u64,
) -> Result<Unit, UnitsError> {
    let cells: Vec<(usize, &str, &str)> = header
        .iter()
        .zip(record)
        .enumerate()
        .filter(|(column, _)| Some(*column) != id_column)
        .map(|(column, (name, cell))| (column, name, cell))
        .collect();
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let json = if file.program.inputs().is_some() {
        let entries: Vec<String> =
            cells.iter().map(|(_, name, cell)| format!("{}:{}", quoted(name), quoted(cell))).collect();
        format!("{{{}}}", entries.join(","))
    } else {
        let items: Vec<String> = cells.iter().map(|(_, _, cell)| quoted(cell)).collect();
        format!("[{}]", items.join(","))
    };
    let id = id_column.and_then(|column| Some((record.get(column)?.to_owned(), column + 1)));
    file.unit(line, id, json.as_bytes(), |argument| {
        let cell = match argument {
            Argument::Index(index) => cells.get(*index),
            Argument::Name(name) => cells.iter().rev().find(|(_, column, _)| column == name),
        };
        cell.map(|(column, _, _)| column + 1)
    })
}

fn explain(file: &File<'_>, error: &csv::Error, line: u64) -> UnitsError {
    let message = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("the line has {len} fields, but the header has {expected_len}")
        }
        csv::ErrorKind::Utf8 { err, .. } => {
            return file.error(line, Some(err.field() + 1), "this is not UTF-8; save the file as UTF-8");
        }
        _ => error.to_string(),
    };
    file.error(line, None, message)
}
