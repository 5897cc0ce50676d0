//! Leases that wait for their turn.

use crate::state::lease::Held;
use protocol::{Timestamp, UnitId};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// How long before a unit's end the next one is fetched at most.
const LONGEST_LEAD: Duration = Duration::from_secs(120);

/// How long before the end of the unit under this lease the next one may be fetched: no longer than a quarter of a lease.
pub fn lead(held: &Held) -> Duration {
    let length = held.lease.expires_at.since(held.lease.now);
    (Duration::from_secs(length) / 4).clamp(Duration::from_secs(1), LONGEST_LEAD)
}

/// A unit that waits for its turn.
#[derive(Debug)]
pub struct Ready {
    /// Its lease.
    pub held: Held,
    /// Whether an earlier session had it.
    pub resumed: bool,
    /// The download of its files, if it was begun.
    pub fetch: Option<JoinHandle<()>>,
    /// Since when it waits.
    pub(super) since: Instant,
    /// When its lease must be renewed.
    pub(super) renew_at: Option<Instant>,
}

impl Ready {
    /// One that was just lent, and whose turn it is.
    pub fn new(held: Held) -> Self {
        Self { held, resumed: false, fetch: None, since: Instant::now(), renew_at: None }
    }

    /// One of an earlier session.
    pub fn resumed(held: Held) -> Self {
        Self {
            renew_at: Some(Instant::now() + to_renewal(&held)),
            held,
            resumed: true,
            fetch: None,
            since: Instant::now(),
        }
    }
}

/// Units that wait for their turn, the next one first.
#[derive(Debug, Default)]
pub struct Stock(Mutex<Vec<Ready>>);

impl Stock {
    pub(super) fn lock(&self) -> MutexGuard<'_, Vec<Ready>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next unit.
    pub fn take(&self) -> Option<Ready> {
        let mut stock = self.lock();
        (!stock.is_empty()).then(|| stock.remove(0))
    }

    /// Adds one.
    pub fn add(&self, ready: Ready) {
        self.lock().push(ready);
    }

    /// Whether a unit is among them.
    pub fn has(&self, unit: &UnitId) -> bool {
        self.lock().iter().any(|ready| ready.held.has(unit))
    }

    /// How many leases there are.
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// How many units they are of.
    pub fn units(&self) -> u64 {
        self.lock().iter().map(|ready| ready.held.left.len() as u64).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// The first that must be renewed now.
    pub(super) fn to_renew(&self) -> Option<Held> {
        let due = |ready: &&Ready| ready.renew_at.is_some_and(|at| at <= Instant::now());
        self.lock().iter().find(due).map(|ready| ready.held.clone())
    }

    /// Takes out the first that was fetched ahead and of which something is so.
    pub(super) fn take_fresh(&self, is_so: impl Fn(&Ready) -> bool) -> Option<Ready> {
        let mut stock = self.lock();
        let at = stock.iter().position(|ready| !ready.resumed && is_so(ready))?;
        Some(stock.remove(at))
    }
}

/// Half of the time that is left.
pub(super) fn to_renewal(held: &Held) -> Duration {
    let left = held.expires_here.since(Timestamp::now());
    Duration::from_secs_f64((left as f64 / 2.0).clamp(1.0, 3600.0))
}
