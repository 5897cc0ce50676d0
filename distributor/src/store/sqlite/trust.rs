//! Whom to believe: standing by proven work, reports of failures, and what becomes of both.
//!
//! A proof cannot be forged, a report is only an assertion. So reports decide in which order a unit is lent, and set it
//! aside only when donors with more than half of the work on the project stand behind them, or one whom the operator named.

use super::events::event;
use super::rows::{Columns as _, int, time};
use super::{Durability, SqliteStore, Write};
use crate::store::{Refusal, Rules, StoreResult};
use protocol::{Cause, DonorKey, FailureCause, FailureReport, MAX_REPORTS, Report, Timestamp, UnitState};
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{Row as _, query};

/// Longest cool-down of a suspect unit.
pub(super) const LONGEST_COOLDOWN: u64 = 24 * 3600;

/// Reports of one unit by strangers that are kept; more are only counted.
const MOST_REPORTS: i64 = 64;

/// What a donor counts for in a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    /// Whether the operator named it.
    pub named: bool,
    /// Units that it proved of the project under leases and did not lose.
    pub units: u64,
    /// Whether its reports count.
    pub trusted: bool,
    /// Its wrong reports, in all projects.
    pub marks: u64,
}

/// The standing of a donor. Who proved nothing for long is a stranger again.
pub(super) async fn standing(
    connection: &mut SqliteConnection,
    project: i64,
    donor: &DonorKey,
    rules: &Rules,
    now: Timestamp,
) -> StoreResult<Standing> {
    let row = query(
        "SELECT d.trusted_at IS NOT NULL AS named, d.blocked_at IS NOT NULL AS blocked, d.marks, \
         coalesce(s.units, 0) AS units, coalesce(abs(?3 - s.active_at) <= ?4, 0) AS active \
         FROM donors d LEFT JOIN standings s ON s.donor = d.key AND s.project = ?2 WHERE d.key = ?1",
    )
    .bind(&donor.as_bytes()[..])
    .bind(project)
    .bind(time(now))
    .bind(int(rules.active_for))
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(Standing { named: false, units: 0, trusted: false, marks: 0 }) };
    let blocked: bool = row.try_get("blocked")?;
    let named = row.try_get::<bool, _>("named")? && !blocked;
    let (units, active) = (row.number("units")?, row.try_get::<bool, _>("active")?);
    let earned = active && !blocked && units >= u64::from(rules.trust_units.max(1));
    Ok(Standing { named, units, trusted: named || earned, marks: row.number("marks")? })
}

/// A first proof under a lease of the donor's own.
pub(super) async fn earn(
    write: &mut Write,
    unit: i64,
    donor: &DonorKey,
    steps: u64,
    now: Timestamp,
) -> StoreResult<()> {
    query(
        "INSERT INTO standings (project, donor, steps, units, active_at) \
         SELECT project, ?2, ?3, 1, ?4 FROM units WHERE seq = ?1 ON CONFLICT DO UPDATE \
         SET steps = steps + excluded.steps, units = units + 1, active_at = excluded.active_at",
    )
    .bind(unit)
    .bind(&donor.as_bytes()[..])
    .bind(int(steps))
    .bind(time(now))
    .execute(&mut **write)
    .await?;
    Ok(())
}

/// A report was wrong: a mark, and all standing in the unit's project is lost.
pub(super) async fn lose(write: &mut Write, unit: i64, donor: &[u8]) -> StoreResult<()> {
    for sql in [
        "UPDATE standings SET steps = 0, units = 0 WHERE donor = ?1 AND project = (SELECT project FROM units WHERE seq = ?2)",
        "UPDATE donors SET marks = marks + 1 WHERE key = ?1 AND ?2 > 0",
    ] {
        query(sql).bind(donor).bind(unit).execute(&mut **write).await?;
    }
    Ok(())
}

/// Whether a refusal says something against the donor. Version and policy may have changed since it began.
const fn incriminates(cause: Cause) -> bool {
    use Cause::{BadEncoding, BadExecution, VerifyFailed, WrongArguments, WrongProgram, WrongProver};
    matches!(cause, BadEncoding | BadExecution | VerifyFailed | WrongArguments | WrongProgram | WrongProver)
}

