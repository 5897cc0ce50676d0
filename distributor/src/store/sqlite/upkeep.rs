//! Folding: what grows without end is deleted where only its number matters any more.

use super::rows::{Columns as _, int, list, time};
use super::{Durability, SqliteStore, Write};
use crate::store::{Rules, StoreResult, spans};
use protocol::{Span, Timestamp};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, query};

/// Rows that are deleted in one transaction.
const BATCH: i64 = 1000;

/// Seconds for which an upload waits for its project.
const UPLOAD_WAITS: u64 = 24 * 3600;

/// Seconds for which a donor that brought nothing is remembered.
const STRANGER_WAITS: u64 = 30 * 24 * 3600;

/// Hours of which sums are kept: two weeks.
const KEPT_HOURS: i64 = 14 * 24;

/// Days of which sums of donors and teams are kept, a little more than a year; months stay.
const KEPT_DAYS: i64 = 400;

/// The last event of a project before the newest `?2`. One more look at each of these, no more.
pub(super) const BEFORE_NEWEST: &str = "SELECT seq FROM events WHERE project = ?1 ORDER BY seq DESC LIMIT 1 OFFSET ?2";

/// The first event of a project that is not too old: events come in the order of time.
pub(super) const OLDEST: &str = "SELECT seq, time FROM events WHERE project = ?1 ORDER BY seq LIMIT ?2";

/// Deletes the oldest attempts of these units that ended, where there are too many, and counts them.
pub(super) async fn fold_attempts(write: &mut Write, units: &[i64], rules: &Rules) -> StoreResult<()> {
    let kept = i64::from(rules.kept_attempts.max(1));
    let rows = query("SELECT seq FROM units WHERE seq IN (SELECT value FROM json_each(?1)) AND attempts > ?2")
        .bind(list(units)?)
        .bind(kept)
        .fetch_all(&mut **write)
        .await?;
    for row in rows {
        fold_unit(write, row.try_get("seq")?, kept).await?;
    }
    Ok(())
}

async fn fold_unit(write: &mut Write, unit: i64, kept: i64) -> StoreResult<()> {
    let folded = query(
        "DELETE FROM attempts WHERE unit = ?1 AND number <= (SELECT attempts FROM units WHERE seq = ?1) - ?2 \
         AND outcome NOT IN ('running', 'proved')",
    )
    .bind(unit)
    .bind(kept)
    .execute(&mut **write)
    .await?
    .rows_affected();
    if folded > 0 {
        query("UPDATE units SET folded_attempts = folded_attempts + ?2 WHERE seq = ?1")
            .bind(unit)
            .bind(int(folded))
            .execute(&mut **write)
            .await?;
    }
    Ok(())
}

impl SqliteStore {
    pub(super) async fn fold_all(&self, now: Timestamp) -> StoreResult<u64> {
        let rules = self.rules();
        let mut folded = 0;
        let rows = query("SELECT id FROM projects").fetch_all(&self.readers).await?;
        for row in rows {
            folded += self.fold_events(row.try_get("id")?, &rules, now).await?;
        }
        let before = |seconds| time(Timestamp(now.0.saturating_sub(seconds)));
        for (sql, before) in [
            (
                "DELETE FROM uploads WHERE (kind, sha256) IN (SELECT kind, sha256 FROM uploads u WHERE time < ?1 \
                 AND NOT EXISTS (SELECT 1 FROM projects WHERE program = u.sha256 OR record = u.sha256) LIMIT ?2)",
                before(UPLOAD_WAITS),
            ),
            (
                "DELETE FROM donors WHERE key IN (SELECT key FROM donors d INDEXED BY donors_strangers WHERE first_seen < ?1 \
                 AND proven_units = 0 AND executed_units = 0 AND blocked_at IS NULL AND trusted_at IS NULL AND NOT EXISTS \
                 (SELECT 1 FROM attempts WHERE donor = d.key AND outcome = 'running') LIMIT ?2)",
                before(STRANGER_WAITS),
            ),
        ] {
            folded += self.delete_in_batches(sql, before).await?;
        }
        Ok(folded + self.fold_tallies(now).await?)
    }

    /// Folds old sums; from where on there are all is noted first, so that nobody misses them.
    async fn fold_tallies(&self, now: Timestamp) -> StoreResult<u64> {
        let mut folded = 0;
        for (kept, from, sql) in [
            (
                "tallied hours from",
                spans::number(Span::Hour, now) - KEPT_HOURS,
                "DELETE FROM tallies WHERE (kind, subject, span, start) IN (SELECT kind, subject, span, start FROM tallies \
                 WHERE span = 'hour' AND kind IN ('grid', 'project') AND start < ?1 LIMIT ?2)",
            ),
            (
                "tallied days from",
                spans::number(Span::Day, now) - KEPT_DAYS,
                "DELETE FROM tallies WHERE (kind, subject, span, start) IN (SELECT kind, subject, span, start FROM tallies \
                 WHERE span = 'day' AND kind IN ('donor', 'team') AND start < ?1 LIMIT ?2)",
            ),
        ] {
            let mut write = self.write(Durability::Quick).await?;
            query(
                "INSERT INTO settings (name, value) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = ?2 \
                 WHERE CAST(value AS INTEGER) < CAST(?2 AS INTEGER)",
            )
            .bind(kept)
            .bind(from.to_string())
            .execute(&mut *write)
            .await?;
            write.commit().await?;
            folded += self.delete_in_batches(sql, from).await?;
        }
        Ok(folded)
    }

    async fn delete_in_batches(&self, sql: &'static str, before: i64) -> StoreResult<u64> {
        let mut deleted = 0;
        loop {
            let mut write = self.write(Durability::Quick).await?;
            let batch = query(sql).bind(before).bind(BATCH).execute(&mut *write).await?.rows_affected();
            write.commit().await?;
            deleted += batch;
            if batch < BATCH as u64 {
                return Ok(deleted);
            }
        }
    }

    /// Folds the events of a project beyond the newest ones, and those that are too old; readers learn from the project's
    /// row up to where.
    async fn fold_events(&self, project: i64, rules: &Rules, now: Timestamp) -> StoreResult<u64> {
        let row = query(BEFORE_NEWEST).bind(project).bind(i64::from(rules.kept_events));
        let surplus = row.fetch_optional(&self.readers).await?.map(|row| row.number("seq")).transpose()?.unwrap_or(0);
        let too_old = now.0.saturating_sub(rules.events_for);
        let mut folded = 0;
        loop {
            let mut write = self.write(Durability::Quick).await?;
            let rows = query(OLDEST).bind(project).bind(BATCH).fetch_all(&mut *write).await?;
            let spare = |row: &&SqliteRow| {
                let kept = |seq: u64, time: u64| seq > surplus && time >= too_old;
                row.number("seq").and_then(|seq| Ok(!kept(seq, row.number("time")?))).unwrap_or(false)
            };
            let spare: Vec<_> = rows.iter().take_while(spare).collect();
            let Some(last) = spare.last() else { return Ok(folded) };
            let last = last.number("seq")?;
            for sql in [
                "UPDATE projects SET folded_events = max(folded_events, ?2) WHERE id = ?1",
                "DELETE FROM events WHERE project = ?1 AND seq <= ?2",
            ] {
                query(sql).bind(project).bind(int(last)).execute(&mut *write).await?;
            }
            write.commit().await?;
            folded += spare.len() as u64;
            if spare.len() < BATCH as usize {
                return Ok(folded);
            }
        }
    }
}
