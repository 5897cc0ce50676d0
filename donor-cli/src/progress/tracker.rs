//! Follows a unit through its phases: an honest fraction, and the time that is left.

use super::Phase;
use std::time::Duration;

/// Shares of a unit's time that its phases take. They are those of most programs at first, and then of what this machine does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weights([f64; Phase::ALL.len()]);

impl Default for Weights {
    fn default() -> Self {
        Self(Phase::ALL.map(Phase::weight))
    }
}

impl Weights {
    const fn of(&self, phase: Phase) -> f64 {
        self.0[phase as usize]
    }

    /// Takes into account how long the phases of a finished unit took. What it did not go through keeps its share.
    pub fn learn(&mut self, unit: &Tracker) {
        let spent = |phase: &Phase| unit.spent[*phase as usize].as_secs_f64();
        let seconds: f64 = unit.phases.iter().map(spent).sum();
        if seconds < LEAST_SECONDS {
            return;
        }
        let all: f64 = unit.phases.iter().map(|phase| self.of(*phase)).sum();
        for phase in &unit.phases {
            let share = &mut self.0[*phase as usize];
            let seen = spent(phase) / seconds * all;
            // No phase is left without any time: another program may need it.
            *share = (*share + LEARNED * (seen - *share)).max(1e-3);
        }
    }
}

/// A unit that took less says little about the phases' shares.
const LEAST_SECONDS: f64 = 2.0;

/// How much the last unit counts.
const LEARNED: f64 = 0.5;

/// Follows one unit. Time is what the caller counts as working time: pauses are left out of it.
#[derive(Debug, Clone)]
pub struct Tracker {
    phases: Vec<Phase>,
    phase: Phase,
    fraction: f64,
    worked: Duration,
    /// Working time by phase.
    spent: [Duration; Phase::ALL.len()],
    /// Working time since something was last reported that had not been.
    still: Duration,
    weights: Weights,
    /// Working time and overall fraction at the first report.
    start: Option<(Duration, f64)>,
    /// The part of the whole that goes through the phases now: where it begins, and how much it is.
    part: (f64, f64),
}

impl Tracker {
    /// A unit that goes through these phases, which take these shares of its time.
    pub fn new(phases: &[Phase], weights: Weights) -> Self {
        Self {
            phases: phases.to_vec(),
            phase: phases.first().copied().unwrap_or(Phase::Download),
            fraction: 0.0,
            worked: Duration::ZERO,
            spent: [Duration::ZERO; Phase::ALL.len()],
            still: Duration::ZERO,
            weights,
            start: None,
            part: (0.0, 1.0),
        }
    }

    /// A further part of the whole goes through the phases, but for the download, which was done for all: it begins where so much is
    /// done, and is so much of it.
    pub fn part(&mut self, done: f64, share: f64) {
        let within = |part: f64| if part.is_finite() { part.clamp(0.0, 1.0) } else { 0.0 };
        let (done, share) = (within(done), within(share));
        if self.phase > Phase::Execute {
            (self.phase, self.fraction) = (Phase::Execute, 0.0);
        }
        self.part = (done, share.min(1.0 - done));
    }

    /// Takes a report. Nothing goes back: an earlier phase or fraction is ignored.
    pub fn report(&mut self, phase: Phase, fraction: f64) {
        let fraction = if fraction.is_finite() { fraction.clamp(0.0, 1.0) } else { 0.0 };
        if (phase, fraction) > (self.phase, self.fraction) {
            (self.phase, self.fraction) = (phase, fraction);
            self.still = Duration::ZERO;
        }
        let overall = self.overall();
        self.start.get_or_insert((self.worked, overall));
    }

    /// Counts working time.
    pub fn work(&mut self, time: Duration) {
        self.worked += time;
        self.still += time;
        self.spent[self.phase as usize] += time;
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
        let total: f64 = self.phases.iter().map(|phase| self.weights.of(*phase)).sum();
        let before = self.phases.iter().filter(|phase| **phase < self.phase);
        let done: f64 = before.map(|phase| self.weights.of(*phase)).sum();
        let here = if self.phases.contains(&self.phase) { self.weights.of(self.phase) * self.fraction } else { 0.0 };
        let (begin, share) = self.part;
        if total > 0.0 { (begin + share * ((done + here) / total)).min(1.0) } else { 0.0 }
    }

