//! `/v1/projects/{name}/results`.

use super::extract::{Asked, At, AtBoth, page_length};
use crate::app::App;
use crate::auth::{Scope, Uploader, may_read};
use crate::error::{ApiError, ApiResult};
use crate::upkeep;
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use protocol::{Cause, Changed, Collected, Digest, ProjectName, ProofRuns, ResultPage};
use serde::Deserialize;
use utoipa::IntoParams;

/// Results of a page without a key: each may be long.
const MOST_FOR_ANYBODY: u32 = 100;

/// Which results.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ResultQuery {
    /// `next` of the page before; 0 for the beginning.
    cursor: Option<u64>,
    /// Most results of the page, 1 to 1000.
    limit: Option<u32>,
}

/// Proved units in the order of their proofs. The order never changes, so a cursor stays valid. Without a key if the project's
/// results are open.
#[utoipa::path(
    get, path = "/v1/projects/{name}/results", tag = "results", security(("uploader" = ["read"])),
    params(("name" = String, Path, description = "The project"), ResultQuery),
    responses(
        (status = 200, body = ResultPage),
        (status = 404, description = "`unknown_project`"),
    )
)]
pub async fn list(
    State(app): State<App>,
    At(name): At<ProjectName>,
    Asked(query): Asked<ResultQuery>,
    uploader: Option<Uploader>,
) -> ApiResult<Json<ResultPage>> {
    may_read(&app, uploader.as_ref(), &name).await?;
    let mut limit = page_length(query.limit)?;
    if uploader.is_none() {
        limit = limit.min(MOST_FOR_ANYBODY);
    }
    app.store.project_owner(&name).await?.ok_or_else(|| ApiError::unknown_project(&name))?;
    Ok(Json(app.store.results(&name, query.cursor.unwrap_or(0), limit).await?))
}

/// Of which runs a proof is. It can be verified only with the arguments of all of them. Without a key if the project's results are open.
#[utoipa::path(
    get, path = "/v1/projects/{name}/proofs/{sha256}", tag = "results", security(("uploader" = ["read"])),
    params(
        ("name" = String, Path, description = "The project"),
        ("sha256" = String, Path, description = "SHA-256 of the proof"),
    ),
    responses(
        (status = 200, body = ProofRuns),
        (status = 404, description = "`unknown_blob`, `unknown_project`"),
    )
)]
pub async fn runs(
    State(app): State<App>,
    AtBoth(name, sha256): AtBoth<ProjectName, Digest>,
    uploader: Option<Uploader>,
) -> ApiResult<Json<ProofRuns>> {
    may_read(&app, uploader.as_ref(), &name).await?;
    let missing = || {
        let detail = format!("there is no proof with the SHA-256 {sha256} of the project `{name}`");
        ApiError::new(Cause::UnknownBlob, detail)
    };
    Ok(Json(app.store.proof_runs(&name, &sha256).await?.ok_or_else(missing)?))
}

/// Says that the uploader has all results up to a cursor. Proofs all of whose results are collected may be let go, as the project's
/// `keep_proofs` says; where a sample stays, the root of the manifest draws it.
#[utoipa::path(
    post, path = "/v1/projects/{name}/collected", tag = "results", security(("uploader" = ["read"])),
    params(("name" = String, Path, description = "The project")), request_body = Collected,
    responses(
        (status = 200, body = Changed),
        (status = 403, description = "`not_owner`"),
        (status = 404, description = "`unknown_project`"),
    )
)]
pub async fn collected(
    State(app): State<App>,
    At(name): At<ProjectName>,
    uploader: Uploader,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Json<Changed>> {
    uploader.may(Scope::Read, &name)?;
    let Collected { cursor, root } = uploader.reader(&app, body, &headers, 1 << 16)?.json(None).await?;
    uploader.owns(&app, &name).await?;
    // It goes on if it takes longer than an answer may.
    let rest = app.clone();
    let work = app.begin(async move { upkeep::mark_collected(&rest, &name, cursor, root.as_ref()).await });
    let units = work.await.map_err(ApiError::internal)??;
    Ok(Json(Changed { units }))
}
