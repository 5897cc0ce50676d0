//! A time that somebody says.

use super::parse::clock_time;
use super::week::Day;
use jiff::{ToSpan as _, Zoned};
use protocol::Timestamp;
use std::str::FromStr;

/// A local time of the day, perhaps of a day of the week, such as `18:00` or `mon 08:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalTime {
    day: Option<Day>,
    minute: u16,
}

impl FromStr for LocalTime {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no time: write it as 18:00 or mon 08:00");
        let (day, time) = match text.trim().split_once(' ') {
            Some((day, time)) => (Some(Day::from_name(day).ok_or_else(wrong)?), time),
            None => (None, text),
        };
        let minute = clock_time(time).map_err(|_| wrong())?;
        Ok(Self { day, minute })
    }
}

impl LocalTime {
    /// When it comes next; `None` if the calendar ends before.
    pub fn next(self, now: &Zoned) -> Option<Timestamp> {
        let found = (0..=8).find_map(|days| {
            let day = now.date().checked_add(days.days()).ok()?;
            let time = day.at(0, 0, 0, 0).checked_add(i64::from(self.minute).minutes()).ok()?;
            let time = time.to_zoned(now.time_zone().clone()).ok()?;
            let is_day = self.day.is_none_or(|wanted| wanted.weekday() == day.weekday());
            (is_day && time > *now).then_some(time)
        });
        let second = found.and_then(|time| u64::try_from(time.timestamp().as_second()).ok());
        second.map(Timestamp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_time_that_a_clock_shows_it() {
        let zone = jiff::tz::TimeZone::get("Europe/Berlin").expect("a zone that the system knows");
        // A Monday.
        let now = jiff::civil::date(2026, 1, 5).at(12, 0, 30, 0).to_zoned(zone.clone()).expect("a time");
        for (text, expected) in [
            ("18:00", "2026-01-05T18:00:00"),
            ("12:00", "2026-01-06T12:00:00"),
            ("8:30", "2026-01-06T08:30:00"),
            ("24:00", "2026-01-06T00:00:00"),
            ("mon 08:00", "2026-01-12T08:00:00"),
            ("Monday 18:00", "2026-01-05T18:00:00"),
            ("sun 00:00", "2026-01-11T00:00:00"),
        ] {
            let time: LocalTime = text.parse().expect(text);
            let expected: jiff::civil::DateTime = expected.parse().expect("a time");
            let expected = expected.to_zoned(zone.clone()).expect("a time").timestamp().as_second();
            assert_eq!(time.next(&now).expect(text).0, u64::try_from(expected).expect("later"), "{text}");
        }
        for text in ["", "18", "6pm", "25:00", "soon 08:00", "mon", "tomorrow"] {
            assert!(text.parse::<LocalTime>().is_err(), "{text}");
        }
        // The night in which 02:30 is skipped: it ends when the clock has passed it.
        let now = jiff::civil::date(2026, 3, 29).at(1, 0, 0, 0).to_zoned(zone).expect("a time");
        let until = "02:30".parse::<LocalTime>().expect("a time").next(&now).expect("a time");
        assert_eq!(until.0, u64::try_from(now.timestamp().as_second()).expect("later") + 5400);
    }
}
