//! Why a file is no program that can be run.

use crate::convert::one_line;
use crate::limits::MAX_PROGRAM_BYTES;
use cairo_air::{Builtin, ProgramError};

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
    /// Inputs that nothing would bind.
    #[error(
        "the program reads the input `{input}` but does not declare the builtin `output`: it is by the beginning of the output that a proof \
         shows which arguments a Cairo 0 program had; declare `output`, and write the arguments there first"
    )]
    UnboundInput {
        /// The first input.
        input: String,
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

/// The builtins of these names.
pub(crate) fn builtins_of(names: &[String]) -> Result<Vec<Builtin>, LoadError> {
    let builtin =
        |name: &String| Builtin::from_name(name).ok_or_else(|| LoadError::UnknownBuiltin { name: one_line(name, 80) });
    names.iter().map(builtin).collect()
}
