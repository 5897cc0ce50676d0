//! Projects.

use super::counts::{counts, over_quota};
use super::rows::{BATCH, Columns as _, int, list_of, project_name, spec, time};
use super::{Durability, SqliteStore, Write};
use crate::store::{BlobRef, OverQuota, Projects, Pusher, PutProject, StoreError, StoreResult};
use async_trait::async_trait;
use protocol::{Project, ProjectList, ProjectName, ProjectSpec, ProjectState, ProofCounts, Timestamp, UploaderKeyId};
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{Row as _, query};

async fn project(
    connection: &mut SqliteConnection,
    row: &SqliteRow,
    now: Timestamp,
    far: Timestamp,
) -> StoreResult<Project> {
    let units = counts(connection, int(row.number("id")?), now, far).await?;
    let withdrawn = row.optional_timestamp("withdrawn_at")?.is_some();
    let state = match withdrawn {
        false => ProjectState::Active,
        true if units.open() + units.failed > 0 => ProjectState::Withdrawing,
        true => ProjectState::Withdrawn,
    };
    let spec = spec(row)?;
    Ok(Project {
        name: project_name(row)?,
        weight: spec.weight.min(row.small("most_weight")?),
        spec,
        state,
        units,
        proven_steps: row.number("proven_steps")?,
        proofs: ProofCounts {
            files: row.number("proof_files")?,
            bytes: row.number("proof_bytes")?,
            thinned: row.number("thinned_files")?,
        },
        created_at: row.timestamp("created_at")?,
    })
}

/// The project's row, if there is one.
pub(super) async fn row_of(connection: &mut SqliteConnection, name: &ProjectName) -> StoreResult<Option<SqliteRow>> {
    Ok(query("SELECT * FROM projects WHERE name = ?1").bind(name.as_str()).fetch_optional(connection).await?)
}

async fn load(
    connection: &mut SqliteConnection,
    name: &ProjectName,
    now: Timestamp,
    far: Timestamp,
) -> StoreResult<Option<Project>> {
    let Some(row) = row_of(connection, name).await? else { return Ok(None) };
    project(connection, &row, now, far).await.map(Some)
}

/// A page of projects that come by name, of those after `after`.
pub(super) async fn page(
    store: &SqliteStore,
    sql: &'static str,
    after: Option<&ProjectName>,
    limit: u32,
    now: Timestamp,
) -> StoreResult<ProjectList> {
    let mut transaction = store.readers.begin().await?;
    // No name is empty, so all come after the empty one. One more row than asked for says whether there is another page.
    let rows = query(sql)
        .bind(after.map_or("", ProjectName::as_str))
        .bind(i64::from(limit) + 1)
        .fetch_all(&mut *transaction)
        .await?;
    let mut projects = Vec::with_capacity(rows.len());
    for row in rows.iter().take(limit as usize) {
        projects.push(project(&mut transaction, row, now, store.far(now)).await?);
    }
    let more = rows.len() > projects.len();
    let next = projects.last().filter(|_| more).map(|last: &Project| last.name.clone());
    Ok(ProjectList { projects, next })
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
         max_memory_cells, time_limit, preset, description, weight, created_at, signed, byte_price, keep_proofs) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, 1, ?15, ?16)",
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
    .bind(spec.byte_price)
    .bind(spec.keep_proofs.to_string())
    .execute(&mut **write)
    .await?;
    Ok(())
}

