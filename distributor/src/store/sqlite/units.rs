//! Units, results and events.

use super::counts::over_quota;
use super::events::event;
use super::projects::row_of;
use super::queue::size_class;
use super::rows::{BATCH, Columns as _, attempt, int, list_of, proof, select_units, shown, state_of, time, unit};
use super::{Durability, SqliteStore, Write, proofs, trust};
use crate::store::{AddUnits, DrawnUnit, Pusher, Rules, StoreError, StoreResult, UnitChange, UnitFilter, Units};
use async_trait::async_trait;
use protocol::{
    Digest, Event, FailureCause, MAX_ATTEMPTS, ProjectName, ProofRuns, ResultPage, Timestamp, Unit, UnitDetail, UnitId,
    UnitPage, UnitResult, UnitState,
};
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{Row as _, query};

/// Number of a unit's row.
pub(super) async fn seq_of(connection: &mut SqliteConnection, id: &UnitId) -> StoreResult<Option<i64>> {
    let row = query("SELECT seq FROM units WHERE id = ?1").bind(&id.as_bytes()[..]).fetch_optional(connection).await?;
    Ok(row.map(|row| row.try_get("seq")).transpose()?)
}

async fn unit_row(
    connection: &mut SqliteConnection,
    id: &UnitId,
    now: Timestamp,
    far: Timestamp,
) -> StoreResult<Option<SqliteRow>> {
    let row = query(select_units!("WHERE u.id = ?3")).bind(time(now)).bind(time(far)).bind(&id.as_bytes()[..]);
    Ok(row.fetch_optional(connection).await?)
}

/// Bytes of arguments after which a page ends.
const PAGE_BYTES: u64 = 8 << 20;

/// Where a page of units is looked for, by what is asked for: in the order of making, and nothing else is looked at.
macro_rules! page_of {
    ($index:literal, $condition:literal) => {
        concat!(
            "SELECT u.seq, length(u.arguments) AS bytes, ",
            shown!(),
            " FROM units u INDEXED BY ",
            $index,
            " WHERE u.project = (SELECT id FROM projects WHERE name = ?3) AND u.seq > ?4 AND ",
            $condition,
            " ORDER BY u.seq LIMIT ?5"
        )
    };
}

pub(super) const PAGE_ALL: &str = page_of!("units_order", "?6 IS NULL");
pub(super) const PAGE_LENT: &str = page_of!("units_lent", "u.lease_attempt IS NOT NULL AND ?6 IS NOT NULL");
pub(super) const PAGE_STATE: &str = page_of!("units_counted", "u.counted = ?6");
pub(super) const PAGE_SUSPECT: &str = page_of!("units_suspect", "u.suspect = 1 AND (?6 IS NULL OR ?6 IS NOT NULL)");

const fn page_sql(filter: &UnitFilter) -> &'static str {
    match (filter.suspect, filter.state) {
        (true, _) => PAGE_SUSPECT,
        (false, None) => PAGE_ALL,
        (false, Some(UnitState::Leased)) => PAGE_LENT,
        (false, Some(_)) => PAGE_STATE,
    }
}

/// Adds one unit, or finds the one of its external id. `None` if that has other arguments.
async fn add_unit(
    write: &mut Write,
    project: i64,
    drawn: &DrawnUnit,
    now: Timestamp,
) -> StoreResult<Option<(UnitId, bool)>> {
    let arguments = drawn.unit.arguments.to_bytes();
    let done = query(
        "INSERT INTO units (id, project, external_id, arguments, estimated_steps, state, created_at, changed_at, size_class) \
         VALUES (?1, ?2, ?3, ?4, ?5, 'queued', ?6, ?6, ?7) ON CONFLICT (project, external_id) DO NOTHING",
    )
    .bind(&drawn.id.as_bytes()[..])
    .bind(project)
    .bind(drawn.unit.external_id.as_str())
    .bind(&arguments)
    .bind(int(drawn.unit.estimated_steps))
    .bind(time(now))
    .bind(size_class(drawn.unit.estimated_steps))
    .execute(&mut **write)
    .await?;
    if done.rows_affected() > 0 {
        event(write, done.last_insert_rowid(), UnitState::Queued, None, now).await?;
        return Ok(Some((drawn.id, true)));
    }
    let row = query("SELECT id, arguments FROM units WHERE project = ?1 AND external_id = ?2")
        .bind(project)
        .bind(drawn.unit.external_id.as_str())
        .fetch_one(&mut **write)
        .await?;
    let same = row.try_get::<&[u8], _>("arguments")? == arguments;
    Ok(if same { Some((UnitId::from_bytes(row.bytes("id")?), false)) } else { None })
}

