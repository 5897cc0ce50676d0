//! Lending units: choosing them, and saying why there are none.

use super::donors::seen;
use super::projects::row_of;
use super::queue::{self, Room, Search};
use super::rows::{Columns as _, byte_price, int, limits, list, time};
use super::trust::{Standing, standing};
use super::upkeep::fold_attempts;
use super::{Durability, SqliteStore, Write};
use crate::store::weights::weighted_order;
use crate::store::{LeaseAsk, LeaseGrant, Rules, StoreError, StoreResult};
use protocol::{
    Digest, DonorLimits, ExecutionInfo, Lease, LeaseMode, LeaseToken, LeasedProject, LeasedUnit, MAX_LEASE_UNITS,
    MAX_UNIT_ARGUMENTS, NoWork, ProgramHash, Signature, SignerKey, Timestamp, UnitId,
};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, query};
use std::collections::HashMap;

/// Bytes that the trace of one step takes while it is executed or proved, at least.
const BYTES_PER_STEP: u64 = 12;

/// Most bytes of the arguments of a lease's units together, unless there is one only: the answer must not be too large for donors.
const MOST_ARGUMENTS: u64 = 32 * MAX_UNIT_ARGUMENTS as u64;

/// Most bytes of the executions that are to be proved under one lease, unless there is one only.
const MOST_EXECUTIONS: u64 = 1 << 30;

/// A unit of this state becomes leased.
#[derive(Debug, Clone, Copy)]
struct Source {
    state: &'static str,
    mode: LeaseMode,
}

const TO_PROVE: Source = Source { state: "executed", mode: LeaseMode::Prove };

/// Where a donor's work may come from; executions first, since they take room.
const fn sources(mode: LeaseMode) -> &'static [Source] {
    match mode {
        LeaseMode::Both => &[TO_PROVE, Source { state: "queued", mode: LeaseMode::Both }],
        LeaseMode::Execute => &[Source { state: "queued", mode: LeaseMode::Execute }],
        LeaseMode::Prove => &[TO_PROVE],
    }
}

/// Most steps that the donor does while it can renew its lease.
fn most_in_time(limits: &DonorLimits, seconds: u64) -> u64 {
    if limits.steps_per_second == 0 { u64::MAX } else { limits.steps_per_second.saturating_mul(seconds) }
}

/// Most steps of a unit that fits the donor.
fn most_steps(limits: &DonorLimits, seconds: u64) -> u64 {
    limits.max_steps.min(limits.max_memory / BYTES_PER_STEP).min(most_in_time(limits, seconds))
}

/// How much the donor's lease has room for, if it may hold so many units more.
fn room(limits: &DonorLimits, seconds: u64, units: u64) -> Room {
    let units = units.min(limits.lease_units.into()).min(MAX_LEASE_UNITS as u64);
    Room {
        units: units.max(1) as usize,
        steps: limits.lease_steps.min(most_in_time(limits, seconds)),
        arguments: MOST_ARGUMENTS,
        files: MOST_EXECUTIONS,
    }
}

/// What a donor may hold, and holds.
struct Holdings {
    /// Units under live leases, by project.
    live: HashMap<i64, u64>,
    /// Whether it proved something of any project.
    proven: bool,
    /// Units that its source's donors hold of projects that they proved nothing of.
    source: u64,
}

/// Counts at most so many units.
const MOST_COUNTED: i64 = 100_000;

async fn holdings(write: &mut Write, ask: &LeaseAsk, rules: &Rules) -> StoreResult<Holdings> {
    let far = time(ask.now.plus(rules.longest_lease));
    let rows = query(
        "SELECT u.project, count(*) AS live FROM attempts a JOIN units u ON u.seq = a.unit WHERE a.donor = ?1 \
         AND a.outcome = 'running' AND a.expires_at > ?2 AND a.expires_at <= ?3 GROUP BY u.project",
    )
    .bind(&ask.donor.as_bytes()[..])
    .bind(time(ask.now))
    .bind(far)
    .fetch_all(&mut **write)
    .await?;
    let read = |row: &SqliteRow| Ok((row.try_get("project")?, row.number("live")?));
    let live = rows.iter().map(read).collect::<StoreResult<_>>()?;
    let row = query(
        "SELECT EXISTS (SELECT 1 FROM standings WHERE donor = ?1 AND units > 0) AS proven, (SELECT count(*) FROM (SELECT 1 \
         FROM attempts WHERE source = ?2 AND source <> '' AND expires_at > ?3 AND expires_at <= ?4 LIMIT ?5)) AS source",
    )
    .bind(&ask.donor.as_bytes()[..])
    .bind(&ask.source)
    .bind(time(ask.now))
    .bind(far)
    .bind(MOST_COUNTED)
    .fetch_one(&mut **write)
    .await?;
    Ok(Holdings { live, proven: row.try_get("proven")?, source: row.number("source")? })
}