/// Changes the settings. What donors said about units under other limits does not count any more.
async fn update(write: &mut Write, name: &ProjectName, spec: &ProjectSpec) -> StoreResult<()> {
    query(
        "UPDATE projects SET limits = limits + (max_steps <> ?2 OR max_memory_cells <> ?3 OR time_limit <> ?4), \
         max_steps = ?2, max_memory_cells = ?3, time_limit = ?4, description = ?5, weight = ?6, signature = ?7, signed = 1, \
         byte_price = ?8, keep_proofs = ?9 WHERE name = ?1",
    )
    .bind(name.as_str())
    .bind(int(spec.limits.max_steps))
    .bind(int(spec.limits.max_memory_cells))
    .bind(int(spec.limits.time_limit))
    .bind(&spec.description)
    .bind(spec.weight)
    .bind(&spec.signature.as_bytes()[..])
    .bind(spec.byte_price)
    .bind(spec.keep_proofs.to_string())
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
        ("byte_price", old.byte_price != new.byte_price),
        ("keep_proofs", old.keep_proofs != new.keep_proofs),
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
        by: &Pusher,
        now: Timestamp,
    ) -> StoreResult<PutProject> {
        let far = self.far(now);
        let mut write = self.write(Durability::Durable).await?;
        let changed = match row_of(&mut write, name).await? {
            None => {
                insert(&mut write, name, new, &by.owner, now).await?;
                if let Some(over) = over_quota(&mut write, by, 1, 0, 0).await? {
                    return Ok(PutProject::OverQuota(over));
                }
                None
            }
            Some(row) if row.bytes("owner")? != *by.owner.as_bytes() => return Ok(PutProject::NotOwner),
            Some(row) if row.optional_timestamp("withdrawn_at")?.is_some() => return Ok(PutProject::Withdrawn),
            Some(row) => {
                let old = spec(&row)?;
                if let Some(reason) = taken(&old, new) {
                    return Ok(PutProject::Taken(reason));
                }
                let changed = differing(&old, new);
                if !changed.is_empty() || row.number("signed")? == 0 {
                    update(&mut write, name, new).await?;
                }
                Some(changed)
            }
        };
        let project = load(&mut write, name, now, far).await?.ok_or(StoreError::Damaged { what: "project" })?;
        write.commit().await?;
        Ok(match changed {
            None => PutProject::Created(project),
            Some(changed) => PutProject::Updated(project, changed),
        })
    }

    async fn project(&self, name: &ProjectName, now: Timestamp) -> StoreResult<Option<Project>> {
        let mut transaction = self.readers.begin().await?;
        load(&mut transaction, name, now, self.far(now)).await
    }

    async fn projects(&self, after: Option<&ProjectName>, limit: u32, now: Timestamp) -> StoreResult<ProjectList> {
        page(self, "SELECT * FROM projects WHERE name > ?1 ORDER BY name LIMIT ?2", after, limit, now).await
    }

    async fn project_owner(&self, name: &ProjectName) -> StoreResult<Option<UploaderKeyId>> {
        let row = query("SELECT owner FROM projects WHERE name = ?1").bind(name.as_str());
        let row = row.fetch_optional(&self.readers).await?;
        row.map(|row| Ok(UploaderKeyId::from_bytes(row.bytes("owner")?))).transpose()
    }

    async fn give_project(&self, name: &ProjectName, owner: &UploaderKeyId) -> StoreResult<bool> {
        let mut write = self.write(Durability::Durable).await?;
        let done = query("UPDATE projects SET owner = ?2 WHERE name = ?1")
            .bind(name.as_str())
            .bind(&owner.as_bytes()[..])
            .execute(&mut *write)
            .await?;
        write.commit().await?;
        Ok(done.rows_affected() > 0)
    }

    async fn set_weight(&self, name: &ProjectName, weight: u32) -> StoreResult<bool> {
        let mut write = self.write(Durability::Durable).await?;
        let done = query("UPDATE projects SET most_weight = ?2 WHERE name = ?1")
            .bind(name.as_str())
            .bind(weight)
            .execute(&mut *write)
            .await?;
        write.commit().await?;
        Ok(done.rows_affected() > 0)
    }

    async fn note_upload(
        &self,
        file: &BlobRef,
        size: u64,
        by: &Pusher,
        now: Timestamp,
    ) -> StoreResult<Option<OverQuota>> {
        let mut write = self.write(Durability::Durable).await?;
        let noted = query(
            "INSERT INTO uploads (kind, sha256, owner, size, time) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
        )
        .bind(file.kind.name())
        .bind(&file.sha256.as_bytes()[..])
        .bind(&by.owner.as_bytes()[..])
        .bind(int(size))
        .bind(time(now))
        .execute(&mut *write)
        .await?;
        let more = if noted.rows_affected() > 0 { size } else { 0 };
        let over = over_quota(&mut write, by, 0, 0, more).await?;
        if over.is_none() {
            write.commit().await?;
        }
        Ok(over)
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
        let open = query(
            "SELECT coalesce(sum(units), 0) AS units FROM unit_counts WHERE project = ?1 \
             AND state IN ('queued', 'executed', 'failed')",
        );
        let open = open.bind(id).fetch_one(&mut *write).await?.number("units")?;
        withdraw_batch(&mut write, id, now).await?;
        write.commit().await?;
        Ok(Some(open))
    }

    async fn withdraw_more(&self, now: Timestamp) -> StoreResult<bool> {
        let mut write = self.write(Durability::Durable).await?;
        let row = query(WITHDRAWING).fetch_optional(&mut *write).await?;
        let Some(row) = row else { return Ok(false) };
        withdraw_batch(&mut write, row.try_get("id")?, now).await?;
        write.commit().await?;
        Ok(true)
    }
}

/// A withdrawn project with units that are not.
pub(super) const WITHDRAWING: &str = "SELECT id FROM projects p WHERE withdrawn_at IS NOT NULL AND EXISTS (SELECT 1 \
     FROM unit_counts WHERE project = p.id AND state IN ('queued', 'executed', 'failed') AND units > 0) LIMIT 1";

/// Withdraws some units of a project that are not proved.
async fn withdraw_batch(write: &mut Write, project: i64, now: Timestamp) -> StoreResult<()> {
    let rows = query(
        "SELECT seq FROM units INDEXED BY units_counted WHERE project = ?1 AND counted IN ('queued', 'executed', 'failed') \
         LIMIT ?2",
    )
    .bind(project)
    .bind(BATCH)
    .fetch_all(&mut **write)
    .await?;
    let batch = list_of(&rows)?;
    for sql in [
        "INSERT INTO events (project, unit, state, time) SELECT project, seq, 'withdrawn', ?2 FROM units \
         WHERE seq IN (SELECT value FROM json_each(?1)) ORDER BY seq",
        "UPDATE attempts SET outcome = 'superseded', ended_at = ?2 WHERE outcome = 'running' \
         AND unit IN (SELECT value FROM json_each(?1))",
        "UPDATE units SET state = 'withdrawn', suspect = 0, lease_attempt = NULL, lease_until = 0, changed_at = ?2 \
         WHERE seq IN (SELECT value FROM json_each(?1))",
    ] {
        query(sql).bind(&batch).bind(time(now)).execute(&mut **write).await?;
    }
    Ok(())
}
