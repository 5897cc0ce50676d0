//! Deleting projects that were withdrawn, with all that belongs to them: at once for everybody who asks for work or pushes, and
//! a batch at a time on disk.

use super::projects::{page, row_of};
use super::rows::{BATCH, Columns as _, int, list_of, time};
use super::{Durability, SqliteStore, Write};
use crate::store::{Removal, RemoveProject, StoreResult};
use async_trait::async_trait;
use protocol::{ProjectList, ProjectName, Timestamp};
use sqlx::{Row as _, query};

/// The projects that are not withdrawn, by name.
pub(super) const ACTIVE: &str =
    "SELECT * FROM projects INDEXED BY projects_active WHERE withdrawn_at IS NULL AND name > ?1 ORDER BY name LIMIT ?2";

/// A project that is being deleted.
pub(super) const REMOVED: &str =
    "SELECT id FROM projects INDEXED BY projects_removed WHERE removed_at IS NOT NULL LIMIT 1";

/// Units of a project that are lent at `?2`, when no lease ends after `?3`.
const LENT: &str = "SELECT count(*) AS units FROM units INDEXED BY units_lent WHERE project = ?1 \
     AND lease_attempt IS NOT NULL AND lease_until > ?2 AND lease_until <= ?3";

/// What belongs to a batch of units, by the list of their rows. Their proofs are of no other project's units.
const OF_UNITS: [&str; 7] = [
    "DELETE FROM attempts WHERE unit IN (SELECT value FROM json_each(?1))",
    "DELETE FROM reports WHERE unit IN (SELECT value FROM json_each(?1))",
    // What donors were credited for stays theirs.
    "INSERT INTO departed (donor, team, hour, steps, units, proofs) SELECT donor, coalesce(team, 0), time / 3600, sum(steps), \
     count(*), sum(files) FROM receipts WHERE unit IN (SELECT value FROM json_each(?1)) AND kind = 'proof' AND fresh = 1 \
     GROUP BY donor, coalesce(team, 0), time / 3600 ON CONFLICT DO UPDATE SET steps = steps + excluded.steps, \
     units = units + excluded.units, proofs = proofs + excluded.proofs",
    "DELETE FROM receipts WHERE unit IN (SELECT value FROM json_each(?1))",
    "DELETE FROM proof_runs WHERE proof IN (SELECT f.id FROM units u JOIN proofs f ON f.sha256 = u.proof \
     AND f.project = u.project WHERE u.seq IN (SELECT value FROM json_each(?1)))",
    "DELETE FROM proofs WHERE id IN (SELECT f.id FROM units u JOIN proofs f ON f.sha256 = u.proof \
     AND f.project = u.project WHERE u.seq IN (SELECT value FROM json_each(?1)))",
    "DELETE FROM units WHERE seq IN (SELECT value FROM json_each(?1))",
];

/// What belongs to the project itself. Its files go if no other project has them.
const OF_PROJECT: [&str; 9] = [
    "DELETE FROM proof_runs WHERE proof IN (SELECT id FROM proofs WHERE project = ?1)",
    "DELETE FROM proofs WHERE project = ?1",
    "DELETE FROM standings WHERE project = ?1",
    "DELETE FROM unit_counts WHERE project = ?1",
    "DELETE FROM pages WHERE project = ?1",
    "DELETE FROM tallies WHERE kind = 'project' AND subject = ?1",
    "DELETE FROM shares WHERE kind = 'project' AND subject = ?1",
    "INSERT OR IGNORE INTO orphans (kind, sha256) SELECT 'program', program FROM projects WHERE id = ?1 \
     UNION SELECT 'record', record FROM projects WHERE id = ?1",
    "DELETE FROM projects WHERE id = ?1",
];

#[async_trait]
impl Removal for SqliteStore {
    async fn active_projects(
        &self,
        after: Option<&ProjectName>,
        limit: u32,
        now: Timestamp,
    ) -> StoreResult<ProjectList> {
        page(self, ACTIVE, after, limit, now).await
    }