impl Holdings {
    /// How many more units of a project a donor of that standing may hold. Work on one project gives no right to units of
    /// another, which may be dearer.
    fn more(&self, project: i64, standing: &Standing, rules: &Rules) -> u64 {
        let all: u64 = self.live.values().sum();
        let most = u64::from(rules.most_leases).saturating_sub(all);
        if standing.trusted {
            return most;
        }
        // Who was wrong before gets little to be wrong about.
        let first = if standing.marks == 0 { u64::from(rules.new_leases) } else { 1 };
        let here = self.live.get(&project).copied().unwrap_or(0);
        let mut more = most.min(first.saturating_add(standing.units).saturating_sub(here));
        if !self.proven {
            more = more.min(first.saturating_sub(all));
        }
        if standing.units == 0 {
            more = more.min(u64::from(rules.source_leases).saturating_sub(self.source));
        }
        more
    }
}

/// For how long the lease can be renewed.
const fn renewable_for(ask: &LeaseAsk, newcomer: bool) -> u64 {
    if newcomer && ask.renewable_for_new < ask.renewable_for { ask.renewable_for_new } else { ask.renewable_for }
}

/// Lends the units: ends the attempts whose leases ran out, and begins new ones. Suspect units rest at least until the lease
/// ends. That a proved unit is proven again is no change of its state.
async fn take(write: &mut Write, ask: &LeaseAsk, units: &[i64], mode: LeaseMode, newcomer: bool) -> StoreResult<()> {
    let units = list(units)?;
    for sql in [
        "UPDATE attempts SET outcome = 'expired', ended_at = min(expires_at, ?2) WHERE outcome = 'running' \
         AND unit IN (SELECT value FROM json_each(?1)) AND ?3 > 0",
        "UPDATE units SET lease_until = ?3, attempts = attempts + 1, lease_attempt = attempts + 1, \
         changed_at = CASE WHEN again IS NULL THEN ?2 ELSE changed_at END, \
         ready_any = CASE WHEN suspect THEN max(ready_any, ?3) ELSE 0 END, \
         ready_trusted = CASE WHEN suspect THEN max(ready_trusted, ?3) ELSE 0 END \
         WHERE seq IN (SELECT value FROM json_each(?1))",
        "INSERT INTO events (project, unit, state, time) SELECT u.project, u.seq, 'leased', ?2 FROM json_each(?1) l \
         JOIN units u ON u.seq = l.value WHERE u.again IS NULL AND ?3 > 0 ORDER BY l.key",
    ] {
        query(sql).bind(&units).bind(time(ask.now)).bind(time(ask.until)).execute(&mut **write).await?;
    }
    query(
        "INSERT INTO attempts (unit, number, donor, mode, outcome, round, token, request, place, started_at, expires_at, \
         renewable_until, source) SELECT u.seq, u.attempts, ?2, ?3, 'running', u.round, ?4, ?5, l.key, ?6, ?7, ?8, ?9 \
         FROM json_each(?1) l JOIN units u ON u.seq = l.value",
    )
    .bind(&units)
    .bind(&ask.donor.as_bytes()[..])
    .bind(mode.name())
    .bind(&ask.token.as_bytes()[..])
    .bind(&ask.request.as_bytes()[..])
    .bind(time(ask.now))
    .bind(time(ask.until))
    .bind(time(ask.now.plus(renewable_for(ask, newcomer))))
    .bind(Some(&ask.source).filter(|source| newcomer && !source.is_empty()))
    .execute(&mut **write)
    .await?;
    Ok(())
}

/// The lease that this very wish got before, if it still runs: with the units that are still held under it.
async fn granted_before(write: &mut Write, ask: &LeaseAsk, rules: &Rules) -> StoreResult<Option<Lease>> {
    let rows = query(
        "SELECT a.token, a.outcome = 'running' AND a.expires_at > ?3 AND a.expires_at <= ?4 \
         AND u.lease_attempt = a.number AS live \
         FROM attempts a JOIN units u ON u.seq = a.unit WHERE a.donor = ?1 AND a.request = ?2",
    )
    .bind(&ask.donor.as_bytes()[..])
    .bind(&ask.request.as_bytes()[..])
    .bind(time(ask.now))
    .bind(time(ask.now.plus(rules.longest_lease)))
    .fetch_all(&mut **write)
    .await?;
    for row in &rows {
        if row.try_get("live")? {
            return read_lease(write, &LeaseToken::from_bytes(row.bytes("token")?), ask.now).await.map(Some);
        }
    }
    if !rows.is_empty() {
        query("UPDATE attempts SET request = NULL WHERE donor = ?1 AND request = ?2")
            .bind(&ask.donor.as_bytes()[..])
            .bind(&ask.request.as_bytes()[..])
            .execute(&mut **write)
            .await?;
    }
    Ok(None)
}

