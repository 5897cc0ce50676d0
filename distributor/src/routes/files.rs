//! Programs, records, proofs, executions: files under their digests.

use super::extract::At;
use crate::app::App;
use crate::auth::{Scope, Signed, Uploader, missing_key};
use crate::blobs::{BlobError, Kind};
use crate::error::{ApiError, ApiResult};
use crate::store::BlobRef;
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use protocol::{BlobStored, Cause, Digest, HEADER_CONTENT, MAX_PROGRAM_BYTES, MAX_RECORD_BYTES, decode_program};
use std::io::Read as _;
use tokio_util::io::ReaderStream;

/// Uploads a compiled program. The distributor does not read it: donors run it, and compare it with its record.
#[utoipa::path(
    put, path = "/v1/programs/{sha256}", tag = "files", security(("uploader" = ["push"])),
    params(("sha256" = String, Path, description = "SHA-256 of the file")),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses(
        (status = 201, body = BlobStored, description = "Stored"),
        (status = 200, body = BlobStored, description = "Was there"),
        (status = 403, description = "`quota_exceeded`"),
    )
)]
pub async fn put_program(
    State(app): State<App>,
    At(sha256): At<Digest>,
    uploader: Uploader,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<(StatusCode, Json<BlobStored>)> {
    put(&app, Kind::Program, sha256, &uploader, &headers, body).await
}

/// Uploads a program's record: what proofs are verified against.
#[utoipa::path(
    put, path = "/v1/records/{sha256}", tag = "files", security(("uploader" = ["push"])),
    params(("sha256" = String, Path, description = "SHA-256 of the record")),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses(
        (status = 201, body = BlobStored, description = "Stored"),
        (status = 200, body = BlobStored, description = "Was there"),
        (status = 403, description = "`quota_exceeded`"),
        (status = 422, description = "`bad_record`"),
    )
)]
pub async fn put_record(
    State(app): State<App>,
    At(sha256): At<Digest>,
    uploader: Uploader,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<(StatusCode, Json<BlobStored>)> {
    put(&app, Kind::Record, sha256, &uploader, &headers, body).await
}

async fn put(
    app: &App,
    kind: Kind,
    sha256: Digest,
    uploader: &Uploader,
    headers: &HeaderMap,
    body: Body,
) -> ApiResult<(StatusCode, Json<BlobStored>)> {
    uploader.may_somewhere(Scope::Push)?;
    let limit = if kind == Kind::Record { MAX_RECORD_BYTES } else { MAX_PROGRAM_BYTES };
    let spooled = uploader.reader(app, body, headers, limit as u64)?.spool(&sha256).await?;
    if kind == Kind::Record {
        let mut file = spooled.file.reopen().map_err(BlobError::from)?;
        let check = move || {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).map(|_| decode_program(&bytes))
        };
        let checked = tokio::task::spawn_blocking(check).await.map_err(ApiError::internal)?;
        if let Err(error) = checked.map_err(BlobError::from)? {
            return Err(ApiError::new(Cause::BadRecord, error.to_string()));
        }
    }
    let size = spooled.size;
    let file = BlobRef { kind, sha256 };
    if let Some(over) = app.store.note_upload(&file, size, &uploader.pusher(&app.settings), app.now()).await? {
        return Err(uploader.over_quota(&over));
    }
    let created = app.blobs.put(kind, spooled).await?;
    let status = if created { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(BlobStored { sha256, size, created })))
}

/// Sends a file. It never changes, so whoever has it may keep it.
pub(super) async fn send(app: &App, kind: Kind, sha256: &Digest) -> ApiResult<Response> {
    let opened = app.blobs.open(kind, sha256).await?.ok_or_else(|| missing(kind, sha256))?;
    let mut response = Body::from_stream(ReaderStream::with_capacity(opened.bytes, 64 << 10)).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(opened.size));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    let text = |text: String| HeaderValue::from_str(&text).map_err(ApiError::internal);
    headers.insert(ETAG, text(format!("\"{sha256}\""))?);
    headers.insert(HEADER_CONTENT, text(sha256.to_string())?);
    Ok(response)
}

pub(super) fn missing(kind: Kind, sha256: &Digest) -> ApiError {
    ApiError::new(Cause::UnknownBlob, format!("there is no {kind} with the SHA-256 {sha256}"))
}

/// A compiled program.
#[utoipa::path(
    get, path = "/v1/programs/{sha256}", tag = "files",
    params(("sha256" = String, Path, description = "SHA-256 of the file")),
    responses(
        (status = 200, body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 404, description = "`unknown_blob`"),
    )
)]
pub async fn get_program(State(app): State<App>, At(sha256): At<Digest>) -> ApiResult<Response> {
    send(&app, Kind::Program, &sha256).await
}

/// A program's record.
#[utoipa::path(
    get, path = "/v1/records/{sha256}", tag = "files",
    params(("sha256" = String, Path, description = "SHA-256 of the record")),
    responses(
        (status = 200, body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 404, description = "`unknown_blob`"),
    )
)]
pub async fn get_record(State(app): State<App>, At(sha256): At<Digest>) -> ApiResult<Response> {
    send(&app, Kind::Record, &sha256).await
}

/// A proof. Without a key if it is of a project whose results are open.
#[utoipa::path(
    get, path = "/v1/proofs/{sha256}", tag = "files", security(("uploader" = ["read"])),
    params(("sha256" = String, Path, description = "SHA-256 of the proof")),
    responses(
        (status = 200, body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 404, description = "`unknown_blob`"),
    )
)]
pub async fn get_proof(
    State(app): State<App>,
    At(sha256): At<Digest>,
    uploader: Option<Uploader>,
) -> ApiResult<Response> {
    let projects = app.store.projects_of_proof(&sha256).await?;
    let Some(uploader) = uploader else {
        for project in &projects {
            if app.store.page(project).await?.is_some_and(|page| page.open_results) {
                return send(&app, Kind::Proof, &sha256).await;
            }
        }
        // Whether there is such a proof is nobody's business without a key.
        return Err(missing_key());
    };
    uploader.may_somewhere(Scope::Read)?;
    if !projects.iter().any(|project| uploader.reaches(project)) {
        return Err(missing(Kind::Proof, &sha256));
    }
    send(&app, Kind::Proof, &sha256).await
}

/// An execution that waits for its proof.
#[utoipa::path(
    get, path = "/v1/executions/{sha256}", tag = "files", security(("donor" = [])),
    params(("sha256" = String, Path, description = "SHA-256 of the execution")),
    responses(
        (status = 200, body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 404, description = "`unknown_blob`"),
    )
)]
pub async fn get_execution(State(app): State<App>, At(sha256): At<Digest>, _: Signed) -> ApiResult<Response> {
    send(&app, Kind::Execution, &sha256).await
}
