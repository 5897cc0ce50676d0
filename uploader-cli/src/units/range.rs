//! `--range lo..hi:step`.

use std::fmt;
use std::str::FromStr;

/// Most units of one push.
pub const MAX_UNITS: usize = 1_000_000;

/// Units `[lo, lo + step)`, `[lo + step, lo + 2 step)`, …, the last one cut at `hi`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    lo: u64,
    hi: u64,
    step: u64,
}

/// Why a text is no range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RangeError {
    /// Another form.
    #[error("a range is written lo..hi:step with whole numbers, such as 0..4000:400")]
    Form,
    /// No number in it.
    #[error("the range {lo}..{hi} is empty: lo must be below hi")]
    Empty {
        /// Begin.
        lo: u64,
        /// End.
        hi: u64,
    },
    /// A step of zero.
    #[error("the step must be at least 1")]
    Step,
    /// More units than can be pushed at once.
    #[error("the range gives {0} units; the limit is {MAX_UNITS}")]
    TooMany(u64),
}

impl FromStr for Range {
    type Err = RangeError;

    fn from_str(text: &str) -> Result<Self, RangeError> {
        let number = |text: &str| text.trim().replace('_', "").parse::<u64>().map_err(|_| RangeError::Form);
        let (lo, rest) = text.split_once("..").ok_or(RangeError::Form)?;
        let (hi, step) = rest.split_once(':').ok_or(RangeError::Form)?;
        let range = Self { lo: number(lo)?, hi: number(hi)?, step: number(step)? };
        if range.step == 0 {
            return Err(RangeError::Step);
        }
        if range.lo >= range.hi {
            return Err(RangeError::Empty { lo: range.lo, hi: range.hi });
        }
        match (range.hi - range.lo).div_ceil(range.step) {
            units if units > MAX_UNITS as u64 => Err(RangeError::TooMany(units)),
            _ => Ok(range),
        }
    }
}

impl Range {
    /// Both ends of each unit.
    pub fn units(self) -> impl Iterator<Item = (u64, u64)> {
        let next = move |lo: &u64| lo.checked_add(self.step).filter(|next| *next < self.hi);
        std::iter::successors(Some(self.lo), next).map(move |lo| (lo, lo.saturating_add(self.step).min(self.hi)))
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}:{}", self.lo, self.hi, self.step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(text: &str) -> Vec<(u64, u64)> {
        text.parse::<Range>().expect("a range").units().collect()
    }

    #[test]
    fn units_of_ranges() {
        assert_eq!(units("0..10:4"), [(0, 4), (4, 8), (8, 10)]);
        assert_eq!(units("1_000..1_001:500"), [(1000, 1001)]);
        let end = u64::MAX;
        assert_eq!(units(&format!("{}..{end}:2", end - 3)), [(end - 3, end - 1), (end - 1, end)]);
        assert_eq!(units(&format!("0..{end}:{end}")), [(0, end)]);
    }

    #[test]
    fn no_ranges() {
        for text in ["", "0..5", "0-5:1", "a..5:1", "0..5:", "-1..5:1", "0..5:1:1", "1.5..2:1"] {
            assert_eq!(text.parse::<Range>(), Err(RangeError::Form), "{text}");
        }
        assert_eq!("0..5:0".parse::<Range>(), Err(RangeError::Step));
        assert_eq!("5..5:1".parse::<Range>(), Err(RangeError::Empty { lo: 5, hi: 5 }));
        assert!(matches!("0..99999999999:1".parse::<Range>(), Err(RangeError::TooMany(99_999_999_999))));
    }
}
