//! Decides how much of the machine the donor may use now, and says why if that is nothing.
//!
//! Pure: time and readings come from outside. [`machine`] takes the readings of the real machine; the throttle inside the
//! work-unit process holds what is decided here.

pub mod battery;
pub mod load;
pub mod machine;
pub mod presence;
pub mod schedule;
pub mod share;
pub mod times;
pub mod usage;

pub use load::{OtherLoad, Thresholds};
pub use schedule::Schedule;
pub use share::Share;

use jiff::civil::Time;
use std::fmt;
use std::time::Duration;

/// How often readings are taken and decisions made.
pub const TICK: Duration = Duration::from_millis(250);

/// What the person who lends the machine wants.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The cap.
    pub cap: Share,
    /// When to give way to other programs; never if not given.
    pub give_way: Option<Thresholds>,
    /// When to work; always if not given.
    pub schedule: Option<Schedule>,
    /// Pause on battery.
    pub pause_on_battery: bool,
    /// Pause while somebody uses the machine.
    pub pause_when_used: bool,
}

/// What is seen of the machine at one time.
#[derive(Debug, Clone, PartialEq)]
pub struct Readings {
    /// Share of the machine that other programs used since the last reading.
    pub others: f64,
    /// Which of them used most, if known: name and share of the machine.
    pub busiest: Option<(String, f64)>,
    /// Share of the machine that the donor's own process (not its work units) uses.
    pub overhead: f64,
    /// Whether the machine runs on battery.
    pub on_battery: bool,
    /// Whether somebody uses the machine.
    pub used: bool,
    /// Local time.
    pub local_time: Time,
    /// Whether somebody asked for a pause.
    pub pause_asked: bool,
}

/// Why the donor does not work.
#[derive(Debug, Clone, PartialEq)]
pub enum Reason {
    /// `donor pause`.
    Asked,
    /// Outside the schedule, until this local time.
    Schedule {
        /// When it opens next.
        opens: Time,
    },
    /// On battery.
    Battery,
    /// Somebody uses the machine.
    Used,
    /// Other programs need the machine.
    OtherPrograms {
        /// Share that they use, in percent.
        percent: u32,
        /// Which uses most.
        busiest: Option<String>,
    },
}

impl Reason {
    /// One word for machines.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Schedule { .. } => "schedule",
            Self::Battery => "battery",
            Self::Used => "used",
            Self::OtherPrograms { .. } => "other_programs",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Asked => f.write_str("you asked for it; `donor resume` goes on"),
            Self::Schedule { opens } => write!(f, "outside the schedule; it opens at {}", opens.strftime("%H:%M")),
            Self::Battery => f.write_str("the machine runs on battery"),
            Self::Used => f.write_str("somebody uses the machine (typed or touched it within the last 3 minutes)"),
            Self::OtherPrograms { percent, busiest: None } => {
                write!(f, "other programs use {percent} % of the machine")
            }
            Self::OtherPrograms { percent, busiest: Some(name) } => {
                write!(f, "other programs use {percent} % of the machine, most of all {name}")
            }
        }
    }
}

/// What the donor may use now.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// This share of the machine, for the work units.
    Work(f64),
    /// Nothing.
    Pause(Reason),
}

impl Decision {
    /// The share of the machine, 0 when paused.
    pub const fn share(&self) -> f64 {
        match self {
            Self::Work(share) => *share,
            Self::Pause(_) => 0.0,
        }
    }
}

/// Makes the decisions.
#[derive(Debug, Clone)]
pub struct Governor {
    settings: Settings,
    others: Option<OtherLoad>,
    busiest: Option<String>,
    overhead: f64,
}

/// The smallest share that is given while working: less would stand still.
const LEAST: f64 = 0.005;

impl Governor {
    /// Nothing seen yet.
    pub fn new(settings: Settings) -> Self {
        let others = settings.give_way.map(OtherLoad::new);
        Self { settings, others, busiest: None, overhead: 0.0 }
    }

