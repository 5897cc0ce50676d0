//! The network as its owner allows it: counts what travels, slows it down, and says when nothing may.
//!
//! Only what travels in bodies counts. Lease renewals and releases, a few hundred bytes each, go at any time: without them
//! work would be done twice.

use crate::governor::network::{Closed, NetworkLimits, Pace};
use crate::state::network::{Used, keep};
use crate::state::record::RecordError;
use crate::state::{Folder, network};
use jiff::Zoned;
use protocol::client::{Traffic, Way};
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Between two writes of what was used; the end of a process costs the count no more.
const BETWEEN_WRITES: Duration = Duration::from_secs(5);

/// The network.
#[derive(Debug)]
pub struct Network {
    limits: NetworkLimits,
    begin: Instant,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    used: Used,
    up: Option<Pace>,
    down: Option<Pace>,
    /// When the count was last written down, and what it was.
    written: Option<(Instant, Used)>,
}

impl Network {
    /// Goes on with what an earlier session counted. The message says if that is lost.
    pub fn new(limits: NetworkLimits, folder: &Folder) -> (Self, Option<String>) {
        let (used, message) = network::load(folder, Zoned::now().date());
        let inner =
            Inner { used, up: limits.upload.map(Pace::new), down: limits.download.map(Pace::new), written: None };
        (Self { limits, begin: Instant::now(), inner: Mutex::new(inner) }, message)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is allowed.
    pub const fn limits(&self) -> &NetworkLimits {
        &self.limits
    }

    /// Why nothing may travel now.
    pub fn closed(&self, now: &Zoned) -> Option<Closed> {
        let mut inner = self.lock();
        inner.used.roll(now.date());
        self.limits.closed(now.datetime(), &inner.used)
    }

    /// What was used.
    pub fn used(&self) -> Used {
        self.lock().used
    }

    /// Writes down what was used if it has changed; not more often than needed unless it is the end.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn keep(&self, folder: &Folder, at_once: bool) -> Result<(), RecordError> {
        let mut inner = self.lock();
        let due = match inner.written {
            None => inner.used.today > 0,
            Some((at, used)) => used != inner.used && (at_once || at.elapsed() >= BETWEEN_WRITES),
        };
        if due {
            inner.written = Some((Instant::now(), inner.used));
            keep(folder, &inner.used)?;
        }
        Ok(())
    }
}

impl Traffic for Network {
    fn pass(&self, way: Way, bytes: u64) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let now = self.begin.elapsed();
        let mut inner = self.lock();
        inner.used.add(Zoned::now().date(), bytes);
        let pace = if way == Way::Up { inner.up.as_mut() } else { inner.down.as_mut() };
        let wait = pace.map_or(Duration::ZERO, |pace| pace.reserve(now, bytes));
        drop(inner);
        Box::pin(async move {
            if !wait.is_zero() {
                tokio::time::sleep(wait).await;
            }
        })
    }
}
