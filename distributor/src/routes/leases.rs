//! `/v1/leases`.

use super::extract::At;
use super::submissions;
use crate::app::App;
use crate::auth::Signed;
use crate::blobs::Kind;
use crate::error::{ApiError, ApiResult};
use crate::share::{Key, Owner};
use crate::store::{Holder, LeaseAsk, LeaseChange, LeaseGrant, Rechecked, Release, Targeted};
use crate::upkeep;
use crate::verify::{self, Recheck};
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use protocol::{
    Cause, DonorKey, FailureCause, GivenBack, HEADER_REASON, Lease, LeaseRequest, LeaseToken, MAX_DETAIL,
    MAX_LEASE_UNITS, NoWork, Renewed, UnitId,
};
use std::sync::Arc;

/// Asks for units to work on: as many of one project as fit what the donor says of itself.
#[utoipa::path(
    post, path = "/v1/leases", tag = "leases", security(("donor" = [])), request_body = LeaseRequest,
    responses(
        (status = 200, body = Lease),
        (status = 204, description = "No work: `cairn-reason` says why (`empty`, `all_leased`, `too_large`, `version`, `paused`, `lease_limit`), `Retry-After` when to ask again"),
        (status = 404, description = "`unknown_project`"),
    )
)]
pub async fn lease(State(app): State<App>, signed: Signed, body: Body) -> ApiResult<Response> {
    app.check_running()?;
    let mut request: LeaseRequest = signed.json(&app, body).await?;
    if request.versions.proof != cairo_air::PROTOCOL_VERSION {
        return Ok(no_work(&app, NoWork::Version));
    }
    let mut draw = [0; 8];
    getrandom::fill(&mut draw)?;
    let (now, settings) = (app.now(), &app.settings);
    request.limits.lease_units = request.limits.lease_units.min(settings.most_lease_units);
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
        renewable_for_new: settings.new_lease_seconds,
        source: signed.source.to_string(),
    };
    match app.store.lease(&ask).await? {
        LeaseGrant::Granted(lease) => {
            app.metrics.lease("granted");
            app.announce();
            Ok(Json(*lease).into_response())
        }
        LeaseGrant::NoWork(reason) => Ok(no_work(&app, reason)),
        LeaseGrant::UnknownProject => Err(ask
            .project
            .as_ref()
            .map_or_else(|| ApiError::internal("no project was named"), ApiError::unknown_project)),
    }
}

/// 204 with the reason, and when to come back.
fn no_work(app: &App, reason: NoWork) -> Response {
    app.metrics.lease(reason.name());
    let seconds = match reason {
        NoWork::Empty => app.settings.retry_empty,
        NoWork::AllLeased => app.settings.retry_all_leased,
        NoWork::LeaseLimit => 60,
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
            let detail = "the lease has ended, since it ran out or its units were settled; a proof of a unit is still \
                          taken as long as there is none";
            ApiError::new(Cause::LeaseExpired, detail)
        }
        _ => ApiError::new(Cause::UnknownLease, "this donor holds no lease with that token, or none of that unit"),
    }
}

/// Prolongs a lease, with all units that it still has. One that ran out can be prolonged while nobody else has the units.
#[utoipa::path(
    post, path = "/v1/leases/{token}/renew", tag = "leases", security(("donor" = [])),
    params(("token" = String, Path, description = "The lease")),
    responses(
        (status = 200, body = Renewed),
        (status = 404, description = "`unknown_lease`"),
        (status = 409, description = "`lease_expired`"),
    )
)]
pub async fn renew(State(app): State<App>, At(token): At<LeaseToken>, signed: Signed) -> ApiResult<Json<Renewed>> {
    let (now, settings) = (app.now(), &app.settings);
    let until = now.plus(settings.lease_seconds);
    let renewal = app.store.renew(&token, &signed.donor, now, until).await?;
    match renewal.change {
        LeaseChange::Done(expires_at) => Ok(Json(Renewed { now, expires_at, settled: renewal.settled })),
        change => Err(refusal(change)),
    }
}

