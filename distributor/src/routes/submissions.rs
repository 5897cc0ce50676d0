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
use crate::store::{Accept, AcceptExecution, AcceptProof, Refusal, Submission, Target, Targeted, VerifiedRun};
use crate::upkeep;
use crate::verify::{self, ExecutionBounds, Runs};
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use cairo_air::Program;
use protocol::{
    Cause, Digest, DonorKey, ExecutionReceipt, ExecutionStatus, MAX_PROOF_BYTES, MAX_TRAILER, MAX_UNIT_ARGUMENTS,
    ProofReceipt, ProofStatus, TrailerError, UnitId, UnitReceipt, read_trailer,
};
use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::sync::Arc;
use std::time::Instant;

/// Submits a proof of units of one project, which are named behind it. It is verified before the answer, which says of each unit
/// what became of it; the same proof again gets the same answer. Taken while a unit is unproved, with a lease, with one that ran out,
/// or without.
#[utoipa::path(
    put, path = "/v1/proofs/{sha256}", tag = "submissions", security(("donor" = [])),
    params(
        ("sha256" = String, Path, description = "SHA-256 of the proof file, without what follows it"),
        ("cairn-lease" = Option<String>, Header, description = "The lease, if there is one; then no rate limit applies"),
    ),
    request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "The proof file; the units' ids, 10 bytes each, run after run; their number, 4 bytes little-endian; `CAIRNIDS`"),
    responses(
        (status = 200, body = ProofReceipt),
        (status = 404, description = "`unknown_unit`"),
        (status = 422, description = "`bad_encoding`, `unsupported_version`, `wrong_program`, `wrong_arguments`, `wrong_prover`, `verify_failed`, `policy_failed`"),
    )
)]
pub async fn proof(
    State(app): State<App>,
    At(sha256): At<Digest>,
    claimed: Claimed,
    body: Body,
) -> ApiResult<Json<ProofReceipt>> {
    app.check_running()?;
    let answered = app.store.knows_proof(&sha256, claimed.donor()).await?;
    let open = open_units(&app, &claimed).await?;
    let limited = !answered && open.is_empty();
    if limited {
        unleased(&app, claimed.donor())?;
    }
    let signed = claimed.admit(&app).await?;
    let most = (MAX_PROOF_BYTES + MAX_TRAILER) as u64;
    let spooled = signed.reader(&app, body, most)?.spool(&signed.content).await?;
    let (units, spooled) = cut(spooled, sha256).await?;
    if let Some(receipt) = app.store.proof_receipt(&units, &sha256, &signed.donor).await? {
        return Ok(Json(receipt));
    }
    // One lease does not pay for endless verification: each submission that it pays for ends an attempt of it.
    if !limited && !units.iter().any(|unit| open.contains(unit)) {
        unleased(&app, &signed.donor)?;
    }
    let target = target(&app, &units).await?;
    if target.withdrawn {
        return Ok(Json(nothing_wanted(sha256, &units)));
    }
    let program = app.program(&target.record).await?;
    let (size, now) = (spooled.size, app.now());
    let submission = Submission { units, donor: signed.donor, lease: signed.lease, sha256, size, now };
    // Once the file is here the work is done whether or not the donor waits for the answer.
    let work = app.begin(accept_proof(app.clone(), target, program, spooled, submission));
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
    app.check_running()?;
    let receipt = app.store.execution_receipt(&id, claimed.content(), claimed.donor()).await?;
    // Neither the holder of a lease nor who sends again what was answered before is limited in rate: both cost no check beyond what
    // was lent.
    if receipt.is_none() && !open_units(&app, &claimed).await?.contains(&id) {
        unleased(&app, claimed.donor())?;
    }
    let signed = claimed.admit(&app).await?;
    let target = target(&app, &[id]).await?;
    if target.withdrawn {
        return Err(withdrawn(&id));
    }
    let spooled = signed.reader(&app, body, bounds(&app).most_packed(&target.limits))?.spool(&signed.content).await?;
    if let Some(receipt) = receipt {
        return Ok(Json(receipt));
    }
    let (sha256, size, now) = (spooled.sha256, spooled.size, app.now());
    let submission = Submission { units: vec![id], donor: signed.donor, lease: signed.lease, sha256, size, now };
    let program = app.program(&target.record).await?;
    let work = app.begin(accept_execution(app.clone(), id, target, program, spooled, submission));
    work.await.map_err(ApiError::internal)?.map(Json)
}

