//! Argument sets: from JSON lines, from CSV, from a range, each bound to the program as it will be proved.

mod csv;
mod jsonl;
mod range;

pub use range::{MAX_UNITS, Range, RangeError};

use crate::local::file::read_limited;
use crate::show::number::{Reading, decimals};
use cairo_runner::{ArgumentError, Arguments, RunnableProgram};
use felt::Felt;
use protocol::{Digest, ExternalId, Felts, MAX_UNIT_ARGUMENTS};
use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// Most bytes of an arguments file.
pub const MAX_FILE_BYTES: u64 = 1 << 30;

/// Where argument sets come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A file of JSON lines or of columns.
    File(PathBuf),
    /// A range.
    Range(Range),
    /// One unit without arguments.
    Nothing,
}

/// Where an argument set stands, for messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// File or range.
    pub file: String,
    /// Line of the file or number of the unit, from 1.
    pub line: u64,
    /// Column, from 1: of the character in JSON lines, of the field in CSV.
    pub column: Option<usize>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, line {}", self.file, self.line)?;
        self.column.map_or(Ok(()), |column| write!(f, ", column {column}"))
    }
}

/// A unit to be pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitToPush {
    /// The uploader's name for it.
    pub id: ExternalId,
    /// Its arguments, bound to the program.
    pub arguments: Felts,
    /// Where it stands.
    pub place: Place,
}

/// Why argument sets cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum UnitsError {
    /// The file cannot be read.
    #[error("cannot read the arguments file {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Another encoding.
    #[error("{}: this is UTF-16; save the file as UTF-8", path.display())]
    Utf16 {
        /// The file.
        path: PathBuf,
    },
    /// One document in place of lines.
    #[error(
        "{}: this is one JSON document over all of the file, where each line is to be one argument set. If `jq` is there, \
         `jq -c '{filter}' {}` writes it so", path.display(), path.display()
    )]
    OneDocument {
        /// The file.
        path: PathBuf,
        /// What makes lines of it.
        filter: &'static str,
    },
    /// A line that is wrong.
    #[error("{place}: {message}")]
    At {
        /// Where.
        place: Place,
        /// What is wrong.
        message: String,
    },
    /// Two units of one name.
    #[error("{place}: the unit `{id}` is there already, at line {first}; {advice}")]
    Duplicate {
        /// The second one.
        place: Place,
        /// Line of the first one.
        first: u64,
        /// The name.
        id: ExternalId,
        /// What to do.
        advice: &'static str,
    },
    /// One argument set under two names.
    #[error(
        "{place}: the unit `{id}` has the same arguments as the unit `{first}` at line {line}. The same arguments give the same \
         result, which would be counted twice: remove one of the two"
    )]
    SameArguments {
        /// The second one.
        place: Place,
        /// Its name.
        id: ExternalId,
        /// The first one's name.
        first: ExternalId,
        /// The first one's line.
        line: u64,
    },
    /// A file without a unit.
    #[error("{}: there is no argument set in it", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// Too many units.
    #[error("{}: there are more than {MAX_UNITS} argument sets; push them in several files", path.display())]
    TooMany {
        /// The file.
        path: PathBuf,
    },
    /// The range's two ends do not fit the program.
    #[error("a range gives two arguments, lo and hi: {0}")]
    Range(ArgumentError),
    /// A program that takes arguments, and none are given.
    #[error("no arguments are given (--args FILE or --range lo..hi:step): {0}")]
    Nothing(ArgumentError),
}