    /// The settings.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Takes readings and decides. `now` is the time since any fixed moment and does not decrease.
    pub fn decide(&mut self, now: Duration, readings: Readings) -> Decision {
        // Observed also while paused for another reason: otherwise the end of that pause would find an old reading.
        let gives_way = self.others.as_mut().is_some_and(|others| others.observe(now, readings.others));
        self.overhead += 0.2 * (readings.overhead.max(0.0) - self.overhead);
        if gives_way && readings.busiest.is_some() {
            self.busiest = readings.busiest.map(|(name, _)| name);
        }
        let settings = &self.settings;
        if readings.pause_asked {
            return Decision::Pause(Reason::Asked);
        }
        if let Some(schedule) = settings.schedule.as_ref().filter(|schedule| !schedule.allows(readings.local_time)) {
            return Decision::Pause(Reason::Schedule { opens: schedule.next_opening(readings.local_time) });
        }
        if settings.pause_on_battery && readings.on_battery {
            return Decision::Pause(Reason::Battery);
        }
        if settings.pause_when_used && readings.used {
            return Decision::Pause(Reason::Used);
        }
        let used_by_others = self.others.as_ref().map_or(0.0, OtherLoad::share);
        if gives_way {
            let percent = (used_by_others * 100.0).round() as u32;
            return Decision::Pause(Reason::OtherPrograms { percent, busiest: self.busiest.clone() });
        }
        self.busiest = None;
        let free = 1.0 - used_by_others;
        Decision::Work((settings.cap.fraction().min(free) - self.overhead).max(LEAST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        let cap = "50".parse().expect("a share");
        Settings {
            cap,
            give_way: Some(Thresholds::default()),
            schedule: None,
            pause_on_battery: true,
            pause_when_used: true,
        }
    }

    fn quiet() -> Readings {
        Readings {
            others: 0.0,
            busiest: None,
            overhead: 0.0,
            on_battery: false,
            used: false,
            local_time: Time::constant(12, 0, 0, 0),
            pause_asked: false,
        }
    }

    #[test]
    fn a_quiet_machine_gives_the_cap() {
        let mut governor = Governor::new(settings());
        assert_eq!(governor.decide(TICK, quiet()), Decision::Work(0.5));
    }

    #[test]
    fn every_pause_says_why() {
        let schedule = Some("22:00-07:00".parse().expect("a schedule"));
        let mut governor = Governor::new(Settings { schedule, ..settings() });
        let night = Readings { local_time: Time::constant(23, 0, 0, 0), ..quiet() };
        let mut reason = |readings: Readings| match governor.decide(TICK, readings) {
            Decision::Pause(reason) => reason.to_string(),
            Decision::Work(_) => String::new(),
        };
        assert_eq!(reason(quiet()), "outside the schedule; it opens at 22:00");
        assert_eq!(reason(Readings { pause_asked: true, ..quiet() }), "you asked for it; `donor resume` goes on");
        assert_eq!(reason(Readings { on_battery: true, ..night.clone() }), "the machine runs on battery");
        let used = "somebody uses the machine (typed or touched it within the last 3 minutes)";
        assert_eq!(reason(Readings { used: true, ..night.clone() }), used);
        assert_eq!(reason(night), "");
        let reason = Reason::OtherPrograms { percent: 61, busiest: Some("rustc".to_owned()) };
        assert_eq!(reason.to_string(), "other programs use 61 % of the machine, most of all rustc");
    }

    #[test]
    fn gives_way_and_names_the_program() {
        let mut governor = Governor::new(settings());
        let mut decision = Decision::Work(0.0);
        for tick in 0..8 {
            let busy = Readings { others: 0.5, busiest: Some(("game".to_owned(), 0.5)), ..quiet() };
            decision = governor.decide(TICK * tick, busy);
        }
        assert_eq!(decision, Decision::Pause(Reason::OtherPrograms { percent: 50, busiest: Some("game".to_owned()) }));
        // It keeps the name while the load fades.
        let Decision::Pause(Reason::OtherPrograms { busiest, .. }) = governor.decide(TICK * 8, quiet()) else {
            panic!("still paused")
        };
        assert_eq!(busiest.as_deref(), Some("game"));
    }

    #[test]
    fn takes_only_what_is_free() {
        let cap = Share::WHOLE;
        let mut governor = Governor::new(Settings { cap, ..settings() });
        let mut decision = Decision::Work(0.0);
        for tick in 0..40 {
            decision = governor.decide(TICK * tick, Readings { others: 0.2, ..quiet() });
        }
        assert!((decision.share() - 0.8).abs() < 0.01, "{decision:?}");
    }

    #[test]
    fn the_donors_own_work_counts_towards_the_cap() {
        let mut governor = Governor::new(settings());
        let mut decision = Decision::Work(0.0);
        for tick in 0..60 {
            decision = governor.decide(TICK * tick, Readings { overhead: 0.02, ..quiet() });
        }
        assert!((decision.share() - 0.48).abs() < 0.001, "{decision:?}");
    }

    #[test]
    fn without_thresholds_it_never_gives_way() {
        let mut governor = Governor::new(Settings { give_way: None, ..settings() });
        for tick in 0..40 {
            let decision = governor.decide(TICK * tick, Readings { others: 1.0, ..quiet() });
            assert_eq!(decision, Decision::Work(0.5));
        }
    }
}
