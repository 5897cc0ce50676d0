//! The session's pulse: four times a second it looks at the machine, takes wishes, lets the governor decide, and tells.

use super::board::{Board, Ending};
use crate::governor::machine::{Load, Machine, on_battery};
use crate::governor::presence::Presence;
use crate::governor::usage::UseMeter;
use crate::governor::{Decision, Governor, Readings, TICK};
use crate::progress::Show;
use crate::progress::show::Notice;
use crate::state::Folder;
use crate::state::control::{self, Status, Wish};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Between two looks at battery and presence.
const BETWEEN_SELDOM_LOOKS: Duration = Duration::from_secs(5);

/// Between two writes of the status file.
const BETWEEN_STATUS: Duration = Duration::from_secs(1);

/// What does not change during a session.
#[derive(Debug, Clone)]
pub struct Constants {
    /// The donor's public key.
    pub donor: String,
    /// Address of the distributor.
    pub server: String,
    /// The project, if only one.
    pub project: Option<String>,
    /// Cores of the machine.
    pub cores: usize,
    /// Units at once.
    pub at_once: usize,
    /// Threads of all of them.
    pub threads: usize,
    /// Most memory of all of them.
    pub max_memory: u64,
}

/// The pulse.
pub struct Pulse {
    governor: Governor,
    machine: Machine,
    meter: UseMeter,
    begin: Instant,
    last: Instant,
    presence: Presence,
    /// When battery and presence were looked at last, and what was seen.
    seldom: (Option<Instant>, bool, bool),
    status_at: Option<Instant>,
    pause_asked: bool,
    paused: bool,
    constants: Constants,
    board: Arc<Board>,
    folder: Folder,
    show: Arc<Show>,
}

impl Pulse {
    /// Takes a first look at the machine.
    ///
    /// # Errors
    /// If the system tells nothing about itself.
    pub fn new(
        governor: Governor,
        constants: Constants,
        board: Arc<Board>,
        folder: Folder,
        show: Arc<Show>,
    ) -> Result<Self, sysinfo::Error> {
        let now = Instant::now();
        let meter = UseMeter::new(constants.cores);
        Ok(Self {
            governor,
            machine: Machine::new()?,
            meter,
            begin: now,
            last: now,
            presence: Presence::default(),
            seldom: (None, false, false),
            status_at: None,
            pause_asked: false,
            paused: false,
            constants,
            board,
            folder,
            show,
        })
    }

    /// Beats until the session ends.
    pub async fn run(mut self) {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        // The first tick comes at once: the machine has nothing to compare with yet.
        ticks.tick().await;
        loop {
            self.take_wishes();
            self.beat();
            ticks.tick().await;
        }
    }

    fn take_wishes(&mut self) {
        for wish in control::take(&self.folder) {
            match wish {
                Wish::Pause => self.pause_asked = true,
                Wish::Resume => self.pause_asked = false,
                Wish::Finish => self.board.end(Ending::AfterUnit),
            }
        }
    }

    fn beat(&mut self) {
        let now = Instant::now();
        let processes = self.board.running();
        let load = self.machine.look(&processes);
        self.meter.note(now - self.begin, load.own_seconds);
        let readings = self.readings(now, &load);
        let decision = self.governor.decide(now - self.begin, readings);
        let passed = now - self.last;
        self.last = now;
        let working = matches!(*self.board.decision.borrow(), Decision::Work(_));
        let memory = |process| processes.iter().zip(&load.unit_memory).find(|(pid, _)| Some(**pid) == process);
        self.board.with_all(|current| {
            if let Some((_, memory)) = memory(current.process) {
                current.memory = *memory;
            }
            if current.process.is_some() && working {
                current.tracker.work(passed);
            }
        });
        self.tell(&decision);
        let share = decision.share();
        self.board.decision.send_if_modified(|before| {
            // Changes below a thousandth of the machine are not worth a message to the unit.
            let changed = (before.share() - share).abs() > 1e-3
                || matches!(*before, Decision::Pause(_)) != matches!(decision, Decision::Pause(_));
            if changed {
                *before = decision.clone();
            }
            changed
        });
        self.board.settle();
        self.board.parts.send_replace(());
        self.publish(now, &decision);
    }

    fn readings(&mut self, now: Instant, load: &Load) -> Readings {
        if self.seldom.0.is_none_or(|at| now - at >= BETWEEN_SELDOM_LOOKS) {
            let settings = self.governor.settings();
            let (battery, used) = (settings.pause_on_battery, settings.pause_when_used);
            self.seldom = (Some(now), battery && on_battery(), used && self.presence.look());
        }
        Readings {
            others: load.others,
            busiest: load.busiest.clone(),
            overhead: load.overhead,
            on_battery: self.seldom.1,
            used: self.seldom.2,
            local_time: jiff::Zoned::now().time(),
            pause_asked: self.pause_asked,
        }
    }

    /// Tells when work pauses and when it goes on.
    fn tell(&mut self, decision: &Decision) {
        match decision {
            Decision::Pause(reason) if !self.paused => {
                self.show.tell(&Notice::Paused { reason: reason.word().to_owned(), why: reason.to_string() });
            }
            Decision::Work(_) if self.paused => self.show.tell(&Notice::Resumed),
            _ => {}
        }
        self.paused = matches!(decision, Decision::Pause(_));
    }

    fn publish(&mut self, now: Instant, decision: &Decision) {
        let status = self.status(decision);
        self.show.progress(&status);
        if self.status_at.is_none_or(|at| now - at >= BETWEEN_STATUS) {
            self.status_at = Some(now);
            // For `donor status` only; a disk that is full is told where it matters.
            let _ = control::write_status(&self.folder, &status);
        }
    }

    fn status(&self, decision: &Decision) -> Status {
        let cap = self.governor.settings().cap;
        let current = self.board.current();
        let (state, reason) = match decision {
            Decision::Pause(reason) => ("paused", Some(reason.to_string())),
            Decision::Work(_) if self.board.ending() != Ending::Not => ("finishing", self.board.waiting()),
            Decision::Work(_) if !current.is_empty() => ("working", None),
            Decision::Work(_) => ("waiting", self.board.waiting()),
        };
        Status {
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            donor: self.constants.donor.clone(),
            server: self.constants.server.clone(),
            project: self.constants.project.clone(),
            state: state.to_owned(),
            reason,
            max_cpu: cap.percent(),
            cpu: (self.meter.recent() * 1000.0).round() / 10.0,
            cores: self.constants.cores,
            threads: self.constants.threads,
            units: current.iter().map(|current| current.status(decision.share(), cap.fraction())).collect(),
            outbox: self.board.in_outbox(),
            finished: self.board.counts().finished,
        }
    }
}
