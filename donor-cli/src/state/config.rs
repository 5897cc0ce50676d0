//! `config.toml`: what would otherwise be said on each command line.

use super::atomic::{self, FileError};
use super::settings::{all, find};
use crate::governor::Thresholds;
use crate::governor::network::{NetworkLimits, rate, volume};
use crate::progress::words;
use crate::setting::{Setting, Values, variable};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

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
    all().map(|setting| setting.name).collect::<Vec<_>>().join(", ")
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
        for key in all() {
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
        let key = named(name)?;
        let value = (key.check)(text.trim()).map_err(|message| ConfigError::Value { name: key.name, message })?;
        self.0.insert(name.to_owned(), value);
        Ok(())
    }

    /// Takes a setting back to its default.
    ///
    /// # Errors
    /// If there is no such setting.
    pub fn unset(&mut self, name: &str) -> Result<(), ConfigError> {
        named(name).map(|key| self.0.remove(key.name)).map(drop)
    }

    /// The value of a setting as text, if it is set.
    ///
    /// # Errors
    /// If there is no such setting.
    pub fn get(&self, name: &str) -> Result<Option<String>, ConfigError> {
        Ok(self.text(named(name)?.name))
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

    /// Whether to fetch the next unit before one ends.
    pub fn fetch_ahead(&self) -> bool {
        self.text("fetch-ahead").as_deref() != Some("no")
    }

    /// What may go over the network.
    pub fn network(&self) -> NetworkLimits {
        let rate = |name| rate(&self.text(name)?).ok();
        let volume = |name| volume(&self.text(name)?).ok();
        NetworkLimits {
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

impl Values for Config {
    fn text(&self, name: &str) -> Option<String> {
        self.0.get(name).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    }
}

fn named(name: &str) -> Result<&'static Setting, ConfigError> {
    find(name).ok_or_else(|| ConfigError::Unknown { name: name.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::governor::Share;
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
        assert_eq!(loaded.max_memory(), Some(2_000_000_000));
        let thresholds = loaded.thresholds().expect("in order").expect("some");
        assert_eq!((thresholds.pause_above, thresholds.resume_below), (0.4, 0.3));
        assert_eq!(loaded.get("schedule").expect("a setting").as_deref(), Some("22:00-07:00"));
        let value = |name| loaded.get(name).expect("a setting").unwrap_or_default();
        assert_eq!(["battery", "max-temperature", "pause-for"].map(value), ["ignore", "85.0", "steam,obs"]);
        assert!(!loaded.fetch_ahead());
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