pub(super) fn bounds(app: &App) -> ExecutionBounds {
    ExecutionBounds { max_bytes: app.settings.max_execution_bytes, max_cells: app.settings.max_execution_cells }
}

/// The answer to a proof of which no unit is wanted any more: it is not looked at.
fn nothing_wanted(sha256: Digest, units: &[UnitId]) -> ProofReceipt {
    let unit = |unit: &UnitId| UnitReceipt { unit: *unit, status: ProofStatus::Withdrawn, credited_steps: 0 };
    ProofReceipt { sha256, units: units.iter().map(unit).collect() }
}

/// Counts a submission that no lease pays for.
fn unleased(app: &App, donor: &DonorKey) -> ApiResult<()> {
    app.limits.unleased.take(*donor, app.elapsed()).map_err(|seconds| {
        limited("the donor submits too much without a lease; keep the file and send it later", seconds)
    })
}

/// Units of the lease that the request names which brought nothing yet.
async fn open_units(app: &App, claimed: &Claimed) -> ApiResult<HashSet<UnitId>> {
    let Some(token) = claimed.lease() else { return Ok(HashSet::new()) };
    let holders = app.store.holders(token, claimed.donor()).await?;
    Ok(holders.into_iter().filter(|holder| holder.open).map(|holder| holder.unit).collect())
}

/// Reads the list of units behind a proof and cuts it off; what is left must have the digest of the address.
async fn cut(spooled: Spooled, sha256: Digest) -> ApiResult<(Vec<UnitId>, Spooled)> {
    let work = move || {
        let file = spooled.file.as_file();
        let cut = cut_file(file, spooled.size)?;
        Ok::<_, io::Error>((cut, spooled))
    };
    let cut = tokio::task::spawn_blocking(work).await.map_err(ApiError::internal)?;
    let (cut, mut spooled) = cut.map_err(BlobError::from)?;
    let (units, size, found) =
        cut.map_err(|error| ApiError::new(Cause::BadRequest, format!("{error}; see PUT /v1/proofs in /docs")))?;
    if size > MAX_PROOF_BYTES as u64 {
        let detail = format!("the proof has {size} bytes, the most that are taken are {MAX_PROOF_BYTES}");
        return Err(ApiError::new(Cause::TooLarge, detail));
    }
    if found != sha256 {
        let detail = format!("the proof's SHA-256 is {found}, the address says {sha256}");
        return Err(ApiError::new(Cause::DigestMismatch, detail));
    }
    (spooled.sha256, spooled.size) = (sha256, size);
    Ok((units, spooled))
}

/// The units behind a proof, and length and digest of the proof, to which the file is cut.
#[expect(clippy::type_complexity, reason = "named where it is used")]
fn cut_file(mut file: &File, size: u64) -> io::Result<Result<(Vec<UnitId>, u64, Digest), TrailerError>> {
    let mut end = Vec::new();
    file.seek(SeekFrom::Start(size.saturating_sub(MAX_TRAILER as u64)))?;
    file.read_to_end(&mut end)?;
    let (units, length) = match read_trailer(&end) {
        Ok(read) => read,
        Err(error) => return Ok(Err(error)),
    };
    let size = size.saturating_sub(length as u64);
    file.set_len(size)?;
    file.rewind()?;
    Ok(Ok((units, size, verify::digest(file)?)))
}

/// What a submission for these units is checked against.
async fn target(app: &App, units: &[UnitId]) -> ApiResult<Target> {
    let bad = |detail| Err(ApiError::new(Cause::BadRequest, detail));
    match app.store.target(units).await? {
        Targeted::Together(target) => Ok(*target),
        Targeted::Unknown(unit) => Err(unknown(&unit)),
        Targeted::Apart(unit) => {
            bad(format!("the unit `{unit}` is of another project than the first one; a proof is of one program"))
        }
        Targeted::TooLong(found) => bad(format!(
            "the units have {found} field elements of arguments together; those of a proof of several may have {MAX_UNIT_ARGUMENTS}"
        )),
    }
}

