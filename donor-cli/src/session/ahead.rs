//! Fetching the next unit while one is worked on, so that the machine has something to do when that one ends.
//!
//! A unit that is lent and not worked on keeps others from it. So there is at most one for each unit that is worked on, it is
//! asked for only when that one is near its end, and it is given back if the work ends, pauses for long, or turns out to take
//! longer. Until then its lease is kept alive. It is on disk like any other lease.

use super::stock::{Ready, to_renewal};
use super::unit::Worker;
use super::{Ending, Session, backoff::Backoff};
use crate::governor::Decision;
use crate::progress::notice::Notice;
use crate::state::lease::Held;
use crate::state::{StateError, atomic, lease};
use protocol::client::{ClientError, LeaseAnswer};
use protocol::{Cause, Renewed};
use std::time::Duration;
use tokio::time::Instant;

/// How long work may pause before units that were fetched ahead are given back.
const LONGEST_PAUSE: Duration = Duration::from_secs(120);

/// How long a unit is kept though the one before it turned out not to end soon.
const LONGEST_KEPT: Duration = Duration::from_secs(600);

/// Most time for giving back a lease.
const PATIENCE: Duration = Duration::from_secs(3);

/// Looks ahead for as long as the session lasts.
pub struct Scout {
    session: std::sync::Arc<Session>,
    worker: Worker,
    failures: Backoff,
    /// Nothing is asked for before.
    quiet_until: Instant,
    paused_since: Option<Instant>,
}

impl Scout {
    /// For a session, with a worker to fetch with.
    pub fn new(session: std::sync::Arc<Session>, worker: Worker) -> Self {
        Self { session, worker, failures: Backoff::new(), quiet_until: Instant::now(), paused_since: None }
    }

    /// Looks ahead until the session ends, and gives back then what was not begun.
    pub async fn run(mut self) {
        let mut beats = self.session.board.parts.subscribe();
        loop {
            tokio::select! {
                _ = beats.changed() => {}
                () = self.session.board.ends(Ending::AfterUnit) => break,
            }
            self.renew().await;
            self.give_back_unwanted().await;
            if self.session.plan.fetch_ahead && Instant::now() >= self.quiet_until && self.wants_more() {
                match self.ask().await {
                    Ok(wait) => self.quiet_until = Instant::now() + wait,
                    // The worker that meets it next ends the session.
                    Err(error) => {
                        self.session.show.warn(error);
                        self.quiet_until = Instant::now() + Duration::from_secs(60);
                    }
                }
            }
        }
        while let Some(ready) = self.session.stock.take_fresh(|_| true) {
            self.give_back(ready).await;
        }
    }

    /// Units that are worked on and end soon.
    fn ending_soon(&self) -> usize {
        let board = &self.session.board;
        let (share, cap) = (board.decision.borrow().share(), self.session.plan.settings.cap.fraction());
        board.current().iter().filter(|current| current.ends_soon(share, cap)).count()
    }

    fn wants_more(&self) -> bool {
        let board = &self.session.board;
        matches!(*board.decision.borrow(), Decision::Work(share) if share > 0.0)
            && board.ending() == Ending::Not
            && board.network_closed().is_none()
            && self.session.stock.len() < self.ending_soon()
    }

    /// Asks for a unit, keeps it and begins to fetch it. Returns how long not to ask again.
    async fn ask(&mut self) -> Result<Duration, StateError> {
        let session = std::sync::Arc::clone(&self.session);
        // A worker that asks has nothing to do: it comes first.
        let Ok(queue) = session.queue.try_lock() else { return Ok(Duration::from_millis(500)) };
        let begun = queue.begun + session.stock.units();
        if session.is_last(begun) || !self.wants_more() {
            return Ok(Duration::ZERO);
        }
        let request = session.request(begun)?;
        let answer = tokio::select! {
            answer = session.client.lease(&request) => answer,
            // Asked with the same key, the next request gets the same lease.
            () = session.board.ends(Ending::AfterUnit) => return Ok(Duration::ZERO),
        };
        match answer {
            Ok(LeaseAnswer::Lease(lease)) => {
                let held = match session.accept(&request, *lease).await? {
                    Ok(held) => held,
                    Err(why) => {
                        session.show.warn(why);
                        return Ok(self.failures.next(None));
                    }
                };
                if let Err(error) = lease::keep(&session.folder, &held) {
                    // The request's key brings the same lease when there is space again.
                    session.show.warn(error);
                    return Ok(Duration::from_secs(30));
                }
                lease::request_done(&session.folder)?;
                drop(queue);
                self.failures = Backoff::new();
                self.keep(held);
                Ok(Duration::ZERO)
            }
            Ok(LeaseAnswer::NoWork { retry_after, .. }) => {
                lease::request_done(&session.folder)?;
                Ok(retry_after.clamp(Duration::from_secs(1), Duration::from_secs(600)))
            }
            Err(error) => Ok(self.failures.next(error.retry_after())),
        }
    }

