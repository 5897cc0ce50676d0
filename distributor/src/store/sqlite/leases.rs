//! Renewing and giving back.

use super::events::event;
use super::rows::{Columns as _, list, time};
use super::{Durability, SqliteStore, Write, lending, trust};
use crate::store::{
    Holder, LeaseAsk, LeaseChange, LeaseGrant, Leases, Rechecked, Release, Renewal, Rules, StoreResult,
};
use async_trait::async_trait;
use protocol::{Digest, DonorKey, FailureCause, LeaseToken, Timestamp, UnitId, UnitState};
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{Row as _, query};

/// What a token stands for: one unit of the lease.
struct Held {
    unit: i64,
    id: UnitId,
    number: i64,
    outcome: String,
    state: String,
    expires_at: Timestamp,
    renewable_until: Option<Timestamp>,
    mode: String,
    execution: Option<Digest>,
    /// Whether the unit was not lent to anybody else since.
    latest: bool,
}

impl Held {
    fn read(row: &SqliteRow) -> StoreResult<Self> {
        Ok(Self {
            unit: row.try_get("unit")?,
            id: UnitId::from_bytes(row.bytes("id")?),
            number: row.try_get("number")?,
            outcome: row.text("outcome")?,
            state: row.text("state")?,
            expires_at: row.timestamp("expires_at")?,
            renewable_until: row.optional_timestamp("renewable_until")?,
            mode: row.text("mode")?,
            execution: row.optional_bytes("execution")?.map(Digest::from_bytes),
            latest: row.try_get("latest")?,
        })
    }

    /// Whether something is still to be done on the unit.
    fn is_wanted(&self) -> bool {
        matches!(self.state.as_str(), "queued" | "executed" | "again")
    }

    /// Whether the lease can go on: it runs, or it ran out and nobody else has the unit.
    fn goes_on(&self) -> bool {
        self.latest && self.outcome == "running" && self.is_wanted()
    }

    /// Whether it brought nothing yet.
    fn is_open(&self) -> bool {
        matches!(self.outcome.as_str(), "running" | "expired")
    }

    /// The execution that was lent, while it waits for its proof.
    fn lent_execution(&self) -> Option<Digest> {
        self.execution.filter(|_| self.mode == "prove" && self.state == "executed")
    }
}

/// The units of a lease, in its order; `again` is the state of those that are to be proven again.
async fn held(connection: &mut SqliteConnection, token: &LeaseToken, donor: &DonorKey) -> StoreResult<Vec<Held>> {
    let rows = query(
        "SELECT a.unit, a.number, a.outcome, a.mode, a.expires_at, a.renewable_until, u.id, u.execution, \
         CASE WHEN p.withdrawn_at IS NOT NULL THEN 'withdrawn' WHEN u.again IS NOT NULL THEN 'again' ELSE u.state END AS state, \
         coalesce(u.lease_attempt = a.number, 0) AS latest FROM attempts a INDEXED BY attempts_token \
         JOIN units u ON u.seq = a.unit JOIN projects p ON p.id = u.project WHERE a.token = ?1 AND a.donor = ?2 \
         ORDER BY a.place, a.unit",
    )
    .bind(&token.as_bytes()[..])
    .bind(&donor.as_bytes()[..])
    .fetch_all(connection)
    .await?;
    rows.iter().map(Held::read).collect()
}

/// What a release comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// Given back, and nothing is said against anybody.
    Released,
    /// It failed on the donor.
    Failed,
}

/// A bad execution is no failure of the donor that found it, but a wrong report of one is.
fn verdict(release: &Release) -> Verdict {
    match release.failure.as_ref().map(|failure| failure.cause) {
        None | Some(FailureCause::Stopped) => Verdict::Released,
        Some(FailureCause::BadExecution) if !matches!(release.recheck, Some(Rechecked::Sound(_))) => Verdict::Released,
        Some(_) => Verdict::Failed,
    }
}

/// Ends the attempt and, if it is the latest, frees the unit.
async fn end(write: &mut Write, held: &Held, release: &Release) -> StoreResult<()> {
    let verdict = verdict(release);
    query("UPDATE attempts SET outcome = ?3, ended_at = ?4, failure = ?5, detail = ?6 WHERE unit = ?1 AND number = ?2")
        .bind(held.unit)
        .bind(held.number)
        .bind(if verdict == Verdict::Failed { "failed" } else { "released" })
        .bind(time(release.now))
        .bind(release.failure.as_ref().map(|failure| failure.cause.name()))
        .bind(release.failure.as_ref().map_or("", |failure| failure.detail.as_str()))
        .execute(&mut **write)
        .await?;
    if !held.goes_on() {
        return Ok(());
    }
    // A suspect unit need not rest for the rest of the lease.
    query(
        "UPDATE units SET ready_any = CASE WHEN ready_any = lease_until THEN 0 ELSE ready_any END, \
         ready_trusted = CASE WHEN ready_trusted = lease_until THEN 0 ELSE ready_trusted END, \
         lease_attempt = NULL, lease_until = 0, changed_at = CASE WHEN again IS NULL THEN ?2 ELSE changed_at END \
         WHERE seq = ?1",
    )
    .bind(held.unit)
    .bind(time(release.now))
    .execute(&mut **write)
    .await?;
    let state = match held.state.as_str() {
        "executed" => UnitState::Executed,
        "queued" => UnitState::Queued,
        // One that is to be proven again is as proved as before.
        _ => return Ok(()),
    };
    let failure = release.failure.as_ref().filter(|_| verdict == Verdict::Failed).map(|failure| failure.cause);
    event(write, held.unit, state, failure, release.now).await?;
    Ok(())
}

