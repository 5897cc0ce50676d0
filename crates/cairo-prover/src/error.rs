//! Why an execution has no witness, or no proof was made.

use crate::table_size::MAX_STEPS;
use cairo_air::components::range::Range;
use cairo_air::layout::LayoutError;
use cairo_execution::{BatchError, ExecutionError};
use stark::Cancelled;

/// Why no witness exists for an execution.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WitnessError {
    /// The control hook cancelled.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// A step or a builtin cell that is none of a run.
    #[error(transparent)]
    Execution(#[from] ExecutionError),
    /// An address that no memory table has.
    #[error("the run uses memory cell {0}, which does not exist")]
    Address(u64),
    /// A word that is no instruction.
    #[error("the word at pc {pc} is no instruction: {error}")]
    Instruction {
        /// Where.
        pc: u32,
        /// Why.
        error: cairo_air::decode::DecodeError,
    },
    /// An operand outside memory.
    #[error("step {clock} uses an operand at address {address}, which is none")]
    Operand {
        /// The step, from 0.
        clock: u32,
        /// The address.
        address: String,
    },
    /// Steps that the machine does not make, or that are not those of the row which should execute them.
    #[error("the row that begins with step {clock}, at pc {pc}, does not execute the run's steps: {what}")]
    Step {
        /// The row's first step, from 0.
        clock: u32,
        /// Its pc.
        pc: u32,
        /// What is wrong.
        what: &'static str,
    },
    /// A step outside the trace.
    #[error("there is no step {0}")]
    Clock(u32),
    /// An input of the bitwise builtin that is too large for the table that it was given.
    #[error("memory cell {address} is an input of the bitwise builtin but holds {value}, which is not below 2^{bits}")]
    Bitwise {
        /// Its address.
        address: u32,
        /// Bits that inputs may have in this table.
        bits: u32,
        /// Its value.
        value: String,
    },
    /// A checked value outside the range that its row has for it.
    #[error("memory cell {address} holds {value:#x}, which its row does not check: it has a {range}")]
    Range {
        /// Its address.
        address: u32,
        /// The row's range.
        range: Range,
        /// Its value.
        value: u128,
    },
    /// More blocks of blake than lookups are counted of.
    #[error("the run hashes {found} blocks of blake; the limit is {limit}. Split the work into smaller runs")]
    Blocks {
        /// How many.
        found: usize,
        /// How many there may be.
        limit: usize,
    },
    /// A table in the layout that has nothing to hold.
    #[error("the layout has a table of kind {0} that the run does not need")]
    Empty(&'static str),
    /// A derived table that does not exist.
    #[error(transparent)]
    Derived(#[from] cairo_air::components::derived::DerivedError),
}

/// Why no proof was made.
#[derive(Debug, thiserror::Error)]
pub enum ProveError {
    /// Runs that cannot be proven together, or one of several that is none.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// The execution does not have the form of a provable run.
    #[error(transparent)]
    Execution(#[from] ExecutionError),
    /// More steps than [`MAX_STEPS`].
    #[error("the run has {0} steps; the limit is {MAX_STEPS}. Split the work into smaller runs")]
    TooManySteps(usize),
    /// A step or a builtin cell that cannot be proven, or the caller cancelled.
    #[error(transparent)]
    Witness(#[from] WitnessError),
    /// The run needs tables beyond a limit.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// The STARK layer.
    #[error(transparent)]
    Stark(#[from] stark::ProveError),
    /// More memory than allowed.
    #[error(
        "the proof would take about {} MB of memory, and {} MB are allowed; allow more, or split the work into smaller runs",
        estimate / 1_000_000, limit / 1_000_000
    )]
    Memory {
        /// Bytes that it would take.
        estimate: u64,
        /// Bytes allowed.
        limit: u64,
    },
    /// The threads could not be started.
    #[error("cannot start {threads} threads: {error}")]
    Threads {
        /// How many.
        threads: usize,
        /// Why not.
        error: rayon::ThreadPoolBuildError,
    },
}
