//! Health and figures.

use crate::app::App;
use crate::error::ApiResult;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use protocol::MAX_PAGE;

/// Whether the process runs.
#[utoipa::path(get, path = "/healthz", tag = "operations", responses((status = 200, body = String, content_type = "text/plain")))]
pub async fn healthz() -> &'static str {
    "ok\n"
}

/// Whether requests can be served: the database answers, files can be written, and the distributor is not stopping.
#[utoipa::path(
    get, path = "/readyz", tag = "operations",
    responses(
        (status = 200, body = String, content_type = "text/plain"),
        (status = 503, description = "`shutting_down`"),
        (status = 507, description = "`storage_full`"),
    )
)]
pub async fn readyz(State(app): State<App>) -> ApiResult<&'static str> {
    app.check_running()?;
    app.store.ping().await?;
    app.blobs.ping().await?;
    Ok("ready\n")
}

/// Figures for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "operations", responses((status = 200, body = String, content_type = "application/openmetrics-text")))]
pub async fn metrics(State(app): State<App>) -> ApiResult<impl IntoResponse> {
    // One page: figures for each of very many projects are of no use to anybody.
    let list = app.store.active_projects(None, MAX_PAGE, app.now()).await?;
    app.metrics.set_levels(&list.projects, app.proofs.load() + app.executions.load());
    let media = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(CONTENT_TYPE, media)], app.metrics.encode()))
}
