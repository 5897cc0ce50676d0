//! A unit: executed, proved, and the proof verified before it leaves the tab.

use crate::project::{Failure, OpenProject};
use cairo_execution::Execution;
use cairo_prover::{Options, ProveError, WitnessError, prove};
use cairo_runner::{Arguments, RunError, RunLimits, run};
use protocol::{Digest, DonorKey, FailureCause as Cause, LeasedUnit, trailer};
use stark::{Cancelled, Control, Phase};
use std::ops::ControlFlow;

/// Most memory cells of a run: what a tab can prove in the memory that browsers give it.
pub const MAX_CELLS: u64 = 8 << 20;

/// What the page gives a unit at most, whatever its project allows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// Most steps.
    pub max_steps: u64,
    /// Most bytes of memory.
    pub max_memory: u64,
    /// Most seconds of work.
    pub max_seconds: f64,
}

/// The page's side of a unit that is worked on. Everything is called from the one thread that there is.
pub trait Host: Sync {
    /// May block, which pauses the work.
    ///
    /// # Errors
    /// [`Cancelled`] if nobody wants the unit any more.
    fn checkpoint(&self) -> Result<(), Cancelled>;

    /// Seconds that were worked since some beginning, pauses not counted.
    fn seconds(&self) -> f64;

    /// Told how far a phase is, from 0 to 1.
    fn progress(&self, phase: &str, fraction: f64);
}

/// Why there is no proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// It cannot be done.
    Failed(Failure),
    /// Nobody wants it any more.
    Cancelled,
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// A finished unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    /// The proof file, and behind it which unit it is of: what is sent.
    pub body: Vec<u8>,
    /// Digest of the proof file: where it is sent to.
    pub sha256: Digest,
    /// Steps of the run.
    pub steps: u64,
}

/// Runs a unit and proves it for this donor.
///
/// # Errors
/// [`Stop`], with a cause to report if the unit failed.
pub fn work(
    project: &OpenProject,
    unit: &LeasedUnit,
    prover: &DonorKey,
    bounds: &Bounds,
    host: &dyn Host,
) -> Result<Proven, Stop> {
    let execution = execute(project, unit, bounds, host)?;
    let (steps, arguments) = (execution.n_steps() as u64, execution.arguments.clone());
    let options = Options {
        parameters: project.project.preset.parameters(),
        byte_price_ns: project.project.byte_price.unwrap_or(Options::default().byte_price_ns),
        max_memory: Some(bounds.max_memory),
        ..Options::default()
    };
    let proof = prove(execution, *prover.as_bytes(), &options, &Proving(host)).map_err(|error| match error {
        ProveError::Stark(stark::ProveError::Cancelled(_)) | ProveError::Witness(WitnessError::Cancelled(_)) => {
            Stop::Cancelled
        }
        error @ ProveError::Memory { .. } => Failure::new(Cause::OutOfMemory, error).into(),
        error => Failure::new(Cause::ProveFailed, error).into(),
    })?;
    host.progress("verify", 0.0);
    host.checkpoint().map_err(|Cancelled| Stop::Cancelled)?;
    let mut body = proof.encode();
    let policy = protocol::policy(project.project.preset, project.project.limits.max_steps);
    protocol::proof::verify(project.program.program(), vec![arguments], prover, &body, &policy)
        .map_err(|error| Failure::new(Cause::ProveFailed, format!("the donor's own proof does not verify: {error}")))?;
    let sha256 = Digest::of(&body);
    body.extend(trailer(&[unit.id]).map_err(|error| Failure::new(Cause::ProveFailed, error))?);
    host.progress("verify", 1.0);
    Ok(Proven { body, sha256, steps })
}

fn execute(project: &OpenProject, unit: &LeasedUnit, bounds: &Bounds, host: &dyn Host) -> Result<Execution, Stop> {
    let allowed = &project.project.limits;
    let limits = RunLimits {
        max_steps: allowed.max_steps.min(bounds.max_steps),
        max_memory_cells: allowed.max_memory_cells.min(MAX_CELLS),
        max_time: None,
    };
    let seconds = bounds.max_seconds.min(allowed.time_limit as f64);
    let begin = host.seconds();
    let mut cancelled = false;
    let outcome = run(&project.program, &Arguments::from_felts(&unit.arguments.0), &limits, &mut |progress| {
        host.progress("execute", (progress.steps as f64 / unit.estimated_steps.max(1) as f64).min(0.99));
        cancelled = host.checkpoint().is_err();
        if cancelled || host.seconds() - begin > seconds { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    host.progress("execute", 1.0);
    outcome.map_err(|error| match error {
        RunError::Cancelled { .. } if cancelled => Stop::Cancelled,
        RunError::Cancelled { step } => {
            let own = seconds < allowed.time_limit as f64;
            limit(own, Cause::TimeLimit, format!("the program did not end within {seconds} s (it did {step} steps)"))
        }
        RunError::StepLimit { .. } => limit(limits.max_steps < allowed.max_steps, Cause::StepLimit, error),
        RunError::MemoryLimit { .. } if limits.max_memory_cells < allowed.max_memory_cells => {
            Failure::new(Cause::OutOfMemory, format!("{error} (a browser's own limit)")).into()
        }
        error => Failure::of_run(&error).into(),
    })
}

/// A failure at a limit. One at the tab's own says nothing about the unit.
fn limit(own: bool, cause: Cause, detail: impl std::fmt::Display) -> Stop {
    if own {
        return Failure::new(Cause::Stopped, format!("{detail} (a browser's own limit)")).into();
    }
    Failure::new(cause, detail).into()
}

struct Proving<'a>(&'a dyn Host);

impl Control for Proving<'_> {
    fn checkpoint(&self) -> Result<(), Cancelled> {
        self.0.checkpoint()
    }

    fn progress(&self, phase: Phase, fraction: f64) {
        self.0.progress(phase.name(), fraction);
    }
}
