//! Counts, which triggers keep: of units by project and state, of bytes by project. Only leases are counted when somebody asks,
//! since they end by time alone; there are no more of them than donors hold.

use super::rows::{Columns as _, time};
use super::{Durability, SqliteStore};
use crate::store::{Miscount, OverQuota, Pusher, StoreError, StoreResult};
use protocol::{Timestamp, UnitCounts};
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{Row as _, query};
use std::collections::HashMap;

fn place<'a>(counts: &'a mut UnitCounts, state: &str) -> StoreResult<&'a mut u64> {
    Ok(match state {
        "queued" => &mut counts.queued,
        "executed" => &mut counts.executed,
        "proved" => &mut counts.proved,
        "collected" => &mut counts.collected,
        "failed" => &mut counts.failed,
        "withdrawn" => &mut counts.withdrawn,
        _ => return Err(StoreError::Damaged { what: "state" }),
    })
}

/// Units of a project by state.
pub(super) const KEPT: &str = "SELECT project, state, sum(units) AS units, \
     sum(CASE WHEN suspect = 1 THEN units ELSE 0 END) AS suspect FROM unit_counts WHERE project = ?1 GROUP BY state";

/// Live leases of a project by state.
pub(super) const LEASED: &str = "SELECT state, count(*) AS units FROM units INDEXED BY units_lent_until \
     WHERE project = ?1 AND lease_attempt IS NOT NULL AND lease_until > ?2 AND lease_until <= ?3 \
     AND state IN ('queued', 'executed') GROUP BY state";

/// Units of a project as they show at `now`, when no lease ends after `far`.
pub(super) async fn counts(
    connection: &mut SqliteConnection,
    project: i64,
    now: Timestamp,
    far: Timestamp,
) -> StoreResult<UnitCounts> {
    let mut counts = UnitCounts::default();
    for row in query(KEPT).bind(project).fetch_all(&mut *connection).await? {
        let (of, units) = (place(&mut counts, row.try_get("state")?)?, row.number("units")?);
        *of = of.saturating_add(units);
        counts.suspect = counts.suspect.saturating_add(row.number("suspect")?);
    }
    if counts.open() == 0 {
        return Ok(counts);
    }
    let rows = query(LEASED).bind(project).bind(time(now)).bind(time(far)).fetch_all(connection).await?;
    for row in rows {
        let leased = row.number("units")?;
        let of = place(&mut counts, row.try_get("state")?)?;
        // `distributor check` finds and mends a wrong count.
        *of = of.saturating_sub(leased);
        counts.leased += leased;
    }
    Ok(counts)
}

/// What an owner has.
pub(super) const OWNED: &str = "SELECT (SELECT count(*) FROM projects WHERE owner = ?1) AS projects, \
     (SELECT coalesce(sum(c.units), 0) FROM projects p JOIN unit_counts c ON c.project = p.id WHERE p.owner = ?1) AS units, \
     (SELECT coalesce(sum(bytes), 0) FROM projects WHERE owner = ?1) + \
     (SELECT coalesce(sum(size), 0) FROM uploads WHERE owner = ?1) AS bytes";

/// What the owner has too much of, now that so much came to it.
pub(super) async fn over_quota(
    connection: &mut SqliteConnection,
    by: &Pusher,
    projects: u64,
    units: u64,
    bytes: u64,
) -> StoreResult<Option<OverQuota>> {
    let row = query(OWNED).bind(&by.owner.as_bytes()[..]).fetch_one(connection).await?;
    for (what, more, most) in
        [("projects", projects, by.quota.projects), ("units", units, by.quota.units), ("bytes", bytes, by.quota.bytes)]
    {
        let has = row.number(what)?;
        if more > 0 && has > most {
            return Ok(Some(OverQuota { what, has: has.saturating_sub(more), more, most }));
        }
    }
    Ok(None)
}

/// Every number that is kept, with what it should be.
const FOUND: [(&str, &str); 3] = [
    (
        "SELECT project || ' ' || state || ' ' || suspect || ' ' || size_class AS what, units AS number FROM unit_counts \
         WHERE units <> 0",
        "SELECT project || ' ' || counted || ' ' || suspect || ' ' || counted_class AS what, count(*) AS number FROM units \
         GROUP BY what",
    ),
    (
        "SELECT id || ' bytes' AS what, bytes AS number FROM projects WHERE bytes <> 0",
        "SELECT project || ' bytes' AS what, sum(length(arguments) + coalesce(proof_size, 0)) AS number FROM units \
         GROUP BY what HAVING number <> 0",
    ),
    (
        "SELECT id || ' open' AS what, open_units AS number FROM projects WHERE open_units <> 0",
        "SELECT project || ' open' AS what, count(*) AS number FROM units WHERE counted IN ('queued', 'executed') \
         GROUP BY what",
    ),
];

const MEND: [&str; 4] = [
    "DELETE FROM unit_counts",
    "INSERT INTO unit_counts (project, state, suspect, size_class, units) \
     SELECT project, counted, suspect, counted_class, count(*) FROM units GROUP BY project, counted, suspect, counted_class",
    "UPDATE projects SET bytes = coalesce((SELECT sum(length(arguments) + coalesce(proof_size, 0)) FROM units \
     WHERE project = projects.id), 0)",
    "UPDATE projects SET open_units = coalesce((SELECT sum(units) FROM unit_counts WHERE project = projects.id \
     AND state IN ('queued', 'executed')), 0)",
];

async fn numbers(connection: &mut SqliteConnection, sql: &'static str) -> StoreResult<HashMap<String, i64>> {
    let rows = query(sql).fetch_all(connection).await?;
    let read = |row: &SqliteRow| Ok((row.text("what")?, row.try_get("number")?));
    rows.iter().map(read).collect()
}

impl SqliteStore {
    pub(super) async fn compare_counts(&self, mend: bool) -> StoreResult<Vec<Miscount>> {
        let mut write = self.write(Durability::Durable).await?;
        let mut wrong = Vec::new();
        for (kept, found) in FOUND {
            let (mut kept, found) = (numbers(&mut write, kept).await?, numbers(&mut write, found).await?);
            for (what, found) in found {
                let kept = kept.remove(&what).unwrap_or(0);
                if kept != found {
                    wrong.push((what, kept, found));
                }
            }
            wrong.extend(kept.into_iter().map(|(what, kept)| (what, kept, 0)));
        }
        if mend && !wrong.is_empty() {
            for sql in MEND {
                query(sql).execute(&mut *write).await?;
            }
            write.commit().await?;
        }
        let miscount = |(what, kept, found): (String, i64, i64)| Miscount { what, kept, found };
        let mut wrong: Vec<_> = wrong.into_iter().map(miscount).collect();
        wrong.sort_by(|a, b| a.what.cmp(&b.what));
        Ok(wrong)
    }
}
