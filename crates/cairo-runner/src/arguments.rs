//! Arguments as people write them, and as field elements in the order in which a program takes them.

mod bind;

#[cfg(feature = "foreign")]
pub(crate) use bind::prefix;
pub(crate) use bind::read;

use felt::{Felt, encoding};
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::collections::HashSet;
use std::fmt;

/// Most bytes of an arguments file.
pub const MAX_ARGUMENT_BYTES: usize = 64 << 20;

/// Most field elements that arguments may come to.
pub const MAX_ARGUMENTS: usize = 1 << 22;

/// Deepest nesting of arrays.
pub const MAX_NESTING: usize = 16;

/// The arguments of one run, not yet matched with a program.
///
/// * `{"n": 5, "list": ["0x10"]}` names the inputs of a Cairo 0 program.
/// * `[5, ["0x10"]]` gives a Cairo 0 program its inputs in the order in which its hints read them, and a Cairo 2 program
///   its arguments. A nested array stands for its length and then its elements, an object for its values in the order in
///   which hints read them. A list of numbers alone is taken as serialised already.
///
/// Numbers are integers, decimal or hexadecimal strings. Negative ones count from the field's modulus: −5 is `p − 5`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arguments(Form);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    Named(Vec<(String, Value)>),
    Listed(Vec<Value>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Value {
    Felt(Felt),
    Array(Vec<Self>),
    /// Entries with different names.
    Object(Vec<(String, Self)>),
}

/// Why arguments cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArgumentError {
    /// More bytes than [`MAX_ARGUMENT_BYTES`].
    #[error("the arguments take {bytes} bytes; the limit is {MAX_ARGUMENT_BYTES}")]
    TooLarge {
        /// Bytes that there are.
        bytes: usize,
    },
    /// No JSON object or array.
    #[error("the arguments are neither a JSON object nor a JSON array: {message}")]
    NotJson {
        /// What is wrong, and where.
        message: String,
    },
    /// A name given twice.
    #[error("argument `{name}` is given twice")]
    Repeated {
        /// The name, with what it is within.
        name: String,
    },
    /// A value that is no integer.
    #[error(
        "argument {path} is {found}; an argument is an integer, a decimal or hexadecimal string, or an array or object of them"
    )]
    NotAnInteger {
        /// Where.
        path: String,
        /// What stands there.
        found: String,
    },
    /// A value outside the field.
    #[error(
        "argument {path} is {found}, which is no element of the field: its absolute value must be below p = 2^251 + 17·2^192 + 1"
    )]
    OutOfField {
        /// Where.
        path: String,
        /// What stands there.
        found: String,
    },
    /// Arrays nested too deeply.
    #[error("argument {path} nests arrays more than {MAX_NESTING} deep")]
    TooDeep {
        /// Where.
        path: String,
    },
    /// More elements than [`MAX_ARGUMENTS`].
    #[error("the arguments come to more than {MAX_ARGUMENTS} field elements")]
    TooMany,
    /// A Cairo 0 program that has no such input.
    #[error("the program has no input `{name}`; its inputs are: {}", list(inputs))]
    Unknown {
        /// The name given.
        name: String,
        /// The program's inputs.
        inputs: Vec<String>,
    },
    /// An input without a value.
    #[error("the program's input `{name}` is not among the arguments")]
    Missing {
        /// The input.
        name: String,
    },
    /// A list of the wrong length.
    #[error("the program takes {expected} arguments ({}), but {found} are given", list(inputs))]
    Count {
        /// Arguments given.
        found: usize,
        /// Inputs of the program.
        expected: usize,
        /// Their names.
        inputs: Vec<String>,
    },
    /// A value of another kind than the hints of a Cairo 0 program read.
    #[error("argument {path} is {found}, but the program's hints read {expected} there")]
    Shape {
        /// Where.
        path: String,
        /// What stands there.
        found: &'static str,
        /// What hints read.
        expected: &'static str,
    },
    /// A list of numbers that is no serialised form of the inputs.
    #[error(
        "the {found} numbers of the arguments are not the program's inputs one after the other ({}); \
             a list is its length and then its elements",
        list(inputs)
    )]
    Serialised {
        /// Numbers given.
        found: usize,
        /// Names of the inputs.
        inputs: Vec<String>,
    },
    /// Names for a Cairo 2 program.
    #[error("a Cairo 2 executable takes its arguments as a JSON array, without objects (names are for Cairo 0)")]
    NamedForCairo2,
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

impl Arguments {
    /// No arguments.
    pub const fn none() -> Self {
        Self(Form::Listed(Vec::new()))
    }

    /// Field elements in the order in which the program takes them.
    pub fn from_felts(felts: &[Felt]) -> Self {
        Self(Form::Listed(felts.iter().copied().map(Value::Felt).collect()))
    }

