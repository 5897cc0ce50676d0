//! Minutes of the week, days, and spans of the day.

use jiff::civil::{DateTime, Weekday};
use std::fmt;

/// Minutes of a day.
pub(super) const DAY: u16 = 1440;

/// Minutes of a week, from Monday on.
pub(super) const WEEK: u16 = 7 * DAY;

/// Days as they are written.
const NAMES: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// The minute of the week that a local time belongs to.
pub(super) fn minute(time: DateTime) -> u16 {
    let day = u16::try_from(time.weekday().to_monday_zero_offset()).unwrap_or(0);
    let (hour, minute) = (u16::try_from(time.hour()).unwrap_or(0), u16::try_from(time.minute()).unwrap_or(0));
    day * DAY + hour * 60 + minute
}

/// A time of the week, seen from another: `18:00`, or `18:00 on Monday` if it is more than half a day away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    minute: u16,
    away: u16,
}

impl Moment {
    pub(super) const fn new(minute: u16, away: u16) -> Self {
        Self { minute, away }
    }

    /// Minutes until then, by the clock on the wall.
    pub const fn minutes_away(self) -> u16 {
        self.away
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Clock(self.minute % DAY))?;
        if self.away <= DAY / 2 {
            return Ok(());
        }
        let day = match self.minute / DAY {
            0 => "Monday",
            1 => "Tuesday",
            2 => "Wednesday",
            3 => "Thursday",
            4 => "Friday",
            5 => "Saturday",
            _ => "Sunday",
        };
        write!(f, " on {day}")
    }
}

/// A minute of the day as a clock shows it.
pub(super) struct Clock(pub u16);

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

/// A day of the week, from 0 for Monday.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Day(u16);

impl Day {
    /// From its English name, or at least three letters of its beginning.
    pub fn from_name(text: &str) -> Option<Self> {
        const WHOLE: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
        let text = text.to_ascii_lowercase();
        let at = WHOLE.iter().position(|name| text.len() >= 3 && name.starts_with(&text))?;
        u16::try_from(at).ok().map(Self)
    }

    /// For calendars.
    pub fn weekday(self) -> Weekday {
        const ALL: [Weekday; 7] = [
            Weekday::Monday,
            Weekday::Tuesday,
            Weekday::Wednesday,
            Weekday::Thursday,
            Weekday::Friday,
            Weekday::Saturday,
            Weekday::Sunday,
        ];
        ALL.get(usize::from(self.0)).copied().unwrap_or(Weekday::Sunday)
    }
}

/// Some days of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Days(u8);

impl Days {
    pub const NONE: Self = Self(0);
    pub const ALL: Self = Self(0x7f);

    /// From one day to another, over the end of the week if need be.
    pub const fn range(from: Day, to: Day) -> Self {
        let (mut bits, mut day) = (0_u8, from.0);
        loop {
            bits |= 1 << day;
            if day == to.0 {
                return Self(bits);
            }
            day = (day + 1) % 7;
        }
    }

    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    const fn has(self, day: u16) -> bool {
        self.0 & (1 << (day % 7)) != 0
    }

    /// Whether a minute of the week belongs to the span on one of these days.
    pub fn hold(self, span: Option<Span>, minute: u16) -> bool {
        let (day, time) = (minute / DAY, minute % DAY);
        match span {
            None => self.has(day),
            Some(Span { from, to }) if from < to => self.has(day) && (from..to).contains(&time),
            Some(Span { from, to }) => (self.has(day) && time >= from) || (self.has(day + 6) && time < to),
        }
    }
}

impl fmt::Display for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::ALL {
            return f.write_str("daily");
        }
        let (mut comma, mut day) = ("", 0);
        while day < 7 {
            let end = (day..7).take_while(|day| self.has(*day)).last();
            let name = |day: u16| NAMES.get(usize::from(day)).copied().unwrap_or_default();
            match end {
                None => {
                    day += 1;
                    continue;
                }
                Some(end) if end == day => write!(f, "{comma}{}", name(day))?,
                Some(end) => write!(f, "{comma}{}-{}", name(day), name(end))?,
            }
            (comma, day) = (",", end.unwrap_or(day) + 1);
        }
        Ok(())
    }
}

/// Part of a day in minutes, perhaps over midnight. Its beginning, below [`DAY`], belongs to it; its end, above 0, does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub from: u16,
    pub to: u16,
}

impl Span {
    /// The minutes of the day at which something changes.
    pub const fn edges(self) -> [u16; 2] {
        [self.from, self.to % DAY]
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", Clock(self.from), Clock(self.to))
    }
}
