//! `/v1/projects/{name}/results`.

use super::extract::{Asked, At, page_length};
use crate::app::App;
use crate::auth::{Scope, Uploader};
use crate::error::{ApiError, ApiResult};
use crate::upkeep;
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use protocol::{Changed, Collected, ProjectName, ResultPage};
use serde::Deserialize;
use utoipa::IntoParams;

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

/// Proved units in the order of their proofs. The order never changes, so a cursor stays valid.
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
    uploader: Uploader,
) -> ApiResult<Json<ResultPage>> {
    uploader.may(Scope::Read, &name)?;
    let limit = page_length(query.limit)?;
    app.store.project_owner(&name).await?.ok_or_else(|| ApiError::unknown_project(&name))?;
    Ok(Json(app.store.results(&name, query.cursor.unwrap_or(0), limit).await?))
}

/// Says that the uploader has all results up to a cursor. It changes what is shown, nothing else.
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
    let Collected { cursor } = uploader.reader(&app, body, &headers, 1 << 16)?.json(None).await?;
    uploader.owns(&app, &name).await?;
    // It goes on if it takes longer than an answer may.
    let rest = app.clone();
    let work = app.tasks.spawn(async move { upkeep::mark_collected(&rest, &name, cursor).await });
    let units = work.await.map_err(ApiError::internal)??;
    Ok(Json(Changed { units }))
}
