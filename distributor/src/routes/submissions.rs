//! Proofs and executions of units.
//!
//! A submission is received into a temporary file, judged, stored under its digest, and only then noted: whatever is
//! interrupted in between, the same submission again finds the rest to do.

use super::extract::At;
use super::units::unknown;
use crate::app::App;
use crate::auth::Claimed;
use crate::blobs::{BlobError, Kind, Spooled};
use crate::error::{ApiError, ApiResult};
use crate::limits::limited;
use crate::store::{Accept, AcceptExecution, AcceptProof, Refusal, Submission, Target, VerifiedRun};
use crate::upkeep;
use crate::verify::ExecutionBounds;
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use cairo_air::{Program, Statement};
use protocol::{Cause, ExecutionReceipt, ExecutionStatus, MAX_PROOF_BYTES, ProofReceipt, ProofStatus, UnitId};
use std::fs::File;
use std::io::{self, Read as _};
use std::sync::Arc;
use std::time::Instant;

/// Submits a proof. It is verified before the answer; the same proof again gets the same answer. Taken while the unit is
/// unproved, with a lease, with one that ran out, or without.
#[utoipa::path(
    put, path = "/v1/units/{id}/proof", tag = "submissions", security(("donor" = [])),
    params(
        ("id" = String, Path, description = "The unit"),
        ("cairn-lease" = Option<String>, Header, description = "The lease, if there is one; then no rate limit applies"),
    ),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses(
        (status = 200, body = ProofReceipt),
        (status = 404, description = "`unknown_unit`"),
        (status = 410, description = "`unit_withdrawn`"),
        (status = 422, description = "`bad_encoding`, `unsupported_version`, `wrong_program`, `wrong_arguments`, `wrong_prover`, `verify_failed`, `policy_failed`"),
    )
)]
pub async fn proof(
    State(app): State<App>,
    At(id): At<UnitId>,
    claimed: Claimed,
    body: Body,
) -> ApiResult<Json<ProofReceipt>> {
    let receipt = app.store.proof_receipt(&id, claimed.content(), claimed.donor()).await?;
    let limit = |_: &Target| MAX_PROOF_BYTES as u64;
    let (target, spooled, submission) = receive(&app, &id, claimed, body, limit, receipt.is_some()).await?;
    if let Some(receipt) = receipt {
        return Ok(Json(receipt));
    }
    let program = app.program(&target.record).await?;
    // Once the file is here the work is done whether or not the donor waits for the answer.
    let work = app.tasks.spawn(accept_proof(app.clone(), target, program, spooled, submission));
    work.await.map_err(ApiError::internal)?.map(Json)
}

/// Submits an execution for somebody else to prove. It is checked before the answer; the same execution again gets the same
/// answer.
#[utoipa::path(
    put, path = "/v1/units/{id}/execution", tag = "submissions", security(("donor" = [])),
    params(
        ("id" = String, Path, description = "The unit"),
        ("cairn-lease" = Option<String>, Header, description = "The lease, if there is one; then no rate limit applies"),
    ),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses(
        (status = 200, body = ExecutionReceipt),
        (status = 404, description = "`unknown_unit`"),
        (status = 409, description = "`unit_state`"),
        (status = 410, description = "`unit_withdrawn`"),
        (status = 422, description = "`bad_encoding`, `unsupported_version`, `wrong_program`, `wrong_arguments`, `bad_execution`, `policy_failed`"),
    )
)]
pub async fn execution(
    State(app): State<App>,
    At(id): At<UnitId>,
    claimed: Claimed,
    body: Body,
) -> ApiResult<Json<ExecutionReceipt>> {
    let receipt = app.store.execution_receipt(&id, claimed.content(), claimed.donor()).await?;
    let limit = |target: &Target| bounds(&app).most_packed(&target.limits);
    let (target, spooled, submission) = receive(&app, &id, claimed, body, limit, receipt.is_some()).await?;
    if let Some(receipt) = receipt {
        return Ok(Json(receipt));
    }
    let program = app.program(&target.record).await?;
    let work = app.tasks.spawn(accept_execution(app.clone(), target, program, spooled, submission));
    work.await.map_err(ApiError::internal)?.map(Json)
}

pub(super) fn bounds(app: &App) -> ExecutionBounds {
    ExecutionBounds { max_bytes: app.settings.max_execution_bytes, max_cells: app.settings.max_execution_cells }
}

/// Receives the file of a submission. Neither the holder of a lease nor who sends again what was `answered` before is limited in
/// rate: both cost no verification beyond what was lent.
async fn receive(
    app: &App,
    id: &UnitId,
    claimed: Claimed,
    body: Body,
    limit: impl FnOnce(&Target) -> u64,
    answered: bool,
) -> ApiResult<(Target, Spooled, Submission)> {
    app.check_running()?;
    if !answered && !holds_lease(app, id, &claimed).await? {
        app.limits.unleased.take(*claimed.donor(), app.elapsed()).map_err(|seconds| {
            limited("the donor submits too much without a lease; keep the file and send it later", seconds)
        })?;
    }
    let signed = claimed.admit(app).await?;
    let target = app.store.target(id).await?.ok_or_else(|| unknown(id))?;
    if target.withdrawn {
        return Err(withdrawn(id));
    }
    let spooled = signed.reader(app, body, limit(&target))?.spool(&signed.content).await?;
    let submission = Submission {
        unit: *id,
        donor: signed.donor,
        lease: signed.lease,
        sha256: spooled.sha256,
        size: spooled.size,
        now: app.now(),
    };
    Ok((target, spooled, submission))
}

