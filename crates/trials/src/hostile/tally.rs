//! What was done, and what came of it.

use super::Deed;
use crate::report::Report;
use crate::wire::Answer;
use protocol::Cause;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Counts of outcomes. There are few kinds, since causes and statuses are few.
#[derive(Debug, Default)]
pub struct Tally {
    outcomes: Mutex<BTreeMap<(Deed, String), u64>>,
    requests: AtomicU64,
    faults: AtomicU64,
}

impl Tally {
    /// Notes an outcome.
    pub fn note(&self, deed: Deed, outcome: &str) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        // A panic while holding the lock would leave the map as good as before.
        let mut outcomes = self.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
        *outcomes.entry((deed, outcome.to_owned())).or_default() += 1;
    }

    /// Notes an answer. A fault of the distributor is counted by itself: nothing that a client sends may cause one.
    pub fn answer(&self, deed: Deed, answer: &Answer) {
        let outcome = match answer.cause() {
            Some(cause) => format!("{} {cause}", answer.status.as_u16()),
            None => answer.status.as_u16().to_string(),
        };
        if answer.cause() == Some(Cause::Internal) || answer.status.as_u16() == 500 {
            self.faults.fetch_add(1, Ordering::Relaxed);
        }
        self.note(deed, &outcome);
    }

    /// Deeds so far.
    pub fn count(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Answers that were faults of the distributor.
    pub fn faults(&self) -> u64 {
        self.faults.load(Ordering::Relaxed)
    }

    /// Notes all of it as figures.
    pub fn report(&self, report: &mut Report) {
        let outcomes = self.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
        for deed in Deed::ALL {
            let of_it = outcomes.iter().filter(|((other, _), _)| *other == deed);
            let list: Vec<_> = of_it.map(|((_, outcome), count)| format!("{outcome}: {count}")).collect();
            if !list.is_empty() {
                report.figure(format!("hostile: {deed}"), list.join(", "));
            }
        }
    }
}
