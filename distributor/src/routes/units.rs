//! Units: `/v1/projects/{name}/units` and `/v1/units`.

use super::extract::{Asked, At, page_length};
use super::projects::withdrawn;
use crate::app::App;
use crate::auth::{Scope, Uploader};
use crate::error::{ApiError, ApiResult};
use crate::store::{AddUnits, DrawnUnit, UnitChange, UnitFilter};
use crate::upkeep;
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use protocol::{
    Cause, MAX_BATCH, MAX_UNIT_ARGUMENTS, NewUnit, NewUnits, ProjectName, StoredUnit, Unit, UnitDetail, UnitId,
    UnitPage, UnitState, UnitsStored,
};
use serde::Deserialize;
use std::collections::HashMap;
use utoipa::IntoParams;

/// Adds units, all or none. A unit whose external id is there with the same arguments is left as it is.
#[utoipa::path(
    post, path = "/v1/projects/{name}/units", tag = "units", security(("uploader" = ["push"])),
    params(("name" = String, Path, description = "The project")), request_body = NewUnits,
    responses(
        (status = 200, body = UnitsStored),
        (status = 403, description = "`not_owner`, `quota_exceeded`"),
        (status = 404, description = "`unknown_project`"),
        (status = 409, description = "`external_id_taken`, `project_withdrawn`"),
    )
)]
pub async fn add(
    State(app): State<App>,
    At(name): At<ProjectName>,
    uploader: Uploader,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Json<UnitsStored>> {
    uploader.may(Scope::Push, &name)?;
    let reader = uploader.reader(&app, body, &headers, app.settings.max_json_bytes)?;
    let NewUnits { units } = reader.json(None).await?;
    check(&units)?;
    let draw = |unit| Ok(DrawnUnit { id: UnitId::random()?, unit });
    let drawn = units.into_iter().map(draw).collect::<ApiResult<Vec<_>>>()?;
    let stored = match app.store.add_units(&name, &drawn, &uploader.pusher(&app.settings), app.now()).await? {
        AddUnits::Stored(stored) => stored,
        AddUnits::Taken(index) => return Err(taken(&drawn, index)),
        AddUnits::UnknownProject => return Err(ApiError::unknown_project(&name)),
        AddUnits::NotOwner => return Err(uploader.not_owner(&name)),
        AddUnits::OverQuota(over) => return Err(uploader.over_quota(&over)),
        AddUnits::Withdrawn => return Err(withdrawn(&name)),
    };
    app.announce();
    let units = drawn.into_iter().zip(stored);
    let units = units.map(|(drawn, (id, created))| StoredUnit { external_id: drawn.unit.external_id, id, created });
    Ok(Json(UnitsStored { units: units.collect() }))
}

fn taken(units: &[DrawnUnit], index: usize) -> ApiError {
    let id = units.get(index).map_or("", |drawn| drawn.unit.external_id.as_str());
    let detail = format!(
        "unit {index} of the batch has the external id `{id}`, which stands for other arguments in this project; \
         no unit of the batch was added"
    );
    ApiError::new(Cause::ExternalIdTaken, detail)
}

fn check(units: &[NewUnit]) -> ApiResult<()> {
    let bad = |detail: String| Err(ApiError::new(Cause::BadRequest, detail));
    if !(1..=MAX_BATCH).contains(&units.len()) {
        return bad(format!("a batch has 1 to {MAX_BATCH} units, this one has {}", units.len()));
    }
    let mut seen = HashMap::new();
    for (index, unit) in units.iter().enumerate() {
        let (id, arguments) = (&unit.external_id, unit.arguments.0.len());
        if let Some(first) = seen.insert(id, index) {
            return bad(format!("the units {first} and {index} of the batch have the same external id `{id}`"));
        }
        if arguments > MAX_UNIT_ARGUMENTS {
            return bad(format!("unit `{id}` has {arguments} arguments, the most are {MAX_UNIT_ARGUMENTS}"));
        }
        if !(1..=cairo_air::claim::MAX_STEPS).contains(&unit.estimated_steps) {
            return bad(format!("unit `{id}` has {} estimated steps; they are 1 to 2^40", unit.estimated_steps));
        }
    }
    Ok(())
}

/// Which units.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct UnitQuery {
    /// Only those of this state.
    state: Option<UnitState>,
    /// Only those of which donors reported failures that are not settled.
    #[serde(default)]
    suspect: bool,
    /// `next` of the page before.
    cursor: Option<u64>,
    /// Most units of the page, 1 to 1000.
    limit: Option<u32>,
}

/// Units in the order of their making. A page may have fewer units than asked for although `next` says that more come.
#[utoipa::path(
    get, path = "/v1/projects/{name}/units", tag = "units", security(("uploader" = ["read"])),
    params(("name" = String, Path, description = "The project"), UnitQuery),
    responses(
        (status = 200, body = UnitPage),
        (status = 404, description = "`unknown_project`"),
    )
)]
pub async fn list(
    State(app): State<App>,
    At(name): At<ProjectName>,
    Asked(query): Asked<UnitQuery>,
    uploader: Uploader,
) -> ApiResult<Json<UnitPage>> {
    uploader.may(Scope::Read, &name)?;
    let limit = page_length(query.limit)?;
    app.store.project_owner(&name).await?.ok_or_else(|| ApiError::unknown_project(&name))?;
    let filter = UnitFilter { state: query.state, suspect: query.suspect };
    Ok(Json(app.store.units(&name, &filter, query.cursor.unwrap_or(0), limit, app.now()).await?))
}

