//! How fast units get their results, and when the last one will have one, as far as that can be told from what was seen.

use crate::show::number::{grouped, time};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Looks further back say little about now.
const WINDOW: Duration = Duration::from_secs(30 * 60);

/// Less time than this says nothing, nor do fewer units.
const LEAST_TIME: Duration = Duration::from_secs(20);
const LEAST_UNITS: u64 = 2;

/// Looks that are kept.
const MOST_LOOKS: usize = 256;

/// What was seen of a project.
#[derive(Debug, Clone, Default)]
pub struct Forecast {
    /// When it was looked, and how many units had a result.
    looks: VecDeque<(Instant, u64)>,
}

impl Forecast {
    /// Notes a look.
    pub fn note(&mut self, now: Instant, done: u64) {
        // Fewer than before: a unit is proven again, or somebody else's project has the name.
        if self.looks.back().is_some_and(|(_, before)| *before > done) {
            self.looks.clear();
        }
        self.looks.push_back((now, done));
        let is_old = |at: Instant| now.saturating_duration_since(at) > WINDOW;
        // The last one beyond the window stays: it is where the window begins.
        while self.looks.len() > MOST_LOOKS || self.looks.get(1).is_some_and(|(at, _)| is_old(*at)) {
            self.looks.pop_front();
        }
    }

    /// The time that was looked at, and the units that got a result in it.
    fn seen(&self) -> (Duration, u64) {
        match (self.looks.front(), self.looks.back()) {
            (Some((begin, before)), Some((end, after))) => {
                (end.saturating_duration_since(*begin), after.saturating_sub(*before))
            }
            _ => (Duration::ZERO, 0),
        }
    }

    /// Units in a second, once enough was seen to say so.
    pub fn rate(&self) -> Option<f64> {
        let (time, units) = self.seen();
        (time >= LEAST_TIME && units >= LEAST_UNITS).then(|| units as f64 / time.as_secs_f64())
    }

    /// Time until so many further units have a result, if all goes on as it did.
    pub fn left(&self, open: u64) -> Option<Duration> {
        if open == 0 {
            return Some(Duration::ZERO);
        }
        // At most thirty years.
        self.rate().map(|rate| Duration::from_secs_f64((open as f64 / rate).min(1e9)))
    }

    /// In words, for people: `12 of 50 units have a result, 30 an hour, about 1 h 16 min left`.
    pub fn words(&self, done: u64, all: u64, open: u64) -> String {
        let so_far = format!("{} of {} units have a result", grouped(done), grouped(all));
        let (seen, units) = self.seen();
        match (self.rate(), self.left(open)) {
            _ if open == 0 => so_far,
            (Some(rate), Some(left)) => format!("{so_far}, {}, about {} left", a_time(rate), time(left)),
            _ if units == 0 && seen >= LEAST_TIME => format!("{so_far}, none came in the last {}", time(seen)),
            _ => so_far,
        }
    }
}

/// `30 an hour`, `4 a minute`, `2.5 a day`.
fn a_time(rate: f64) -> String {
    let (number, unit) = match rate {
        _ if rate * 60.0 >= 2.0 => (rate * 60.0, "a minute"),
        _ if rate * 3600.0 >= 2.0 => (rate * 3600.0, "an hour"),
        _ => (rate * 86_400.0, "a day"),
    };
    if number < 9.95 { format!("{number:.1} {unit}") } else { format!("{} {unit}", grouped(number.round() as u64)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_is_carried_on() {
        let (mut forecast, begin) = (Forecast::default(), Instant::now());
        let mut note = |minutes: u64, done| {
            forecast.note(begin + Duration::from_secs(60 * minutes), done);
            (forecast.words(done, 50, 50 - done), forecast.rate().map(|rate| (rate * 3600.0).round()))
        };
        assert_eq!(note(0, 2), ("2 of 50 units have a result".to_owned(), None), "one look says nothing of the rate");
        assert_eq!(note(1, 2).0, "2 of 50 units have a result, none came in the last 1 min");
        assert_eq!(note(2, 3).1, None, "nor does one unit");
        let said = "12 of 50 units have a result, 60 an hour, about 38 min left";
        assert_eq!(note(10, 12), (said.to_owned(), Some(60.0)));
        assert_eq!(note(11, 50), ("50 of 50 units have a result".to_owned(), Some(262.0)));
    }

    #[test]
    fn what_is_long_past_does_not_count() {
        let (mut forecast, begin) = (Forecast::default(), Instant::now());
        // 60 an hour for an hour, then 6.
        for minute in 0..=180_u64 {
            let done = minute.min(60) + minute.saturating_sub(60) / 10;
            forecast.note(begin + Duration::from_secs(60 * minute), done);
        }
        let rate = forecast.rate().expect("enough was seen") * 3600.0;
        assert!((5.0..8.0).contains(&rate), "{rate}");
        assert!(forecast.looks.len() < 40, "{}", forecast.looks.len());
        let left = forecast.left(6).expect("enough was seen").as_secs();
        assert!((2700..4400).contains(&left), "{left}");
        assert_eq!(forecast.left(0), Some(Duration::ZERO));
        // Looks from a clock that stands still, and a count that goes back.
        forecast.note(begin, 5);
        assert_eq!((forecast.rate(), forecast.left(3)), (None, None));
        for _ in 0..10_000 {
            forecast.note(begin, 5);
        }
        assert!(forecast.looks.len() <= MOST_LOOKS);
    }

    #[test]
    fn rates_are_said_in_a_unit_that_fits() {
        let words = [2.0, 0.05, 1.0 / 120.0, 1.0 / 7200.0].map(a_time);
        assert_eq!(words, ["120 a minute", "3.0 a minute", "30 an hour", "12 a day"]);
    }
}
