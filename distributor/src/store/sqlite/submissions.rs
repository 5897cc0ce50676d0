//! Proofs and executions.

use super::donors::seen;
use super::events::event;
use super::rows::{Columns as _, int, limits, time};
use super::units::seq_of;
use super::{Durability, SqliteStore, Write, trust};
use crate::store::{
    Accept, AcceptExecution, AcceptProof, Refusal, StoreResult, Submission, Submissions, Target, VerifiedRun,
};
use async_trait::async_trait;
use protocol::{Digest, DonorKey, ExecutionReceipt, ExecutionStatus, ProofReceipt, ProofStatus, UnitId, UnitState};
use sqlx::sqlite::SqliteConnection;
use sqlx::{Row as _, query};

/// Receipts of a unit that are kept, besides those of the first proof and execution.
const MOST_RECEIPTS: i64 = 16;

/// A stored answer: whether the submission was the first of its unit, and the steps in it.
struct Receipt {
    fresh: bool,
    steps: u64,
}

impl Receipt {
    const fn proof(&self, unit: UnitId, sha256: Digest) -> ProofReceipt {
        let status = if self.fresh { ProofStatus::Accepted } else { ProofStatus::AlreadyProved };
        ProofReceipt { status, unit, sha256, credited_steps: self.steps }
    }

    const fn execution(&self, unit: UnitId, sha256: Digest) -> ExecutionReceipt {
        let status = if self.fresh { ExecutionStatus::Accepted } else { ExecutionStatus::AlreadyExecuted };
        ExecutionReceipt { status, unit, sha256, n_steps: self.steps }
    }
}

async fn receipt(
    connection: &mut SqliteConnection,
    kind: &'static str,
    unit: &UnitId,
    sha256: &Digest,
    donor: &DonorKey,
) -> StoreResult<Option<Receipt>> {
    let row = query(
        "SELECT r.fresh, r.steps FROM receipts r JOIN units u ON u.seq = r.unit \
         WHERE u.id = ?1 AND r.kind = ?2 AND r.sha256 = ?3 AND r.donor = ?4",
    )
    .bind(&unit.as_bytes()[..])
    .bind(kind)
    .bind(&sha256.as_bytes()[..])
    .bind(&donor.as_bytes()[..])
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Receipt { fresh: row.try_get("fresh")?, steps: row.number("steps")? }))
}

async fn store_receipt(
    write: &mut Write,
    seq: i64,
    kind: &'static str,
    submission: &Submission,
    receipt: &Receipt,
) -> StoreResult<()> {
    // Of copies without end only the first are remembered; the others are judged again, with the same result.
    let sql = "INSERT INTO receipts (unit, kind, sha256, donor, fresh, steps) SELECT ?1, ?2, ?3, ?4, ?5, ?6 \
         WHERE ?5 OR (SELECT count(*) FROM receipts WHERE unit = ?1) < ?7";
    query(sql)
        .bind(seq)
        .bind(kind)
        .bind(&submission.sha256.as_bytes()[..])
        .bind(&submission.donor.as_bytes()[..])
        .bind(receipt.fresh)
        .bind(int(receipt.steps))
        .bind(MOST_RECEIPTS)
        .execute(&mut **write)
        .await?;
    Ok(())
}

/// The attempt that a submission belongs to: that of its lease, or the donor's latest that brought nothing yet.
async fn attempt_of(write: &mut Write, seq: i64, submission: &Submission) -> StoreResult<Option<i64>> {
    let row = query(
        "SELECT number FROM attempts WHERE unit = ?1 AND donor = ?2 AND outcome NOT IN ('proved', 'executed') \
         ORDER BY coalesce(token = ?3, 0) DESC, number DESC LIMIT 1",
    )
    .bind(seq)
    .bind(&submission.donor.as_bytes()[..])
    .bind(submission.lease.as_ref().map(|token| &token.as_bytes()[..]))
    .fetch_optional(&mut **write)
    .await?;
    Ok(row.map(|row| row.try_get("number")).transpose()?)
}

/// Ends the attempt of a submission that came too late.
async fn supersede(write: &mut Write, seq: i64, submission: &Submission) -> StoreResult<()> {
    if let Some(number) = attempt_of(write, seq, submission).await? {
        query(
            "UPDATE attempts SET outcome = 'superseded', ended_at = ?3 \
             WHERE unit = ?1 AND number = ?2 AND outcome IN ('running', 'expired')",
        )
        .bind(seq)
        .bind(number)
        .bind(time(submission.now))
        .execute(&mut **write)
        .await?;
    }
    Ok(())
}