/// A submission was refused: half of the standing in the unit's project is lost.
pub(super) async fn halve(write: &mut Write, unit: i64, donor: &DonorKey, cause: Cause) -> StoreResult<()> {
    if !incriminates(cause) {
        return Ok(());
    }
    query(
        "UPDATE standings SET steps = steps / 2 \
         WHERE donor = ?1 AND project = (SELECT project FROM units WHERE seq = ?2)",
    )
    .bind(&donor.as_bytes()[..])
    .bind(unit)
    .execute(&mut **write)
    .await?;
    Ok(())
}

/// There is a run of the unit: who claimed that there is none loses standing, and the claims are settled.
async fn refute(write: &mut Write, unit: i64) -> StoreResult<()> {
    let rows = query(
        "SELECT r.donor FROM reports r JOIN units u ON u.seq = r.unit JOIN projects p ON p.id = u.project \
         WHERE r.unit = ?1 AND r.claim = p.limits",
    )
    .bind(unit)
    .fetch_all(&mut **write)
    .await?;
    for row in rows {
        lose(write, unit, row.try_get("donor")?).await?;
    }
    Ok(())
}

/// There is a run of the unit, proved or executed: that settles all that was reported before it.
pub(super) async fn settle(write: &mut Write, unit: i64) -> StoreResult<()> {
    refute(write, unit).await?;
    for sql in [
        "DELETE FROM reports WHERE unit = ?1",
        "UPDATE units SET suspect = 0, reports = 0, trusted_reports = 0, ready_any = 0, ready_trusted = 0, failure = NULL, \
         failure_detail = '', failure_donors = 0, failure_trusted = 0 WHERE seq = ?1",
    ] {
        query(sql).bind(unit).execute(&mut **write).await?;
    }
    Ok(())
}

/// Notes a report. A donor's earlier claim stands until it is refuted, whatever it says later.
async fn note(
    write: &mut Write,
    unit: i64,
    donor: &DonorKey,
    report: &FailureReport,
    trusted: bool,
    now: Timestamp,
) -> StoreResult<()> {
    let sql = "INSERT INTO reports (unit, donor, round, limits, cause, detail, time, claim) \
         SELECT u.seq, ?2, u.round, p.limits, ?3, ?4, ?5, CASE WHEN ?6 THEN p.limits END \
         FROM units u JOIN projects p ON p.id = u.project WHERE u.seq = ?1 AND (?7 OR \
         EXISTS (SELECT 1 FROM reports WHERE unit = ?1 AND donor = ?2) OR \
         (SELECT count(*) FROM reports WHERE unit = ?1) < ?8) \
         ON CONFLICT DO UPDATE SET round = excluded.round, limits = excluded.limits, cause = excluded.cause, \
         detail = excluded.detail, time = excluded.time, claim = coalesce(excluded.claim, claim)";
    query(sql)
        .bind(unit)
        .bind(&donor.as_bytes()[..])
        .bind(report.cause.name())
        .bind(&report.detail)
        .bind(time(now))
        .bind(report.cause.is_refuted_by_a_run())
        .bind(trusted)
        .bind(MOST_REPORTS)
        .execute(&mut **write)
        .await?;
    Ok(())
}

/// Who stands behind the reports of a unit's present round, and how that compares with the project's work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Weight {
    donors: u64,
    trusted: u64,
    named: bool,
    /// Steps of the trusted reporters.
    steps: u64,
    /// Steps of all donors that are active in the project.
    total: u64,
}

impl Weight {
    /// Whether that is enough to set the unit aside.
    fn suffices(&self, rules: &Rules) -> bool {
        let enough = self.trusted >= u64::from(rules.quarantine_after.max(1));
        enough && (self.named || u128::from(self.steps) * 2 > u128::from(self.total))
    }
}

