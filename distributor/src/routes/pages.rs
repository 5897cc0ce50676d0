//! The pages of the site.

use super::extract::{Asked, At};
use crate::app::App;
use crate::bundle;
use crate::error::{ApiError, ApiResult};
use crate::site::answer::html;
use crate::site::{assets, board, donor, forecast, front, plot, project, projects, team};
use crate::store::{ProofsOf, Subject};
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::http::header::HOST;
use axum::response::{IntoResponse, Redirect, Response};
use protocol::{BoardKind, Cause, DonorKey, Nickname, ProjectName, Span, TeamId, Timestamp};
use serde::Deserialize;
use utoipa::IntoParams;

/// Seconds of a day.
const DAY: u64 = 24 * 3600;

/// Days and hours of which charts are drawn.
const CHART_DAYS: u64 = 60;
const CHART_HOURS: u64 = 14 * 24;

/// The first page.
#[utoipa::path(get, path = "/", tag = "site", responses((status = 200, body = String, content_type = "text/html")))]
pub async fn front(State(app): State<App>, headers: HeaderMap) -> ApiResult<Response> {
    let figures = app.pulse.figures(app.now(), app.elapsed()).await?;
    let days = app.store.series(&Subject::Grid, Span::Day, before(app.now(), CHART_DAYS * DAY)).await?;
    let cards = app.store.first_cards(front::CARDS).await?;
    let address = address(&app, &headers);
    let shown = front::Front { figures: &figures, days: &days, cards: &cards, web: web(), address: &address };
    Ok(html(&front::frame(), &front::page(&shown)))
}

/// Whether the pages that donate and verify within a browser are in this program.
const fn web() -> bool {
    bundle::digest().is_some()
}

const fn before(now: Timestamp, seconds: u64) -> Timestamp {
    Timestamp(now.0.saturating_sub(seconds))
}

/// The address by which the visitor came, as far as it can be told, for a command to copy.
fn address(app: &App, headers: &HeaderMap) -> String {
    let plain = |host: &&str| {
        (1..=255).contains(&host.len())
            && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte))
    };
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).filter(plain).unwrap_or("HOST");
    let secure = headers.get("x-forwarded-proto").is_some_and(|proto| proto == "https");
    format!("{}://{host}{}", if secure { "https" } else { "http" }, app.settings.path_prefix)
}

/// Which projects.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct After {
    /// The last project of the page before.
    #[param(value_type = Option<String>)]
    after: Option<ProjectName>,
}

/// All projects, some on each page.
#[utoipa::path(
    get, path = "/projects", tag = "site", params(After),
    responses((status = 200, body = String, content_type = "text/html"))
)]
pub async fn projects(State(app): State<App>, Asked(query): Asked<After>) -> ApiResult<Response> {
    // No name comes between one and the same with the lowest character behind it.
    let from = query.after.map_or_else(String::new, |after| format!("{after}-"));
    let (cards, more) = app.store.cards(&from, projects::CARDS).await?;
    Ok(html(&projects::frame(), &projects::page(&cards, more)))
}

/// A project's page.
#[utoipa::path(
    get, path = "/projects/{name}", tag = "site",
    params(("name" = String, Path, description = "The project")),
    responses(
        (status = 200, body = String, content_type = "text/html"),
        (status = 404, description = "`unknown_project`"),
    )
)]
pub async fn project(State(app): State<App>, At(name): At<ProjectName>) -> ApiResult<Response> {
    let now = app.now();
    let unknown = || ApiError::unknown_project(&name);
    let one = app.store.project(&name, now).await?.ok_or_else(unknown)?;
    let page = app.store.page(&name).await?.ok_or_else(unknown)?;
    let subject = Subject::Project(name.clone());
    let days = app.store.series(&subject, Span::Day, before(now, CHART_DAYS * DAY)).await?;
    let hours = app.store.series(&subject, Span::Hour, before(now, CHART_HOURS * 3600)).await?;
    let results = one.units.proved.saturating_add(one.units.collected);
    let plot = match &page.plot {
        Some(wanted) => {
            let read = app.plots.get(&name, wanted, results).await?;
            Some(plot::draw(wanted, &read.bins, read.read, results))
        }
        None => None,
    };
    let view = project::View {
        page: &page,
        figures: &app.store.project_figures(&name, project::ROWS).await?,
        series: [&days, &hours],
        forecast: forecast::forecast(&hours.points, one.units.open(), one.created_at, now),
        proofs: &app.store.proofs_of(&ProofsOf::Project(name.clone()), project::ROWS).await?,
        plot,
        web: web(),
        now,
        project: &one,
    };
    Ok(html(&project::frame(&one), &project::page(&view)))
}

/// Over how long.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct By {
    /// Over the present day or month, or since the beginning.
    #[serde(default = "ever")]
    #[param(value_type = Option<String>)]
    by: Span,
}

const fn ever() -> Span {
    Span::Ever
}

async fn board_of(app: &App, kind: BoardKind, by: Span) -> ApiResult<Response> {
    let board = app.store.board(kind, board_span(by)?, app.now(), board::ROWS).await?;
    Ok(html(&board::frame(kind), &board::page(&board)))
}

/// Leaderboards have no hours.
///
/// # Errors
/// If it is one.
pub fn board_span(by: Span) -> ApiResult<Span> {
    match by {
        Span::Hour => Err(ApiError::new(Cause::BadRequest, "leaderboards are by `day`, by `month` or of `ever`")),
        span => Ok(span),
    }
}

