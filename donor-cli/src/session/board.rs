//! What the tasks of a session know of each other.

use crate::child::bucket::Bucket;
use crate::governor::network::Closed;
use crate::governor::{Decision, machine};
use crate::progress::{Phase, Tracker, Weights};
use crate::state::control::UnitStatus;
use protocol::{ProjectName, UnitId};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

/// When the session is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ending {
    /// Not yet.
    Not,
    /// When the unit is finished and everything is delivered.
    AfterUnit,
    /// At once; everything goes on at the next start.
    Now,
}

/// Units that are worked on under one lease.
#[derive(Debug, Clone)]
pub struct Current {
    /// The first unit, by which they are known.
    pub unit: UnitId,
    /// All of them.
    pub units: Vec<UnitId>,
    /// Its project.
    pub project: ProjectName,
    /// How far it is.
    pub tracker: Tracker,
    /// Its process.
    pub process: Option<u32>,
    /// Its resident memory.
    pub memory: u64,
    /// Working time that it will take as far as is known before it begins.
    pub expected: Option<Duration>,
    /// How long before its end the next unit may be fetched.
    pub lead: Duration,
}

impl Current {
    /// Whether so little of it is left that the next unit may be fetched.
    pub fn ends_soon(&self, share: f64, cap: f64) -> bool {
        match self.left() {
            Some(left) => left.mul_f64(stretch(share, cap)) <= self.lead,
            // Nothing is known of this machine yet: the first half of the work is done when the tables are filled.
            None => self.tracker.phase() > Phase::Main,
        }
    }

    /// Working time that is left: by how it went so far, or else by the machine's speed.
    fn left(&self) -> Option<Duration> {
        let expected = self.expected.and_then(|expected| expected.checked_sub(self.tracker.worked()));
        self.tracker.left().or(expected)
    }

    /// For people and machines.
    pub fn status(&self, share: f64, cap: f64) -> UnitStatus {
        let stretch = stretch(share, cap);
        UnitStatus {
            unit: self.unit.to_string(),
            project: self.project.to_string(),
            phase: self.tracker.phase().name().to_owned(),
            phase_fraction: self.tracker.fraction(),
            fraction: self.tracker.overall(),
            seconds_left: self.left().map(|left| (left.as_secs_f64() * stretch) as u64),
            memory: self.memory,
        }
    }
}

/// The time that is left counts working time; at a lower share than usual it takes longer.
fn stretch(share: f64, cap: f64) -> f64 {
    if share > 0.0 { (cap / share).clamp(1.0, 1000.0) } else { 1.0 }
}

/// Counts since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Results finished.
    pub finished: u64,
    /// Results acknowledged.
    pub delivered: u64,
    /// Steps credited.
    pub steps: u64,
    /// Units failed.
    pub failed: u64,
    /// Results refused.
    pub refused: u64,
}

#[derive(Debug, Default)]
struct Inner {
    /// In the order in which they were begun.
    current: Vec<Current>,
    waiting: Option<String>,
    counts: Counts,
    outbox: usize,
    delivering: Option<String>,
    ahead: usize,
    weights: Weights,
}

/// What the tasks of a session know of each other.
#[derive(Debug)]
pub struct Board {
    inner: Mutex<Inner>,
    begin: Instant,
    /// Cores of the machine.
    cores: f64,
    /// Cores that the control group leaves for all that the donor does.
    most: f64,
    /// What all units together may still use, beyond the end of one and the beginning of the next.
    purse: Mutex<Bucket>,
    /// What the governor decided last.
    pub decision: watch::Sender<Decision>,
    /// When to end.
    pub ending: watch::Sender<Ending>,
    /// Why nothing may go over the network, if it is so.
    pub network: watch::Sender<Option<Closed>>,
    /// Rung when something comes into the outbox.
    pub outbox: Notify,
    /// Rung when the outbox becomes empty.
    pub delivered: Notify,
    /// Rung when each unit's part of the machine may have changed: at each beat of the pulse, and when a unit's process
    /// starts or ends.
    pub parts: watch::Sender<()>,
}

impl Board {
    /// At the start, with nothing decided, on a machine of so many cores.
    pub fn new(cores: usize) -> Self {
        Self {
            inner: Mutex::default(),
            begin: Instant::now(),
            cores: cores as f64,
            most: f64::INFINITY,
            purse: Mutex::new(Bucket::new(0.0, 0.0, Duration::ZERO, Duration::ZERO)),
            decision: watch::Sender::new(Decision::Work(0.0)),
            ending: watch::Sender::new(Ending::Not),
            network: watch::Sender::new(None),
            outbox: Notify::new(),
            delivered: Notify::new(),
            parts: watch::Sender::new(()),
        }
    }

