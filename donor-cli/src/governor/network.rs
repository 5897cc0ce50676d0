//! How much may go over the network, how fast, and when.

use super::schedule::{BadSchedule, Cap, Moment, Schedule};
use crate::progress::words;
use crate::state::network::Used;
use jiff::civil::DateTime;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// The slowest rate that may be set: distributors cut off bodies that come much slower.
pub const LEAST_RATE: u64 = 32_000;

/// The least volume that may be set: below it hardly a unit could be fetched and delivered.
pub const LEAST_VOLUME: u64 = 1_000_000;

/// What the person who lends the machine allows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NetworkLimits {
    /// Most bytes a second from distributors.
    pub download: Option<u64>,
    /// Most bytes a second to distributors.
    pub upload: Option<u64>,
    /// When anything larger than a few kilobytes may travel.
    pub hours: Option<Hours>,
    /// Most bytes a day.
    pub per_day: Option<u64>,
    /// Most bytes a month.
    pub per_month: Option<u64>,
}

/// Why nothing may travel now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Closed {
    /// Outside the hours.
    Hours {
        /// When they begin.
        opens: Option<Moment>,
    },
    /// The day's volume is used up.
    Day(u64),
    /// The month's volume is used up.
    Month(u64),
}

impl NetworkLimits {
    /// Whether there is any limit.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Why nothing may travel at this local time, after so much has.
    pub fn closed(&self, time: DateTime, used: &Used) -> Option<Closed> {
        if let Some(limit) = self.per_month.filter(|limit| used.month >= *limit) {
            return Some(Closed::Month(limit));
        }
        if let Some(limit) = self.per_day.filter(|limit| used.today >= *limit) {
            return Some(Closed::Day(limit));
        }
        let hours = self.hours.as_ref().filter(|hours| hours.0.at(time, false).cap == Cap::Nothing)?;
        Some(Closed::Hours { opens: hours.0.next_opening(time, false) })
    }
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hours { opens: Some(opens) } => write!(f, "outside the network hours, which begin at {opens}"),
            Self::Hours { opens: None } => f.write_str("outside the network hours"),
            Self::Day(limit) => write!(f, "the {} for today are used up; it goes on at 00:00", words::bytes(*limit)),
            Self::Month(limit) => {
                write!(f, "the {} for this month are used up; it goes on on the first", words::bytes(*limit))
            }
        }
    }
}

/// Times at which to transfer: a schedule without caps.
#[derive(Debug, Clone, PartialEq)]
pub struct Hours(Schedule);

/// Text that says no such times.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadHours {
    /// No schedule at all.
    #[error(transparent)]
    Schedule(#[from] BadSchedule),
    /// One with what means nothing here.
    #[error(
        "`{0}` has a cap, else or presence, which network hours cannot have: write days and times, such as 22:00-07:00"
    )]
    Conditions(String),
}

impl FromStr for Hours {
    type Err = BadHours;

    fn from_str(text: &str) -> Result<Self, BadHours> {
        let schedule: Schedule = text.parse()?;
        if schedule.has_caps() || schedule.asks_for_presence() || schedule.has_else() {
            return Err(BadHours::Conditions(text.to_owned()));
        }
        Ok(Self(schedule))
    }
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Lets bytes pass at a rate, on average and without bursts.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Bytes a second.
    rate: u64,
    /// When the line is free again.
    free: Duration,
}

impl Pace {
    /// So many bytes a second.
    pub const fn new(rate: u64) -> Self {
        Self { rate, free: Duration::ZERO }
    }

    /// Time to wait before so many bytes may pass; `now` is the time since any fixed moment.
    pub fn reserve(&mut self, now: Duration, bytes: u64) -> Duration {
        let begin = self.free.max(now);
        self.free = begin + Duration::from_secs_f64(bytes as f64 / self.rate.max(1) as f64);
        begin - now
    }
}

/// A rate from a text such as `1MB/s`.
///
/// # Errors
/// Says what a rate looks like.
pub fn rate(text: &str) -> Result<u64, String> {
    let amount = text.trim().strip_suffix("/s").unwrap_or(text);
    match words::parse_bytes(amount) {
        Ok(rate) if rate < LEAST_RATE => Err(format!(
            "`{text}` is too slow: distributors cut off what comes slower than about {} a second",
            words::bytes(LEAST_RATE)
        )),
        Ok(rate) => Ok(rate),
        Err(_) => Err(format!("`{text}` is no rate: write it as 500kB/s or 1MB/s")),
    }
}

