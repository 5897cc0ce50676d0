//! Proofs and executions.

use super::credit::{Ledger, credit_proof};
use super::donors::seen;
use super::events::event;
use super::rows::{Columns as _, int, limits, time};
use super::units::seq_of;
use super::{Durability, SqliteStore, Write, proofs, trust};
use crate::store::{
    Accept, AcceptExecution, AcceptProof, Refusal, StoreError, StoreResult, Submission, Submissions, Target, Targeted,
    VerifiedRun,
};
use async_trait::async_trait;
use protocol::{
    Digest, DonorKey, ExecutionReceipt, ExecutionStatus, MAX_UNIT_ARGUMENTS, ProofReceipt, ProofStatus, Tally, UnitId,
    UnitReceipt, UnitState,
};
use sqlx::sqlite::SqliteConnection;
use sqlx::{Row as _, query};

/// Receipts of a unit that are kept, besides those of the first proof and execution.
const MOST_RECEIPTS: i64 = 16;

/// A stored answer: whether the submission was the first of its unit, and the steps in it.
#[derive(Clone, Copy)]
struct Receipt {
    fresh: bool,
    steps: u64,
}

impl Receipt {
    const fn proof(&self, unit: UnitId) -> UnitReceipt {
        let status = if self.fresh { ProofStatus::Accepted } else { ProofStatus::AlreadyProved };
        UnitReceipt { unit, status, credited_steps: self.steps }
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
    ledger: Option<&mut Ledger>,
) -> StoreResult<()> {
    let team = ledger.as_ref().and_then(|ledger| ledger.team);
    let files = ledger.is_some_and(|ledger| !std::mem::replace(&mut ledger.counted, true));
    // Of copies without end only the first are remembered; the others are judged again, with the same result.
    let sql = "INSERT INTO receipts (unit, kind, sha256, donor, fresh, steps, time, team, files) \
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?8, ?9, ?10 \
         WHERE ?5 OR (SELECT count(*) FROM receipts WHERE unit = ?1) < ?7 ON CONFLICT DO NOTHING";
    query(sql)
        .bind(seq)
        .bind(kind)
        .bind(&submission.sha256.as_bytes()[..])
        .bind(&submission.donor.as_bytes()[..])
        .bind(receipt.fresh)
        .bind(int(receipt.steps))
        .bind(MOST_RECEIPTS)
        .bind(time(submission.now))
        .bind(team)
        .bind(files)
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

/// One unit of a proof that is being taken in.
struct Part<'a> {
    seq: i64,
    /// Which of the proof's runs is the unit's.
    index: usize,
    shown: &'a VerifiedRun,
    /// Whether it is credited: not if this very file was before.
    credited: bool,
}

/// The first proof of a unit, or a further one that was asked for: stores it, ends everybody's attempts, gives its donor standing.
async fn first_proof(write: &mut Write, submission: &Submission, part: &Part<'_>) -> StoreResult<()> {
    let Part { seq, index, shown, .. } = *part;
    let lent = was_lent(write, seq, &submission.donor).await?;
    conclude(write, seq, submission, "proved").await?;
    let number = event(write, seq, UnitState::Proved, None, submission.now).await?;
    query(
        "UPDATE units SET state = 'proved', proof = ?2, proof_size = ?3, prover = ?4, n_steps = ?5, output = ?6, \
         proved_at = ?7, proved_seq = ?8, changed_at = ?7, lease_attempt = NULL, lease_until = 0, suspect = 0, \
         proof_index = ?9, again = NULL, collected_at = NULL WHERE seq = ?1",
    )
    .bind(seq)
    .bind(&submission.sha256.as_bytes()[..])
    .bind(int(submission.size))
    .bind(&submission.donor.as_bytes()[..])
    .bind(int(shown.n_steps))
    .bind(shown.output.to_bytes())
    .bind(time(submission.now))
    .bind(number)
    .bind(index as i64)
    .execute(&mut **write)
    .await?;
    query("UPDATE attempts SET outcome = 'superseded', ended_at = ?2 WHERE unit = ?1 AND outcome = 'running'")
        .bind(seq)
        .bind(time(submission.now))
        .execute(&mut **write)
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
        let state =
            query("SELECT state FROM units WHERE seq = ?1").bind(seq).fetch_one(&mut **write).await?.text("state")?;
        let state = match state.as_str() {
            "executed" => UnitState::Executed,
            // One that is to be proven again is as proved as before.
            "proved" => return Ok(true),
            _ => UnitState::Queued,
        };
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

/// Number of the row and state of a unit. What a withdrawn project did not prove is withdrawn at once; `again` is proved, and to be
/// proven again.
async fn state_of(write: &mut Write, unit: &UnitId) -> StoreResult<Option<(i64, String)>> {
    let row = query(
        "SELECT u.seq, CASE WHEN p.withdrawn_at IS NOT NULL AND u.state <> 'proved' THEN 'withdrawn' \
         WHEN u.again IS NOT NULL THEN 'again' ELSE u.state END \
         AS state FROM units u JOIN projects p ON p.id = u.project WHERE u.id = ?1",
    )
    .bind(&unit.as_bytes()[..]);
    let Some(row) = row.fetch_optional(&mut **write).await? else { return Ok(None) };
    Ok(Some((row.try_get("seq")?, row.text("state")?)))
}

/// What the file shows is kept for the unit that it was submitted for.
fn only(submission: &Submission) -> StoreResult<UnitId> {
    match submission.units.as_slice() {
        [unit] => Ok(*unit),
        units => Err(StoreError::Failed(format!("an execution was submitted for {} units", units.len()))),
    }
}

#[async_trait]
impl Submissions for SqliteStore {
    async fn target(&self, units: &[UnitId]) -> StoreResult<Targeted> {
        let mut transaction = self.readers.begin().await?;
        // How much it comes to is known before it is read.
        let mut bytes = 0;
        let mut project = None;
        for unit in units {
            let row = query("SELECT project, length(arguments) AS bytes FROM units WHERE id = ?1")
                .bind(&unit.as_bytes()[..])
                .fetch_optional(&mut *transaction)
                .await?;
            let Some(row) = row else { return Ok(Targeted::Unknown(*unit)) };
            let found: i64 = row.try_get("project")?;
            if *project.get_or_insert(found) != found {
                return Ok(Targeted::Apart(*unit));
            }
            bytes += row.number("bytes")?;
        }
        if units.len() > 1 && bytes > 32 * MAX_UNIT_ARGUMENTS as u64 {
            return Ok(Targeted::TooLong(bytes / 32));
        }
        let row = query(
            "SELECT name, record, max_steps, max_memory_cells, time_limit, preset, withdrawn_at FROM projects WHERE id = ?1",
        )
        .bind(project)
        .fetch_one(&mut *transaction)
        .await?;
        let mut target = Target {
            project: row.parsed("name")?,
            record: Digest::from_bytes(row.bytes("record")?),
            arguments: Vec::with_capacity(units.len()),
            limits: limits(&row)?,
            preset: row.parsed("preset")?,
            withdrawn: true,
        };
        let project_withdrawn = row.optional_timestamp("withdrawn_at")?.is_some();
        for unit in units {
            let row = query("SELECT arguments, state FROM units WHERE id = ?1")
                .bind(&unit.as_bytes()[..])
                .fetch_one(&mut *transaction)
                .await?;
            target.arguments.push(row.felts("arguments")?);
            let state = row.text("state")?;
            target.withdrawn &= state == "withdrawn" || (project_withdrawn && state != "proved");
        }
        Ok(Targeted::Together(Box::new(target)))
    }

    async fn knows_proof(&self, sha256: &Digest, donor: &DonorKey) -> StoreResult<bool> {
        let row = query("SELECT 1 FROM receipts WHERE sha256 = ?1 AND donor = ?2 AND kind = 'proof' LIMIT 1")
            .bind(&sha256.as_bytes()[..])
            .bind(&donor.as_bytes()[..]);
        Ok(row.fetch_optional(&self.readers).await?.is_some())
    }

    async fn proof_receipt(
        &self,
        units: &[UnitId],
        sha256: &Digest,
        donor: &DonorKey,
    ) -> StoreResult<Option<ProofReceipt>> {
        let mut transaction = self.readers.begin().await?;
        let mut answered = Vec::with_capacity(units.len());
        for unit in units {
            let again = query("SELECT 1 FROM units WHERE id = ?1 AND again IS NOT NULL").bind(&unit.as_bytes()[..]);
            // Of a unit that is to be proven again the same file is wanted once more.
            if again.fetch_optional(&mut *transaction).await?.is_some() {
                return Ok(None);
            }
            match receipt(&mut transaction, "proof", unit, sha256, donor).await? {
                Some(receipt) => answered.push(receipt.proof(*unit)),
                None => return Ok(None),
            }
        }
        Ok(Some(ProofReceipt { sha256: *sha256, units: answered }))
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

    async fn accept_proof(&self, submission: &Submission, shown: &[VerifiedRun]) -> StoreResult<AcceptProof> {
        let Submission { units, sha256, donor, .. } = submission;
        if units.len() != shown.len() {
            return Err(StoreError::Failed(format!("{} runs were shown of {} units", shown.len(), units.len())));
        }
        let mut write = self.write(Durability::Durable).await?;
        let (mut answers, mut rows) = (Vec::with_capacity(units.len()), Vec::with_capacity(units.len()));
        let (mut parts, mut new_steps) = (Vec::new(), 0_u64);
        let mut ledger = Ledger::of(&mut write, submission).await?;
        let counted_before = ledger.counted;
        for (index, (unit, shown)) in units.iter().zip(shown).enumerate() {
            let Some((seq, state)) = state_of(&mut write, unit).await? else { return Ok(Accept::Unknown) };
            rows.push(seq);
            let before = receipt(&mut write, "proof", unit, sha256, donor).await?;
            let answer = match (state.as_str(), before) {
                // Nobody is credited twice for one file.
                ("again", Some(before)) => {
                    parts.push(Part { seq, index, shown, credited: false });
                    before
                }
                (_, Some(before)) => before,
                ("withdrawn", None) => {
                    answers.push(UnitReceipt { unit: *unit, status: ProofStatus::Withdrawn, credited_steps: 0 });
                    continue;
                }
                ("proved", None) => {
                    supersede(&mut write, seq, submission).await?;
                    Receipt { fresh: false, steps: 0 }
                }
                (state, None) => {
                    new_steps = new_steps.saturating_add(if state == "again" { 0 } else { shown.n_steps });
                    parts.push(Part { seq, index, shown, credited: true });
                    Receipt { fresh: true, steps: shown.n_steps }
                }
            };
            if before.is_none() {
                let credited = answer.fresh.then_some(&mut ledger);
                store_receipt(&mut write, seq, "proof", submission, &answer, credited).await?;
            }
            answers.push(answer.proof(*unit));
        }
        if let Some(first) = parts.first() {
            let credited = || parts.iter().filter(|part| part.credited);
            let more = Tally {
                steps: credited().fold(0, |sum: u64, part| sum.saturating_add(part.shown.n_steps)),
                units: credited().count() as u64,
                proofs: (ledger.counted && !counted_before).into(),
            };
            let all = parts.iter().fold(0, |sum: u64, part| sum.saturating_add(part.shown.n_steps));
            let project = proofs::keep(&mut write, submission, (first.seq, all, more.steps), &rows).await?;
            for part in &parts {
                let before = proofs::of_unit(&mut write, part.seq).await?;
                if let Some(before) = &before {
                    before.compare(part.shown);
                }
                first_proof(&mut write, submission, part).await?;
                if let Some(before) = before {
                    proofs::let_go(&mut write, project, &before.sha256).await?;
                }
            }
            credit_proof(&mut write, submission, project, (&more, new_steps), &ledger).await?;
        }
        write.commit().await?;
        Ok(Accept::Receipt(ProofReceipt { sha256: *sha256, units: answers }))
    }

    async fn accept_execution(&self, submission: &Submission, shown: &VerifiedRun) -> StoreResult<AcceptExecution> {
        let Submission { sha256, donor, .. } = submission;
        let unit = &only(submission)?;
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
        store_receipt(&mut write, seq, "execution", submission, &receipt, None).await?;
        write.commit().await?;
        Ok(Accept::Receipt(receipt.execution(*unit, *sha256)))
    }

    async fn refuse(&self, submission: &Submission, refusal: &Refusal) -> StoreResult<()> {
        let rules = self.rules();
        let mut write = self.write(Durability::Quick).await?;
        credit(&mut write, submission, 0, "UPDATE donors SET refused = refused + 1 WHERE key = ?1 AND ?2 = 0").await?;
        let mut halved = false;
        for unit in &submission.units {
            let Some(seq) = seq_of(&mut write, unit).await? else { continue };
            if !std::mem::replace(&mut halved, true) {
                trust::halve(&mut write, seq, &submission.donor, refusal.cause).await?;
            }
            let Some(number) = attempt_of(&mut write, seq, submission).await? else { continue };
            // A file of many runs says nothing about any one of them.
            if refuse_attempt(&mut write, seq, number, submission, refusal).await? && submission.units.len() == 1 {
                trust::refused(&mut write, (seq, number), &submission.donor, refusal, &rules, submission.now).await?;
            }
        }
        write.commit().await
    }

    async fn execution_of(&self, unit: &UnitId) -> StoreResult<Option<Digest>> {
        let row = query("SELECT execution FROM units WHERE id = ?1 AND state = 'executed'").bind(&unit.as_bytes()[..]);
        let row = row.fetch_optional(&self.readers).await?;
        Ok(row.map(|row| row.bytes("execution")).transpose()?.map(Digest::from_bytes))
    }
}