/// The stored execution of a unit is bad: back to the queue. It was good when it was accepted, so nobody is blamed.
async fn drop_execution(write: &mut Write, held: &Held, sha256: &Digest, now: Timestamp) -> StoreResult<()> {
    let dropped = query(
        "UPDATE units SET state = 'queued', lease_attempt = NULL, lease_until = 0, changed_at = ?3 \
         WHERE seq = ?1 AND state = 'executed' AND execution = ?2",
    )
    .bind(held.unit)
    .bind(&sha256.as_bytes()[..])
    .bind(time(now))
    .execute(&mut **write)
    .await?;
    if dropped.rows_affected() == 0 {
        return Ok(());
    }
    for sql in [
        // Somebody else may have been lent the same file meanwhile.
        "UPDATE attempts SET outcome = 'superseded', ended_at = ?2 WHERE unit = ?1 AND outcome = 'running'",
        // The same file may be brought again.
        "DELETE FROM receipts WHERE unit = ?1 AND kind = 'execution' AND ?2 > 0",
    ] {
        query(sql).bind(held.unit).bind(time(now)).execute(&mut **write).await?;
    }
    event(write, held.unit, UnitState::Queued, Some(FailureCause::BadExecution), now).await?;
    Ok(())
}

/// Takes one unit back.
async fn give_back(write: &mut Write, held: &Held, release: &Release, rules: &Rules) -> StoreResult<()> {
    end(write, held, release).await?;
    match &release.failure {
        Some(report) if report.cause.counts() => {
            trust::report(write, (held.unit, held.number), &release.donor, report, rules, release.now).await
        }
        Some(report) if report.cause == FailureCause::BadExecution => match release.recheck {
            Some(Rechecked::Bad(sha256)) => drop_execution(write, held, &sha256, release.now).await,
            Some(Rechecked::Sound(_)) => trust::lose(write, held.unit, release.donor.as_bytes()).await,
            None => Ok(()),
        },
        _ => Ok(()),
    }
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
    ) -> StoreResult<Renewal> {
        let longest = now.plus(self.rules().longest_lease);
        let mut write = self.write(Durability::Quick).await?;
        let held = held(&mut write, token, donor).await?;
        let settled = held.iter().filter(|held| !held.is_wanted()).map(|held| held.id).collect();
        let going: Vec<&Held> = held.iter().filter(|held| held.goes_on()).collect();
        let Some(first) = going.first() else {
            let change = if held.is_empty() { LeaseChange::Unknown } else { LeaseChange::Ended };
            return Ok(Renewal { change, settled });
        };
        // All units of a lease were lent and prolonged together.
        let renewable_until = first.renewable_until.unwrap_or(longest).min(longest);
        // An end beyond the longest lease was set while the clock was wrong.
        let before = if first.expires_at <= longest { first.expires_at } else { now };
        let until = until.min(renewable_until).max(before);
        if until <= now {
            return Ok(Renewal { change: LeaseChange::Ended, settled });
        }
        let units = list(&going.iter().map(|held| held.unit).collect::<Vec<_>>())?;
        query(
            "UPDATE attempts SET expires_at = ?2 WHERE token = ?3 AND outcome = 'running' \
             AND unit IN (SELECT value FROM json_each(?1))",
        )
        .bind(&units)
        .bind(time(until))
        .bind(&token.as_bytes()[..])
        .execute(&mut *write)
        .await?;
        query(
            "UPDATE units SET lease_until = ?2, \
             ready_any = CASE WHEN suspect AND ready_any <= ?2 THEN ?2 ELSE ready_any END, \
             ready_trusted = CASE WHEN suspect AND ready_trusted <= ?2 THEN ?2 ELSE ready_trusted END \
             WHERE seq IN (SELECT value FROM json_each(?1))",
        )
        .bind(&units)
        .bind(time(until))
        .execute(&mut *write)
        .await?;
        write.commit().await?;
        Ok(Renewal { change: LeaseChange::Done(until), settled })
    }

    async fn release(&self, release: &Release) -> StoreResult<LeaseChange> {
        let rules = self.rules();
        let mut write = self.write(Durability::Quick).await?;
        let mut held = held(&mut write, &release.token, &release.donor).await?;
        if release.units.iter().any(|unit| !held.iter().any(|held| held.id == *unit)) {
            return Ok(LeaseChange::Unknown);
        }
        if !release.units.is_empty() {
            held.retain(|held| release.units.contains(&held.id));
        }
        if held.is_empty() {
            return Ok(LeaseChange::Unknown);
        }
        let mut done = false;
        for held in &held {
            match held.outcome.as_str() {
                "running" | "expired" => give_back(&mut write, held, release, &rules).await?,
                // The same again, after a lost answer.
                "released" | "failed" => {}
                _ => continue,
            }
            done = true;
        }
        write.commit().await?;
        Ok(if done { LeaseChange::Done(release.now) } else { LeaseChange::Ended })
    }

    async fn holders(&self, token: &LeaseToken, donor: &DonorKey) -> StoreResult<Vec<Holder>> {
        let mut connection = self.readers.acquire().await?;
        let held = held(&mut connection, token, donor).await?;
        let holder = |held: &Held| Holder {
            unit: held.id,
            attempt: u32::try_from(held.number).unwrap_or(u32::MAX),
            open: held.is_open(),
            execution: held.lent_execution(),
        };
        Ok(held.iter().map(holder).collect())
    }
}