    fn keep(&self, held: Held) {
        let session = &self.session;
        session
            .show
            .tell(&Notice::Ahead { unit: held.unit().to_string(), project: held.lease.project.name.to_string() });
        let (worker, lent) = (self.worker.clone(), held.clone());
        let fetch = tokio::spawn(async move { worker.fetch_ahead(&lent).await });
        let renew_at = Some(Instant::now() + to_renewal(&held));
        session.stock.add(Ready { held, resumed: false, fetch: Some(fetch), since: Instant::now(), renew_at });
        session.board.set_ahead(session.stock.len());
    }

    /// Renews the first lease that is due.
    async fn renew(&self) {
        let Some(held) = self.session.stock.to_renew() else { return };
        let answer = tokio::select! {
            answer = self.session.client.renew(&held.lease.token) => answer,
            () = self.session.board.ends(Ending::AfterUnit) => return,
        };
        let gone = match &answer {
            Err(ClientError::Refused(problem)) => matches!(
                problem.cause,
                Cause::UnitWithdrawn
                    | Cause::ProjectWithdrawn
                    | Cause::UnknownUnit
                    | Cause::LeaseExpired
                    | Cause::UnknownLease
            ),
            _ => false,
        };
        if let Some(ready) = self.note_renewal(&held, answer, gone) {
            self.forget(ready).await;
        }
    }

    /// Writes down how a renewal went. Returns the unit if its lease is gone.
    fn note_renewal(&self, held: &Held, answer: Result<Renewed, ClientError>, gone: bool) -> Option<Ready> {
        let mut stock = self.session.stock.lock();
        // It may have been taken meanwhile; then its worker renews it.
        let at = stock.iter().position(|ready| ready.held.unit() == held.unit())?;
        let ready = stock.get_mut(at)?;
        match answer {
            Ok(renewed) => {
                ready.held.renewed(&renewed);
                ready.renew_at = Some(Instant::now() + to_renewal(&ready.held));
                if let Err(error) = lease::keep(&self.session.folder, &ready.held) {
                    self.session.show.warn(error);
                }
            }
            // What was begun in an earlier session may still be finished; what was not begun is better left alone.
            Err(_) if gone && ready.resumed => ready.renew_at = None,
            Err(_) if gone => {
                let ready = stock.remove(at);
                self.session.board.set_ahead(stock.len());
                return Some(ready);
            }
            Err(_) => ready.renew_at = Some(Instant::now() + Duration::from_secs(30)),
        }
        None
    }

    /// Gives back what is not needed for a long time.
    async fn give_back_unwanted(&mut self) {
        let paused = matches!(*self.session.board.decision.borrow(), Decision::Pause(_));
        let since = if paused { *self.paused_since.get_or_insert_with(Instant::now) } else { Instant::now() };
        if !paused {
            self.paused_since = None;
        }
        let long = since.elapsed() >= LONGEST_PAUSE;
        let idle = self.ending_soon() == 0;
        let unwanted = |ready: &Ready| long || (idle && ready.since.elapsed() >= LONGEST_KEPT);
        if let Some(ready) = self.session.stock.take_fresh(unwanted) {
            self.session.board.set_ahead(self.session.stock.len());
            self.give_back(ready).await;
        }
    }

    async fn give_back(&self, ready: Ready) {
        let release = self.session.client.release(&ready.held.lease.token, None);
        match tokio::time::timeout(PATIENCE, release).await {
            Ok(Ok(()) | Err(ClientError::Refused(_))) => self.forget(ready).await,
            // It stays on disk: the next start goes on with it, or it runs out.
            _ => {
                let Some(fetch) = ready.fetch else { return };
                fetch.abort();
            }
        }
    }

    async fn forget(&self, ready: Ready) {
        if let Some(fetch) = ready.fetch {
            fetch.abort();
            // Only that it has ended matters.
            let _ = fetch.await;
        }
        let (folder, held) = (&self.session.folder, &ready.held);
        let mut executions = held.left.iter().map(|unit| folder.execution(unit));
        let forgotten = executions.try_for_each(|path| atomic::remove(&path)).map_err(StateError::from);
        if let Err(error) = forgotten.and_then(|()| lease::forget(folder, &held.unit())) {
            self.session.show.warn(error);
        }
    }
}
