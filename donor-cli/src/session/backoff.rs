//! How long to wait before trying again: from a second to an hour, with jitter, for ever.

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use std::time::Duration;

/// The longest wait between two tries.
pub const LONGEST: Duration = Duration::from_secs(3600);

/// Waits that grow until something succeeds.
#[derive(Debug)]
pub struct Backoff {
    waits: ExponentialBackoff,
}

impl Backoff {
    /// Begins with about a second.
    pub fn new() -> Self {
        let builder = ExponentialBuilder::default()
            .with_min_delay(Duration::from_secs(1))
            .with_factor(2.0)
            .with_max_delay(LONGEST / 2)
            .with_jitter()
            .without_max_times();
        Self { waits: builder.build() }
    }

    /// The next wait, not shorter than what the other side asked for.
    pub fn next(&mut self, asked: Option<Duration>) -> Duration {
        let wait = self.waits.next().unwrap_or(LONGEST).min(LONGEST);
        asked.map_or(wait, |asked| wait.max(asked).min(LONGEST))
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_from_a_second_to_an_hour_and_never_gives_up() {
        let mut backoff = Backoff::new();
        let waits: Vec<f64> = (0..1000).map(|_| backoff.next(None).as_secs_f64()).collect();
        assert!((1.0..=2.0).contains(&waits[0]), "{}", waits[0]);
        assert!(waits.iter().all(|wait| *wait <= 3600.0));
        assert!(waits[20..].iter().all(|wait| *wait >= 1800.0), "it stays long");
        let different = waits[20..].windows(2).filter(|pair| (pair[0] - pair[1]).abs() > 1e-6).count();
        assert!(different > 900, "jitter: {different}");
    }

    #[test]
    fn does_not_come_back_sooner_than_asked() {
        let asked = Duration::from_secs(120);
        assert!(Backoff::new().next(Some(asked)) >= asked);
        assert_eq!(Backoff::new().next(Some(Duration::MAX)), LONGEST, "nobody can keep a donor away for ever");
    }
}
