//! What can go wrong in a run.

use crate::arguments::ArgumentError;
use cairo_air::Builtin;
use cairo_air::decode::DecodeError;
use cairo_execution::ExecutionError;
use felt::{Felt, encoding};
use std::time::Duration;

/// Why a run gives no execution. Each `pc` is the offset of a word from the program's start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// The arguments do not fit the program.
    #[error(transparent)]
    Arguments(#[from] ArgumentError),
    /// cairo-vm refuses to set the program up.
    #[error("the virtual machine cannot set the program up: {message}")]
    Setup {
        /// What it says.
        message: String,
    },
    /// The program takes more steps than it may.
    #[error("the program did not end within {limit} steps; give it a higher step limit or smaller units")]
    StepLimit {
        /// The limit.
        limit: u64,
    },
    /// The program takes more memory than it may.
    #[error(
        "the program needs more than {limit} memory cells (at step {step}); give it a higher memory limit or smaller units"
    )]
    MemoryLimit {
        /// The limit in cells.
        limit: u64,
        /// Steps done.
        step: u64,
    },
    /// The system has no more memory for the program, or lets this process have no more.
    #[error("the program needs more memory than the system gives it (at step {step})")]
    OutOfMemory {
        /// Steps done.
        step: u64,
    },
    /// The program takes longer than it may.
    #[error("the program did not end within {} s (it did {step} steps)", limit.as_secs_f64())]
    TimeLimit {
        /// The limit.
        limit: Duration,
        /// Steps done.
        step: u64,
    },
    /// The caller stopped the run.
    #[error("the run was cancelled after {step} steps")]
    Cancelled {
        /// Steps done.
        step: u64,
    },
    /// An instruction or a hint failed.
    #[error("the program failed at pc {pc}, step {step}: {message}")]
    Vm {
        /// Where.
        pc: usize,
        /// Steps done.
        step: u64,
        /// What cairo-vm says, on one line.
        message: String,
    },
    /// A Cairo 2 program panicked.
    #[error("the program panicked with {}", describe_panic(data, text.as_deref()))]
    Panicked {
        /// The panic data.
        data: Vec<Felt>,
        /// The panic data as text, if all of it is printable.
        text: Option<String>,
    },
    /// A word from 2^63 on that is no instruction with an opcode extension.
    #[error("the word at pc {pc} (step {step}) is no instruction: {error}")]
    ExtensionOpcode {
        /// Where.
        pc: usize,
        /// Steps done.
        step: u64,
        /// Why.
        error: DecodeError,
    },
    /// The run reached its end, but cairo-vm finds it inconsistent.
    #[error("the program ended in an inconsistent state: {message}")]
    End {
        /// What cairo-vm says.
        message: String,
    },
    /// The program wrote beyond its own code.
    #[error("the program wrote {cells} cells beyond its {words} words of code; such a run cannot be proved")]
    ProgramGrew {
        /// Cells beyond the code.
        cells: usize,
        /// Words of code.
        words: usize,
    },
    /// More memory than 32-bit addresses reach.
    #[error("the run needs {cells} addresses, more than 32 bits reach; split the work into smaller units")]
    AddressSpace {
        /// Addresses needed.
        cells: u64,
    },
    /// A pointer into a temporary segment that never got a place.
    #[error(
        "a cell of segment {segment} holds a pointer into temporary segment {temporary}, which the program never relocated"
    )]
    TemporarySegment {
        /// Segment of the cell.
        segment: usize,
        /// The temporary segment.
        temporary: isize,
    },
    /// A pointer into a segment that does not exist.
    #[error("a cell of segment {segment} holds a pointer into segment {target}, which does not exist")]
    DanglingPointer {
        /// Segment of the cell.
        segment: usize,
        /// The segment pointed to.
        target: usize,
    },
    /// A builtin's stop pointer is not where its segment ends.
    #[error(
        "at its end the program must leave the pointer of the builtin `{builtin}` behind the {used} cells that it used, but leaves \
         {found}; main must return each builtin pointer, in order"
    )]
    StopPointer {
        /// The builtin.
        builtin: Builtin,
        /// Used cells of its segment.
        used: u64,
        /// What stands where the pointer belongs.
        found: String,
    },
    /// An address in the output.
    #[error("output value {index} is an address, which means nothing outside the run; write numbers to the output")]
    OutputAddress {
        /// Index, from 0.
        index: usize,
    },
    /// A bitwise instance whose outputs do not follow from its inputs.
    #[error(
        "instance {instance} of the bitwise builtin has cells that do not follow from its inputs (unwritten inputs are 0)"
    )]
    BitwiseInstance {
        /// Which instance, from 0.
        instance: usize,
    },
    /// An instance of an elliptic-curve builtin that does not hold, or whose unwritten cells do not follow.
    #[error("instance {instance} of the builtin `{builtin}` {what}")]
    CurveInstance {
        /// Which builtin.
        builtin: Builtin,
        /// Which instance, from 0.
        instance: usize,
        /// What is wrong with it.
        what: &'static str,
    },
    /// An instance of another builtin whose outputs do not follow from its inputs.
    #[error(
        "instance {instance} of the builtin `{builtin}` has cells that do not follow from its inputs (unwritten inputs are 0)"
    )]
    BuiltinInstance {
        /// The builtin.
        builtin: Builtin,
        /// Which instance, from 0.
        instance: usize,
    },
    /// An input of a builtin's instance that is too large.
    #[error("input {input} of instance {instance} of the builtin `{builtin}` is not below 2^{bits}")]
    InstanceInput {
        /// The builtin.
        builtin: Builtin,
        /// Which instance, from 0.
        instance: usize,
        /// Which of its inputs, from 0.
        input: usize,
        /// Bits that an input may have.
        bits: u32,
    },
    /// cairo-vm or a hint panicked.
    #[error("the virtual machine itself failed ({message}); the program does something that it does not support")]
    MachinePanicked {
        /// The panic's text.
        message: String,
    },
    /// The run ended, but no proof of it could exist.
    #[error("the run ended but cannot be proved: {0}")]
    Unprovable(#[from] ExecutionError),
}

/// Text and data; long data only if there is no text.
fn describe_panic(data: &[Felt], text: Option<&str>) -> String {
    let shown: Vec<_> = data.iter().take(16).map(encoding::to_hex).collect();
    let more = if data.len() > shown.len() { format!(", … ({} values)", data.len()) } else { String::new() };
    let values = format!("[{}{more}]", shown.join(", "));
    match text {
        Some(text) if data.len() > 3 => format!("\"{text}\""),
        Some(text) => format!("\"{text}\" {values}"),
        None => values,
    }
}
