//! Lending a unit: choosing one, and saying why there is none.

use super::donors::seen;
use super::projects::row_of;
use super::rows::{Columns as _, int, limits, time};
use super::units::event;
use super::{Durability, SqliteStore, Write};
use crate::store::weights::weighted_order;
use crate::store::{LeaseAsk, LeaseGrant, StoreResult};
use protocol::{
    Digest, DonorLimits, ExecutionInfo, Lease, LeaseMode, LeaseToken, LeasedProject, LeasedUnit, NoWork, ProgramHash,
    Signature, SignerKey, Timestamp, UnitId, UnitState,
};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, query};

/// Bytes that the trace of one step takes while it is executed or proved, at least.
const BYTES_PER_STEP: u64 = 12;

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

/// Most steps of a unit that fits the donor.
fn most_steps(limits: &DonorLimits, seconds: u64) -> u64 {
    let by_memory = limits.max_memory / BYTES_PER_STEP;
    let by_speed =
        if limits.steps_per_second == 0 { u64::MAX } else { limits.steps_per_second.saturating_mul(seconds) };
    limits.max_steps.min(by_memory).min(by_speed)
}

/// The unit that is lent: never lent or longest free first. A unit that failed on the donor lately is not lent to it again; that
/// it could not take a proof or an execution of somebody else's making says nothing against it.
const TAKE: &str = "UPDATE units SET lease_until = ?6, attempts = attempts + 1, lease_attempt = attempts + 1, \
     changed_at = ?3 WHERE seq = (SELECT u.seq FROM units u \
     WHERE u.project = ?1 AND u.state = ?2 AND u.lease_until <= ?3 AND u.estimated_steps <= ?4 \
     AND NOT EXISTS (SELECT 1 FROM attempts a WHERE a.unit = u.seq AND a.donor = ?5 AND a.round = u.round \
     AND (a.outcome = 'refused' OR a.outcome = 'failed' AND a.failure <> 'bad_execution') AND a.ended_at > ?3 - ?7) \
     ORDER BY u.lease_until, u.seq LIMIT 1) RETURNING seq";

async fn take(write: &mut Write, ask: &LeaseAsk, project: i64, source: Source) -> StoreResult<Option<i64>> {
    let most = int(most_steps(&ask.limits, ask.renewable_for));
    // Answers at once if everything is too large, however much there is.
    let smallest = query("SELECT min(estimated_steps) AS steps FROM units WHERE project = ?1 AND state = ?2")
        .bind(project)
        .bind(source.state)
        .fetch_one(&mut **write)
        .await?;
    if smallest.try_get::<Option<i64>, _>("steps")?.is_none_or(|steps| steps > most) {
        return Ok(None);
    }
    let row = query(TAKE)
        .bind(project)
        .bind(source.state)
        .bind(time(ask.now))
        .bind(most)
        .bind(&ask.donor.as_bytes()[..])
        .bind(time(ask.until))
        .bind(int(ask.cooldown))
        .fetch_optional(&mut **write)
        .await?;
    Ok(row.map(|row| row.try_get("seq")).transpose()?)
}

/// Ends the attempt whose lease ran out, and begins the new one.
async fn begin_attempt(write: &mut Write, ask: &LeaseAsk, unit: i64, mode: LeaseMode) -> StoreResult<()> {
    query("UPDATE attempts SET outcome = 'expired', ended_at = expires_at WHERE unit = ?1 AND outcome = 'running'")
        .bind(unit)
        .execute(&mut **write)
        .await?;
    query(
        "INSERT INTO attempts (unit, number, donor, mode, outcome, round, token, request, started_at, expires_at) \
         SELECT seq, attempts, ?2, ?3, 'running', round, ?4, ?5, ?6, ?7 FROM units WHERE seq = ?1",
    )
    .bind(unit)
    .bind(&ask.donor.as_bytes()[..])
    .bind(mode.name())
    .bind(&ask.token.as_bytes()[..])
    .bind(&ask.request.as_bytes()[..])
    .bind(time(ask.now))
    .bind(time(ask.until))
    .execute(&mut **write)
    .await?;
    event(write, unit, UnitState::Leased, None, ask.now).await?;
    Ok(())
}

/// The lease that this very wish got before, if it still runs.
async fn granted_before(write: &mut Write, ask: &LeaseAsk) -> StoreResult<Option<Lease>> {
    let row = query(
        "SELECT a.unit, a.outcome = 'running' AND a.expires_at > ?3 AND u.lease_attempt = a.number AS live \
         FROM attempts a JOIN units u ON u.seq = a.unit WHERE a.donor = ?1 AND a.request = ?2",
    )
    .bind(&ask.donor.as_bytes()[..])
    .bind(&ask.request.as_bytes()[..])
    .bind(time(ask.now))
    .fetch_optional(&mut **write)
    .await?;
    let Some(row) = row else { return Ok(None) };
    if row.try_get("live")? {
        return read_lease(write, row.try_get("unit")?, ask).await.map(Some);
    }
    query("UPDATE attempts SET request = NULL WHERE donor = ?1 AND request = ?2")
        .bind(&ask.donor.as_bytes()[..])
        .bind(&ask.request.as_bytes()[..])
        .execute(&mut **write)
        .await?;
    Ok(None)
}

