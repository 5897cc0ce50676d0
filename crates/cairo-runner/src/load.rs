//! Finding out what a file is, and loading it if it is a program that can be proved.

use crate::arguments::{ArgumentError, Arguments};
use crate::cairo0::{self, Cairo0};
use crate::cairo2::{self, Cairo2};
use crate::convert::one_line;
use crate::limits::MAX_PROGRAM_BYTES;
use crate::load_error::{LoadError, check_compiler};
use cairo_air::Program;
use felt::Felt;
use serde::Deserialize;
use serde::de::IgnoredAny;

/// A program that has been looked through and can be run.
#[derive(Debug, Clone)]
pub struct RunnableProgram {
    program: Program,
    pub(crate) source: Source,
}

/// What the virtual machine needs beyond the words.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    Cairo0(Cairo0),
    Cairo2(Cairo2),
}

/// The language of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// Cairo 0, compiled by `cairo-compile --proof_mode`.
    Cairo0,
    /// Cairo 2, built as an executable.
    Cairo2,
}

/// The fields by which the kinds of files differ.
#[derive(Deserialize)]
struct Shape {
    prime: Option<IgnoredAny>,
    data: Option<IgnoredAny>,
    builtins: Option<serde_json::Value>,
    program: Option<IgnoredAny>,
    entrypoints: Option<IgnoredAny>,
    bytecode: Option<IgnoredAny>,
    sierra_program: Option<IgnoredAny>,
    type_declarations: Option<IgnoredAny>,
    entry_points_by_type: Option<IgnoredAny>,
    proof_parameters: Option<IgnoredAny>,
    compiler_version: Option<serde_json::Value>,
    layout: Option<serde_json::Value>,
    public_memory: Option<IgnoredAny>,
    trace_path: Option<IgnoredAny>,
    hints: Option<IgnoredAny>,
}

impl RunnableProgram {
    /// Reads a compiled Cairo 0 program or a Cairo 2 executable, checks its shape and looks through its hints.
    ///
    /// # Errors
    /// Says what the file is if it is no program, or why the program cannot be proved.
    pub fn from_json(bytes: &[u8]) -> Result<Self, LoadError> {
        if bytes.is_empty() {
            return Err(LoadError::Empty);
        }
        if bytes.len() > MAX_PROGRAM_BYTES {
            return Err(LoadError::TooLarge { bytes: bytes.len() });
        }
        if bytes.starts_with(b"PK\x03\x04") {
            return Err(LoadError::NotAProgram { what: "a zip archive, maybe a Cairo PIE", advice: PIE_ADVICE });
        }
        let shape: Shape = serde_json::from_slice(bytes).map_err(|error| match error.classify() {
            serde_json::error::Category::Data => NOT_CAIRO,
            _ => LoadError::NotJson { message: one_line(&error.to_string(), 200) },
        })?;
        if shape.entrypoints.is_some() && shape.program.is_some() {
            return load_cairo2(bytes);
        }
        if shape.prime.is_some() && shape.data.is_some() {
            check_compiler(shape.compiler())?;
            if shape.hints.is_none() {
                return Err(LoadError::NotAProgram {
                    what: "a Cairo program without its hints",
                    advice: STRIPPED_ADVICE,
                });
            }
            let version = shape.compiler().map(ToOwned::to_owned);
            let names: Vec<String> = match shape.builtins {
                Some(names) => serde_json::from_value(names)
                    .map_err(|error| LoadError::Malformed { message: format!("field `builtins`: {error}") })?,
                None => Vec::new(),
            };
            let (program, source) = cairo0::load(bytes, &names, version.as_deref())?;
            return Ok(Self { program, source: Source::Cairo0(source) });
        }
        Err(shape.describe())
    }

    /// The program as the verifier knows it.
    pub const fn program(&self) -> &Program {
        &self.program
    }

