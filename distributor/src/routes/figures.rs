//! The figures of the site as JSON, and as they change.

use super::extract::{Asked, At};
use super::pages::{board_span, unknown_donor, unknown_team};
use crate::app::App;
use crate::error::{ApiError, ApiResult};
use crate::limits::limited;
use crate::share::{Hold, Owner};
use crate::source::Source;
use crate::store::Subject;
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use protocol::{
    Board, BoardKind, Cause, DonorKey, DonorPage, Figures, ProjectFigures, ProjectName, Series, Span, TeamId, TeamPage,
    Timestamp,
};
use serde::Deserialize;
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::watch;
use utoipa::IntoParams;

/// Least time between two messages.
const GATHER: Duration = Duration::from_secs(1);

/// Silence after which a comment keeps the connection open.
const QUIET: Duration = Duration::from_secs(15);

/// Rows of a leaderboard at most, and if nothing is said.
const MOST_ROWS: u32 = 1000;
const ROWS: u32 = 100;

/// Donors of a project that are named.
const DONORS: u32 = 100;

/// What the whole grid has proven.
#[utoipa::path(get, path = "/v1/figures", tag = "figures", responses((status = 200, body = Figures)))]
pub async fn figures(State(app): State<App>) -> ApiResult<Json<Figures>> {
    Ok(Json(app.pulse.figures(app.now(), app.elapsed()).await?))
}

/// Over which time.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Over {
    /// `hour` (of the grid and of projects), `day`, which is the default, or `month` (of donors and teams).
    #[serde(default = "day")]
    #[param(value_type = Option<String>)]
    by: Span,
    /// Seconds since 1970 from which on; at most the newest 400 points come.
    #[serde(default)]
    from: u64,
}

const fn day() -> Span {
    Span::Day
}

async fn series(app: &App, subject: &Subject, over: &Over) -> ApiResult<Json<Series>> {
    let person = matches!(subject, Subject::Donor(_) | Subject::Team(_));
    if over.by == Span::Ever || over.by == if person { Span::Hour } else { Span::Month } {
        let spans = if person { "`day` or `month`" } else { "`hour` or `day`" };
        return Err(ApiError::new(Cause::BadRequest, format!("`by` is {spans} here, not `{}`", over.by)));
    }
    Ok(Json(app.store.series(subject, over.by, Timestamp(over.from)).await?))
}

/// What the whole grid has proven over time.
#[utoipa::path(get, path = "/v1/figures/series", tag = "figures", params(Over), responses((status = 200, body = Series)))]
pub async fn grid_series(State(app): State<App>, Asked(over): Asked<Over>) -> ApiResult<Json<Series>> {
    series(&app, &Subject::Grid, &over).await
}

/// What was proven of a project, and by whom most.
#[utoipa::path(
    get, path = "/v1/projects/{name}/figures", tag = "figures",
    params(("name" = String, Path, description = "The project")),
    responses(
        (status = 200, body = ProjectFigures),
        (status = 404, description = "`unknown_project`"),
    )
)]
pub async fn project(State(app): State<App>, At(name): At<ProjectName>) -> ApiResult<Json<ProjectFigures>> {
    app.store.project_owner(&name).await?.ok_or_else(|| ApiError::unknown_project(&name))?;
    Ok(Json(app.store.project_figures(&name, DONORS).await?))
}

/// What was proven of a project over time.
#[utoipa::path(
    get, path = "/v1/projects/{name}/series", tag = "figures",
    params(("name" = String, Path, description = "The project"), Over),
    responses(
        (status = 200, body = Series),
        (status = 404, description = "`unknown_project`"),
    )
)]
pub async fn project_series(
    State(app): State<App>,
    At(name): At<ProjectName>,
    Asked(over): Asked<Over>,
) -> ApiResult<Json<Series>> {
    app.store.project_owner(&name).await?.ok_or_else(|| ApiError::unknown_project(&name))?;
    series(&app, &Subject::Project(name), &over).await
}

/// What a donor has proven, and how it calls itself.
#[utoipa::path(
    get, path = "/v1/donors/{key}", tag = "figures",
    params(("key" = String, Path, description = "The donor's key")),
    responses(
        (status = 200, body = DonorPage),
        (status = 404, description = "`unknown_donor`"),
    )
)]
pub async fn donor(State(app): State<App>, At(key): At<DonorKey>) -> ApiResult<Json<DonorPage>> {
    Ok(Json(app.store.donor_page(&key).await?.ok_or_else(|| unknown_donor(&key))?))
}

