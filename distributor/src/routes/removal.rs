//! Deleting projects.

use super::extract::{Asked, At};
use crate::app::App;
use crate::auth::{Scope, Uploader};
use crate::error::{ApiError, ApiResult};
use crate::store::RemoveProject;
use crate::upkeep;
use axum::Json;
use axum::extract::State;
use protocol::{Cause, Changed, ProjectName};
use serde::Deserialize;
use utoipa::IntoParams;

/// How a project is deleted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RemovalQuery {
    /// Also while units are lent or results were not collected.
    #[serde(default)]
    force: bool,
}

/// Deletes a withdrawn project for good, with its units, results and proofs. Its name is free when all is deleted, which takes a
/// moment if it was large; what donors proved for it stays to their credit.
#[utoipa::path(
    delete, path = "/v1/projects/{name}", tag = "projects", security(("uploader" = ["withdraw"])),
    params(("name" = String, Path, description = "The project"), RemovalQuery),
    responses(
        (status = 200, body = Changed),
        (status = 403, description = "`not_owner`"),
        (status = 404, description = "`unknown_project`"),
        (status = 409, description = "`project_state`"),
    )
)]
pub async fn delete(
    State(app): State<App>,
    At(name): At<ProjectName>,
    Asked(query): Asked<RemovalQuery>,
    uploader: Uploader,
) -> ApiResult<Json<Changed>> {
    uploader.may(Scope::Withdraw, &name)?;
    uploader.owns(&app, &name).await?;
    let not_yet = |why: String| Err(ApiError::new(Cause::ProjectState, format!("nothing was deleted: {why}")));
    let units = match app.store.remove_project(&name, query.force, app.now()).await? {
        RemoveProject::Begun(units) => units,
        RemoveProject::Unknown => return Err(ApiError::unknown_project(&name)),
        RemoveProject::Active => {
            return not_yet(format!("the project `{name}` is not withdrawn; withdraw it first"));
        }
        RemoveProject::Lent(units) => {
            return not_yet(format!(
                "donors hold leases of {units} units of `{name}`; they end within minutes, or force it"
            ));
        }
        RemoveProject::Uncollected(units) => {
            return not_yet(format!("{units} results of `{name}` were not collected; collect them, or force it"));
        }
    };
    tracing::info!(project = %name, key = %uploader.id(), units, force = query.force, "project deleted");
    let rest = app.clone();
    app.begin(async move {
        upkeep::remove(&rest).await;
        upkeep::collect(&rest).await;
    });
    Ok(Json(Changed { units }))
}