    /// Its language.
    pub const fn language(&self) -> Language {
        match self.source {
            Source::Cairo0(_) => Language::Cairo0,
            Source::Cairo2(_) => Language::Cairo2,
        }
    }

    /// The names of a Cairo 0 program's inputs, in the order in which its hints first read them (by `pc`, then by
    /// line); `None` for Cairo 2, whose arguments have no names.
    pub fn inputs(&self) -> Option<&[String]> {
        match &self.source {
            Source::Cairo0(source) => Some(&source.names),
            Source::Cairo2(_) => None,
        }
    }

    /// The names of a Cairo 0 program's arguments, one for each field element that it binds; `None` where an input may be more than
    /// one, and for Cairo 2.
    pub fn argument_names(&self) -> Option<&[String]> {
        match &self.source {
            Source::Cairo0(source) if source.inputs.iter().all(|(_, shape)| shape.is_number()) => Some(&source.names),
            _ => None,
        }
    }

    /// What its user should know about its hints, in sentences without a full stop.
    pub fn notes(&self) -> &[String] {
        match &self.source {
            Source::Cairo0(source) => &source.notes,
            Source::Cairo2(_) => &[],
        }
    }

    /// The field elements that a proof of a run on these arguments binds, in order.
    ///
    /// # Errors
    /// If the arguments do not fit the program.
    pub fn bind(&self, arguments: &Arguments) -> Result<Vec<Felt>, ArgumentError> {
        match &self.source {
            Source::Cairo0(source) => arguments.for_inputs(&source.inputs),
            Source::Cairo2(_) => arguments.serialised(),
        }
    }
}

fn load_cairo2(bytes: &[u8]) -> Result<RunnableProgram, LoadError> {
    let (program, source) = cairo2::load(bytes)?;
    Ok(RunnableProgram { program, source: Source::Cairo2(source) })
}

const PIE_ADVICE: &str = "give the compiled program, not the result of a run";
const STRIPPED_ADVICE: &str = "a PIE and other tools strip them; give what the compiler wrote";
const TRACE_ADVICE: &str = "give the compiled program, which is run here";
const SIERRA_ADVICE: &str =
    "Sierra is an intermediate step: mark a function `#[executable]` and build `*.executable.json` from it";
const CONTRACT_ADVICE: &str =
    "contracts need Starknet; a provable program is a Cairo 0 program or a Cairo 2 executable";
const NOT_CAIRO: LoadError = LoadError::NotAProgram {
    what: "JSON, but nothing of Cairo's",
    advice: "give a Cairo 0 program compiled with --proof_mode or a Cairo 2 `*.executable.json`",
};

impl Shape {
    /// The version of the compiler, if the file says so.
    fn compiler(&self) -> Option<&str> {
        self.compiler_version.as_ref().and_then(serde_json::Value::as_str)
    }

    /// What a file is that is no program.
    fn describe(&self) -> LoadError {
        if let (Some(layout), Some(_)) = (self.layout.as_ref().and_then(serde_json::Value::as_str), &self.public_memory)
        {
            return LoadError::OfALayout { what: "the public input of a proof of a run", layout: one_line(layout, 40) };
        }
        let (what, advice) = if self.sierra_program.is_some() {
            ("a Starknet contract class (Sierra)", CONTRACT_ADVICE)
        } else if self.entry_points_by_type.is_some() && self.bytecode.is_some() {
            ("a compiled Starknet contract (CASM)", CONTRACT_ADVICE)
        } else if self.entry_points_by_type.is_some() {
            ("a Cairo 0 Starknet contract class", CONTRACT_ADVICE)
        } else if self.type_declarations.is_some() || self.program.is_some() {
            ("a Sierra program", SIERRA_ADVICE)
        } else if self.trace_path.is_some() {
            ("the private input of a proof", TRACE_ADVICE)
        } else if self.proof_parameters.is_some() {
            ("a proof", PIE_ADVICE)
        } else {
            return NOT_CAIRO;
        };
        LoadError::NotAProgram { what, advice }
    }
}
