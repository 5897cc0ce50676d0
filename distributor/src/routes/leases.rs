//! `/v1/leases`.

use super::extract::At;
use super::projects::unknown;
use crate::app::App;
use crate::auth::Signed;
use crate::error::{ApiError, ApiResult};
use crate::store::{LeaseAsk, LeaseChange, LeaseGrant, Release};
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use protocol::{
    Cause, FailureReport, HEADER_REASON, Lease, LeaseRequest, LeaseToken, MAX_DETAIL, NoWork, Problem, Renewed,
};

/// Asks for a unit to work on.
#[utoipa::path(
    post, path = "/v1/leases", tag = "leases", security(("donor" = [])), request_body = LeaseRequest,
    responses(
        (status = 200, body = Lease),
        (status = 204, description = "No work: `cairn-reason` says why (`empty`, `all_leased`, `too_large`, `version`, `paused`), `Retry-After` when to ask again"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "`unknown_project`"),
        (status = 429, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn lease(State(app): State<App>, signed: Signed, body: Body) -> ApiResult<Response> {
    app.check_running()?;
    let request: LeaseRequest = signed.json(&app, body).await?;
    if request.versions.proof != cairo_air::PROTOCOL_VERSION {
        return Ok(no_work(&app, NoWork::Version));
    }
    let mut draw = [0; 8];
    getrandom::fill(&mut draw)?;
    let (now, settings) = (app.now(), &app.settings);
    let ask = LeaseAsk {
        donor: signed.donor,
        request: request.request,
        token: LeaseToken::random()?,
        project: request.project,
        mode: request.mode,
        limits: request.limits,
        draw: u64::from_le_bytes(draw),
        now,
        until: now.plus(settings.lease_seconds.min(settings.max_lease_seconds)),
        renewable_for: settings.max_lease_seconds,
        cooldown: settings.cooldown_seconds,
    };
    match app.store.lease(&ask).await? {
        LeaseGrant::Granted(lease) => {
            app.metrics.lease("granted");
            app.announce();
            Ok(Json(*lease).into_response())
        }
        LeaseGrant::NoWork(reason) => Ok(no_work(&app, reason)),
        LeaseGrant::UnknownProject => {
            Err(ask.project.as_ref().map_or_else(|| ApiError::internal("no project was named"), unknown))
        }
    }
}

/// 204 with the reason, and when to come back.
fn no_work(app: &App, reason: NoWork) -> Response {
    app.metrics.lease(reason.name());
    let seconds = match reason {
        NoWork::Empty => app.settings.retry_empty,
        NoWork::AllLeased => app.settings.retry_all_leased,
        NoWork::Paused => 60,
        NoWork::TooLarge => 300,
        NoWork::Version => 3600,
    };
    let headers = [
        (HeaderName::from_static(HEADER_REASON), HeaderValue::from_static(reason.name())),
        (RETRY_AFTER, HeaderValue::from(seconds)),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

/// The lease cannot be changed.
fn refusal(change: LeaseChange) -> ApiError {
    match change {
        LeaseChange::Ended => {
            let detail = "the lease has ended, since it ran out or its unit was settled; a proof of the unit is still \
                          taken as long as there is none";
            ApiError::new(Cause::LeaseExpired, detail)
        }
        _ => ApiError::new(Cause::UnknownLease, "this donor holds no lease with that token"),
    }
}

/// Prolongs a lease. One that ran out can be prolonged while nobody else has the unit.
#[utoipa::path(
    post, path = "/v1/leases/{token}/renew", tag = "leases", security(("donor" = [])),
    params(("token" = String, Path, description = "The lease")),
    responses(
        (status = 200, body = Renewed),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "`unknown_lease`"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`lease_expired`"),
    )
)]
pub async fn renew(State(app): State<App>, At(token): At<LeaseToken>, signed: Signed) -> ApiResult<Json<Renewed>> {
    let (now, settings) = (app.now(), &app.settings);
    let until = now.plus(settings.lease_seconds);
    match app.store.renew(&token, &signed.donor, now, until, settings.max_lease_seconds).await? {
        LeaseChange::Done(expires_at) => Ok(Json(Renewed { now, expires_at })),
        change => Err(refusal(change)),
    }
}

/// Gives a lease back, with the failure if there was one.
#[utoipa::path(
    delete, path = "/v1/leases/{token}", tag = "leases", security(("donor" = [])),
    params(("token" = String, Path, description = "The lease")),
    request_body(content = Option<FailureReport>, description = "Nothing if there was no failure"),
    responses(
        (status = 204, description = "Given back"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "`unknown_lease`"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "`lease_expired`"),
    )
)]
pub async fn release(
    State(app): State<App>,
    At(token): At<LeaseToken>,
    signed: Signed,
    body: Body,
) -> ApiResult<StatusCode> {
    let mut failure: Option<FailureReport> = signed.optional_json(&app, body).await?;
    if let Some(report) = &mut failure {
        report.detail = report.detail.chars().filter(|c| !c.is_control() || *c == '\n').take(MAX_DETAIL).collect();
    }
    let quarantine_after = app.settings.quarantine_after.max(1);
    let release = Release { token, donor: signed.donor, failure, quarantine_after, now: app.now() };
    match app.store.release(&release).await? {
        LeaseChange::Done(_) => {
            app.announce();
            Ok(StatusCode::NO_CONTENT)
        }
        change => Err(refusal(change)),
    }
}
