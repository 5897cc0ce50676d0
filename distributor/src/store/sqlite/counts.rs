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

/// Sums that can be compared: not those of a project that is being deleted, a few units at a time.
macro_rules! whole {
    () => {
        " WHERE kind <> 'project' OR subject NOT IN (SELECT id FROM projects WHERE removed_at IS NOT NULL)"
    };
}

/// The numbers of all sums: those that are kept, or those that follow from the ledger.
macro_rules! tallies {
    ($table:literal) => {
        concat!(
            "WITH t AS (SELECT kind || ' ' || CASE typeof(subject) WHEN 'blob' THEN lower(hex(subject)) ELSE subject END ",
            "|| ' ' || span || ' ' || start AS what, steps, units, proofs, donors FROM ", $table, whole!(), ") ",
            "SELECT what || ' steps' AS what, steps AS number FROM t UNION ALL SELECT what || ' units', units FROM t UNION ALL ",
            "SELECT what || ' proofs', proofs FROM t UNION ALL SELECT what || ' donors', donors FROM t"
        )
    };
}

/// The same of what donors did for projects and teams.
macro_rules! shares {
    ($table:literal) => {
        concat!(
            "WITH t AS (SELECT kind || ' ' || subject || ' ' || lower(hex(donor)) AS what, steps, units, proofs FROM ", $table, whole!(), ") ",
            "SELECT what || ' steps' AS what, steps AS number FROM t UNION ALL SELECT what || ' units', units FROM t UNION ALL ",
            "SELECT what || ' proofs', proofs FROM t"
        )
    };
}

/// Every number that is kept, with what it should be.
const FOUND: [(&str, &str); 6] = [
    (
        "SELECT project || ' ' || state || ' ' || suspect || ' ' || size_class AS what, units AS number FROM unit_counts \
         WHERE units <> 0",
        "SELECT project || ' ' || counted || ' ' || suspect || ' ' || counted_class AS what, count(*) AS number FROM units \
         GROUP BY what",
    ),
    (
        "SELECT id || ' bytes' AS what, bytes AS number FROM projects WHERE bytes <> 0",
        "SELECT project || ' bytes' AS what, sum(bytes) AS number FROM (SELECT project, length(arguments) AS bytes FROM units \
         UNION ALL SELECT project, size FROM proofs WHERE thinned_at IS NULL) GROUP BY what HAVING number <> 0",
    ),
    (
        "SELECT id || ' proofs' AS what, proof_files AS number FROM projects WHERE proof_files <> 0 UNION ALL \
         SELECT id || ' proof bytes', proof_bytes FROM projects WHERE proof_bytes <> 0 UNION ALL \
         SELECT id || ' thinned proofs', thinned_files FROM projects WHERE thinned_files <> 0",
        "SELECT project || ' proofs' AS what, count(*) AS number FROM proofs WHERE thinned_at IS NULL GROUP BY project \
         UNION ALL SELECT project || ' proof bytes', sum(size) FROM proofs WHERE thinned_at IS NULL GROUP BY project \
         HAVING sum(size) <> 0 UNION ALL \
         SELECT project || ' thinned proofs', count(*) FROM proofs WHERE thinned_at IS NOT NULL GROUP BY project",
    ),
    (
        "SELECT id || ' open' AS what, open_units AS number FROM projects WHERE open_units <> 0",
        "SELECT project || ' open' AS what, count(*) AS number FROM units WHERE counted IN ('queued', 'executed') \
         OR again IS NOT NULL GROUP BY what",
    ),
    (tallies!("tallies"), tallies!("found_tallies")),
    (shares!("shares"), shares!("found_shares")),
];

const MEND: [&str; 8] = [
    "DELETE FROM unit_counts",
    "INSERT INTO unit_counts (project, state, suspect, size_class, units) \
     SELECT project, counted, suspect, counted_class, count(*) FROM units GROUP BY project, counted, suspect, counted_class",
    "UPDATE projects SET bytes = coalesce((SELECT sum(length(arguments)) FROM units WHERE project = projects.id), 0) \
     + coalesce((SELECT sum(size) FROM proofs WHERE project = projects.id AND thinned_at IS NULL), 0), \
     proof_files = (SELECT count(*) FROM proofs WHERE project = projects.id AND thinned_at IS NULL), \
     proof_bytes = coalesce((SELECT sum(size) FROM proofs WHERE project = projects.id AND thinned_at IS NULL), 0), \
     thinned_files = (SELECT count(*) FROM proofs WHERE project = projects.id AND thinned_at IS NOT NULL)",
    "UPDATE projects SET open_units = coalesce((SELECT sum(units) FROM unit_counts WHERE project = projects.id \
     AND state IN ('queued', 'executed')), 0) + (SELECT count(*) FROM units WHERE project = projects.id \
     AND again IS NOT NULL)",
    "DELETE FROM tallies",
    "INSERT INTO tallies (kind, subject, span, start, steps, units, proofs, donors) \
     SELECT kind, subject, span, start, steps, units, proofs, donors FROM found_tallies \
     WHERE kind <> 'project' OR subject NOT IN (SELECT id FROM projects WHERE removed_at IS NOT NULL)",
    "DELETE FROM shares",
    "INSERT INTO shares (kind, subject, donor, steps, units, proofs) \
     SELECT kind, subject, donor, steps, units, proofs FROM found_shares \
     WHERE kind <> 'project' OR subject NOT IN (SELECT id FROM projects WHERE removed_at IS NOT NULL)",
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
