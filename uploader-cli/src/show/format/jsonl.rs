//! JSON lines: for each row an object whose fields are the columns, in their order.
//!
//! Every command has this one shape: texts are texts, numbers are numbers up to 2^53 and decimal texts above, as are the
//! elements of lists, flags are `true` and `false`, and what there is not is `null`.

use super::writer::{Summary, Writer};
use crate::show::sheet::{Column, Sheet, Value};
use protocol::text;
use std::io::{self, Write};

/// JSON lines.
pub(super) struct JsonLines;

/// Numbers from here on are not exact in every reader.
const EXACT: u64 = 1 << 53;

impl Writer for JsonLines {
    fn name(&self) -> &'static str {
        "jsonl"
    }

    fn help(&self) -> &'static str {
        "One JSON object a line"
    }

    fn write(&self, sheet: &Sheet, out: &mut dyn Write) -> io::Result<()> {
        // In the order of the columns, which a map would not keep.
        for row in sheet.rows() {
            let field =
                |(column, value): (&Column, &Value)| format!("{}:{}", serde_json::json!(column.name), json(value));
            let fields: Vec<String> = sheet.columns().iter().zip(row).map(field).collect();
            writeln!(out, "{}", text::json(&format!("{{{}}}", fields.join(","))))?;
        }
        Ok(())
    }

    fn summarise(&self, summary: &Summary, out: &mut dyn Write) -> io::Result<bool> {
        self.write(&summary.sheet, out).map(|()| true)
    }
}

fn json(value: &Value) -> serde_json::Value {
    match value {
        Value::Nothing => serde_json::Value::Null,
        Value::Text(text) | Value::Digest(text) => text.as_str().into(),
        Value::Number(number) if *number < EXACT => (*number).into(),
        Value::Number(number) => number.to_string().into(),
        Value::Numbers(numbers) => numbers.as_slice().into(),
        Value::Flag(flag) => (*flag).into(),
    }
}