/// Moves a unit to `queued`, where a new round begins, or `withdrawn`.
async fn move_unit(write: &mut Write, seq: i64, state: UnitState, rules: &Rules, now: Timestamp) -> StoreResult<()> {
    if state == UnitState::Queued {
        trust::begin_round(write, seq, rules).await?;
    }
    query("UPDATE attempts SET outcome = 'superseded', ended_at = ?2 WHERE unit = ?1 AND outcome = 'running'")
        .bind(seq)
        .bind(time(now))
        .execute(&mut **write)
        .await?;
    query(match state {
        UnitState::Queued => {
            "UPDATE units SET state = 'queued', round = round + 1, failure = NULL, failure_detail = '', \
             failure_donors = 0, failure_trusted = 0, suspect = 0, reports = 0, trusted_reports = 0, ready_any = 0, \
             ready_trusted = 0, lease_attempt = NULL, lease_until = 0, changed_at = ?2 WHERE seq = ?1"
        }
        _ => {
            "UPDATE units SET state = 'withdrawn', suspect = 0, lease_attempt = NULL, lease_until = 0, changed_at = ?2 \
             WHERE seq = ?1"
        }
    })
    .bind(seq)
    .bind(time(now))
    .execute(&mut **write)
    .await?;
    event(write, seq, state, None, now).await?;
    Ok(())
}

impl SqliteStore {
    /// Moves a unit to `to` if `allowed` says so of its state; a unit that is there already stays.
    async fn change_unit(
        &self,
        id: &UnitId,
        to: UnitState,
        now: Timestamp,
        already: impl Fn(&Unit) -> bool + Send,
        allowed: impl Fn(&Unit) -> bool + Send,
    ) -> StoreResult<UnitChange> {
        let (rules, far) = (self.rules(), self.far(now));
        let mut write = self.write(Durability::Durable).await?;
        let Some(row) = unit_row(&mut write, id, now, far).await? else { return Ok(UnitChange::Unknown) };
        let (before, seq) = (unit(&row)?, row.try_get("seq")?);
        if already(&before) {
            return Ok(UnitChange::Done(before));
        }
        if !allowed(&before) {
            return Ok(UnitChange::Conflict(before));
        }
        let withdrawn = row_of(&mut write, &before.project).await?;
        let withdrawn = withdrawn.map(|row| row.optional_timestamp("withdrawn_at")).transpose()?.flatten();
        if to == UnitState::Queued && withdrawn.is_some() {
            return Ok(UnitChange::ProjectWithdrawn(before.project));
        }
        move_unit(&mut write, seq, to, &rules, now).await?;
        let row = unit_row(&mut write, id, now, far).await?.ok_or(StoreError::Damaged { what: "unit" })?;
        write.commit().await?;
        unit(&row).map(UnitChange::Done)
    }
}

#[async_trait]
impl Units for SqliteStore {
    async fn add_units(
        &self,
        project: &ProjectName,
        units: &[DrawnUnit],
        by: &Pusher,
        now: Timestamp,
    ) -> StoreResult<AddUnits> {
        let mut write = self.write(Durability::Durable).await?;
        let Some(row) = row_of(&mut write, project).await? else { return Ok(AddUnits::UnknownProject) };
        if row.bytes("owner")? != *by.owner.as_bytes() {
            return Ok(AddUnits::NotOwner);
        }
        if row.optional_timestamp("withdrawn_at")?.is_some() {
            return Ok(AddUnits::Withdrawn);
        }
        let project = row.try_get("id")?;
        let mut stored = Vec::with_capacity(units.len());
        for (index, drawn) in units.iter().enumerate() {
            match add_unit(&mut write, project, drawn, now).await? {
                Some(unit) => stored.push(unit),
                None => return Ok(AddUnits::Taken(index)),
            }
        }
        let new = units.iter().zip(&stored).filter(|(_, (_, new))| *new);
        let (count, bytes) = new
            .fold((0, 0), |(count, bytes), (drawn, _)| (count + 1, bytes + 32 * drawn.unit.arguments.0.len() as u64));
        if let Some(over) = over_quota(&mut write, by, 0, count, bytes).await? {
            return Ok(AddUnits::OverQuota(over));
        }
        write.commit().await?;
        Ok(AddUnits::Stored(stored))
    }

