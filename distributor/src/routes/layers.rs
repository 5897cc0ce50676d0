//! What is done around every handler.

use crate::app::App;
use crate::error::ApiError;
use crate::source::Source;
use axum::extract::{Request, State};
use axum::http::{Method, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use protocol::text::printable;
use protocol::{Cause, HEADER_PROTOCOL, PROTOCOL_VERSION};
use std::any::Any;
use std::time::Duration;

/// Counts all requests by their source, before anything else is done for them.
pub async fn by_source(State(app): State<App>, source: Source, request: Request, next: Next) -> Response {
    let probe = matches!(request.uri().path(), "/healthz" | "/readyz");
    match app.limits.request(source, probe, app.elapsed()) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    }
}

/// Gives up on answers that take too long.
pub async fn in_time(State(app): State<App>, request: Request, next: Next) -> Response {
    let limit = Duration::from_secs(app.settings.request_seconds);
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let detail = format!("the answer took more than {} seconds; try again", limit.as_secs());
            ApiError::new(Cause::Timeout, detail).into_response()
        }
    }
}

/// Refuses requests of another protocol version; a request that names none is taken to know what it does.
pub async fn versioned(request: Request, next: Next) -> Response {
    let version = request.headers().get(HEADER_PROTOCOL);
    match version.map(|version| version.to_str().unwrap_or_default()) {
        Some(version) if version.parse() != Ok(PROTOCOL_VERSION) => {
            let version = printable(version, 20);
            let detail = format!(
                "the request speaks version `{version}` of the protocol, this distributor version {PROTOCOL_VERSION}; \
                 use the newer release of both (what an older donor has finished is kept, and sent by a newer one)"
            );
            ApiError::new(Cause::ProtocolVersion, detail).into_response()
        }
        _ => next.run(request).await,
    }
}

/// Nothing is at this address.
pub async fn no_route(uri: Uri) -> ApiError {
    ApiError::unknown_route(uri.path())
}

/// The address knows other methods.
pub async fn no_method(method: Method, uri: Uri) -> ApiError {
    let (path, method) = (printable(uri.path(), 200), printable(method.as_str(), 20));
    ApiError::new(Cause::MethodNotAllowed, format!("`{path}` does not take {method}; see /docs"))
}

/// The answer to a request whose handler panicked.
pub fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    ApiError::internal(format!("a handler panicked: {}", text.unwrap_or("without a message"))).into_response()
}
