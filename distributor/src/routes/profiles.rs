//! What donors and owners say of themselves on the site.

use super::extract::At;
use crate::app::App;
use crate::auth::{Scope, Signed, Uploader};
use crate::error::{ApiError, ApiResult};
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use protocol::{Cause, DonorProfile, ProjectName, ProjectPage};

/// Largest body of a project's page.
const MOST_PAGE: u64 = 1 << 18;

/// What the donor that signs says of itself.
#[utoipa::path(
    get, path = "/v1/donors/me/profile", tag = "donors", security(("donor" = [])),
    responses((status = 200, body = DonorProfile))
)]
pub async fn get(State(app): State<App>, signed: Signed) -> ApiResult<Json<DonorProfile>> {
    Ok(Json(app.store.profile(&signed.donor).await?))
}

/// Sets nickname and team of the donor that signs. What is not given is taken back.
#[utoipa::path(
    put, path = "/v1/donors/me/profile", tag = "donors", security(("donor" = [])), request_body = DonorProfile,
    responses((status = 200, body = DonorProfile))
)]
pub async fn put(State(app): State<App>, signed: Signed, body: Body) -> ApiResult<Json<DonorProfile>> {
    let profile: DonorProfile = signed.json(&app, body).await?;
    app.store.set_profile(&signed.donor, &profile, app.now()).await?;
    Ok(Json(profile))
}

/// What the owner of a project tells visitors of the site.
#[utoipa::path(
    get, path = "/v1/projects/{name}/page", tag = "projects",
    params(("name" = String, Path, description = "The project")),
    responses(
        (status = 200, body = ProjectPage),
        (status = 404, description = "`unknown_project`"),
    )
)]
pub async fn page(State(app): State<App>, At(name): At<ProjectName>) -> ApiResult<Json<ProjectPage>> {
    Ok(Json(app.store.page(&name).await?.ok_or_else(|| ApiError::unknown_project(&name))?))
}

/// Changes what visitors of the site are told of a project, and whether they may see results and proofs. What is not
/// given is taken back.
#[utoipa::path(
    put, path = "/v1/projects/{name}/page", tag = "projects", security(("uploader" = ["push"])),
    params(("name" = String, Path, description = "The project")), request_body = ProjectPage,
    responses(
        (status = 200, body = ProjectPage),
        (status = 403, description = "`not_owner`"),
        (status = 404, description = "`unknown_project`"),
    )
)]
pub async fn put_page(
    State(app): State<App>,
    At(name): At<ProjectName>,
    uploader: Uploader,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Json<ProjectPage>> {
    uploader.may(Scope::Push, &name)?;
    let page: ProjectPage = uploader.reader(&app, body, &headers, MOST_PAGE)?.json(None).await?;
    page.check().map_err(|error| ApiError::new(Cause::BadRequest, error.to_string()))?;
    uploader.owns(&app, &name).await?;
    if !app.store.put_page(&name, &page, app.now()).await? {
        return Err(ApiError::unknown_project(&name));
    }
    Ok(Json(page))
}