    async fn units(
        &self,
        project: &ProjectName,
        filter: &UnitFilter,
        cursor: u64,
        limit: u32,
        now: Timestamp,
    ) -> StoreResult<UnitPage> {
        let far = self.far(now);
        let mut transaction = self.readers.begin().await?;
        // What is leased shows as such only while the lease runs, so a page is chosen from a few more rows than it has.
        let look = 4 * i64::from(limit) + 1;
        let rows = query(page_sql(filter))
            .bind(time(now))
            .bind(time(far))
            .bind(project.as_str())
            .bind(int(cursor))
            .bind(look)
            .bind(filter.state.map(UnitState::name))
            .fetch_all(&mut *transaction)
            .await?;
        let (mut chosen, mut bytes, mut last) = (Vec::new(), 0, None);
        for row in &rows {
            let shown = row.named("shown", state_of)?;
            if filter.state.is_none_or(|state| state == shown) {
                let more = row.number("bytes")?;
                if chosen.len() == limit as usize || (!chosen.is_empty() && bytes + more > PAGE_BYTES) {
                    break;
                }
                bytes += more;
                chosen.push(row.try_get::<i64, _>("seq")?);
            }
            last = Some(row.number("seq")?);
        }
        let all_seen = rows.last().map(|row| row.number("seq")).transpose()? == last;
        let next = if all_seen && (rows.len() as i64) < look { None } else { last };
        let list = serde_json::to_string(&chosen).map_err(|error| StoreError::Failed(error.to_string()))?;
        let rows = query(select_units!("WHERE u.seq IN (SELECT value FROM json_each(?3)) ORDER BY u.seq"))
            .bind(time(now))
            .bind(time(far))
            .bind(list)
            .fetch_all(&mut *transaction)
            .await?;
        Ok(UnitPage { units: rows.iter().map(unit).collect::<StoreResult<_>>()?, next })
    }

    async fn unit(&self, id: &UnitId, now: Timestamp) -> StoreResult<Option<UnitDetail>> {
        let far = self.far(now);
        let mut transaction = self.readers.begin().await?;
        let Some(row) = unit_row(&mut transaction, id, now, far).await? else { return Ok(None) };
        let seq = row.try_get::<i64, _>("seq")?;
        let attempts = query("SELECT * FROM attempts WHERE unit = ?1 ORDER BY number DESC LIMIT ?2")
            .bind(seq)
            .bind(i64::from(MAX_ATTEMPTS))
            .fetch_all(&mut *transaction)
            .await?;
        let attempts = attempts.iter().rev().map(|row| attempt(row, now, far)).collect::<StoreResult<Vec<_>>>()?;
        let reports = trust::reports(&mut transaction, seq, &self.rules(), now).await?;
        let unit = unit(&row)?;
        let mut folded_attempts = row.small("folded_attempts")?;
        if attempts.len() == MAX_ATTEMPTS as usize {
            // More rows may be kept than are shown.
            folded_attempts = folded_attempts.max(unit.attempts.saturating_sub(MAX_ATTEMPTS));
        }
        Ok(Some(UnitDetail { unit, attempts, folded_attempts, reports, proof: proof(&row)? }))
    }

    async fn results(&self, project: &ProjectName, cursor: u64, limit: u32) -> StoreResult<ResultPage> {
        let sql = select_units!(
            "WHERE u.project = (SELECT id FROM projects WHERE name = ?3) AND u.proved_seq > ?4 \
             ORDER BY u.proved_seq LIMIT ?5"
        );
        let rows = query(sql)
            .bind(0)
            .bind(0)
            .bind(project.as_str())
            .bind(int(cursor))
            .bind(i64::from(limit) + 1)
            .fetch_all(&self.readers)
            .await?;
        let page = rows.get(..limit as usize).unwrap_or(&rows);
        let result = |row: &SqliteRow| {
            let unit = unit(row)?;
            Ok(UnitResult {
                cursor: row.number("proved_seq")?,
                unit: unit.id,
                external_id: unit.external_id,
                arguments: unit.arguments,
                proof: proof(row)?.ok_or(StoreError::Damaged { what: "proof" })?,
            })
        };
        let results = page.iter().map(result).collect::<StoreResult<Vec<_>>>()?;
        let next = results.last().map_or(cursor, |last| last.cursor);
        Ok(ResultPage { results, next, more: page.len() < rows.len() })
    }

    async fn mark_collected(
        &self,
        project: &ProjectName,
        cursor: u64,
        root: Option<&Digest>,
        now: Timestamp,
    ) -> StoreResult<u64> {
        let mut write = self.write(Durability::Durable).await?;
        let rows = query(
            "SELECT seq FROM units INDEXED BY units_uncollected WHERE project = (SELECT id FROM projects WHERE name = ?1) \
             AND state = 'proved' AND collected_at IS NULL AND proved_seq <= ?2 ORDER BY proved_seq LIMIT ?3",
        )
        .bind(project.as_str())
        .bind(int(cursor))
        .bind(BATCH)
        .fetch_all(&mut *write)
        .await?;
        let batch = list_of(&rows)?;
        for sql in [
            "INSERT INTO events (project, unit, state, time) SELECT project, seq, 'collected', ?2 FROM units \
             WHERE seq IN (SELECT value FROM json_each(?1)) ORDER BY proved_seq",
            "UPDATE units SET collected_at = ?2, changed_at = ?2 WHERE seq IN (SELECT value FROM json_each(?1))",
        ] {
            query(sql).bind(&batch).bind(time(now)).execute(&mut *write).await?;
        }
        proofs::collected(&mut write, &batch, root, now).await?;
        write.commit().await?;
        Ok(rows.len() as u64)
    }