    /// The same, of which no more than so many cores may be used whatever is decided.
    #[must_use]
    pub fn within(mut self, cores: Option<f64>) -> Self {
        self.most = cores.unwrap_or(f64::INFINITY);
        self
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the session, or ends it sooner than was said before.
    pub fn end(&self, ending: Ending) {
        self.ending.send_if_modified(|now| {
            let sooner = ending > *now;
            *now = ending.max(*now);
            sooner
        });
    }

    /// When to end.
    pub fn ending(&self) -> Ending {
        *self.ending.borrow()
    }

    /// Waits until the session is to end at least so soon.
    pub async fn ends(&self, ending: Ending) {
        let mut watcher = self.ending.subscribe();
        // The sender lives as long as the board.
        let _ = watcher.wait_for(|now| *now >= ending).await;
    }

    /// Waits until something may go over the network.
    pub async fn network_opens(&self) {
        let mut watcher = self.network.subscribe();
        // The sender lives as long as the board.
        let _ = watcher.wait_for(Option::is_none).await;
    }

    /// Why nothing may go over the network, if it is so.
    pub fn network_closed(&self) -> Option<Closed> {
        self.network.borrow().clone()
    }

    /// The units being worked on, the oldest first.
    pub fn current(&self) -> Vec<Current> {
        self.lock().current.clone()
    }

    /// Begins work on a unit.
    pub fn begin(&self, current: Current) {
        let mut inner = self.lock();
        inner.waiting = None;
        inner.current.push(current);
    }

    /// Ends work on a unit.
    pub fn finish(&self, unit: &UnitId) {
        self.lock().current.retain(|current| current.unit != *unit);
    }

    /// Shares of a unit's time that its phases take, by the units so far.
    pub fn weights(&self) -> Weights {
        self.lock().weights
    }

    /// Learns from units that are finished how long their phases take.
    pub fn learn(&self, unit: &UnitId) {
        let mut inner = self.lock();
        let Inner { current, weights, .. } = &mut *inner;
        if let Some(current) = current.iter().find(|current| current.unit == *unit) {
            weights.learn(&current.tracker);
        }
    }

    /// Changes what is known of a unit being worked on.
    pub fn with(&self, unit: &UnitId, change: impl FnOnce(&mut Current)) {
        if let Some(current) = self.lock().current.iter_mut().find(|current| current.unit == *unit) {
            change(current);
        }
    }

    /// Changes what is known of all units being worked on.
    pub fn with_all(&self, change: impl FnMut(&mut Current)) {
        self.lock().current.iter_mut().for_each(change);
    }

    /// Notes that a unit's process has started, or has ended.
    pub fn set_process(&self, unit: &UnitId, process: Option<u32>) {
        self.with(unit, |current| current.process = process);
        self.parts.send_replace(());
    }

    /// The units' processes.
    pub fn running(&self) -> Vec<u32> {
        self.lock().current.iter().filter_map(|current| current.process).collect()
    }

    /// Cores that each of so many units' processes may use: equal parts of what the governor allows, more while less than
    /// that was used (a process that waits for the disk leaves its part to the others), less while more was used.
    pub fn part(&self, processes: usize) -> f64 {
        let allowed = self.allowed();
        let credit = self.purse().credit();
        // Nothing at all would be a pause.
        (allowed + credit).max(0.1 * allowed) / processes.max(1) as f64
    }

    /// Settles what the units may use against what they have used, and returns what is left, in seconds of one core: more
    /// than nothing after idle stretches, less after a process that took more than its part while it started and ended.
    pub fn settle(&self) -> f64 {
        let used = Duration::from_secs_f64(machine::units_seconds(&self.running()).max(0.0));
        let mut purse = self.purse();
        purse.set(self.allowed(), self.begin.elapsed(), used);
        purse.credit()
    }

    /// Cores that the units may use together.
    fn allowed(&self) -> f64 {
        (self.decision.borrow().share() * self.cores).min(self.most)
    }

    fn purse(&self) -> MutexGuard<'_, Bucket> {
        self.purse.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why there is nothing to do.
    pub fn waiting(&self) -> Option<String> {
        let inner = self.lock();
        inner.waiting.clone().or_else(|| inner.delivering.clone())
    }

    /// Says why there is nothing to do.
    pub fn wait_for(&self, why: Option<String>) {
        self.lock().waiting = why;
    }

    /// Says why results cannot be delivered.
    pub fn held_up(&self, why: Option<String>) {
        self.lock().delivering = why;
    }

    /// Changes the counts.
    pub fn count(&self, change: impl FnOnce(&mut Counts)) {
        change(&mut self.lock().counts);
    }

    /// The counts.
    pub fn counts(&self) -> Counts {
        self.lock().counts
    }

    /// Units that were fetched ahead.
    pub fn ahead(&self) -> usize {
        self.lock().ahead
    }

    /// Notes how many units were fetched ahead.
    pub fn set_ahead(&self, count: usize) {
        self.lock().ahead = count;
    }

    /// Results in the outbox.
    pub fn in_outbox(&self) -> usize {
        self.lock().outbox
    }

    /// Notes how many results are in the outbox.
    pub fn set_in_outbox(&self, count: usize) {
        self.lock().outbox = count;
        if count == 0 {
            self.delivered.notify_waiters();
        }
    }
}
