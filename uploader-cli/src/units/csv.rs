//! CSV with a header, with commas, semicolons or tabs. A Cairo 0 program's inputs are found by their names; a Cairo 2 program takes the columns in order.

use super::{Argument, File, UnitToPush, UnitsError, shorten};
use crate::show::number::counted;
use csv::{ReaderBuilder, StringRecord, Trim};

pub(super) fn read(file: &File<'_>, text: &[u8]) -> Result<Vec<UnitToPush>, UnitsError> {
    let delimiter = delimiter(text);
    let mut reader = ReaderBuilder::new().trim(Trim::All).delimiter(delimiter).flexible(true).from_reader(text);
    let header = reader.headers().map_err(|error| explain(file, &error, 1))?.clone();
    check_header(file, &header)?;
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
        // Spreadsheets write the separators of empty rows, too.
        if record.iter().all(str::is_empty) {
            continue;
        }
        check_shape(file, &header, &record, line)?;
        file.push(&mut units, unit(file, &header, id_column, &record, line)?)?;
    }
    Ok(units)
}

/// What stands between the cells: that of a comma, a semicolon and a tab which the header has most of, outside of quotation marks.
/// Spreadsheets of many countries write semicolons, and what is copied out of them has tabs.
fn delimiter(text: &[u8]) -> u8 {
    let is_end = |byte: &&u8| matches!(byte, b'\r' | b'\n');
    let header = text.iter().skip_while(is_end).take_while(|byte| !is_end(byte));
    let mut quoted = false;
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0)];
    for byte in header {
        quoted ^= *byte == b'"';
        if let Some((_, count)) = counts.iter_mut().find(|(delimiter, _)| delimiter == byte && !quoted) {
            *count += 1;
        }
    }
    let most = counts.iter().map(|(_, count)| *count).max().unwrap_or(0);
    counts.iter().find(|(_, count)| *count == most).map_or(b',', |(delimiter, _)| *delimiter)
}

fn check_header(file: &File<'_>, header: &StringRecord) -> Result<(), UnitsError> {
    if header.iter().any(|name| name.parse::<i128>().is_ok()) {
        return Err(file.error(1, None, "the first line must name the columns, but it has a number"));
    }
    let mut seen = std::collections::HashSet::new();
    for (column, name) in (1..).zip(header) {
        if name.contains(['\n', '\r']) {
            let message = "the name of this column goes over several lines; is a quotation mark missing?";
            return Err(file.error(1, Some(column), message));
        }
        if !name.is_empty() && !seen.insert(name) {
            return Err(file.error(1, Some(column), format!("there are two columns `{name}`")));
        }
    }
    Ok(())
}

/// A line must have a cell for each column, each on one line.
fn check_shape(file: &File<'_>, header: &StringRecord, record: &StringRecord, line: u64) -> Result<(), UnitsError> {
    let (expected, found) = (header.len(), record.len());
    let broken = record.iter().position(|cell| cell.contains(['\n', '\r']));
    if let Some(column) = broken {
        let message = "this cell goes over several lines; is a quotation mark missing, or one too many?";
        return Err(file.error(line, Some(column + 1), message));
    }
    let fields = counted(found as u64, "field");
    if found < expected {
        let missing: Vec<String> = header.iter().skip(found).map(|name| format!("`{}`", shorten(name))).collect();
        let are = if missing.len() == 1 { "is" } else { "are" };
        let message =
            format!("the line has {fields}, but the header has {expected}: {} {are} missing", missing.join(", "));
        return Err(file.error(line, Some(found + 1), message));
    }
    if found > expected {
        let more = shorten(record.get(expected).unwrap_or_default());
        let last = shorten(header.iter().next_back().unwrap_or_default());
        let message = format!(
            "the line has {fields}, but the header has {expected}: `{more}` is too many, behind the column `{last}`"
        );
        return Err(file.error(line, Some(expected + 1), message));
    }
    Ok(())
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
) -> Result<UnitToPush, UnitsError> {
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
    let unit = file.unit(line, id, json.as_bytes(), |argument| {
        let cell = match argument {
            Argument::Index(index) => cells.get(*index),
            Argument::Name(name) => cells.iter().rev().find(|(_, column, _)| column == name),
        };
        cell.map(|(column, _, _)| column + 1)
    });
    unit.map_err(|error| named(error, header))
}

/// An error about a cell says the name of its column, too.
fn named(error: UnitsError, header: &StringRecord) -> UnitsError {
    let UnitsError::At { place, message } = error else { return error };
    let name = place.column.and_then(|column| header.get(column - 1)).filter(|name| !name.is_empty());
    match name.map(|name| format!("`{}`", shorten(name))).filter(|name| !message.contains(name)) {
        Some(name) => UnitsError::At { place, message: format!("{message} (in the column {name})") },
        None => UnitsError::At { place, message },
    }
}

fn explain(file: &File<'_>, error: &csv::Error, line: u64) -> UnitsError {
    let message = match error.kind() {
        csv::ErrorKind::Utf8 { err, .. } => {
            return file.error(line, Some(err.field() + 1), "this is not UTF-8; save the file as UTF-8");
        }
        _ => error.to_string(),
    };
    file.error(line, None, message)
}
