//! The units of a lease, from there to the outbox.
//!
//! They are worked on in groups, each of which may become one proof. Whatever fails fails alone: a unit that cannot be executed is
//! reported, and the others of its group go on; a group that cannot be proved is halved, until the unit that is to blame is alone.

mod fetch;
mod finish;
mod process;

use self::process::Told;
use super::board::{Board, Current};
use super::stock::{Ready, lead};
use super::{Ending, SessionPlan};
use crate::child::MOST_RUNS;
use crate::progress::notice::Notice;
use crate::progress::{Phase, Show, Tracker};
use crate::state::lease::Held;
use crate::state::outbox::Kind;
use crate::state::{Folder, StateError, atomic, lease, ledger};
use protocol::client::DonorClient;
use protocol::{Cause, FailureCause, FailureReport, GivenBack, LeaseMode, LeasedUnit, MAX_DETAIL, UnitId, UnitLimits};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// Processor seconds that a unit may take beyond what its steps explain.
const SPARE_SECONDS: u64 = 600;

/// Steps proved in a processor second by a very slow machine.
const SLOWEST: u64 = 500;

/// Largest execution file that is taken.
const MAX_EXECUTION_BYTES: u64 = 1 << 30;

/// Longest time between two renewals of a lease.
const LONGEST_WITHOUT_RENEWAL: Duration = Duration::from_secs(3600);

/// Between two tries of something on disk that does not work.
const BETWEEN_TRIES: Duration = Duration::from_secs(5);

/// How a lease ended for the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Results are in the outbox.
    Finished,
    /// All units failed, and were given back.
    Failed,
    /// It was interrupted and goes on at the next start.
    Interrupted,
    /// Nobody wants these units any more: so many.
    Dropped(u64),
}

/// Why units do not get to an end of their own.
enum Stop {
    /// All that are left failed.
    Failed(FailureCause, String),
    Interrupted,
    Dropped(String),
    Broken(StateError),
}

impl<E: Into<StateError>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Broken(error.into())
    }
}

/// Works on units.
#[derive(Clone)]
pub struct Worker {
    /// The distributor.
    pub client: DonorClient,
    /// The board of the session.
    pub board: Arc<Board>,
    /// The state folder.
    pub folder: Folder,
    /// Where to tell.
    pub show: Arc<Show>,
    /// What the session may use.
    pub plan: SessionPlan,
}

/// The work on one lease.
struct Work {
    held: Held,
    /// Units whose results are in the outbox.
    finished: u64,
    /// Most units of the next group; fewer once a group could not be proved.
    most_runs: usize,
}

impl Worker {
    /// Takes the units of a lease to their ends. The lease is on disk.
    ///
    /// # Errors
    /// If the state folder does not work.
    pub async fn work(&self, ready: Ready) -> Result<End, StateError> {
        let Ready { held, resumed, fetch, .. } = ready;
        let unit = held.unit();
        let mode = held.lease.mode;
        self.show.tell(&Notice::Unit {
            unit: unit.to_string(),
            units: held.left.len(),
            project: held.lease.project.name.to_string(),
            steps: held.steps(),
            mode: mode.name().to_owned(),
            resumed,
        });
        let phases: Vec<Phase> = Phase::ALL.into_iter().filter(|phase| belongs(*phase, mode)).collect();
        self.board.begin(Current {
            unit,
            units: held.lease.units.iter().map(|unit| unit.id).collect(),
            project: held.lease.project.name.clone(),
            tracker: Tracker::new(&phases, self.board.weights()),
            process: None,
            memory: 0,
            expected: self.expected(&held),
            lead: lead(&held),
        });
        let end = self.to_an_end(Work { held, finished: 0, most_runs: usize::MAX }, fetch).await;
        if matches!(end, Ok(End::Finished)) {
            self.board.learn(&unit);
        }
        self.board.finish(&unit);
        if matches!(end, Ok(End::Finished)) {
            self.board.outbox.notify_one();
        }
        end
    }

