//! Renewing and giving back.

use super::rows::{Columns as _, time};
use super::units::event;
use super::{Durability, SqliteStore, Write, lending};
use crate::store::{Holder, LeaseAsk, LeaseChange, LeaseGrant, Leases, Release, StoreResult};
use async_trait::async_trait;
use protocol::{DonorKey, FailureCause, FailureReport, LeaseToken, Timestamp, UnitId, UnitState};
use sqlx::sqlite::SqliteConnection;
use sqlx::{Row as _, query};

/// What a token stands for.
struct Held {
    unit: i64,
    id: UnitId,
    number: i64,
    outcome: String,
    state: String,
    started_at: Timestamp,
    expires_at: Timestamp,
    /// Whether the unit was not lent to anybody else since.
    latest: bool,
}

impl Held {
    /// Whether the lease can go on: it runs, or it ran out and nobody else has the unit.
    fn goes_on(&self) -> bool {
        self.latest && self.outcome == "running" && matches!(self.state.as_str(), "queued" | "executed")
    }
}

async fn held(connection: &mut SqliteConnection, token: &LeaseToken, donor: &DonorKey) -> StoreResult<Option<Held>> {
    let row = query(
        "SELECT a.unit, a.number, a.outcome, a.started_at, a.expires_at, u.id, u.state, \
         coalesce(u.lease_attempt = a.number, 0) AS latest \
         FROM attempts a JOIN units u ON u.seq = a.unit WHERE a.token = ?1 AND a.donor = ?2",
    )
    .bind(&token.as_bytes()[..])
    .bind(&donor.as_bytes()[..])
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Held {
        unit: row.try_get("unit")?,
        id: UnitId::from_bytes(row.bytes("id")?),
        number: row.try_get("number")?,
        outcome: row.text("outcome")?,
        state: row.text("state")?,
        started_at: row.timestamp("started_at")?,
        expires_at: row.timestamp("expires_at")?,
        latest: row.try_get("latest")?,
    }))
}

/// Ends the attempt and, if it is the latest, frees the unit.
async fn end(write: &mut Write, held: &Held, release: &Release) -> StoreResult<()> {
    let failure = release.failure.as_ref().filter(|failure| failure.cause != FailureCause::Stopped);
    query("UPDATE attempts SET outcome = ?3, ended_at = ?4, failure = ?5, detail = ?6 WHERE unit = ?1 AND number = ?2")
        .bind(held.unit)
        .bind(held.number)
        .bind(if failure.is_some() { "failed" } else { "released" })
        .bind(time(release.now))
        .bind(release.failure.as_ref().map(|failure| failure.cause.name()))
        .bind(release.failure.as_ref().map_or("", |failure| failure.detail.as_str()))
        .execute(&mut **write)
        .await?;
    if !held.goes_on() {
        return Ok(());
    }
    query("UPDATE units SET lease_attempt = NULL, lease_until = 0, changed_at = ?2 WHERE seq = ?1")
        .bind(held.unit)
        .bind(time(release.now))
        .execute(&mut **write)
        .await?;
    let state = if held.state == "executed" { UnitState::Executed } else { UnitState::Queued };
    event(write, held.unit, state, failure.map(|failure| failure.cause), release.now).await?;
    Ok(())
}

/// Counts the donors on which the unit failed since it was last retried; when they are enough, sets it aside.
async fn count_failure(write: &mut Write, unit: i64, report: &FailureReport, release: &Release) -> StoreResult<()> {
    let causes: Vec<_> = FailureCause::ALL.iter().filter(|cause| cause.counts()).map(|cause| cause.name()).collect();
    let causes = serde_json::to_string(&causes).unwrap_or_default();
    let row = query(
        "SELECT count(DISTINCT a.donor) AS donors, u.state FROM units u LEFT JOIN attempts a ON a.unit = u.seq \
         AND a.round = u.round AND a.outcome = 'failed' AND a.failure IN (SELECT value FROM json_each(?2)) \
         WHERE u.seq = ?1",
    )
    .bind(unit)
    .bind(causes)
    .fetch_one(&mut **write)
    .await?;
    let (donors, state) = (row.number("donors")?, row.text("state")?);
    query("UPDATE units SET failure = ?2, failure_detail = ?3, failure_donors = ?4 WHERE seq = ?1")
        .bind(unit)
        .bind(report.cause.name())
        .bind(&report.detail)
        .bind(donors as i64)
        .execute(&mut **write)
        .await?;
    if donors < u64::from(release.quarantine_after) || !matches!(state.as_str(), "queued" | "executed") {
        return Ok(());
    }
    query("UPDATE attempts SET outcome = 'superseded', ended_at = ?2 WHERE unit = ?1 AND outcome = 'running'")
        .bind(unit)
        .bind(time(release.now))
        .execute(&mut **write)
        .await?;
    query("UPDATE units SET state = 'failed', lease_attempt = NULL, lease_until = 0, changed_at = ?2 WHERE seq = ?1")
        .bind(unit)
        .bind(time(release.now))
        .execute(&mut **write)
        .await?;
    event(write, unit, UnitState::Failed, Some(report.cause), release.now).await?;
    Ok(())
}

