//! `config.toml`: what would otherwise be said on each command line.

use super::atomic::{self, FileError};
use crate::governor::network::{Hours, Limits, rate, volume};
use crate::governor::{Celsius, Programs, Schedule, Share, Thresholds};
use crate::progress::words;
use protocol::ProjectName;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A setting: its name, what it means, and its value if it is not set.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Name in the file and on the command line.
    pub name: &'static str,
    /// What it means.
    pub help: &'static str,
    /// What holds if it is not set.
    pub default: &'static str,
    check: fn(&str) -> Result<toml::Value, String>,
}

/// All settings.
pub const KEYS: &[Key] = &[
    Key { name: "server", help: "address of the distributor", default: "none", check: server },
    Key { name: "project", help: "project to work for", default: "all, by weight", check: project },
    Key { name: "max-cpu", help: "most of the whole machine to use, in percent", default: "50", check: share },
    Key {
        name: "threads",
        help: "most threads of all units together",
        default: "as many as max-cpu needs",
        check: number,
    },
    Key { name: "at-once", help: "most units at once", default: "as cores and memory allow", check: number },
    Key {
        name: "max-memory",
        help: "most memory of all units, such as 2G",
        default: "half of the machine's",
        check: memory,
    },
    Key { name: "max-unit-time", help: "most processor time of a unit, such as 12h", default: "24h", check: time },
    Key { name: "max-unit-steps", help: "most steps of a unit", default: "as many as fit the memory", check: steps },
    Key {
        name: "schedule",
        help: "when to work, such as 22:00-07:00, or how much when",
        default: "always",
        check: schedule,
    },
    Key { name: "battery", help: "on battery: pause or ignore", default: "pause", check: pause_or_ignore },
    Key {
        name: "used",
        help: "while somebody uses the machine: pause or ignore",
        default: "ignore",
        check: pause_or_ignore,
    },
    Key {
        name: "sandbox",
        help: "if the system lacks a part of the sandbox: warn, or require to refuse to start",
        default: "warn",
        check: warn_or_require,
    },
    Key {
        name: "pause-above",
        help: "pause while other programs use more than this percentage; 100 never pauses",
        default: "25",
        check: percentage,
    },
    Key {
        name: "resume-below",
        help: "go on when other programs use less than this percentage",
        default: "15",
        check: percentage,
    },
    Key {
        name: "max-temperature",
        help: "pause while the processor is hotter, in degrees Celsius",
        default: "never",
        check: celsius,
    },
    Key { name: "pause-for", help: "programs to pause for, such as steam,obs", default: "none", check: programs },
    Key {
        name: "fullscreen",
        help: "while a window fills the screen: pause or ignore",
        default: "ignore",
        check: pause_or_ignore,
    },
    Key {
        name: "fetch-ahead",
        help: "fetch the next unit before one ends: yes or no",
        default: "yes",
        check: yes_or_no,
    },
    Key {
        name: "max-download",
        help: "most from the network, such as 1MB/s",
        default: "no limit",
        check: network_rate,
    },
    Key { name: "max-upload", help: "most to the network, such as 500kB/s", default: "no limit", check: network_rate },
    Key {
        name: "network-hours",
        help: "local times to fetch and deliver at, such as 22:00-07:00",
        default: "always",
        check: network_hours,
    },
    Key {
        name: "max-network-per-day",
        help: "most to fetch and deliver in a day, such as 2GB",
        default: "no limit",
        check: network_volume,
    },
    Key { name: "max-network-per-month", help: "the same in a month", default: "no limit", check: network_volume },
];

/// The environment variable that sets a setting: `CAIRN_DONOR_MAX_CPU` for `max-cpu`.
pub fn variable(name: &str) -> String {
    format!("CAIRN_DONOR_{}", name.to_ascii_uppercase().replace('-', "_"))
}
/// Most bytes of the settings' file.
const MAX_FILE: u64 = 1 << 20;

