//! Projects.

use super::rows::{Columns as _, int, project_name, spec, time};
use super::{Durability, SqliteStore, Write};
use crate::store::{Projects, PutProject, StoreError, StoreResult};
use async_trait::async_trait;
use protocol::{Project, ProjectName, ProjectSpec, ProjectState, Timestamp, UnitCounts, UploaderKeyId};
use sqlx::query;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use std::collections::HashMap;

/// Units by project and state, as they show at a time.
const COUNTS: &str = "SELECT project, CASE WHEN state IN ('queued', 'executed') AND lease_until > ?1 THEN 'leased' \
     WHEN collected_at IS NOT NULL THEN 'collected' ELSE state END AS shown, count(*) AS units \
     FROM units WHERE ?2 IS NULL OR project = ?2 GROUP BY project, shown";

async fn counts(
    connection: &mut SqliteConnection,
    project: Option<i64>,
    now: Timestamp,
) -> StoreResult<HashMap<u64, UnitCounts>> {
    let mut all: HashMap<u64, UnitCounts> = HashMap::new();
    for row in query(COUNTS).bind(time(now)).bind(project).fetch_all(connection).await? {
        let counts = all.entry(row.number("project")?).or_default();
        let place = match row.text("shown")?.as_str() {
            "queued" => &mut counts.queued,
            "leased" => &mut counts.leased,
            "executed" => &mut counts.executed,
            "proved" => &mut counts.proved,
            "collected" => &mut counts.collected,
            "failed" => &mut counts.failed,
            "withdrawn" => &mut counts.withdrawn,
            _ => return Err(StoreError::Damaged { what: "state" }),
        };
        *place = row.number("units")?;
    }
    Ok(all)
}

fn project(row: &SqliteRow, counts: &HashMap<u64, UnitCounts>) -> StoreResult<Project> {
    let withdrawn = row.optional_timestamp("withdrawn_at")?.is_some();
    Ok(Project {
        name: project_name(row)?,
        spec: spec(row)?,
        state: if withdrawn { ProjectState::Withdrawn } else { ProjectState::Active },
        units: counts.get(&row.number("id")?).copied().unwrap_or_default(),
        proven_steps: row.number("proven_steps")?,
        created_at: row.timestamp("created_at")?,
    })
}

/// The project's row, if there is one.
pub(super) async fn row_of(connection: &mut SqliteConnection, name: &ProjectName) -> StoreResult<Option<SqliteRow>> {
    Ok(query("SELECT * FROM projects WHERE name = ?1").bind(name.as_str()).fetch_optional(connection).await?)
}

async fn load(connection: &mut SqliteConnection, name: &ProjectName, now: Timestamp) -> StoreResult<Option<Project>> {
    let Some(row) = row_of(connection, name).await? else { return Ok(None) };
    let counts = counts(connection, Some(int(row.number("id")?)), now).await?;
    project(&row, &counts).map(Some)
}

async fn insert(
    write: &mut Write,
    name: &ProjectName,
    spec: &ProjectSpec,
    owner: &UploaderKeyId,
    now: Timestamp,
) -> StoreResult<()> {
    query(
        "INSERT INTO projects (name, owner, program, record, program_hash, signer, signature, max_steps, \
         max_memory_cells, time_limit, preset, description, weight, created_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
    )
    .bind(name.as_str())
    .bind(&owner.as_bytes()[..])
    .bind(&spec.program.as_bytes()[..])
    .bind(&spec.record.as_bytes()[..])
    .bind(&spec.program_hash.as_bytes()[..])
    .bind(&spec.signer.as_bytes()[..])
    .bind(&spec.signature.as_bytes()[..])
    .bind(int(spec.limits.max_steps))
    .bind(int(spec.limits.max_memory_cells))
    .bind(int(spec.limits.time_limit))
    .bind(spec.preset.name())
    .bind(&spec.description)
    .bind(spec.weight)
    .bind(time(now))
    .execute(&mut **write)
    .await?;
    Ok(())
}

async fn update(write: &mut Write, name: &ProjectName, spec: &ProjectSpec) -> StoreResult<()> {
    query(
        "UPDATE projects SET max_steps = ?2, max_memory_cells = ?3, time_limit = ?4, description = ?5, weight = ?6 \
         WHERE name = ?1",
    )
    .bind(name.as_str())
    .bind(int(spec.limits.max_steps))
    .bind(int(spec.limits.max_memory_cells))
    .bind(int(spec.limits.time_limit))
    .bind(&spec.description)
    .bind(spec.weight)
    .execute(&mut **write)
    .await?;
    Ok(())
}

