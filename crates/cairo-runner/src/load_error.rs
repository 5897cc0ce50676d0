//! Why a file is no program that can be run.

use crate::convert::one_line;
use crate::limits::MAX_PROGRAM_BYTES;
use cairo_air::{Builtin, ProgramError};
use cairo_vm::types::builtin_name::BuiltinName;

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
    #[error(
        "the executable has no standalone entry point at offset 0; build it as a standalone executable, with Scarb or cairo-execute 2.10 or \
         later (until 2.9 its files had another form)"
    )]
    NotStandalone,
    /// A builtin that does not exist.
    #[error("the program declares the builtin `{name}`, which Cairo does not have; it has: {}", all_builtins())]
    UnknownBuiltin {
        /// Its name.
        name: String,
    },
    /// A name that other tools have among the builtins, and that is none of the machine's.
    #[error("the program declares the builtin `{name}`, which is none of the Cairo machine's: {advice}")]
    ForeignBuiltin {
        /// Its name.
        name: &'static str,
        /// What it is, and what to do.
        advice: &'static str,
    },
    /// A builtin that Cairo has and this version's virtual machine has not.
    #[error(
        "the program declares the builtin `{0}`, which cairo-vm {MACHINE_VERSION} does not have, so it cannot be run"
    )]
    BuiltinNotInMachine(Builtin),
    /// A program of a compiler whose files this version does not read.
    #[error(
        "the program was compiled by version {found} of Cairo, whose files this version does not read ({message}); it reads those of \
         `cairo-compile` {CAIRO0} and of earlier ones that have the same form; `make cairo-compile` installs that"
    )]
    CompilerVersion {
        /// The compiler's version.
        found: String,
        /// What is wrong.
        message: String,
    },
    /// An executable in a form that is not known.
    #[error(
        "the executable is damaged, or not of the form that Cairo {CAIRO2} writes ({message}); build it with that version, or one near it"
    )]
    ExecutableForm {
        /// What is wrong.
        message: String,
    },
    /// What another tool wrote about a run in some layout.
    #[error(
        "the file is {what} in the layout `{layout}`, not a program; give the compiled program: it is run in the layout \
         all_cairo, whatever layout it was meant for"
    )]
    OfALayout {
        /// What it is.
        what: &'static str,
        /// The layout.
        layout: String,
    },
    /// A hint that is neither cairo-vm's own nor an input.
    #[error(
        "the hint at pc {pc} is not allowed: `{code}`; allowed are the hints of Cairo's common library, and those that read \
         `program_input` by plain access"
    )]
    UnknownHint {
        /// Where.
        pc: usize,
        /// Its text, shortened.
        code: String,
    },
    /// A hint that reads inputs in another way than by plain access.
    #[error(
        "the hint at pc {pc} reads `program_input`, but not by plain access: `{line}`: {reason}; docs/WRITING_PROGRAMS.md lists the \
         forms that are taken"
    )]
    InputHint {
        /// Where.
        pc: usize,
        /// The line, shortened.
        line: String,
        /// Why it is none.
        reason: &'static str,
    },
    /// An input hint that uses no variable of the program.
    #[error("the hint at pc {pc} reads inputs and uses `ids.{variable}`, but there is no such variable there")]
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

/// The virtual machine that runs programs.
pub(crate) const MACHINE_VERSION: &str = "3.2";

/// The version of Cairo 0 whose compiled programs are read, the last that there was.
pub(crate) const CAIRO0: &str = "0.14";

/// The version of Cairo 2 whose executables are read.
pub(crate) const CAIRO2: &str = "2.21";

/// The builtins of these names.
pub(crate) fn builtins_of(names: &[String]) -> Result<Vec<Builtin>, LoadError> {
    names.iter().map(|name| builtin_of(name)).collect()
}

/// The builtin of this name.
pub(crate) fn builtin_of(name: &str) -> Result<Builtin, LoadError> {
    if let Some((name, advice)) = FOREIGN.into_iter().find(|(foreign, _)| *foreign == name) {
        return Err(LoadError::ForeignBuiltin { name, advice });
    }
    let builtin = Builtin::from_name(name).ok_or_else(|| LoadError::UnknownBuiltin { name: one_line(name, 80) })?;
    BuiltinName::from_str(name).map(|_| builtin).ok_or(LoadError::BuiltinNotInMachine(builtin))
}

/// What stands among the builtins in files of other tools.
const FOREIGN: [(&str, &str); 3] = [
    (
        "segment_arena",
        "Cairo 2 keeps the places of its dictionaries there; build the program as an executable, in which it is code",
    ),
    (
        "gas_builtin",
        "contracts and `cairo-run --available-gas` count gas; build the program as an executable, with `enable-gas = false`",
    ),
    ("system", "it stands for system calls, which only Starknet answers"),
];

fn all_builtins() -> String {
    Builtin::ALL.map(Builtin::name).join(", ")
}

/// Why a file of Cairo 0 cannot be read: its compiler, if that is another than the one whose files are read.
pub(crate) fn unreadable(version: Option<&str>, message: String) -> LoadError {
    match version.filter(|version| !is_cairo0(version)) {
        Some(version) => LoadError::CompilerVersion { found: one_line(version, 40), message },
        None => LoadError::Malformed { message },
    }
}

/// Refuses programs of compilers that are none of Cairo 0.
pub(crate) fn check_compiler(version: Option<&str>) -> Result<(), LoadError> {
    match version.filter(|version| !version.starts_with("0.")) {
        Some(version) => Err(unreadable(Some(version), "they are none of Cairo 0".to_owned())),
        None => Ok(()),
    }
}

fn is_cairo0(version: &str) -> bool {
    version == CAIRO0 || version.strip_prefix(CAIRO0).is_some_and(|rest| rest.starts_with('.'))
}
