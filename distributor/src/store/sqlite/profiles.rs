//! What donors say of themselves.

use super::donors::seen;
use super::rows::Columns as _;
use super::statistics::{nickname, rank, tally};
use super::{Durability, SqliteStore};
use crate::store::StoreResult;
use protocol::{DonorKey, DonorPage, DonorProfile, ShareRow, Tally, TeamId, Timestamp};
use sqlx::query;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

/// Projects of a donor that are shown.
const PROJECTS: u32 = 50;

/// The projects that a donor did most for.
async fn projects(connection: &mut SqliteConnection, key: &DonorKey) -> StoreResult<Vec<ShareRow>> {
    let rows = query(
        "SELECT p.name, s.steps, s.units, s.proofs FROM shares s JOIN projects p ON p.id = s.subject \
         WHERE s.donor = ?1 AND s.kind = 'project' ORDER BY s.steps DESC LIMIT ?2",
    )
    .bind(&key.as_bytes()[..])
    .bind(PROJECTS)
    .fetch_all(connection)
    .await?;
    let read = |row: &SqliteRow| {
        Ok(ShareRow { donor: *key, nickname: None, project: Some(row.parsed("name")?), tally: tally(row)? })
    };
    rows.iter().map(read).collect()
}

impl SqliteStore {
    pub(super) async fn read_donor_page(&self, key: &DonorKey) -> StoreResult<Option<DonorPage>> {
        let mut read = self.readers.begin().await?;
        let row = query(
            "SELECT d.first_seen, d.nickname, d.team, d.blocked_at, m.id AS team_id, coalesce(t.steps, 0) AS steps, \
             coalesce(t.units, 0) AS units, coalesce(t.proofs, 0) AS proofs FROM donors d \
             LEFT JOIN teams m ON m.likeness = d.team_likeness LEFT JOIN tallies t ON t.kind = 'donor' AND t.subject = d.key \
             AND t.span = 'ever' AND t.start = 0 WHERE d.key = ?1",
        );
        let row = row.bind(&key.as_bytes()[..]).fetch_optional(&mut *read).await?;
        let Some(row) = row else { return Ok(None) };
        let ever = tally(&row)?;
        let mut page = DonorPage {
            donor: *key,
            nickname: nickname(&row)?,
            team_name: row.optional_text("team")?.and_then(|name| name.parse().ok()),
            team: row.optional_number("team_id")?.and_then(|id| u32::try_from(id).ok()).map(TeamId),
            since: row.timestamp("first_seen")?,
            ever,
            rank: None,
            projects: projects(&mut read, key).await?,
        };
        if row.optional_timestamp("blocked_at")?.is_some() {
            // Its work stays; it is not shown around.
            (page.nickname, page.team_name, page.team) = (None, None, None);
        } else if ever != Tally::default() {
            page.rank = rank(&mut read, "donor", ever.steps).await?;
        }
        Ok(Some(page))
    }

    pub(super) async fn read_donors_called(&self, likeness: &str, limit: u32) -> StoreResult<Vec<ShareRow>> {
        let rows = query(
            "SELECT d.key, d.nickname, coalesce(t.steps, 0) AS steps, coalesce(t.units, 0) AS units, \
             coalesce(t.proofs, 0) AS proofs FROM donors d INDEXED BY donors_nickname LEFT JOIN tallies t ON t.kind = 'donor' \
             AND t.subject = d.key AND t.span = 'ever' AND t.start = 0 WHERE d.nickname_likeness = ?1 \
             AND d.nickname_likeness IS NOT NULL AND d.blocked_at IS NULL ORDER BY d.proven_steps DESC LIMIT ?2",
        );
        let rows = rows.bind(likeness.to_owned()).bind(limit).fetch_all(&self.readers).await?;
        let read = |row: &SqliteRow| {
            let donor = DonorKey::from_bytes(row.bytes("key")?);
            Ok(ShareRow { donor, nickname: nickname(row)?, project: None, tally: tally(row)? })
        };
        rows.iter().map(read).collect()
    }

    pub(super) async fn read_profile(&self, key: &DonorKey) -> StoreResult<DonorProfile> {
        let row = query("SELECT nickname, team FROM donors WHERE key = ?1").bind(&key.as_bytes()[..]);
        let Some(row) = row.fetch_optional(&self.readers).await? else { return Ok(DonorProfile::default()) };
        let team = row.optional_text("team")?.and_then(|name| name.parse().ok());
        Ok(DonorProfile { nickname: nickname(&row)?, team })
    }

    pub(super) async fn write_profile(
        &self,
        key: &DonorKey,
        profile: &DonorProfile,
        now: Timestamp,
    ) -> StoreResult<()> {
        let (nickname, team) = (profile.nickname.as_ref(), profile.team.as_ref());
        let mut write = self.write(Durability::Durable).await?;
        seen(&mut write, key, now).await?;
        query("UPDATE donors SET nickname = ?2, nickname_likeness = ?3, team = ?4, team_likeness = ?5 WHERE key = ?1")
            .bind(&key.as_bytes()[..])
            .bind(nickname.map(|name| name.as_str().to_owned()))
            .bind(nickname.map(protocol::Nickname::likeness))
            .bind(team.map(|name| name.as_str().to_owned()))
            .bind(team.map(protocol::TeamName::likeness))
            .execute(&mut *write)
            .await?;
        write.commit().await
    }
}