    /// Working time that is left, once enough has been seen to say so. While nothing new is reported it is at least as much as that
    /// has gone on for: what takes so long is not over in a moment.
    pub fn left(&self) -> Option<Duration> {
        let (begun, at) = self.start?;
        let (time, way) = (self.worked.saturating_sub(begun).as_secs_f64(), self.overall() - at);
        let left = ((1.0 - self.overall()) * time / way).max(self.still.as_secs_f64());
        (way > 0.05 && time > 1.0 && left.is_finite()).then(|| Duration::from_secs_f64(left.min(1e8)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fraction_never_goes_back_and_ends_at_one() {
        let mut tracker = Tracker::new(&Phase::ALL, Weights::default());
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
        let mut tracker = Tracker::new(&Phase::ALL, Weights::default());
        tracker.report(Phase::Main, f64::NAN);
        tracker.report(Phase::Main, -4.0);
        assert_eq!(tracker.fraction(), 0.0);
        tracker.report(Phase::Main, 4.0);
        assert_eq!(tracker.fraction(), 1.0);
    }

    #[test]
    fn the_time_left_shrinks_steadily_when_work_is_steady() {
        let mut tracker = Tracker::new(&[Phase::Main], Weights::default());
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
        let mut tracker = Tracker::new(&[Phase::Execute, Phase::Main], Weights::default());
        tracker.report(Phase::Main, 0.5);
        assert_eq!(tracker.left(), None, "half is done, but not by us");
        tracker.work(Duration::from_secs(10));
        tracker.report(Phase::Main, 0.75);
        let left = tracker.left().expect("enough seen").as_secs_f64();
        assert!((9.0..11.0).contains(&left), "{left}");
    }

    #[test]
    fn what_stands_still_is_not_over_in_a_moment() {
        let mut tracker = Tracker::new(&[Phase::Main, Phase::Fri], Weights::default());
        tracker.report(Phase::Main, 0.0);
        tracker.work(Duration::from_secs(100));
        tracker.report(Phase::Fri, 0.99);
        assert!(tracker.left().expect("enough seen") < Duration::from_secs(2));
        tracker.work(Duration::from_secs(40));
        assert!(tracker.left().expect("enough seen") >= Duration::from_secs(40));
        tracker.report(Phase::Fri, 1.0);
        assert!(tracker.left().expect("enough seen") < Duration::from_secs(1));
    }

    /// A unit whose phases take as many seconds.
    fn worked(weights: Weights, seconds: &[(Phase, u64)]) -> Tracker {
        let phases: Vec<Phase> = seconds.iter().map(|(phase, _)| *phase).collect();
        let mut tracker = Tracker::new(&phases, weights);
        for (phase, seconds) in seconds {
            tracker.report(*phase, 0.0);
            tracker.work(Duration::from_secs(*seconds));
            tracker.report(*phase, 1.0);
        }
        tracker
    }

    #[test]
    fn the_machine_teaches_how_long_phases_take() {
        let times = [(Phase::Main, 10), (Phase::Fri, 90)];
        let mut weights = Weights::default();
        let left_after_main = |weights: Weights| {
            let mut tracker = worked(weights, &times[..1]);
            tracker.phases.push(Phase::Fri);
            tracker.left().expect("enough seen").as_secs()
        };
        assert!(left_after_main(weights) < 10, "most programs' last phase is short");
        for _ in 0..6 {
            weights.learn(&worked(weights, &times));
        }
        assert!((70..=95).contains(&left_after_main(weights)), "{}", left_after_main(weights));
        let before = weights;
        weights.learn(&worked(weights, &[(Phase::Main, 1), (Phase::Fri, 0)]));
        assert_eq!(weights, before, "too short to learn from");
        assert_eq!(weights.of(Phase::Execute), Phase::Execute.weight());
    }
}