/// A prover says that the execution it was lent is bad: back to the queue, and a mark for who made it.
async fn drop_execution(write: &mut Write, held: &Held, now: Timestamp) -> StoreResult<()> {
    let row = query(
        "UPDATE units SET state = 'queued', execution = NULL, execution_size = NULL, execution_steps = NULL, \
         changed_at = ?2 WHERE seq = ?1 AND state = 'executed' RETURNING executor",
    )
    .bind(held.unit)
    .bind(time(now))
    .fetch_optional(&mut **write)
    .await?;
    let Some(row) = row else { return Ok(()) };
    if let Some(executor) = row.try_get::<Option<&[u8]>, _>("executor")? {
        for sql in [
            "UPDATE donors SET marks = marks + 1 WHERE key = ?1 AND ?2 > 0 AND ?3 > 0",
            "UPDATE attempts SET outcome = 'refused', refusal = 'bad_execution', ended_at = ?3 \
             WHERE unit = ?2 AND donor = ?1 AND outcome = 'executed'",
        ] {
            query(sql).bind(executor).bind(held.unit).bind(time(now)).execute(&mut **write).await?;
        }
    }
    event(write, held.unit, UnitState::Queued, Some(FailureCause::BadExecution), now).await?;
    Ok(())
}

#[async_trait]
impl Leases for SqliteStore {
    async fn lease(&self, ask: &LeaseAsk) -> StoreResult<LeaseGrant> {
        lending::lend(self, ask).await
    }

    async fn renew(
        &self,
        token: &LeaseToken,
        donor: &DonorKey,
        now: Timestamp,
        until: Timestamp,
        renewable_for: u64,
    ) -> StoreResult<LeaseChange> {
        let mut write = self.write(Durability::Quick).await?;
        let Some(held) = held(&mut write, token, donor).await? else { return Ok(LeaseChange::Unknown) };
        let until = until.min(held.started_at.plus(renewable_for)).max(held.expires_at);
        if !held.goes_on() || until <= now {
            return Ok(LeaseChange::Ended);
        }
        query("UPDATE attempts SET expires_at = ?3 WHERE unit = ?1 AND number = ?2")
            .bind(held.unit)
            .bind(held.number)
            .bind(time(until))
            .execute(&mut *write)
            .await?;
        query("UPDATE units SET lease_until = ?2 WHERE seq = ?1")
            .bind(held.unit)
            .bind(time(until))
            .execute(&mut *write)
            .await?;
        write.commit().await?;
        Ok(LeaseChange::Done(until))
    }

    async fn release(&self, release: &Release) -> StoreResult<LeaseChange> {
        let mut write = self.write(Durability::Quick).await?;
        let Some(held) = held(&mut write, &release.token, &release.donor).await? else {
            return Ok(LeaseChange::Unknown);
        };
        match held.outcome.as_str() {
            "running" | "expired" => {}
            // The same again, after a lost answer.
            "released" | "failed" => return Ok(LeaseChange::Done(release.now)),
            _ => return Ok(LeaseChange::Ended),
        }
        end(&mut write, &held, release).await?;
        if let Some(report) = &release.failure {
            if report.cause == FailureCause::BadExecution && held.goes_on() {
                drop_execution(&mut write, &held, release.now).await?;
            }
            if report.cause.counts() {
                count_failure(&mut write, held.unit, report, release).await?;
            }
        }
        write.commit().await?;
        Ok(LeaseChange::Done(release.now))
    }

    async fn holder(&self, token: &LeaseToken, donor: &DonorKey) -> StoreResult<Option<Holder>> {
        let mut connection = self.readers.acquire().await?;
        let held = held(&mut connection, token, donor).await?;
        Ok(held.map(|held| Holder {
            unit: held.id,
            attempt: held.number as u32,
            open: matches!(held.outcome.as_str(), "running" | "expired"),
        }))
    }
}
