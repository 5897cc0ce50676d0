//! The OpenAPI document of the addresses that are served.

use super::openapi::complete;
use crate::site::answer::Fixed;
use axum::Extension;
use axum::http::HeaderMap;
use axum::response::Response;
use std::sync::Arc;
use utoipa::openapi::OpenApi;

/// The OpenAPI document of the addresses that are served.
#[derive(Clone)]
pub struct Document(Arc<Fixed>);

impl Document {
    /// Completes what the handlers say of themselves.
    pub fn new(described: OpenApi) -> Self {
        // Its parts are all known types, which have a JSON form.
        let json = complete(described).to_pretty_json().unwrap_or_default();
        Self(Arc::new(Fixed::new(json, "application/json")))
    }
}

/// The description of this interface.
#[utoipa::path(
    get, path = "/openapi.json", tag = "operations",
    responses(
        (status = 200, description = "This document", content_type = "application/json"),
        (status = 304, description = "It is the one of `If-None-Match`"),
    )
)]
pub async fn openapi(Extension(Document(page)): Extension<Document>, headers: HeaderMap) -> Response {
    page.answer(&headers)
}
