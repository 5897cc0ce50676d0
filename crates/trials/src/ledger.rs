//! What the distributor has acknowledged: it must not be lost, whatever happens.

use protocol::{Digest, DonorKey, UnitId};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// An acknowledged proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Acknowledged {
    /// Of which unit.
    pub unit: UnitId,
    /// The proof.
    pub sha256: Digest,
    /// Whose.
    pub donor: DonorKey,
    /// Steps that were credited.
    pub steps: u64,
}

/// One unit's way through a donor.
#[derive(Debug, Clone, Copy)]
pub struct Cycle {
    /// From the first request for a lease to the answer to the proof.
    pub whole: Duration,
    /// The part of it in which the donor waited for the distributor.
    pub waited: Duration,
}

/// Shared by all simulated donors of a run.
#[derive(Debug, Default)]
pub struct Ledger(Mutex<Entries>);

#[derive(Debug, Default)]
struct Entries {
    acknowledged: Vec<Acknowledged>,
    cycles: Vec<Cycle>,
    troubles: BTreeMap<String, u64>,
}

impl Ledger {
    fn entries(&self) -> MutexGuard<'_, Entries> {
        // A panic while holding the lock would leave the lists as good as before.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A proof was acknowledged.
    pub fn acknowledge(&self, acknowledged: Acknowledged) {
        self.entries().acknowledged.push(acknowledged);
    }

    /// A unit is done.
    pub fn cycle(&self, cycle: Cycle) {
        self.entries().cycles.push(cycle);
    }

    /// Something did not go as it should. Kinds are few: causes of refusals, not their texts.
    pub fn trouble(&self, kind: String) {
        *self.entries().troubles.entry(kind).or_default() += 1;
    }

    /// All that was acknowledged.
    pub fn acknowledged(&self) -> Vec<Acknowledged> {
        self.entries().acknowledged.clone()
    }

    /// How many proofs were acknowledged.
    pub fn count(&self) -> usize {
        self.entries().acknowledged.len()
    }

    /// Takes the cycles that were measured since the last time.
    pub fn take_cycles(&self) -> Vec<Cycle> {
        std::mem::take(&mut self.entries().cycles)
    }

    /// Takes what went wrong since the last time.
    pub fn take_troubles(&self) -> BTreeMap<String, u64> {
        std::mem::take(&mut self.entries().troubles)
    }
}
