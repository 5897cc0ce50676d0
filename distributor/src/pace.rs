//! How slowly bytes may move, in either direction.

use crate::config::Settings;
use std::time::Duration;

/// Time that a transfer has left. Waiting uses it up, bytes bring some, and it is never more than the longest silence: a fast
/// beginning buys no slow end, and the time of the whole is bounded by its bytes alone.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    left: Duration,
    most: Duration,
    /// Bytes a second.
    least: u64,
}

impl Pace {
    /// A transfer that begins.
    pub fn new(settings: &Settings) -> Self {
        Self { left: settings.idle(), most: settings.idle(), least: settings.min_rate.max(1) }
    }

    /// How long the next bytes may be waited for.
    pub const fn left(&self) -> Duration {
        self.left
    }

    /// So many bytes came after so much waiting. Time that we took ourselves is no waiting.
    pub fn moved(&mut self, waited: Duration, bytes: u64) {
        let earned = Duration::from_nanos(bytes.saturating_mul(1_000_000_000) / self.least);
        self.left = self.left.saturating_sub(waited).saturating_add(earned).min(self.most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fast_beginning_buys_no_slow_end() {
        let settings = Settings { idle_seconds: 20, min_rate: 1000, ..Settings::default() };
        let mut pace = Pace::new(&settings);
        pace.moved(Duration::ZERO, 1 << 40);
        assert_eq!(pace.left(), Duration::from_secs(20));
        pace.moved(Duration::from_secs(11), 1);
        assert_eq!(pace.left(), Duration::from_millis(9001));
        pace.moved(Duration::from_secs(11), 1);
        assert_eq!(pace.left(), Duration::from_millis(1), "a byte each eleven seconds does not go far");
        let mut steady = Pace::new(&settings);
        for _ in 0..1000 {
            steady.moved(Duration::from_secs(2), 2000);
        }
        assert_eq!(steady.left(), Duration::from_secs(20));
        let mut huge = Pace::new(&Settings { min_rate: 0, ..settings });
        huge.moved(Duration::MAX, u64::MAX);
        assert_eq!(huge.left(), Duration::from_secs(20));
    }
}