/// Gives units of a lease back, with the failure if there was one. The lease of the others goes on.
#[utoipa::path(
    delete, path = "/v1/leases/{token}", tag = "leases", security(("donor" = [])),
    params(("token" = String, Path, description = "The lease")),
    request_body(content = Option<GivenBack>, description = "Nothing to give back all that is left, without a failure"),
    responses(
        (status = 204, description = "Given back"),
        (status = 404, description = "`unknown_lease`"),
        (status = 409, description = "`lease_expired`"),
    )
)]
pub async fn release(
    State(app): State<App>,
    At(token): At<LeaseToken>,
    signed: Signed,
    body: Body,
) -> ApiResult<StatusCode> {
    let mut back: GivenBack = signed.optional_json(&app, body).await?.unwrap_or_default();
    if back.units.len() > MAX_LEASE_UNITS {
        let detail = format!("{} units are named; a lease has at most {MAX_LEASE_UNITS}", back.units.len());
        return Err(ApiError::new(Cause::BadRequest, detail));
    }
    if let Some(report) = &mut back.failure {
        report.detail = report.detail.chars().filter(|c| !c.is_control() || *c == '\n').take(MAX_DETAIL).collect();
    }
    let owner = Owner { key: Some(Key::Donor(signed.donor)), source: signed.source };
    // A check that has begun goes on whether or not the donor waits for the answer.
    let work = app.begin(give_back(app.clone(), token, owner, signed.donor, back));
    match work.await.map_err(ApiError::internal)?? {
        LeaseChange::Done(_) => {
            app.announce();
            upkeep::collect(&app).await;
            Ok(StatusCode::NO_CONTENT)
        }
        change => Err(refusal(change)),
    }
}

async fn give_back(
    app: App,
    token: LeaseToken,
    owner: Owner,
    donor: DonorKey,
    back: GivenBack,
) -> ApiResult<LeaseChange> {
    let GivenBack { units, failure } = back;
    let recheck = match &failure {
        Some(report) if report.cause == FailureCause::BadExecution => {
            recheck(&app, &token, owner, &donor, &units).await?
        }
        _ => None,
    };
    let release = Release { token, donor, units, failure, recheck, now: app.now() };
    Ok(app.store.release(&release).await?)
}

/// What a donor says of the execution that it was lent is not believed, but looked at.
async fn recheck(
    app: &App,
    token: &LeaseToken,
    owner: Owner,
    donor: &DonorKey,
    units: &[UnitId],
) -> ApiResult<Option<Rechecked>> {
    let mut holders = app.store.holders(token, donor).await?;
    holders.retain(|holder| units.is_empty() || units.contains(&holder.unit));
    if holders.len() > 1 {
        let detail = "`bad_execution` is said of one unit at a time, since its file is looked at; name it in `units`";
        return Err(ApiError::new(Cause::BadRequest, detail));
    }
    let Some(Holder { unit, open: true, execution: Some(sha256), .. }) = holders.pop() else { return Ok(None) };
    let Targeted::Together(target) = app.store.target(&[unit]).await? else { return Ok(None) };
    let Some(file) = app.blobs.fetch(Kind::Execution, &sha256).await? else {
        tracing::error!(%unit, %sha256, "the file of an execution is missing");
        return Ok(Some(Rechecked::Bad(sha256)));
    };
    let program = app.program(&target.record).await?;
    let (verifier, bounds) = (Arc::clone(&app.verifier), submissions::bounds(app));
    let (arguments, limits) = (target.arguments.into_iter().next().unwrap_or_default().0, target.limits);
    let work = move || verify::recheck(&*verifier, &program, &arguments, (file, &sha256), &limits, &bounds);
    let reason = match app.executions.run(Some(owner), work).await? {
        Recheck::Good(_) => {
            tracing::info!(%unit, %donor, "an execution was said to be bad and is sound");
            return Ok(Some(Rechecked::Sound(sha256)));
        }
        Recheck::Bad(refusal) => refusal.detail,
        Recheck::Damaged(reason) => reason,
    };
    tracing::error!(%unit, %sha256, %reason, "an accepted execution is bad");
    Ok(Some(Rechecked::Bad(sha256)))
}
