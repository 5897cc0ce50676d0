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

/// Donors with their live leases at `?1`; none of these ends after `?2`. Which donors, and their order, follow.
macro_rules! select_donors {
    ($rest:literal) => {
        concat!(
            "SELECT d.*, (SELECT count(*) FROM attempts a WHERE a.donor = d.key AND a.outcome = 'running' ",
            "AND a.expires_at > ?1 AND a.expires_at <= ?2) AS live_leases FROM donors d ",
            $rest
        )
    };
}

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
    let (blocked_at, trusted_at) = (row.optional_timestamp("blocked_at")?, row.optional_timestamp("trusted_at")?);
    Ok(Donor { credit, blocked_at, trusted_at })
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
        // Those that end much later than the new one were noted while the clock was wrong; their requests are too new by now.
        let far = now.plus(expires_at.since(now).saturating_mul(2));
        for (sql, limit) in
            [("DELETE FROM nonces WHERE expires_at <= ?1", now), ("DELETE FROM nonces WHERE expires_at > ?1", far)]
        {
            query(sql).bind(time(limit)).execute(&mut *write).await?;
        }
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
        let far = now.plus(self.rules().longest_lease);
        let row = query(select_donors!("WHERE d.key = ?3"));
        let row = row.bind(time(now)).bind(time(far)).bind(&key.as_bytes()[..]);
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
        Ok(Donor { credit, blocked_at: None, trusted_at: None })
    }

    async fn is_blocked(&self, key: &DonorKey) -> StoreResult<bool> {
        let row = query("SELECT 1 FROM donors WHERE key = ?1 AND blocked_at IS NOT NULL").bind(&key.as_bytes()[..]);
        Ok(row.fetch_optional(&self.readers).await?.is_some())
    }

    async fn donors(&self, now: Timestamp) -> StoreResult<Vec<Donor>> {
        let far = now.plus(self.rules().longest_lease);
        let sql = select_donors!("ORDER BY proven_steps DESC, first_seen, key");
        let rows = query(sql).bind(time(now)).bind(time(far)).fetch_all(&self.readers).await?;
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

    async fn trust_donor(&self, key: &DonorKey, trusted: bool, now: Timestamp) -> StoreResult<()> {
        self.name_donor(key, trusted, now).await
    }
}
