//! Refusals for people who look at pages.

use super::answer::with_status;
use super::frame::{Frame, Root};
use crate::error::ApiError;
use axum::http::header::{ACCEPT, RETRY_AFTER};
use axum::http::{HeaderValue, Method, Request, StatusCode};
use axum::response::Response;
use maud::html;

/// Whether a request is a browser's for a page, and where; programs get problem documents.
pub fn of_page<B>(request: &Request<B>) -> Option<Root> {
    let path = request.uri().path();
    let browser = request.headers().get(ACCEPT).and_then(|kinds| kinds.to_str().ok());
    let browser = browser.is_some_and(|kinds| kinds.split(',').any(|kind| kind.trim().starts_with("text/html")));
    let page = browser && !path.starts_with("/v1/") && [Method::GET, Method::POST].contains(request.method());
    page.then(|| Root::of(path))
}

/// A refusal as a page.
pub fn page(refusal: &ApiError, root: Root, id: &str) -> Response {
    let problem = refusal.problem();
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let frame = Frame { root, title: &problem.title, section: "" };
    let main = html! {
        h1 { (problem.title) }
        p { (problem.detail) }
        p.note { "Number of this request: " code { (id) } }
        p { a href=(root) { "To the first page" } }
    };
    let mut response = with_status(status, &frame, &main);
    response.headers_mut().extend(problem.retry_after.map(|seconds| (RETRY_AFTER, HeaderValue::from(seconds))));
    response
}
