//! Units, results and events.

use super::projects::row_of;
use super::rows::{Columns as _, attempt, int, proof, select_units, state_of, time, unit};
use super::{Durability, SqliteStore, Write};
use crate::store::{AddUnits, DrawnUnit, StoreError, StoreResult, UnitChange, Units};
use async_trait::async_trait;
use protocol::{
    Digest, Event, FailureCause, ProjectName, ResultPage, Timestamp, Unit, UnitDetail, UnitId, UnitPage, UnitResult,
    UnitState,
};
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{Row as _, query};

/// Notes a unit's new state and returns the number of the event.
pub(super) async fn event(
    write: &mut Write,
    unit: i64,
    state: UnitState,
    failure: Option<FailureCause>,
    now: Timestamp,
) -> StoreResult<i64> {
    let done = query(
        "INSERT INTO events (project, unit, state, failure, time) \
         SELECT project, seq, ?2, ?3, ?4 FROM units WHERE seq = ?1",
    )
    .bind(unit)
    .bind(state.name())
    .bind(failure.map(FailureCause::name))
    .bind(time(now))
    .execute(&mut **write)
    .await?;
    Ok(done.last_insert_rowid())
}

/// Number of a unit's row.
pub(super) async fn seq_of(connection: &mut SqliteConnection, id: &UnitId) -> StoreResult<Option<i64>> {
    let row = query("SELECT seq FROM units WHERE id = ?1").bind(&id.as_bytes()[..]).fetch_optional(connection).await?;
    Ok(row.map(|row| row.try_get("seq")).transpose()?)
}

async fn unit_row(connection: &mut SqliteConnection, id: &UnitId, now: Timestamp) -> StoreResult<Option<SqliteRow>> {
    let row = query(select_units!("WHERE u.id = ?2")).bind(time(now)).bind(&id.as_bytes()[..]);
    Ok(row.fetch_optional(connection).await?)
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
        "INSERT INTO units (id, project, external_id, arguments, estimated_steps, state, created_at, changed_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, 'queued', ?6, ?6) ON CONFLICT (project, external_id) DO NOTHING",
    )
    .bind(&drawn.id.as_bytes()[..])
    .bind(project)
    .bind(drawn.unit.external_id.as_str())
    .bind(&arguments)
    .bind(int(drawn.unit.estimated_steps))
    .bind(time(now))
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

