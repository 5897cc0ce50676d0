//! What is to be pushed: argument sets, some of which are run here first, or a run that was made elsewhere.

use crate::bring;
use crate::cli;
use crate::commands::{Context, source};
use crate::compile::Compiled;
use crate::error::Error;
use crate::local::StateError;
use crate::show::number::{bytes, counted, grouped};
use crate::trial::{Trial, estimates, run_units};
use crate::units::{self, UnitToPush};
use cairo_execution::Execution;
use protocol::client::{DonorClient, Payload};
use protocol::signing::Identity;
use protocol::{ExecutionStatus, UnitId, UnitLimits};

/// What is to be pushed.
pub(super) struct Work {
    pub(super) units: Vec<UnitToPush>,
    /// Steps of each unit, about.
    pub(super) estimates: Vec<u64>,
    /// The run of the only unit, if it was made elsewhere.
    pub(super) execution: Option<Execution>,
}

/// What the command line names, before any of it is run.
pub(super) struct Brought {
    pub(super) units: Vec<UnitToPush>,
    execution: Option<Execution>,
}

impl Brought {
    /// Reads the argument sets, or the run that was made elsewhere, which is checked.
    pub(super) fn read(
        context: &Context,
        compiled: &Compiled,
        options: &cli::Push,
        limits: &UnitLimits,
    ) -> Result<Self, Error> {
        let (printer, program) = (context.printer, &compiled.program);
        if let Some(path) = &options.run {
            let busy = printer.begins(format_args!("Checking the run {}", path.display()));
            let (unit, execution) = bring::read(path, program, limits)?;
            drop(busy);
            let steps = execution.n_steps() as u64;
            printer.note(format_args!(
                "The run {} is one of unit {}: {} steps, {} of output.",
                path.display(),
                unit.id,
                grouped(steps),
                counted(execution.output().len() as u64, "value")
            ));
            return Ok(Self { units: vec![unit], execution: Some(execution) });
        }
        let units = units::read(&source(&options.arguments), options.arguments.id_field.as_deref(), program)?;
        Ok(Self { units, execution: None })
    }

    /// Runs some of the units here.
    pub(super) fn tried(
        self,
        context: &Context,
        compiled: &Compiled,
        options: &cli::Push,
        limits: &UnitLimits,
    ) -> Result<Work, Error> {
        let (printer, program, units) = (context.printer, &compiled.program, self.units);
        if let Some(execution) = self.execution {
            return Ok(Work { units, estimates: vec![execution.n_steps() as u64], execution: Some(execution) });
        }
        let tried = u64::from(options.trial).min(units.len() as u64);
        let busy = printer.begins(format_args!(
            "Checking the program: running {} of {} here",
            counted(tried, "unit"),
            grouped(units.len() as u64)
        ));
        let trials = run_units(program, &units, limits, options.trial as usize, &|unit| {
            printer.progress(format_args!("running unit {} here", unit.id));
        })?;
        drop(busy);
        let estimates = estimates(&trials, units.len());
        say_trials(context, &trials, &estimates);
        Ok(Work { units, estimates, execution: None })
    }
}

/// Submits the execution of the unit, as a donor does who leaves the proof to others.
pub(super) async fn bring(
    context: &Context,
    distributor: &str,
    unit: &UnitId,
    execution: &Execution,
) -> Result<(), Error> {
    let busy = context.printer.begins("Sending the execution");
    let identity = Identity::load_or_create(&context.state.signing_key()).map_err(StateError::from)?;
    let client = DonorClient::new(context.config(distributor)?, identity)?;
    let file = bring::write(execution)?;
    let receipt = client.submit_execution(unit, None, Payload::File(file.path().to_owned()), None).await?;
    drop(busy);
    context.printer.note(match receipt.status {
        ExecutionStatus::Accepted => "The execution was checked and taken; donors only have to prove it.",
        ExecutionStatus::AlreadyExecuted => "The unit was executed already; this execution was not needed.",
    });
    Ok(())
}

fn say_trials(context: &Context, trials: &[Trial], estimates: &[u64]) {
    for trial in trials {
        context.printer.note(format_args!(
            "Unit {} runs here: {} steps in {:.2} s, {} of memory, {} values of output.",
            trial.unit,
            grouped(trial.n_steps),
            trial.time.as_secs_f64(),
            bytes(trial.memory_bytes()),
            trial.output_len
        ));
    }
    let total: u128 = estimates.iter().map(|steps| u128::from(*steps)).sum();
    context.printer.note(format_args!(
        "{}, about {} steps in all.",
        counted(estimates.len() as u64, "unit"),
        grouped(u64::try_from(total).unwrap_or(u64::MAX))
    ));
}