    async fn retry_unit(&self, id: &UnitId, now: Timestamp) -> StoreResult<UnitChange> {
        let already = |unit: &Unit| {
            matches!(unit.state, UnitState::Queued | UnitState::Leased | UnitState::Executed) && unit.failure.is_none()
        };
        let allowed = |unit: &Unit| !matches!(unit.state, UnitState::Proved | UnitState::Collected | UnitState::Leased);
        self.change_unit(id, UnitState::Queued, now, already, allowed).await
    }

    async fn prove_again(&self, id: &UnitId, now: Timestamp) -> StoreResult<UnitChange> {
        let far = self.far(now);
        let mut write = self.write(Durability::Durable).await?;
        let Some(row) = unit_row(&mut write, id, now, far).await? else { return Ok(UnitChange::Unknown) };
        let before = unit(&row)?;
        if !matches!(before.state, UnitState::Proved | UnitState::Collected) {
            return Ok(UnitChange::Conflict(before));
        }
        let project = row_of(&mut write, &before.project).await?;
        let withdrawn = project.map(|row| row.optional_timestamp("withdrawn_at")).transpose()?.flatten();
        if withdrawn.is_some() {
            return Ok(UnitChange::ProjectWithdrawn(before.project));
        }
        query("UPDATE units SET again = coalesce(again, ?2) WHERE seq = ?1")
            .bind(row.try_get::<i64, _>("seq")?)
            .bind(time(now))
            .execute(&mut *write)
            .await?;
        let row = unit_row(&mut write, id, now, far).await?.ok_or(StoreError::Damaged { what: "unit" })?;
        write.commit().await?;
        unit(&row).map(UnitChange::Done)
    }

    async fn withdraw_unit(&self, id: &UnitId, now: Timestamp) -> StoreResult<UnitChange> {
        let already = |unit: &Unit| unit.state == UnitState::Withdrawn;
        let allowed = |unit: &Unit| !matches!(unit.state, UnitState::Proved | UnitState::Collected);
        self.change_unit(id, UnitState::Withdrawn, now, already, allowed).await
    }

    async fn projects_of_proof(&self, sha256: &Digest) -> StoreResult<Vec<ProjectName>> {
        let rows = query("SELECT DISTINCT p.name FROM units u JOIN projects p ON p.id = u.project WHERE u.proof = ?1")
            .bind(&sha256.as_bytes()[..])
            .fetch_all(&self.readers)
            .await?;
        rows.iter().map(|row| row.parsed("name")).collect()
    }

    async fn proof_runs(&self, project: &ProjectName, proof: &Digest) -> StoreResult<Option<ProofRuns>> {
        self.runs_of(project, proof).await
    }

    async fn events(&self, project: &ProjectName, after: u64, limit: u32) -> StoreResult<Vec<Event>> {
        let rows = query(
            "SELECT e.seq, e.time, e.state, e.failure, u.id, u.external_id FROM events e JOIN units u ON u.seq = e.unit \
             WHERE e.project = (SELECT id FROM projects WHERE name = ?1) AND e.seq > ?2 ORDER BY e.seq LIMIT ?3",
        )
        .bind(project.as_str())
        .bind(int(after))
        .bind(limit)
        .fetch_all(&self.readers)
        .await?;
        let event = |row: &SqliteRow| {
            Ok(Event {
                seq: row.number("seq")?,
                time: row.timestamp("time")?,
                unit: UnitId::from_bytes(row.bytes("id")?),
                external_id: row.parsed("external_id")?,
                state: row.named("state", state_of)?,
                failure: row.try_get::<Option<&str>, _>("failure")?.and_then(FailureCause::from_name),
            })
        };
        rows.iter().map(event).collect()
    }

    async fn folded_events(&self, project: &ProjectName) -> StoreResult<u64> {
        let row = query("SELECT folded_events FROM projects WHERE name = ?1").bind(project.as_str());
        row.fetch_optional(&self.readers).await?.map_or(Ok(0), |row| row.number("folded_events"))
    }

    async fn last_event(&self) -> StoreResult<u64> {
        // Events may be folded, so the table's last row may be gone.
        let row = query("SELECT coalesce(max(seq), 0) AS last FROM sqlite_sequence WHERE name = 'events'");
        row.fetch_one(&self.readers).await?.number("last")
    }
}