    /// Reads a JSON object or array.
    ///
    /// # Errors
    /// Each [`ArgumentError`] up to [`TooMany`](ArgumentError::TooMany), as its text says.
    pub fn from_json(bytes: &[u8]) -> Result<Self, ArgumentError> {
        if bytes.len() > MAX_ARGUMENT_BYTES {
            return Err(ArgumentError::TooLarge { bytes: bytes.len() });
        }
        let top = read_level(bytes).map_err(|error| ArgumentError::NotJson { message: error.to_string() })?;
        let mut budget = MAX_ARGUMENTS;
        match top {
            Level::Array(items) => {
                let item = |(index, item): (usize, &Json)| Value::read(item, &format!("[{index}]"), 1, &mut budget);
                Ok(Self(Form::Listed(items.iter().enumerate().map(item).collect::<Result<_, _>>()?)))
            }
            Level::Object(entries) => {
                let entries = named(&entries, |name| format!("`{name}`"))?;
                let entry =
                    |(name, path, item): (String, String, &Json)| Ok((name, Value::read(item, &path, 1, &mut budget)?));
                Ok(Self(Form::Named(entries.into_iter().map(entry).collect::<Result<_, _>>()?)))
            }
        }
    }
}

impl Value {
    /// Reads a value, whose text is JSON.
    fn read(json: &Json, path: &str, depth: usize, budget: &mut usize) -> Result<Self, ArgumentError> {
        // An array costs a cell too, for its length.
        *budget = budget.checked_sub(1).ok_or(ArgumentError::TooMany)?;
        let text = json.get();
        let other = || ArgumentError::NotAnInteger { path: path.to_owned(), found: shorten(text) };
        match text.bytes().next() {
            Some(b'[' | b'{') if depth > MAX_NESTING => Err(ArgumentError::TooDeep { path: path.to_owned() }),
            Some(b'[' | b'{') => match read_level(text.as_bytes()).map_err(|_| other())? {
                Level::Array(items) => {
                    let item = |(index, item): (usize, &Json)| {
                        Self::read(item, &format!("{path}[{index}]"), depth + 1, budget)
                    };
                    items.iter().enumerate().map(item).collect::<Result<_, _>>().map(Self::Array)
                }
                Level::Object(entries) => {
                    let entries = named(&entries, |name| format!("{path}.`{name}`"))?;
                    let entry = |(name, path, item): (String, String, &Json)| {
                        Ok((name, Self::read(item, &path, depth + 1, budget)?))
                    };
                    entries.into_iter().map(entry).collect::<Result<_, _>>().map(Self::Object)
                }
            },
            Some(b'"') => {
                let text: String = serde_json::from_str(text).map_err(|_| other())?;
                parse_felt(text.trim(), path).map(Self::Felt)
            }
            Some(b'-' | b'0'..=b'9') => parse_felt(text, path).map(Self::Felt),
            _ => Err(other()),
        }
    }
}

/// Entries with their paths, each name once.
fn named(
    entries: &[(String, Json)],
    path: impl Fn(&str) -> String,
) -> Result<Vec<(String, String, &Json)>, ArgumentError> {
    let mut seen = HashSet::new();
    if let Some((name, _)) = entries.iter().find(|(name, _)| !seen.insert(name.as_str())) {
        return Err(ArgumentError::Repeated { name: shorten(name) });
    }
    Ok(entries.iter().map(|(name, item)| (name.clone(), path(&shorten(name)), item)).collect())
}

fn shorten(text: &str) -> String {
    crate::convert::one_line(text, 80)
}

/// Reads a decimal or hexadecimal integer whose absolute value is below the modulus.
pub(crate) fn parse_felt(text: &str, path: &str) -> Result<Felt, ArgumentError> {
    let not_an_integer =
        || ArgumentError::NotAnInteger { path: path.to_owned(), found: shorten(&format!("\"{text}\"")) };
    let out_of_field = || ArgumentError::OutOfField { path: path.to_owned(), found: shorten(text) };
    let (negative, magnitude) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (radix, digits) = match magnitude.strip_prefix("0x").or_else(|| magnitude.strip_prefix("0X")) {
        Some(digits) => (16, digits),
        None => (10, magnitude),
    };
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(radix)) {
        return Err(not_an_integer());
    }
    let mut limbs = [0_u64; 4];
    for digit in digits.chars().filter_map(|digit| digit.to_digit(radix)) {
        let mut carry = u128::from(digit);
        for limb in &mut limbs {
            let product = u128::from(*limb) * u128::from(radix) + carry;
            (*limb, carry) = (product as u64, product >> 64);
        }
        if carry != 0 {
            return Err(out_of_field());
        }
    }
    let value = encoding::from_canonical_limbs(limbs).ok_or_else(out_of_field)?;
    Ok(if negative { -value } else { value })
}

/// A JSON value that is still a text.
type Json = Box<RawValue>;

/// One level of an array or an object. Repeated names are kept, for somebody to notice.
enum Level {
    Object(Vec<(String, Json)>),
    Array(Vec<Json>),
}

fn read_level(bytes: &[u8]) -> Result<Level, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let level = reader.deserialize_any(LevelVisitor)?;
    reader.end()?;
    Ok(level)
}

struct LevelVisitor;

impl<'de> Visitor<'de> for LevelVisitor {
    type Value = Level;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object or array of arguments")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Level, A::Error> {
        let mut array = Vec::new();
        while let Some(item) = items.next_element()? {
            array.push(item);
        }
        Ok(Level::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Level, A::Error> {
        let mut object = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            object.push(entry);
        }
        Ok(Level::Object(object))
    }
}

#[cfg(test)]
mod tests;
