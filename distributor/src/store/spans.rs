//! Hours, days and months of universal time, by their numbers since 1970.

use jiff::civil;
use jiff::tz::Offset;
use protocol::{Span, Timestamp};

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

/// Number of the hour, day or month that a time is in; 0 for all of time.
pub fn number(span: Span, time: Timestamp) -> i64 {
    let whole = |seconds: u64| i64::try_from(time.0 / seconds).unwrap_or(i64::MAX);
    match span {
        Span::Hour => whole(HOUR),
        Span::Day => whole(DAY),
        Span::Month => month(time),
        Span::Ever => 0,
    }
}

fn month(time: Timestamp) -> i64 {
    let seconds = i64::try_from(time.0).unwrap_or(i64::MAX);
    // Beyond the year 9999 there is one long month.
    let at = jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::MAX);
    let date = Offset::UTC.to_datetime(at);
    (i64::from(date.year()) - 1970) * 12 + i64::from(date.month()) - 1
}

/// When the hour, day or month of a number begins.
pub fn start(span: Span, number: i64) -> Timestamp {
    let whole = u64::try_from(number).unwrap_or(0);
    match span {
        Span::Hour => Timestamp(whole.saturating_mul(HOUR)),
        Span::Day => Timestamp(whole.saturating_mul(DAY)),
        Span::Month => first_of(number).unwrap_or_default(),
        Span::Ever => Timestamp(0),
    }
}

fn first_of(month: i64) -> Option<Timestamp> {
    let year = i16::try_from(1970 + month.div_euclid(12)).ok()?;
    let date = civil::Date::new(year, i8::try_from(month.rem_euclid(12) + 1).ok()?, 1).ok()?;
    let at = Offset::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok()?;
    u64::try_from(at.as_second()).ok().map(Timestamp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_in_the_hour_day_and_month_that_they_are_in() {
        // 2024-02-29 23:59:59, and a second later.
        let (last, next) = (Timestamp(1_709_251_199), Timestamp(1_709_251_200));
        for span in [Span::Hour, Span::Day, Span::Month] {
            assert_eq!(number(span, last) + 1, number(span, next), "{span}");
            assert_eq!(start(span, number(span, next)), next, "{span}");
            assert_eq!(number(span, start(span, number(span, last))), number(span, last), "{span}");
        }
        assert_eq!(number(Span::Month, last), 54 * 12 + 1);
        assert_eq!((number(Span::Month, Timestamp(0)), number(Span::Ever, next)), (0, 0));
        assert_eq!(start(Span::Month, 0), Timestamp(0));
    }

    #[test]
    fn no_time_is_too_far() {
        for span in Span::ALL {
            assert!(number(*span, Timestamp(u64::MAX)) >= 0);
            let _ = (start(*span, i64::MAX), start(*span, i64::MIN));
        }
    }
}
