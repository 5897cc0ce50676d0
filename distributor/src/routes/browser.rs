//! Pages on which a browser donates and checks results, and what they need.

use super::extract::{At, AtBoth};
use super::files;
use crate::app::App;
use crate::blobs::Kind;
use crate::bundle;
use crate::error::{ApiError, ApiResult};
use axum::Json;
use axum::extract::State;
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH,
    REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use protocol::{Cause, Digest, IdError, ProofCheck};
use std::str::FromStr;

/// Scripts of ours alone, and WebAssembly; nothing from elsewhere, nothing inline.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; \
     style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A page of its own process may share memory with its workers, by which they are held back while they compute.
const ISOLATION: [(HeaderName, HeaderValue); 3] = [
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-embedder-policy"), HeaderValue::from_static("require-corp")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
];

const HTML: &str = "text/html; charset=utf-8";

/// Adds what holds for pages, scripts and workers alike.
fn guarded(mut response: Response, kind: &'static str) -> Response {
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.extend(ISOLATION);
    response
}

/// A page from its template. `root` is the way from the page to the distributor's own address, which may have a path.
fn page(template: &str, root: &str, sha256: &str) -> Response {
    let Some(digest) = bundle::digest() else {
        let page = include_str!("../../assets/no-browser.html").replace("{{root}}", root);
        return guarded(page.into_response(), HTML);
    };
    let files = format!("{root}web/{digest}");
    let page = template.replace("{{files}}", &files).replace("{{root}}", root).replace("{{sha256}}", sha256);
    let mut response = guarded(page.into_response(), HTML);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// A page that donates as long as it is open.
#[utoipa::path(
    get, path = "/donate", tag = "pages",
    responses(
        (status = 200, body = String, content_type = "text/html"),
    )
)]
pub async fn donate() -> Response {
    page(include_str!("../../assets/donate.html"), "./", "")
}

/// A page that verifies a proof in the visitor's browser.
#[utoipa::path(
    get, path = "/verify/{sha256}", tag = "pages",
    params(("sha256" = String, Path, description = "SHA-256 of the proof")),
    responses(
        (status = 200, body = String, content_type = "text/html"),
    )
)]
pub async fn verify(At(sha256): At<Digest>) -> Response {
    page(include_str!("../../assets/verify.html"), "../", &sha256.to_string())
}

/// What a file is asked for by; it is looked for among those that are there, and nowhere else.
pub struct FileName(String);

impl FromStr for FileName {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        Ok(Self(text.to_owned()))
    }
}

/// A file of these pages. Its address has the digest of all of them, so it may be kept for ever.
#[utoipa::path(
    get, path = "/web/{sha256}/{name}", tag = "pages",
    params(
        ("sha256" = String, Path, description = "SHA-256 of all files of the pages"),
        ("name" = String, Path, description = "The file"),
    ),
    responses(
        (status = 200, content(
            (String = "text/javascript"), (String = "text/css"), (Vec<u8> = "application/wasm"),
            (Vec<u8> = "application/octet-stream"),
        )),
        (status = 304, description = "It is the one of `If-None-Match`"),
        (status = 404, description = "`unknown_blob`"),
    )
)]
pub async fn file(AtBoth(sha256, FileName(name)): AtBoth<Digest, FileName>, asked: HeaderMap) -> ApiResult<Response> {
    let known = bundle::digest().is_some_and(|digest| digest == sha256.to_string());
    let file = bundle::file(&name).filter(|_| known).ok_or_else(|| {
        let detail = "there is no such file of the pages for browsers; they may have been updated: load the page again";
        ApiError::new(Cause::UnknownBlob, detail)
    })?;
    let header = |name: HeaderName| asked.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (bytes, coding) = file.coded(|coding| accepts(header(ACCEPT_ENCODING), coding));
    // A tag is that of one form.
    let tag = format!("\"{sha256}-{}\"", coding.unwrap_or("plain"));
    let mut response = if header(IF_NONE_MATCH).split(',').any(|known| known.trim() == tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        bytes.into_response()
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert(ETAG, HeaderValue::from_str(&tag).map_err(ApiError::internal)?);
    headers.extend(coding.map(|coding| (CONTENT_ENCODING, HeaderValue::from_static(coding))));
    Ok(guarded(response, file.media_type()))
}

/// Whether a header names a coding, and not as one that is unwanted.
fn accepts(header: &str, coding: &str) -> bool {
    header.split(',').any(|offer| {
        let mut parts = offer.split(';').map(str::trim);
        let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(coding));
        let unwanted = |weight: &str| weight.parse::<f32>().is_ok_and(|weight| weight <= 0.0);
        named && !parts.filter_map(|part| part.strip_prefix("q=")).any(unwanted)
    })
}

/// What is needed to check a proof. Who knows its SHA-256 may do that, as who was handed the file itself.
#[utoipa::path(
    get, path = "/v1/checks/{sha256}", tag = "results",
    params(("sha256" = String, Path, description = "SHA-256 of the proof")),
    responses(
        (status = 200, body = ProofCheck),
        (status = 404, description = "`unknown_blob`"),
    )
)]
pub async fn check(State(app): State<App>, At(sha256): At<Digest>) -> ApiResult<Json<ProofCheck>> {
    let missing = || ApiError::new(Cause::UnknownBlob, format!("there is no proof with the SHA-256 {sha256}"));
    let name = app.store.projects_of_proof(&sha256).await?.into_iter().next().ok_or_else(missing)?;
    let proof = app.store.proof_runs(&name, &sha256).await?.ok_or_else(missing)?;
    let project = app.store.project(&name, app.now()).await?.ok_or_else(missing)?;
    Ok(Json(ProofCheck { project: name, spec: project.spec, proof }))
}

/// The proof, for whoever checks it.
#[utoipa::path(
    get, path = "/v1/checks/{sha256}/proof", tag = "results",
    params(("sha256" = String, Path, description = "SHA-256 of the proof")),
    responses(
        (status = 200, body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 404, description = "`unknown_blob`"),
    )
)]
pub async fn checked_proof(State(app): State<App>, At(sha256): At<Digest>) -> ApiResult<Response> {
    if app.store.projects_of_proof(&sha256).await?.is_empty() {
        return Err(files::missing(Kind::Proof, &sha256));
    }
    files::send(&app, Kind::Proof, &sha256).await
}

#[cfg(test)]
mod tests {
    use super::accepts;

    #[test]
    fn codings_are_accepted_as_the_header_says() {
        for header in ["br", "gzip, deflate, br", "gzip;q=0.8, BR", "br;q=1.0", "br; q=0.001"] {
            assert!(accepts(header, "br"), "{header}");
        }
        for header in ["", "gzip", "brotli", "br;q=0", "br; q=0.0, gzip", "identity"] {
            assert!(!accepts(header, "br"), "{header}");
        }
    }
}
