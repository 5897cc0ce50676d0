//! Donors' signed requests.

use crate::app::App;
use crate::body::Reader;
use crate::error::{ApiError, ApiResult};
use axum::body::Body;
use axum::extract::{FromRequestParts, OriginalUri};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use protocol::{Cause, Digest, DonorKey, HEADER_LEASE, LeaseToken, SignatureError, SignedHeaders};
use serde::de::DeserializeOwned;

/// A request with a valid, fresh signature of a donor that is not blocked. The body is still to be read and compared with
/// the digest that was signed.
#[derive(Debug, Clone)]
pub struct Signed {
    /// Who.
    pub donor: DonorKey,
    /// Digest of the body.
    pub content: Digest,
    /// The lease that the request names.
    pub lease: Option<LeaseToken>,
    headers: HeaderMap,
}

impl Signed {
    /// Begins to read the body.
    ///
    /// # Errors
    /// If it is announced to be too large.
    pub fn reader(&self, app: &App, body: Body, limit: u64) -> ApiResult<Reader> {
        Reader::new(body, &self.headers, limit, &app.settings)
    }

    /// The body as JSON, or `None` if it is empty.
    ///
    /// # Errors
    /// If it is not what was signed or not what is expected.
    pub async fn optional_json<T: DeserializeOwned>(&self, app: &App, body: Body) -> ApiResult<Option<T>> {
        let reader = self.reader(app, body, app.settings.max_json_bytes.min(1 << 20))?;
        let bytes = reader.bytes(Some(&self.content)).await?;
        if bytes.is_empty() { Ok(None) } else { crate::body::parse_json(&bytes).map(Some) }
    }

    /// Counts the request against the donor's limit.
    ///
    /// # Errors
    /// `rate_limited`.
    pub fn limit(&self, app: &App) -> ApiResult<()> {
        app.requests.take(&self.donor, app.now()).map_err(|seconds| {
            let most = app.settings.requests_per_minute;
            let detail = format!("the donor {} makes more than {most} requests a minute", self.donor);
            ApiError::new(Cause::RateLimited, detail).retry_after(seconds)
        })
    }
}

fn read_headers(headers: &HeaderMap) -> ApiResult<SignedHeaders> {
    let read = SignedHeaders::from_headers(|name| headers.get(name).and_then(|value| value.to_str().ok()));
    read.map_err(|error| {
        let cause = match error {
            SignatureError::Missing(_) => Cause::MissingSignature,
            _ => Cause::BadSignature,
        };
        ApiError::new(cause, format!("donors sign their requests: {error}"))
    })
}

fn check_time(app: &App, signed: &SignedHeaders) -> ApiResult<()> {
    let (now, window) = (app.now(), app.settings.clock_window);
    let off = now.since(signed.time).max(signed.time.since(now));
    if off <= window {
        return Ok(());
    }
    let detail = format!(
        "the request was signed at {}, here it is {now}: {off} seconds off, at most {window} are taken; sign it anew \
         with the time `server_time`",
        signed.time
    );
    Err(ApiError::new(Cause::ClockSkew, detail).server_time(now))
}

impl FromRequestParts<App> for Signed {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> ApiResult<Self> {
        let signed = read_headers(&parts.headers)?;
        let uri = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |original| &original.0);
        let target = uri.path_and_query().map_or("/", |target| target.as_str());
        signed.verify(parts.method.as_str(), target).map_err(|error| {
            ApiError::new(Cause::BadSignature, format!("the request's signature is refused: {error}"))
        })?;
        check_time(app, &signed)?;
        if app.store.is_blocked(&signed.key).await? {
            let detail = format!("the operator blocked the donor {}", signed.key);
            return Err(ApiError::new(Cause::KeyRevoked, detail));
        }
        // Beyond twice the window its time is refused anyway.
        let forget_at = app.now().plus(2 * app.settings.clock_window + 1);
        if !app.store.remember_nonce(&signed.key, &signed.nonce, forget_at, app.now()).await? {
            let detail = format!("a request with the nonce {} came before; sign it anew", signed.nonce);
            return Err(ApiError::new(Cause::Replayed, detail));
        }
        let lease = match parts.headers.get(HEADER_LEASE) {
            None => None,
            Some(value) => Some(value.to_str().ok().and_then(|text| text.parse().ok()).ok_or_else(|| {
                ApiError::new(Cause::BadRequest, format!("the header `{HEADER_LEASE}` holds no lease token"))
            })?),
        };
        Ok(Self { donor: signed.key, content: signed.content, lease, headers: parts.headers.clone() })
    }
}
