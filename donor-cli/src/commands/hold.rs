//! `donor bench --hold SECONDS`: proves the known program again and again under the governor, as `run` would, so that one
//! can see how well the cap is held. `tools/throttle` measures it from outside.

use super::bench::{Bench, job};
use super::{open, runtime, settings};
use crate::child::messages::{Event, Order};
use crate::child::unit::Unit;
use crate::cli::BenchArgs;
use crate::exit::{Exit, Failure};
use crate::governor::{Decision, Governor, Settings, Share, machine};
use crate::progress::{Phase, Show, Tracker};
use crate::session::board::{Board, Current};
use crate::session::pulse::{Constants, Pulse};
use crate::state::Folder;
use crate::state::atomic::FileError;
use protocol::UnitId;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Proves under the governor for so many seconds.
///
/// # Errors
/// If the program cannot be proved here.
pub fn hold(arguments: &BenchArgs, seconds: u64) -> Result<Exit, Failure> {
    let folder = open(&arguments.state)?;
    let _lock = folder.lock()?;
    let config = settings(&folder)?;
    let cap = arguments.max_cpu.unwrap_or(Share::WHOLE);
    let cores = machine::cores();
    let give_way = if arguments.no_yield { None } else { config.thresholds()? };
    let settings = Settings { cap, give_way, schedule: None, pause_on_battery: false };
    let threads = arguments.threads.map_or_else(|| cap.threads(cores), usize::from);
    runtime()?.block_on(under_governor(&folder, settings, threads, Duration::from_secs(seconds), arguments.json))
}

async fn under_governor(
    folder: &Folder,
    settings: Settings,
    threads: usize,
    time: Duration,
    json: bool,
) -> Result<Exit, Failure> {
    let (board, show, cores) = (Arc::new(Board::new()), Arc::new(Show::new(json)), machine::cores());
    let constants = Constants {
        donor: folder.identity()?.donor_key().to_string(),
        server: "none".to_owned(),
        project: None,
        cores,
        threads,
        max_memory: machine::memory(),
    };
    let governor = Governor::new(settings);
    let pulse = Pulse::new(governor, constants, Arc::clone(&board), folder.clone(), Arc::clone(&show));
    let pulse = pulse.map_err(|error| Failure::fault(format!("the machine cannot be watched: {error}")))?;
    let pulse = tokio::spawn(pulse.run());
    let (end, mut proofs) = (Instant::now() + time, 0);
    while Instant::now() < end {
        proofs += u64::from(prove_until(folder, &board, threads, cores, end).await?);
    }
    pulse.abort();
    show.end();
    eprintln!("{proofs} proofs in {} s", time.as_secs());
    Ok(Exit::Done)
}

/// Proves once, or stops at the end of the time. Returns whether it came to a proof.
async fn prove_until(folder: &Folder, board: &Arc<Board>, threads: usize, cores: usize, end: Instant) -> Result<bool, Failure> {
    let bench = Bench { job: job(folder, threads, board.decision.borrow().share() * cores as f64)? };
    let program = std::env::current_exe().map_err(FileError::of("find", std::path::Path::new("the donor's own file")))?;
    let mut decisions = board.decision.subscribe();
    decisions.mark_changed();
    let mut unit = Unit::start(&program, &bench.job).await.map_err(FileError::of("start", &program))?;
    let phases: Vec<Phase> = Phase::ALL.into_iter().filter(|phase| !matches!(phase, Phase::Download | Phase::Upload)).collect();
    board.set_current(Some(Current {
        unit: UnitId::from_bytes([0; UnitId::LEN]),
        project: "bench".parse().map_err(Failure::fault)?,
        tracker: Tracker::new(&phases),
        process: unit.id(),
        memory: 0,
    }));
    let proved = loop {
        tokio::select! {
            event = unit.next() => match event {
                None => break true,
                Some(Event::Progress { phase, fraction }) => {
                    board.with_current(|current| current.tracker.report(phase, fraction));
                }
                Some(Event::Failed { cause, detail }) => {
                    return Err(Failure::fault(format!("the measurement failed ({cause}): {detail}")));
                }
                Some(_) => {}
            },
            Ok(()) = decisions.changed() => {
                let share = decisions.borrow_and_update().clone();
                unit.order(&Order::Cores(Decision::share(&share) * cores as f64)).await;
            }
            () = tokio::time::sleep_until(end) => break false,
        }
    };
    board.set_current(None);
    unit.stop().await;
    Ok(proved)
}
