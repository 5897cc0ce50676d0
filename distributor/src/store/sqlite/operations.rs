//! The operator's side.

use super::rows::Columns as _;
use super::{Durability, SqliteStore};
use crate::blobs::Kind;
use crate::store::{BlobRef, Copies, Miscount, Operations, Rules, StoreError, StoreResult, Thinned};
use async_trait::async_trait;
use protocol::{Digest, Timestamp};
use sqlx::query;
use sqlx::sqlite::SqliteRow;
use std::path::Path;
use std::sync::PoisonError;

#[async_trait]
impl Operations for SqliteStore {
    async fn ping(&self) -> StoreResult<()> {
        query("SELECT 1 FROM settings").fetch_optional(&self.readers).await?;
        Ok(())
    }

    async fn is_paused(&self) -> StoreResult<bool> {
        Ok(query("SELECT 1 FROM settings WHERE name = 'paused'").fetch_optional(&self.readers).await?.is_some())
    }

    async fn set_paused(&self, paused: bool) -> StoreResult<()> {
        let mut write = self.write(Durability::Durable).await?;
        query(if paused {
            "INSERT INTO settings (name, value) VALUES ('paused', '1') ON CONFLICT DO NOTHING"
        } else {
            "DELETE FROM settings WHERE name = 'paused'"
        })
        .execute(&mut *write)
        .await?;
        write.commit().await
    }

    fn set_rules(&self, rules: Rules) {
        *self.rules.write().unwrap_or_else(PoisonError::into_inner) = rules;
    }

    async fn orphans(&self, limit: u32) -> StoreResult<Vec<BlobRef>> {
        let rows = query("SELECT kind, sha256 FROM orphans LIMIT ?1").bind(limit).fetch_all(&self.readers).await?;
        let read = |row: &SqliteRow| {
            let kind = row.named("kind", |name| Kind::ALL.into_iter().find(|kind| kind.name() == name))?;
            Ok(BlobRef { kind, sha256: Digest::from_bytes(row.bytes("sha256")?) })
        };
        rows.iter().map(read).collect()
    }

    async fn forget_orphan(&self, file: &BlobRef) -> StoreResult<()> {
        let mut write = self.write(Durability::Quick).await?;
        for sql in [
            "DELETE FROM orphans WHERE kind = ?1 AND sha256 = ?2",
            "DELETE FROM uploads WHERE kind = ?1 AND sha256 = ?2",
        ] {
            query(sql).bind(file.kind.name()).bind(&file.sha256.as_bytes()[..]).execute(&mut *write).await?;
        }
        write.commit().await
    }

    fn file(&self) -> Option<&Path> {
        Some(&self.path)
    }

    async fn fold(&self, now: Timestamp) -> StoreResult<u64> {
        self.fold_all(now).await
    }

    async fn thin(&self, now: Timestamp, look_only: bool) -> StoreResult<Vec<Thinned>> {
        self.thin_all(now, look_only).await
    }

    async fn recount(&self, mend: bool) -> StoreResult<Vec<Miscount>> {
        self.compare_counts(mend).await
    }

    async fn needs_file(&self, file: &BlobRef) -> StoreResult<bool> {
        let sql = match file.kind {
            Kind::Program => "SELECT 1 FROM projects WHERE program = ?1 LIMIT 1",
            Kind::Record => "SELECT 1 FROM projects WHERE record = ?1 LIMIT 1",
            Kind::Execution => "SELECT 1 FROM units WHERE execution = ?1 AND state = 'executed' LIMIT 1",
            Kind::Proof => "SELECT 1 FROM proofs WHERE sha256 = ?1 AND thinned_at IS NULL LIMIT 1",
        };
        Ok(query(sql).bind(&file.sha256.as_bytes()[..]).fetch_optional(&self.readers).await?.is_some())
    }

    async fn blob_refs(&self) -> StoreResult<Vec<BlobRef>> {
        let mut refs = Vec::new();
        for (kind, sql) in [
            (Kind::Program, "SELECT DISTINCT program AS sha256 FROM projects"),
            (Kind::Record, "SELECT DISTINCT record AS sha256 FROM projects"),
            (Kind::Execution, "SELECT DISTINCT execution AS sha256 FROM units WHERE state = 'executed'"),
            (Kind::Proof, "SELECT DISTINCT sha256 FROM proofs WHERE thinned_at IS NULL"),
        ] {
            for row in query(sql).fetch_all(&self.readers).await? {
                refs.push(BlobRef { kind, sha256: Digest::from_bytes(row.bytes("sha256")?) });
            }
        }
        Ok(refs)
    }

    fn copies(&self) -> Option<&dyn Copies> {
        Some(self)
    }

    async fn close(&self) {
        tracing::debug!(path = %self.path.display(), "closing the database");
        self.readers.close().await;
        self.quick.close().await;
        self.loose.close().await;
        // The last connection checkpoints the write-ahead log.
        self.durable.close().await;
    }
}

#[async_trait]
impl Copies for SqliteStore {
    async fn copy_to(&self, path: &Path) -> StoreResult<()> {
        let Some(target) = path.to_str() else {
            return Err(StoreError::Failed(format!("the path {} is no Unicode text", path.display())));
        };
        query("VACUUM INTO ?1").bind(target).execute(&self.readers).await?;
        Ok(())
    }
}
