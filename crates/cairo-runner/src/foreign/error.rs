//! What can be wrong with another tool's run.

use crate::arguments::ArgumentError;
use crate::error::RunError;
use crate::load_error::LoadError;
use cairo_air::Builtin;
use cairo_execution::ExecutionError;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// The files of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// The registers before each step.
    Trace,
    /// Addresses and values.
    Memory,
    /// What a verifier would know.
    PublicInput,
    /// What only the prover knows.
    PrivateInput,
    /// A Cairo PIE.
    Pie,
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Trace => "trace",
            Self::Memory => "memory",
            Self::PublicInput => "air public input",
            Self::PrivateInput => "air private input",
            Self::Pie => "Cairo PIE",
        })
    }
}

/// Why another tool's run is not taken.
#[derive(Debug, thiserror::Error)]
pub enum ForeignError {
    /// An error in one file.
    #[error("{}: {source}", path.display())]
    In {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: Box<Self>,
    },
    /// A file that cannot be read.
    #[error("the {what} cannot be read: {source}")]
    Io {
        /// Which.
        what: What,
        /// Why.
        source: io::Error,
    },
    /// A path that names no run.
    #[error(
        "this is no run: give a Cairo PIE, an air private input (which names trace and memory), or a folder with trace.bin and memory.bin \
         as `scarb execute` writes it; or name the files of a run one by one"
    )]
    NotARun,
    /// A folder without a file of the run.
    #[error("the folder holds no {what} (looked for: {names})")]
    NoFile {
        /// Which.
        what: What,
        /// Names that it might have.
        names: String,
    },

    /// A trace that ends within a step.
    #[error("the trace is cut off or no trace: it has {bytes} bytes, and a step takes 24 (ap, fp, pc)")]
    TraceTruncated {
        /// Its bytes.
        bytes: u64,
    },
    /// A trace without steps.
    #[error("the trace is empty")]
    TraceEmpty,
    /// More steps than allowed.
    #[error("the run has more than {limit} steps; raise the limit, or split the work into smaller units")]
    TooManySteps {
        /// The limit.
        limit: u64,
    },
    /// A register that is no address.
    #[error("in step {step} of the trace {register} = {value}, which is no address of 32 bits; is this a trace?")]
    Register {
        /// The step.
        step: u64,
        /// The register.
        register: &'static str,
        /// Its value.
        value: u64,
    },
    /// A run that begins elsewhere.
    #[error(
        "the run begins at {found}, but one in proof mode of this program begins at {expected}; {}",
        match was_started_at_main {
            true => "it was made without proof mode: run it again with --proof_mode, or give its PIE",
            false => "it is of another program, or was relocated in another way",
        }
    )]
    Begins {
        /// The first state.
        found: String,
        /// What it must be.
        expected: String,
        /// Whether it looks like a run that began in `main`.
        was_started_at_main: bool,
    },
    /// A trace that never reaches the end.
    #[error(
        "the trace of {steps} steps never arrives at the program's end, pc = {end}; it is cut off, or the run did not end"
    )]
    NoEnd {
        /// Its steps.
        steps: usize,
        /// The end.
        end: u32,
    },
    /// A trace that goes on after the end.
    #[error(
        "the run ends at step {end}, but at step {step} the trace is elsewhere; behind the end it may only stay there"
    )]
    AfterEnd {
        /// The first step at the end.
        end: usize,
        /// The step that is elsewhere.
        step: usize,
    },

    /// A memory that ends within a cell.
    #[error("the memory is cut off or none: it has {bytes} bytes, and a cell takes 40 (address, value)")]
    MemoryTruncated {
        /// Its bytes.
        bytes: u64,
    },
    /// An address that is none, or beyond the limit.
    #[error(
        "cell {entry} of the memory has the address {address}; addresses are at least 1 and, by the limit of memory, at most {limit}"
    )]
    MemoryAddress {
        /// Place in the file, from 0.
        entry: u64,
        /// The address.
        address: u64,
        /// The largest one.
        limit: u64,
    },
    /// Two cells at one address.
    #[error("the memory has address {address} twice; a cell is written once")]
    MemoryTwice {
        /// The address.
        address: u64,
    },
    /// A value that is no field element.
    #[error("the value at address {address} is not below the prime 2^251 + 17·2^192 + 1")]
    MemoryValue {
        /// The address.
        address: String,
    },
    /// More cells than allowed.
    #[error("the run has more than {limit} memory cells; raise the limit, or split the work into smaller units")]
    TooManyCells {
        /// The limit.
        limit: u64,
    },

    /// Another program.
    #[error("the run is of another program: word {word} is {found}, but that of the program given is {expected}")]
    OtherProgram {
        /// The word, from 0.
        word: usize,
        /// What the run has.
        found: String,
        /// What the program has.
        expected: String,
    },
    /// A pointer to a builtin's segment that is none.
    #[error(
        "at its {when} the run's pointer to the builtin `{builtin}`, at address {address}, is {found}, which leads nowhere"
    )]
    BuiltinPointer {
        /// The builtin.
        builtin: Builtin,
        /// `start` or `end`.
        when: &'static str,
        /// Where it stands.
        address: u64,
        /// What stands there.
        found: String,
    },
    /// Pointers to arguments that make no sense.
    #[error("the run's arguments are said to be from address {start} to {end}, which is not in memory or too long")]
    ArgumentPointers {
        /// Where they begin.
        start: String,
        /// Where they end.
        end: String,
    },
    /// An output that does not begin with arguments.
    #[error("the run's output does not begin with values for the inputs {}; give the arguments", inputs.join(", "))]
    ArgumentsUnread {
        /// The program's inputs.
        inputs: Vec<String>,
    },

    /// JSON that is not of this form.
    #[error("it is damaged, or no {what}: {message}")]
    Json {
        /// What it should be.
        what: What,
        /// What is wrong.
        message: String,
    },
    /// A layout that does not exist.
    #[error("the run is said to be in the layout `{layout}`, which Cairo does not have; it has: {known}")]
    UnknownLayout {
        /// Its name.
        layout: String,
        /// Those that there are.
        known: String,
    },
    /// A layout whose builtins follow from parameters.
    #[error(
        "the run is in the layout `dynamic`, whose builtins follow from parameters of its own; run it again with --layout all_cairo"
    )]
    DynamicLayout,
    /// A layout without a builtin of the program.
    #[error(
        "the run is said to be in the layout `{layout}`, which has no `{builtin}`, but the program declares it; run it with --layout all_cairo"
    )]
    LayoutLacks {
        /// The layout.
        layout: String,
        /// The builtin.
        builtin: Builtin,
    },
    /// Another number of steps.
    #[error("the {what} says that the run has {said} steps, but it has {found}")]
    StepCount {
        /// Which file says so.
        what: What,
        /// What it says.
        said: u64,
        /// What there is.
        found: u64,
    },
    /// A part that is not there.
    #[error("the {what} has no `{part}`")]
    Missing {
        /// Which file.
        what: What,
        /// What is missing.
        part: String,
    },
    /// A segment elsewhere.
    #[error(
        "the air public input says that the segment `{segment}` {bound} at address {said}, but in the run it does at {found}"
    )]
    SegmentDiffers {
        /// The segment.
        segment: String,
        /// `begins` or `ends`.
        bound: &'static str,
        /// What it says.
        said: u64,
        /// What there is.
        found: u64,
    },
    /// A public cell of another value.
    #[error("the air public input says that address {address} holds {said}, but in the memory it holds {found}")]
    PublicCell {
        /// The address.
        address: u64,
        /// What it says.
        said: String,
        /// What there is.
        found: String,
    },
    /// A private cell of another value.
    #[error(
        "the air private input says that `{field}` of instance {index} of `{builtin}` is {said}, but in the memory, at address {address}, it \
         is {found}"
    )]
    PrivateCell {
        /// The builtin.
        builtin: Builtin,
        /// The instance.
        index: u64,
        /// The cell's name.
        field: &'static str,
        /// Its address.
        address: u64,
        /// What it says.
        said: String,
        /// What there is.
        found: String,
    },
    /// An instance that the run has not.
    #[error("the air private input has an instance {index} of `{builtin}`, but the run uses {instances}")]
    PrivateInstance {
        /// The builtin.
        builtin: Builtin,
        /// The instance.
        index: u64,
        /// How many there are.
        instances: u64,
    },
    /// An instance without one of its values.
    #[error("the air private input has no `{field}` for instance {index} of `{builtin}`")]
    PrivateField {
        /// The builtin.
        builtin: Builtin,
        /// The instance.
        index: u64,
        /// What is missing.
        field: &'static str,
    },
    /// A signature that nobody gave.
    #[error(
        "the run uses the builtin `ecdsa`, but there is no signature for its instance {instance}: they are in the air private input, or in \
         the PIE; give that, too"
    )]
    NoSignature {
        /// The instance.
        instance: usize,
    },
    /// A builtin that does not exist, or not in the machine.
    #[error(transparent)]
    Builtin(LoadError),

    /// No zip archive, or a damaged one.
    #[error("the PIE is damaged, or no zip archive: {message}")]
    Zip {
        /// What is wrong.
        message: String,
    },
    /// A file in the archive that is too large.
    #[error("the PIE's {name} has more than {limit} bytes, the most that is read")]
    PieTooLarge {
        /// The file.
        name: &'static str,
        /// The limit.
        limit: u64,
    },
    /// A version that is not known.
    #[error("the PIE is of version {found}; this program reads version 1.1 and PIEs without one")]
    PieVersion {
        /// Its version.
        found: String,
    },
    /// Another prime.
    #[error("the PIE is of a run over the prime {found}, but only the Stark prime 2^251 + 17·2^192 + 1 can be proved")]
    PiePrime {
        /// Its prime.
        found: String,
    },
    /// Other builtins than the program's.
    #[error("the PIE's program declares the builtins {found}, but the program given declares {expected}")]
    PieBuiltins {
        /// What it has.
        found: String,
        /// What the program has.
        expected: String,
    },
    /// Another number of words.
    #[error(
        "the PIE is of another program: it has {found} words, but the program given has {expected}, or {} without its proof-mode header",
        expected.saturating_sub(cairo_air::program::HEADER_WORDS)
    )]
    PieLength {
        /// What it has.
        found: usize,
        /// What the program has.
        expected: usize,
    },
    /// Another main function.
    #[error(
        "the PIE's run begins at word {found} of its program, but the header of the program given calls word {expected}"
    )]
    PieMain {
        /// Where it begins.
        found: u64,
        /// Where it must.
        expected: String,
    },
    /// A segment with a number that another one has, or a strange one.
    #[error("the PIE's segment {index} ({name}) {what}")]
    PieSegment {
        /// Its number.
        index: u64,
        /// What it is.
        name: String,
        /// What is wrong.
        what: &'static str,
    },
    /// A cell that is in no segment, or not written as one.
    #[error("cell {entry} of the PIE's memory {what}")]
    PieCell {
        /// Place in the file, from 0.
        entry: u64,
        /// What is wrong.
        what: &'static str,
    },
    /// A pointer that leads nowhere.
    #[error("the PIE's cell {cell} holds a pointer to {target}, which does not exist")]
    PiePointer {
        /// Segment and offset of the cell.
        cell: String,
        /// Where it leads.
        target: String,
    },
    /// A step that cannot be made.
    #[error("the PIE holds no whole run: {what} at step {step}, pc = {pc}")]
    PieStep {
        /// Which step.
        step: u64,
        /// Where.
        pc: u32,
        /// What is wrong.
        what: &'static str,
    },

    /// The arguments do not fit the program.
    #[error(transparent)]
    Arguments(#[from] ArgumentError),
    /// Cells of builtins that the run never wrote cannot be completed.
    #[error(transparent)]
    Incomplete(#[from] RunError),
    /// The files are whole and agree, but hold no run.
    #[error("this is no run of the machine: {0}")]
    NoRun(#[from] ExecutionError),
}

/// An error with the file that it is in.
pub(super) fn at(path: &Path, error: ForeignError) -> ForeignError {
    ForeignError::In { path: path.to_owned(), source: Box::new(error) }
}

impl ForeignError {
    /// What is wrong, without the file that it is in.
    pub fn inner(&self) -> &Self {
        match self {
            Self::In { source, .. } => source.inner(),
            other => other,
        }
    }
}
