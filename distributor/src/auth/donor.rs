//! Donors' signed requests.

use crate::app::App;
use crate::body::Reader;
use crate::error::{ApiError, ApiResult};
use crate::limits::limited;
use crate::share::{Key, Owner};
use crate::source::Source;
use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use protocol::{Cause, Digest, DonorKey, HEADER_LEASE, LeaseToken, Nonce, SignatureError, SignedHeaders};
use serde::de::DeserializeOwned;

/// Most bytes of a JSON body that a donor sends.
const MAX_JSON: u64 = 1 << 16;

/// A request with a valid, fresh signature of a donor that is not blocked and within its rate. The body is still to be read and
/// compared with the digest that was signed.
#[derive(Debug, Clone)]
pub struct Signed {
    /// Who.
    pub donor: DonorKey,
    /// Where.
    pub source: Source,
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
        let owner = Owner { key: Some(Key::Donor(self.donor)), source: self.source };
        Reader::new(app, owner, body, &self.headers, limit)
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// If it is not what was signed or not what is expected.
    pub async fn json<T: DeserializeOwned>(&self, app: &App, body: Body) -> ApiResult<T> {
        self.reader(app, body, MAX_JSON)?.json(Some(&self.content)).await
    }

    /// The body as JSON, or `None` if it is empty.
    ///
    /// # Errors
    /// If it is not what was signed or not what is expected.
    pub async fn optional_json<T: DeserializeOwned>(&self, app: &App, body: Body) -> ApiResult<Option<T>> {
        let (bytes, _room) = self.reader(app, body, MAX_JSON)?.bytes(Some(&self.content)).await?;
        if bytes.is_empty() { Ok(None) } else { crate::body::parse_json(&bytes).map(Some) }
    }
}

/// A request as [`Signed`], which counts neither against a rate yet nor against being sent twice. Nothing may be done for it
/// but to find out which rate it counts against.
#[derive(Debug)]
pub struct Claimed {
    signed: Signed,
    nonce: Nonce,
}

impl Claimed {
    /// Who.
    pub const fn donor(&self) -> &DonorKey {
        &self.signed.donor
    }

    /// Digest of the body.
    pub const fn content(&self) -> &Digest {
        &self.signed.content
    }

    /// The lease that the request names.
    pub const fn lease(&self) -> Option<&LeaseToken> {
        self.signed.lease.as_ref()
    }

    /// Lets it in, since it is within its rate. What is written for each request, is written only now.
    ///
    /// # Errors
    /// `rate_limited` for one new key too many; `replayed`.
    pub async fn admit(self, app: &App) -> ApiResult<Signed> {
        let Self { signed, nonce } = self;
        let clocks = (app.now(), app.elapsed());
        app.limits.admit(&*app.store, &signed.donor, signed.source, clocks).await?;
        // Beyond twice the window its time is refused anyway.
        let forget_at = app.now().plus(2 * app.settings.clock_window + 1);
        if !app.store.remember_nonce(&signed.donor, &nonce, forget_at, app.now()).await? {
            let detail = format!("a request with the nonce {nonce} came before; sign it anew");
            return Err(ApiError::new(Cause::Replayed, detail));
        }
        Ok(signed)
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

fn read_lease(headers: &HeaderMap) -> ApiResult<Option<LeaseToken>> {
    let Some(value) = headers.get(HEADER_LEASE) else { return Ok(None) };
    let token = value.to_str().ok().and_then(|text| text.parse().ok());
    let bad = || ApiError::new(Cause::BadRequest, format!("the header `{HEADER_LEASE}` holds no lease token"));
    token.map(Some).ok_or_else(bad)
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

impl FromRequestParts<App> for Claimed {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> ApiResult<Self> {
        let claimed = read_headers(&parts.headers)?;
        let lease = read_lease(&parts.headers)?;
        check_time(app, &claimed)?;
        let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
        claimed.verify(parts.method.as_str(), target).map_err(|error| {
            ApiError::new(Cause::BadSignature, format!("the request's signature is refused: {error}"))
        })?;
        if app.store.is_blocked(&claimed.key).await? {
            let detail = format!("the operator blocked the donor {}", claimed.key);
            return Err(ApiError::new(Cause::KeyRevoked, detail));
        }
        let source = Source::from_request_parts(parts, app).await?;
        let headers = parts.headers.clone();
        let signed = Signed { donor: claimed.key, source, content: claimed.content, lease, headers };
        Ok(Self { signed, nonce: claimed.nonce })
    }
}

impl FromRequestParts<App> for Signed {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> ApiResult<Self> {
        let claimed = Claimed::from_request_parts(parts, app).await?;
        app.limits.requests.take(*claimed.donor(), app.elapsed()).map_err(|seconds| {
            let most = app.settings.requests_per_minute;
            limited(format!("the donor {} makes more than {most} requests a minute", claimed.donor()), seconds)
        })?;
        claimed.admit(app).await
    }
}
