//! The addresses. Each module holds the handlers of one kind; `openapi` describes them.

mod docs;
mod donors;
mod events;
mod extract;
mod files;
mod leases;
mod openapi;
mod operations;
mod projects;
mod results;
mod submissions;
mod units;

pub use openapi::{ApiDoc, document};
pub(crate) use projects::unknown as unknown_project;

use crate::app::App;
use crate::error::ApiError;
use crate::limits::by_source;
use crate::linger::linger;
use crate::observe::observe;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{Method, Uri};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post, put};
use protocol::text::printable;
use protocol::{Cause, HEADER_PROTOCOL, PROTOCOL_VERSION};
use std::any::Any;
use std::time::Duration;
use tower_http::catch_panic::CatchPanicLayer;

/// All addresses.
pub fn router(app: App) -> Router {
    let brief = Router::new()
        .route("/v1/projects", get(projects::list))
        .route("/v1/projects/{name}", put(projects::put).get(projects::get))
        .route("/v1/projects/{name}/withdraw", post(projects::withdraw))
        .route("/v1/projects/{name}/results", get(results::list))
        .route("/v1/projects/{name}/collected", post(results::collected))
        .route("/v1/units/{id}", get(units::get))
        .route("/v1/units/{id}/retry", post(units::retry))
        .route("/v1/units/{id}/withdraw", post(units::withdraw))
        .route("/v1/leases", post(leases::lease))
        .route("/v1/leases/{token}", delete(leases::release))
        .route("/v1/leases/{token}/renew", post(leases::renew))
        .route("/v1/donors/me", get(donors::me))
        .route("/healthz", get(operations::healthz))
        .route("/readyz", get(operations::readyz))
        .route("/metrics", get(operations::metrics))
        .route("/openapi.json", get(docs::openapi))
        .route("/docs", get(docs::page))
        .route("/", get(docs::status))
        .layer(middleware::from_fn_with_state(app.clone(), in_time));
    // These move large bodies, or never end; they watch their pace themselves.
    let long = Router::new()
        .route("/v1/projects/{name}/units", post(units::add).get(units::list))
        .route("/v1/projects/{name}/events", get(events::stream))
        .route("/v1/programs/{sha256}", put(files::put_program).get(files::get_program))
        .route("/v1/records/{sha256}", put(files::put_record).get(files::get_record))
        .route("/v1/proofs/{sha256}", get(files::get_proof))
        .route("/v1/executions/{sha256}", get(files::get_execution))
        .route("/v1/units/{id}/proof", put(submissions::proof))
        .route("/v1/units/{id}/execution", put(submissions::execution));
    brief
        .merge(long)
        .fallback(no_route)
        .method_not_allowed_fallback(no_method)
        .layer(middleware::from_fn(versioned))
        .layer(middleware::from_fn_with_state(app.clone(), by_source))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn(linger))
        .layer(middleware::from_fn_with_state(app.clone(), observe))
        .with_state(app)
}

/// Gives up on answers that take too long.
async fn in_time(State(app): State<App>, request: Request, next: Next) -> Response {
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
async fn versioned(request: Request, next: Next) -> Response {
    let version = request.headers().get(HEADER_PROTOCOL);
    match version.map(|version| version.to_str().unwrap_or_default()) {
        Some(version) if version.parse() != Ok(PROTOCOL_VERSION) => {
            let version = printable(version, 20);
            let detail = format!(
                "the request speaks version `{version}` of the protocol, this distributor version {PROTOCOL_VERSION}; \
                 use the newer release of both"
            );
            ApiError::new(Cause::ProtocolVersion, detail).into_response()
        }
        _ => next.run(request).await,
    }
}

async fn no_route(uri: Uri) -> ApiError {
    let path = printable(uri.path(), 200);
    ApiError::new(Cause::UnknownRoute, format!("there is nothing at `{path}`; the addresses are listed at /docs"))
}

async fn no_method(method: Method, uri: Uri) -> ApiError {
    let (path, method) = (printable(uri.path(), 200), printable(method.as_str(), 20));
    ApiError::new(Cause::MethodNotAllowed, format!("`{path}` does not take {method}; see /docs"))
}

fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    ApiError::internal(format!("a handler panicked: {}", text.unwrap_or("without a message"))).into_response()
}
