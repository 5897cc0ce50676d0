//! Asking the distributor for units, and what is made of its answers.

use super::backoff::Backoff;
use super::bounds::Bounds;
use super::stock::Ready;
use super::{Ending, Session};
use crate::exit::Failure;
use crate::governor::Decision;
use crate::progress::notice::Notice;
use crate::progress::words;
use crate::service::failure;
use crate::state::lease::Held;
use crate::state::{StateError, lease, ledger, outbox};
use protocol::client::{ClientError, LeaseAnswer};
use protocol::{Cause, DonorLimits, Lease, LeaseRequest, NoWork, UnitId, Versions, check_lease};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

/// Most units of a lease: a unit's process has two files of each open.
const MOST_UNITS: u32 = 256;

/// What the workers of a session share. One at a time asks for a unit.
#[derive(Default)]
pub(super) struct Queue {
    /// Units begun, less those that nobody wanted any more.
    pub(super) begun: u64,
    /// Whether the distributor has answered since the start.
    pub(super) reached: bool,
    /// When it was asked first: work may begin long after the start.
    pub(super) first_try: Option<Instant>,
}

/// What the worker does next.
pub(super) enum Next {
    Unit(Box<Ready>),
    End,
}

impl Session {
    /// Whether no more than so many units are to be begun.
    pub(super) fn is_last(&self, begun: u64) -> bool {
        self.plan.max_units.is_some_and(|most| begun >= most)
    }

    /// The next unit: one that waits, or one that is asked for until there is one.
    ///
    /// # Errors
    /// If asking again is of no use, or the state folder does not work.
    pub(super) async fn next(&self) -> Result<Next, Failure> {
        let mut queue = self.queue.lock().await;
        if self.board.ending() != Ending::Not || self.is_last(queue.begun) {
            return Ok(Next::End);
        }
        if let Some(ready) = self.stock.take() {
            self.board.set_ahead(self.stock.len());
            queue.begun += ready.held.left.len() as u64;
            return Ok(Next::Unit(Box::new(ready)));
        }
        if self.knock(&mut queue).await? {
            return Ok(Next::End);
        }
        let mut backoff = Backoff::new();
        loop {
            // A unit that is not worked on is better off with somebody else.
            let mut decisions = self.board.decision.subscribe();
            tokio::select! {
                _ = decisions.wait_for(works) => {}
                () = self.board.ends(Ending::AfterUnit) => return Ok(Next::End),
            }
            if self.wait_for_network().await {
                return Ok(Next::End);
            }
            queue.first_try.get_or_insert_with(Instant::now);
            let request = self.request(queue.begun)?;
            let answer = tokio::select! {
                answer = self.client.lease(&request) => answer,
                () = self.board.ends(Ending::AfterUnit) => return Ok(Next::End),
            };
            let (why, wait) = match answer {
                Ok(LeaseAnswer::Lease(lease)) => {
                    queue.reached = true;
                    match self.accept(&request, *lease).await? {
                        Err(why) => (why, backoff.next(None)),
                        Ok(held) => {
                            self.keep(&held).await?;
                            queue.begun += held.left.len() as u64;
                            return Ok(Next::Unit(Box::new(Ready::new(held))));
                        }
                    }
                }
                Ok(LeaseAnswer::NoWork { reason, retry_after }) => {
                    queue.reached = true;
                    lease::request_done(&self.folder)?;
                    let mut asked = retry_after.max(Duration::from_secs(1));
                    // What is on its way there makes room for more.
                    if reason == NoWork::LeaseLimit && outbox::waiting(&self.folder) > 0 {
                        asked = asked.min(backoff.next(None));
                    }
                    (self.no_work(reason), asked + asked.mul_f64(0.2 * fraction_of_now()))
                }
                Err(error) => {
                    self.check_fatal(&error, &queue)?;
                    let wait = backoff.next(error.retry_after());
                    (error.to_string(), wait)
                }
            };
            if self.wait(why, wait, true).await {
                return Ok(Next::End);
            }
        }
    }

    /// What is to be done under a lease that was just given, or why nothing is.
    pub(super) async fn accept(
        &self,
        request: &LeaseRequest,
        lease: Lease,
    ) -> Result<Result<Held, String>, StateError> {
        if let Err(why) = check_lease(request, &lease) {
            lease::request_done(&self.folder)?;
            // If it does not arrive, the lease runs out.
            let _ = self.client.release(&lease.token, None).await;
            return Ok(Err(format!("what {} lent makes no sense and was given back: {why}", self.plan.server)));
        }
        let (finished, current) = (outbox::units(&self.folder), self.board.current());
        let known = |unit: &UnitId| {
            finished.contains(unit)
                || self.stock.has(unit)
                || current.iter().any(|current| current.units.contains(unit))
        };
        let mut held = Held::new(&self.plan.server, lease);
        // A result that waits for the network is delivered in its own time, whoever has the unit.
        held.left.retain(|unit| !known(unit));
        if held.left.is_empty() {
            // After a crash between lease and request the key may still be that of a lease that is kept.
            lease::request_done(&self.folder)?;
            return Ok(Err(format!("unit {} came again, which is being worked on or delivered", held.unit())));
        }
        Ok(Ok(held))
    }

