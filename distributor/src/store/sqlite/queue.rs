//! The search for a unit. Each look is bounded: sizes are classes, and an index holds the units of a class in the order in which
//! they are lent.
//!
//! Among all units that fit, the one that is free for longest comes first, and of those that were never lent the oldest: so
//! small and large units take turns as they were pushed, whoever asks. Suspect units wait in a queue of their own: trusted
//! donors look there first, all others when nothing else of the project is left for them.

use super::Write;
use super::rows::{int, time};
use super::trust::{self, LONGEST_COOLDOWN, Standing};
use crate::store::{LeaseAsk, Rules, StoreResult};
use sqlx::{Row as _, query};

/// Rows that are looked at for one unit.
macro_rules! look {
    () => {
        "64"
    };
}

/// Units that are judged in one search before it is given up.
const MOST_JUDGED: usize = 16;

/// One look at the units of a class: `$index`, key of the order, condition, order. Of the rows that it finds the first that
/// fits the donor, is free, and did not fail on it lately. What ends further away than a lease or a cool-down can be, was
/// set while the clock was wrong, and is over.
macro_rules! look_at {
    ($index:literal, $key:literal, $condition:literal, $order:literal) => {
        look_at!($index, $key, $condition, $order, "")
    };
    ($index:literal, $key:literal, $condition:literal, $order:literal, $more:literal) => {
        concat!(
            "SELECT seq, since FROM (SELECT u.seq, u.round, u.lease_until, u.estimated_steps, ",
            $key,
            " AS since FROM units u INDEXED BY ",
            $index,
            " WHERE u.project = ?1 AND u.state = ?2 AND ",
            $condition,
            " ORDER BY ",
            $order,
            " LIMIT ",
            look!(),
            ") c WHERE estimated_steps <= ?5 AND (lease_until <= ?4 OR lease_until > ?6) AND NOT EXISTS ",
            "(SELECT 1 FROM attempts a INDEXED BY attempts_donor WHERE a.unit = c.seq AND a.donor = ?7 AND a.round = c.round ",
            "AND a.outcome IN ('failed', 'refused') AND abs(?4 - a.ended_at) < ?8) AND ?3 >= 0 AND ?9 > 0 ",
            $more,
            "ORDER BY since, seq LIMIT 1"
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
pub(super) const LOOKS: &[&[&str]] = &[PLAIN, TRUSTED, NAMED, ANY];

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

/// What is looked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Search<'a> {
    pub ask: &'a LeaseAsk,
    pub rules: &'a Rules,
    pub project: i64,
    pub state: &'static str,
    /// Most steps.
    pub most: u64,
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

    async fn look(&self, write: &mut Write, sql: &'static str, class: i64) -> StoreResult<Option<(i64, i64)>> {
        let now = self.ask.now;
        let row = query(sql)
            .bind(self.project)
            .bind(self.state)
            .bind(class)
            .bind(time(now))
            .bind(int(self.most))
            .bind(time(now.plus(self.rules.longest_lease)))
            .bind(&self.ask.donor.as_bytes()[..])
            .bind(int(self.rules.cooldown))
            .bind(time(now.plus(self.rules.longest_lease.max(LONGEST_COOLDOWN))))
            .fetch_optional(&mut **write)
            .await?;
        row.map(|row| Ok((row.try_get("since")?, row.try_get("seq")?))).transpose()
    }

    /// The first unit of a pool.
    async fn first(&self, write: &mut Write, pool: Pool) -> StoreResult<Option<i64>> {
        let mut best: Option<(i64, i64)> = None;
        for class in self.classes(write, pool).await? {
            for sql in pool.looks {
                if let Some(found) = self.look(write, sql, class).await? {
                    best = Some(best.map_or(found, |best| best.min(found)));
                    break;
                }
            }
        }
        Ok(best.map(|(_, seq)| seq))
    }

    /// A unit of a pool that can be lent. Suspect ones are judged first, since the reporters may have earned trust meanwhile.
    pub(super) async fn find(&self, write: &mut Write, pool: Pool) -> StoreResult<Option<i64>> {
        for _ in 0..MOST_JUDGED {
            let Some(unit) = self.first(write, pool).await? else { return Ok(None) };
            if !pool.suspect || !trust::judge(write, unit, self.rules, self.ask.now).await? {
                return Ok(Some(unit));
            }
        }
        Ok(None)
    }
}
