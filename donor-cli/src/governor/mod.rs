//! Decides how much of the machine the donor may use now, and says why if that is nothing.
//!
//! Pure: time and readings come from outside. [`machine`] takes the readings of the real machine; the throttle inside the
//! work-unit process holds what is decided here.

pub mod battery;
pub mod group;
pub mod heat;
pub mod load;
pub mod machine;
pub mod network;
pub mod presence;
pub mod programs;
pub mod schedule;
pub mod screen;
pub mod share;
pub mod signs;
pub mod times;
pub mod usage;

pub use heat::Celsius;
pub use load::{OtherLoad, Thresholds};
pub use programs::Programs;
pub use schedule::Schedule;
pub use share::Share;

use crate::progress::words;
use heat::{Heat, Reading};
use jiff::civil::DateTime;
use schedule::{Cap, InForce, Moment};
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
    /// How much to use when; the cap always if not given.
    pub schedule: Option<Schedule>,
    /// Pause while the processor is hotter.
    pub max_temperature: Option<Celsius>,
    /// Pause while one of these runs.
    pub pause_for: Programs,
    /// Pause while a window fills the screen.
    pub pause_when_fullscreen: bool,
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
    /// How hot the processor is, if that is known.
    pub temperature: Option<Reading>,
    /// Which of the named programs runs.
    pub program: Option<String>,
    /// Whether a window fills the screen.
    pub fullscreen: bool,
    /// Local time.
    pub local_time: DateTime,
    /// The pause that somebody asked for.
    pub pause_asked: Option<Asked>,
}

/// A pause that somebody asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// What is left of it; until somebody ends it if not given.
    pub left: Option<Duration>,
}

impl Settings {
    /// Whether it must be known if somebody uses the machine.
    pub fn asks_for_presence(&self) -> bool {
        self.pause_when_used || self.schedule.as_ref().is_some_and(Schedule::asks_for_presence)
    }

    /// The largest cap that ever holds.
    pub fn most(&self) -> Share {
        self.schedule.as_ref().map_or(self.cap, |schedule| schedule.most(self.cap))
    }
}

/// Why the donor does not work.
#[derive(Debug, Clone, PartialEq)]
pub enum Reason {
    /// `donor pause`.
    Asked(Asked),
    /// The schedule allows nothing.
    Schedule {
        /// The rule that says so; none if no rule fits.
        rule: Option<String>,
        /// When it opens next, if it does so by itself.
        opens: Option<Moment>,
    },
    /// The processor is too hot.
    Hot {
        /// How hot, and by which sensor.
        reading: Reading,
        /// The limit.
        most: Celsius,
    },
    /// On battery.
    Battery,
    /// A named program runs.
    Program(String),
    /// A window fills the screen.
    Fullscreen,
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
            Self::Asked(_) => "asked",
            Self::Schedule { .. } => "schedule",
            Self::Hot { .. } => "temperature",
            Self::Battery => "battery",
            Self::Program(_) => "program",
            Self::Fullscreen => "fullscreen",
            Self::Used => "used",
            Self::OtherPrograms { .. } => "other_programs",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Asked(Asked { left: None }) => f.write_str("you asked for it; `donor resume` goes on"),
            Self::Asked(Asked { left: Some(left) }) => {
                write!(f, "you asked for it, for another {}; `donor resume` goes on", words::duration(*left))
            }
            Self::Schedule { rule, opens } => {
                match rule {
                    None => f.write_str("outside the schedule")?,
                    Some(rule) => write!(f, "the schedule says `{rule}`")?,
                }
                match opens {
                    Some(opens) => write!(f, "; it opens at {opens}"),
                    None => f.write_str("; it opens when somebody comes or goes"),
                }
            }
            Self::Hot { reading, most } => write!(
                f,
                "the processor has {:.0} °C ({}); it goes on below {:.0}",
                reading.degrees,
                reading.sensor,
                most.degrees() - heat::GAP
            ),
            Self::Battery => f.write_str("the machine runs on battery"),
            Self::Program(name) => write!(f, "{name} runs"),
            Self::Fullscreen => f.write_str("a window fills the screen"),
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
    heat: Option<Heat>,
    in_force: Option<InForce>,
    busiest: Option<String>,
    overhead: f64,
}

/// The smallest share that is given while working: less would stand still.
const LEAST: f64 = 0.005;

impl Governor {
    /// Nothing seen yet.
    pub fn new(settings: Settings) -> Self {
        let others = settings.give_way.map(OtherLoad::new);
        let heat = settings.max_temperature.map(Heat::new);
        Self { settings, others, heat, in_force: None, busiest: None, overhead: 0.0 }
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
        let degrees = readings.temperature.as_ref().map(|reading| reading.degrees);
        let hot = self.heat.as_mut().is_some_and(|heat| heat.observe(degrees));
        self.overhead += 0.2 * (readings.overhead.max(0.0) - self.overhead);
        if gives_way && readings.busiest.is_some() {
            self.busiest.clone_from(&readings.busiest.as_ref().map(|(name, _)| name.clone()));
        }
        let schedule = self.settings.schedule.as_ref();
        self.in_force = schedule.map(|schedule| schedule.at(readings.local_time, readings.used));
        if let Some(reason) = self.wanted_pause(&readings, hot) {
            return Decision::Pause(reason);
        }
        let used_by_others = self.others.as_ref().map_or(0.0, OtherLoad::share);
        if gives_way {
            let percent = (used_by_others * 100.0).round() as u32;
            return Decision::Pause(Reason::OtherPrograms { percent, busiest: self.busiest.clone() });
        }
        self.busiest = None;
        let free = 1.0 - used_by_others;
        Decision::Work((self.cap().fraction().min(free) - self.overhead).max(LEAST))
    }

