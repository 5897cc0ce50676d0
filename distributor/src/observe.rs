//! The outermost layer: ids, logs, figures.

use crate::addresses::{Addresses, NONE};
use crate::app::App;
use crate::error::{ApiError, ApiResult};
use crate::metrics::{self, RequestLabels};
use crate::site::refusal;
use crate::source::{self, Peer, Source};
use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::http::HeaderValue;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use protocol::{HEADER_PROTOCOL, HEADER_REQUEST_ID, Nonce, PROTOCOL_VERSION};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Instant;
use tracing::Instrument as _;

/// An id that a client gave, if it is harmless, or a random one.
fn request_id(request: &Request) -> String {
    let harmless = |id: &&str| {
        (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    let given = request.headers().get(HEADER_REQUEST_ID).and_then(|id| id.to_str().ok()).filter(harmless);
    // Without random bytes requests can still be told apart by their time in the log.
    given.map_or_else(|| Nonce::random().map_or_else(|_| "none".to_owned(), |id| id.to_string()), str::to_owned)
}

/// Whether an address is of this machine or a network that is not the internet.
fn is_near(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => address.is_loopback() || address.is_private(),
        IpAddr::V6(address) => address.is_loopback() || address.is_unique_local(),
    }
}

/// Says once that there seems to be a proxy that nobody named.
fn warn_of_proxy(app: &App, peer: IpAddr) {
    if app.settings.trusted_proxies.contain(peer) {
        return;
    }
    app.proxy_warning.call_once(|| {
        tracing::warn!(
            %peer,
            "requests come through a proxy that is not trusted, so all its clients count as one; if it is yours, name it \
             with --trusted-proxies"
        );
    });
}

/// The source of the request, which this layer has found out.
impl<S: Send + Sync> FromRequestParts<S> for Source {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> ApiResult<Self> {
        parts.extensions.get().copied().ok_or_else(|| ApiError::internal("a request has no source"))
    }
}

/// The layer. Nothing that a client makes up gets into the log or a label but an id of a few harmless characters. The log holds
/// the pattern of the address, not the address itself, which may hold a lease token.
pub async fn observe(State((app, addresses)): State<(App, Addresses)>, mut request: Request, next: Next) -> Response {
    let begin = Instant::now();
    let peer = request.extensions().get::<Peer>().map_or(Ipv4Addr::UNSPECIFIED.into(), |peer| peer.0);
    let settings = &app.settings;
    let client = source::client(peer, request.headers(), &settings.trusted_proxies, settings.proxy_header);
    request.extensions_mut().insert(Source::of(client));
    if request.headers().contains_key(settings.proxy_header.name()) && is_near(peer) {
        warn_of_proxy(&app, peer);
    }
    let id = request_id(&request);
    let method = metrics::method(request.method());
    let matched = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let listed = matched.map(|pattern| addresses.known(pattern));
    let route = listed.clone().flatten().unwrap_or_else(|| NONE.into());
    let span = tracing::info_span!("request", %id, %client, method = method.0, %route);
    let page = refusal::of_page(&request);
    let mut response = match listed {
        // A handler that the list of addresses lacks: no client could know of it.
        Some(None) => ApiError::unknown_route(request.uri().path()).into_response(),
        _ => next.run(request).instrument(span.clone()).await,
    };

    let refusal = response.extensions_mut().remove::<ApiError>();
    let cause = refusal.as_ref().map(ApiError::cause);
    if let Some(refusal) = refusal {
        response = match page {
            Some(root) => refusal::page(&refusal, root, &id),
            None => refusal.with_request_id(&id),
        };
    }
    let (status, took) = (response.status().as_u16(), begin.elapsed());
    let headers = response.headers_mut();
    headers.insert(HEADER_PROTOCOL, HeaderValue::from(PROTOCOL_VERSION));
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(HEADER_REQUEST_ID, id);
    }
    let _in_span = span.enter();
    let (millis, cause) = (took.as_secs_f64() * 1e3, cause.map(|cause| cause.name()));
    match status {
        500.. => tracing::warn!(status, millis, cause, "answered"),
        400.. => tracing::info!(status, millis, cause, "refused"),
        _ => tracing::debug!(status, millis, "answered"),
    }
    app.metrics.request(&RequestLabels { method, route, status }, took);
    response
}
