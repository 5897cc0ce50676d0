//! Random text and JSON, valid, almost valid, and garbage.

use serde_json::{Value, json};
use testkit::random::Random;

/// What a random choice makes beyond numbers.
pub trait Odd {
    /// Text that nobody expects.
    fn garbage(&mut self) -> String;

    /// A text with one place changed.
    fn almost(&mut self, text: &str) -> String;

    /// JSON that nobody expects.
    fn junk(&mut self) -> Value;
}

impl Odd for Random {
    fn garbage(&mut self) -> String {
        match self.below(8) {
            0 => String::new(),
            1 => "x".repeat(self.below(2000)),
            2 => String::from_utf8_lossy(&self.bytes(40)).into_owned(),
            3 => "\u{1b}[2J\u{202e}\0\r\n'\";--".to_owned(),
            4 => self.bits().to_string(),
            5 => format!("-{}", self.bits()),
            6 => "../../../etc/passwd".to_owned(),
            _ => ["null", "*", "%", "%00", "..", "0x", "1e999", "18446744073709551616"][self.below(8)].to_owned(),
        }
    }

    fn almost(&mut self, text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        let place = self.below(bytes.len() + 1);
        match self.below(3) {
            0 if place < bytes.len() => bytes[place] = self.bits() as u8 & 0x7f,
            1 if place < bytes.len() => drop(bytes.remove(place)),
            _ => bytes.insert(place, self.bits() as u8 & 0x7f),
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn junk(&mut self) -> Value {
        match self.below(10) {
            0 => Value::Null,
            1 => json!(true),
            2 => json!(u64::MAX),
            3 => json!(i64::MIN),
            4 => json!(1e300),
            5 => json!([]),
            6 => json!({}),
            7 => json!([[[[[[[[[]]]]]]]]]),
            _ => json!(self.garbage()),
        }
    }
}

/// Changes one place of a value.
pub fn mutate(value: &mut Value, draw: &mut Random) {
    let junk = draw.junk();
    match value {
        Value::Object(fields) if !fields.is_empty() && !draw.one_in(8) => {
            let name = fields.keys().nth(draw.below(fields.len())).unwrap().clone();
            match draw.below(6) {
                0 => drop(fields.remove(&name)),
                1 => drop(fields.insert(format!("{name}x"), junk)),
                _ => mutate(fields.get_mut(&name).unwrap(), draw),
            }
        }
        Value::Array(values) if !values.is_empty() && !draw.one_in(4) => {
            let place = draw.below(values.len());
            mutate(&mut values[place], draw);
        }
        Value::String(text) if draw.one_in(2) => *text = draw.almost(text),
        other => *other = junk,
    }
}