/// The running lease of a unit.
async fn read_lease(write: &mut Write, unit: i64, ask: &LeaseAsk) -> StoreResult<Lease> {
    let row = query(
        "SELECT u.id, u.arguments, u.estimated_steps, u.execution, u.execution_size, u.execution_steps, \
         a.token, a.number, a.mode, a.started_at, a.expires_at, p.name, p.program, p.record, p.program_hash, p.signer, \
         p.signature, p.max_steps, p.max_memory_cells, p.time_limit, p.preset \
         FROM units u JOIN attempts a ON a.unit = u.seq AND a.number = u.lease_attempt \
         JOIN projects p ON p.id = u.project WHERE u.seq = ?1",
    )
    .bind(unit)
    .fetch_one(&mut **write)
    .await?;
    lease(&row, ask.now, ask.renewable_for)
}

fn lease(row: &SqliteRow, now: Timestamp, renewable_for: u64) -> StoreResult<Lease> {
    let mode = row.named("mode", LeaseMode::from_name)?;
    let execution = match row.optional_bytes("execution")? {
        Some(sha256) if mode == LeaseMode::Prove => Some(ExecutionInfo {
            sha256: Digest::from_bytes(sha256),
            size: row.number("execution_size")?,
            n_steps: row.number("execution_steps")?,
        }),
        _ => None,
    };
    Ok(Lease {
        token: LeaseToken::from_bytes(row.bytes("token")?),
        attempt: row.number("number")? as u32,
        mode,
        now,
        expires_at: row.timestamp("expires_at")?,
        renewable_until: row.timestamp("started_at")?.plus(renewable_for),
        unit: LeasedUnit {
            id: UnitId::from_bytes(row.bytes("id")?),
            arguments: row.felts("arguments")?,
            estimated_steps: row.number("estimated_steps")?,
        },
        project: LeasedProject {
            name: row.parsed("name")?,
            program: Digest::from_bytes(row.bytes("program")?),
            record: Digest::from_bytes(row.bytes("record")?),
            program_hash: ProgramHash::from_bytes(row.bytes("program_hash")?),
            signer: SignerKey::from_bytes(row.bytes("signer")?),
            signature: Signature::from_bytes(row.bytes("signature")?),
            limits: limits(row)?,
            preset: row.parsed("preset")?,
        },
        execution,
    })
}

/// Why none of these projects has work.
async fn reason(write: &mut Write, ask: &LeaseAsk, projects: &[i64]) -> StoreResult<NoWork> {
    let most = int(most_steps(&ask.limits, ask.renewable_for));
    let mut reason = NoWork::Empty;
    for project in projects {
        for source in sources(ask.mode) {
            let row = query(
                "SELECT EXISTS (SELECT 1 FROM units WHERE project = ?1 AND state = ?2) AS open, \
                 EXISTS (SELECT 1 FROM units WHERE project = ?1 AND state = ?2 AND lease_until <= ?3 \
                 AND estimated_steps > ?4) AS large",
            )
            .bind(project)
            .bind(source.state)
            .bind(time(ask.now))
            .bind(most)
            .fetch_one(&mut **write)
            .await?;
            if row.try_get("large")? {
                return Ok(NoWork::TooLarge);
            }
            if row.try_get("open")? {
                reason = NoWork::AllLeased;
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
        if row.optional_timestamp("withdrawn_at")?.is_some() {
            return Ok(Err(LeaseGrant::NoWork(NoWork::Paused)));
        }
        return Ok(Ok(vec![row.try_get("id")?]));
    }
    let rows = query(
        "SELECT id, weight FROM projects p WHERE withdrawn_at IS NULL AND \
         (EXISTS (SELECT 1 FROM units WHERE project = p.id AND state = 'queued') OR \
          EXISTS (SELECT 1 FROM units WHERE project = p.id AND state = 'executed')) ORDER BY id",
    )
    .fetch_all(&mut **write)
    .await?;
    let read = |row: &SqliteRow| Ok((row.try_get("id")?, row.number("weight")? as u32));
    Ok(Ok(weighted_order(rows.iter().map(read).collect::<StoreResult<_>>()?, ask.draw)))
}

pub(super) async fn lend(store: &SqliteStore, ask: &LeaseAsk) -> StoreResult<LeaseGrant> {
    let mut write = store.write(Durability::Quick).await?;
    if let Some(lease) = granted_before(&mut write, ask).await? {
        return Ok(LeaseGrant::Granted(Box::new(lease)));
    }
    let projects = match projects(&mut write, ask).await? {
        Ok(projects) => projects,
        Err(answer) => return Ok(answer),
    };
    for project in &projects {
        for source in sources(ask.mode) {
            if let Some(unit) = take(&mut write, ask, *project, *source).await? {
                seen(&mut write, &ask.donor, ask.now).await?;
                begin_attempt(&mut write, ask, unit, source.mode).await?;
                let lease = read_lease(&mut write, unit, ask).await?;
                write.commit().await?;
                return Ok(LeaseGrant::Granted(Box::new(lease)));
            }
        }
    }
    Ok(LeaseGrant::NoWork(reason(&mut write, ask, &projects).await?))
}