/// There is no such unit.
pub fn unknown(id: &UnitId) -> ApiError {
    ApiError::new(Cause::UnknownUnit, format!("there is no unit `{id}`"))
}

async fn load(app: &App, uploader: &Uploader, scope: Scope, id: &UnitId) -> ApiResult<UnitDetail> {
    let detail = app.store.unit(id, app.now()).await?.ok_or_else(|| unknown(id))?;
    uploader.may(scope, &detail.unit.project)?;
    if scope != Scope::Read {
        uploader.owns(app, &detail.unit.project).await?;
    }
    Ok(detail)
}

/// A unit with all attempts.
#[utoipa::path(
    get, path = "/v1/units/{id}", tag = "units", security(("uploader" = ["read"])),
    params(("id" = String, Path, description = "The unit")),
    responses(
        (status = 200, body = UnitDetail),
        (status = 404, description = "`unknown_unit`"),
    )
)]
pub async fn get(State(app): State<App>, At(id): At<UnitId>, uploader: Uploader) -> ApiResult<Json<UnitDetail>> {
    Ok(Json(load(&app, &uploader, Scope::Read, &id).await?))
}

/// Puts a unit that failed, is suspect or was withdrawn back into the queue: what was reported before counts no more.
#[utoipa::path(
    post, path = "/v1/units/{id}/retry", tag = "units", security(("uploader" = ["withdraw"])),
    params(("id" = String, Path, description = "The unit")),
    responses(
        (status = 200, body = Unit),
        (status = 403, description = "`not_owner`"),
        (status = 404, description = "`unknown_unit`"),
        (status = 409, description = "`unit_state`, `project_withdrawn`"),
    )
)]
pub async fn retry(State(app): State<App>, At(id): At<UnitId>, uploader: Uploader) -> ApiResult<Json<Unit>> {
    retried(&app, &uploader, &id).await.map(Json)
}

/// Puts a unit back into the queue.
///
/// # Errors
/// If the key may not, or the unit is not of a state that allows it.
pub async fn retried(app: &App, uploader: &Uploader, id: &UnitId) -> ApiResult<Unit> {
    load(app, uploader, Scope::Withdraw, id).await?;
    changed(app, id, app.store.retry_unit(id, app.now()).await?, "retried").await
}

/// Has a proved unit proven again, before all others; its result stays until then. For results whose proofs are not kept any more.
#[utoipa::path(
    post, path = "/v1/units/{id}/prove-again", tag = "units", security(("uploader" = ["withdraw"])),
    params(("id" = String, Path, description = "The unit")),
    responses(
        (status = 200, body = Unit),
        (status = 403, description = "`not_owner`"),
        (status = 404, description = "`unknown_unit`"),
        (status = 409, description = "`unit_state`, `project_withdrawn`"),
    )
)]
pub async fn prove_again(State(app): State<App>, At(id): At<UnitId>, uploader: Uploader) -> ApiResult<Json<Unit>> {
    load(&app, &uploader, Scope::Withdraw, &id).await?;
    changed(&app, &id, app.store.prove_again(&id, app.now()).await?, "proven again").await.map(Json)
}

/// Withdraws a unit that is not proved.
#[utoipa::path(
    post, path = "/v1/units/{id}/withdraw", tag = "units", security(("uploader" = ["withdraw"])),
    params(("id" = String, Path, description = "The unit")),
    responses(
        (status = 200, body = Unit),
        (status = 403, description = "`not_owner`"),
        (status = 404, description = "`unknown_unit`"),
        (status = 409, description = "`unit_state`"),
    )
)]
pub async fn withdraw(State(app): State<App>, At(id): At<UnitId>, uploader: Uploader) -> ApiResult<Json<Unit>> {
    withdrawn_unit(&app, &uploader, &id).await.map(Json)
}

/// Withdraws a unit.
///
/// # Errors
/// If the key may not, or the unit is not of a state that allows it.
pub async fn withdrawn_unit(app: &App, uploader: &Uploader, id: &UnitId) -> ApiResult<Unit> {
    load(app, uploader, Scope::Withdraw, id).await?;
    changed(app, id, app.store.withdraw_unit(id, app.now()).await?, "withdrawn").await
}

async fn changed(app: &App, id: &UnitId, change: UnitChange, what: &str) -> ApiResult<Unit> {
    match change {
        UnitChange::Done(unit) => {
            app.announce();
            upkeep::collect(app).await;
            Ok(unit)
        }
        UnitChange::Conflict(unit) => {
            let detail = format!("the unit `{}` is {}, so it cannot be {what}", unit.external_id, unit.state);
            Err(ApiError::new(Cause::UnitState, detail))
        }
        UnitChange::ProjectWithdrawn(name) => Err(withdrawn(&name)),
        UnitChange::Unknown => Err(unknown(id)),
    }
}