/// Why a name belongs to something else, if it does.
fn taken(old: &ProjectSpec, new: &ProjectSpec) -> Option<String> {
    if old.program != new.program {
        return Some(format!("it runs another program (SHA-256 {}, yours is {})", old.program, new.program));
    }
    if old.record != new.record || old.program_hash != new.program_hash {
        return Some(format!(
            "its program was recorded differently (hash {}, yours is {})",
            old.program_hash, new.program_hash
        ));
    }
    if old.signer != new.signer {
        return Some(format!("its program was signed by {}, yours by {}", old.signer, new.signer));
    }
    if old.preset != new.preset {
        return Some(format!("its proofs are made with the preset {}, yours asks for {}", old.preset, new.preset));
    }
    None
}

/// The settings that differ and may be changed.
fn differing(old: &ProjectSpec, new: &ProjectSpec) -> Vec<String> {
    [
        ("limits", old.limits != new.limits),
        ("description", old.description != new.description),
        ("weight", old.weight != new.weight),
    ]
    .into_iter()
    .filter(|(_, differs)| *differs)
    .map(|(name, _)| name.to_owned())
    .collect()
}

#[async_trait]
impl Projects for SqliteStore {
    async fn put_project(
        &self,
        name: &ProjectName,
        new: &ProjectSpec,
        owner: &UploaderKeyId,
        now: Timestamp,
    ) -> StoreResult<PutProject> {
        let mut write = self.write(Durability::Durable).await?;
        let changed = match load(&mut write, name, now).await? {
            None => {
                insert(&mut write, name, new, owner, now).await?;
                None
            }
            Some(old) if old.state == ProjectState::Withdrawn => return Ok(PutProject::Withdrawn),
            Some(old) => {
                if let Some(reason) = taken(&old.spec, new) {
                    return Ok(PutProject::Taken(reason));
                }
                let changed = differing(&old.spec, new);
                if changed.is_empty() {
                    return Ok(PutProject::Updated(old, changed));
                }
                update(&mut write, name, new).await?;
                Some(changed)
            }
        };
        let project = load(&mut write, name, now).await?.ok_or(StoreError::Damaged { what: "project" })?;
        write.commit().await?;
        Ok(match changed {
            None => PutProject::Created(project),
            Some(changed) => PutProject::Updated(project, changed),
        })
    }

    async fn project(&self, name: &ProjectName, now: Timestamp) -> StoreResult<Option<Project>> {
        let mut connection = self.readers.acquire().await?;
        load(&mut connection, name, now).await
    }

    async fn projects(&self, now: Timestamp) -> StoreResult<Vec<Project>> {
        let mut connection = self.readers.acquire().await?;
        let counts = counts(&mut connection, None, now).await?;
        let rows = query("SELECT * FROM projects ORDER BY name").fetch_all(&mut *connection).await?;
        rows.iter().map(|row| project(row, &counts)).collect()
    }

    async fn withdraw_project(&self, name: &ProjectName, now: Timestamp) -> StoreResult<Option<u64>> {
        let mut write = self.write(Durability::Durable).await?;
        let Some(row) = row_of(&mut write, name).await? else { return Ok(None) };
        let id = int(row.number("id")?);
        query("UPDATE projects SET withdrawn_at = coalesce(withdrawn_at, ?2) WHERE id = ?1")
            .bind(id)
            .bind(time(now))
            .execute(&mut *write)
            .await?;
        for sql in [
            "INSERT INTO events (project, unit, state, time) SELECT project, seq, 'withdrawn', ?2 FROM units \
             WHERE project = ?1 AND state IN ('queued', 'executed', 'failed') ORDER BY seq",
            "UPDATE attempts SET outcome = 'superseded', ended_at = ?2 WHERE outcome = 'running' AND unit IN \
             (SELECT seq FROM units WHERE project = ?1 AND state IN ('queued', 'executed', 'failed'))",
        ] {
            query(sql).bind(id).bind(time(now)).execute(&mut *write).await?;
        }
        let withdrawn = query(
            "UPDATE units SET state = 'withdrawn', lease_attempt = NULL, lease_until = 0, changed_at = ?2 \
             WHERE project = ?1 AND state IN ('queued', 'executed', 'failed')",
        )
        .bind(id)
        .bind(time(now))
        .execute(&mut *write)
        .await?
        .rows_affected();
        write.commit().await?;
        Ok(Some(withdrawn))
    }
}