fn withdrawn(id: &UnitId) -> ApiError {
    ApiError::new(
        Cause::UnitWithdrawn,
        format!("the uploader withdrew the unit `{id}`; nothing is taken for it any more"),
    )
}

/// Notes a refusal.
async fn refuse(app: &App, submission: &Submission, refusal: Refusal) -> ApiError {
    let (units, first) = (submission.units.len(), submission.units.first().map(ToString::to_string));
    tracing::info!(donor = %submission.donor, units, first, cause = %refusal.cause, "submission refused");
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
    match verify_proof(&app, target, program, &spooled, &submission).await? {
        Err(refusal) => {
            app.metrics.proof(refusal.cause.name(), 0);
            app.metrics.proof_units(refusal.cause.name(), submission.units.len() as u64);
            Err(refuse(&app, &submission, refusal).await)
        }
        Ok(shown) => {
            let receipt = store_proof(&app, spooled, &submission, &shown).await?;
            count(&app, &receipt);
            app.announce();
            Ok(receipt)
        }
    }
}

/// Counts the file once, as the best that became of any of its units, and each unit.
fn count(app: &App, receipt: &ProofReceipt) {
    let statuses = [ProofStatus::Accepted, ProofStatus::AlreadyProved, ProofStatus::Withdrawn];
    let mut found = statuses
        .map(|status| (status, receipt.count(status) as u64))
        .into_iter()
        .filter(|(_, units)| *units > 0)
        .peekable();
    if let Some((best, _)) = found.peek() {
        app.metrics.proof(best.name(), receipt.credited_steps());
    }
    found.for_each(|(status, units)| app.metrics.proof_units(status.name(), units));
}

async fn verify_proof(
    app: &App,
    target: Target,
    program: Arc<Program>,
    spooled: &Spooled,
    submission: &Submission,
) -> ApiResult<Result<Vec<VerifiedRun>, Refusal>> {
    let (mut file, size) = (reopen(spooled)?, spooled.size);
    let (verifier, preset, max_steps) = (Arc::clone(&app.verifier), target.preset, target.limits.max_steps);
    let (arguments, prover) = (target.arguments, submission.donor);
    let work = move || {
        // The file has at most `MAX_PROOF_BYTES`, which fits.
        let mut bytes = Vec::with_capacity(size as usize);
        file.read_to_end(&mut bytes)?;
        let arguments = arguments.into_iter().map(|arguments| arguments.0).collect();
        let begin = Instant::now();
        let verdict = verifier.proof(Runs { program: &program, arguments, prover }, &bytes, preset, max_steps);
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
    shown: &[VerifiedRun],
) -> ApiResult<ProofReceipt> {
    let accepted = {
        let _shared = app.files.read().await;
        app.blobs.put(Kind::Proof, spooled).await?;
        app.store.accept_proof(submission, shown).await
    };
    let accepted_any = matches!(&accepted, Ok(Accept::Receipt(receipt)) if receipt.count(ProofStatus::Accepted) > 0);
    if !accepted_any {
        app.forget(Kind::Proof, &submission.sha256).await;
    }
    upkeep::collect(app).await;
    match accepted? {
        AcceptProof::Receipt(receipt) => Ok(receipt),
        accept => Err(submission
            .units
            .first()
            .map_or_else(|| ApiError::internal("a proof of no unit"), |unit| not_accepted(unit, &accept))),
    }
}

async fn accept_execution(
    app: App,
    id: UnitId,
    target: Target,
    program: Arc<Program>,
    spooled: Spooled,
    submission: Submission,
) -> ApiResult<ExecutionReceipt> {
    let (file, verifier, limits) = (reopen(&spooled)?, Arc::clone(&app.verifier), target.limits);
    let (bounds, arguments) = (bounds(&app), target.arguments.into_iter().next().unwrap_or_default().0);
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
        accept => Err(not_accepted(&id, &accept)),
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
