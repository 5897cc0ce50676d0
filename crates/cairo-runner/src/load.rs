//! Finding out what a file is, and loading it if it is a program that can be proved.

use crate::arguments::{ArgumentError, Arguments};
use crate::cairo0::{self, Cairo0};
use crate::cairo2::{self, Cairo2};
use crate::convert::{one_line, panic_text};
use cairo_air::{Builtin, Program, ProgramError};
use felt::Felt;
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Most bytes of a program file.
pub const MAX_PROGRAM_BYTES: usize = 256 << 20;

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

/// Why a file is no program that can be run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// No bytes at all.
    #[error("the program file is empty")]
    Empty,
    /// More bytes than [`MAX_PROGRAM_BYTES`].
    #[error("the program file has {bytes} bytes; the limit is {MAX_PROGRAM_BYTES}")]
    TooLarge {
        /// Bytes that there are.
        bytes: usize,
    },
    /// No JSON.
    #[error("the file is not JSON ({message}); give a compiled program, not its source")]
    NotJson {
        /// What is wrong, and where.
        message: String,
    },
    /// JSON, but of another kind.
    #[error("the file is {what}, not a program; {advice}")]
    NotAProgram {
        /// What it is.
        what: &'static str,
        /// What to do.
        advice: &'static str,
    },
    /// A program with fields that do not make sense.
    #[error("the program file is damaged or of an unknown version: {message}")]
    Malformed {
        /// What is wrong.
        message: String,
    },
    /// A program over another field.
    #[error(
        "the program is compiled for the prime {found}, but only the Stark prime 2^251 + 17·2^192 + 1 can be proved"
    )]
    WrongPrime {
        /// Its prime.
        found: String,
    },
    /// A Cairo 0 program without the proof-mode header.
    #[error("the program has no label `{label}` at its place; compile it with `cairo-compile --proof_mode`")]
    NotProofMode {
        /// The label.
        label: &'static str,
    },
    /// An executable without a standalone entry point at its start.
    #[error("the executable has no standalone entry point at offset 0; build it as a standalone executable")]
    NotStandalone,
    /// A builtin that does not exist.
    #[error("the program declares the builtin `{name}`, which is unknown")]
    UnknownBuiltin {
        /// Its name.
        name: String,
    },
    /// A hint that is neither cairo-vm's own nor an input.
    #[error(
        "the hint at pc {pc} is not allowed: `{code}`; allowed are the hints of Cairo's common library and \
         `ids.NAME = program_input[\"NAME\"]`"
    )]
    UnknownHint {
        /// Where.
        pc: usize,
        /// Its text, shortened.
        code: String,
    },
    /// An input hint that writes no variable.
    #[error("the hint at pc {pc} reads an input into `ids.{variable}`, but there is no such variable there")]
    InputTarget {
        /// Where.
        pc: usize,
        /// The variable.
        variable: String,
    },
    /// A hint of a Cairo 2 executable that depends on more than the run.
    #[error("the hint at pc {pc} is not allowed: {name}; a provable program depends on nothing but its arguments")]
    ForbiddenHint {
        /// Where.
        pc: usize,
        /// Its kind.
        name: &'static str,
    },
    /// No hint by which an executable would read its arguments.
    #[error("the executable's entry wrapper never reads its arguments (no WriteRunParam hint)")]
    NoArgumentHint,
    /// More than one such hint.
    #[error("the executable reads arguments at pc {first} and again at pc {second}; a provable one reads them once")]
    ArgumentHints {
        /// First place.
        first: usize,
        /// Second place.
        second: usize,
    },
    /// The hint's place in memory cannot be told.
    #[error("the arguments' place in memory cannot be derived: at pc {pc}, {reason}")]
    EntryWrapper {
        /// Where.
        pc: usize,
        /// Why.
        reason: &'static str,
    },
    /// Words or builtins that cannot be proved.
    #[error(transparent)]
    Program(#[from] ProgramError),
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
            let names: Vec<String> = match shape.builtins {
                Some(names) => serde_json::from_value(names)
                    .map_err(|error| LoadError::Malformed { message: format!("field `builtins`: {error}") })?,
                None => Vec::new(),
            };
            let (program, source) = cairo0::load(bytes, &names)?;
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
            Source::Cairo0(source) => Some(&source.inputs),
            Source::Cairo2(_) => None,
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
const SIERRA_ADVICE: &str =
    "Sierra is an intermediate step: mark a function `#[executable]` and build `*.executable.json` from it";
const CONTRACT_ADVICE: &str =
    "contracts need Starknet; a provable program is a Cairo 0 program or a Cairo 2 executable";
const NOT_CAIRO: LoadError = LoadError::NotAProgram {
    what: "JSON, but nothing of Cairo's",
    advice: "give a Cairo 0 program compiled with --proof_mode or a Cairo 2 `*.executable.json`",
};

impl Shape {
    /// What a file is that is no program.
    fn describe(&self) -> LoadError {
        let (what, advice) = if self.sierra_program.is_some() {
            ("a Starknet contract class (Sierra)", CONTRACT_ADVICE)
        } else if self.entry_points_by_type.is_some() && self.bytecode.is_some() {
            ("a compiled Starknet contract (CASM)", CONTRACT_ADVICE)
        } else if self.entry_points_by_type.is_some() {
            ("a Cairo 0 Starknet contract class", CONTRACT_ADVICE)
        } else if self.type_declarations.is_some() || self.program.is_some() {
            ("a Sierra program", SIERRA_ADVICE)
        } else if self.proof_parameters.is_some() {
            ("a proof", PIE_ADVICE)
        } else {
            return NOT_CAIRO;
        };
        LoadError::NotAProgram { what, advice }
    }
}

/// The builtins of these names.
pub(crate) fn builtins_of(names: &[String]) -> Result<Vec<Builtin>, LoadError> {
    let builtin =
        |name: &String| Builtin::from_name(name).ok_or_else(|| LoadError::UnknownBuiltin { name: one_line(name, 80) });
    names.iter().map(builtin).collect()
}

/// Runs third-party code; its panic becomes a text.
pub(crate) fn quietly<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| panic_text(panic.as_ref()))
}
