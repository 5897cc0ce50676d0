//! How pages and their parts are sent.

use super::frame::{Frame, page};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use maud::Markup;
use protocol::Digest;

/// What a page may do: load its own files, and ask this distributor. No script or style within a page runs.
pub const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";

/// Headers of everything that browsers show.
pub fn protect(headers: &mut HeaderMap) {
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// A page as it is now.
pub fn html(frame: &Frame<'_>, main: &Markup) -> Response {
    with_status(StatusCode::OK, frame, main)
}

/// The same with another status.
pub fn with_status(status: StatusCode, frame: &Frame<'_>, main: &Markup) -> Response {
    let mut response = (status, [(CONTENT_TYPE, HTML)], page(frame, main).0).into_response();
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    protect(headers);
    response
}

/// Something that is made once and stays as it is.
pub struct Fixed {
    body: Bytes,
    kind: &'static str,
    /// In quotes, as it travels.
    tag: Option<HeaderValue>,
}

impl Fixed {
    /// Of this kind.
    pub fn new(body: impl Into<Bytes>, kind: &'static str) -> Self {
        let body = body.into();
        let tag = HeaderValue::from_str(&format!("\"{}\"", Digest::of(&body))).ok();
        Self { body, kind, tag }
    }

    /// A page that never changes.
    pub fn page(frame: &Frame<'_>, main: &Markup) -> Self {
        Self::new(page(frame, main).0, HTML)
    }

    /// It, or 304 for who has it.
    pub fn answer(&self, asked: &HeaderMap) -> Response {
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
        protect(headers);
        headers.extend(self.tag.clone().map(|tag| (ETAG, tag)));
        response
    }
}