/// What is wrong with the settings.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file is no TOML.
    #[error("{} is not valid:\n{}\nCorrect it, or remove it to begin anew", path.display(), message.trim_end())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// What is wrong and where.
        message: String,
    },
    /// A setting in the file that cannot be.
    #[error("{}: {error}. Correct it there or with `donor config set`, or remove the file to begin anew", path.display())]
    InFile {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: Box<Self>,
    },
    /// A setting in the environment that cannot be.
    #[error("the environment variable {variable}: {error}")]
    InEnvironment {
        /// The variable.
        variable: String,
        /// What is wrong.
        error: Box<Self>,
    },
    /// A name that is no setting's.
    #[error("there is no setting `{name}`; the settings are {}", names())]
    Unknown {
        /// The name.
        name: String,
    },
    /// A value that a setting cannot have.
    #[error("the setting `{name}` cannot be that: {message}")]
    Value {
        /// The setting.
        name: &'static str,
        /// What is wrong.
        message: String,
    },
    /// Thresholds in the wrong order.
    #[error("`resume-below` ({below}) must be less than `pause-above` ({above})")]
    Thresholds {
        /// In percent.
        below: f64,
        /// In percent.
        above: f64,
    },
}

fn names() -> String {
    KEYS.iter().map(|key| key.name).collect::<Vec<_>>().join(", ")
}

/// The settings of a state folder.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Config(toml::Table);

