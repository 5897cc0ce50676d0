//! A finished run of a Cairo program: what the runner makes and the prover takes.
//!
//! [`Execution::check`] executes every step natively; it stands before an execution is lent to somebody else, and before one that
//! somebody else lent is proven. With the feature `file` (on by default), `save` and `load` write and read executions as files that may come
//! from strangers. Without it the crate builds for `wasm32-unknown-unknown`.

mod batch;
pub mod cells;
mod check;
mod error;
pub mod extended;
#[cfg(feature = "file")]
mod file;
#[cfg(test)]
mod fixture;
mod reading;
mod relocation;
mod run;
mod step;

pub use batch::{Batch, BatchError};
pub use error::{ExecutionError, Fault};
pub use extended::ExtendedStep;
#[cfg(feature = "file")]
pub use file::{LoadError, LoadLimits, SaveError, load, save};
pub use relocation::{Pointer, Relocation, RelocationError};
pub use run::Run;
pub use stark_curve::ecdsa::Signature;
pub use step::{Operands, Step};

use cairo_air::{Builtin, Program};
use felt::Felt;
use std::collections::BTreeMap;
use std::fmt;

/// The registers before a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Registers {
    /// Program counter, an address.
    pub pc: u32,
    /// Allocation pointer, an address.
    pub ap: u32,
    /// Frame pointer, an address.
    pub fp: u32,
}

impl fmt::Display for Registers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pc = {}, ap = {}, fp = {}", self.pc, self.ap, self.fp)
    }
}

/// Addresses `base..stop` that a builtin's used instances take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// First address.
    pub base: u32,
    /// One past the last used address.
    pub stop: u32,
}

/// A finished run in canonical proof mode, relocated: the program's first word at address 1, then the execution
/// segment, then one segment for each builtin and everything else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Execution {
    /// What ran.
    pub program: Program,
    /// On what. For Cairo 2 these are the felts of the argument segment.
    pub arguments: Vec<Felt>,
    /// Registers before each step, and last the state at the first arrival at the program's end: `n_steps + 1` entries.
    /// The closing `jmp rel 0` is not among the steps.
    pub trace: Vec<Registers>,
    /// `memory[a]` is the cell at address `a`; cells that the run never wrote hold 0, as does the unused `memory[0]`.
    pub memory: Vec<Felt>,
    /// One entry for each of the program's builtins.
    pub segments: BTreeMap<Builtin, Segment>,
    /// Start of the argument segment, for programs with [`cairo_air::ArgumentBinding::Pointers`].
    pub arguments_start: Option<u32>,
    /// One for each instance of ecdsa, in order: a proof shows that there are some, and not which.
    pub signatures: Vec<Signature>,
    /// What it takes to place the run elsewhere, beside others; `None` if that is not known. Such a run is proven alone.
    pub relocation: Option<Relocation>,
}

impl Execution {
    /// Number of steps up to the first arrival at the program's end.
    pub fn n_steps(&self) -> usize {
        self.trace.len().saturating_sub(1)
    }

    /// The program's output: the used cells of the output builtin. Empty if there is no such segment within memory,
    /// which [`check`](Self::check) refuses.
    pub fn output(&self) -> &[Felt] {
        self.run().output()
    }

    /// Checks that this is a run of the program on the arguments, in time linear in its steps and the used builtin cells: its form, as
    /// [`check_form`](Self::check_form) does, each cell of a builtin, and each step. What passes can be proven, if it
    /// is not too large; what does not is no run.
    ///
    /// It takes no memory that grows with the execution.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self) -> Result<(), ExecutionError> {
        check::check(&self.run())
    }

    /// Checks the form of the execution: registers and segments within memory, initial and final state, program,
    /// execution head, builtin bases, stop pointers and arguments where the statement of a proof says they are.
    ///
    /// It executes nothing: an execution that passes may still have steps and builtin cells that no proof exists for. It does for what
    /// a machine has just made, and for who looks at each step anyway.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check_form(&self) -> Result<(), ExecutionError> {
        check::check_form(&self.run())
    }

    /// Checks the used instances of one builtin.
    ///
    /// # Errors
    /// The first cell that is wrong.
    pub fn check_builtin(&self, builtin: Builtin) -> Result<(), ExecutionError> {
        cells::check_builtin(&self.run(), builtin)
    }

    /// Executes one step, counted from 0. Nothing is assumed about the execution's form.
    ///
    /// # Errors
    /// If there is no such step, it is none of the machine's, or it has an opcode extension.
    pub fn step(&self, step: usize) -> Result<Step, ExecutionError> {
        step::step(&self.run(), step)
    }

    /// The same for a step with an opcode extension.
    ///
    /// # Errors
    /// If there is no such step, it is none of the machine's, or it has no opcode extension.
    pub fn extended_step(&self, step: usize) -> Result<ExtendedStep, ExecutionError> {
        step::extended_step(&self.run(), step)
    }

    /// The run as it lies in its memory.
    pub fn run(&self) -> Run<'_> {
        Run {
            program: &self.program,
            arguments: &self.arguments,
            offset: 0,
            trace: &self.trace,
            memory: &self.memory,
            segments: &self.segments,
            arguments_start: self.arguments_start,
            signatures: &self.signatures,
        }
    }
}

impl Run<'_> {
    /// The same as [`Execution::check`], of a run that may lie beside others.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self) -> Result<(), ExecutionError> {
        check::check(self)
    }

    /// The same as [`Execution::check_form`], of a run that may lie beside others.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check_form(&self) -> Result<(), ExecutionError> {
        check::check_form(self)
    }
}
