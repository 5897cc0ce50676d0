//! How a caller watches, pauses and cancels a proof.

use std::sync::{Mutex, PoisonError};

/// A stage of proving, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    /// Filling the tables.
    Witness,
    /// Extending and committing to the main columns.
    Main,
    /// Computing, extending and committing to the LogUp columns.
    Lookup,
    /// Evaluating constraints, extending and committing to the quotients.
    Quotient,
    /// Opening all columns out of the domain.
    Openings,
    /// The low-degree test: DEEP polynomials, folding, grinding, queries.
    Fri,
}

impl Phase {
    /// All phases, in order.
    pub const ALL: [Self; 6] = [Self::Witness, Self::Main, Self::Lookup, Self::Quotient, Self::Openings, Self::Fri];

    /// Name for messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Witness => "witness",
            Self::Main => "main",
            Self::Lookup => "lookup",
            Self::Quotient => "quotient",
            Self::Openings => "openings",
            Self::Fri => "fri",
        }
    }
}

/// The caller cancelled the proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("proving was cancelled")]
pub struct Cancelled;

/// The caller's side of a running proof. Methods are called from worker threads.
pub trait Control: Sync {
    /// Visited by every worker thread at least every 50 ms of work. May block, which pauses that thread; an error cancels.
    ///
    /// # Errors
    /// [`Cancelled`] to stop the proof.
    fn checkpoint(&self) -> Result<(), Cancelled> {
        Ok(())
    }

    /// Told how far a phase is, from 0 to 1, not decreasing within the phase.
    fn progress(&self, phase: Phase, fraction: f64) {
        let _ = (phase, fraction);
    }

    /// Told once for each proof, when its tables are filled: of all cells' low-degree extensions the share that is kept, from 0 to 1. What is
    /// not kept, since memory is short, is computed again.
    fn kept(&self, share: f64) {
        let _ = share;
    }
}

/// A control that never pauses and listens to nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoControl;

impl Control for NoControl {}

/// Counts the work of one phase and reports it to the control.
pub struct Meter<'a> {
    control: &'a dyn Control,
    phase: Phase,
    total: u64,
    done: Mutex<u64>,
}

impl std::fmt::Debug for Meter<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Meter")
            .field("phase", &self.phase)
            .field("total", &self.total)
            .field("done", &self.done)
            .finish()
    }
}

impl<'a> Meter<'a> {
    /// Starts a phase of `total` units of work; the unit is the caller's.
    pub fn new(control: &'a dyn Control, phase: Phase, total: u64) -> Self {
        control.progress(phase, 0.0);
        Self { control, phase, total: total.max(1), done: Mutex::new(0) }
    }

    /// Visits the control hook.
    ///
    /// # Errors
    /// [`Cancelled`] if the caller cancelled.
    pub fn checkpoint(&self) -> Result<(), Cancelled> {
        self.control.checkpoint()
    }

    /// Visits the control hook after `amount` units of work, and reports them.
    ///
    /// # Errors
    /// [`Cancelled`] if the caller cancelled.
    pub fn advance(&self, amount: u64) -> Result<(), Cancelled> {
        {
            // Reported under the lock: otherwise two threads could report in the wrong order.
            let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
            *done += amount;
            self.control.progress(self.phase, (*done as f64 / self.total as f64).min(1.0));
        }
        self.control.checkpoint()
    }
}
