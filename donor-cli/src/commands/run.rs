//! `donor run`.

use super::{open, runtime, sandbox, server, settings};
use crate::child::sandbox::Walls;
use crate::cli::RunArgs;
use crate::exit::{Exit, Failure};
use crate::governor::network::NetworkLimits;
use crate::governor::{Settings, Share, machine};
use crate::progress::notice::Notice;
use crate::progress::show::Detail;
use crate::progress::{Show, words};
use crate::session::bounds::{Bounds, LEAST_MEMORY};
use crate::session::{Session, SessionPlan};
use crate::state::config::Config;
use protocol::LeaseMode;
use std::time::Duration;

/// The memory of a unit below which there are rather fewer at once.
const MEMORY_EACH: u64 = 2_000_000_000;

/// The most units at once if nobody says otherwise.
const MOST_AT_ONCE: usize = 32;

/// Minutes of work that are taken at once.
const STANDARD_BATCH: u32 = 15;

/// The cap if none is given.
const STANDARD_SHARE: f64 = 50.0;

/// Works until told to stop.
///
/// # Errors
/// If the command line or the settings make no sense, another donor runs, or the session cannot go on.
pub fn run(arguments: &RunArgs) -> Result<Exit, Failure> {
    let folder = open(&arguments.state)?;
    let _lock = folder.lock()?;
    let mut config = settings(&folder)?;
    for (name, value) in &arguments.pauses.0 {
        config.set(name, value)?;
    }
    let sandbox = sandbox()?;
    if !sandbox.is_whole() && (arguments.require_sandbox || config.require_sandbox()) {
        let words: Vec<String> = sandbox.missing.iter().map(ToString::to_string).collect();
        return Err(Failure::fault(format!("the sandbox is required and not whole here: {}", words.join("; "))));
    }
    let plan = plan(arguments, &config, sandbox.walls)?;
    // Wishes that nobody took are of the past.
    crate::state::control::take(&folder);
    crate::state::control::done(&folder);
    let show = Show::new(arguments.json, if arguments.verbose { Detail::Verbose } else { Detail::Plain });
    show.tell(&Notice::Sandbox { report: sandbox });
    if let Some(said) = said_memory(arguments, &config).filter(|said| *said > plan.max_memory) {
        show.warn(format!(
            "{} of memory for units is more than there is: this machine, or the control group that the donor runs in, has {}",
            words::bytes(said),
            words::bytes(plan.max_memory)
        ));
    }
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
    Ok(Settings {
        cap,
        give_way: if arguments.no_yield { None } else { config.thresholds()? },
        schedule: config.parsed("schedule"),
    })
}

/// What the command line and the settings say about the network.
fn network(arguments: &RunArgs, config: &Config) -> NetworkLimits {
    let set = config.network();
    NetworkLimits {
        download: arguments.max_download.or(set.download),
        upload: arguments.max_upload.or(set.upload),
        hours: arguments.network_hours.clone().or(set.hours),
        per_day: arguments.max_network_per_day.or(set.per_day),
        per_month: arguments.max_network_per_month.or(set.per_month),
    }
}

fn said_memory(arguments: &RunArgs, config: &Config) -> Option<u64> {
    arguments.max_memory.or_else(|| config.max_memory())
}

/// The memory of all units: what somebody said, as far as there is so much, or half of what there is.
fn max_memory(said: Option<u64>, there: Option<u64>) -> Result<u64, Failure> {
    match (said, there) {
        (Some(said), _) => Ok(said.min(there.unwrap_or(said)).max(LEAST_MEMORY)),
        (None, Some(there)) if there < LEAST_MEMORY => Err(Failure::fault(format!(
            "this machine, or the control group that the donor runs in, has {} of memory; a unit takes at least {}",
            words::bytes(there),
            words::bytes(LEAST_MEMORY)
        ))),
        (None, Some(there)) => Ok((there / 2).max(LEAST_MEMORY)),
        (None, None) => Err(Failure::fault(
            "the system does not tell how much memory there is (/proc/meminfo cannot be read); say with --max-memory how much \
             units may take",
        )),
    }
}