/// What a donor has proven over time.
#[utoipa::path(
    get, path = "/v1/donors/{key}/series", tag = "figures",
    params(("key" = String, Path, description = "The donor's key"), Over),
    responses((status = 200, body = Series))
)]
pub async fn donor_series(
    State(app): State<App>,
    At(key): At<DonorKey>,
    Asked(over): Asked<Over>,
) -> ApiResult<Json<Series>> {
    series(&app, &Subject::Donor(key), &over).await
}

/// What a team has proven, and by whom most.
#[utoipa::path(
    get, path = "/v1/teams/{team}", tag = "figures",
    params(("team" = String, Path, description = "The team's number")),
    responses(
        (status = 200, body = TeamPage),
        (status = 404, description = "`unknown_team`"),
    )
)]
pub async fn team(State(app): State<App>, At(id): At<TeamId>) -> ApiResult<Json<TeamPage>> {
    Ok(Json(app.store.team_page(id).await?.ok_or_else(|| unknown_team(id))?))
}

/// What a team has proven over time.
#[utoipa::path(
    get, path = "/v1/teams/{team}/series", tag = "figures",
    params(("team" = String, Path, description = "The team's number"), Over),
    responses((status = 200, body = Series))
)]
pub async fn team_series(
    State(app): State<App>,
    At(id): At<TeamId>,
    Asked(over): Asked<Over>,
) -> ApiResult<Json<Series>> {
    series(&app, &Subject::Team(id), &over).await
}

/// Which leaderboard.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Which {
    /// `donors`, which is the default, or `teams`.
    #[serde(default = "donors")]
    #[param(value_type = Option<String>)]
    of: BoardKind,
    /// `day`, `month` or `ever`, which is the default.
    #[serde(default = "ever")]
    #[param(value_type = Option<String>)]
    by: Span,
    /// Seconds since 1970: the day or month that this is in; now if not given.
    at: Option<u64>,
    /// Most rows, 1 to 1000.
    limit: Option<u32>,
}

const fn donors() -> BoardKind {
    BoardKind::Donors
}

const fn ever() -> Span {
    Span::Ever
}

/// Who proved most steps. Donors that the operator blocked are left out.
#[utoipa::path(get, path = "/v1/leaderboard", tag = "figures", params(Which), responses((status = 200, body = Board)))]
pub async fn leaderboard(State(app): State<App>, Asked(which): Asked<Which>) -> ApiResult<Json<Board>> {
    let limit = which.limit.unwrap_or(ROWS);
    if !(1..=MOST_ROWS).contains(&limit) {
        return Err(ApiError::new(Cause::BadRequest, format!("`limit` is 1 to {MOST_ROWS}, not {limit}")));
    }
    let at = which.at.map_or_else(|| app.now(), Timestamp);
    Ok(Json(app.store.board(which.of, board_span(which.by)?, at, limit).await?))
}

/// The grid's figures whenever they change, at most once a second.
#[utoipa::path(
    get, path = "/v1/figures/events", tag = "figures",
    responses((status = 200, body = Figures, content_type = "text/event-stream"))
)]
pub async fn live(State(app): State<App>, source: Source) -> ApiResult<Response> {
    let place = app.limits.watchers.take(Owner { key: None, source }, 1).map_err(|full| {
        limited(format!("too many streams of figures are open: {full}; close some, or ask for /v1/figures"), 60)
    })?;
    let watcher = Watcher { changes: app.changes(), app, first: true, _place: place };
    let messages = stream::unfold(watcher, |mut watcher| async move {
        let message = watcher.next().await?;
        Some((Ok::<_, Infallible>(message), watcher))
    });
    let mut response = Body::from_stream(messages).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // A proxy that gathers events keeps them back.
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(response)
}

/// Somebody who looks at the grid's figures.
struct Watcher {
    app: App,
    changes: watch::Receiver<u64>,
    first: bool,
    _place: Hold,
}

impl Watcher {
    async fn next(&mut self) -> Option<Bytes> {
        if !std::mem::replace(&mut self.first, false) {
            tokio::select! {
                () = self.app.stopping.cancelled() => return None,
                changed = self.changes.changed() => changed.ok()?,
                () = tokio::time::sleep(QUIET) => return Some(Bytes::from_static(b": still here\n\n")),
            }
            tokio::select! {
                () = self.app.stopping.cancelled() => return None,
                () = tokio::time::sleep(GATHER) => {}
            }
        }
        self.changes.mark_unchanged();
        // If it fails, the visitor's browser comes back.
        let figures = self.app.pulse.figures(self.app.now(), self.app.elapsed()).await.ok()?;
        let data = serde_json::to_string(&figures).ok()?;
        Some(format!("event: figures\ndata: {data}\n\n").into())
    }
}
