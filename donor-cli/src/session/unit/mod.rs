//! One unit, from its lease to the outbox.

mod fetch;
mod finish;
mod process;

use super::board::{Board, Current};
use super::stock::{Ready, lead};
use super::{Ending, SessionPlan};
use crate::progress::notice::Notice;
use crate::progress::{Phase, Show, Tracker};
use crate::state::lease::Held;
use crate::state::outbox::Kind;
use crate::state::{Folder, StateError, atomic, lease, ledger};
use protocol::client::DonorClient;
use protocol::{Cause, FailureCause, FailureReport, LeaseMode, MAX_DETAIL, UnitLimits};
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

/// How a unit ended for the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Its result is in the outbox.
    Finished,
    /// It failed, and was given back.
    Failed,
    /// It was interrupted and goes on at the next start.
    Interrupted,
    /// Nobody wants it any more.
    Dropped,
}

/// Why a unit does not get to an end of its own.
enum Stop {
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

impl Worker {
    /// Takes a unit to its end. Its lease is on disk.
    ///
    /// # Errors
    /// If the state folder does not work.
    pub async fn work(&self, ready: Ready) -> Result<End, StateError> {
        let Ready { mut held, resumed, fetch, .. } = ready;
        let unit = held.unit();
        let mode = held.lease.mode;
        self.show.tell(&Notice::Unit {
            unit: unit.to_string(),
            project: held.lease.project.name.to_string(),
            steps: held.lease.unit.estimated_steps,
            mode: mode.name().to_owned(),
            resumed,
        });
        let phases: Vec<Phase> = Phase::ALL.into_iter().filter(|phase| belongs(*phase, mode)).collect();
        self.board.begin(Current {
            unit,
            project: held.lease.project.name.clone(),
            tracker: Tracker::new(&phases),
            process: None,
            memory: 0,
            expected: self.expected(&held),
            lead: lead(&held),
        });
        let end = self.to_an_end(&mut held, fetch).await;
        self.board.finish(&unit);
        if matches!(end, Ok(End::Finished)) {
            self.board.outbox.notify_one();
        }
        end
    }

    /// Working time of a unit, as far as the machine's speed is known.
    fn expected(&self, held: &Held) -> Option<Duration> {
        let cores = self.plan.settings.cap.cores(self.plan.cores) / self.plan.at_once.max(1) as f64;
        let seconds = ledger::speed(&self.folder).seconds(held.lease.unit.estimated_steps, held.lease.mode, cores)?;
        Duration::try_from_secs_f64(seconds).ok()
    }

    async fn to_an_end(&self, held: &mut Held, fetch: Option<JoinHandle<()>>) -> Result<End, StateError> {
        let outcome = self.through(held, fetch).await;
        match outcome {
            Ok(()) => Ok(End::Finished),
            Err(Stop::Failed(cause, detail)) => self.failed(held, cause, detail).await,
            Err(Stop::Interrupted) => Ok(End::Interrupted),
            Err(Stop::Dropped(why)) => {
                self.show.warn(format!("unit {} is not worked on any more: {why}", held.unit()));
                self.forget(held)?;
                Ok(End::Dropped)
            }
            Err(Stop::Broken(error)) => Err(error),
        }
    }

    async fn through(&self, held: &mut Held, fetch: Option<JoinHandle<()>>) -> Result<(), Stop> {
        if let Some(why) = self.plan.bounds.refuse(&held.lease) {
            return Err(Stop::Failed(FailureCause::Stopped, why));
        }
        self.check_signature(held)?;
        let lent = held.clone();
        let fetched = async {
            if let Some(fetch) = fetch {
                // How it went is found out below.
                let _ = fetch.await;
            }
            self.fetch(&lent).await
        };
        self.keeping(held, fetched).await?;
        let begin = Instant::now();
        let told = self.run(held).await?;
        if let Some((cause, detail)) = told.failure {
            let limits = &held.lease.project.limits;
            let executed = told.execute_seconds.is_some() || held.lease.mode == LeaseMode::Prove;
            let seconds = if executed { total_seconds(limits) } else { limits.time_limit };
            return Err(match self.plan.bounds.explain(limits, seconds, cause) {
                Some(why) => Stop::Failed(FailureCause::Stopped, why),
                None => Stop::Failed(cause, detail),
            });
        }
        if !told.finished {
            return Err(Stop::Failed(FailureCause::Crash, "the work unit ended without a result".to_owned()));
        }
        self.put_into_outbox(held, told.steps, begin).await
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

    async fn failed(&self, held: &Held, cause: FailureCause, detail: String) -> Result<End, StateError> {
        self.board.count(|counts| counts.failed += 1);
        if let Err(error) = ledger::add(&self.folder, |totals| ledger::one_more(&mut totals.failed)) {
            self.show.warn(error);
        }
        let unit = held.unit();
        self.show.tell(&Notice::Failed {
            unit: unit.to_string(),
            cause: cause.name().to_owned(),
            detail: detail.clone(),
        });
        let detail = detail.chars().take(MAX_DETAIL).collect();
        let report = FailureReport { cause, detail };
        // A report that does not arrive costs the others only the rest of the lease.
        if let Err(error) = self.client.release(&held.lease.token, Some(&report)).await {
            self.show.warn(format!("the failure of unit {unit} could not be reported: {error}"));
        }
        self.forget(held)?;
        Ok(End::Failed)
    }

    /// Removes what was kept of a unit.
    fn forget(&self, held: &Held) -> Result<(), StateError> {
        atomic::remove(&self.folder.execution(&held.unit()))?;
        for kind in [Kind::Execution, Kind::Proof] {
            atomic::remove(&self.folder.work(&held.unit(), kind))?;
        }
        lease::forget(&self.folder, &held.unit())
    }
}

/// Half of the time that is left, at least a second. Of a long lease not so much: the clock may be set meanwhile.
fn time_to_renew(held: &Held) -> Duration {
    let left = held.expires_here.since(protocol::Timestamp::now());
    (Duration::from_secs(left) / 2).clamp(Duration::from_secs(1), LONGEST_WITHOUT_RENEWAL)
}

/// Processor seconds of a unit from begin to end, as its limits explain them.
const fn total_seconds(limits: &UnitLimits) -> u64 {
    limits.time_limit.saturating_add(limits.max_steps / SLOWEST).saturating_add(SPARE_SECONDS)
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
