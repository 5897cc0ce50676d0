//! The search for a unit. Each look is bounded: sizes are classes, and an index holds the units of a class in the order in which
//! they are lent.
//!
//! Among all units that fit, the one that is free for longest comes first, and of those that were never lent the oldest: so
//! small and large units take turns as they were pushed, whoever asks. Suspect units wait in a queue of their own: trusted
//! donors look there first, all others when nothing else of the project is left for them.

use super::Write;
use super::rows::{Columns as _, int, time};
use super::trust::{self, LONGEST_COOLDOWN, Standing};
use crate::store::{LeaseAsk, Rules, StoreResult};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, query};

/// Rows that are looked at for one unit; for each further one that is wanted, one more.
const LOOK: usize = 64;

/// Units that are judged in one search before it is given up.
const MOST_JUDGED: usize = 16;

/// One look at the units of a class: `$index`, key of the order, condition, order. Of the rows that it finds the first ones that
/// fit the donor, are free, and did not fail on it lately. What ends further away than a lease or a cool-down can be, was
/// set while the clock was wrong, and is over.
macro_rules! look_at {
    ($index:literal, $key:literal, $condition:literal, $order:literal) => {
        look_at!($index, $key, $condition, $order, "")
    };
    ($index:literal, $key:literal, $condition:literal, $order:literal, $more:literal) => {
        concat!(
            "SELECT seq, since, steps, arguments, file FROM (SELECT u.seq, u.round, u.lease_until, u.estimated_steps, ",
            "coalesce(u.execution_steps, u.estimated_steps) AS steps, length(u.arguments) AS arguments, ",
            "coalesce(u.execution_size, 0) AS file, ",
            $key,
            " AS since FROM units u INDEXED BY ",
            $index,
            " WHERE u.project = ?1 AND u.state = ?2 AND ",
            $condition,
            " ORDER BY ",
            $order,
            " LIMIT ?10) c WHERE estimated_steps <= ?5 AND (lease_until <= ?4 OR lease_until > ?6) AND NOT EXISTS ",
            "(SELECT 1 FROM attempts a INDEXED BY attempts_donor WHERE a.unit = c.seq AND a.donor = ?7 AND a.round = c.round ",
            "AND a.outcome IN ('failed', 'refused') AND abs(?4 - a.ended_at) < ?8) AND ?3 >= 0 AND ?9 > 0 ",
            $more,
            "ORDER BY since, seq LIMIT ?11"
        )
    };
}

/// The same, without units of which the donor's report stands already: another of it would add nothing, and others wait.
macro_rules! look_anew_at {
    ($key:literal, $condition:literal, $order:literal) => {
        look_at!(
            "units_lend_trusted",
            $key,
            $condition,
            $order,
            "AND NOT EXISTS (SELECT 1 FROM reports r WHERE r.unit = c.seq AND r.donor = ?7 AND r.round = c.round \
             AND r.limits = (SELECT limits FROM projects WHERE id = ?1)) "
        )
    };
}

/// The looks at units that nobody reported: in order; given a wrong clock; by size, where the class is larger than what fits.
const PLAIN: &[&str] = &[
    look_at!(
        "units_lend",
        "u.lease_until",
        "u.suspect = 0 AND u.size_class = ?3 AND u.lease_until <= ?4",
        "u.lease_until, u.seq"
    ),
    look_at!(
        "units_lend",
        "u.lease_until",
        "u.suspect = 0 AND u.size_class = ?3 AND u.lease_until > ?6",
        "u.lease_until, u.seq"
    ),
    look_at!(
        "units_steps",
        "u.lease_until",
        "u.suspect = 0 AND u.estimated_steps <= ?5 AND u.estimated_steps >= 1 << ?3",
        "u.estimated_steps DESC"
    ),
];

/// The looks at suspect units, for trusted donors: from both ends, since those that failed on this donor may be many.
const TRUSTED: &[&str] = &[
    look_anew_at!(
        "u.ready_trusted",
        "u.suspect = 1 AND u.size_class = ?3 AND u.ready_trusted <= ?4",
        "u.ready_trusted, u.seq"
    ),
    look_anew_at!(
        "u.ready_trusted",
        "u.suspect = 1 AND u.size_class = ?3 AND u.ready_trusted <= ?4",
        "u.ready_trusted DESC, u.seq DESC"
    ),
    look_anew_at!(
        "u.ready_trusted",
        "u.suspect = 1 AND u.size_class = ?3 AND u.ready_trusted > ?9",
        "u.ready_trusted, u.seq"
    ),
];

