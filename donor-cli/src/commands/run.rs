//! `donor run`.

use super::{open, runtime, server, settings};
use crate::cli::RunArgs;
use crate::exit::{Exit, Failure};
use crate::governor::network::Limits;
use crate::governor::{Programs, Settings, Share, machine};
use crate::progress::{Show, words};
use crate::session::bounds::Bounds;
use crate::session::{Plan, Session};
use crate::state::config::Config;
use protocol::LeaseMode;
use std::time::Duration;

/// The least memory with which a unit can do anything.
pub const LEAST_MEMORY: u64 = 250_000_000;

/// The memory of a unit below which there are rather fewer at once.
const MEMORY_EACH: u64 = 2_000_000_000;

/// The most units at once if nobody says otherwise.
const MOST_AT_ONCE: usize = 32;

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

/// How many units keep so many cores busy: while one is fetched or executed, which takes one thread, others are proved.
/// If it is the whole machine, one more makes up for the moments in which two of them wait.
fn at_once_for(cap: Share, machine: usize, threads: Option<usize>, memory: u64) -> usize {
    // A thousandth of a core is no reason for one more.
    let wanted = (cap.cores(machine) - 1e-3).ceil() as usize + usize::from(machine > 1 && cap.fraction() > 0.9);
    let room = usize::try_from(memory / MEMORY_EACH).unwrap_or(MOST_AT_ONCE);
    wanted.min(room).min(threads.unwrap_or(wanted)).clamp(1, MOST_AT_ONCE)
}

/// What the command line and the settings say about the machine's use.
fn limits(arguments: &RunArgs, config: &Config, cap: Share) -> Result<Settings, Failure> {
    let named = arguments.pause_for.iter().cloned().reduce(Programs::and);
    Ok(Settings {
        cap,
        give_way: if arguments.no_yield { None } else { config.thresholds()? },
        schedule: arguments.schedule.clone().or_else(|| config.parsed("schedule")),
        max_temperature: arguments.max_temperature.or_else(|| config.parsed("max-temperature")),
        pause_for: named.or_else(|| config.parsed("pause-for")).unwrap_or_default(),
        pause_when_fullscreen: arguments.pause_when_fullscreen || config.pause_when_fullscreen(),
        pause_on_battery: config.pause_on_battery(),
        pause_when_used: arguments.pause_when_used || config.pause_when_used(),
    })
}

/// What the command line and the settings say about the network.
fn network(arguments: &RunArgs, config: &Config) -> Limits {
    let set = config.network();
    Limits {
        download: arguments.max_download.or(set.download),
        upload: arguments.max_upload.or(set.upload),
        hours: arguments.network_hours.clone().or(set.hours),
        per_day: arguments.max_network_per_day.or(set.per_day),
        per_month: arguments.max_network_per_month.or(set.per_month),
    }
}

fn plan(arguments: &RunArgs, config: &Config) -> Result<Plan, Failure> {
    let server = server(&arguments.server, config)?;
    let cores = machine::cores();
    let cap = arguments.max_cpu.or_else(|| config.parsed("max-cpu"));
    let cap = match cap {
        Some(cap) => cap,
        None => STANDARD_SHARE.to_string().parse::<Share>().map_err(Failure::fault)?,
    };
    let settings = limits(arguments, config, cap)?;
    // The schedule may allow more at times.
    let cap = settings.most();
    let threads = arguments.threads.or_else(|| config.parsed("threads")).map(usize::from);
    let max_memory = arguments.max_memory.or_else(|| config.max_memory()).unwrap_or_else(|| machine::memory() / 2);
    let max_memory = max_memory.max(LEAST_MEMORY);
    let at_once = arguments.at_once.or_else(|| config.parsed("at-once")).map(usize::from);
    let at_once =
        at_once.unwrap_or_else(|| at_once_for(cap, cores, threads, max_memory)).min(threads.unwrap_or(usize::MAX));
    if max_memory < LEAST_MEMORY * at_once as u64 {
        let (memory, least) = (words::bytes(max_memory), words::bytes(LEAST_MEMORY));
        let message = format!("{at_once} units at once cannot share {memory} of memory: each takes at least {least}");
        return Err(Failure::fault(message));
    }
    Ok(Plan {
        server,
        project: arguments.project.clone().or_else(|| config.parsed("project")),
        mode: match (arguments.execute_only, arguments.prove_only) {
            (true, _) => LeaseMode::Execute,
            (_, true) => LeaseMode::Prove,
            _ => LeaseMode::Both,
        },
        settings,
        cores,
        at_once,
        threads: threads.unwrap_or_else(|| at_once * cap.threads(cores).min(2 * cores / at_once).max(1)),
        max_memory,
        network: network(arguments, config),
        fetch_ahead: !arguments.no_fetch_ahead && config.fetch_ahead(),
        bounds: bounds(arguments, config),
        max_units: arguments.max_units,
        patience: (arguments.patience > 0).then(|| Duration::from_secs(arguments.patience)),
    })
}

/// What a unit gets at most.
fn bounds(arguments: &RunArgs, config: &Config) -> Bounds {
    let standard = Bounds::default();
    Bounds {
        max_unit_time: arguments.max_unit_time.or_else(|| config.max_unit_time()).unwrap_or(standard.max_unit_time),
        max_unit_steps: arguments.max_unit_steps.or_else(|| config.parsed("max-unit-steps")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_units_as_cores_and_memory_allow() {
        const GB: u64 = 1_000_000_000;
        for (cap, machine, threads, memory, expected) in [
            ("10", 2, None, 12 * GB, 1),
            ("50", 2, None, 12 * GB, 1),
            ("75", 2, None, 12 * GB, 2),
            ("100", 2, None, 12 * GB, 3),
            ("100", 2, None, 3 * GB, 1),
            ("100", 2, Some(1), 12 * GB, 1),
            ("100", 1, None, 12 * GB, 1),
            ("50", 64, None, 64 * GB, 32),
            ("50", 64, None, 16 * GB, 8),
            ("100", 8, None, LEAST_MEMORY, 1),
        ] {
            let cap = cap.parse().expect("a share");
            let found = at_once_for(cap, machine, threads, memory);
            assert_eq!(found, expected, "{cap} % of {machine} cores, {threads:?} threads, {memory} bytes");
        }
    }
}
