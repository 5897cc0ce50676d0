//! The use that was really made of the machine, to show beside the cap.

use std::collections::VecDeque;
use std::time::Duration;

/// How far back [`UseMeter::recent`] looks.
const WINDOW: Duration = Duration::from_secs(10);

/// Follows the processor time that the donor and its work units have used.
#[derive(Debug, Clone)]
pub struct UseMeter {
    cores: f64,
    samples: VecDeque<(Duration, f64)>,
}

impl UseMeter {
    /// For a machine of so many cores.
    pub fn new(cores: usize) -> Self {
        Self { cores: cores.max(1) as f64, samples: VecDeque::new() }
    }

    /// Notes the processor time used so far, in seconds.
    pub fn note(&mut self, now: Duration, cpu_seconds: f64) {
        self.samples.push_back((now, cpu_seconds));
        // One sample from before the window stays, so that the window is covered.
        while self.samples.get(1).is_some_and(|(at, _)| now.saturating_sub(*at) >= WINDOW) {
            self.samples.pop_front();
        }
    }

    /// Share of the machine used over about the last ten seconds.
    pub fn recent(&self) -> f64 {
        let (Some((from, before)), Some((to, after))) = (self.samples.front(), self.samples.back()) else { return 0.0 };
        let passed = to.saturating_sub(*from).as_secs_f64();
        if passed > 0.0 { ((after - before) / passed / self.cores).clamp(0.0, 1.0) } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_ten_seconds_back() {
        let mut meter = UseMeter::new(2);
        assert_eq!(meter.recent(), 0.0);
        for second in 0..=60 {
            // Idle for half a minute, then one core of two.
            meter.note(Duration::from_secs(second), second.saturating_sub(30) as f64);
            assert!(meter.samples.len() <= 12);
        }
        assert!((meter.recent() - 0.5).abs() < 1e-9);
    }
}