/// For donors that the operator named: they need not wait until the unit has rested.
const NAMED: &[&str] = &[
    look_anew_at!("u.ready_trusted", "u.suspect = 1 AND u.size_class = ?3", "u.ready_trusted, u.seq"),
    look_anew_at!("u.ready_trusted", "u.suspect = 1 AND u.size_class = ?3", "u.ready_trusted DESC, u.seq DESC"),
];

/// For everybody else.
const ANY: &[&str] = &[
    look_at!(
        "units_lend_any",
        "u.ready_any",
        "u.suspect = 1 AND u.size_class = ?3 AND u.ready_any <= ?4",
        "u.ready_any, u.seq"
    ),
    look_at!(
        "units_lend_any",
        "u.ready_any",
        "u.suspect = 1 AND u.size_class = ?3 AND u.ready_any > ?9",
        "u.ready_any, u.seq"
    ),
];

/// Which units are looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pool {
    suspect: bool,
    looks: &'static [&'static str],
}

/// All looks.
#[cfg(test)]
pub(super) const LOOKS: &[&[&str]] = &[PLAIN, TRUSTED, NAMED, ANY, &[AGAIN]];

const PLAIN_POOL: Pool = Pool { suspect: false, looks: PLAIN };
const ANY_POOL: Pool = Pool { suspect: true, looks: ANY };

/// Where to look for a donor of that standing, in order. At last everybody may try again what failed on him long ago.
pub(super) const fn pools(standing: &Standing) -> &'static [Pool] {
    if standing.named {
        &[Pool { suspect: true, looks: NAMED }, PLAIN_POOL, ANY_POOL]
    } else if standing.trusted {
        &[Pool { suspect: true, looks: TRUSTED }, PLAIN_POOL, ANY_POOL]
    } else {
        &[PLAIN_POOL, ANY_POOL]
    }
}

/// The class of that many steps: the binary logarithm, rounded down.
pub(super) const fn size_class(steps: u64) -> i64 {
    match steps.checked_ilog2() {
        Some(log) => log as i64,
        None => 0,
    }
}

/// A unit that a look found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Found {
    since: i64,
    seq: i64,
    steps: u64,
    /// Bytes of its arguments.
    arguments: u64,
    /// Bytes of its execution.
    file: u64,
}

/// How much one lease has room for. The first unit always has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Room {
    pub units: usize,
    pub steps: u64,
    /// Bytes of arguments.
    pub arguments: u64,
    /// Bytes of executions.
    pub files: u64,
}

impl Room {
    /// Those that have room together, in the order in which they are lent. One that has none does not keep later ones from it.
    fn choose(mut self, mut found: Vec<Found>) -> Vec<i64> {
        found.sort_unstable();
        let mut chosen = Vec::new();
        for unit in found {
            let fits = unit.steps <= self.steps && unit.arguments <= self.arguments && unit.file <= self.files;
            if chosen.len() < self.units.max(1) && (fits || chosen.is_empty()) {
                chosen.push(unit.seq);
                self.steps = self.steps.saturating_sub(unit.steps);
                self.arguments = self.arguments.saturating_sub(unit.arguments);
                self.files = self.files.saturating_sub(unit.file);
            }
        }
        chosen
    }
}

/// Units that are to be proven again: they come before all others, and few of them are asked for.
pub(super) const AGAIN: &str = "SELECT seq, again AS since, steps, arguments, 0 AS file FROM (SELECT u.seq, u.round, u.again, \
     u.estimated_steps, u.estimated_steps AS steps, length(u.arguments) AS arguments FROM units u INDEXED BY units_again \
     WHERE u.project = ?1 AND u.again IS NOT NULL AND (u.lease_until <= ?4 OR u.lease_until > ?6) \
     ORDER BY u.lease_until, u.again, u.seq LIMIT ?10) c WHERE estimated_steps <= ?5 AND NOT EXISTS (SELECT 1 \
     FROM attempts a INDEXED BY attempts_donor WHERE a.unit = c.seq AND a.donor = ?7 AND a.round = c.round \
     AND a.outcome IN ('failed', 'refused') AND abs(?4 - a.ended_at) < ?8) AND ?2 <> '' AND ?3 >= 0 AND ?9 > 0 \
     ORDER BY since, seq LIMIT ?11";

/// What is looked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Search<'a> {
    pub ask: &'a LeaseAsk,
    pub rules: &'a Rules,
    pub project: i64,
    pub state: &'static str,
    /// Most steps of a unit.
    pub most: u64,
    /// How much the lease has room for.
    pub room: Room,
}

