//! Donors and their nonces.

use super::rows::{Columns as _, int, time};
use super::{Durability, SqliteStore};
use crate::store::{Donor, Donors, StoreResult};
use async_trait::async_trait;
use protocol::{DonorCredit, DonorKey, Nonce, Timestamp};
use sqlx::query;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

/// Makes sure that the donor has a row.
pub(super) async fn seen(connection: &mut SqliteConnection, key: &DonorKey, now: Timestamp) -> StoreResult<()> {
    query("INSERT INTO donors (key, first_seen) VALUES (?1, ?2) ON CONFLICT DO NOTHING")
        .bind(&key.as_bytes()[..])
        .bind(time(now))
        .execute(connection)
        .await?;
    Ok(())
}

/// Live leases of a donor are counted at `?1`.
const SELECT: &str = "SELECT d.*, (SELECT count(*) FROM attempts a WHERE a.donor = d.key AND a.outcome = 'running' \
     AND a.expires_at > ?1) AS live_leases FROM donors d WHERE ?2 IS NULL OR d.key = ?2 \
     ORDER BY proven_steps DESC, first_seen, key";

fn donor(row: &SqliteRow) -> StoreResult<Donor> {
    let credit = DonorCredit {
        donor: DonorKey::from_bytes(row.bytes("key")?),
        proven_steps: row.number("proven_steps")?,
        proven_units: row.number("proven_units")?,
        executed_units: row.number("executed_units")?,
        refused: row.number("refused")?,
        marks: row.number("marks")?,
        live_leases: row.number("live_leases")?,
        since: row.optional_timestamp("first_seen")?,
    };
    Ok(Donor { credit, blocked_at: row.optional_timestamp("blocked_at")? })
}

#[async_trait]
impl Donors for SqliteStore {
    async fn remember_nonce(
        &self,
        donor: &DonorKey,
        nonce: &Nonce,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> StoreResult<bool> {
        let mut write = self.write(Durability::Quick).await?;
        query("DELETE FROM nonces WHERE expires_at <= ?1").bind(time(now)).execute(&mut *write).await?;
        let done = query("INSERT INTO nonces (key, nonce, expires_at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING")
            .bind(&donor.as_bytes()[..])
            .bind(&nonce.as_bytes()[..])
            .bind(int(expires_at.0))
            .execute(&mut *write)
            .await?;
        write.commit().await?;
        Ok(done.rows_affected() > 0)
    }

    async fn donor(&self, key: &DonorKey, now: Timestamp) -> StoreResult<Donor> {
        let row = query(SELECT).bind(time(now)).bind(Some(&key.as_bytes()[..]));
        if let Some(row) = row.fetch_optional(&self.readers).await? {
            return donor(&row);
        }
        let credit = DonorCredit {
            donor: *key,
            proven_steps: 0,
            proven_units: 0,
            executed_units: 0,
            refused: 0,
            marks: 0,
            live_leases: 0,
            since: None,
        };
        Ok(Donor { credit, blocked_at: None })
    }

    async fn is_blocked(&self, key: &DonorKey) -> StoreResult<bool> {
        let row = query("SELECT 1 FROM donors WHERE key = ?1 AND blocked_at IS NOT NULL").bind(&key.as_bytes()[..]);
        Ok(row.fetch_optional(&self.readers).await?.is_some())
    }

    async fn donors(&self, now: Timestamp) -> StoreResult<Vec<Donor>> {
        let rows = query(SELECT).bind(time(now)).bind(None::<&[u8]>).fetch_all(&self.readers).await?;
        rows.iter().map(donor).collect()
    }

    async fn block_donor(&self, key: &DonorKey, blocked: bool, now: Timestamp) -> StoreResult<()> {
        let mut write = self.write(Durability::Durable).await?;
        seen(&mut write, key, now).await?;
        query("UPDATE donors SET blocked_at = CASE WHEN ?2 THEN coalesce(blocked_at, ?3) END WHERE key = ?1")
            .bind(&key.as_bytes()[..])
            .bind(blocked)
            .bind(time(now))
            .execute(&mut *write)
            .await?;
        write.commit().await
    }
}
