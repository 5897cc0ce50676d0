//! Uploaders' keys.

use super::rows::{Columns as _, int, time};
use super::{Durability, SqliteStore};
use crate::store::{GivenQuota, Keys, Scopes, StoreResult, UploaderKey};
use async_trait::async_trait;
use protocol::{Digest, Timestamp, UploaderKeyId};
use sqlx::query;
use sqlx::sqlite::SqliteRow;

fn key(row: &SqliteRow) -> StoreResult<UploaderKey> {
    let flag = |column| row.number(column).map(|flag| flag != 0);
    let id = UploaderKeyId::from_bytes(row.bytes("id")?);
    Ok(UploaderKey {
        id,
        name: row.text("name")?,
        secret_hash: Digest::from_bytes(row.bytes("secret_hash")?),
        projects: row.text("projects")?,
        scopes: Scopes { push: flag("push")?, read: flag("read")?, withdraw: flag("withdraw")? },
        owner: row.optional_bytes("owner")?.map_or(id, UploaderKeyId::from_bytes),
        quota: GivenQuota {
            projects: row.optional_number("max_projects")?,
            units: row.optional_number("max_units")?,
            bytes: row.optional_number("max_bytes")?,
        },
        created_at: row.timestamp("created_at")?,
        revoked_at: row.optional_timestamp("revoked_at")?,
    })
}

#[async_trait]
impl Keys for SqliteStore {
    async fn add_key(&self, key: &UploaderKey) -> StoreResult<()> {
        let mut write = self.write(Durability::Durable).await?;
        query(
            "INSERT INTO uploader_keys (id, name, secret_hash, projects, push, read, withdraw, created_at, owner, \
             max_projects, max_units, max_bytes) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        )
        .bind(&key.id.as_bytes()[..])
        .bind(&key.name)
        .bind(&key.secret_hash.as_bytes()[..])
        .bind(&key.projects)
        .bind(key.scopes.push)
        .bind(key.scopes.read)
        .bind(key.scopes.withdraw)
        .bind(time(key.created_at))
        .bind(&key.owner.as_bytes()[..])
        .bind(key.quota.projects.map(int))
        .bind(key.quota.units.map(int))
        .bind(key.quota.bytes.map(int))
        .execute(&mut *write)
        .await?;
        write.commit().await
    }

    async fn key(&self, id: &UploaderKeyId) -> StoreResult<Option<UploaderKey>> {
        let row = query("SELECT * FROM uploader_keys WHERE id = ?1").bind(&id.as_bytes()[..]);
        row.fetch_optional(&self.readers).await?.as_ref().map(key).transpose()
    }

    async fn keys(&self) -> StoreResult<Vec<UploaderKey>> {
        let rows = query("SELECT * FROM uploader_keys ORDER BY created_at, id").fetch_all(&self.readers).await?;
        rows.iter().map(key).collect()
    }

    async fn revoke_key(&self, id: &UploaderKeyId, now: Timestamp) -> StoreResult<bool> {
        let mut write = self.write(Durability::Durable).await?;
        let done = query("UPDATE uploader_keys SET revoked_at = coalesce(revoked_at, ?2) WHERE id = ?1")
            .bind(&id.as_bytes()[..])
            .bind(time(now))
            .execute(&mut *write)
            .await?;
        write.commit().await?;
        Ok(done.rows_affected() > 0)
    }
}