/// Moves a unit to `queued` or `withdrawn`.
async fn move_unit(write: &mut Write, seq: i64, state: UnitState, now: Timestamp) -> StoreResult<()> {
    query("UPDATE attempts SET outcome = 'superseded', ended_at = ?2 WHERE unit = ?1 AND outcome = 'running'")
        .bind(seq)
        .bind(time(now))
        .execute(&mut **write)
        .await?;
    query(match state {
        UnitState::Queued => {
            "UPDATE units SET state = 'queued', round = round + 1, failure = NULL, failure_detail = '', \
             failure_donors = 0, lease_attempt = NULL, lease_until = 0, changed_at = ?2 WHERE seq = ?1"
        }
        _ => {
            "UPDATE units SET state = 'withdrawn', lease_attempt = NULL, lease_until = 0, changed_at = ?2 \
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
        let mut write = self.write(Durability::Durable).await?;
        let Some(row) = unit_row(&mut write, id, now).await? else { return Ok(UnitChange::Unknown) };
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
        move_unit(&mut write, seq, to, now).await?;
        let row = unit_row(&mut write, id, now).await?.ok_or(StoreError::Damaged { what: "unit" })?;
        write.commit().await?;
        unit(&row).map(UnitChange::Done)
    }
}

#[async_trait]
impl Units for SqliteStore {
    async fn add_units(&self, project: &ProjectName, units: &[DrawnUnit], now: Timestamp) -> StoreResult<AddUnits> {
        let mut write = self.write(Durability::Durable).await?;
        let Some(row) = row_of(&mut write, project).await? else { return Ok(AddUnits::UnknownProject) };
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
        write.commit().await?;
        Ok(AddUnits::Stored(stored))
    }

    async fn units(
        &self,
        project: &ProjectName,
        state: Option<UnitState>,
        cursor: u64,
        limit: u32,
        now: Timestamp,
    ) -> StoreResult<UnitPage> {
        let sql = select_units!(
            "WHERE u.project = (SELECT id FROM projects WHERE name = ?2) AND u.seq > ?3 AND (?4 IS NULL OR shown = ?4) \
             ORDER BY u.seq LIMIT ?5"
        );
        let rows = query(sql)
            .bind(time(now))
            .bind(project.as_str())
            .bind(int(cursor))
            .bind(state.map(UnitState::name))
            .bind(i64::from(limit) + 1)
            .fetch_all(&self.readers)
            .await?;
        let page = rows.get(..limit as usize).unwrap_or(&rows);
        let more = page.len() < rows.len();
        let next = if more { page.last().map(|row| row.number("seq")).transpose()? } else { None };
        Ok(UnitPage { units: page.iter().map(unit).collect::<StoreResult<_>>()?, next })
    }

    async fn unit(&self, id: &UnitId, now: Timestamp) -> StoreResult<Option<UnitDetail>> {
        let mut transaction = self.readers.begin().await?;
        let Some(row) = unit_row(&mut transaction, id, now).await? else { return Ok(None) };
        let attempts = query("SELECT * FROM attempts WHERE unit = ?1 ORDER BY number")
            .bind(row.try_get::<i64, _>("seq")?)
            .fetch_all(&mut *transaction)
            .await?;
        let attempts = attempts.iter().map(|row| attempt(row, now)).collect::<StoreResult<_>>()?;
        Ok(Some(UnitDetail { unit: unit(&row)?, attempts, proof: proof(&row)? }))
    }

    async fn results(&self, project: &ProjectName, cursor: u64, limit: u32) -> StoreResult<ResultPage> {
        let sql = select_units!(
            "WHERE u.project = (SELECT id FROM projects WHERE name = ?2) AND u.proved_seq > ?3 \
             ORDER BY u.proved_seq LIMIT ?4"
        );
        let rows = query(sql)
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

    async fn mark_collected(&self, project: &ProjectName, cursor: u64, now: Timestamp) -> StoreResult<u64> {
        let mut write = self.write(Durability::Durable).await?;
        query(
            "INSERT INTO events (project, unit, state, time) SELECT project, seq, 'collected', ?3 FROM units \
             WHERE project = (SELECT id FROM projects WHERE name = ?1) AND proved_seq <= ?2 AND collected_at IS NULL \
             ORDER BY proved_seq",
        )
        .bind(project.as_str())
        .bind(int(cursor))
        .bind(time(now))
        .execute(&mut *write)
        .await?;
        let done = query(
            "UPDATE units SET collected_at = ?3, changed_at = ?3 \
             WHERE project = (SELECT id FROM projects WHERE name = ?1) AND proved_seq <= ?2 AND collected_at IS NULL",
        )
        .bind(project.as_str())
        .bind(int(cursor))
        .bind(time(now))
        .execute(&mut *write)
        .await?;
        write.commit().await?;
        Ok(done.rows_affected())
    }

    async fn retry_unit(&self, id: &UnitId, now: Timestamp) -> StoreResult<UnitChange> {
        let already = |unit: &Unit| {
            matches!(unit.state, UnitState::Queued | UnitState::Leased | UnitState::Executed) && unit.failure.is_none()
        };
        let allowed = |unit: &Unit| !matches!(unit.state, UnitState::Proved | UnitState::Collected | UnitState::Leased);
        self.change_unit(id, UnitState::Queued, now, already, allowed).await
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

    async fn last_event(&self) -> StoreResult<u64> {
        let row = query("SELECT coalesce(max(seq), 0) AS last FROM events").fetch_one(&self.readers).await?;
        row.number("last")
    }
}