/// A cap that fits into what the control group allows. Beyond that the kernel would hold the donor back by itself, and with it
/// what watches the units.
fn within(cap: Share, allowed: Option<f64>, cores: usize) -> Share {
    allowed.map_or(cap, |allowed| cap.at_most(allowed / cores.max(1) as f64))
}

fn plan(arguments: &RunArgs, config: &Config, walls: Walls) -> Result<SessionPlan, Failure> {
    let server = server(&arguments.server, config)?;
    let cores = machine::cores();
    let cap = arguments.max_cpu.or_else(|| config.parsed("max-cpu"));
    let cap = match cap {
        Some(cap) => cap,
        None => STANDARD_SHARE.to_string().parse::<Share>().map_err(Failure::fault)?,
    };
    let allowed = machine::allowed_cores();
    let settings = limits(arguments, config, within(cap, allowed, cores))?;
    // The schedule may allow more at times.
    let cap = within(settings.most(), allowed, cores);
    let threads = arguments.threads.or_else(|| config.parsed("threads")).map(usize::from);
    let max_memory = max_memory(said_memory(arguments, config), machine::memory())?;
    let at_once = arguments.at_once.or_else(|| config.parsed("at-once")).map(usize::from);
    let at_once =
        at_once.unwrap_or_else(|| at_once_for(cap, cores, threads, max_memory)).min(threads.unwrap_or(usize::MAX));
    if max_memory < LEAST_MEMORY * at_once as u64 {
        let (memory, least) = (words::bytes(max_memory), words::bytes(LEAST_MEMORY));
        let message = format!("{at_once} units at once cannot share {memory} of memory: each takes at least {least}");
        return Err(Failure::fault(message));
    }
    Ok(SessionPlan {
        server,
        project: arguments.project.clone().or_else(|| config.parsed("project")),
        mode: match (arguments.execute_only, arguments.prove_only) {
            (true, _) => LeaseMode::Execute,
            (_, true) => LeaseMode::Prove,
            _ => LeaseMode::Both,
        },
        settings,
        config: config.clone(),
        cores,
        at_once,
        threads: threads.unwrap_or_else(|| at_once * cap.threads(cores).min(2 * cores / at_once).max(1)),
        max_memory,
        network: network(arguments, config),
        fetch_ahead: !arguments.no_fetch_ahead && config.fetch_ahead(),
        batch: Duration::from_secs(
            60 * u64::from(
                arguments.batch_minutes.or_else(|| config.parsed("batch-minutes")).unwrap_or(STANDARD_BATCH),
            ),
        ),
        bounds: bounds(arguments, config),
        allowed_cores: allowed,
        walls,
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

    #[test]
    fn memory_is_what_is_said_or_there_and_never_assumed() {
        const GB: u64 = 1_000_000_000;
        for (said, there, expected) in [
            (None, Some(8 * GB), Ok(4 * GB)),
            (None, Some(300_000_000), Ok(LEAST_MEMORY)),
            (Some(2 * GB), Some(8 * GB), Ok(2 * GB)),
            (Some(2 * GB), None, Ok(2 * GB)),
            (None, None, Err("does not tell how much memory")),
            (None, Some(GB / 10), Err("a unit takes at least")),
            (Some(8 * GB), Some(2 * GB), Ok(2 * GB)),
        ] {
            match (max_memory(said, there), expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{said:?} of {there:?}"),
                (Err(error), Err(expected)) => assert!(error.message.contains(expected), "{error}"),
                (found, expected) => panic!("{said:?} of {there:?}: {found:?}, not {expected:?}"),
            }
        }
    }

    #[test]
    fn the_cap_fits_into_the_control_group() {
        let cap = |text: &str| text.parse::<Share>().expect("a share");
        for (said, allowed, cores, expected) in [
            ("50", None, 2, 50.0),
            ("50", Some(2.0), 2, 50.0),
            ("100", Some(0.5), 1, 50.0),
            ("100", Some(1.5), 2, 75.0),
            ("30", Some(0.5), 1, 30.0),
            ("100", Some(0.001), 1, 1.0),
        ] {
            assert_eq!(within(cap(said), allowed, cores).percent(), expected, "{said} with {allowed:?} of {cores}");
        }
    }
}
