//! The program of the trials, its runs and proofs.

use anyhow::Context as _;
use cairo_execution::Execution;
use cairo_prover::{Options, prove};
use cairo_runner::{Arguments, RunLimits, RunnableProgram, run, unwatched};
use protocol::{DonorKey, Felts, Preset};
use stark::NoControl;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// The sample project that counts primes, compiled.
pub const PROGRAM: &[u8] = include_bytes!("../../../programs/primes/primes.json");

/// Security of the trials' proofs: all that the distributor does to a proof it does to these.
pub const PRESET: Preset = Preset::Bench96;

/// Runs and proves units, a few at once.
#[derive(Clone)]
pub struct Prover {
    program: Arc<RunnableProgram>,
    places: Arc<Semaphore>,
}

impl Prover {
    /// One that works on so many units at once.
    ///
    /// # Errors
    /// If the program cannot be read.
    pub fn new(places: usize) -> anyhow::Result<Self> {
        let program = Arc::new(RunnableProgram::from_json(PROGRAM).context("the trials' own program")?);
        Ok(Self { program, places: Arc::new(Semaphore::new(places)) })
    }

    /// A run on these arguments.
    ///
    /// # Errors
    /// If the program fails on them.
    pub fn execute(&self, arguments: &Felts) -> anyhow::Result<Execution> {
        Ok(run(&self.program, &Arguments::from_felts(&arguments.0), &RunLimits::default(), &mut unwatched)?)
    }

    /// A proof by this donor of a run on these arguments, and its steps.
    ///
    /// # Errors
    /// If the program fails on them, or its run cannot be proved.
    pub async fn prove(&self, arguments: Felts, donor: DonorKey) -> anyhow::Result<(Vec<u8>, u64)> {
        let _place = self.places.acquire().await?;
        let prover = self.clone();
        tokio::task::spawn_blocking(move || {
            let execution = prover.execute(&arguments)?;
            let steps = execution.n_steps() as u64;
            let options = Options { parameters: PRESET.parameters(), threads: Some(1), ..Options::default() };
            let proof = prove(execution, *donor.as_bytes(), &options, &NoControl)?;
            Ok((proof.encode(), steps))
        })
        .await?
    }
}
