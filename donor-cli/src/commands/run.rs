//! `donor run`.

use super::{open, runtime, server, settings};
use crate::cli::RunArgs;
use crate::exit::{Exit, Failure};
use crate::governor::{Settings, Share, machine};
use crate::progress::Show;
use crate::session::{Plan, Session};
use crate::state::config::Config;
use protocol::LeaseMode;
use std::time::Duration;

/// The least memory with which a unit can do anything.
pub const LEAST_MEMORY: u64 = 250_000_000;

/// The cap if none is given.
const STANDARD_SHARE: f64 = 50.0;

/// Works until told to stop.
///
/// # Errors
/// If the command line or the settings make no sense, another donor runs, or the session cannot go on.
pub fn run(arguments: &RunArgs) -> Result<Exit, Failure> {
    let folder = open(&arguments.state)?;
    let _lock = folder.lock()?;
    let config = settings(&folder)?;
    let plan = plan(arguments, &config)?;
    // Wishes that nobody took are of the past.
    crate::state::control::take(&folder);
    let show = Show::new(arguments.json);
    runtime()?.block_on(Session::new(plan, folder, show)?.run())
}

fn plan(arguments: &RunArgs, config: &Config) -> Result<Plan, Failure> {
    let server = server(&arguments.server, config)?;
    let cores = machine::cores();
    let cap = arguments.max_cpu.or_else(|| config.parsed("max-cpu"));
    let cap = match cap {
        Some(cap) => cap,
        None => STANDARD_SHARE.to_string().parse::<Share>().map_err(Failure::fault)?,
    };
    let threads = arguments.threads.or_else(|| config.parsed("threads")).map_or_else(|| cap.threads(cores), usize::from);
    let max_memory = arguments.max_memory.or_else(|| config.max_memory()).unwrap_or_else(|| machine::memory() / 2);
    Ok(Plan {
        server,
        project: arguments.project.clone().or_else(|| config.parsed("project")),
        mode: match (arguments.execute_only, arguments.prove_only) {
            (true, _) => LeaseMode::Execute,
            (_, true) => LeaseMode::Prove,
            _ => LeaseMode::Both,
        },
        settings: Settings {
            cap,
            give_way: if arguments.no_yield { None } else { config.thresholds()? },
            schedule: arguments.schedule.clone().or_else(|| config.parsed("schedule")),
            pause_on_battery: config.pause_on_battery(),
        },
        cores,
        threads: threads.min(cores),
        max_memory: max_memory.max(LEAST_MEMORY),
        max_units: arguments.max_units,
        patience: (arguments.patience > 0).then(|| Duration::from_secs(arguments.patience)),
    })
}
