//! A run as it lies in a memory, alone or beside others.

use crate::{Registers, Segment, Signature};
use cairo_air::{Builtin, Program};
use felt::Felt;
use std::collections::BTreeMap;

/// A run in canonical proof mode, in a memory that may hold further runs of the same program. The parts are those of [`crate::Execution`].
#[derive(Debug, Clone, Copy)]
pub struct Run<'a> {
    /// What ran.
    pub program: &'a Program,
    /// On what.
    pub arguments: &'a [Felt],
    /// How far the run's execution segment begins behind the program's end.
    pub offset: u32,
    /// Registers before each step, and last the state at the first arrival at the program's end.
    pub trace: &'a [Registers],
    /// The memory, with whatever else it holds.
    pub memory: &'a [Felt],
    /// One entry for each of the program's builtins: the run's part.
    pub segments: &'a BTreeMap<Builtin, Segment>,
    /// Start of the argument segment, for programs with [`cairo_air::ArgumentBinding::Pointers`].
    pub arguments_start: Option<u32>,
    /// One for each instance of ecdsa.
    pub signatures: &'a [Signature],
}

impl<'a> Run<'a> {
    /// Number of steps up to the first arrival at the program's end.
    pub const fn n_steps(&self) -> usize {
        self.trace.len().saturating_sub(1)
    }

    /// `ap` and `fp` before the first step.
    pub fn initial_ap(&self) -> u64 {
        u64::from(self.program.initial_ap()) + u64::from(self.offset)
    }

    /// The same as an address; beyond them all it is the last one, which no memory has.
    pub(crate) fn first_ap(&self) -> u32 {
        u32::try_from(self.initial_ap()).unwrap_or(u32::MAX)
    }

    /// The run's output: the used cells of the output builtin. Empty if there is no such segment within memory,
    /// which [`check`](Self::check) refuses.
    pub fn output(&self) -> &'a [Felt] {
        let segment = self.segments.get(&Builtin::Output);
        segment.and_then(|segment| self.memory.get(segment.base as usize..segment.stop as usize)).unwrap_or_default()
    }

    /// The cell at an address, 0 outside memory.
    pub(crate) fn cell(&self, address: u64) -> Felt {
        usize::try_from(address).ok().and_then(|address| self.memory.get(address)).copied().unwrap_or_else(Felt::zero)
    }
}
