//! The typed HTTP client of both command lines.
//!
//! Requests are repeated with back-off and jitter while that can help: each request of the protocol may be sent twice
//! without harm. A donor's requests are signed anew each time; its clock may be wrong, since the client learns the
//! distributor's time from a refusal.

mod config;
mod donor;
mod error;
mod events;
mod http;
mod payload;
mod projects;
mod proxy;
mod retry;
mod tls;
mod traffic;
mod uploader;

pub use bytes::Bytes;
pub use config::{ClientConfig, Pace};
pub use donor::{DonorClient, LeaseAnswer};
pub use error::{ClientError, MOST_WAIT};
pub use events::EventStream;
pub use payload::{Payload, Progress};
pub use reqwest::Url;
pub use retry::{OnRetry, RetryPolicy};
pub use traffic::{Traffic, Way};
pub use uploader::{UnitQuery, UploaderClient};

pub use reqwest::Method;
