//! A finished run of a Cairo program: what the runner makes and the prover takes.

use cairo_air::{Builtin, Program};
use felt::Felt;
use std::collections::BTreeMap;

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
}