impl Search<'_> {
    /// The classes that hold units which may fit.
    async fn classes(&self, write: &mut Write, pool: Pool) -> StoreResult<Vec<i64>> {
        let rows = query(
            "SELECT size_class FROM unit_counts WHERE project = ?1 AND state = ?2 AND suspect = ?3 AND size_class <= ?4 \
             AND units > 0",
        )
        .bind(self.project)
        .bind(self.state)
        .bind(pool.suspect)
        .bind(size_class(self.most))
        .fetch_all(&mut **write)
        .await?;
        rows.iter().map(|row| Ok(row.try_get("size_class")?)).collect()
    }

    async fn look(&self, write: &mut Write, sql: &'static str, class: i64, wanted: usize) -> StoreResult<Vec<Found>> {
        let now = self.ask.now;
        let rows = query(sql)
            .bind(self.project)
            .bind(self.state)
            .bind(class)
            .bind(time(now))
            .bind(int(self.most))
            .bind(time(now.plus(self.rules.longest_lease)))
            .bind(&self.ask.donor.as_bytes()[..])
            .bind(int(self.rules.cooldown))
            .bind(time(now.plus(self.rules.longest_lease.max(LONGEST_COOLDOWN))))
            .bind((LOOK + wanted - 1) as i64)
            .bind(wanted as i64)
            .fetch_all(&mut **write)
            .await?;
        let found = |row: &SqliteRow| {
            Ok(Found {
                since: row.try_get("since")?,
                seq: row.try_get("seq")?,
                steps: row.number("steps")?,
                arguments: row.number("arguments")?,
                file: row.number("file")?,
            })
        };
        rows.iter().map(found).collect()
    }

    /// The first units of a pool, so many of each class.
    async fn first(&self, write: &mut Write, pool: Pool, wanted: usize) -> StoreResult<Vec<Found>> {
        let mut all = Vec::new();
        for class in self.classes(write, pool).await? {
            for sql in pool.looks {
                let found = self.look(write, sql, class, wanted).await?;
                if !found.is_empty() {
                    all.extend(found);
                    break;
                }
            }
        }
        Ok(all)
    }

    /// The units of a pool that are lent together. A suspect one is lent alone, so that what is reported of it is about it, and no
    /// others wait for it; and it is judged first, since the reporters may have earned trust meanwhile.
    pub(super) async fn find(&self, write: &mut Write, pool: Pool) -> StoreResult<Vec<i64>> {
        if !pool.suspect {
            let found = self.first(write, pool, self.room.units.max(1)).await?;
            return Ok(self.room.choose(found));
        }
        for _ in 0..MOST_JUDGED {
            let Some(unit) = self.first(write, pool, 1).await?.into_iter().min() else { break };
            if !trust::judge(write, unit.seq, self.rules, self.ask.now).await? {
                return Ok(vec![unit.seq]);
            }
        }
        Ok(Vec::new())
    }

    /// The units that are to be proven again and are lent together.
    pub(super) async fn find_again(&self, write: &mut Write) -> StoreResult<Vec<i64>> {
        let found = self.look(write, AGAIN, 0, self.room.units.max(1)).await?;
        Ok(self.room.choose(found))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(seq: i64, steps: u64, arguments: u64) -> Found {
        Found { since: 0, seq, steps, arguments, file: 0 }
    }

    #[test]
    fn a_lease_is_filled_in_order_and_never_empty() {
        let room = Room { units: 3, steps: 100, arguments: 64, files: 0 };
        let units = || {
            vec![found(4, 1, 1), found(1, 60, 1), found(2, 60, 1), found(3, 40, 64), found(5, 40, 1), found(6, 0, 0)]
        };
        assert_eq!(room.choose(units()), [1, 4, 6], "two steps are missing for 5, arguments for 3");
        assert_eq!(Room { units: 1, ..room }.choose(units()), [1]);
        assert_eq!(Room { units: 0, steps: 0, ..room }.choose(units()), [1], "one unit always");
        assert_eq!(
            Room { units: 9, steps: u64::MAX, arguments: u64::MAX, files: 0 }.choose(units()),
            [1, 2, 3, 4, 5, 6]
        );
        let large = Found { file: 7, ..found(1, 1, 1) };
        assert_eq!(room.choose(vec![large, found(2, 1, 1), Found { seq: 3, ..large }]), [1, 2]);
        assert!(room.choose(Vec::new()).is_empty());
    }
}
