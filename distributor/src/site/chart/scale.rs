//! From values to places, and where to write numbers.

use super::{ABOVE, BELOW, HEIGHT};
use crate::site::words::short;

/// Numbers at an axis, about.
const TICKS: f64 = 4.0;

/// The vertical axis.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    low: f64,
    high: f64,
    step: f64,
}

/// The step of 1, 2 or 5 times a power of ten that is at least this.
fn round_up(step: f64) -> f64 {
    let power = 10_f64.powf(step.log10().floor());
    let times = [1.0, 2.0, 5.0, 10.0].into_iter().find(|times| times * power >= step * (1.0 - 1e-9));
    times.unwrap_or(10.0) * power
}

impl Scale {
    /// For whole numbers from `low` to `high`; with zero, if that is not far.
    pub fn new(low: f64, high: f64) -> Self {
        let (mut low, mut high) =
            if low.is_finite() && high.is_finite() { (low.min(high), high.max(low)) } else { (0.0, 1.0) };
        if low > 0.0 && low < high * 0.6 {
            low = 0.0;
        }
        if high < 0.0 && high > low * 0.6 {
            high = 0.0;
        }
        let step = round_up(((high - low) / TICKS).max(1.0));
        let (low, high) = ((low / step).floor() * step, (high / step).ceil() * step);
        // A single value needs some room, too.
        let high = if high > low { high } else { low + step };
        Self { low, high, step }
    }

    /// Where a value is, from above.
    pub fn place(&self, value: f64) -> f64 {
        let part = ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        HEIGHT - BELOW - part * (HEIGHT - BELOW - ABOVE)
    }

    /// Where bars begin.
    pub fn base(&self) -> f64 {
        self.place(0.0)
    }

    /// The values that are written at the axis, and how.
    pub fn ticks(&self) -> Vec<(f64, String)> {
        let steps = ((self.high - self.low) / self.step).round().clamp(1.0, 20.0) as u32;
        (0..=steps).map(|tick| self.low + f64::from(tick) * self.step).map(|value| (value, short(value))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(low: f64, high: f64) -> Vec<String> {
        Scale::new(low, high).ticks().into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn ticks_are_round_and_hold_all_values() {
        assert_eq!(labels(0.0, 7.0), ["0", "2", "4", "6", "8"]);
        assert_eq!(labels(0.0, 1.0), ["0", "1"]);
        assert_eq!(labels(0.0, 0.0), ["0", "1"]);
        assert_eq!(labels(0.0, 1_234_567.0), ["0", "500 k", "1 M", "1.5 M"]);
        assert_eq!(labels(-3.0, 3.0), ["\u{2212}4", "\u{2212}2", "0", "2", "4"]);
        assert_eq!(labels(1000.0, 1003.0), ["1 k", "1 k", "1 k", "1 k"], "values beside each other");
        for (low, high) in [(0.0, 1e18), (-1e18, 1e18), (5.0, 5.0), (9e18, 9.1e18), (f64::NAN, 1.0)] {
            let scale = Scale::new(low, high);
            let ticks = scale.ticks();
            assert!((2..=8).contains(&ticks.len()), "{low} {high}: {ticks:?}");
            for value in [low, high].into_iter().filter(|value| value.is_finite()) {
                assert!(scale.low <= value && value <= scale.high, "{low} {high}");
            }
        }
    }

    #[test]
    fn places_are_within_the_picture_and_rise() {
        let scale = Scale::new(0.0, 8.0);
        assert_eq!(scale.base(), HEIGHT - BELOW);
        assert_eq!(scale.place(8.0), ABOVE);
        assert!(scale.place(2.0) > scale.place(3.0));
        assert_eq!((scale.place(99.0), scale.place(-99.0)), (ABOVE, HEIGHT - BELOW));
    }
}
