//! Settings: from flags, then the environment, then a file, then defaults.

use crate::location::Location;
use crate::prefix::PathPrefix;
use crate::source::{Networks, ProxyHeader};
use crate::store::{Quota, Rules};
use clap::Args;
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where everything is kept.
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Place {
    /// Folder of the database and the files [default: ./cairn-data]
    #[arg(long, env = "CAIRN_DATA", value_name = "DIR", global = true, hide_env_values = true, help_heading = "Place")]
    pub data: Option<PathBuf>,
    /// Database, `sqlite:FILE` [default: sqlite:DIR/cairn.db]
    #[arg(
        long,
        env = "CAIRN_DATABASE",
        value_name = "URL",
        global = true,
        hide_env_values = true,
        help_heading = "Place"
    )]
    pub database: Option<String>,
    /// Folder of programs, executions and proofs [default: DIR/blobs]
    #[arg(
        long,
        env = "CAIRN_BLOBS",
        value_name = "DIR",
        global = true,
        hide_env_values = true,
        help_heading = "Place"
    )]
    pub blobs: Option<PathBuf>,
}

/// Why the settings are of no use.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration file {path}: {source}", path = .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not understood.
    #[error("the configuration file {path} is not understood: {message}", path = .path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        message: String,
    },
}

impl Place {
    /// The data folder.
    pub fn data(&self) -> PathBuf {
        self.data.clone().unwrap_or_else(|| "cairn-data".into())
    }

    /// The database; [`store::open`](crate::store::open) knows the kinds.
    pub fn database(&self) -> Location {
        match &self.database {
            None => Location::new("sqlite", self.data().join("cairn.db")),
            Some(url) => Location::parse(url),
        }
    }

    /// The files; [`blobs::open`](crate::blobs::open) knows the kinds.
    pub fn blobs(&self) -> Location {
        match &self.blobs {
            None => Location::new("folder", self.data().join("blobs")),
            // Any other text may be the name of a folder.
            Some(path) => match path.to_str() {
                Some(url) if url.contains("://") => Location::parse(url),
                _ => Location::new("folder", path),
            },
        }
    }

    /// What is not given here is taken from `other`.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            data: self.data.or(other.data),
            database: self.database.or(other.database),
            blobs: self.blobs.or(other.blobs),
        }
    }
}

