//! From rows to types.

use crate::store::{StoreError, StoreResult};
use protocol::{
    Attempt, Digest, DonorKey, Failure, FailureCause, Felts, LeaseMode, Outcome, Preset, ProgramHash, ProjectName,
    ProjectSpec, ProofInfo, Signature, SignerKey, Timestamp, Unit, UnitId, UnitLimits, UnitState,
};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;
use std::str::FromStr;

/// A number for SQLite, which has 63 bits for it. Nothing that is counted here comes near.
pub(super) fn int(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A time for SQLite.
pub(super) fn time(value: Timestamp) -> i64 {
    int(value.0)
}

/// Units that are changed in one transaction, so that nobody waits for long.
pub(super) const BATCH: i64 = 1000;

/// The numbers of units as a JSON list.
pub(super) fn list_of(rows: &[SqliteRow]) -> StoreResult<String> {
    list(&rows.iter().map(|row| row.try_get::<i64, _>("seq")).collect::<Result<Vec<_>, _>>()?)
}

/// Numbers as a JSON list.
pub(super) fn list(numbers: &[i64]) -> StoreResult<String> {
    serde_json::to_string(numbers).map_err(|error| StoreError::Failed(error.to_string()))
}

/// Reads columns.
pub(super) trait Columns {
    fn number(&self, column: &'static str) -> StoreResult<u64>;
    fn optional_number(&self, column: &'static str) -> StoreResult<Option<u64>>;
    fn text(&self, column: &'static str) -> StoreResult<String>;
    fn optional_text(&self, column: &'static str) -> StoreResult<Option<String>>;
    fn bytes<const N: usize>(&self, column: &'static str) -> StoreResult<[u8; N]>;
    fn optional_bytes<const N: usize>(&self, column: &'static str) -> StoreResult<Option<[u8; N]>>;
    fn felts(&self, column: &'static str) -> StoreResult<Felts>;
    fn named<T>(&self, column: &'static str, read: impl Fn(&str) -> Option<T>) -> StoreResult<T>;

    fn parsed<T: FromStr>(&self, column: &'static str) -> StoreResult<T> {
        self.named(column, |text| text.parse().ok())
    }

    /// A count that travels with 32 bits. One that is larger shows as the largest: no answer fails for it.
    fn small(&self, column: &'static str) -> StoreResult<u32> {
        Ok(u32::try_from(self.number(column)?).unwrap_or(u32::MAX))
    }

    fn timestamp(&self, column: &'static str) -> StoreResult<Timestamp> {
        self.number(column).map(Timestamp)
    }

    fn optional_timestamp(&self, column: &'static str) -> StoreResult<Option<Timestamp>> {
        Ok(self.optional_number(column)?.map(Timestamp))
    }
}

impl Columns for SqliteRow {
    fn number(&self, column: &'static str) -> StoreResult<u64> {
        u64::try_from(self.try_get::<i64, _>(column)?).map_err(|_| StoreError::Damaged { what: column })
    }

    fn optional_number(&self, column: &'static str) -> StoreResult<Option<u64>> {
        let number = self.try_get::<Option<i64>, _>(column)?;
        number.map(u64::try_from).transpose().map_err(|_| StoreError::Damaged { what: column })
    }

    fn text(&self, column: &'static str) -> StoreResult<String> {
        Ok(self.try_get(column)?)
    }

    fn optional_text(&self, column: &'static str) -> StoreResult<Option<String>> {
        Ok(self.try_get(column)?)
    }

    fn bytes<const N: usize>(&self, column: &'static str) -> StoreResult<[u8; N]> {
        self.optional_bytes(column)?.ok_or(StoreError::Damaged { what: column })
    }

    fn optional_bytes<const N: usize>(&self, column: &'static str) -> StoreResult<Option<[u8; N]>> {
        let bytes = self.try_get::<Option<&[u8]>, _>(column)?;
        bytes.map(TryFrom::try_from).transpose().map_err(|_| StoreError::Damaged { what: column })
    }

    fn felts(&self, column: &'static str) -> StoreResult<Felts> {
        Felts::from_bytes(self.try_get::<&[u8], _>(column)?).ok_or(StoreError::Damaged { what: column })
    }

    fn named<T>(&self, column: &'static str, read: impl Fn(&str) -> Option<T>) -> StoreResult<T> {
        read(self.try_get::<&str, _>(column)?).ok_or(StoreError::Damaged { what: column })
    }
}

/// The state of this name.
pub(super) fn state_of(name: &str) -> Option<UnitState> {
    UnitState::ALL.into_iter().find(|state| state.name() == name)
}

/// Name of an outcome in the database.
pub(super) const fn outcome_name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Running => "running",
        Outcome::Expired => "expired",
        Outcome::Released => "released",
        Outcome::Failed => "failed",
        Outcome::Executed => "executed",
        Outcome::Proved => "proved",
        Outcome::Refused => "refused",
        Outcome::Superseded => "superseded",
    }
}

fn outcome_of(name: &str) -> Option<Outcome> {
    use Outcome::{Executed, Expired, Failed, Proved, Refused, Released, Running, Superseded};
    [Running, Expired, Released, Failed, Executed, Proved, Refused, Superseded]
        .into_iter()
        .find(|outcome| outcome_name(*outcome) == name)
}

/// A unit's state as it shows at `?1` (leases and collection included). A lease that ends after `?2`, further away than one
/// can, was given while the clock was wrong, and is over.
macro_rules! shown {
    () => {
        "CASE WHEN u.state IN ('queued', 'executed') AND u.lease_until > ?1 AND u.lease_until <= ?2 THEN 'leased' \
         ELSE u.counted END AS shown"
    };
}
pub(super) use shown;

/// A unit's columns, with its state as it shows. The rest of the statement follows.
macro_rules! select_units {
    ($rest:literal) => {
        concat!(
            "SELECT u.seq, u.id, p.name AS project_name, u.external_id, u.arguments, u.estimated_steps, u.attempts, ",
            "u.failure, u.failure_detail, u.failure_donors, u.failure_trusted, u.suspect, u.folded_attempts, u.created_at, ",
            "u.changed_at, u.proof, u.proof_size, u.proof_index, u.prover, u.n_steps, u.output, u.proved_at, u.proved_seq, ",
            "u.again, f.runs AS proof_runs, f.thinned_at, ",
            $crate::store::sqlite::rows::shown!(),
            " FROM units u JOIN projects p ON p.id = u.project ",
            "LEFT JOIN proofs f ON f.sha256 = u.proof AND f.project = u.project ",
            $rest
        )
    };
}
pub(super) use select_units;

/// A unit of [`select_units`].
pub(super) fn unit(row: &SqliteRow) -> StoreResult<Unit> {
    let failure = match row.try_get::<Option<&str>, _>("failure")? {
        None => None,
        Some(cause) => Some(Failure {
            cause: FailureCause::from_name(cause).ok_or(StoreError::Damaged { what: "failure" })?,
            detail: row.text("failure_detail")?,
            donors: row.small("failure_donors")?,
            trusted: row.small("failure_trusted")?,
        }),
    };
    Ok(Unit {
        id: UnitId::from_bytes(row.bytes("id")?),
        project: row.parsed("project_name")?,
        external_id: row.parsed("external_id")?,
        arguments: row.felts("arguments")?,
        estimated_steps: row.number("estimated_steps")?,
        state: row.named("shown", state_of)?,
        attempts: row.small("attempts")?,
        failure,
        suspect: row.try_get("suspect")?,
        again: row.optional_timestamp("again")?.is_some(),
        created_at: row.timestamp("created_at")?,
        changed_at: row.timestamp("changed_at")?,
    })
}

/// The proof of a row of [`select_units`].
pub(super) fn proof(row: &SqliteRow) -> StoreResult<Option<ProofInfo>> {
    let Some(sha256) = row.optional_bytes("proof")? else { return Ok(None) };
    Ok(Some(ProofInfo {
        sha256: Digest::from_bytes(sha256),
        size: row.number("proof_size")?,
        index: row.small("proof_index")?,
        runs: row.small("proof_runs")?,
        kept: row.optional_timestamp("thinned_at")?.is_none(),
        prover: DonorKey::from_bytes(row.bytes("prover")?),
        n_steps: row.number("n_steps")?,
        output: row.felts("output")?,
        proved_at: row.timestamp("proved_at")?,
    }))
}

/// An attempt as it shows at `now`, when no lease ends after `far`.
pub(super) fn attempt(row: &SqliteRow, now: Timestamp, far: Timestamp) -> StoreResult<Attempt> {
    let optional = |column: &'static str| row.try_get::<Option<&str>, _>(column);
    let expires_at = row.timestamp("expires_at")?;
    let mut outcome = row.named("outcome", outcome_of)?;
    let mut ended_at = row.optional_timestamp("ended_at")?;
    if outcome == Outcome::Running && (expires_at <= now || expires_at > far) {
        (outcome, ended_at) = (Outcome::Expired, Some(expires_at.min(now)));
    }
    let refusal = optional("refusal")?.map(|name| protocol::Cause::ALL.iter().copied().find(|c| c.name() == name));
    Ok(Attempt {
        number: row.small("number")?,
        donor: DonorKey::from_bytes(row.bytes("donor")?),
        mode: row.named("mode", LeaseMode::from_name)?,
        outcome,
        started_at: row.timestamp("started_at")?,
        expires_at,
        ended_at,
        failure: optional("failure")?.and_then(FailureCause::from_name),
        refusal: refusal.flatten(),
        detail: row.text("detail")?,
    })
}

/// The settings of a project's row.
pub(super) fn spec(row: &SqliteRow) -> StoreResult<ProjectSpec> {
    Ok(ProjectSpec {
        program: Digest::from_bytes(row.bytes("program")?),
        record: Digest::from_bytes(row.bytes("record")?),
        program_hash: ProgramHash::from_bytes(row.bytes("program_hash")?),
        signer: SignerKey::from_bytes(row.bytes("signer")?),
        signature: Signature::from_bytes(row.bytes("signature")?),
        limits: limits(row)?,
        preset: row.parsed::<Preset>("preset")?,
        description: row.text("description")?,
        weight: row.small("weight")?,
        byte_price: byte_price(row)?,
        keep_proofs: row.parsed("keep_proofs")?,
    })
}

/// The declared price of a proof's bytes in a project's row.
pub(super) fn byte_price(row: &SqliteRow) -> StoreResult<Option<u32>> {
    Ok(row.optional_number("byte_price")?.map(|price| u32::try_from(price).unwrap_or(u32::MAX)))
}

/// The limits of a project's row.
pub(super) fn limits(row: &SqliteRow) -> StoreResult<UnitLimits> {
    Ok(UnitLimits {
        max_steps: row.number("max_steps")?,
        max_memory_cells: row.number("max_memory_cells")?,
        time_limit: row.number("time_limit")?,
    })
}

/// A project's name from its row.
pub(super) fn project_name(row: &SqliteRow) -> StoreResult<ProjectName> {
    row.parsed("name")
}
