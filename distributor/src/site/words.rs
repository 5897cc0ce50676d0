//! Numbers, times and keys for people.

use jiff::tz::Offset;
use maud::{Markup, html};
use protocol::text::is_hidden;
use protocol::{DonorKey, Timestamp};

/// A number in groups of three digits.
pub fn count(number: u64) -> String {
    grouped(&number.to_string())
}

/// The same of a number that may be negative.
pub fn signed(number: i64) -> String {
    let digits = grouped(&number.unsigned_abs().to_string());
    // A minus sign is as wide as a plus sign, and no hyphen.
    if number < 0 { format!("\u{2212}{digits}") } else { digits }
}

fn grouped(digits: &str) -> String {
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// "1 unit", "2 units".
pub fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// A number in three or four characters and a word for its size.
pub fn short(number: f64) -> String {
    const SIZES: [(f64, &str); 5] = [(1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")];
    let size = SIZES.iter().find(|(least, _)| number.abs() >= *least);
    let (number, word) = size.map_or((number, ""), |(least, word)| (number / least, *word));
    let digits = match number.abs() {
        low if low < 10.0 && low.fract() != 0.0 => format!("{number:.1}"),
        _ => format!("{number:.0}"),
    };
    let digits = digits.trim_end_matches(".0").replace('-', "\u{2212}");
    if word.is_empty() { digits } else { format!("{digits} {word}") }
}

/// A part of a whole in percent, never rounded up to all of it.
pub fn percent(part: u64, whole: u64) -> String {
    if part >= whole {
        return if whole == 0 { "0 %".to_owned() } else { "100 %".to_owned() };
    }
    let tenths = u128::from(part) * 1000 / u128::from(whole);
    format!("{}.{} %", tenths / 10, tenths % 10)
}

fn civil(time: Timestamp) -> jiff::civil::DateTime {
    let seconds = i64::try_from(time.0).unwrap_or(i64::MAX);
    Offset::UTC.to_datetime(jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::MAX))
}

/// A day such as 2026-11-30.
pub fn date(time: Timestamp) -> String {
    civil(time).date().to_string()
}

/// A month such as 2026-11.
pub fn month(time: Timestamp) -> String {
    let date = civil(time).date();
    format!("{:04}-{:02}", date.year(), date.month())
}

/// An hour such as 17:00.
pub fn hour(time: Timestamp) -> String {
    format!("{:02}:00", civil(time).hour())
}

/// A moment, which programs can read, too.
pub fn moment(time: Timestamp) -> Markup {
    let at = civil(time);
    let (date, hour, minute) = (at.date(), at.hour(), at.minute());
    html! { time datetime=(format!("{date}T{hour:02}:{minute:02}Z")) { (format!("{date} {hour:02}:{minute:02} UTC")) } }
}

/// A length of time in its largest unit, or the two largest if the first is small.
pub fn duration(seconds: u64) -> String {
    const UNITS: [(u64, &str, &str); 5] = [
        (365 * 86400, "year", "years"),
        (30 * 86400, "month", "months"),
        (86400, "day", "days"),
        (3600, "hour", "hours"),
        (60, "minute", "minutes"),
    ];
    for (index, (unit, one, many)) in UNITS.into_iter().enumerate() {
        let whole = seconds / unit;
        if whole == 0 {
            continue;
        }
        let first = counted(whole, one, many);
        let rest = UNITS.get(index + 1).map(|(next, one, many)| (seconds % unit / next, one, many));
        return match rest {
            Some((more, one, many)) if whole < 3 && more > 0 => format!("{first} {}", counted(more, one, many)),
            _ => first,
        };
    }
    "less than a minute".to_owned()
}

/// A size of a file.
pub fn bytes(number: u64) -> String {
    match number {
        0..1000 => format!("{number} B"),
        1000..1_000_000 => format!("{} kB", number / 1000),
        _ => format!("{:.1} MB", number as f64 / 1e6),
    }
}

/// A stranger's text on one line, at most `most` characters of it, with a mark in place of each character that would do
/// something else than show itself.
pub fn visible(text: &str, most: usize) -> String {
    let show = |c: char| match c {
        c if c.is_whitespace() => ' ',
        c if is_hidden(c) => '\u{fffd}',
        c => c,
    };
    let mut shown: String = text.chars().take(most).map(show).collect();
    if text.chars().nth(most).is_some() {
        shown.push('…');
    }
    shown
}

/// The beginning of a key, by which people tell donors apart.
pub fn short_key(key: &DonorKey) -> String {
    key.to_string().chars().take(8).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_shortened() {
        assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([-1234, 0].map(signed), ["\u{2212}1,234", "0"]);
        assert_eq!(
            [0.0, 7.0, 7.25, 999.0, 1000.0, 1500.0, 25e6, 3e15].map(short),
            ["0", "7", "7.2", "999", "1 k", "1.5 k", "25 M", "3 P"]
        );
        assert_eq!(
            (counted(1, "unit", "units"), counted(2000, "unit", "units")),
            ("1 unit".into(), "2,000 units".into())
        );
    }

    #[test]
    fn strangers_texts_only_show_themselves() {
        assert_eq!(visible("a\nb\u{202e}c\u{1b}d", 99), "a b\u{fffd}c\u{fffd}d");
        assert_eq!(visible("größer", 3), "grö…");
    }

    #[test]
    fn what_is_not_all_is_not_a_hundred_percent() {
        assert_eq!(
            (percent(999_999, 1_000_000), percent(5, 5), percent(0, 0), percent(1, 3)),
            ("99.9 %".into(), "100 %".into(), "0 %".into(), "33.3 %".into())
        );
        assert_eq!(percent(u64::MAX - 1, u64::MAX), "99.9 %");
    }

    #[test]
    fn times_are_of_universal_time() {
        let time = Timestamp(1_709_251_199);
        assert_eq!((date(time), month(time), hour(time)), ("2024-02-29".into(), "2024-02".into(), "23:00".into()));
        assert_eq!(moment(time).0, "<time datetime=\"2024-02-29T23:59Z\">2024-02-29 23:59 UTC</time>");
        assert_eq!(date(Timestamp(u64::MAX)), "9999-12-30");
        let lengths = [5, 60, 3600, 5400, 86400 * 2 + 3600, 86400 * 12, 400 * 86400].map(duration);
        assert_eq!(
            lengths,
            [
                "less than a minute",
                "1 minute",
                "1 hour",
                "1 hour 30 minutes",
                "2 days 1 hour",
                "12 days",
                "1 year 1 month"
            ]
        );
    }
}
