//! The session's pulse: four times a second it looks at the machine, takes wishes, lets the governor decide, and tells.

use super::board::{Board, Ending};
use super::bounds::Bounds;
use super::network::Network;
use crate::governor::machine::{Load, Machine, since_boot};
use crate::governor::rules::{Asked, Now, Rules};
use crate::governor::schedule::Cap;
use crate::governor::usage::UseMeter;
use crate::governor::{Decision, Governor, Readings, TICK};
use crate::progress::Show;
use crate::progress::notice::Notice;
use crate::state::Folder;
use crate::state::control::{self, RuleStatus, Status, Wish};
use crate::state::pause::{self, Length, Pause};
use protocol::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Between two looks at all but the load.
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
    /// What a unit gets at most.
    pub bounds: Bounds,
}

/// The pulse.
pub struct Pulse {
    governor: Governor,
    machine: Machine,
    meter: UseMeter,
    begin: Instant,
    last: Instant,
    rules: Rules,
    /// When the rules looked last.
    looked: Instant,
    status_at: Option<Instant>,
    /// Whether a pause without an end was asked for.
    open_pause: bool,
    /// The pause that was asked for, if it has an end.
    pause: Option<Pause>,
    paused: bool,
    constants: Constants,
    board: Arc<Board>,
    network: Arc<Network>,
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
        mut rules: Rules,
        constants: Constants,
        board: Arc<Board>,
        network: Arc<Network>,
        folder: Folder,
        show: Arc<Show>,
    ) -> Result<Self, sysinfo::Error> {
        let now = Instant::now();
        let meter = UseMeter::new(constants.cores);
        rules.look(&[]);
        rules.unseen().iter().for_each(|message| show.warn(message));
        let (pause, damaged) = Pause::load(&folder, Timestamp::now(), since_boot());
        damaged.iter().for_each(|message| show.warn(message));
        Ok(Self {
            governor,
            machine: Machine::new()?,
            meter,
            begin: now,
            last: now,
            rules,
            looked: now,
            status_at: None,
            open_pause: false,
            pause,
            paused: false,
            constants,
            board,
            network,
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
            let wished = self.take_wishes();
            self.beat();
            if wished {
                control::done(&self.folder);
            }
            ticks.tick().await;
        }
    }

    /// Whether there were any.
    fn take_wishes(&mut self) -> bool {
        let wishes = control::take(&self.folder);
        if !wishes.is_empty() {
            // Whoever wished it looks at the status next.
            self.status_at = None;
        }
        for wish in &wishes {
            match wish {
                Wish::Pause(length) => self.ask_for_pause(*length),
                Wish::Resume => self.end_pause(),
                Wish::Finish => self.board.end(Ending::AfterUnit),
            }
        }
        !wishes.is_empty()
    }

    fn ask_for_pause(&mut self, length: Length) {
        self.end_pause();
        self.pause = Pause::new(length, Timestamp::now(), since_boot());
        self.open_pause = length == Length::Open;
        self.keep_pause();
    }

    fn end_pause(&mut self) {
        (self.open_pause, self.pause) = (false, None);
        if let Err(error) = pause::forget(&self.folder) {
            self.show.warn(error);
        }
    }

    /// The pause that was asked for; one that is over is forgotten.
    fn asked(&mut self) -> Option<Asked> {
        let left = self.pause.map(|pause| pause.left(Timestamp::now(), since_boot()));
        match left {
            Some(None) => self.end_pause(),
            Some(Some(_)) => self.keep_pause(),
            None => {}
        }
        match left.flatten() {
            Some(left) => Some(Asked { left: Some(left) }),
            None => self.open_pause.then_some(Asked { left: None }),
        }
    }

    fn keep_pause(&mut self) {
        let kept = self.pause.as_mut().map(|pause| pause.keep(&self.folder, Timestamp::now(), since_boot()));
        if let Some(Err(error)) = kept {
            self.show.warn(format!("the pause would not survive a restart: {error}"));
        }
    }

    fn beat(&mut self) {
        let now = Instant::now();
        let processes = self.board.running();
        let load = self.machine.look(&processes);
        self.meter.note(now - self.begin, load.own_seconds);
        let time = jiff::Zoned::now();
        let closed = self.network.closed(&time);
        self.board.network.send_if_modified(|before| {
            let changed = *before != closed;
            before.clone_from(&closed);
            changed
        });
        let readings = self.readings(now, &time, &load);
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

    fn readings(&mut self, now: Instant, time: &jiff::Zoned, load: &Load) -> Readings {
        if now - self.looked >= BETWEEN_SELDOM_LOOKS {
            self.looked = now;
            self.rules.look(&self.board.running());
            if let Err(error) = self.network.keep(&self.folder, false) {
                self.show.warn(error);
            }
        }
        let beat = Now { local_time: time.datetime(), asked: self.asked() };
        Readings {
            others: load.others,
            busiest: load.busiest.clone(),
            overhead: load.overhead,
            used: self.rules.used(),
            local_time: beat.local_time,
            pause: self.rules.pause(&beat),
        }
    }

    /// Tells when work pauses and when it goes on.
    fn tell(&mut self, decision: &Decision) {
        match decision {
            Decision::Pause(reason) if !self.paused => {
                self.show.tell(&Notice::Paused { reason: reason.word.to_owned(), why: reason.to_string() });
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
        let cap = self.governor.cap();
        let used = self.network.used();
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
            rule: self.rule(),
            watched: self.rules.watched(),
            unseen: self.rules.unseen(),
            network_closed: self.board.network_closed().map(|closed| closed.to_string()),
            network_used: (used.today, used.month),
            ahead: self.board.ahead(),
            cpu: (self.meter.recent() * 1000.0).round() / 10.0,
            cores: self.constants.cores,
            threads: self.constants.threads,
            units: current.iter().map(|current| current.status(decision.share(), cap.fraction())).collect(),
            outbox: self.board.in_outbox(),
            finished: self.board.counts().finished,
            running_for: self.begin.elapsed().as_secs(),
            bounds: self.constants.bounds,
            fields: self.rules.fields(),
        }
    }

    /// The rule of the schedule that holds.
    fn rule(&self) -> Option<RuleStatus> {
        self.governor.in_force().map(|in_force| RuleStatus {
            rule: in_force.rule.clone(),
            cap: if in_force.cap == Cap::Nothing { 0.0 } else { self.governor.cap().percent() },
            until: in_force.until.map(|until| until.to_string()),
        })
    }
}
