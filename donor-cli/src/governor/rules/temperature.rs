//! Pausing while the processor is hot.

use super::rule::{Kind, Now, Rule, Watched};
use super::senses::Senses;
use crate::setting::{RunOption, Setting, Takes};
use std::str::FromStr;
use sysinfo::Components;

pub(super) static KIND: Kind = Kind {
    word: "temperature",
    pauses_while: "the processor is too hot",
    settings: &[Setting {
        name: "max-temperature",
        help: "pause while the processor is hotter, in degrees Celsius",
        default: "never",
        option: Some(RunOption {
            long: "max-temperature",
            help: "Pause while the processor is hotter than so many degrees Celsius, until it is 8 degrees cooler",
            takes: Takes::Value("DEGREES"),
        }),
        check: |text| {
            text.parse::<Celsius>().map(|most| toml::Value::Float(most.degrees())).map_err(|error| error.to_string())
        },
    }],
    field: Some("temperature"),
    make: |values| {
        let heat = Heat::new(values.text("max-temperature")?.parse().ok()?);
        Some(Box::new(Temperature { heat, sensors: None, reading: None }))
    },
};

/// Watches the processor's temperature.
#[derive(Debug)]
struct Temperature {
    heat: Heat,
    sensors: Option<Sensors>,
    reading: Option<Reading>,
}

impl Rule for Temperature {
    fn look(&mut self, _: &mut Senses) {
        self.reading = self.sensors.get_or_insert_with(Sensors::new).look();
    }

    fn pause(&mut self, _: &Now) -> Option<String> {
        let hot = self.heat.observe(self.reading.as_ref().map(|reading| reading.degrees));
        let Reading { degrees, sensor } = self.reading.as_ref().filter(|_| hot)?;
        let below = self.heat.most.degrees() - GAP;
        Some(format!("the processor has {degrees:.0} °C ({sensor}); it goes on below {below:.0}"))
    }

    fn unseen(&self) -> Option<String> {
        let message = "no sensor tells how hot the processor is: work never pauses for heat";
        self.reading.is_none().then(|| message.to_owned())
    }

    fn watched(&self) -> Option<Watched> {
        let Reading { degrees, sensor } = self.reading.as_ref()?;
        let text = format!("{degrees:.0} °C ({sensor})");
        Some(Watched { label: "processor".to_owned(), text, value: serde_json::json!([degrees, sensor]) })
    }
}

/// The machine's temperature sensors.
#[derive(Debug)]
struct Sensors(Option<Components>);

impl Sensors {
    fn new() -> Self {
        Self(Components::new().ok())
    }

    /// How hot the processor is, if a sensor tells.
    fn look(&mut self) -> Option<Reading> {
        let sensors = self.0.as_mut()?;
        sensors.refresh(true);
        of_processor(sensors.iter().filter_map(|sensor| {
            let degrees = f64::from(sensor.temperature()?);
            Some(Reading { degrees, sensor: sensor.label().to_owned() })
        }))
    }
}

/// How much cooler it must be before work goes on, in degrees: otherwise it would pause and go on every few seconds.
const GAP: f64 = 8.0;

/// A temperature in degrees Celsius at which to pause.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
struct Celsius(f64);

/// Text that is no temperature at which to pause.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no temperature to pause at: give degrees Celsius from 40 to 110, such as 85")]
struct BadCelsius(String);

impl Celsius {
    /// In degrees.
    const fn degrees(self) -> f64 {
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

/// What a sensor says.
#[derive(Debug, Clone, PartialEq)]
struct Reading {
    /// In degrees Celsius.
    degrees: f64,
    /// The sensor's name.
    sensor: String,
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
fn of_processor(sensors: impl IntoIterator<Item = Reading>) -> Option<Reading> {
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
struct Heat {
    most: Celsius,
    hot: bool,
}

impl Heat {
    /// Nothing seen yet.
    const fn new(most: Celsius) -> Self {
        Self { most, hot: false }
    }

    /// Takes a temperature and says whether to pause. Of a sensor that does not answer nothing is known, which is no pause.
    fn observe(&mut self, degrees: Option<f64>) -> bool {
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
    }

    #[test]
    fn says_how_hot_it_is_and_when_it_goes_on() {
        let heat = Heat::new("85".parse().expect("a temperature"));
        let mut rule = Temperature { heat, sensors: None, reading: Some(reading("Tctl", 86.2)) };
        let now = Now { local_time: jiff::civil::date(2026, 1, 5).at(12, 0, 0, 0), asked: None };
        let expected = "the processor has 86 °C (Tctl); it goes on below 77";
        assert_eq!(rule.pause(&now).as_deref(), Some(expected));
        rule.reading = Some(reading("Tctl", 70.0));
        assert_eq!((rule.pause(&now), rule.unseen()), (None, None));
        let watched = rule.watched().expect("a reading");
        assert_eq!((watched.text.as_str(), watched.value), ("70 °C (Tctl)", serde_json::json!([70.0, "Tctl"])));
        rule.reading = None;
        assert!(rule.pause(&now).is_none() && rule.unseen().is_some() && rule.watched().is_none());
    }
}
