//! How to reach a distributor, and how patient to be with it.

use super::error::ClientError;
use super::proxy;
use super::retry::RetryPolicy;
use super::traffic::Traffic;
use crate::text::printable;
use reqwest::Url;
use std::sync::Arc;
use std::time::Duration;

/// How to reach a distributor.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// Its address.
    pub address: Url,
    /// Who asks, such as `donor/0.1.0`.
    pub user_agent: String,
    /// Most time until a connection stands.
    pub connect_timeout: Duration,
    /// Most time without a byte from the distributor.
    pub idle_timeout: Duration,
    /// How slowly bytes may travel.
    pub pace: Pace,
    /// Whether an access key may be sent without encryption to another machine.
    pub insecure_http: bool,
    /// When to ask again.
    pub retry: RetryPolicy,
    /// Watches what travels.
    pub traffic: Option<Arc<dyn Traffic>>,
}

/// How slowly the bytes of a body may travel: whoever sends a byte now and then would hold us for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Time that every body has.
    pub grace: Duration,
    /// Bytes a second beyond that, on average.
    pub least: u64,
}

impl Default for Pace {
    /// Five minutes, and a kilobyte a second.
    fn default() -> Self {
        Self { grace: Duration::from_secs(300), least: 1000 }
    }
}

impl Pace {
    /// Most time for so many bytes.
    pub(super) fn time(&self, bytes: u64) -> Duration {
        self.grace.saturating_add(Duration::from_secs(bytes / self.least.max(1)))
    }
}

impl ClientConfig {
    /// The usual settings. The address may have a path, under which a proxy in front of the distributor has it.
    ///
    /// # Errors
    /// If the text is no http address.
    pub fn new(address: &str, user_agent: impl Into<String>) -> Result<Self, ClientError> {
        let shown = printable(&proxy::redact(address), 300);
        let wrong = |reason: String| ClientError::Address { address: shown.clone(), reason };
        let url = Url::parse(address).map_err(|error| wrong(error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong(format!("it begins with `{}:`, not with `http:` or `https:`", url.scheme())));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("it must end after host, port and path".to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("it must not have a name and a password, since it is shown".to_owned()));
        }
        Ok(Self {
            address: url,
            user_agent: user_agent.into(),
            connect_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(60),
            pace: Pace::default(),
            insecure_http: false,
            retry: RetryPolicy::interactive(),
            traffic: None,
        })
    }

    /// Whether everybody on the way to the distributor can read what is sent.
    pub fn is_exposed(&self) -> bool {
        self.address.scheme() != "https" && !self.address.host_str().is_some_and(is_loopback)
    }

    /// With leave to send an access key without encryption to another machine.
    #[must_use]
    pub const fn insecure_http(mut self, allowed: bool) -> Self {
        self.insecure_http = allowed;
        self
    }

    /// With another retry policy.
    #[must_use]
    pub fn retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = retry;
        self
    }

    /// With somebody who watches what travels.
    #[must_use]
    pub fn traffic(mut self, traffic: Arc<dyn Traffic>) -> Self {
        self.traffic = Some(traffic);
        self
    }
}

/// Whether a host is this machine.
pub(super) fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}