/// A running lease, with the units that are held under it.
async fn read_lease(write: &mut Write, token: &LeaseToken, now: Timestamp) -> StoreResult<Lease> {
    let rows = query(
        "SELECT u.id, u.arguments, u.estimated_steps, u.execution, u.execution_size, u.execution_steps, \
         a.token, a.number, a.mode, a.expires_at, coalesce(a.renewable_until, a.expires_at) AS renewable_until, p.name, \
         p.program, p.record, p.program_hash, p.signer, p.signature, p.max_steps, p.max_memory_cells, p.time_limit, \
         p.preset, p.description, p.weight, p.byte_price \
         FROM attempts a INDEXED BY attempts_token JOIN units u ON u.seq = a.unit AND u.lease_attempt = a.number \
         JOIN projects p ON p.id = u.project WHERE a.token = ?1 AND a.outcome = 'running' ORDER BY a.place",
    )
    .bind(&token.as_bytes()[..])
    .fetch_all(&mut **write)
    .await?;
    lease(&rows, now)
}

fn leased_unit(row: &SqliteRow, mode: LeaseMode) -> StoreResult<LeasedUnit> {
    let execution = match row.optional_bytes("execution")? {
        Some(sha256) if mode == LeaseMode::Prove => Some(ExecutionInfo {
            sha256: Digest::from_bytes(sha256),
            size: row.number("execution_size")?,
            n_steps: row.number("execution_steps")?,
        }),
        _ => None,
    };
    Ok(LeasedUnit {
        id: UnitId::from_bytes(row.bytes("id")?),
        attempt: row.small("number")?,
        arguments: row.felts("arguments")?,
        estimated_steps: row.number("estimated_steps")?,
        execution,
    })
}

fn lease(rows: &[SqliteRow], now: Timestamp) -> StoreResult<Lease> {
    let row = rows.first().ok_or(StoreError::Damaged { what: "lease" })?;
    let mode = row.named("mode", LeaseMode::from_name)?;
    Ok(Lease {
        token: LeaseToken::from_bytes(row.bytes("token")?),
        mode,
        now,
        expires_at: row.timestamp("expires_at")?,
        renewable_until: row.timestamp("renewable_until")?,
        units: rows.iter().map(|row| leased_unit(row, mode)).collect::<StoreResult<_>>()?,
        project: LeasedProject {
            name: row.parsed("name")?,
            program: Digest::from_bytes(row.bytes("program")?),
            record: Digest::from_bytes(row.bytes("record")?),
            program_hash: ProgramHash::from_bytes(row.bytes("program_hash")?),
            signer: SignerKey::from_bytes(row.bytes("signer")?),
            signature: Signature::from_bytes(row.bytes("signature")?),
            limits: limits(row)?,
            preset: row.parsed("preset")?,
            description: Digest::of(row.text("description")?.as_bytes()),
            weight: row.small("weight")?,
            byte_price: byte_price(row)?,
        },
    })
}

/// Why none of these projects has work: by what is counted and by the smallest unit, so nothing is searched.
async fn reason(write: &mut Write, ask: &LeaseAsk, projects: &[i64]) -> StoreResult<NoWork> {
    let most = most_steps(&ask.limits, ask.renewable_for);
    let mut reason = NoWork::Empty;
    for project in projects {
        for source in sources(ask.mode) {
            let row = query(
                "SELECT EXISTS (SELECT 1 FROM unit_counts WHERE project = ?1 AND state = ?2 AND units > 0) AS open, \
                 (SELECT min(estimated_steps) FROM units WHERE project = ?1 AND state = ?2 AND suspect = 0) AS smallest, \
                 (SELECT min(estimated_steps) FROM units WHERE project = ?1 AND state = ?2 AND suspect = 1) AS suspect",
            )
            .bind(project)
            .bind(source.state)
            .fetch_one(&mut **write)
            .await?;
            let smallest = [row.optional_number("smallest")?, row.optional_number("suspect")?];
            if smallest.into_iter().flatten().any(|steps| steps <= most) {
                return Ok(NoWork::AllLeased);
            }
            if row.try_get("open")? {
                reason = NoWork::TooLarge;
            }
        }
    }
    Ok(reason)
}

/// The projects to look at, in order; or the answer at once.
async fn projects(write: &mut Write, ask: &LeaseAsk) -> StoreResult<Result<Vec<i64>, LeaseGrant>> {
    if query("SELECT 1 FROM settings WHERE name = 'paused'").fetch_optional(&mut **write).await?.is_some() {
        return Ok(Err(LeaseGrant::NoWork(NoWork::Paused)));
    }
    if let Some(name) = &ask.project {
        let Some(row) = row_of(write, name).await? else { return Ok(Err(LeaseGrant::UnknownProject)) };
        if row.optional_timestamp("withdrawn_at")?.is_some() || row.number("signed")? == 0 {
            return Ok(Err(LeaseGrant::NoWork(NoWork::Paused)));
        }
        return Ok(Ok(vec![row.try_get("id")?]));
    }
    Ok(Ok(weighted_order(with_work(write, ask.draw).await?, ask.draw)))
}