    /// Working time of the units, as far as the machine's speed is known.
    fn expected(&self, held: &Held) -> Option<Duration> {
        let cores = self.plan.settings.cap.cores(self.plan.cores) / self.plan.at_once.max(1) as f64;
        let seconds = ledger::speed(&self.folder).seconds(held.steps(), held.lease.mode, cores)?;
        Duration::try_from_secs_f64(seconds).ok()
    }

    async fn to_an_end(&self, mut work: Work, fetch: Option<JoinHandle<()>>) -> Result<End, StateError> {
        let outcome = self.through(&mut work, fetch).await;
        match outcome {
            Ok(()) if work.finished > 0 => Ok(End::Finished),
            Ok(()) => Ok(End::Failed),
            Err(Stop::Failed(cause, detail)) => {
                self.all_failed(&mut work, cause, &detail).await?;
                Ok(if work.finished > 0 { End::Finished } else { End::Failed })
            }
            Err(Stop::Interrupted) => Ok(End::Interrupted),
            Err(Stop::Dropped(why)) => {
                self.show.warn(format!("unit {} is not worked on any more: {why}", work.held.unit()));
                let left = work.held.left.clone();
                self.done(&mut work.held, &left)?;
                Ok(End::Dropped(left.len() as u64))
            }
            Err(Stop::Broken(error)) => Err(error),
        }
    }

    async fn through(&self, work: &mut Work, fetch: Option<JoinHandle<()>>) -> Result<(), Stop> {
        for unit in work.held.open().cloned().collect::<Vec<_>>() {
            if let Some(why) = self.plan.bounds.refuse(&unit) {
                self.one_failed(work, &unit.id, FailureCause::Stopped, &why).await?;
            }
        }
        if work.held.left.is_empty() {
            return Ok(());
        }
        self.check_signature(&work.held)?;
        let lent = work.held.clone();
        let fetched = async {
            if let Some(fetch) = fetch {
                // How it went is found out below.
                let _ = fetch.await;
            }
            self.fetch(&lent).await
        };
        for (unit, cause, detail) in self.keeping(&mut work.held, fetched).await? {
            self.one_failed(work, &unit, cause, &detail).await?;
        }
        let all = work.held.steps().max(1);
        while !work.held.left.is_empty() {
            let group = self.group(work);
            let before = 1.0 - work.held.steps() as f64 / all as f64;
            let steps = group.iter().fold(0_u64, |sum, unit| sum.saturating_add(unit.steps()));
            self.board.with(&work.held.unit(), |current| current.tracker.part(before, steps as f64 / all as f64));
            let begin = Instant::now();
            let told = self.run(work, &group).await?;
            self.take_in(work, &group, told, begin).await?;
        }
        Ok(())
    }

    /// The units that are worked on next, in one process. Where they are proved, they are as many as one proof can be of in the
    /// memory, as far as their steps say; one is always tried.
    fn group(&self, work: &Work) -> Vec<LeasedUnit> {
        if work.held.lease.mode == LeaseMode::Execute {
            return work.held.open().cloned().collect();
        }
        let most_steps = ledger::speed(&self.folder).max_steps(self.plan.unit_memory());
        let (mut group, mut steps) = (Vec::new(), 0_u64);
        for unit in work.held.open().take(work.most_runs.min(MOST_RUNS)) {
            steps = steps.saturating_add(unit.steps());
            if steps > most_steps && !group.is_empty() {
                break;
            }
            group.push(unit.clone());
        }
        group
    }