async fn weigh(connection: &mut SqliteConnection, unit: i64, rules: &Rules, now: Timestamp) -> StoreResult<Weight> {
    let row = query(
        "WITH said AS (SELECT d.trusted_at IS NOT NULL AND d.blocked_at IS NULL AS named, coalesce(s.steps, 0) AS steps, \
         d.blocked_at IS NULL AND (d.trusted_at IS NOT NULL OR coalesce(s.units, 0) >= ?4) AS trusted \
         FROM reports r JOIN units u ON u.seq = r.unit JOIN projects p ON p.id = u.project \
         JOIN donors d ON d.key = r.donor LEFT JOIN standings s ON s.project = u.project AND s.donor = r.donor \
         AND abs(?2 - s.active_at) <= ?3 WHERE r.unit = ?1 AND r.round = u.round AND r.limits = p.limits) \
         SELECT count(*) AS donors, coalesce(sum(trusted), 0) AS trusted, coalesce(max(named), 0) AS named, \
         coalesce(sum(CASE WHEN trusted THEN steps END), 0) AS steps, (SELECT coalesce(sum(s.steps), 0) \
         FROM standings s JOIN donors d ON d.key = s.donor WHERE s.project = (SELECT project FROM units WHERE seq = ?1) \
         AND abs(?2 - s.active_at) <= ?3 AND d.blocked_at IS NULL) AS total FROM said",
    )
    .bind(unit)
    .bind(time(now))
    .bind(int(rules.active_for))
    .bind(i64::from(rules.trust_units.max(1)))
    .fetch_one(connection)
    .await?;
    Ok(Weight {
        donors: row.number("donors")?,
        trusted: row.number("trusted")?,
        named: row.try_get("named")?,
        steps: row.number("steps")?,
        total: row.number("total")?,
    })
}

/// Sets a unit aside if enough stands behind its reports. Whether it did.
pub(super) async fn judge(write: &mut Write, unit: i64, rules: &Rules, now: Timestamp) -> StoreResult<bool> {
    let weight = weigh(write, unit, rules, now).await?;
    query("UPDATE units SET failure_donors = ?2, failure_trusted = ?3 WHERE seq = ?1 AND failure IS NOT NULL")
        .bind(unit)
        .bind(int(weight.donors))
        .bind(int(weight.trusted))
        .execute(&mut **write)
        .await?;
    if !weight.suffices(rules) {
        return Ok(false);
    }
    let set_aside = query(
        "UPDATE units SET state = 'failed', suspect = 0, lease_attempt = NULL, lease_until = 0, changed_at = ?2 \
         WHERE seq = ?1 AND state IN ('queued', 'executed') RETURNING failure",
    )
    .bind(unit)
    .bind(time(now))
    .fetch_optional(&mut **write)
    .await?;
    let Some(row) = set_aside else { return Ok(false) };
    let cause = row.try_get::<Option<&str>, _>("failure")?.and_then(FailureCause::from_name);
    query("UPDATE attempts SET outcome = 'superseded', ended_at = ?2 WHERE unit = ?1 AND outcome = 'running'")
        .bind(unit)
        .bind(time(now))
        .execute(&mut **write)
        .await?;
    event(write, unit, UnitState::Failed, cause, now).await?;
    Ok(true)
}

/// Seconds that a unit rests after that many reports.
fn rest(rules: &Rules, reports: u64) -> u64 {
    let doublings = u32::try_from(reports.saturating_sub(1)).unwrap_or(u32::MAX).min(32);
    rules.suspect_cooldown.saturating_mul(1 << doublings).min(LONGEST_COOLDOWN)
}

/// Takes in a report that an attempt at the unit failed on a donor: the unit is suspect now, or set aside. It says nothing
/// of a later round, nor of a unit that is settled.
pub(super) async fn report(
    write: &mut Write,
    (unit, attempt): (i64, i64),
    donor: &DonorKey,
    report: &FailureReport,
    rules: &Rules,
    now: Timestamp,
) -> StoreResult<()> {
    let row = query(
        "SELECT u.project, u.reports, u.trusted_reports, EXISTS (SELECT 1 FROM reports r WHERE r.unit = u.seq \
         AND r.donor = ?3 AND r.round = u.round) AS again FROM units u JOIN attempts a ON a.unit = u.seq AND a.round = u.round \
         WHERE u.seq = ?1 AND a.number = ?2 AND u.state IN ('queued', 'executed')",
    )
    .bind(unit)
    .bind(attempt)
    .bind(&donor.as_bytes()[..]);
    let Some(row) = row.fetch_optional(&mut **write).await? else { return Ok(()) };
    let standing = standing(write, row.try_get("project")?, donor, rules, now).await?;
    note(write, unit, donor, report, standing.trusted, now).await?;
    let any = now.plus(rest(rules, row.number("reports")?.saturating_add(1)));
    let trusted = now.plus(rest(rules, row.number("trusted_reports")?.saturating_add(1)));
    // What strangers say, or who said it before, neither keeps trusted donors from the unit nor hides what these said.
    let new = standing.trusted && !row.try_get::<bool, _>("again")?;
    query(
        "UPDATE units SET suspect = 1, reports = reports + 1, \
         trusted_reports = trusted_reports + ?7, ready_any = ?3, ready_trusted = CASE WHEN ?7 THEN ?4 ELSE ready_trusted END, \
         failure = CASE WHEN ?2 OR failure_trusted = 0 THEN ?5 ELSE failure END, \
         failure_detail = CASE WHEN ?2 OR failure_trusted = 0 THEN ?6 ELSE failure_detail END WHERE seq = ?1",
    )
    .bind(unit)
    .bind(standing.trusted)
    .bind(time(any))
    .bind(time(trusted))
    .bind(report.cause.name())
    .bind(&report.detail)
    .bind(new)
    .execute(&mut **write)
    .await?;
    judge(write, unit, rules, now).await?;
    Ok(())
}