/// Projects that are looked at for one lease.
pub(super) const MOST_PROJECTS: usize = 256;

/// Projects with work from a number on, by number.
pub(super) const WITH_WORK: &str = "SELECT id, min(weight, most_weight) AS weight FROM projects INDEXED BY projects_open \
     WHERE open_units > 0 AND withdrawn_at IS NULL AND signed = 1 AND id >= ?1 ORDER BY id LIMIT ?2";

/// The projects with work and their weights: all of them, or of very many some that follow each other, from where the draw says.
async fn with_work(write: &mut Write, draw: u64) -> StoreResult<Vec<(i64, u32)>> {
    let all = with_work_from(write, 0).await?;
    if all.len() < MOST_PROJECTS {
        return Ok(all);
    }
    let last = query("SELECT max(id) AS last FROM projects").fetch_one(&mut **write).await?.number("last")?;
    // The order of these few depends on the draw's other half.
    let start = int(draw.rotate_left(32) % last.saturating_add(1));
    let mut some = with_work_from(write, start).await?;
    some.extend(all.into_iter().filter(|(id, _)| *id < start));
    some.truncate(MOST_PROJECTS);
    some.sort_unstable();
    Ok(some)
}

async fn with_work_from(write: &mut Write, start: i64) -> StoreResult<Vec<(i64, u32)>> {
    let rows = query(WITH_WORK).bind(start).bind(MOST_PROJECTS as i64).fetch_all(&mut **write).await?;
    rows.iter().map(|row| Ok((row.try_get("id")?, row.small("weight")?))).collect()
}

/// Lends units of a project, so many at most, if there are any for a donor of that standing.
async fn lend_from(
    write: &mut Write,
    ask: &LeaseAsk,
    rules: &Rules,
    project: i64,
    standing: &Standing,
    units: u64,
) -> StoreResult<Option<Lease>> {
    let newcomer = standing.units == 0 && !standing.named;
    let seconds = renewable_for(ask, newcomer);
    let search = |state| Search {
        ask,
        rules,
        project,
        state,
        most: most_steps(&ask.limits, seconds),
        room: room(&ask.limits, seconds, units),
    };
    // What is to be proven again is executed and proved by one donor.
    if ask.mode == LeaseMode::Both {
        let found = search("proved").find_again(write).await?;
        if !found.is_empty() {
            return lend_units(write, ask, rules, &found, LeaseMode::Both, newcomer).await.map(Some);
        }
    }
    for pool in queue::pools(standing) {
        for source in sources(ask.mode) {
            let found = search(source.state).find(write, *pool).await?;
            if !found.is_empty() {
                return lend_units(write, ask, rules, &found, source.mode, newcomer).await.map(Some);
            }
        }
    }
    Ok(None)
}

async fn lend_units(
    write: &mut Write,
    ask: &LeaseAsk,
    rules: &Rules,
    units: &[i64],
    mode: LeaseMode,
    newcomer: bool,
) -> StoreResult<Lease> {
    seen(write, &ask.donor, ask.now).await?;
    take(write, ask, units, mode, newcomer).await?;
    fold_attempts(write, units, rules).await?;
    read_lease(write, &ask.token, ask.now).await
}

pub(super) async fn lend(store: &SqliteStore, ask: &LeaseAsk) -> StoreResult<LeaseGrant> {
    let rules = store.rules();
    let mut write = store.write(Durability::Quick).await?;
    if let Some(lease) = granted_before(&mut write, ask, &rules).await? {
        return Ok(LeaseGrant::Granted(Box::new(lease)));
    }
    let projects = match projects(&mut write, ask).await? {
        Ok(projects) => projects,
        Err(answer) => return Ok(answer),
    };
    let holdings = holdings(&mut write, ask, &rules).await?;
    let mut limited = false;
    for project in &projects {
        let standing = standing(&mut write, *project, &ask.donor, &rules, ask.now).await?;
        let units = holdings.more(*project, &standing, &rules);
        if units == 0 {
            limited = true;
            continue;
        }
        if let Some(lease) = lend_from(&mut write, ask, &rules, *project, &standing, units).await? {
            write.commit().await?;
            return Ok(LeaseGrant::Granted(Box::new(lease)));
        }
    }
    let reason = if limited { NoWork::LeaseLimit } else { reason(&mut write, ask, &projects).await? };
    // Units may have been judged.
    write.commit().await?;
    Ok(LeaseGrant::NoWork(reason))
}