/// Reads all argument sets. With `id_field`, that field of each object or that column of the CSV names the unit; else a
/// unit is named after its arguments, so that the same set is the same unit wherever it stands.
///
/// # Errors
/// The first thing that is wrong, with its place.
pub fn read(source: &Source, id_field: Option<&str>, program: &RunnableProgram) -> Result<Vec<UnitToPush>, UnitsError> {
    let units = match source {
        Source::File(path) => {
            let text = read_file(path)?;
            let file = File { path, id_field, program };
            let units = if is_table(path, &text) { csv::read(&file, &text)? } else { jsonl::read(&file, &text)? };
            if units.is_empty() {
                return Err(UnitsError::Empty { path: path.clone() });
            }
            units
        }
        Source::Range(range) => from_range(*range, program)?,
        Source::Nothing => {
            let arguments = program.bind(&Arguments::none()).map_err(UnitsError::Nothing)?;
            let place = Place { file: "no arguments".to_owned(), line: 1, column: None };
            vec![UnitToPush { id: default_id(&arguments), arguments: Felts(arguments), place }]
        }
    };
    refuse_duplicates(&units, id_field.is_some())?;
    Ok(units)
}

/// Whether a file has columns, and not a JSON text in each line: by the end of its name, or else by how it begins.
fn is_table(path: &Path, text: &[u8]) -> bool {
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase());
    match extension.as_deref() {
        Some("csv" | "tsv" | "tab") => true,
        Some("json" | "jsonl" | "ndjson") => false,
        _ => !matches!(text.trim_ascii_start().first(), None | Some(b'[' | b'{')),
    }
}

fn read_file(path: &Path) -> Result<Vec<u8>, UnitsError> {
    let failed = |source| UnitsError::Read { path: path.to_owned(), source };
    let mut text = read_limited(path, MAX_FILE_BYTES).map_err(failed)?;
    if text.starts_with(b"\xef\xbb\xbf") {
        text.drain(..3);
    }
    if text.starts_with(b"\xff\xfe") || text.starts_with(b"\xfe\xff") {
        return Err(UnitsError::Utf16 { path: path.to_owned() });
    }
    Ok(text)
}

fn from_range(range: Range, program: &RunnableProgram) -> Result<Vec<UnitToPush>, UnitsError> {
    let unit = |(line, (lo, hi)): (u64, (u64, u64))| {
        let arguments = Arguments::from_felts(&[Felt::from(lo), Felt::from(hi)]);
        let arguments = program.bind(&arguments).map_err(UnitsError::Range)?;
        let place = Place { file: format!("range {range}"), line, column: None };
        Ok(UnitToPush { id: default_id(&arguments), arguments: Felts(arguments), place })
    };
    (1..).zip(range.units()).map(unit).collect()
}

/// A file that is being read.
struct File<'a> {
    path: &'a Path,
    id_field: Option<&'a str>,
    program: &'a RunnableProgram,
}

impl File<'_> {
    fn place(&self, line: u64, column: Option<usize>) -> Place {
        Place { file: self.path.display().to_string(), line, column }
    }

    fn error(&self, line: u64, column: Option<usize>, message: impl fmt::Display) -> UnitsError {
        UnitsError::At { place: self.place(line, column), message: message.to_string() }
    }

    /// Makes a unit of arguments in JSON. `column` tells where the argument stands that an error is about.
    fn unit(
        &self,
        line: u64,
        id: Option<(String, usize)>,
        json: &[u8],
        column: impl Fn(&Argument<'_>) -> Option<usize>,
    ) -> Result<UnitToPush, UnitsError> {
        let bound = Arguments::from_json(json).and_then(|arguments| self.program.bind(&arguments));
        let arguments = bound.map_err(|error| {
            let column = about(&error).and_then(|argument| column(&argument));
            self.error(line, column, format_args!("{error}{}", why_no_integer(&error)))
        })?;
        if arguments.len() > MAX_UNIT_ARGUMENTS {
            let message =
                format!("the arguments come to {} field elements; the limit is {MAX_UNIT_ARGUMENTS}", arguments.len());
            return Err(self.error(line, None, message));
        }
        let id = match id {
            Some((id, column)) => id.parse().map_err(|error| self.error(line, Some(column), error))?,
            None => default_id(&arguments),
        };
        Ok(UnitToPush { id, arguments: Felts(arguments), place: self.place(line, None) })
    }

    /// Adds a unit to those read so far.
    fn push(&self, units: &mut Vec<UnitToPush>, unit: UnitToPush) -> Result<(), UnitsError> {
        if units.len() == MAX_UNITS {
            return Err(UnitsError::TooMany { path: self.path.to_owned() });
        }
        units.push(unit);
        Ok(())
    }
}