impl Config {
    /// Reads and checks the file; one that is not there sets nothing.
    ///
    /// # Errors
    /// If it cannot be read or says what it must not.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text =
            match atomic::read(path, MAX_FILE).and_then(|bytes| String::from_utf8(bytes).map_err(io::Error::other)) {
                Ok(text) => text,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
                Err(error) => return Err(FileError::of("read", path)(error).into()),
            };
        let syntax = |error: toml::de::Error| ConfigError::Syntax { path: path.to_owned(), message: error.to_string() };
        let in_file = |error| ConfigError::InFile { path: path.to_owned(), error: Box::new(error) };
        let table: toml::Table = toml::from_str(&text).map_err(syntax)?;
        let mut config = Self::default();
        for (name, value) in table {
            let text = match value {
                toml::Value::String(text) => text,
                other => other.to_string(),
            };
            config.set(&name, &text).map_err(in_file)?;
        }
        config.thresholds().map_err(in_file)?;
        Ok(config)
    }

    /// With what the environment says, which goes before what the file says. An empty variable says nothing.
    ///
    /// # Errors
    /// If it says what it must not.
    pub fn with_environment(mut self, read: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        for key in KEYS {
            let variable = variable(key.name);
            if let Some(text) = read(&variable).filter(|text| !text.trim().is_empty()) {
                let in_environment = |error| ConfigError::InEnvironment { variable, error: Box::new(error) };
                self.set(key.name, &text).map_err(in_environment)?;
            }
        }
        self.thresholds()?;
        Ok(self)
    }

    /// Writes the file in one step.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), ConfigError> {
        Ok(atomic::write(path, self.0.to_string().as_bytes())?)
    }

    /// Sets a setting.
    ///
    /// # Errors
    /// If there is no such setting, or it cannot have this value.
    pub fn set(&mut self, name: &str, text: &str) -> Result<(), ConfigError> {
        let key = find(name)?;
        let value = (key.check)(text.trim()).map_err(|message| ConfigError::Value { name: key.name, message })?;
        self.0.insert(name.to_owned(), value);
        Ok(())
    }

    /// Takes a setting back to its default.
    ///
    /// # Errors
    /// If there is no such setting.
    pub fn unset(&mut self, name: &str) -> Result<(), ConfigError> {
        find(name).map(|key| self.0.remove(key.name)).map(drop)
    }

    /// The value of a setting as text, if it is set.
    ///
    /// # Errors
    /// If there is no such setting.
    pub fn get(&self, name: &str) -> Result<Option<String>, ConfigError> {
        Ok(self.text(find(name)?.name))
    }

    fn text(&self, name: &str) -> Option<String> {
        self.0.get(name).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    }

    /// A setting that has been checked when it was set.
    pub fn parsed<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.text(name)?.parse().ok()
    }

    /// Most memory of a unit.
    pub fn max_memory(&self) -> Option<u64> {
        words::parse_bytes(&self.text("max-memory")?).ok()
    }

    /// Most processor seconds of a unit.
    pub fn max_unit_time(&self) -> Option<u64> {
        words::parse_duration(&self.text("max-unit-time")?).ok().map(|time| time.as_secs())
    }

    /// Whether to pause on battery.
    pub fn pause_on_battery(&self) -> bool {
        self.text("battery").as_deref() != Some("ignore")
    }

    /// Whether to pause while somebody uses the machine.
    pub fn pause_when_used(&self) -> bool {
        self.text("used").as_deref() == Some("pause")
    }

    /// Whether to pause while a window fills the screen.
    pub fn pause_when_fullscreen(&self) -> bool {
        self.text("fullscreen").as_deref() == Some("pause")
    }

    /// Whether to fetch the next unit before one ends.
    pub fn fetch_ahead(&self) -> bool {
        self.text("fetch-ahead").as_deref() != Some("no")
    }

    /// What may go over the network.
    pub fn network(&self) -> Limits {
        let rate = |name| rate(&self.text(name)?).ok();
        let volume = |name| volume(&self.text(name)?).ok();
        Limits {
            download: rate("max-download"),
            upload: rate("max-upload"),
            hours: self.parsed("network-hours"),
            per_day: volume("max-network-per-day"),
            per_month: volume("max-network-per-month"),
        }
    }

    /// Whether to refuse to start without the whole sandbox.
    pub fn require_sandbox(&self) -> bool {
        self.text("sandbox").as_deref() == Some("require")
    }

    /// When to give way to other programs; `None` for never.
    ///
    /// # Errors
    /// If the thresholds are in the wrong order.
    pub fn thresholds(&self) -> Result<Option<Thresholds>, ConfigError> {
        let standard = Thresholds { calm: Duration::from_secs(3), ..Thresholds::default() };
        let above = self.parsed("pause-above").unwrap_or(standard.pause_above * 100.0);
        let below = self.parsed("resume-below").unwrap_or((standard.resume_below * 100.0_f64).min(above * 0.6));
        if above >= 100.0 {
            return Ok(None);
        }
        if below >= above {
            return Err(ConfigError::Thresholds { below, above });
        }
        Ok(Some(Thresholds { pause_above: above / 100.0, resume_below: below / 100.0, ..standard }))
    }
}

fn find(name: &str) -> Result<&'static Key, ConfigError> {
    KEYS.iter().find(|key| key.name == name).ok_or_else(|| ConfigError::Unknown { name: name.to_owned() })
}

