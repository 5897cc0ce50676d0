//! Figures, leaderboards, series.

use super::SqliteStore;
use super::pages;
use super::rows::{Columns as _, int};
use crate::store::{Card, ProofRow, ProofsOf, Statistics, StoreError, StoreResult, Subject, Value, spans};
use async_trait::async_trait;
use protocol::{
    Board, BoardKind, BoardRow, Digest, DonorKey, DonorPage, DonorProfile, Figures, MAX_POINTS, Nickname, Plot, Point,
    ProjectFigures, ProjectName, ProjectPage, Series, ShareRow, Span, Tally, TeamId, TeamPage, Timestamp,
};
use sqlx::query;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

/// Ranks are counted so far.
pub(super) const RANKS: i64 = 10_000;

/// The columns of a sum.
pub(super) fn tally(row: &SqliteRow) -> StoreResult<Tally> {
    Ok(Tally { steps: row.number("steps")?, units: row.number("units")?, proofs: row.number("proofs")? })
}

/// A nickname, if there is one. One that an older version took and this one would not is not shown.
pub(super) fn nickname(row: &SqliteRow) -> StoreResult<Option<Nickname>> {
    Ok(row.optional_text("nickname")?.and_then(|name| name.parse().ok()))
}

/// Kind and subject of sums in the tables. What there is not has a number that nothing has.
enum Place {
    Row(&'static str, i64),
    Key(&'static str, [u8; 32]),
}

async fn place(connection: &mut SqliteConnection, subject: &Subject) -> StoreResult<Place> {
    Ok(match subject {
        Subject::Grid => Place::Row("grid", 0),
        Subject::Donor(key) => Place::Key("donor", *key.as_bytes()),
        Subject::Team(team) => Place::Row("team", i64::from(team.0)),
        Subject::Project(name) => {
            let row = query("SELECT id FROM projects WHERE name = ?1").bind(name.as_str());
            let row = row.fetch_optional(connection).await?;
            Place::Row("project", row.map(|row| row.number("id")).transpose()?.map_or(-1, int))
        }
    })
}

/// One sum, with its donors; nothing counted if it is not there.
async fn one(
    connection: &mut SqliteConnection,
    (kind, subject): (&'static str, i64),
    span: Span,
    start: i64,
) -> StoreResult<(Tally, u64)> {
    let row = query("SELECT * FROM tallies WHERE kind = ?1 AND subject = ?2 AND span = ?3 AND start = ?4")
        .bind(kind)
        .bind(subject)
        .bind(span.name())
        .bind(start)
        .fetch_optional(connection)
        .await?;
    row.map_or(Ok((Tally::default(), 0)), |row| Ok((tally(&row)?, row.number("donors")?)))
}

/// How many have more, with those of as many that come before; `None` beyond the ranks that are counted.
pub(super) async fn rank(
    connection: &mut SqliteConnection,
    kind: &'static str,
    steps: u64,
) -> StoreResult<Option<u64>> {
    let row = query(
        "SELECT count(*) AS above FROM (SELECT 1 FROM tallies WHERE kind = ?1 AND span = 'ever' AND start = 0 AND steps > ?2 \
         LIMIT ?3)",
    )
    .bind(kind)
    .bind(int(steps))
    .bind(RANKS)
    .fetch_one(connection)
    .await?;
    let above = row.number("above")?;
    Ok((above < RANKS as u64).then_some(above + 1))
}

/// The donors that did most for a project or team.
pub(super) async fn most(
    connection: &mut SqliteConnection,
    kind: &'static str,
    subject: i64,
    limit: u32,
) -> StoreResult<Vec<ShareRow>> {
    let rows = query(
        "SELECT s.donor, s.steps, s.units, s.proofs, d.nickname FROM shares s LEFT JOIN donors d ON d.key = s.donor \
         WHERE s.kind = ?1 AND s.subject = ?2 AND d.blocked_at IS NULL ORDER BY s.steps DESC, s.donor LIMIT ?3",
    )
    .bind(kind)
    .bind(subject)
    .bind(limit)
    .fetch_all(connection)
    .await?;
    let read = |row: &SqliteRow| {
        let donor = DonorKey::from_bytes(row.bytes("donor")?);
        Ok(ShareRow { donor, nickname: nickname(row)?, project: None, tally: tally(row)? })
    };
    rows.iter().map(read).collect()
}

const DONORS: &str = "SELECT t.subject AS donor, t.steps, t.units, t.proofs, d.nickname FROM tallies t \
     LEFT JOIN donors d ON d.key = t.subject WHERE t.kind = 'donor' AND t.span = ?1 AND t.start = ?2 \
     AND d.blocked_at IS NULL ORDER BY t.steps DESC, t.subject LIMIT ?3";

const TEAMS: &str = "SELECT m.id, m.name, t.steps, t.units, t.proofs FROM tallies t JOIN teams m ON m.id = t.subject \
     WHERE t.kind = 'team' AND t.span = ?1 AND t.start = ?2 ORDER BY t.steps DESC, t.subject LIMIT ?3";

fn board_row(kind: BoardKind, rank: u64, row: &SqliteRow) -> StoreResult<BoardRow> {
    let none = BoardRow { rank, donor: None, nickname: None, team: None, team_name: None, tally: tally(row)? };
    Ok(match kind {
        BoardKind::Donors => {
            BoardRow { donor: Some(DonorKey::from_bytes(row.bytes("donor")?)), nickname: nickname(row)?, ..none }
        }
        BoardKind::Teams => {
            BoardRow { team: Some(TeamId(row.small("id")?)), team_name: Some(row.parsed("name")?), ..none }
        }
    })
}

const PROOFS_OF_PROJECT: &str = "SELECT f.*, p.name, g.open_results, d.nickname, d.blocked_at FROM projects p \
     CROSS JOIN proofs f ON f.project = p.id LEFT JOIN pages g ON g.project = p.id LEFT JOIN donors d ON d.key = f.prover \
     WHERE p.name = ?1 ORDER BY f.id DESC LIMIT ?2";

const PROOFS_OF_DONOR: &str = "SELECT f.*, p.name, g.open_results, d.nickname, d.blocked_at FROM proofs f \
     JOIN projects p ON p.id = f.project LEFT JOIN pages g ON g.project = p.id LEFT JOIN donors d ON d.key = f.prover \
     WHERE f.prover = ?1 ORDER BY f.id DESC LIMIT ?2";

fn proof_row(row: &SqliteRow) -> StoreResult<ProofRow> {
    let blocked = row.optional_timestamp("blocked_at")?.is_some();
    Ok(ProofRow {
        sha256: Digest::from_bytes(row.bytes("sha256")?),
        project: row.parsed("name")?,
        prover: DonorKey::from_bytes(row.bytes("prover")?),
        nickname: if blocked { None } else { nickname(row)? },
        accepted_at: row.timestamp("accepted_at")?,
        steps: row.number("steps")?,
        runs: row.number("runs")?,
        size: row.number("size")?,
        kept: row.optional_timestamp("thinned_at")?.is_none(),
        open: row.optional_number("open_results")? == Some(1),
    })
}

#[async_trait]
impl Statistics for SqliteStore {
    async fn figures(&self, now: Timestamp) -> StoreResult<Figures> {
        let mut read = self.readers.begin().await?;
        let (ever, donors) = one(&mut read, ("grid", 0), Span::Ever, 0).await?;
        let (today, donors_today) = one(&mut read, ("grid", 0), Span::Day, spans::number(Span::Day, now)).await?;
        let open = query(
            "SELECT count(*) AS projects, coalesce(sum(open_units), 0) AS units FROM projects \
             WHERE open_units > 0 AND withdrawn_at IS NULL AND signed = 1",
        );
        let open = open.fetch_one(&mut *read).await?;
        let (projects, open_units) = (open.number("projects")?, open.number("units")?);
        Ok(Figures { now, ever, today, donors, donors_today, projects, open_units })
    }

    async fn series(&self, subject: &Subject, span: Span, from: Timestamp) -> StoreResult<Series> {
        let mut read = self.readers.begin().await?;
        let sql = "SELECT start, steps, units, proofs FROM tallies WHERE kind = ?1 AND subject = ?2 AND span = ?3 \
             AND start >= ?4 ORDER BY start DESC LIMIT ?5";
        let rows = match place(&mut read, subject).await? {
            Place::Row(kind, row) => query(sql).bind(kind).bind(row),
            Place::Key(kind, key) => query(sql).bind(kind).bind(key.to_vec()),
        };
        let rows =
            rows.bind(span.name()).bind(spans::number(span, from)).bind(MAX_POINTS).fetch_all(&mut *read).await?;
        let point =
            |row: &SqliteRow| Ok(Point { start: spans::start(span, int(row.number("start")?)), tally: tally(row)? });
        Ok(Series { span, points: rows.iter().rev().map(point).collect::<StoreResult<_>>()? })
    }

    async fn board(&self, kind: BoardKind, span: Span, at: Timestamp, limit: u32) -> StoreResult<Board> {
        let start = spans::number(span, at);
        let sql = match kind {
            BoardKind::Donors => DONORS,
            BoardKind::Teams => TEAMS,
        };
        let rows = query(sql).bind(span.name()).bind(start).bind(limit).fetch_all(&self.readers).await?;
        let rows = rows.iter().zip(1..).map(|(row, rank)| board_row(kind, rank, row)).collect::<StoreResult<_>>()?;
        Ok(Board { kind, span, start: spans::start(span, start), rows })
    }

    async fn project_figures(&self, name: &ProjectName, limit: u32) -> StoreResult<ProjectFigures> {
        let mut read = self.readers.begin().await?;
        let Place::Row(kind, project) = place(&mut read, &Subject::Project(name.clone())).await? else {
            return Err(StoreError::Damaged { what: "project" });
        };
        let (ever, donors) = one(&mut read, (kind, project), Span::Ever, 0).await?;
        Ok(ProjectFigures { ever, donors, most: most(&mut read, kind, project, limit).await? })
    }

    async fn donor_page(&self, key: &DonorKey) -> StoreResult<Option<DonorPage>> {
        self.read_donor_page(key).await
    }

    async fn donors_called(&self, likeness: &str, limit: u32) -> StoreResult<Vec<ShareRow>> {
        self.read_donors_called(likeness, limit).await
    }

    async fn team_page(&self, team: TeamId) -> StoreResult<Option<TeamPage>> {
        let mut read = self.readers.begin().await?;
        let row = query("SELECT name, created_at FROM teams WHERE id = ?1").bind(team.0);
        let Some(row) = row.fetch_optional(&mut *read).await? else { return Ok(None) };
        let (ever, donors) = one(&mut read, ("team", i64::from(team.0)), Span::Ever, 0).await?;
        Ok(Some(TeamPage {
            team,
            name: row.parsed("name")?,
            since: row.timestamp("created_at")?,
            ever,
            donors,
            rank: rank(&mut read, "team", ever.steps).await?,
            members: most(&mut read, "team", i64::from(team.0), 100).await?,
        }))
    }

    async fn profile(&self, key: &DonorKey) -> StoreResult<DonorProfile> {
        self.read_profile(key).await
    }

    async fn set_profile(&self, key: &DonorKey, profile: &DonorProfile, now: Timestamp) -> StoreResult<()> {
        self.write_profile(key, profile, now).await
    }

    async fn first_cards(&self, limit: u32) -> StoreResult<Vec<Card>> {
        let rows = query(pages::FIRST_CARDS).bind(limit).fetch_all(&self.readers).await?;
        rows.iter().map(pages::card).collect()
    }

    async fn cards(&self, from: &str, limit: u32) -> StoreResult<(Vec<Card>, bool)> {
        let rows =
            query(pages::CARDS).bind(from.to_owned()).bind(i64::from(limit) + 1).fetch_all(&self.readers).await?;
        let cards = rows.iter().take(limit as usize).map(pages::card).collect::<StoreResult<_>>()?;
        Ok((cards, rows.len() > limit as usize))
    }

    async fn proofs_of(&self, of: &ProofsOf, limit: u32) -> StoreResult<Vec<ProofRow>> {
        let rows = match of {
            ProofsOf::Project(name) => query(PROOFS_OF_PROJECT).bind(name.as_str().to_owned()),
            ProofsOf::Donor(key) => query(PROOFS_OF_DONOR).bind(key.as_bytes().to_vec()),
        };
        rows.bind(limit).fetch_all(&self.readers).await?.iter().map(proof_row).collect()
    }

    async fn page(&self, name: &ProjectName) -> StoreResult<Option<ProjectPage>> {
        self.read_page(name).await
    }

    async fn put_page(&self, name: &ProjectName, page: &ProjectPage, now: Timestamp) -> StoreResult<bool> {
        self.write_page(name, page, now).await
    }

    async fn values(&self, name: &ProjectName, plot: &Plot, after: u64, limit: u32) -> StoreResult<Vec<Value>> {
        self.read_values(name, plot, after, limit).await
    }
}