/// Whether the distributor chose this unit for the donor: it has a lease of it, or had one that ran out.
async fn was_lent(write: &mut Write, seq: i64, donor: &DonorKey) -> StoreResult<bool> {
    let row = query(
        "SELECT 1 FROM attempts WHERE unit = ?1 AND donor = ?2 AND token IS NOT NULL \
         AND outcome IN ('running', 'expired') LIMIT 1",
    )
    .bind(seq)
    .bind(&donor.as_bytes()[..])
    .fetch_optional(&mut **write)
    .await?;
    Ok(row.is_some())
}

/// Gives the attempt its outcome. A donor that never held the unit gets a row too.
async fn conclude(write: &mut Write, seq: i64, submission: &Submission, outcome: &'static str) -> StoreResult<()> {
    if let Some(number) = attempt_of(write, seq, submission).await? {
        query("UPDATE attempts SET outcome = ?3, ended_at = ?4 WHERE unit = ?1 AND number = ?2")
            .bind(seq)
            .bind(number)
            .bind(outcome)
            .bind(time(submission.now))
            .execute(&mut **write)
            .await?;
        return Ok(());
    }
    for sql in [
        "UPDATE units SET attempts = attempts + 1 WHERE seq = ?1 AND ?2 IS NOT NULL AND ?3 IS NOT NULL AND ?4 > 0",
        "INSERT INTO attempts (unit, number, donor, mode, outcome, round, started_at, expires_at, ended_at) \
         SELECT seq, attempts, ?2, 'both', ?3, round, ?4, ?4, ?4 FROM units WHERE seq = ?1",
    ] {
        query(sql)
            .bind(seq)
            .bind(&submission.donor.as_bytes()[..])
            .bind(outcome)
            .bind(time(submission.now))
            .execute(&mut **write)
            .await?;
    }
    Ok(())
}

/// Credits the donor in one column of its row.
async fn credit(write: &mut Write, submission: &Submission, steps: u64, sql: &'static str) -> StoreResult<()> {
    seen(write, &submission.donor, submission.now).await?;
    query(sql).bind(&submission.donor.as_bytes()[..]).bind(int(steps)).execute(&mut **write).await?;
    Ok(())
}

/// The first proof of a unit: stores it, ends everybody's attempts, credits its donor.
async fn first_proof(write: &mut Write, seq: i64, submission: &Submission, shown: &VerifiedRun) -> StoreResult<()> {
    let lent = was_lent(write, seq, &submission.donor).await?;
    conclude(write, seq, submission, "proved").await?;
    let number = event(write, seq, UnitState::Proved, None, submission.now).await?;
    query(
        "UPDATE units SET state = 'proved', proof = ?2, proof_size = ?3, prover = ?4, n_steps = ?5, output = ?6, \
         proved_at = ?7, proved_seq = ?8, changed_at = ?7, lease_attempt = NULL, lease_until = 0, suspect = 0 \
         WHERE seq = ?1",
    )
    .bind(seq)
    .bind(&submission.sha256.as_bytes()[..])
    .bind(int(submission.size))
    .bind(&submission.donor.as_bytes()[..])
    .bind(int(shown.n_steps))
    .bind(shown.output.to_bytes())
    .bind(time(submission.now))
    .bind(number)
    .execute(&mut **write)
    .await?;
    for (sql, steps) in [
        ("UPDATE attempts SET outcome = 'superseded', ended_at = ?2 WHERE unit = ?1 AND outcome = 'running'", None),
        (
            "UPDATE projects SET proven_steps = proven_steps + ?2 WHERE id = (SELECT project FROM units WHERE seq = ?1)",
            Some(int(shown.n_steps)),
        ),
    ] {
        query(sql).bind(seq).bind(steps.unwrap_or_else(|| time(submission.now))).execute(&mut **write).await?;
    }
    credit(
        write,
        submission,
        shown.n_steps,
        "UPDATE donors SET proven_steps = proven_steps + ?2, proven_units = proven_units + 1 WHERE key = ?1",
    )
    .await?;
    if lent {
        trust::earn(write, seq, &submission.donor, shown.n_steps, submission.now).await?;
    }
    trust::settle(write, seq).await
}

