//! Numbers as people read them.

use std::time::Duration;

/// `0.3 s`, `48 s`, `12 min`, `3 h 05 min`, `2 d 4 h`.
pub fn duration(time: Duration) -> String {
    if time < Duration::from_secs(10) && time.subsec_millis() >= 50 {
        return format!("{:.1} s", time.as_secs_f64());
    }
    let seconds = time.as_secs_f64().round() as u64;
    match (seconds / 86_400, seconds / 3600, seconds / 60) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) if minutes < 10 => format!("{minutes} min {:02} s", seconds % 60),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {:02} min", minutes % 60),
        (days, hours, _) => format!("{days} d {} h", hours % 24),
    }
}

/// A time of which nobody knows the seconds: `2 min`, `1 h 05 min`, `3 h`, `2 d`.
pub fn about(time: Duration) -> String {
    let minutes = ((time.as_secs() + 30) / 60).max(1);
    match minutes {
        0..60 => format!("{minutes} min"),
        // In steps of five minutes.
        60..240 => {
            let minutes = minutes.div_ceil(5) * 5;
            format!("{} h {:02} min", minutes / 60, minutes % 60)
        }
        240..2880 => format!("{} h", minutes.div_ceil(60)),
        _ => format!("{} d", minutes.div_ceil(1440)),
    }
}

/// `512 bytes`, `3.4 kB`, `120 MB`, `1.5 GB`.
pub fn bytes(count: u64) -> String {
    let number = count as f64;
    match count {
        0..1_000 => format!("{count} bytes"),
        1_000..100_000 => format!("{:.1} kB", number / 1e3),
        100_000..1_000_000 => format!("{:.0} kB", number / 1e3),
        1_000_000..100_000_000 => format!("{:.1} MB", number / 1e6),
        100_000_000..1_000_000_000 => format!("{:.0} MB", number / 1e6),
        _ => format!("{:.1} GB", number / 1e9),
    }
}

/// `950`, `12,345`, `1.2 million`.
pub fn count(number: u64) -> String {
    match number {
        0..1_000 => number.to_string(),
        1_000..1_000_000 => format!("{},{:03}", number / 1000, number % 1000),
        1_000_000..1_000_000_000 => format!("{:.1} million", number as f64 / 1e6),
        _ => format!("{:.1} billion", number as f64 / 1e9),
    }
}

/// `43 %`.
pub fn percent(fraction: f64) -> String {
    format!("{:.0} %", fraction * 100.0)
}

/// Bytes from a text such as `2G`, `500M`, `1.5 GB`, `4GiB`; a bare number is bytes.
///
/// # Errors
/// A message that says what is expected.
pub fn parse_bytes(text: &str) -> Result<u64, String> {
    let trimmed = text.trim();
    let digits = trimmed.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at(digits);
    let factor = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "k" | "kb" => 1e3,
        "m" | "mb" => 1e6,
        "g" | "gb" => 1e9,
        "t" | "tb" => 1e12,
        "kib" => 1024.0,
        "mib" => 1024.0 * 1024.0,
        "gib" => 1024.0 * 1024.0 * 1024.0,
        "tib" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
        _ => f64::NAN,
    };
    match number.parse::<f64>().map(|number| number * factor) {
        Ok(bytes) if bytes.is_finite() && bytes < 1e18 => Ok(bytes as u64),
        _ => Err(format!("`{text}` is no amount of memory: write it as 500M, 2G or 4GiB")),
    }
}

/// A time from a text such as `2h`, `90min`, `1h30m`, `2 days`.
///
/// # Errors
/// A message that says what is expected.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is no length of time: write it as 30m, 2h, 1h30m or 3d");
    let (mut rest, mut seconds) = (text.trim(), 0.0);
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
        let (number, tail) = rest.split_at(digits);
        let letters = tail.trim_start();
        let end = letters.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(letters.len());
        let (unit, tail) = letters.split_at(end);
        let factor = match unit.to_ascii_lowercase().as_str() {
            "s" | "sec" | "second" | "seconds" => 1.0,
            "m" | "min" | "minute" | "minutes" => 60.0,
            "h" | "hour" | "hours" => 3600.0,
            "d" | "day" | "days" => 86_400.0,
            _ => return Err(wrong()),
        };
        seconds += number.parse::<f64>().map_err(|_| wrong())? * factor;
        rest = tail.trim_start();
    }
    match Duration::try_from_secs_f64(seconds) {
        Ok(time) if time >= Duration::from_secs(1) && time <= Duration::from_secs(366 * 86_400) => Ok(time),
        Ok(_) => Err(format!("`{text}` must be from a second to a year")),
        Err(_) => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (seconds, text) in [
            (0, "0 s"),
            (59, "59 s"),
            (61, "1 min 01 s"),
            (720, "12 min"),
            (11_100, "3 h 05 min"),
            (187_200, "2 d 4 h"),
        ] {
            assert_eq!(duration(Duration::from_secs(seconds)), text);
        }
        assert_eq!([duration(Duration::from_millis(260)), duration(Duration::from_millis(20))], ["0.3 s", "0 s"]);
    }

    #[test]
    fn times_of_which_nobody_knows_the_seconds() {
        let about = |seconds| about(Duration::from_secs(seconds));
        let said = [1, 60, 125, 3599, 3600, 4000, 14_399, 14_400, 86_400, 200_000].map(about);
        let expected =
            ["1 min", "1 min", "2 min", "1 h 00 min", "1 h 00 min", "1 h 10 min", "4 h", "4 h", "24 h", "3 d"];
        assert_eq!(said, expected);
    }

    #[test]
    fn lengths_of_time() {
        for (text, seconds) in [
            ("2h", 7200),
            ("90min", 5400),
            ("1h30m", 5400),
            (" 1 h 30 m ", 5400),
            ("0.5 hours", 1800),
            ("3d", 259_200),
            ("45s", 45),
        ] {
            assert_eq!(parse_duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in
            ["", "2", "h", "2 weeks", "-2h", "2h5", "1e3h", "0s", "400d", ".", "..h", "99999999999999999999999d"]
        {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn amounts() {
        assert_eq!([bytes(7), bytes(3_400), bytes(123_456_789)], ["7 bytes", "3.4 kB", "123 MB"]);
        assert_eq!([count(7), count(12_045), count(1_234_567)], ["7", "12,045", "1.2 million"]);
        for (text, expected) in
            [("2G", 2_000_000_000), ("500 MB", 500_000_000), ("4GiB", 4 << 30), ("1.5k", 1500), ("12", 12)]
        {
            assert_eq!(parse_bytes(text), Ok(expected), "{text}");
        }
        for text in ["", "G", "-1G", "2X", "1e9", "99999999999T", "."] {
            assert!(parse_bytes(text).is_err(), "{text}");
        }
    }
}