/// Declares the settings of `serve` once: flag, environment, file, default.
macro_rules! settings {
    ($(#[doc = $doc:literal] $name:ident: $type:ty = $default:expr, $env:literal, $value:literal;)*) => {
        /// How the distributor serves, as given.
        #[derive(Debug, Clone, Default, Args, Deserialize)]
        #[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
        pub struct GivenSettings {
            $(
                #[doc = $doc]
                #[arg(long, env = $env, value_name = $value, hide_env_values = true)]
                pub $name: Option<$type>,
            )*
        }

        impl GivenSettings {
            /// What is not given here is taken from `other`.
            #[must_use]
            pub fn or(self, other: Self) -> Self {
                Self { $($name: self.$name.or(other.$name),)* }
            }

            /// With the defaults.
            pub fn complete(self) -> Settings {
                let defaults = Settings::default();
                Settings { $($name: self.$name.unwrap_or(defaults.$name),)* }
            }
        }

        /// How the distributor serves.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct Settings {
            $(#[doc = $doc] pub $name: $type,)*
        }

        /// All settings of `serve`: name in the file (as a flag with `--`), variable of the environment, and what it says.
        pub const SETTINGS: &[(&str, &str, &str)] = &[$((stringify!($name), $env, $doc),)*];

        impl Default for Settings {
            fn default() -> Self {
                Self { $($name: $default,)* }
            }
        }
    };
}

settings! {
    /// Address to listen on [default: 127.0.0.1:8080]
    listen: SocketAddr = SocketAddr::from(([127, 0, 0, 1], 8080)), "CAIRN_LISTEN", "ADDRESS";
    /// Proxies whose word on who asks is taken: addresses and networks with commas between them [default: none]
    trusted_proxies: Networks = Networks::default(), "CAIRN_TRUSTED_PROXIES", "NETWORKS";
    /// Header in which they say it: x-forwarded-for or forwarded [default: x-forwarded-for]
    proxy_header: ProxyHeader = ProxyHeader::XForwardedFor, "CAIRN_PROXY_HEADER", "NAME";
    /// Path below which a proxy passes requests on with their whole path, such as /cairn [default: none]
    path_prefix: PathPrefix = PathPrefix::default(), "CAIRN_PATH_PREFIX", "PATH";
    /// Seconds of a lease; donors renew it [default: 600]
    lease_seconds: u64 = 600, "CAIRN_LEASE_SECONDS", "SECONDS";
    /// Seconds beyond which a lease is not renewed [default: 86400]
    max_lease_seconds: u64 = 24 * 3600, "CAIRN_MAX_LEASE_SECONDS", "SECONDS";
    /// Seconds for which a donor is not lent a unit that failed on it [default: 3600]
    cooldown_seconds: u64 = 3600, "CAIRN_COOLDOWN_SECONDS", "SECONDS";
    /// Seconds until a unit that failed is lent again after the first report, doubled by each further one [default: 60]
    suspect_cooldown_seconds: u64 = 60, "CAIRN_SUSPECT_COOLDOWN_SECONDS", "SECONDS";
    /// Trusted donors on which a unit must fail to be set aside, with more than half of the project's work [default: 3]
    quarantine_after: u32 = 3, "CAIRN_QUARANTINE_AFTER", "N";
    /// Units of a project that a donor must prove under leases to be trusted in it [default: 3]
    trust_units: u32 = 3, "CAIRN_TRUST_UNITS", "N";
    /// Days after which a donor that proves nothing of a project counts no more in it [default: 30]
    trust_days: u64 = 30, "CAIRN_TRUST_DAYS", "DAYS";
    /// Units that a donor holds that proved nothing; each unit that it proves gives one more in its project [default: 4]
    new_leases: u32 = 4, "CAIRN_NEW_LEASES", "N";
    /// Units that all donors of one address hold, of projects that they proved nothing of [default: 32]
    source_leases: u32 = 32, "CAIRN_SOURCE_LEASES", "N";
    /// Most units that any donor holds [default: 4096]
    most_leases: u32 = 4096, "CAIRN_MOST_LEASES", "N";
    /// Most units of one lease, at most 1024 [default: 256]
    most_lease_units: u32 = 256, "CAIRN_MOST_LEASE_UNITS", "N";
    /// Seconds beyond which a lease of a donor that proved nothing of the project is not renewed [default: 21600]
    new_lease_seconds: u64 = 6 * 3600, "CAIRN_NEW_LEASE_SECONDS", "SECONDS";
    /// Projects of the owner of an access key, unless the key says otherwise [default: 1000]
    most_projects: u64 = 1000, "CAIRN_MOST_PROJECTS", "N";
    /// Units of the owner of an access key, unless the key says otherwise [default: 10000000]
    most_units: u64 = 10_000_000, "CAIRN_MOST_UNITS", "N";
    /// Bytes of programs, arguments and proofs of the owner of an access key, unless the key says otherwise [default: 1099511627776]
    most_bytes: u64 = 1 << 40, "CAIRN_MOST_BYTES", "BYTES";
    /// Attempts of a unit that are kept with their details [default: 100]
    kept_attempts: u32 = 100, "CAIRN_KEPT_ATTEMPTS", "N";
    /// Events of a project that are kept [default: 200000]
    kept_events: u32 = 200_000, "CAIRN_KEPT_EVENTS", "N";
    /// Days for which events are kept [default: 30]
    event_days: u64 = 30, "CAIRN_EVENT_DAYS", "DAYS";
    /// Seconds between two collections of files that nothing refers to, and of old events [default: 600]
    upkeep_seconds: u64 = 600, "CAIRN_UPKEEP_SECONDS", "SECONDS";
    /// Seconds by which a donor's clock may be off [default: 300]
    clock_window: u64 = 300, "CAIRN_CLOCK_WINDOW", "SECONDS";
    /// Proofs that are verified at once; 0 for one per core [default: 0]
    verify_threads: usize = 0, "CAIRN_VERIFY_THREADS", "N";
    /// Submissions that may wait for verification; one address has half of the places [default: 512]
    verify_queue: usize = 512, "CAIRN_VERIFY_QUEUE", "N";
    /// Largest execution file in bytes [default: 1073741824]
    max_execution_bytes: u64 = 1 << 30, "CAIRN_MAX_EXECUTION_BYTES", "BYTES";
    /// Most memory cells of an execution that is taken; checking takes 32 bytes of memory for each [default: 67108864]
    max_execution_cells: u64 = 1 << 26, "CAIRN_MAX_EXECUTION_CELLS", "N";
    /// Bytes of files that may be in the middle of being received or verified; one key has a third, one address half of it [default: 8589934592]
    max_incoming_bytes: u64 = 8 << 30, "CAIRN_MAX_INCOMING_BYTES", "BYTES";
    /// Largest body of JSON in bytes [default: 33554432]
    max_json_bytes: u64 = 32 << 20, "CAIRN_MAX_JSON_BYTES", "BYTES";
    /// Requests per minute that a donor may make; its leased submissions never count; 0 for no limit [default: 300]
    requests_per_minute: u32 = 300, "CAIRN_REQUESTS_PER_MINUTE", "N";
    /// Submissions without a lease per minute that a donor may make; 0 for no limit [default: 6]
    unleased_per_minute: u32 = 6, "CAIRN_UNLEASED_PER_MINUTE", "N";
    /// Requests per minute from one address, but for those with an access key; 0 for no limit [default: 6000]
    source_requests_per_minute: u32 = 6000, "CAIRN_SOURCE_REQUESTS_PER_MINUTE", "N";
    /// Requests per minute with one access key; 0 for no limit [default: 60000]
    key_requests_per_minute: u32 = 60_000, "CAIRN_KEY_REQUESTS_PER_MINUTE", "N";
    /// Donors that were never seen before, per hour and address; 0 for no limit [default: 500]
    new_keys_per_hour: u32 = 500, "CAIRN_NEW_KEYS_PER_HOUR", "N";
    /// Connections at once [default: 4096]
    max_connections: usize = 4096, "CAIRN_MAX_CONNECTIONS", "N";
    /// Connections at once from one address; never more than an eighth of those that are left [default: 1024]
    source_connections: usize = 1024, "CAIRN_SOURCE_CONNECTIONS", "N";
    /// Streams of events at once with one access key [default: 32]
    key_streams: usize = 32, "CAIRN_KEY_STREAMS", "N";
    /// Seconds within which a request's head must come, and of silence within a body or an answer [default: 20]
    idle_seconds: u64 = 20, "CAIRN_IDLE_SECONDS", "SECONDS";
    /// Bytes per second that bodies and answers must move with, apart from the longest silence [default: 16384]
    min_rate: u64 = 16 << 10, "CAIRN_MIN_RATE", "BYTES";
    /// Seconds that an answer without a large body may take [default: 30]
    request_seconds: u64 = 30, "CAIRN_REQUEST_SECONDS", "SECONDS";
    /// Seconds for requests to end after a signal to stop [default: 30]
    shutdown_seconds: u64 = 30, "CAIRN_SHUTDOWN_SECONDS", "SECONDS";
    /// Seconds after which donors ask again when there is no work at all [default: 20]
    retry_empty: u64 = 20, "CAIRN_RETRY_EMPTY", "SECONDS";
    /// Seconds after which donors ask again when all work is with others [default: 10]
    retry_all_leased: u64 = 10, "CAIRN_RETRY_ALL_LEASED", "SECONDS";
}

impl Settings {
    /// Proofs that are verified at once.
    pub fn verifiers(&self) -> usize {
        match self.verify_threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            threads => threads,
        }
    }

    /// How donors are judged, what they may hold, and what is kept.
    pub const fn rules(&self) -> Rules {
        Rules {
            quarantine_after: self.quarantine_after,
            trust_units: self.trust_units,
            active_for: self.trust_days.saturating_mul(24 * 3600),
            cooldown: self.cooldown_seconds,
            suspect_cooldown: self.suspect_cooldown_seconds,
            new_leases: self.new_leases,
            source_leases: self.source_leases,
            most_leases: self.most_leases,
            longest_lease: self.max_lease_seconds,
            kept_attempts: self.kept_attempts,
            kept_events: self.kept_events,
            events_for: self.event_days.saturating_mul(24 * 3600),
        }
    }

    /// What the owner of an access key may have.
    pub const fn quota(&self) -> Quota {
        Quota { projects: self.most_projects, units: self.most_units, bytes: self.most_bytes }
    }

    /// Longest silence within a request.
    pub const fn idle(&self) -> Duration {
        Duration::from_secs(self.idle_seconds)
    }
}