/// The first execution of a unit: stores it and ends the lease under which it came.
async fn first_execution(write: &mut Write, seq: i64, submission: &Submission, shown: &VerifiedRun) -> StoreResult<()> {
    conclude(write, seq, submission, "executed").await?;
    query(
        "UPDATE units SET state = 'executed', execution = ?2, execution_size = ?3, execution_steps = ?4, \
         executor = ?5, changed_at = ?6 WHERE seq = ?1",
    )
    .bind(seq)
    .bind(&submission.sha256.as_bytes()[..])
    .bind(int(submission.size))
    .bind(int(shown.n_steps))
    .bind(&submission.donor.as_bytes()[..])
    .bind(time(submission.now))
    .execute(&mut **write)
    .await?;
    end_lease(write, seq).await?;
    trust::settle(write, seq).await?;
    event(write, seq, UnitState::Executed, None, submission.now).await?;
    credit(
        write,
        submission,
        shown.n_steps,
        "UPDATE donors SET executed_units = executed_units + 1 WHERE key = ?1 AND ?2 >= 0",
    )
    .await
}

/// Ends an attempt that brought something which is refused; whether it was open.
async fn refuse_attempt(
    write: &mut Write,
    seq: i64,
    number: i64,
    submission: &Submission,
    refusal: &Refusal,
) -> StoreResult<bool> {
    let ended = query(
        "UPDATE attempts SET outcome = 'refused', ended_at = ?3, refusal = ?4, detail = ?5 \
         WHERE unit = ?1 AND number = ?2 AND outcome IN ('running', 'expired')",
    )
    .bind(seq)
    .bind(number)
    .bind(time(submission.now))
    .bind(refusal.cause.name())
    .bind(&refusal.detail)
    .execute(&mut **write)
    .await?;
    if ended.rows_affected() == 0 {
        return Ok(false);
    }
    if end_lease(write, seq).await? {
        let (_, state) = state_of(write, &submission.unit).await?.unwrap_or_default();
        let state = if state == "executed" { UnitState::Executed } else { UnitState::Queued };
        event(write, seq, state, None, submission.now).await?;
    }
    Ok(true)
}

