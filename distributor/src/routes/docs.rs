//! Pages for people. They load nothing from elsewhere.

use super::openapi::document;
use axum::http::HeaderName;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::IntoResponse;

const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'";

fn html(page: &'static str) -> impl IntoResponse {
    let headers: [(HeaderName, &str); 2] =
        [(CONTENT_TYPE, "text/html; charset=utf-8"), (CONTENT_SECURITY_POLICY, POLICY)];
    (headers, page)
}

/// The description of this interface.
#[utoipa::path(get, path = "/openapi.json", tag = "operations", responses((status = 200, description = "This document", content_type = "application/json")))]
pub async fn openapi() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], document())
}

/// The description as a page.
#[utoipa::path(get, path = "/docs", tag = "operations", responses((status = 200, body = String, content_type = "text/html")))]
pub async fn page() -> impl IntoResponse {
    html(include_str!("../../static/docs.html"))
}

/// The state of the grid as a page.
#[utoipa::path(get, path = "/", tag = "operations", responses((status = 200, body = String, content_type = "text/html")))]
pub async fn status() -> impl IntoResponse {
    html(include_str!("../../static/status.html"))
}
