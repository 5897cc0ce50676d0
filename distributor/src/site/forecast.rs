//! When a project will be finished, as far as its past tells.
//!
//! The last week (or the project's life, if that is shorter) is cut into equal parts; the mean rate of the parts, less and plus two
//! standard errors of it, gives the range. It says what comes if donors go on as they did, no more.

use protocol::{Point, Timestamp};

/// What is looked at.
const WINDOW: u64 = 7 * 24;

/// Parts that it is cut into.
const PARTS: u64 = 8;

/// Hours below which nothing is said.
const LEAST_HOURS: u64 = 3;

const HOUR: u64 = 3600;

/// No forecast reaches further than a century.
const FAR: u64 = 100 * 365 * 24 * HOUR;

/// When a project will be finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forecast {
    /// There is nothing left to do.
    Done,
    /// Nothing was proven for a week.
    Resting,
    /// It is too young, or too little was proven.
    TooEarly,
    /// Within so many seconds.
    Within {
        /// At the soonest.
        soonest: u64,
        /// Most likely.
        likely: u64,
        /// At the latest, if the rate is steady enough to say.
        latest: Option<u64>,
    },
}

/// The forecast for `left` units, given what was proven by the hour, when the project was made, and the time.
pub fn forecast(hours: &[Point], left: u64, made: Timestamp, now: Timestamp) -> Forecast {
    if left == 0 {
        return Forecast::Done;
    }
    let this = now.0 / HOUR;
    // Whole hours only: the present one has just begun.
    let from = (made.0 / HOUR).max(this.saturating_sub(WINDOW));
    let length = this.saturating_sub(from);
    if length < LEAST_HOURS {
        return Forecast::TooEarly;
    }
    let parts = PARTS.min(length);
    let mut proved = vec![0_u64; parts as usize];
    for point in hours {
        let hour = point.start.0 / HOUR;
        if (from..this).contains(&hour)
            && let Some(part) = proved.get_mut(((hour - from) * parts / length) as usize)
        {
            *part = part.saturating_add(point.tally.units);
        }
    }
    let all: u64 = proved.iter().sum();
    if all == 0 {
        return if length < WINDOW { Forecast::TooEarly } else { Forecast::Resting };
    }
    let count = parts as f64;
    let part_seconds = (length * HOUR) as f64 / count;
    let mean = all as f64 / count;
    let variance = proved.iter().map(|units| (*units as f64 - mean).powi(2)).sum::<f64>() / (count - 1.0).max(1.0);
    let error = 2.0 * (variance / count).sqrt();
    let seconds = |units: f64| ((left as f64 / units * part_seconds) as u64).min(FAR);
    let latest = (mean - error > mean * 0.05).then(|| seconds(mean - error));
    Forecast::Within { soonest: seconds(mean + error), likely: seconds(mean), latest }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::Tally;

    const NOW: Timestamp = Timestamp(1_000_000 * HOUR + 100);

    fn hours(units: impl Fn(u64) -> u64) -> Vec<Point> {
        let point = |ago: u64| Point {
            start: Timestamp((1_000_000 - ago) * HOUR),
            tally: Tally { steps: 0, units: units(ago), proofs: 0 },
        };
        (0..400).rev().map(point).collect()
    }

    fn within(hours: &[Point], left: u64) -> (u64, u64, Option<u64>) {
        match forecast(hours, left, Timestamp(0), NOW) {
            Forecast::Within { soonest, likely, latest } => (soonest, likely, latest),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_steady_rate_gives_one_time() {
        assert_eq!(within(&hours(|_| 10), 100), (10 * HOUR, 10 * HOUR, Some(10 * HOUR)));
    }

    #[test]
    fn an_unsteady_rate_gives_a_range_around_the_mean() {
        let (soonest, likely, latest) = within(&hours(|ago| if ago / 21 % 2 == 0 { 4 } else { 16 }), 100);
        assert!(soonest < likely && likely < latest.unwrap(), "{soonest} {likely} {latest:?}");
        // Everything in one part of the week: nobody can say how late it gets.
        let (_, _, latest) = within(&hours(|ago| u64::from(ago == 30) * 1000), 100);
        assert_eq!(latest, None);
    }

    #[test]
    fn nothing_is_said_too_early_or_of_what_rests() {
        let young = Timestamp(NOW.0 - 2 * HOUR);
        assert_eq!(forecast(&hours(|_| 10), 5, young, NOW), Forecast::TooEarly);
        assert_eq!(forecast(&[], 5, Timestamp(NOW.0 - 5 * HOUR), NOW), Forecast::TooEarly);
        assert_eq!(forecast(&hours(|ago| u64::from(ago > 300)), 5, Timestamp(0), NOW), Forecast::Resting);
        assert_eq!(forecast(&hours(|_| 10), 0, Timestamp(0), NOW), Forecast::Done);
        // A clock that was set back, and numbers beyond all bounds.
        assert_eq!(forecast(&hours(|_| 10), 5, Timestamp(u64::MAX), NOW), Forecast::TooEarly);
        let (_, likely, _) = within(&hours(|ago| u64::from(ago == 1)), u64::MAX);
        assert_eq!(likely, FAR);
    }
}