    /// What became of a group. At least one of its units is done then, or the next group is smaller.
    async fn take_in(&self, work: &mut Work, group: &[LeasedUnit], told: Told, begin: Instant) -> Result<(), Stop> {
        let open: Vec<UnitId> = group.iter().map(|unit| unit.id).filter(|id| work.held.left.contains(id)).collect();
        if let Some((cause, detail)) = told.failure {
            // Nothing that a machine does not do says anything about its units. But who ends the largest process when memory is
            // short may let a smaller one live.
            let smaller = told.doing.is_none() && open.len() > 1;
            if cause == FailureCause::Stopped && !smaller {
                return Err(Stop::Failed(cause, detail));
            }
            let blamed = match (told.doing, open.as_slice()) {
                // It may be the executions before it that took the memory.
                (Some(_), [_, _, ..]) if cause == FailureCause::OutOfMemory && told.executed > 0 => None,
                (Some(unit), _) => Some(unit),
                (None, [unit]) => Some(*unit),
                (None, _) => None,
            };
            return match blamed {
                Some(unit) => self.one_failed(work, &unit, cause, &detail).await,
                None => {
                    let half = (open.len() / 2).max(1);
                    self.show.warn(format!(
                        "{} units could not be proved together ({cause}: {detail}); they are proved in parts of {half}",
                        open.len()
                    ));
                    work.most_runs = half;
                    Ok(())
                }
            };
        }
        if let Some(proved) = told.proved {
            return self.put_into_outbox(work, &proved, Kind::Proof, begin).await;
        }
        // What was executed to be handed over is in the outbox; what was executed to be proved should have been.
        for unit in open {
            let detail = "the work unit's process ended without a result";
            self.one_failed(work, &unit, FailureCause::Crash, detail).await?;
        }
        Ok(())
    }

    /// Does something that may take long, and keeps the lease alive meanwhile.
    async fn keeping<T>(&self, held: &mut Held, work: impl Future<Output = Result<T, Stop>>) -> Result<T, Stop> {
        tokio::pin!(work);
        let mut renewal = Some(Instant::now() + time_to_renew(held));
        loop {
            let due = renewal.unwrap_or_else(|| Instant::now() + Duration::from_secs(86_400));
            tokio::select! {
                outcome = &mut work => return outcome,
                () = tokio::time::sleep_until(due), if renewal.is_some() => {
                    renewal = self.renew(held).await?.map(|wait| Instant::now() + wait);
                }
                () = self.board.ends(Ending::Now) => return Err(Stop::Interrupted),
            }
        }
    }

    fn report(&self, held: &Held, phase: Phase, fraction: f64) {
        let mut before = phase;
        self.board.with(&held.unit(), |current| {
            before = current.tracker.phase();
            current.tracker.report(phase, fraction);
        });
        if before < phase {
            self.show.tell(&Notice::Phase { unit: held.unit().to_string(), phase: phase.name() });
            // The scout may have to hurry.
            self.board.parts.send_replace(());
        }
    }

    async fn pause(&self, time: Duration) -> Result<(), Stop> {
        tokio::select! {
            () = tokio::time::sleep(time) => Ok(()),
            () = self.board.ends(Ending::Now) => Err(Stop::Interrupted),
        }
    }

    /// Renews the lease. Returns when to do so again; `None` if it cannot be renewed any more, which is no reason to stop: a
    /// late proof is taken while the unit is unproved.
    async fn renew(&self, held: &mut Held) -> Result<Option<Duration>, Stop> {
        match self.client.renew(&held.lease.token).await {
            Ok(renewed) => {
                held.renewed(&renewed);
                lease::keep(&self.folder, held)?;
                // That nothing is wanted any more is believed only of all units at once: then nothing is lost by it but work.
                if !held.left.is_empty() && held.left.iter().all(|unit| renewed.settled.contains(unit)) {
                    return Err(Stop::Dropped("it is proved, withdrawn or set aside".to_owned()));
                }
                Ok(Some(time_to_renew(held)))
            }
            Err(error) => match error.cause() {
                Some(Cause::UnitWithdrawn | Cause::ProjectWithdrawn | Cause::UnknownUnit) => {
                    Err(Stop::Dropped(error.to_string()))
                }
                Some(Cause::LeaseExpired | Cause::UnknownLease) => Ok(None),
                Some(_) => Ok(Some(error.retry_after().unwrap_or(Duration::from_secs(60)).max(Duration::from_secs(1)))),
                None => Ok(Some(Duration::from_secs(30))),
            },
        }
    }

