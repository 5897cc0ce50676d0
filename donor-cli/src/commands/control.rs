//! `donor pause`, `resume` and `finish`.

use super::open;
use crate::cli::StateArgs;
use crate::exit::{Exit, Failure};
use crate::governor::schedule::{Day, clock_time};
use crate::progress::words;
use crate::state::control::{self, Wish};
use crate::state::pause::Length;
use jiff::{ToSpan as _, Zoned};
use protocol::Timestamp;
use std::str::FromStr;
use std::time::{Duration, Instant};

/// How long the running donor may take to follow.
const PATIENCE: Duration = Duration::from_secs(10);

/// Makes a wish of the running donor and waits until it has taken it.
///
/// # Errors
/// If no donor runs, or it does not answer.
pub fn wish(state: &StateArgs, wish: Wish) -> Result<Exit, Failure> {
    let folder = open(state)?;
    let none = || {
        Failure::fault(format!(
            "no donor runs with the state folder {}; start one with `donor run`",
            folder.root().display()
        ))
    };
    if folder.running().is_none() {
        return Err(none());
    }
    control::wish(&folder, wish)?;
    let begin = Instant::now();
    while !control::taken(&folder, wish) {
        if folder.running().is_none() {
            control::withdraw(&folder, wish);
            return Err(none());
        }
        if begin.elapsed() > PATIENCE {
            control::withdraw(&folder, wish);
            let message =
                format!("the running donor did not answer within {} s; is the machine very busy?", PATIENCE.as_secs());
            return Err(Failure::fault(message));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let end = |until: Timestamp| {
        let time = jiff::Timestamp::from_second(i64::try_from(until.0).unwrap_or(i64::MAX));
        time.map_or_else(|_| until.to_string(), |time| at(&time.to_zoned(jiff::tz::TimeZone::system()), &Zoned::now()))
    };
    let message = match wish {
        Wish::Pause(Length::Open) => "paused; `donor resume` goes on".to_owned(),
        Wish::Pause(Length::For(time)) => {
            let end = end(Timestamp::now().plus(time.as_secs()));
            format!("paused for {}, until {end}; `donor resume` goes on sooner", words::duration(time))
        }
        Wish::Pause(Length::Until(until)) => format!("paused until {}; `donor resume` goes on sooner", end(until)),
        Wish::Resume => "going on".to_owned(),
        Wish::Finish => "the donor finishes its unit, delivers what is finished, and ends".to_owned(),
    };
    eprintln!("{message}");
    Ok(Exit::Done)
}

/// A time as people say it: with the day if it is not today's.
fn at(time: &Zoned, now: &Zoned) -> String {
    let day = if time.date() == now.date() { "" } else { " on %A, %-d %B" };
    time.strftime(&format!("%H:%M{day}")).to_string()
}

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
    /// When it comes next.
    ///
    /// # Errors
    /// If the calendar ends before.
    pub fn next(self, now: &Zoned) -> Result<Timestamp, Failure> {
        let found = (0..=8).find_map(|days| {
            let day = now.date().checked_add(days.days()).ok()?;
            let time = day.at(0, 0, 0, 0).checked_add(i64::from(self.minute).minutes()).ok()?;
            let time = time.to_zoned(now.time_zone().clone()).ok()?;
            let is_day = self.day.is_none_or(|wanted| wanted.weekday() == day.weekday());
            (is_day && time > *now).then_some(time)
        });
        let second = found.and_then(|time| u64::try_from(time.timestamp().as_second()).ok());
        second.map(Timestamp).ok_or_else(|| Failure::fault("there is no such time any more"))
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

    #[test]
    fn other_days_are_named() {
        let now = jiff::civil::date(2026, 1, 5).at(12, 0, 0, 0).to_zoned(jiff::tz::TimeZone::UTC).expect("a time");
        let later = |hours: i64| now.checked_add(hours.hours()).expect("a time");
        assert_eq!([at(&later(2), &now), at(&later(20), &now)], ["14:00", "08:00 on Tuesday, 6 January"]);
    }
}