    async fn remove_project(&self, name: &ProjectName, force: bool, now: Timestamp) -> StoreResult<RemoveProject> {
        let mut write = self.write(Durability::Durable).await?;
        let Some(row) = row_of(&mut write, name).await? else { return Ok(RemoveProject::Unknown) };
        if row.optional_timestamp("withdrawn_at")?.is_none() {
            return Ok(RemoveProject::Active);
        }
        let id = int(row.number("id")?);
        let counts = super::counts::counts(&mut write, id, now, self.far(now)).await?;
        let lent = query(LENT).bind(id).bind(time(now)).bind(time(self.far(now)));
        let lent = lent.fetch_one(&mut *write).await?.number("units")?;
        if !force && lent > 0 {
            return Ok(RemoveProject::Lent(lent));
        }
        if !force && counts.proved > 0 {
            return Ok(RemoveProject::Uncollected(counts.proved));
        }
        query("UPDATE projects SET removed_at = coalesce(removed_at, ?2) WHERE id = ?1")
            .bind(id)
            .bind(time(now))
            .execute(&mut *write)
            .await?;
        write.commit().await?;
        Ok(RemoveProject::Begun(counts.total()))
    }

    async fn remove_more(&self) -> StoreResult<bool> {
        let mut write = self.write_loosely().await?;
        let Some(row) = query(REMOVED).fetch_optional(&mut *write).await? else { return Ok(false) };
        let project = row.try_get("id")?;
        if !remove_units(&mut write, project).await? && !remove_events(&mut write, project).await? {
            for sql in OF_PROJECT {
                query(sql).bind(project).execute(&mut *write).await?;
            }
        }
        write.commit().await?;
        Ok(true)
    }
}

/// Deletes some units of a project; whether there were any.
async fn remove_units(write: &mut Write, project: i64) -> StoreResult<bool> {
    let rows = query("SELECT seq FROM units INDEXED BY units_order WHERE project = ?1 ORDER BY seq LIMIT ?2");
    let rows = rows.bind(project).bind(BATCH).fetch_all(&mut **write).await?;
    if rows.is_empty() {
        return Ok(false);
    }
    let batch = list_of(&rows)?;
    for sql in OF_UNITS {
        query(sql).bind(&batch).execute(&mut **write).await?;
    }
    Ok(true)
}

/// Deletes some events of a project; whether there were any.
async fn remove_events(write: &mut Write, project: i64) -> StoreResult<bool> {
    let sql = "DELETE FROM events WHERE seq IN (SELECT seq FROM events INDEXED BY events_project WHERE project = ?1 LIMIT ?2)";
    let deleted = query(sql).bind(project).bind(BATCH).execute(&mut **write).await?;
    Ok(deleted.rows_affected() > 0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::store::IfMissing;

    /// Whatever refers to projects or units, in this version of the schema, is deleted here: a table that is added later and forgotten
    /// fails this.
    #[tokio::test]
    async fn nothing_that_refers_to_a_project_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("cairn.db"), IfMissing::Make).await.unwrap();
        let tables = query("SELECT name FROM sqlite_master WHERE type = 'table'");
        let tables = tables.fetch_all(&store.readers).await.unwrap();
        let mut found = Vec::new();
        for table in tables.iter().map(|row| row.text("name").unwrap()) {
            let list: &'static str = format!("PRAGMA foreign_key_list({table})").leak();
            let keys = query(list).fetch_all(&store.readers).await.unwrap();
            if keys.iter().any(|key| ["projects", "units", "proofs"].contains(&key.text("table").unwrap().as_str())) {
                found.push(table);
            }
        }
        let sql = [&OF_UNITS[..], &OF_PROJECT[..], &["DELETE FROM events "]].concat();
        for table in &found {
            let deleted = sql.iter().any(|sql| sql.starts_with(&format!("DELETE FROM {table} ")));
            assert!(deleted, "{table} refers to what is deleted");
        }
        assert!(found.len() >= 7, "{found:?}");
    }
}