impl Default for Rules {
    fn default() -> Self {
        Settings::default().rules()
    }
}

/// The configuration file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConfigFile {
    /// Where everything is kept.
    pub place: Place,
    /// How the distributor serves.
    pub serve: GivenSettings,
}

impl ConfigFile {
    /// Reads a TOML file with the tables `[place]` and `[serve]`.
    ///
    /// # Errors
    /// If the file cannot be read or is not understood.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text =
            std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        toml::from_str(&text).map_err(|error| ConfigError::Parse { path: path.to_owned(), message: error.to_string() })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn flags_go_before_the_file_and_the_file_before_defaults() {
        let file: ConfigFile = toml::from_str("[serve]\nlease-seconds = 30\nverify-queue = 7\n").unwrap();
        let flags = GivenSettings { lease_seconds: Some(60), ..GivenSettings::default() };
        let settings = flags.or(file.serve).complete();
        let expected = Settings { lease_seconds: 60, verify_queue: 7, ..Settings::default() };
        assert_eq!(settings, expected);
    }

    #[test]
    fn a_misspelt_setting_is_named() {
        let error = toml::from_str::<ConfigFile>("[serve]\nlease-second = 30\n").unwrap_err().to_string();
        assert!(error.contains("lease-second"), "{error}");
    }

    #[test]
    fn database_and_files_are_in_the_data_folder_unless_they_are_elsewhere() {
        let place = Place { data: Some("/d".into()), ..Place::default() };
        assert_eq!(place.database(), Location::new("sqlite", "/d/cairn.db"));
        assert_eq!(place.blobs(), Location::new("folder", "/d/blobs"));
        let elsewhere = |database: &str, blobs: &str| {
            let place = Place { database: Some(database.to_owned()), blobs: Some(blobs.into()), ..place.clone() };
            (place.database(), place.blobs())
        };
        let expected = (Location::new("sqlite", "x.db"), Location::new("folder", "b:c"));
        assert_eq!(elsewhere("sqlite:x.db", "b:c"), expected);
        let expected = (Location::new("postgres", "//host/db"), Location::new("s3", "//bucket"));
        assert_eq!(elsewhere("postgres://host/db", "s3://bucket"), expected);
    }
}