    /// A unit failed: that is reported, and the others go on.
    async fn one_failed(&self, work: &mut Work, unit: &UnitId, cause: FailureCause, detail: &str) -> Result<(), Stop> {
        let limits = &work.held.lease.project.limits;
        let executed = work.held.lease.mode == LeaseMode::Prove || self.folder.execution(unit).exists();
        let seconds = if executed { total_seconds(limits, 1) } else { limits.time_limit };
        let (cause, detail) = match self.plan.bounds.explain(limits, seconds, cause) {
            Some(why) => (FailureCause::Stopped, why),
            None => (cause, detail.to_owned()),
        };
        let units = vec![*unit];
        self.report_failure(&work.held, units.clone(), cause, &detail).await;
        self.done(&mut work.held, &units)?;
        Ok(())
    }

    /// All units that are left failed for the same reason.
    async fn all_failed(&self, work: &mut Work, cause: FailureCause, detail: &str) -> Result<(), StateError> {
        let left = work.held.left.clone();
        self.report_failure(&work.held, left.clone(), cause, detail).await;
        self.done(&mut work.held, &left)
    }

    async fn report_failure(&self, held: &Held, units: Vec<UnitId>, cause: FailureCause, detail: &str) {
        let count = units.len() as u64;
        self.board.count(|counts| counts.failed += count);
        let counted = ledger::add(&self.folder, |totals| totals.failed = totals.failed.saturating_add(count));
        if let Err(error) = counted {
            self.show.warn(error);
        }
        for unit in &units {
            self.show.tell(&Notice::Failed {
                unit: unit.to_string(),
                cause: cause.name().to_owned(),
                detail: detail.to_owned(),
            });
        }
        let report = FailureReport { cause, detail: detail.chars().take(MAX_DETAIL).collect() };
        // What is said of one file at a time is said of each unit.
        let parts: Vec<Vec<UnitId>> = match cause {
            FailureCause::BadExecution => units.into_iter().map(|unit| vec![unit]).collect(),
            _ => vec![units],
        };
        for units in parts {
            let back = GivenBack { units, failure: Some(report.clone()) };
            // A report that does not arrive costs the others only the rest of the lease.
            if let Err(error) = self.client.release(&held.lease.token, Some(&back)).await {
                self.show.warn(format!("the failure of unit {} could not be reported: {error}", held.unit()));
            }
        }
    }

    /// Removes what was kept of units that are done, and the lease with the last of them.
    fn done(&self, held: &mut Held, units: &[UnitId]) -> Result<(), StateError> {
        held.done(units);
        for unit in units {
            atomic::remove(&self.folder.execution(unit))?;
            for kind in [Kind::Execution, Kind::Proof] {
                atomic::remove(&self.folder.work(unit, kind))?;
            }
        }
        if held.left.is_empty() {
            atomic::remove(&self.folder.work(&held.unit(), Kind::Proof))?;
            return lease::forget(&self.folder, &held.unit());
        }
        Ok(lease::keep(&self.folder, held)?)
    }
}

/// Half of the time that is left, at least a second. Of a long lease not so much: the clock may be set meanwhile.
fn time_to_renew(held: &Held) -> Duration {
    let left = held.expires_here.since(protocol::Timestamp::now());
    (Duration::from_secs(left) / 2).clamp(Duration::from_secs(1), LONGEST_WITHOUT_RENEWAL)
}

/// Processor seconds of so many units from begin to end, as their limits explain them.
const fn total_seconds(limits: &UnitLimits, units: u64) -> u64 {
    let each = limits.time_limit.saturating_add(limits.max_steps / SLOWEST);
    each.saturating_mul(units).saturating_add(SPARE_SECONDS)
}

/// Whether a unit goes through this phase. Upload is not among them: the outbox takes its time.
const fn belongs(phase: Phase, mode: LeaseMode) -> bool {
    match phase {
        Phase::Download => true,
        Phase::Execute => !matches!(mode, LeaseMode::Prove),
        Phase::Upload => false,
        _ => !matches!(mode, LeaseMode::Execute),
    }
}
