//! Times of the day at which the donor may work.

use jiff::civil::Time;
use std::fmt;
use std::str::FromStr;

/// One or more spans of the day in local time, such as `22:00-07:00` or `12:00-13:00,22:00-07:00`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule(Vec<Span>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    from: Time,
    to: Time,
}

/// Text that is no schedule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is no schedule: {why}. Write spans of local time such as 22:00-07:00, several with commas between them"
)]
pub struct BadSchedule {
    text: String,
    why: String,
}

impl Schedule {
    /// Whether work is allowed at this local time. The beginning of a span belongs to it, the end does not.
    pub fn allows(&self, time: Time) -> bool {
        self.0.iter().any(|span| span.contains(time))
    }

    /// The next beginning of a span after this time, today or tomorrow.
    pub fn next_opening(&self, time: Time) -> Time {
        let later_today = self.0.iter().map(|span| span.from).filter(|from| *from > time).min();
        later_today.or_else(|| self.0.iter().map(|span| span.from).min()).unwrap_or(time)
    }
}

impl Span {
    fn contains(self, time: Time) -> bool {
        if self.from < self.to { self.from <= time && time < self.to } else { self.from <= time || time < self.to }
    }
}

impl FromStr for Schedule {
    type Err = BadSchedule;

    fn from_str(text: &str) -> Result<Self, BadSchedule> {
        let bad = |why: String| BadSchedule { text: text.to_owned(), why };
        let span = |part: &str| {
            let (from, to) = part.split_once('-').ok_or_else(|| bad(format!("`{part}` has no `-`")))?;
            let (from, to) = (clock_time(from).map_err(bad)?, clock_time(to).map_err(bad)?);
            if from == to {
                return Err(bad(format!("`{}` begins where it ends", part.trim())));
            }
            Ok(Span { from, to })
        };
        text.split(',').map(span).collect::<Result<_, _>>().map(Self)
    }
}

fn clock_time(text: &str) -> Result<Time, String> {
    let text = text.trim();
    let parts = text.split_once(':').and_then(|(hour, minute)| Some((hour.parse().ok()?, minute.parse().ok()?)));
    let time = parts.filter(|_| text.len() <= 5).and_then(|(hour, minute): (i8, i8)| match (hour, minute) {
        (24, 0) => Some(Time::midnight()),
        _ => Time::new(hour, minute, 0, 0).ok(),
    });
    time.ok_or_else(|| format!("`{text}` is no time from 00:00 to 24:00"))
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, span) in self.0.iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            write!(f, "{comma}{}-{}", span.from.strftime("%H:%M"), span.to.strftime("%H:%M"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: i8, minute: i8) -> Time {
        Time::constant(hour, minute, 0, 0)
    }

    #[test]
    fn over_midnight() {
        let schedule: Schedule = "22:00-07:00".parse().expect("a schedule");
        for (time, allowed) in [
            (at(21, 59), false),
            (at(22, 0), true),
            (at(0, 0), true),
            (at(6, 59), true),
            (at(7, 0), false),
            (at(12, 0), false),
        ] {
            assert_eq!(schedule.allows(time), allowed, "{time}");
        }
        assert_eq!(schedule.next_opening(at(12, 0)), at(22, 0));
    }

    #[test]
    fn several_spans() {
        let schedule: Schedule = "8:30-12:00, 18:00-24:00".parse().expect("a schedule");
        assert_eq!(schedule.to_string(), "08:30-12:00,18:00-00:00");
        assert!(schedule.allows(at(23, 59)) && schedule.allows(at(9, 0)) && !schedule.allows(at(0, 0)));
        assert_eq!(schedule.next_opening(at(13, 0)), at(18, 0));
        assert_eq!(schedule.next_opening(at(19, 0)), at(8, 30));
    }

    #[test]
    fn bad_text_says_what_is_wrong() {
        for (text, why) in [
            ("night", "`night` has no `-`"),
            ("22-7", "`22` is no time from 00:00 to 24:00"),
            ("25:00-07:00", "`25:00` is no time from 00:00 to 24:00"),
            ("22:00-07:60", "`07:60` is no time from 00:00 to 24:00"),
            ("07:00-07:00", "`07:00-07:00` begins where it ends"),
            ("22:00-07:00,", "`` has no `-`"),
        ] {
            assert_eq!(text.parse::<Schedule>().expect_err(text).why, why);
        }
    }
}
