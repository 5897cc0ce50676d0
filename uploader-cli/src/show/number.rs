//! Field elements as numbers that people read.

use felt::{Felt, encoding};
use num_bigint::{BigInt, BigUint, Sign};
use std::fmt;
use std::time::Duration;

/// How field elements are read as integers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reading {
    /// From 0 to p − 1.
    #[default]
    Unsigned,
    /// From −(p − 1)/2 to (p − 1)/2: what Cairo programs mean by a negative number.
    Signed,
}

/// The integer of a field element.
pub fn integer(felt: &Felt, reading: Reading) -> BigInt {
    let magnitude = |felt: &Felt| BigUint::from_bytes_be(&encoding::to_canonical_be(felt));
    let (value, opposite) = (magnitude(felt), magnitude(&-felt));
    if reading == Reading::Signed && opposite < value && opposite != BigUint::ZERO {
        return BigInt::from_biguint(Sign::Minus, opposite);
    }
    value.into()
}

/// A field element in decimal digits.
#[derive(Debug, Clone, Copy)]
pub struct Decimal<'a>(pub &'a Felt, pub Reading);

impl fmt::Display for Decimal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&integer(self.0, self.1).to_string())
    }
}

/// Decimal digits of each.
pub fn decimals(felts: &[Felt], reading: Reading) -> Vec<String> {
    felts.iter().map(|felt| Decimal(felt, reading).to_string()).collect()
}

/// A count with a comma after every three digits.
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A count of things whose plural ends in `s`.
pub fn counted(count: u64, thing: &str) -> String {
    format!("{} {thing}{}", grouped(count), if count == 1 { "" } else { "s" })
}

/// A length of time for people: `48 s`, `12 min`, `3 h 05 min`, `2 d 4 h`.
pub fn time(time: Duration) -> String {
    let seconds = time.as_secs();
    match (seconds / 86_400, seconds / 3600, seconds / 60) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {:02} min", minutes % 60),
        (days, hours, _) => format!("{days} d {} h", hours % 24),
    }
}

/// Bytes in a unit that fits.
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if count < 1000 {
        return format!("{count} B");
    }
    let mut value = count as f64;
    let mut name = "B";
    for unit in UNITS {
        if value < 999.5 {
            break;
        }
        (value, name) = (value / 1000.0, unit);
    }
    if value < 9.95 { format!("{value:.1} {name}") } else { format!("{value:.0} {name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readings() {
        let minus_five = -Felt::from(5);
        assert_eq!(Decimal(&minus_five, Reading::Signed).to_string(), "-5");
        let unsigned = "3618502788666131213697322783095070105623107215331596699973092056135872020476";
        assert_eq!(Decimal(&minus_five, Reading::Unsigned).to_string(), unsigned);
        for reading in [Reading::Signed, Reading::Unsigned] {
            assert_eq!(Decimal(&Felt::zero(), reading).to_string(), "0");
            assert_eq!(Decimal(&Felt::from(7), reading).to_string(), "7");
        }
    }

    #[test]
    fn counts_and_sizes() {
        let counts = [0, 999, 1000, 123_456, 1_234_567].map(grouped);
        assert_eq!(counts, ["0", "999", "1,000", "123,456", "1,234,567"]);
        assert_eq!((counted(1, "unit"), counted(1000, "unit")), ("1 unit".to_owned(), "1,000 units".to_owned()));
        let times = [0, 59, 61, 3600 * 3 + 300, 86_400 * 2 + 3600 * 4 + 1].map(|s| time(Duration::from_secs(s)));
        assert_eq!(times, ["0 s", "59 s", "1 min", "3 h 05 min", "2 d 4 h"]);
        let sizes = [0, 999, 1000, 12_345, 999_600, 5_000_000_000].map(bytes);
        assert_eq!(sizes, ["0 B", "999 B", "1.0 kB", "12 kB", "1.0 MB", "5.0 GB"]);
    }
}