    /// The pause that the settings or `donor pause` ask for, those that last longest first.
    fn wanted_pause(&self, readings: &Readings, hot: bool) -> Option<Reason> {
        let settings = &self.settings;
        if let Some(asked) = &readings.pause_asked {
            return Some(Reason::Asked(asked.clone()));
        }
        if let (Some(schedule), Some(InForce { cap: Cap::Nothing, rule, .. })) = (&settings.schedule, &self.in_force) {
            let opens = schedule.next_opening(readings.local_time, readings.used);
            return Some(Reason::Schedule { rule: rule.clone(), opens });
        }
        if settings.pause_on_battery && readings.on_battery {
            return Some(Reason::Battery);
        }
        if let (true, Some(reading), Some(most)) = (hot, &readings.temperature, settings.max_temperature) {
            return Some(Reason::Hot { reading: reading.clone(), most });
        }
        if let Some(name) = readings.program.as_ref().filter(|_| !settings.pause_for.is_empty()) {
            return Some(Reason::Program(name.clone()));
        }
        if settings.pause_when_fullscreen && readings.fullscreen {
            return Some(Reason::Fullscreen);
        }
        (settings.pause_when_used && readings.used).then_some(Reason::Used)
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
            max_temperature: Some("85".parse().expect("a temperature")),
            pause_for: "steam".parse().expect("a name"),
            pause_when_fullscreen: true,
            pause_on_battery: true,
            pause_when_used: true,
        }
    }

    fn monday(hour: i8) -> DateTime {
        jiff::civil::date(2026, 1, 5).at(hour, 0, 0, 0)
    }

    fn quiet() -> Readings {
        Readings {
            others: 0.0,
            busiest: None,
            overhead: 0.0,
            on_battery: false,
            used: false,
            temperature: None,
            program: None,
            fullscreen: false,
            local_time: monday(12),
            pause_asked: None,
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
        let night = Readings { local_time: monday(23), ..quiet() };
        let mut reason = |readings: Readings| match governor.decide(TICK, readings) {
            Decision::Pause(reason) => reason.to_string(),
            Decision::Work(_) => String::new(),
        };
        assert_eq!(reason(quiet()), "outside the schedule; it opens at 22:00");
        let asked = |left| Some(Asked { left });
        assert_eq!(
            reason(Readings { pause_asked: asked(None), ..quiet() }),
            "you asked for it; `donor resume` goes on"
        );
        assert_eq!(
            reason(Readings { pause_asked: asked(Some(Duration::from_secs(5400))), ..night.clone() }),
            "you asked for it, for another 1 h 30 min; `donor resume` goes on"
        );
        let hot = |degrees| Some(Reading { degrees, sensor: "Tctl".to_owned() });
        let expected = "the processor has 86 °C (Tctl); it goes on below 77";
        assert_eq!(reason(Readings { temperature: hot(86.2), ..night.clone() }), expected);
        assert_eq!(reason(Readings { temperature: hot(70.0), ..night.clone() }), "");
        assert_eq!(reason(Readings { program: Some("steam".to_owned()), ..night.clone() }), "steam runs");
        assert_eq!(reason(Readings { fullscreen: true, ..night.clone() }), "a window fills the screen");
        assert_eq!(reason(Readings { on_battery: true, ..night.clone() }), "the machine runs on battery");
        let used = "somebody uses the machine (typed or touched it within the last 3 minutes)";
        assert_eq!(reason(Readings { used: true, ..night.clone() }), used);
        assert_eq!(reason(night), "");
        let reason = Reason::OtherPrograms { percent: 61, busiest: Some("rustc".to_owned()) };
        assert_eq!(reason.to_string(), "other programs use 61 % of the machine, most of all rustc");
    }

    #[test]
    fn the_schedule_sets_the_cap() {
        let schedule = Some("present=0, 18:00-24:00=80, else=20".parse().expect("a schedule"));
        let mut governor = Governor::new(Settings { schedule, pause_when_used: false, ..settings() });
        assert_eq!(governor.settings().most().percent(), 80.0);
        assert_eq!(governor.decide(TICK, Readings { local_time: monday(20), ..quiet() }), Decision::Work(0.8));
        let in_force = governor.in_force().expect("a rule");
        assert_eq!(in_force.rule.as_deref(), Some("18:00-24:00=80"));
        assert_eq!(in_force.until.map(|until| until.to_string()).as_deref(), Some("00:00"));
        assert_eq!(governor.decide(TICK, quiet()), Decision::Work(0.2));
        let Decision::Pause(reason) = governor.decide(TICK, Readings { used: true, ..quiet() }) else {
            panic!("present")
        };
        assert_eq!(reason.to_string(), "the schedule says `present=0`; it opens when somebody comes or goes");
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