    /// What is asked for, when so many units were begun.
    pub(super) fn request(&self, begun: u64) -> Result<LeaseRequest, StateError> {
        let speed = ledger::speed(&self.folder);
        let fits_memory = speed.max_steps(self.plan.unit_memory());
        let steps_per_second = speed.steps_per_second(self.plan.settings.cap.cores(self.plan.cores));
        let units = if self.plan.batch.is_zero() { 1 } else { MOST_UNITS };
        let left = self.plan.max_units.map_or(u64::MAX, |most| most.saturating_sub(begun)).max(1);
        // While several are worked on at once, each gets its part of the machine.
        let share = steps_per_second / self.plan.at_once.max(1) as u64;
        Ok(LeaseRequest {
            request: lease::request_key(&self.folder)?,
            project: self.plan.project.clone(),
            mode: self.plan.mode,
            limits: DonorLimits {
                max_steps: self.plan.bounds.most_steps(&speed, fits_memory),
                max_memory: self.plan.unit_memory(),
                steps_per_second,
                lease_steps: Bounds::lease_steps(share, self.plan.batch, fits_memory),
                lease_units: u64::from(units).min(left) as u32,
            },
            versions: Versions::current(env!("CARGO_PKG_VERSION")),
        })
    }

    /// Keeps a lease, waiting for space if there is none.
    async fn keep(&self, held: &Held) -> Result<(), Failure> {
        while let Err(error) = lease::keep(&self.folder, held) {
            if self.wait(error.to_string(), Duration::from_secs(5), true).await {
                return Err(error.into());
            }
        }
        Ok(lease::request_done(&self.folder)?)
    }

    /// Waits, telling why. Returns whether the session is to end.
    pub(super) async fn wait(&self, why: String, time: Duration, tell: bool) -> bool {
        if tell {
            self.show.tell(&Notice::Waiting { why: why.clone(), seconds: time.as_secs() });
        }
        self.board.wait_for(Some(why));
        let ends = tokio::select! {
            () = tokio::time::sleep(time) => false,
            () = self.board.ends(Ending::AfterUnit) => true,
        };
        self.board.wait_for(None);
        ends
    }

    /// Waits until something may go over the network, telling why. Returns whether the session is to end.
    pub(super) async fn wait_for_network(&self) -> bool {
        let Some(closed) = self.board.network_closed() else { return false };
        self.show.warn(format!("no unit is fetched now: {closed}"));
        self.board.wait_for(Some(closed.to_string()));
        let ends = tokio::select! {
            () = self.board.network_opens() => false,
            () = self.board.ends(Ending::AfterUnit) => true,
        };
        self.board.wait_for(None);
        ends
    }

    fn no_work(&self, reason: NoWork) -> String {
        let of = self.plan.project.as_ref().map_or_else(|| self.plan.server.clone(), |name| format!("project {name}"));
        let memory = words::bytes(self.plan.unit_memory());
        let more = if self.plan.at_once > 1 {
            "allow more with --max-memory, or --at-once 1"
        } else {
            "allow more with --max-memory"
        };
        match reason {
            NoWork::Empty => format!("no work: {of} has no unit left to do"),
            NoWork::AllLeased => format!("no work: all open units of {of} are with other donors"),
            NoWork::TooLarge => {
                let bounds = &self.plan.bounds;
                let steps = bounds
                    .max_unit_steps
                    .map_or_else(String::new, |steps| format!(" and {} steps (--max-unit-steps)", words::count(steps)));
                format!("no work: the open units of {of} are too large for {memory} of memory{steps}; {more}")
            }
            NoWork::Version => format!("no work: {of} does not take proofs of this version; install a newer donor"),
            NoWork::Paused => format!("no work: {of} is paused by its operator"),
            NoWork::LeaseLimit => {
                format!("no work: this donor holds as many units of {of} as it may; proofs raise the limit")
            }
        }
    }

    /// Whether an answer means that trying again is of no use.
    pub(super) fn check_fatal(&self, error: &ClientError, queue: &Queue) -> Result<(), Failure> {
        let tried = queue.first_try.map_or(Duration::ZERO, |begin| begin.elapsed());
        let (impatient, reached) = (self.plan.patience.is_some_and(|patience| tried >= patience), queue.reached);
        match error.cause() {
            Some(Cause::UnknownProject | Cause::ProjectWithdrawn) => {
                Err(Failure::fault(format!("{error}. `donor projects` lists the projects of {}", self.plan.server)))
            }
            _ if !reached && impatient => Err(failure(error)),
            _ if error.is_temporary() || error.is_unreachable() => Ok(()),
            // Whoever was reached once is there: what is no refusal of its own comes from somewhere on the way, and passes.
            _ if reached && !error.is_refusal() => Ok(()),
            _ => Err(failure(error)),
        }
    }
}

/// Whether there is work to be done now.
pub(super) fn works(decision: &Decision) -> bool {
    matches!(decision, Decision::Work(share) if *share > 0.0)
}

/// Anything between 0 and 1: so that donors that were refused together do not come back together.
fn fraction_of_now() -> f64 {
    f64::from(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.subsec_micros())) / 1e6
}
