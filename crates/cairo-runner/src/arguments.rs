//! Arguments as people write them, and as field elements in the order in which a program takes them.

use felt::{Felt, encoding};
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value as Json;
use std::fmt;

/// Most bytes of an arguments file.
pub const MAX_ARGUMENT_BYTES: usize = 64 << 20;

/// Most field elements that arguments may come to.
pub const MAX_ARGUMENTS: usize = 1 << 22;

/// Deepest nesting of arrays.
pub const MAX_NESTING: usize = 16;

/// The arguments of one run, not yet matched with a program.
///
/// * `{"n": 5, "lo": "0x10"}` names the inputs of a Cairo 0 program.
/// * `[5, "0x10"]` gives a Cairo 0 program its inputs in the order in which its hints read them, and a Cairo 2 program
///   its serialised arguments; there, a nested array stands for its length and then its elements.
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
        /// The name.
        name: String,
    },
    /// A value that is no integer.
    #[error(
        "argument {path} is {found}; an argument is an integer, a decimal or hexadecimal string, or an array of them"
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
    /// An array for a Cairo 0 program.
    #[error("argument {path} is an array, but the inputs of a Cairo 0 program are single field elements")]
    ArrayInput {
        /// Where.
        path: String,
    },
    /// Names for a Cairo 2 program.
    #[error("a Cairo 2 executable takes its arguments as a JSON array (names are for Cairo 0)")]
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
        let not_json = |error: serde_json::Error| ArgumentError::NotJson { message: error.to_string() };
        let mut reader = serde_json::Deserializer::from_slice(bytes);
        let top = reader.deserialize_any(TopVisitor).map_err(not_json)?;
        reader.end().map_err(not_json)?;
        let mut budget = MAX_ARGUMENTS;
        match top {
            Top::Array(items) => {
                let item =
                    |(index, item): (usize, &Json)| Value::from_json(item, &format!("[{index}]"), 1, &mut budget);
                Ok(Self(Form::Listed(items.iter().enumerate().map(item).collect::<Result<_, _>>()?)))
            }
            Top::Object(entries) => {
                let mut named: Vec<(String, Value)> = Vec::with_capacity(entries.len());
                let mut seen = std::collections::HashSet::new();
                for (name, item) in &entries {
                    if !seen.insert(name.as_str()) {
                        return Err(ArgumentError::Repeated { name: shorten(name) });
                    }
                    let value = Value::from_json(item, &format!("`{}`", shorten(name)), 1, &mut budget)?;
                    named.push((name.clone(), value));
                }
                Ok(Self(Form::Named(named)))
            }
        }
    }

    /// The values for a Cairo 0 program's inputs, in their order.
    pub(crate) fn for_inputs(&self, inputs: &[String]) -> Result<Vec<Felt>, ArgumentError> {
        match &self.0 {
            Form::Listed(values) if values.len() != inputs.len() => {
                Err(ArgumentError::Count { found: values.len(), expected: inputs.len(), inputs: inputs.to_vec() })
            }
            Form::Listed(values) => {
                values.iter().enumerate().map(|(index, value)| value.single(|| format!("[{index}]"))).collect()
            }
            Form::Named(entries) => {
                if let Some((name, _)) = entries.iter().find(|(name, _)| !inputs.contains(name)) {
                    return Err(ArgumentError::Unknown { name: shorten(name), inputs: inputs.to_vec() });
                }
                let value = |name: &String| match entries.iter().find(|(given, _)| given == name) {
                    Some((_, value)) => value.single(|| format!("`{name}`")),
                    None => Err(ArgumentError::Missing { name: name.clone() }),
                };
                inputs.iter().map(value).collect()
            }
        }
    }

    /// The cells of a Cairo 2 program's argument segment.
    pub(crate) fn serialised(&self) -> Result<Vec<Felt>, ArgumentError> {
        match &self.0 {
            Form::Named(_) => Err(ArgumentError::NamedForCairo2),
            Form::Listed(values) => {
                let mut cells = Vec::new();
                values.iter().for_each(|value| value.serialise(&mut cells));
                Ok(cells)
            }
        }
    }
}

impl Value {
    fn from_json(json: &Json, path: &str, depth: usize, budget: &mut usize) -> Result<Self, ArgumentError> {
        // An array costs a cell too, for its length.
        *budget = budget.checked_sub(1).ok_or(ArgumentError::TooMany)?;
        match json {
            Json::Number(number) => parse_felt(&number.to_string(), path).map(Self::Felt),
            Json::String(text) => parse_felt(text.trim(), path).map(Self::Felt),
            Json::Array(_) if depth > MAX_NESTING => Err(ArgumentError::TooDeep { path: path.to_owned() }),
            Json::Array(items) => {
                let item = |(index, item): (usize, &Json)| {
                    Self::from_json(item, &format!("{path}[{index}]"), depth + 1, budget)
                };
                items.iter().enumerate().map(item).collect::<Result<_, _>>().map(Self::Array)
            }
            other => Err(ArgumentError::NotAnInteger { path: path.to_owned(), found: shorten(&other.to_string()) }),
        }
    }

    fn single(&self, path: impl Fn() -> String) -> Result<Felt, ArgumentError> {
        match self {
            Self::Felt(felt) => Ok(*felt),
            Self::Array(_) => Err(ArgumentError::ArrayInput { path: path() }),
        }
    }

    fn serialise(&self, cells: &mut Vec<Felt>) {
        match self {
            Self::Felt(felt) => cells.push(*felt),
            Self::Array(items) => {
                cells.push(Felt::from(items.len() as u64));
                items.iter().for_each(|item| item.serialise(cells));
            }
        }
    }
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

enum Top {
    Object(Vec<(String, Json)>),
    Array(Vec<Json>),
}

/// Reads the outermost level, keeping repeated names, which `serde_json::Map` would drop.
struct TopVisitor;

impl<'de> Visitor<'de> for TopVisitor {
    type Value = Top;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object or array of arguments")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Top, A::Error> {
        let mut array = Vec::new();
        while let Some(item) = items.next_element()? {
            array.push(item);
        }
        Ok(Top::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Top, A::Error> {
        let mut object = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            object.push(entry);
        }
        Ok(Top::Object(object))
    }
}

#[cfg(test)]
mod tests;
