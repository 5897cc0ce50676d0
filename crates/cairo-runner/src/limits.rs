//! What a run may use, and how a caller watches it.

use std::ops::ControlFlow;
use std::time::Duration;

/// Most bytes of a program file.
pub const MAX_PROGRAM_BYTES: usize = 256 << 20;

/// Bounds of a run, enforced while it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunLimits {
    /// Most steps.
    pub max_steps: u64,
    /// Most memory cells, over all segments. A cell takes 32 bytes in the virtual machine and 32 in the execution.
    /// Values above `u32::MAX` count as `u32::MAX`, since addresses have 32 bits.
    pub max_memory_cells: u64,
    /// Longest wall-clock time, if bounded. It is looked at every few thousand steps.
    pub max_time: Option<Duration>,
}

impl Default for RunLimits {
    /// 2^26 steps, 2^27 cells, no bound on time.
    fn default() -> Self {
        Self { max_steps: 1 << 26, max_memory_cells: 1 << 27, max_time: None }
    }
}

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Steps done.
    pub steps: u64,
    /// Memory cells that are known to be in use.
    pub memory_cells: u64,
}

/// Called every few thousand steps; `Break` cancels the run.
pub type Watch<'a> = dyn FnMut(Progress) -> ControlFlow<()> + 'a;

/// A [`Watch`] that never cancels.
pub fn unwatched(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}
