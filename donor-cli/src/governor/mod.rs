//! Decides how much of the machine the donor may use now, and says why if that is nothing.
//!
//! Pure: time and readings come from outside. [`machine`] takes the readings of the real machine; the throttle inside the
//! work-unit process holds what is decided here.

pub mod group;
pub mod load;
pub mod machine;
pub mod network;
pub mod presence;
pub mod rules;
pub mod schedule;
pub mod screen;
pub mod share;
pub mod times;
pub mod usage;

pub use load::{OtherLoad, Thresholds};
pub use schedule::Schedule;
pub use share::Share;

use jiff::civil::DateTime;
use rules::Reason;
use schedule::{Cap, InForce};
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
    /// How much to use when; the cap always if not given.
    pub schedule: Option<Schedule>,
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
    /// Whether somebody uses the machine.
    pub used: bool,
    /// Local time.
    pub local_time: DateTime,
    /// Why a rule asks for a pause.
    pub pause: Option<Reason>,
}

impl Settings {
    /// The largest cap that ever holds.
    pub fn most(&self) -> Share {
        self.schedule.as_ref().map_or(self.cap, |schedule| schedule.most(self.cap))
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
    in_force: Option<InForce>,
    busiest: Option<String>,
    overhead: f64,
}

/// The word for a pause that gives way to other programs.
pub const OTHER_PROGRAMS: &str = "other_programs";

/// The smallest share that is given while working: less would stand still.
const LEAST: f64 = 0.005;

impl Governor {
    /// Nothing seen yet.
    pub fn new(settings: Settings) -> Self {
        let others = settings.give_way.map(OtherLoad::new);
        Self { settings, others, in_force: None, busiest: None, overhead: 0.0 }
    }

    /// The settings.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The rule of the schedule that was in force at the last decision, if there is a schedule.
    pub const fn in_force(&self) -> Option<&InForce> {
        self.in_force.as_ref()
    }

    /// The cap as of the last decision; the usual one during a pause.
    pub fn cap(&self) -> Share {
        match self.in_force.as_ref().map(|in_force| in_force.cap) {
            Some(Cap::Share(share)) => share,
            _ => self.settings.cap,
        }
    }

    /// Takes readings and decides. `now` is the time since any fixed moment and does not decrease.
    pub fn decide(&mut self, now: Duration, readings: Readings) -> Decision {
        // Observed also while paused for another reason: otherwise the end of that pause would find an old reading.
        let gives_way = self.others.as_mut().is_some_and(|others| others.observe(now, readings.others));
        self.overhead += 0.2 * (readings.overhead.max(0.0) - self.overhead);
        if gives_way && readings.busiest.is_some() {
            self.busiest.clone_from(&readings.busiest.as_ref().map(|(name, _)| name.clone()));
        }
        let schedule = self.settings.schedule.as_ref();
        self.in_force = schedule.map(|schedule| schedule.at(readings.local_time, readings.used));
        if let Some(reason) = readings.pause {
            return Decision::Pause(reason);
        }
        let used_by_others = self.others.as_ref().map_or(0.0, OtherLoad::share);
        if gives_way {
            let percent = (used_by_others * 100.0).round() as u32;
            let most = self.busiest.as_ref().map(|name| format!(", most of all {name}")).unwrap_or_default();
            let text = format!("other programs use {percent} % of the machine{most}");
            return Decision::Pause(Reason { word: OTHER_PROGRAMS, text });
        }
        self.busiest = None;
        let free = 1.0 - used_by_others;
        Decision::Work((self.cap().fraction().min(free) - self.overhead).max(LEAST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        let cap = "50".parse().expect("a share");
        Settings { cap, give_way: Some(Thresholds::default()), schedule: None }
    }

    fn monday(hour: i8) -> DateTime {
        jiff::civil::date(2026, 1, 5).at(hour, 0, 0, 0)
    }

    fn quiet() -> Readings {
        Readings { others: 0.0, busiest: None, overhead: 0.0, used: false, local_time: monday(12), pause: None }
    }

    #[test]
    fn a_quiet_machine_gives_the_cap() {
        let mut governor = Governor::new(settings());
        assert_eq!(governor.decide(TICK, quiet()), Decision::Work(0.5));
    }

    #[test]
    fn a_rules_pause_goes_first() {
        let mut governor = Governor::new(settings());
        let pause = Reason { word: "battery", text: "the machine runs on battery".to_owned() };
        for tick in 0..8 {
            let busy = Readings { others: 0.9, pause: Some(pause.clone()), ..quiet() };
            assert_eq!(governor.decide(TICK * tick, busy), Decision::Pause(pause.clone()));
        }
        // The load was watched meanwhile.
        let Decision::Pause(reason) = governor.decide(TICK * 8, Readings { others: 0.9, ..quiet() }) else {
            panic!("it gives way")
        };
        assert_eq!(reason.word, OTHER_PROGRAMS);
    }

    #[test]
    fn the_schedule_sets_the_cap() {
        let schedule = Some("present=0, 18:00-24:00=80, else=20".parse().expect("a schedule"));
        let mut governor = Governor::new(Settings { schedule, ..settings() });
        assert_eq!(governor.settings().most().percent(), 80.0);
        assert_eq!(governor.decide(TICK, Readings { local_time: monday(20), ..quiet() }), Decision::Work(0.8));
        let in_force = governor.in_force().expect("a rule");
        assert_eq!(in_force.rule.as_deref(), Some("18:00-24:00=80"));
        assert_eq!(in_force.until.map(|until| until.to_string()).as_deref(), Some("00:00"));
        assert_eq!(governor.decide(TICK, quiet()), Decision::Work(0.2));
        governor.decide(TICK, Readings { used: true, ..quiet() });
        assert_eq!(governor.in_force().map(|in_force| in_force.cap), Some(Cap::Nothing));
    }

    #[test]
    fn gives_way_and_names_the_program() {
        let mut governor = Governor::new(settings());
        let mut decision = Decision::Work(0.0);
        for tick in 0..8 {
            let busy = Readings { others: 0.5, busiest: Some(("game".to_owned(), 0.5)), ..quiet() };
            decision = governor.decide(TICK * tick, busy);
        }
        let text = "other programs use 50 % of the machine, most of all game".to_owned();
        assert_eq!(decision, Decision::Pause(Reason { word: OTHER_PROGRAMS, text }));
        // It keeps the name while the load fades.
        let Decision::Pause(reason) = governor.decide(TICK * 8, quiet()) else { panic!("still paused") };
        assert!(reason.text.ends_with("most of all game"), "{reason}");
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
