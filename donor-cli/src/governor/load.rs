//! Giving way to other programs: the machine's use less our own, smoothed, with one threshold for pausing and a lower
//! one for resuming.

use std::time::Duration;

/// When to give way.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Thresholds {
    /// Pause while other programs use more than this share of the machine.
    pub pause_above: f64,
    /// Resume once they use less than this share...
    pub resume_below: f64,
    /// ...for this long.
    pub calm: Duration,
    /// Time constant of the smoothing.
    pub smoothing: Duration,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            pause_above: 0.25,
            resume_below: 0.15,
            calm: Duration::from_secs(3),
            smoothing: Duration::from_millis(700),
        }
    }
}

/// The use that other programs make of the machine, as seen over time.
#[derive(Debug, Clone)]
pub struct OtherLoad {
    thresholds: Thresholds,
    smoothed: f64,
    last: Option<Duration>,
    giving_way: bool,
    calm_since: Option<Duration>,
}

impl OtherLoad {
    /// Nothing seen yet.
    pub const fn new(thresholds: Thresholds) -> Self {
        Self { thresholds, smoothed: 0.0, last: None, giving_way: false, calm_since: None }
    }

    /// Takes a reading: the share of the machine that other programs used since the last one. Says whether to give way.
    pub fn observe(&mut self, now: Duration, share: f64) -> bool {
        let share = share.clamp(0.0, 1.0);
        self.smoothed = match self.last {
            None => share,
            Some(last) => {
                let passed = now.saturating_sub(last).as_secs_f64();
                let weight = 1.0 - (-passed / self.thresholds.smoothing.as_secs_f64().max(1e-3)).exp();
                self.smoothed + weight * (share - self.smoothed)
            }
        };
        self.last = Some(now);
        if self.smoothed < self.thresholds.resume_below {
            let since = *self.calm_since.get_or_insert(now);
            if now.saturating_sub(since) >= self.thresholds.calm {
                self.giving_way = false;
            }
        } else {
            self.calm_since = None;
            self.giving_way |= self.smoothed > self.thresholds.pause_above;
        }
        self.giving_way
    }

    /// The smoothed share that other programs use.
    pub const fn share(&self) -> f64 {
        self.smoothed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: Duration = Duration::from_millis(250);

    /// Feeds a load as a function of time and returns the times at which the answer changed.
    fn changes(load: impl Fn(f64) -> f64, seconds: u32) -> Vec<(f64, bool)> {
        let mut other = OtherLoad::new(Thresholds::default());
        let (mut changes, mut before) = (Vec::new(), false);
        for tick in 0..seconds * 4 {
            let now = TICK * tick;
            let giving_way = other.observe(now, load(now.as_secs_f64()));
            if giving_way != before {
                changes.push((now.as_secs_f64(), giving_way));
                before = giving_way;
            }
        }
        changes
    }

    #[test]
    fn gives_way_within_two_seconds_and_takes_back_within_ten() {
        for core_of in [0.5, 0.4, 1.0] {
            let changes = changes(|at| if (10.0..40.0).contains(&at) { core_of } else { 0.02 }, 80);
            let [(pause, true), (resume, false)] = changes[..] else { panic!("{changes:?}") };
            assert!((10.0..=12.0).contains(&pause), "{pause}");
            assert!((43.0..=50.0).contains(&resume), "{resume}");
        }
    }

    #[test]
    fn a_short_burst_is_no_reason_to_pause() {
        assert_eq!(changes(|at| if (10.0..10.2).contains(&at) { 0.6 } else { 0.05 }, 30), []);
    }

    #[test]
    fn load_between_the_thresholds_changes_nothing() {
        assert_eq!(changes(|_| 0.2, 60), []);
        let changes = changes(|at| if at < 5.0 { 0.9 } else { 0.2 }, 60);
        assert_eq!(changes.len(), 1, "stays paused: {changes:?}");
    }

    #[test]
    fn an_unsteady_load_does_not_make_it_flap() {
        let changes = changes(|at| if at % 2.0 < 1.0 { 0.8 } else { 0.0 }, 120);
        assert_eq!(changes.len(), 1, "{changes:?}");
    }

    #[test]
    fn readings_outside_the_range_are_cut() {
        let mut other = OtherLoad::new(Thresholds::default());
        other.observe(Duration::ZERO, -3.0);
        assert_eq!(other.share(), 0.0);
        other.observe(Duration::from_secs(100), 7.0);
        assert!((other.share() - 1.0).abs() < 1e-9);
    }
}
