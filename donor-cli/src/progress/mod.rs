//! How far a unit is: phases, an honest fraction, and the time that is left.

pub mod notice;
pub mod show;
pub mod words;

pub use show::Show;

use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// The phases of a unit, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Fetching the program, and the execution if somebody else has executed.
    Download,
    /// Running the program.
    Execute,
    /// Filling the tables.
    Witness,
    /// Main columns.
    Main,
    /// Lookup columns.
    Lookup,
    /// Quotients.
    Quotient,
    /// Openings.
    Openings,
    /// Low-degree test.
    Fri,
    /// Verifying the proof before it is sent.
    Verify,
    /// Sending.
    Upload,
}

impl Phase {
    /// All phases, in order.
    pub const ALL: [Self; 10] = [
        Self::Download,
        Self::Execute,
        Self::Witness,
        Self::Main,
        Self::Lookup,
        Self::Quotient,
        Self::Openings,
        Self::Fri,
        Self::Verify,
        Self::Upload,
    ];

    /// Name for messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Download => "download",
            Self::Execute => "execute",
            Self::Witness => "witness",
            Self::Main => "main",
            Self::Lookup => "lookup",
            Self::Quotient => "quotient",
            Self::Openings => "openings",
            Self::Fri => "fri",
            Self::Verify => "verify own proof",
            Self::Upload => "upload",
        }
    }

    /// Share of a unit's time that the phase usually takes, measured on programs of 2^16 to 2^20 steps.
    const fn weight(self) -> f64 {
        match self {
            Self::Download => 0.01,
            Self::Execute => 0.10,
            Self::Witness => 0.06,
            Self::Main => 0.26,
            Self::Lookup => 0.20,
            Self::Quotient => 0.18,
            Self::Openings => 0.06,
            Self::Fri => 0.10,
            Self::Verify => 0.02,
            Self::Upload => 0.01,
        }
    }
}

impl From<stark::Phase> for Phase {
    fn from(phase: stark::Phase) -> Self {
        match phase {
            stark::Phase::Witness => Self::Witness,
            stark::Phase::Main => Self::Main,
            stark::Phase::Lookup => Self::Lookup,
            stark::Phase::Quotient => Self::Quotient,
            stark::Phase::Openings => Self::Openings,
            stark::Phase::Fri => Self::Fri,
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Follows one unit. Time is what the caller counts as working time: pauses are left out of it.
#[derive(Debug, Clone)]
pub struct Tracker {
    phases: Vec<Phase>,
    phase: Phase,
    fraction: f64,
    worked: Duration,
    /// Working time and overall fraction at the first report.
    start: Option<(Duration, f64)>,
}

impl Tracker {
    /// A unit that goes through these phases.
    pub fn new(phases: &[Phase]) -> Self {
        let phase = phases.first().copied().unwrap_or(Phase::Download);
        Self { phases: phases.to_vec(), phase, fraction: 0.0, worked: Duration::ZERO, start: None }
    }

    /// Takes a report. Nothing goes back: an earlier phase or fraction is ignored.
    pub fn report(&mut self, phase: Phase, fraction: f64) {
        let fraction = if fraction.is_finite() { fraction.clamp(0.0, 1.0) } else { 0.0 };
        if (phase, fraction) > (self.phase, self.fraction) {
            (self.phase, self.fraction) = (phase, fraction);
        }
        let overall = self.overall();
        self.start.get_or_insert((self.worked, overall));
    }

    /// Counts working time.
    pub fn work(&mut self, time: Duration) {
        self.worked += time;
    }

    /// The phase.
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// How far the phase is.
    pub const fn fraction(&self) -> f64 {
        self.fraction
    }

    /// Working time so far.
    pub const fn worked(&self) -> Duration {
        self.worked
    }

    /// How far the unit is, from 0 to 1.
    pub fn overall(&self) -> f64 {
        let total: f64 = self.phases.iter().map(|phase| phase.weight()).sum();
        let done: f64 = self.phases.iter().filter(|phase| **phase < self.phase).map(|phase| phase.weight()).sum();
        let here = if self.phases.contains(&self.phase) { self.phase.weight() * self.fraction } else { 0.0 };
        if total > 0.0 { ((done + here) / total).min(1.0) } else { 0.0 }
    }

    /// Working time that is left, once enough has been seen to say so.
    pub fn left(&self) -> Option<Duration> {
        let (begun, at) = self.start?;
        let (time, way) = (self.worked.saturating_sub(begun).as_secs_f64(), self.overall() - at);
        let left = (1.0 - self.overall()) * time / way;
        (way > 0.05 && time > 1.0 && left.is_finite()).then(|| Duration::from_secs_f64(left.min(1e8)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fraction_never_goes_back_and_ends_at_one() {
        let mut tracker = Tracker::new(&Phase::ALL);
        let mut last = 0.0;
        for phase in Phase::ALL {
            for step in 0..=10 {
                tracker.report(phase, f64::from(step) / 10.0);
                assert!(tracker.overall() >= last, "{phase}");
                last = tracker.overall();
            }
        }
        assert!((last - 1.0).abs() < 1e-9);
        tracker.report(Phase::Main, 0.5);
        assert_eq!((tracker.phase(), tracker.overall()), (Phase::Upload, last));
    }

    #[test]
    fn nonsense_is_ignored() {
        let mut tracker = Tracker::new(&Phase::ALL);
        tracker.report(Phase::Main, f64::NAN);
        tracker.report(Phase::Main, -4.0);
        assert_eq!(tracker.fraction(), 0.0);
        tracker.report(Phase::Main, 4.0);
        assert_eq!(tracker.fraction(), 1.0);
    }

    #[test]
    fn the_time_left_shrinks_steadily_when_work_is_steady() {
        let mut tracker = Tracker::new(&[Phase::Main]);
        tracker.report(Phase::Main, 0.0);
        assert_eq!(tracker.left(), None);
        for second in 1..100 {
            tracker.work(Duration::from_secs(1));
            tracker.report(Phase::Main, f64::from(second) / 100.0);
            if second > 5 {
                let left = tracker.left().expect("enough seen").as_secs_f64();
                assert!((left - f64::from(100 - second)).abs() < 0.5, "{second}: {left}");
            }
        }
    }

    #[test]
    fn a_resumed_unit_does_not_count_what_was_there() {
        let mut tracker = Tracker::new(&[Phase::Execute, Phase::Main]);
        tracker.report(Phase::Main, 0.5);
        assert_eq!(tracker.left(), None, "half is done, but not by us");
        tracker.work(Duration::from_secs(10));
        tracker.report(Phase::Main, 0.75);
        let left = tracker.left().expect("enough seen").as_secs_f64();
        assert!((9.0..11.0).contains(&left), "{left}");
    }
}