/// A volume from a text such as `2GB`.
///
/// # Errors
/// Says what a volume looks like.
pub fn volume(text: &str) -> Result<u64, String> {
    match words::parse_bytes(text) {
        Ok(bytes) if bytes < LEAST_VOLUME => {
            Err(format!("`{text}` is too little: give {} at least", words::bytes(LEAST_VOLUME)))
        }
        Ok(bytes) => Ok(bytes),
        Err(_) => Err(format!("`{text}` is no amount of data: write it as 500MB or 2GB")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn at(hour: i8) -> DateTime {
        date(2026, 1, 5).at(hour, 0, 0, 0)
    }

    #[test]
    fn hours_and_volumes() {
        let hours = Some("22:00-07:00".parse().expect("hours"));
        let limits = NetworkLimits {
            hours,
            per_day: Some(2_000_000_000),
            per_month: Some(10_000_000_000),
            ..NetworkLimits::default()
        };
        let day = date(2026, 1, 5);
        let why = |hour, today, month| limits.closed(at(hour), &Used { day, today, month }).map(|why| why.to_string());
        assert_eq!(why(23, 0, 0), None);
        assert_eq!(why(23, 1_999_999_999, 9_999_999_999), None);
        assert_eq!(why(12, 0, 0).as_deref(), Some("outside the network hours, which begin at 22:00"));
        let used_up = "the 2.0 GB for today are used up; it goes on at 00:00";
        assert_eq!(why(12, 2_000_000_000, 0).as_deref(), Some(used_up));
        let month = "the 10.0 GB for this month are used up; it goes on on the first";
        assert_eq!(why(23, 0, 10_000_000_000).as_deref(), Some(month));
        assert_eq!(NetworkLimits::default().closed(at(12), &Used { day, today: u64::MAX, month: u64::MAX }), None);
        assert!(NetworkLimits::default().is_none() && !limits.is_none());
    }

    #[test]
    fn hours_are_times_only() {
        assert_eq!(
            "mon-fri 22:00-7:00,sat-sun".parse::<Hours>().expect("hours").to_string(),
            "mon-fri 22:00-07:00, sat-sun 00:00-24:00"
        );
        for text in ["22:00-07:00=50", "22:00-07:00, else", "away", "night"] {
            assert!(text.parse::<Hours>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_rate_holds_over_pieces_of_any_size() {
        for piece in [1_000_u64, 8_192, 65_536, 3_000_000] {
            let mut pace = Pace::new(1_000_000);
            let (mut now, mut sent) = (Duration::from_secs(100), 0);
            while sent < 10_000_000 {
                now += pace.reserve(now, piece);
                sent += piece;
            }
            // The next piece may go when all these have had their time.
            let took = (now + pace.reserve(now, 1)).as_secs_f64() - 100.0;
            assert!((took - sent as f64 / 1e6).abs() < 0.01, "{piece}: {took} s for {sent} bytes");
            // What was not used is not saved up.
            let later = now + Duration::from_secs(3600);
            assert_eq!(pace.reserve(later, 1_000_000), Duration::ZERO);
            assert_eq!(pace.reserve(later, 1), Duration::from_secs(1));
        }
    }

    #[test]
    fn rates_and_volumes_as_people_write_them() {
        assert_eq!([rate("1MB/s"), rate("500 kB/s"), rate("64K")], [Ok(1_000_000), Ok(500_000), Ok(64_000)]);
        assert_eq!([volume("2GB"), volume("500M")], [Ok(2_000_000_000), Ok(500_000_000)]);
        for (text, why) in [("10kB/s", "too slow"), ("fast", "no rate"), ("1MB/h", "no rate"), ("", "no rate")] {
            assert!(rate(text).expect_err(text).contains(why), "{text}");
        }
        for (text, why) in [("10k", "too little"), ("all", "no amount of data"), ("-1G", "no amount")] {
            assert!(volume(text).expect_err(text).contains(why), "{text}");
        }
    }
}