/// What an attempt brought was refused. Of a unit that nobody can prove this shall be known too, so it counts as a report; but not
/// what strangers bring that nobody would bring in good faith, nor a file of another version.
pub(super) async fn refused(
    write: &mut Write,
    (unit, attempt): (i64, i64),
    donor: &DonorKey,
    refusal: &Refusal,
    rules: &Rules,
    now: Timestamp,
) -> StoreResult<()> {
    let row = query("SELECT project FROM units WHERE seq = ?1").bind(unit).fetch_one(&mut **write).await?;
    let standing = standing(write, row.try_get("project")?, donor, rules, now).await?;
    if refusal.cause == Cause::UnsupportedVersion || (incriminates(refusal.cause) && !standing.trusted) {
        return Ok(());
    }
    let detail = format!("{}: {}", refusal.cause, refusal.detail);
    let said = FailureReport { cause: FailureCause::ProveFailed, detail };
    report(write, (unit, attempt), donor, &said, rules, now).await
}

/// The reports of a unit's present round, newest first.
pub(super) async fn reports(
    connection: &mut SqliteConnection,
    unit: i64,
    rules: &Rules,
    now: Timestamp,
) -> StoreResult<Vec<Report>> {
    let rows = query(
        "SELECT r.donor, r.cause, r.detail, r.time, d.blocked_at IS NULL AND \
         (d.trusted_at IS NOT NULL OR coalesce(s.units, 0) >= ?4) AS trusted \
         FROM reports r JOIN units u ON u.seq = r.unit JOIN donors d ON d.key = r.donor \
         LEFT JOIN standings s ON s.project = u.project AND s.donor = r.donor AND abs(?2 - s.active_at) <= ?3 \
         WHERE r.unit = ?1 AND r.round = u.round ORDER BY r.time DESC, r.donor LIMIT ?5",
    )
    .bind(unit)
    .bind(time(now))
    .bind(int(rules.active_for))
    .bind(i64::from(rules.trust_units.max(1)))
    .bind(i64::from(MAX_REPORTS))
    .fetch_all(connection)
    .await?;
    let read = |row: &SqliteRow| {
        Ok(Report {
            donor: DonorKey::from_bytes(row.bytes("donor")?),
            trusted: row.try_get("trusted")?,
            cause: row.named("cause", FailureCause::from_name)?,
            detail: row.text("detail")?,
            time: row.timestamp("time")?,
        })
    };
    rows.iter().map(read).collect()
}

/// A new round begins: of the old reports only claims of trusted donors are remembered, until a proof refutes them.
pub(super) async fn begin_round(write: &mut Write, unit: i64, rules: &Rules) -> StoreResult<()> {
    query(
        "DELETE FROM reports WHERE unit = ?1 AND (claim IS NULL OR NOT EXISTS (SELECT 1 FROM standings s \
         WHERE s.donor = reports.donor AND s.project = (SELECT project FROM units WHERE seq = ?1) AND s.units >= ?2))",
    )
    .bind(unit)
    .bind(i64::from(rules.trust_units.max(1)))
    .execute(&mut **write)
    .await?;
    Ok(())
}

impl SqliteStore {
    pub(super) async fn name_donor(&self, key: &DonorKey, trusted: bool, now: Timestamp) -> StoreResult<()> {
        let mut write = self.write(Durability::Durable).await?;
        super::donors::seen(&mut write, key, now).await?;
        query("UPDATE donors SET trusted_at = CASE WHEN ?2 THEN coalesce(trusted_at, ?3) END WHERE key = ?1")
            .bind(&key.as_bytes()[..])
            .bind(trusted)
            .bind(time(now))
            .execute(&mut *write)
            .await?;
        write.commit().await
    }
}
