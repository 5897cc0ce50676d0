//! JSON lines: an object or an array a line.

use super::{Argument, File, UnitToPush, UnitsError};
use serde::de::{Deserializer as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// The outermost level of a line.
enum Line<'a> {
    Object(Vec<(String, &'a RawValue)>),
    Array(Vec<&'a RawValue>),
}

pub(super) fn read(file: &File<'_>, text: &[u8]) -> Result<Vec<UnitToPush>, UnitsError> {
    if let Some(filter) = one_document(text) {
        return Err(UnitsError::OneDocument { path: file.path.to_owned(), filter });
    }
    let mut units = Vec::new();
    for (number, line) in (1..).zip(text.split(|byte| *byte == b'\n')) {
        let line = std::str::from_utf8(line).map_err(|error| {
            let message = "this is not UTF-8; save the file as UTF-8";
            file.error(number, Some(error.valid_up_to() + 1), message)
        })?;
        if !line.trim().is_empty() {
            file.push(&mut units, unit(file, number, line)?)?;
        }
    }
    Ok(units)
}

/// What makes lines of a file that is one JSON array of argument sets, or one argument set over several lines; `None` if it is
/// neither. An array of arrays on one line is an argument set of a Cairo 2 program.
fn one_document(text: &[u8]) -> Option<&'static str> {
    let mut lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    let (first, more) = (lines.next()?, lines.next().is_some());
    // Lines that are whole are looked at one by one.
    if !matches!(first.first(), Some(b'[' | b'{')) || (more && serde_json::from_slice::<&RawValue>(first).is_ok()) {
        return None;
    }
    let document = serde_json::from_slice::<&RawValue>(text).ok()?.get();
    match serde_json::from_str::<Vec<&RawValue>>(document) {
        Ok(items) if items.first().is_some_and(|item| item.get().starts_with('{')) => Some(".[]"),
        Ok(items) if more && items.iter().all(|item| item.get().starts_with('[')) => Some(".[]"),
        _ if more => Some("."),
        _ => None,
    }
}

fn unit(file: &File<'_>, number: u64, text: &str) -> Result<UnitToPush, UnitsError> {
    // Said here, since the parser's words for it depend on its features.
    let begin = text.chars().take_while(|c| c.is_whitespace()).count();
    if !matches!(text.trim_start().as_bytes().first(), Some(b'{' | b'[')) {
        let message = "each line must be a JSON object or a JSON array of arguments";
        return Err(file.error(number, Some(begin + 1), message));
    }
    let line = parse(text).map_err(|error| {
        // The position is said once, and counted in the file.
        let message = error.to_string();
        let message = message.split(" at line ").next().unwrap_or_default();
        file.error(number, Some(error.column().max(1)), message)
    })?;
    let column = |argument: &Argument<'_>| line.column(text, argument);
    let Some(field) = file.id_field else { return file.unit(number, None, text.as_bytes(), column) };
    let Line::Object(entries) = &line else {
        return Err(file.error(number, Some(1), format!("--id-field `{field}` needs an object in each line")));
    };
    let mut ids = entries.iter().filter(|(name, _)| name == field);
    let (_, id) = ids.next().ok_or_else(|| file.error(number, None, format!("the field `{field}` is missing")))?;
    let at = column_of(text, id);
    if let Some((_, second)) = ids.next() {
        return Err(file.error(number, Some(column_of(text, second)), format!("the field `{field}` is given twice")));
    }
    // Texts without their quotes, numbers as they stand.
    let id = serde_json::from_str::<String>(id.get()).unwrap_or_else(|_| id.get().to_owned());
    let rest = entries.iter().filter(|(name, _)| name != field);
    let rest: Vec<String> =
        rest.map(|(name, value)| format!("{}:{value}", serde_json::Value::from(name.as_str()))).collect();
    file.unit(number, Some((id, at)), format!("{{{}}}", rest.join(",")).as_bytes(), column)
}

fn parse(text: &str) -> serde_json::Result<Line<'_>> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let line = reader.deserialize_any(LineVisitor)?;
    reader.end()?;
    Ok(line)
}

fn column_of(text: &str, value: &RawValue) -> usize {
    // A raw value borrows from the text that it was read from.
    let offset = (value.get().as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
    text.get(..offset).map_or(0, |before| before.chars().count()) + 1
}

impl Line<'_> {
    fn column(&self, text: &str, argument: &Argument<'_>) -> Option<usize> {
        let value = match (self, argument) {
            (Self::Array(items), Argument::Index(index)) => items.get(*index),
            // Of a name that is given twice the second one is wrong.
            (Self::Object(entries), Argument::Name(name)) => {
                entries.iter().rev().find(|(entry, _)| entry == name).map(|(_, value)| value)
            }
            _ => None,
        };
        value.map(|value| column_of(text, value))
    }
}

struct LineVisitor;

impl<'de> Visitor<'de> for LineVisitor {
    type Value = Line<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object or array of arguments")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Line<'de>, A::Error> {
        let mut array = Vec::new();
        while let Some(item) = items.next_element()? {
            array.push(item);
        }
        Ok(Line::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Line<'de>, A::Error> {
        let mut object = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            object.push(entry);
        }
        Ok(Line::Object(object))
    }
}
