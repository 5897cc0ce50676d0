//! The cap: a share of the whole machine.

use std::fmt;
use std::str::FromStr;

/// A share of the whole machine, above 0 and at most 1. `50` on a machine of two cores is one core.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Share(f64);

/// Text that is no share.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no share of the machine: give a percentage from 1 to 100, such as 50")]
pub struct BadShare(pub String);

impl Share {
    /// The whole machine.
    pub const WHOLE: Self = Self(1.0);

    /// As a fraction of the machine.
    pub const fn fraction(self) -> f64 {
        self.0
    }

    /// In percent.
    pub const fn percent(self) -> f64 {
        self.0 * 100.0
    }

    /// As much of it as this fraction of the machine has room for, but at least a hundredth of the machine.
    pub const fn at_most(self, fraction: f64) -> Self {
        Self(self.0.min(fraction.max(0.01)))
    }

    /// The processor time a second, in cores, on a machine of so many.
    pub fn cores(self, cores: usize) -> f64 {
        self.0 * cores as f64
    }

    /// Threads that can use the share, and twice as much for a while: that makes up for stretches in which nothing or only one
    /// thread has something to do.
    pub fn threads(self, cores: usize) -> usize {
        // A thousandth of a core is no reason for one more thread.
        ((2.0 * self.cores(cores) - 1e-3).ceil() as usize).clamp(1, cores.max(1))
    }
}

impl FromStr for Share {
    type Err = BadShare;

    fn from_str(text: &str) -> Result<Self, BadShare> {
        let number = text.trim().trim_end_matches('%').trim_end();
        match number.parse::<f64>() {
            Ok(percent) if (1.0..=100.0).contains(&percent) => Ok(Self(percent / 100.0)),
            _ => Err(BadShare(text.to_owned())),
        }
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = (self.percent() * 100.0).round() / 100.0;
        write!(f, "{percent}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages() {
        for (text, fraction) in [("50", 0.5), ("100%", 1.0), (" 12.5 % ", 0.125), ("1", 0.01)] {
            assert_eq!(text.parse(), Ok(Share(fraction)), "{text}");
        }
        for text in ["", "0", "0.5", "101", "-3", "fifty", "NaN", "inf", "%"] {
            assert_eq!(text.parse::<Share>(), Err(BadShare(text.to_owned())));
        }
        assert_eq!(Share(0.3).to_string(), "30");
    }

    #[test]
    fn threads_that_can_use_it_with_some_to_spare() {
        for (fraction, cores, threads) in [
            (0.5, 2, 2),
            (0.75, 2, 2),
            (0.1, 2, 1),
            (1.0, 2, 2),
            (0.5, 1, 1),
            (0.26, 4, 3),
            (1.0, 64, 64),
            (0.3, 10, 6),
        ] {
            assert_eq!(Share(fraction).threads(cores), threads, "{fraction} of {cores}");
        }
    }
}