/// An argument that an error is about.
#[derive(Debug, PartialEq, Eq)]
enum Argument<'a> {
    Name(&'a str),
    Index(usize),
}

fn about(error: &ArgumentError) -> Option<Argument<'_>> {
    use ArgumentError as E;
    match error {
        E::Repeated { name } | E::Unknown { name, .. } => Some(Argument::Name(name)),
        E::NotAnInteger { path, .. } | E::OutOfField { path, .. } | E::TooDeep { path } | E::Shape { path, .. } => {
            match path.strip_prefix('[') {
                Some(rest) => rest.split(']').next()?.parse().ok().map(Argument::Index),
                None => path.strip_prefix('`')?.split('`').next().map(Argument::Name),
            }
        }
        E::TooLarge { .. }
        | E::NotJson { .. }
        | E::TooMany
        | E::Missing { .. }
        | E::Count { .. }
        | E::Serialised { .. }
        | E::NamedForCairo2 => None,
    }
}

/// What is wrong with a text that looks like a number and is none.
fn why_no_integer(error: &ArgumentError) -> String {
    let ArgumentError::NotAnInteger { found, .. } = error else { return String::new() };
    let text = found.trim_matches('"').trim();
    let digits = text.trim_start_matches(['+', '-']);
    let hexadecimal = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let why = if text.is_empty() {
        "it is empty"
    } else if text.starts_with('+') && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        "leave the `+` out"
    } else if text.parse::<f64>().is_ok_and(f64::is_finite) {
        "it is a floating-point number: write all digits of a whole number"
    } else if text.contains(char::is_whitespace) && text.bytes().any(|byte| byte.is_ascii_digit()) {
        "leave the blanks between the digits out"
    } else if text.contains([',', '_', '\''])
        && text.bytes().all(|byte| byte.is_ascii_digit() || b",_'.+-".contains(&byte))
    {
        "leave out what groups the digits"
    } else if hexadecimal {
        "hexadecimal digits need `0x` before them"
    } else {
        return String::new();
    };
    format!(" ({why})")
}

/// The beginning of a text, for messages.
fn shorten(text: &str) -> String {
    protocol::text::printable(text, 40)
}

/// The arguments in decimal, or a digest of them if that is long.
pub fn default_id(arguments: &[Felt]) -> ExternalId {
    let text = decimals(arguments, Reading::Signed).join(",");
    let named = match text.len() {
        0 => "no arguments".parse(),
        1..=100 => text.parse(),
        _ => format!("sha256:{}", Digest::of(text.as_bytes())).parse(),
    };
    named.unwrap_or_else(|_| unreachable!("digits, commas and signs make an external id"))
}

fn refuse_duplicates(units: &[UnitToPush], named: bool) -> Result<(), UnitsError> {
    let advice = if named {
        "each unit needs a name of its own"
    } else {
        "the same arguments are the same unit, so remove one of the two"
    };
    let mut names: HashMap<&ExternalId, u64> = HashMap::with_capacity(units.len());
    let mut arguments: HashMap<Digest, &UnitToPush> = HashMap::with_capacity(units.len());
    for unit in units {
        if let Some(first) = names.insert(&unit.id, unit.place.line) {
            return Err(UnitsError::Duplicate { place: unit.place.clone(), first, id: unit.id.clone(), advice });
        }
        if let Some(first) = arguments.insert(unit.arguments.digest(), unit) {
            return Err(UnitsError::SameArguments {
                place: unit.place.clone(),
                id: unit.id.clone(),
                first: first.id.clone(),
                line: first.place.line,
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
