//! What visitors see of projects.

use super::projects::row_of;
use super::rows::{Columns as _, int, time};
use super::{Durability, SqliteStore};
use crate::store::{Card, StoreError, StoreResult, Value};
use felt::{Felt, encoding};
use protocol::{Plot, ProjectName, ProjectPage, Timestamp};
use sqlx::Row as _;
use sqlx::query;
use sqlx::sqlite::SqliteRow;

/// Projects at a glance. Which, and their order, follow.
macro_rules! select_cards {
    ($rest:literal) => {
        concat!(
            "SELECT p.name, p.description, p.proven_steps, p.open_units, g.topic, ",
            "coalesce(t.donors, 0) AS donors, coalesce((SELECT sum(units) FROM unit_counts WHERE project = p.id ",
            "AND state IN ('proved', 'collected')), 0) AS proved, coalesce((SELECT sum(units) FROM unit_counts ",
            "WHERE project = p.id AND state <> 'withdrawn'), 0) AS units FROM projects p LEFT JOIN pages g ON g.project = p.id ",
            "LEFT JOIN tallies t ON t.kind = 'project' AND t.subject = p.id AND t.span = 'ever' AND t.start = 0 ",
            $rest
        )
    };
}

pub(super) const FIRST_CARDS: &str =
    select_cards!("WHERE p.withdrawn_at IS NULL ORDER BY p.proven_steps DESC, p.id LIMIT ?1");

pub(super) const CARDS: &str = select_cards!("WHERE p.withdrawn_at IS NULL AND p.name >= ?1 ORDER BY p.name LIMIT ?2");

/// A row of those.
pub(super) fn card(row: &SqliteRow) -> StoreResult<Card> {
    Ok(Card {
        name: row.parsed("name")?,
        description: row.text("description")?,
        topic: row.optional_text("topic")?.and_then(|topic| topic.parse().ok()),
        units: row.number("units")?,
        proved: row.number("proved")?,
        open: row.number("open_units")?,
        proven_steps: row.number("proven_steps")?,
        donors: row.number("donors")?,
    })
}

/// One element of a list of them, empty beyond its end.
fn element(row: &SqliteRow, column: &'static str) -> StoreResult<Option<Felt>> {
    let bytes: &[u8] = row.try_get(column)?;
    let Some(bytes) = bytes.first_chunk::<{ encoding::BYTES }>() else { return Ok(None) };
    encoding::from_canonical_be(bytes).map(Some).ok_or(StoreError::Damaged { what: column })
}

impl SqliteStore {
    pub(super) async fn read_page(&self, name: &ProjectName) -> StoreResult<Option<ProjectPage>> {
        let row = query(
            "SELECT g.about, g.topic, g.cite, g.plot, g.open_results FROM projects p LEFT JOIN pages g ON g.project = p.id \
             WHERE p.name = ?1",
        );
        let Some(row) = row.bind(name.as_str()).fetch_optional(&self.readers).await? else { return Ok(None) };
        let Some(about) = row.optional_text("about")? else { return Ok(Some(ProjectPage::default())) };
        // A topic or plot that only a newer version knows is left out.
        Ok(Some(ProjectPage {
            about,
            cause: row.optional_text("topic")?.and_then(|topic| topic.parse().ok()),
            cite: row.text("cite")?,
            plot: row.optional_text("plot")?.and_then(|plot| serde_json::from_str(&plot).ok()),
            open_results: row.try_get("open_results")?,
        }))
    }

    pub(super) async fn write_page(&self, name: &ProjectName, page: &ProjectPage, now: Timestamp) -> StoreResult<bool> {
        let mut write = self.write(Durability::Durable).await?;
        let Some(row) = row_of(&mut write, name).await? else { return Ok(false) };
        let plot = page.plot.as_ref().map(serde_json::to_string).transpose();
        query(
            "INSERT INTO pages (project, about, topic, cite, plot, open_results, changed_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
             ON CONFLICT DO UPDATE SET about = ?2, topic = ?3, cite = ?4, plot = ?5, open_results = ?6, changed_at = ?7",
        )
        .bind(int(row.number("id")?))
        .bind(&page.about)
        .bind(page.cause.map(protocol::Topic::name))
        .bind(&page.cite)
        .bind(plot.map_err(|error| StoreError::Failed(error.to_string()))?)
        .bind(page.open_results)
        .bind(time(now))
        .execute(&mut *write)
        .await?;
        write.commit().await?;
        Ok(true)
    }

    pub(super) async fn read_values(
        &self,
        name: &ProjectName,
        plot: &Plot,
        after: u64,
        limit: u32,
    ) -> StoreResult<Vec<Value>> {
        let rows = query(
            "SELECT u.proved_seq, substr(u.output, ?4, 32) AS output, substr(u.arguments, ?5, 32) AS arguments FROM units u \
             INDEXED BY units_results WHERE u.project = (SELECT id FROM projects WHERE name = ?1) AND u.proved_seq > ?2 \
             ORDER BY u.proved_seq LIMIT ?3",
        )
        .bind(name.as_str())
        .bind(int(after))
        .bind(limit)
        .bind(32 * i64::from(plot.output) + 1)
        .bind(32 * i64::from(plot.argument.unwrap_or(0)) + 1)
        .fetch_all(&self.readers)
        .await?;
        let read = |row: &SqliteRow| {
            let (argument, output) = (element(row, "arguments")?, element(row, "output")?);
            Ok(Value { cursor: row.number("proved_seq")?, argument, output })
        };
        rows.iter().map(read).collect()
    }
}