/// Whether the request names a lease of this unit that brought nothing yet.
async fn holds_lease(app: &App, id: &UnitId, claimed: &Claimed) -> ApiResult<bool> {
    let Some(token) = claimed.lease() else { return Ok(false) };
    let holder = app.store.holder(token, claimed.donor()).await?;
    Ok(holder.is_some_and(|holder| holder.open && holder.unit == *id))
}

fn withdrawn(id: &UnitId) -> ApiError {
    ApiError::new(
        Cause::UnitWithdrawn,
        format!("the uploader withdrew the unit `{id}`; nothing is taken for it any more"),
    )
}

/// Notes a refusal.
async fn refuse(app: &App, submission: &Submission, refusal: Refusal) -> ApiError {
    tracing::info!(donor = %submission.donor, unit = %submission.unit, cause = %refusal.cause, "submission refused");
    match app.store.refuse(submission, &refusal).await {
        Ok(()) => {
            app.announce();
            refusal.into()
        }
        Err(error) => error.into(),
    }
}

fn reopen(spooled: &Spooled) -> ApiResult<File> {
    Ok(spooled.file.reopen().map_err(BlobError::from)?)
}

async fn accept_proof(
    app: App,
    target: Target,
    program: Arc<Program>,
    spooled: Spooled,
    submission: Submission,
) -> ApiResult<ProofReceipt> {
    match verify(&app, &target, program, &spooled, &submission).await? {
        Err(refusal) => {
            app.metrics.proof(refusal.cause.name(), 0);
            Err(refuse(&app, &submission, refusal).await)
        }
        Ok(shown) => {
            let receipt = store_proof(&app, spooled, &submission, &shown).await?;
            let (result, steps) = match receipt.status {
                ProofStatus::Accepted => ("accepted", receipt.credited_steps),
                ProofStatus::AlreadyProved => ("already_proved", 0),
            };
            app.metrics.proof(result, steps);
            app.announce();
            Ok(receipt)
        }
    }
}

async fn verify(
    app: &App,
    target: &Target,
    program: Arc<Program>,
    spooled: &Spooled,
    submission: &Submission,
) -> ApiResult<Result<VerifiedRun, Refusal>> {
    let (mut file, size) = (reopen(spooled)?, spooled.size);
    let (verifier, preset, max_steps) = (Arc::clone(&app.verifier), target.preset, target.limits.max_steps);
    let (arguments, prover) = (target.arguments.0.clone(), *submission.donor.as_bytes());
    let work = move || {
        // The file has at most `MAX_PROOF_BYTES`, which fits.
        let mut bytes = Vec::with_capacity(size as usize);
        file.read_to_end(&mut bytes)?;
        let statement = Statement::single(Arc::unwrap_or_clone(program), arguments, prover);
        let begin = Instant::now();
        let verdict = verifier.proof(&statement, &bytes, preset, max_steps);
        Ok::<_, io::Error>((verdict, begin.elapsed()))
    };
    let (verdict, took) = app.proofs.run(spooled.room.owner(), work).await?.map_err(BlobError::from)?;
    app.metrics.verified(took);
    Ok(verdict)
}

async fn store_proof(
    app: &App,
    spooled: Spooled,
    submission: &Submission,
    shown: &VerifiedRun,
) -> ApiResult<ProofReceipt> {
    let accepted = {
        let _shared = app.files.read().await;
        app.blobs.put(Kind::Proof, spooled).await?;
        app.store.accept_proof(submission, shown).await
    };
    let accepted_first = matches!(&accepted, Ok(Accept::Receipt(receipt)) if receipt.status == ProofStatus::Accepted);
    if !accepted_first {
        app.forget(Kind::Proof, &submission.sha256).await;
    }
    upkeep::collect(app).await;
    match accepted? {
        AcceptProof::Receipt(receipt) => Ok(receipt),
        accept => Err(not_accepted(&submission.unit, &accept)),
    }
}

async fn accept_execution(
    app: App,
    target: Target,
    program: Arc<Program>,
    spooled: Spooled,
    submission: Submission,
) -> ApiResult<ExecutionReceipt> {
    let (file, verifier, limits) = (reopen(&spooled)?, Arc::clone(&app.verifier), target.limits);
    let (bounds, arguments) = (bounds(&app), target.arguments.0);
    let work = move || verifier.execution(&program, &arguments, file, &limits, &bounds);
    let shown = match app.executions.run(spooled.room.owner(), work).await? {
        Ok(shown) => shown,
        // The file could not be read back: no fault of the donor's.
        Err(refusal) if refusal.cause == Cause::Internal => return Err(ApiError::internal(refusal.detail)),
        Err(refusal) => {
            app.metrics.execution(refusal.cause.name());
            return Err(refuse(&app, &submission, refusal).await);
        }
    };
    let accepted = {
        let _shared = app.files.read().await;
        app.blobs.put(Kind::Execution, spooled).await?;
        app.store.accept_execution(&submission, &shown).await
    };
    let accepted_first =
        matches!(&accepted, Ok(Accept::Receipt(receipt)) if receipt.status == ExecutionStatus::Accepted);
    if !accepted_first {
        app.forget(Kind::Execution, &submission.sha256).await;
    }
    match accepted? {
        AcceptExecution::Receipt(receipt) => {
            app.metrics.execution(if accepted_first { "accepted" } else { "already_executed" });
            app.announce();
            Ok(receipt)
        }
        accept => Err(not_accepted(&submission.unit, &accept)),
    }
}

fn not_accepted<R>(id: &UnitId, accept: &Accept<R>) -> ApiError {
    match accept {
        Accept::Withdrawn => withdrawn(id),
        Accept::Failed => {
            let detail = format!("the unit `{id}` was set aside after failures; its uploader can put it back");
            ApiError::new(Cause::UnitState, detail)
        }
        Accept::Unknown | Accept::Receipt(_) => unknown(id),
    }
}