fn string(text: &str) -> toml::Value {
    toml::Value::String(text.to_owned())
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

fn share(text: &str) -> Result<toml::Value, String> {
    text.parse::<Share>().map(|share| string(&share.to_string())).map_err(|error| error.to_string())
}

fn number(text: &str) -> Result<toml::Value, String> {
    match text.parse::<u16>() {
        Ok(number) if number > 0 => Ok(toml::Value::Integer(number.into())),
        _ => Err(format!("`{text}` is no whole number from 1 to 65535")),
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

fn schedule(text: &str) -> Result<toml::Value, String> {
    text.parse::<Schedule>().map(|schedule| string(&schedule.to_string())).map_err(|error| error.to_string())
}

fn celsius(text: &str) -> Result<toml::Value, String> {
    text.parse::<Celsius>().map(|most| toml::Value::Float(most.degrees())).map_err(|error| error.to_string())
}

fn programs(text: &str) -> Result<toml::Value, String> {
    text.parse::<Programs>().map(|programs| string(&programs.to_string())).map_err(|error| error.to_string())
}

fn network_rate(text: &str) -> Result<toml::Value, String> {
    rate(text).map(|_| string(text))
}

fn network_volume(text: &str) -> Result<toml::Value, String> {
    volume(text).map(|_| string(text))
}

fn network_hours(text: &str) -> Result<toml::Value, String> {
    text.parse::<Hours>().map(|hours| string(&hours.to_string())).map_err(|error| error.to_string())
}

fn yes_or_no(text: &str) -> Result<toml::Value, String> {
    match text {
        "yes" | "no" => Ok(string(text)),
        _ => Err(format!("`{text}` is neither `yes` nor `no`")),
    }
}

fn pause_or_ignore(text: &str) -> Result<toml::Value, String> {
    match text {
        "pause" | "ignore" => Ok(string(text)),
        _ => Err(format!("`{text}` is neither `pause` nor `ignore`")),
    }
}

fn warn_or_require(text: &str) -> Result<toml::Value, String> {
    match text {
        "warn" | "require" => Ok(string(text)),
        _ => Err(format!("`{text}` is neither `warn` nor `require`")),
    }
}

fn percentage(text: &str) -> Result<toml::Value, String> {
    match text.trim_end_matches('%').trim().parse::<f64>() {
        Ok(percent) if (1.0..=100.0).contains(&percent) => Ok(toml::Value::Float(percent)),
        _ => Err(format!("`{text}` is no percentage from 1 to 100")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn settings_survive_the_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("config.toml");
        assert_eq!(Config::load(&path).expect("empty"), Config::default());
        let mut config = Config::default();
        for (name, text) in [
            ("server", "http://127.0.0.1:8080"),
            ("project", "primes"),
            ("max-cpu", "12.5%"),
            ("threads", "3"),
            ("max-memory", "2G"),
            ("schedule", "22:00-7:00"),
            ("battery", "ignore"),
            ("sandbox", "require"),
            ("pause-above", "40"),
            ("resume-below", "30"),
            ("max-temperature", "85 °C"),
            ("pause-for", "Steam, obs"),
            ("fullscreen", "pause"),
            ("fetch-ahead", "no"),
            ("max-download", "1MB/s"),
            ("max-upload", "500kB/s"),
            ("network-hours", "mon-fri 22:00-7:00, sat-sun"),
            ("max-network-per-day", "2GB"),
            ("max-network-per-month", "20GB"),
        ] {
            config.set(name, text).expect(name);
        }
        config.save(&path).expect("written");
        let loaded = Config::load(&path).expect("read");
        assert_eq!(loaded, config);
        assert!(loaded.require_sandbox());
        assert_eq!(loaded.parsed::<Share>("max-cpu").map(Share::fraction), Some(0.125));
        assert_eq!((loaded.max_memory(), loaded.pause_on_battery()), (Some(2_000_000_000), false));
        let thresholds = loaded.thresholds().expect("in order").expect("some");
        assert_eq!((thresholds.pause_above, thresholds.resume_below), (0.4, 0.3));
        assert_eq!(loaded.get("schedule").expect("a setting").as_deref(), Some("22:00-07:00"));
        assert_eq!(loaded.parsed::<Celsius>("max-temperature").map(Celsius::degrees), Some(85.0));
        assert_eq!(loaded.parsed::<Programs>("pause-for").map(|names| names.to_string()).as_deref(), Some("steam,obs"));
        assert!(loaded.pause_when_fullscreen() && !loaded.fetch_ahead());
        let network = loaded.network();
        assert_eq!((network.download, network.upload), (Some(1_000_000), Some(500_000)));
        assert_eq!((network.per_day, network.per_month), (Some(2_000_000_000), Some(20_000_000_000)));
        assert_eq!(
            network.hours.map(|hours| hours.to_string()).as_deref(),
            Some("mon-fri 22:00-07:00, sat-sun 00:00-24:00")
        );
        config.unset("server").expect("a setting");
        assert_eq!(config.get("server").expect("a setting"), None);
    }

    #[test]
    fn bad_settings_say_what_is_wrong() {
        let mut config = Config::default();
        for (name, text, message) in [
            ("colour", "red", "there is no setting `colour`"),
            ("server", "grid.example.org", "write it as https://grid.example.org"),
            ("server", "https://", "is no address"),
            ("project", "Primes!", "a project name must be"),
            ("max-cpu", "0", "percentage from 1 to 100"),
            ("threads", "0", "whole number from 1"),
            ("max-memory", "lots", "write it as 500M"),
            ("schedule", "at night", "is no schedule"),
            ("battery", "yes", "neither `pause` nor `ignore`"),
            ("sandbox", "off", "neither `warn` nor `require`"),
            ("pause-above", "half", "is no percentage"),
            ("max-temperature", "hot", "give degrees Celsius from 40 to 110"),
            ("pause-for", "/usr/bin/steam", "names of programs without folders"),
            ("fetch-ahead", "maybe", "neither `yes` nor `no`"),
            ("max-upload", "1kB/s", "too slow"),
            ("network-hours", "22:00-07:00=50", "has a cap"),
            ("max-network-per-day", "some", "is no amount of data"),
            ("max-unit-time", "soon", "write it as 30m, 2h"),
            ("max-unit-time", "0s", "from a second to a year"),
            ("max-unit-time", "99999999999999999999d", "is no length of time"),
            ("max-unit-steps", "-1", "whole number of steps"),
        ] {
            let error = config.set(name, text).expect_err(name).to_string();
            assert!(error.contains(message), "{name}: {error}");
        }
        config.set("pause-above", "20").expect("set");
        assert!(config.thresholds().is_ok(), "the default of the other follows");
        config.set("resume-below", "30").expect("set");
        let error = config.thresholds().expect_err("wrong order").to_string();
        assert_eq!(error, "`resume-below` (30) must be less than `pause-above` (20)");
        config.set("pause-above", "100").expect("set");
        assert_eq!(config.thresholds().expect("never"), None);
    }

    #[test]
    fn the_environment_goes_before_the_file() {
        let mut file = Config::default();
        file.set("max-cpu", "30").expect("set");
        file.set("threads", "3").expect("set");
        let environment = |variables: &'static [(&str, &str)]| {
            move |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        };
        let both =
            [("CAIRN_DONOR_MAX_CPU", "40"), ("CAIRN_DONOR_THREADS", ""), ("CAIRN_DONOR_NETWORK_HOURS", "22:00-7:00")];
        let both: &'static [(&str, &str)] = Box::leak(Box::new(both));
        let config = file.clone().with_environment(environment(both)).expect("settings");
        let value = |name| config.get(name).expect("a setting");
        assert_eq!([value("max-cpu"), value("threads")].map(Option::unwrap_or_default), ["40", "3"]);
        assert_eq!(value("network-hours").as_deref(), Some("22:00-07:00"));
        let error = file.with_environment(environment(&[("CAIRN_DONOR_SCHEDULE", "night")])).expect_err("no schedule");
        assert!(
            error
                .to_string()
                .starts_with("the environment variable CAIRN_DONOR_SCHEDULE: the setting `schedule` cannot"),
            "{error}"
        );
    }

    #[test]
    fn a_broken_file_says_where() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("config.toml");
        fs::write(&path, "server = \"http://a\"\nmax-cpu = = 4\n").expect("written");
        let error = Config::load(&path).expect_err("no TOML").to_string();
        assert!(error.contains("config.toml is not valid") && error.contains("line 2"), "{error}");
        fs::write(&path, "max-cpu = 40\nthreads = 2\n").expect("written");
        assert_eq!(Config::load(&path).expect("numbers too").get("max-cpu").expect("set").as_deref(), Some("40"));
    }
}
