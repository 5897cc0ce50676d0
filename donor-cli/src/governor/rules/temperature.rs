//! Pausing while the processor is hot.

use std::fmt;
use std::str::FromStr;

/// How much cooler it must be before work goes on, in degrees: otherwise it would pause and go on every few seconds.
pub const GAP: f64 = 8.0;

/// A temperature in degrees Celsius at which to pause.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Celsius(f64);

/// Text that is no temperature at which to pause.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no temperature to pause at: give degrees Celsius from 40 to 110, such as 85")]
pub struct BadCelsius(String);

impl Celsius {
    /// In degrees.
    pub const fn degrees(self) -> f64 {
        self.0
    }
}

impl FromStr for Celsius {
    type Err = BadCelsius;

    fn from_str(text: &str) -> Result<Self, BadCelsius> {
        let number = text.trim().trim_end_matches(['C', 'c']).trim_end_matches('°').trim_end();
        match number.parse::<f64>() {
            Ok(degrees) if (40.0..=110.0).contains(&degrees) => Ok(Self((degrees * 10.0).round() / 10.0)),
            _ => Err(BadCelsius(text.to_owned())),
        }
    }
}

impl fmt::Display for Celsius {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// What a sensor says.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// In degrees Celsius.
    pub degrees: f64,
    /// The sensor's name.
    pub sensor: String,
}

/// How near a sensor is to the processor, by its name: 0 is the processor as a whole, `None` is none of its sensors.
fn rank(sensor: &str) -> Option<usize> {
    // Of the drivers coretemp, k10temp, zenpower, those of ARM boards and Apple's; then single cores; then the board.
    const NAMES: [&[&str]; 3] = [
        &[
            "package id",
            "tctl",
            "tdie",
            "cpu_thermal",
            "cpu-thermal",
            "soc_thermal",
            "x86_pkg_temp",
            "cpu temp",
            "cpu die",
        ],
        &["coretemp", "k10temp", "zenpower", "cpu", "pacc", "eacc", "pmu tdie"],
        &["acpitz"],
    ];
    let sensor = sensor.to_ascii_lowercase();
    NAMES.iter().position(|names| names.iter().any(|name| sensor.contains(name)))
}

/// The hottest of the sensors that are nearest to the processor.
pub fn of_processor(sensors: impl IntoIterator<Item = Reading>) -> Option<Reading> {
    // Broken sensors say 0, or something far away.
    let sane = |reading: &Reading| reading.degrees.is_finite() && (1.0..150.0).contains(&reading.degrees);
    let ranked = sensors.into_iter().filter(sane).filter_map(|reading| Some((rank(&reading.sensor)?, reading)));
    let best = ranked.reduce(|best, other| {
        let nearer = other.0 < best.0 || (other.0 == best.0 && other.1.degrees > best.1.degrees);
        if nearer { other } else { best }
    });
    best.map(|(_, reading)| reading)
}

/// Whether it is too hot, over time.
#[derive(Debug, Clone, Copy)]
pub struct Heat {
    most: Celsius,
    hot: bool,
}

impl Heat {
    /// Nothing seen yet.
    pub const fn new(most: Celsius) -> Self {
        Self { most, hot: false }
    }

    /// Takes a temperature and says whether to pause. Of a sensor that does not answer nothing is known, which is no pause.
    pub fn observe(&mut self, degrees: Option<f64>) -> bool {
        self.hot = degrees.is_some_and(|degrees| {
            let limit = if self.hot { self.most.0 - GAP } else { self.most.0 };
            degrees >= limit
        });
        self.hot
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(sensor: &str, degrees: f64) -> Reading {
        Reading { degrees, sensor: sensor.to_owned() }
    }

    #[test]
    fn the_processors_own_sensor_is_taken() {
        let sensor = |sensors: &[(&str, f64)]| {
            of_processor(sensors.iter().map(|(name, degrees)| reading(name, *degrees))).map(|found| found.sensor)
        };
        for (sensors, expected) in [
            (
                &[("acpitz temp1", 28.0), ("coretemp Core 0", 71.0), ("coretemp Package id 0", 70.0)] as &[_],
                Some("coretemp Package id 0"),
            ),
            (&[("nvme Composite", 80.0), ("k10temp Tctl", 60.0)], Some("k10temp Tctl")),
            (&[("coretemp Package id 0", 50.0), ("coretemp Package id 1", 66.0)], Some("coretemp Package id 1")),
            (&[("coretemp Core 0", 61.0), ("coretemp Core 1", 63.0)], Some("coretemp Core 1")),
            (&[("acpitz temp1", 45.0), ("iwlwifi_1 temp1", 50.0)], Some("acpitz temp1")),
            (&[("coretemp Package id 0", 0.0), ("coretemp Core 0", f64::NAN)], None),
            (&[("nvme Composite", 80.0), ("amdgpu edge", 90.0)], None),
            (&[], None),
        ] {
            assert_eq!(sensor(sensors).as_deref(), expected, "{sensors:?}");
        }
    }

    #[test]
    fn pauses_when_hot_until_it_is_clearly_cooler() {
        let mut heat = Heat::new("85".parse().expect("a temperature"));
        let seen = [80.0, 84.9, 85.0, 84.0, 77.1, 76.9, 80.0, 84.9, 90.0].map(|degrees| heat.observe(Some(degrees)));
        assert_eq!(seen, [false, false, true, true, true, false, false, false, true]);
        assert!(!heat.observe(None));
        assert!(!heat.observe(Some(80.0)));
    }

    #[test]
    fn temperatures_as_people_write_them() {
        for text in ["85", " 85 C", "85°C", "85.0 °C"] {
            assert_eq!(text.parse(), Ok(Celsius(85.0)), "{text}");
        }
        for text in ["", "hot", "39", "111", "NaN", "185F", "-85"] {
            assert!(text.parse::<Celsius>().is_err(), "{text}");
        }
        assert_eq!(Celsius(85.0).to_string(), "85");
    }
}
