//! Everything that one sender, or all together, may have only so much of: rates, and shares of what there is.
//!
//! Keys cost nothing, so what is counted by key is counted by source too. The checks come in the order of what they cost: the
//! source's bucket before anything is read, then what the headers say, then the signature, then the key's bucket, and only
//! then something is written.

use crate::config::Settings;
use crate::error::{ApiError, ApiResult};
use crate::rate::{RateLimit, Recent};
use crate::share::Share;
use crate::source::Source;
use crate::store::Store;
use protocol::{Cause, DonorKey, Timestamp, UploaderKeyId};
use std::time::Duration;

/// Questions of health checks per minute and source, which do not count as other requests.
const PROBES: u32 = 600;

/// Bodies of JSON that may be in memory at once, as a multiple of the largest.
const BODIES: u64 = 8;

/// A source may have one connection in so many that are left.
const CONNECTIONS: u64 = 8;

/// Attempts to sign in per minute and source.
const SIGN_INS: u32 = 20;

/// A source may have one stream of figures in so many that are left.
const WATCHERS: u64 = 16;

/// All limits.
#[derive(Debug)]
pub struct Limits {
    /// Requests of a source, but for those with a valid access key.
    pub sources: RateLimit<Source>,
    /// Health checks.
    probes: RateLimit<Source>,
    /// Requests of a donor.
    pub requests: RateLimit<DonorKey>,
    /// Submissions without a lease.
    pub unleased: RateLimit<DonorKey>,
    /// Requests with an access key.
    pub uploaders: RateLimit<UploaderKeyId>,
    /// Attempts to sign in.
    pub sign_ins: RateLimit<Source>,
    /// Keys that the store does not know.
    new_keys: RateLimit<Source>,
    new_keys_per_hour: u32,
    source_requests_per_minute: u32,
    /// Keys that the store knows, or that were let in.
    known: Recent<DonorKey>,
    /// Connections.
    pub connections: Share,
    /// Bytes on the disk of files that are being received or verified.
    pub incoming: Share,
    /// Bytes of bodies in memory.
    pub bodies: Share,
    /// Open streams of events.
    pub streams: Share,
    /// Open streams of the grid's figures, which anybody may have.
    pub watchers: Share,
}

impl Limits {
    /// Those of the settings.
    pub fn new(settings: &Settings) -> Self {
        let hour = Duration::from_secs(3600);
        let connections = settings.max_connections as u64;
        Self {
            sources: RateLimit::per_minute(settings.source_requests_per_minute),
            probes: RateLimit::per_minute(PROBES),
            requests: RateLimit::per_minute(settings.requests_per_minute),
            unleased: RateLimit::new(settings.unleased_per_minute, hour / 60, settings.unleased_per_minute),
            uploaders: RateLimit::per_minute(settings.key_requests_per_minute),
            sign_ins: RateLimit::new(SIGN_INS, hour / 60, SIGN_INS),
            new_keys: RateLimit::new(settings.new_keys_per_hour, hour, settings.new_keys_per_hour),
            new_keys_per_hour: settings.new_keys_per_hour,
            source_requests_per_minute: settings.source_requests_per_minute,
            known: Recent::default(),
            connections: Share::new(connections, CONNECTIONS).most_for_source(settings.source_connections as u64),
            incoming: Share::revocable(settings.max_incoming_bytes),
            bodies: Share::revocable(settings.max_json_bytes.saturating_mul(BODIES)),
            streams: Share::new(connections / 4, 1).most_for_key(settings.key_streams as u64),
            watchers: Share::new(connections / 8, WATCHERS),
        }
    }

    /// Keys and sources that are remembered, all together.
    pub fn remembered(&self) -> usize {
        let buckets = [self.sources.len(), self.probes.len(), self.requests.len(), self.unleased.len()];
        let more = [self.uploaders.len(), self.sign_ins.len(), self.new_keys.len(), self.known.len()];
        let shares = [&self.connections, &self.incoming, &self.bodies, &self.streams, &self.watchers];
        buckets.iter().chain(&more).sum::<usize>() + shares.map(Share::holders).iter().sum::<usize>()
    }

    /// Lets a donor's key in. A source may bring only so many that were never seen, since each costs the store something that
    /// stays.
    ///
    /// # Errors
    /// `rate_limited`.
    pub async fn admit(
        &self,
        store: &dyn Store,
        donor: &DonorKey,
        source: Source,
        (now, elapsed): (Timestamp, Duration),
    ) -> ApiResult<()> {
        if self.known.has(donor) {
            return Ok(());
        }
        if store.donor(donor, now).await?.credit.since.is_none() {
            self.new_keys.take(source, elapsed).map_err(|seconds| {
                let most = self.new_keys_per_hour;
                let detail = format!("more than {most} new donors came from the address {source} within an hour");
                limited(detail, seconds)
            })?;
        }
        self.known.note(*donor);
        Ok(())
    }

    /// Counts a request by its source; health checks apart.
    ///
    /// # Errors
    /// `rate_limited`.
    pub fn request(&self, source: Source, probe: bool, elapsed: Duration) -> ApiResult<()> {
        let (bucket, most) =
            if probe { (&self.probes, PROBES) } else { (&self.sources, self.source_requests_per_minute) };
        bucket.take(source, elapsed).map_err(|seconds| {
            limited(format!("more than {most} requests a minute come from the address {source}"), seconds)
        })
    }
}

/// The refusal of one request too many.
pub fn limited(detail: impl Into<String>, seconds: u64) -> ApiError {
    ApiError::new(Cause::RateLimited, detail).retry_after(seconds)
}