/// The donors that proved most.
#[utoipa::path(
    get, path = "/leaderboard", tag = "site", params(By),
    responses((status = 200, body = String, content_type = "text/html"))
)]
pub async fn leaderboard(State(app): State<App>, Asked(query): Asked<By>) -> ApiResult<Response> {
    board_of(&app, BoardKind::Donors, query.by).await
}

/// The teams that proved most.
#[utoipa::path(
    get, path = "/teams", tag = "site", params(By),
    responses((status = 200, body = String, content_type = "text/html"))
)]
pub async fn teams(State(app): State<App>, Asked(query): Asked<By>) -> ApiResult<Response> {
    board_of(&app, BoardKind::Teams, query.by).await
}

/// A team's page.
#[utoipa::path(
    get, path = "/teams/{team}", tag = "site",
    params(("team" = String, Path, description = "The team's number")),
    responses(
        (status = 200, body = String, content_type = "text/html"),
        (status = 404, description = "`unknown_team`"),
    )
)]
pub async fn team(State(app): State<App>, At(id): At<TeamId>) -> ApiResult<Response> {
    let page = app.store.team_page(id).await?.ok_or_else(|| unknown_team(id))?;
    let days = app.store.series(&Subject::Team(id), Span::Day, before(app.now(), CHART_DAYS * DAY)).await?;
    Ok(html(&team::frame(&page), &team::page(&page, &days, app.now())))
}

/// There is no such team.
pub fn unknown_team(id: TeamId) -> ApiError {
    ApiError::new(Cause::UnknownTeam, format!("there is no team {id}; all that proved something are listed at /teams"))
}

/// Which donors.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Called {
    /// A nickname, or a key.
    #[serde(default)]
    called: String,
}

/// Finds donors by nickname, or one by its key.
#[utoipa::path(
    get, path = "/donors", tag = "site", params(Called),
    responses(
        (status = 200, body = String, content_type = "text/html"),
        (status = 303, description = "To the page of the key"),
    )
)]
pub async fn donors(State(app): State<App>, Asked(query): Asked<Called>) -> ApiResult<Response> {
    let called = query.called.trim();
    if let Ok(key) = called.parse::<DonorKey>() {
        return Ok(Redirect::to(&format!("./donors/{key}")).into_response());
    }
    let rows = match called.parse::<Nickname>() {
        Ok(name) => app.store.donors_called(&name.likeness(), donor::FOUND).await?,
        Err(_) => Vec::new(),
    };
    // What is no nickname is nobody's, and not shown again in full.
    let called = protocol::text::printable(called, 64);
    Ok(html(&donor::frame("/donors", "Donors"), &donor::found(&called, &rows)))
}

/// A donor's page.
#[utoipa::path(
    get, path = "/donors/{key}", tag = "site",
    params(("key" = String, Path, description = "The donor's key")),
    responses(
        (status = 200, body = String, content_type = "text/html"),
        (status = 404, description = "`unknown_donor`"),
    )
)]
pub async fn donor(State(app): State<App>, At(key): At<DonorKey>) -> ApiResult<Response> {
    let page = app.store.donor_page(&key).await?.ok_or_else(|| unknown_donor(&key))?;
    let days = app.store.series(&Subject::Donor(key), Span::Day, before(app.now(), CHART_DAYS * DAY)).await?;
    let proofs = app.store.proofs_of(&ProofsOf::Donor(key), donor::PROOFS).await?;
    let main = donor::page(&page, &days, &proofs, web(), app.now());
    Ok(html(&donor::frame("/donors/x", &donor::title(&page)), &main))
}

/// A donor's certificate, to be printed.
#[utoipa::path(
    get, path = "/donors/{key}/certificate", tag = "site",
    params(("key" = String, Path, description = "The donor's key")),
    responses(
        (status = 200, body = String, content_type = "text/html"),
        (status = 404, description = "`unknown_donor`"),
    )
)]
pub async fn certificate(State(app): State<App>, At(key): At<DonorKey>) -> ApiResult<Response> {
    let page = app.store.donor_page(&key).await?.ok_or_else(|| unknown_donor(&key))?;
    let proofs = app.store.proofs_of(&ProofsOf::Donor(key), donor::CERTIFIED).await?;
    let main = donor::certificate(&page, &proofs, web(), app.now());
    Ok(html(&donor::frame("/donors/x/certificate", &donor::title(&page)), &main))
}

/// The distributor knows no such donor.
pub fn unknown_donor(key: &DonorKey) -> ApiError {
    ApiError::new(Cause::UnknownDonor, format!("no donor with the key {key} was here"))
}

/// A file that pages are made with.
#[utoipa::path(
    get, path = "/assets/{file}", tag = "site",
    params(("file" = String, Path, description = "Its name")),
    responses(
        (status = 200, description = "The file", content((String = "text/css"), (String = "text/javascript"), (String = "image/svg+xml"))),
        (status = 304, description = "It is the one of `If-None-Match`"),
        (status = 404, description = "`unknown_route`"),
    )
)]
pub async fn asset(Path(file): Path<String>, headers: HeaderMap) -> ApiResult<Response> {
    let known = assets::named(&file).ok_or_else(|| ApiError::unknown_route(&format!("/assets/{file}")))?;
    Ok(known.answer(&headers))
}

/// The description of the interface as a page.
#[utoipa::path(
    get, path = "/docs", tag = "site",
    responses(
        (status = 200, body = String, content_type = "text/html"),
        (status = 304, description = "It is the one of `If-None-Match`"),
    )
)]
pub async fn docs(headers: HeaderMap) -> Response {
    assets::DOCS.answer(&headers)
}
