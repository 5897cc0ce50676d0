//! `/v1/projects`.

use super::extract::{Asked, At, page_length};
use crate::app::App;
use crate::auth::{Scope, Uploader};
use crate::blobs::Kind;
use crate::error::{ApiError, ApiResult};
use crate::store::PutProject;
use crate::upkeep;
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use protocol::signing::verify_program;
use protocol::{Cause, Changed, MAX_PAGE, Project, ProjectList, ProjectName, ProjectSpec, ProjectStored, program_hash};
use serde::Deserialize;
use utoipa::IntoParams;

/// Which projects.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ProjectQuery {
    /// `next` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<ProjectName>,
    /// Most projects of the page, 1 to 1000, which is the default.
    limit: Option<u32>,
    /// Whether those that were withdrawn are among them.
    #[serde(default)]
    withdrawn: bool,
}

/// The projects by name, with the numbers of their units, without those that were withdrawn unless they are asked for.
#[utoipa::path(get, path = "/v1/projects", tag = "projects", params(ProjectQuery), responses((status = 200, body = ProjectList)))]
pub async fn list(State(app): State<App>, Asked(query): Asked<ProjectQuery>) -> ApiResult<Json<ProjectList>> {
    let limit = page_length(query.limit.or(Some(MAX_PAGE)))?;
    let (after, now) = (query.cursor.as_ref(), app.now());
    Ok(Json(match query.withdrawn {
        true => app.store.projects(after, limit, now).await?,
        false => app.store.active_projects(after, limit, now).await?,
    }))
}

/// One project.
#[utoipa::path(
    get, path = "/v1/projects/{name}", tag = "projects",
    params(("name" = String, Path, description = "The project")),
    responses(
        (status = 200, body = Project),
        (status = 404, description = "`unknown_project`"),
    )
)]
pub async fn get(State(app): State<App>, At(name): At<ProjectName>) -> ApiResult<Json<Project>> {
    Ok(Json(app.store.project(&name, app.now()).await?.ok_or_else(|| ApiError::unknown_project(&name))?))
}

/// Makes a project, or changes limits, description and weight of one. The same again changes nothing. Program file and record
/// must have been uploaded before.
#[utoipa::path(
    put, path = "/v1/projects/{name}", tag = "projects", security(("uploader" = ["push"])),
    params(("name" = String, Path, description = "The project")), request_body = ProjectSpec,
    responses(
        (status = 201, body = ProjectStored, description = "Made"),
        (status = 200, body = ProjectStored, description = "Was there, maybe changed"),
        (status = 403, description = "`not_owner`, `quota_exceeded`"),
        (status = 409, description = "`project_taken`, `program_missing`, `project_withdrawn`"),
        (status = 422, description = "`bad_record`, `bad_program_signature`"),
    )
)]
pub async fn put(
    State(app): State<App>,
    At(name): At<ProjectName>,
    uploader: Uploader,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<(StatusCode, Json<ProjectStored>)> {
    uploader.may(Scope::Push, &name)?;
    let limit = app.settings.max_json_bytes.min(1 << 20);
    let spec: ProjectSpec = uploader.reader(&app, body, &headers, limit)?.json(None).await?;
    // Nobody takes the files away between the check and the project that refers to them.
    let _shared = app.files.read().await;
    check(&app, &name, &spec).await?;
    match app.store.put_project(&name, &spec, &uploader.pusher(&app.settings), app.now()).await? {
        PutProject::Created(project) => {
            tracing::info!(project = %name, key = %uploader.id(), "project made");
            Ok((StatusCode::CREATED, Json(ProjectStored { created: true, changed: Vec::new(), project })))
        }
        PutProject::Updated(project, changed) => {
            Ok((StatusCode::OK, Json(ProjectStored { created: false, changed, project })))
        }
        PutProject::Taken(reason) => {
            let detail = format!("there is a project `{name}` already, and {reason}; choose another name");
            Err(ApiError::new(Cause::ProjectTaken, detail))
        }
        PutProject::NotOwner => Err(uploader.not_owner(&name)),
        PutProject::OverQuota(over) => Err(uploader.over_quota(&over)),
        PutProject::Withdrawn => Err(withdrawn(&name)),
    }
}

/// The project was withdrawn.
pub fn withdrawn(name: &ProjectName) -> ApiError {
    ApiError::new(Cause::ProjectWithdrawn, format!("the project `{name}` was withdrawn for good; choose another name"))
}

/// Checks everything that a project's declaration says about its program.
async fn check(app: &App, name: &ProjectName, spec: &ProjectSpec) -> ApiResult<()> {
    spec.check().map_err(|error| ApiError::new(Cause::BadRequest, error.to_string()))?;
    for (kind, sha256) in [(Kind::Program, &spec.program), (Kind::Record, &spec.record)] {
        if app.blobs.open(kind, sha256).await?.is_none() {
            let detail = format!("the {kind} {sha256} was not uploaded; upload it before the project");
            return Err(ApiError::new(Cause::ProgramMissing, detail));
        }
    }
    let found = program_hash(&*app.program(&spec.record).await?);
    if found != spec.program_hash {
        let detail = format!("the record {} is of the program {found}, not of {}", spec.record, spec.program_hash);
        return Err(ApiError::new(Cause::BadRecord, detail));
    }
    verify_program(&spec.signer, &spec.offer(name), &spec.signature).map_err(|error| {
        let detail = format!(
            "the signature of program and settings by {} is refused: {error}; a newer uploader may be needed",
            spec.signer
        );
        ApiError::new(Cause::BadProgramSignature, detail)
    })
}

/// Withdraws a project for good, and all its units that are not proved: no unit is lent and nothing taken any more as of the
/// answer, while the units of a large project become `withdrawn` one after the other.
#[utoipa::path(
    post, path = "/v1/projects/{name}/withdraw", tag = "projects", security(("uploader" = ["withdraw"])),
    params(("name" = String, Path, description = "The project")),
    responses(
        (status = 200, body = Changed),
        (status = 403, description = "`not_owner`"),
        (status = 404, description = "`unknown_project`"),
    )
)]
pub async fn withdraw(
    State(app): State<App>,
    At(name): At<ProjectName>,
    uploader: Uploader,
) -> ApiResult<Json<Changed>> {
    uploader.may(Scope::Withdraw, &name)?;
    uploader.owns(&app, &name).await?;
    let units = app.store.withdraw_project(&name, app.now()).await?.ok_or_else(|| ApiError::unknown_project(&name))?;
    app.announce();
    let rest = app.clone();
    app.begin(async move {
        upkeep::withdraw(&rest).await;
        upkeep::collect(&rest).await;
    });
    Ok(Json(Changed { units }))
}
