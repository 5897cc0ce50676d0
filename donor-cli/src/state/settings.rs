//! The settings that there are.

use crate::governor::Share;
use crate::governor::network::{Hours, rate, volume};
use crate::governor::rules;
use crate::progress::words;
use crate::setting::{Setting, one_of, parsed, string};
use protocol::ProjectName;

/// Those that are not a pause rule's.
const GENERAL: &[Setting] = &[
    Setting { name: "server", help: "address of the distributor", default: "none", option: None, check: server },
    Setting { name: "project", help: "project to work for", default: "all, by weight", option: None, check: project },
    Setting {
        name: "max-cpu",
        help: "most of the whole machine to use, in percent",
        default: "50",
        option: None,
        check: parsed::<Share>,
    },
    Setting {
        name: "threads",
        help: "most threads of all units together",
        default: "as many as max-cpu needs",
        option: None,
        check: number,
    },
    Setting {
        name: "at-once",
        help: "most units at once",
        default: "as cores and memory allow",
        option: None,
        check: number,
    },
    Setting {
        name: "max-memory",
        help: "most memory of all units, such as 2G",
        default: "half of the machine's",
        option: None,
        check: memory,
    },
    Setting {
        name: "max-unit-time",
        help: "most processor time of a unit, such as 12h",
        default: "24h",
        option: None,
        check: time,
    },
    Setting {
        name: "max-unit-steps",
        help: "most steps of a unit",
        default: "as many as fit the memory",
        option: None,
        check: steps,
    },
    Setting {
        name: "batch-minutes",
        help: "minutes of work to take at once; 0 for one unit at a time",
        default: "15",
        option: None,
        check: minutes,
    },
    Setting {
        name: "sandbox",
        help: "if the system lacks a part of the sandbox: warn, or require to refuse to start",
        default: "warn",
        option: None,
        check: |text| one_of(["warn", "require"], text),
    },
    Setting {
        name: "pause-above",
        help: "pause while other programs use more than this percentage; 100 never pauses",
        default: "25",
        option: None,
        check: percentage,
    },
    Setting {
        name: "resume-below",
        help: "go on when other programs use less than this percentage",
        default: "15",
        option: None,
        check: percentage,
    },
    Setting {
        name: "fetch-ahead",
        help: "fetch the next unit before one ends: yes or no",
        default: "yes",
        option: None,
        check: |text| one_of(["yes", "no"], text),
    },
    Setting {
        name: "max-download",
        help: "most from the network, such as 1MB/s",
        default: "no limit",
        option: None,
        check: network_rate,
    },
    Setting {
        name: "max-upload",
        help: "most to the network, such as 500kB/s",
        default: "no limit",
        option: None,
        check: network_rate,
    },
    Setting {
        name: "network-hours",
        help: "local times to fetch and deliver at, such as 22:00-07:00",
        default: "always",
        option: None,
        check: parsed::<Hours>,
    },
    Setting {
        name: "max-network-per-day",
        help: "most to fetch and deliver in a day, such as 2GB",
        default: "no limit",
        option: None,
        check: network_volume,
    },
    Setting {
        name: "max-network-per-month",
        help: "the same in a month",
        default: "no limit",
        option: None,
        check: network_volume,
    },
];

/// All settings.
pub fn all() -> impl Iterator<Item = &'static Setting> {
    GENERAL.iter().chain(rules::settings())
}

/// The setting of a name.
pub fn find(name: &str) -> Option<&'static Setting> {
    all().find(|setting| setting.name == name)
}

fn server(text: &str) -> Result<toml::Value, String> {
    check_server(text).map(|()| string(text))
}

/// Checks the form of a distributor's address.
///
/// # Errors
/// Says what an address looks like.
pub fn check_server(text: &str) -> Result<(), String> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    match rest {
        Some(rest) if !rest.is_empty() && !rest.starts_with('/') && !text.chars().any(char::is_whitespace) => {
            // It is shown in many places, and a password with it.
            let authority = rest.split('/').next().unwrap_or_default();
            if authority.contains('@') {
                Err("an address must not have a name and a password".to_owned())
            } else {
                Ok(())
            }
        }
        _ => Err(format!("`{text}` is no address of a distributor: write it as https://grid.example.org")),
    }
}

fn project(text: &str) -> Result<toml::Value, String> {
    text.parse::<ProjectName>().map(|_| string(text)).map_err(|error| error.to_string())
}

fn number(text: &str) -> Result<toml::Value, String> {
    match text.parse::<u16>() {
        Ok(number) if number > 0 => Ok(toml::Value::Integer(number.into())),
        _ => Err(format!("`{text}` is no whole number from 1 to 65535")),
    }
}

fn minutes(text: &str) -> Result<toml::Value, String> {
    match text.parse::<u16>() {
        Ok(minutes) if minutes <= 1440 => Ok(toml::Value::Integer(minutes.into())),
        _ => Err(format!("`{text}` is no whole number of minutes from 0 to 1440")),
    }
}

fn memory(text: &str) -> Result<toml::Value, String> {
    words::parse_bytes(text).map(|_| string(text))
}

fn time(text: &str) -> Result<toml::Value, String> {
    words::parse_duration(text).map(|_| string(text))
}

fn steps(text: &str) -> Result<toml::Value, String> {
    match text.parse::<i64>() {
        Ok(steps) if steps > 0 => Ok(toml::Value::Integer(steps)),
        _ => Err(format!("`{text}` is no whole number of steps from 1")),
    }
}

fn network_rate(text: &str) -> Result<toml::Value, String> {
    rate(text).map(|_| string(text))
}

fn network_volume(text: &str) -> Result<toml::Value, String> {
    volume(text).map(|_| string(text))
}

fn percentage(text: &str) -> Result<toml::Value, String> {
    match text.trim_end_matches('%').trim().parse::<f64>() {
        Ok(percent) if (1.0..=100.0).contains(&percent) => Ok(toml::Value::Float(percent)),
        _ => Err(format!("`{text}` is no percentage from 1 to 100")),
    }
}
