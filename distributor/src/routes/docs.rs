//! Pages for people. They load nothing from elsewhere.

use super::openapi::complete;
use axum::Extension;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use protocol::Digest;
use std::sync::{Arc, LazyLock};
use utoipa::openapi::OpenApi;

const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'";

/// Something that is made once and stays as it is.
struct Page {
    body: Bytes,
    kind: &'static str,
    /// In quotes, as it travels.
    tag: Option<HeaderValue>,
}

impl Page {
    fn new(body: impl Into<Bytes>, kind: &'static str) -> Self {
        let body = body.into();
        let tag = HeaderValue::from_str(&format!("\"{}\"", Digest::of(&body))).ok();
        Self { body, kind, tag }
    }

    /// The page, or 304 for who has it.
    fn answer(&self, asked: &HeaderMap) -> Response {
        let known = asked.get(IF_NONE_MATCH).and_then(|tags| tags.to_str().ok()).is_some_and(|tags| {
            let mut tags = tags.split(',').map(|tag| tag.trim().trim_start_matches("W/"));
            tags.any(|tag| tag == "*" || self.tag.as_ref().is_some_and(|own| own == tag))
        });
        let mut response = if known {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            ([(CONTENT_TYPE, self.kind)], self.body.clone()).into_response()
        };
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
        headers.extend(self.tag.clone().map(|tag| (ETAG, tag)));
        response
    }
}

/// The OpenAPI document of the addresses that are served.
#[derive(Clone)]
pub struct Document(Arc<Page>);

impl Document {
    /// Completes what the handlers say of themselves.
    pub fn new(described: OpenApi) -> Self {
        // Its parts are all known types, which have a JSON form.
        let json = complete(described).to_pretty_json().unwrap_or_default();
        Self(Arc::new(Page::new(json, "application/json")))
    }
}

const HTML: &str = "text/html; charset=utf-8";
static DOCS: LazyLock<Page> = LazyLock::new(|| Page::new(include_str!("../../static/docs.html"), HTML));
static STATUS: LazyLock<Page> = LazyLock::new(|| Page::new(include_str!("../../static/status.html"), HTML));

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

/// The description as a page.
#[utoipa::path(
    get, path = "/docs", tag = "operations",
    responses(
        (status = 200, body = String, content_type = "text/html"),
        (status = 304, description = "It is the one of `If-None-Match`"),
    )
)]
pub async fn page(headers: HeaderMap) -> Response {
    DOCS.answer(&headers)
}

/// The state of the grid as a page.
#[utoipa::path(
    get, path = "/", tag = "operations",
    responses(
        (status = 200, body = String, content_type = "text/html"),
        (status = 304, description = "It is the one of `If-None-Match`"),
    )
)]
pub async fn status(headers: HeaderMap) -> Response {
    STATUS.answer(&headers)
}