/// Frees the unit if its latest attempt has ended. Somebody else's lease goes on.
async fn end_lease(write: &mut Write, seq: i64) -> StoreResult<bool> {
    let done = query(
        "UPDATE units SET lease_attempt = NULL, lease_until = 0 WHERE seq = ?1 AND lease_attempt = \
         (SELECT number FROM attempts WHERE unit = ?1 AND number = units.lease_attempt AND outcome <> 'running')",
    )
    .bind(seq)
    .execute(&mut **write)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Number of the row and state of a unit. What a withdrawn project did not prove is withdrawn at once.
async fn state_of(write: &mut Write, unit: &UnitId) -> StoreResult<Option<(i64, String)>> {
    let row = query(
        "SELECT u.seq, CASE WHEN p.withdrawn_at IS NOT NULL AND u.state <> 'proved' THEN 'withdrawn' ELSE u.state END \
         AS state FROM units u JOIN projects p ON p.id = u.project WHERE u.id = ?1",
    )
    .bind(&unit.as_bytes()[..]);
    let Some(row) = row.fetch_optional(&mut **write).await? else { return Ok(None) };
    Ok(Some((row.try_get("seq")?, row.text("state")?)))
}

#[async_trait]
impl Submissions for SqliteStore {
    async fn target(&self, unit: &UnitId) -> StoreResult<Option<Target>> {
        let row = query(
            "SELECT p.name, p.record, p.max_steps, p.max_memory_cells, p.time_limit, p.preset, u.arguments, \
             CASE WHEN p.withdrawn_at IS NOT NULL AND u.state <> 'proved' THEN 'withdrawn' ELSE u.state END AS state \
             FROM units u JOIN projects p ON p.id = u.project WHERE u.id = ?1",
        )
        .bind(&unit.as_bytes()[..])
        .fetch_optional(&self.readers)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let state = row.text("state")?;
        Ok(Some(Target {
            project: row.parsed("name")?,
            record: Digest::from_bytes(row.bytes("record")?),
            arguments: row.felts("arguments")?,
            limits: limits(&row)?,
            preset: row.parsed("preset")?,
            proved: state == "proved",
            executed: state == "executed",
            withdrawn: state == "withdrawn",
        }))
    }

    async fn proof_receipt(
        &self,
        unit: &UnitId,
        sha256: &Digest,
        donor: &DonorKey,
    ) -> StoreResult<Option<ProofReceipt>> {
        let mut connection = self.readers.acquire().await?;
        let receipt = receipt(&mut connection, "proof", unit, sha256, donor).await?;
        Ok(receipt.map(|receipt| receipt.proof(*unit, *sha256)))
    }

    async fn execution_receipt(
        &self,
        unit: &UnitId,
        sha256: &Digest,
        donor: &DonorKey,
    ) -> StoreResult<Option<ExecutionReceipt>> {
        let mut connection = self.readers.acquire().await?;
        let receipt = receipt(&mut connection, "execution", unit, sha256, donor).await?;
        Ok(receipt.map(|receipt| receipt.execution(*unit, *sha256)))
    }

    async fn accept_proof(&self, submission: &Submission, shown: &VerifiedRun) -> StoreResult<AcceptProof> {
        let Submission { unit, sha256, donor, .. } = submission;
        let mut write = self.write(Durability::Durable).await?;
        if let Some(receipt) = receipt(&mut write, "proof", unit, sha256, donor).await? {
            return Ok(Accept::Receipt(receipt.proof(*unit, *sha256)));
        }
        let Some((seq, state)) = state_of(&mut write, unit).await? else { return Ok(Accept::Unknown) };
        let receipt = match state.as_str() {
            "withdrawn" => return Ok(Accept::Withdrawn),
            "proved" => {
                supersede(&mut write, seq, submission).await?;
                Receipt { fresh: false, steps: 0 }
            }
            _ => {
                first_proof(&mut write, seq, submission, shown).await?;
                Receipt { fresh: true, steps: shown.n_steps }
            }
        };
        store_receipt(&mut write, seq, "proof", submission, &receipt).await?;
        write.commit().await?;
        Ok(Accept::Receipt(receipt.proof(*unit, *sha256)))
    }

    async fn accept_execution(&self, submission: &Submission, shown: &VerifiedRun) -> StoreResult<AcceptExecution> {
        let Submission { unit, sha256, donor, .. } = submission;
        let mut write = self.write(Durability::Durable).await?;
        if let Some(receipt) = receipt(&mut write, "execution", unit, sha256, donor).await? {
            return Ok(Accept::Receipt(receipt.execution(*unit, *sha256)));
        }
        let Some((seq, state)) = state_of(&mut write, unit).await? else { return Ok(Accept::Unknown) };
        let fresh = match state.as_str() {
            "withdrawn" => return Ok(Accept::Withdrawn),
            "failed" => return Ok(Accept::Failed),
            "queued" => {
                first_execution(&mut write, seq, submission, shown).await?;
                true
            }
            _ => {
                supersede(&mut write, seq, submission).await?;
                if end_lease(&mut write, seq).await? {
                    event(&mut write, seq, UnitState::Executed, None, submission.now).await?;
                }
                false
            }
        };
        let receipt = Receipt { fresh, steps: shown.n_steps };
        store_receipt(&mut write, seq, "execution", submission, &receipt).await?;
        write.commit().await?;
        Ok(Accept::Receipt(receipt.execution(*unit, *sha256)))
    }

    async fn refuse(&self, submission: &Submission, refusal: &Refusal) -> StoreResult<()> {
        let rules = self.rules();
        let mut write = self.write(Durability::Quick).await?;
        credit(&mut write, submission, 0, "UPDATE donors SET refused = refused + 1 WHERE key = ?1 AND ?2 = 0").await?;
        let Some(seq) = seq_of(&mut write, &submission.unit).await? else { return write.commit().await };
        trust::halve(&mut write, seq, &submission.donor, refusal.cause).await?;
        if let Some(number) = attempt_of(&mut write, seq, submission).await?
            && refuse_attempt(&mut write, seq, number, submission, refusal).await?
        {
            trust::refused(&mut write, (seq, number), &submission.donor, refusal, &rules, submission.now).await?;
        }
        write.commit().await
    }

    async fn execution_of(&self, unit: &UnitId) -> StoreResult<Option<Digest>> {
        let row = query("SELECT execution FROM units WHERE id = ?1 AND state = 'executed'").bind(&unit.as_bytes()[..]);
        let row = row.fetch_optional(&self.readers).await?;
        Ok(row.map(|row| row.bytes("execution")).transpose()?.map(Digest::from_bytes))
    }
}
