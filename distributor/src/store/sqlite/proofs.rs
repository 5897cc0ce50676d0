//! Proof files: of which runs they are, which units refer to them, and how long they are kept.

use super::rows::{Columns as _, int, list, time};
use super::{Durability, SqliteStore, Write};
use crate::store::{StoreResult, Submission, Thinned, VerifiedRun};
use protocol::{Digest, DonorKey, Felts, KeepProofs, ProjectName, ProofRuns, ProvedRun, Timestamp, UnitId};
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{Row as _, query};

/// Proofs that are looked at in one transaction.
const BATCH: i64 = 1000;

/// Seconds of a day.
const DAY: u64 = 24 * 3600;

/// Notes a proof whose file is stored, with the rows of the units that its runs are of. One that was there before,
/// perhaps thinned, has its file again, and a unit that is not collected. Returns the project, which is that of the
/// unit `of`; `steps` are those of all units that it is accepted for now, `more` of those that it was not before.
pub(super) async fn keep(
    write: &mut Write,
    submission: &Submission,
    (of, steps, more): (i64, u64, u64),
    units: &[i64],
) -> StoreResult<i64> {
    let row = query(
        "INSERT INTO proofs (project, sha256, size, runs, prover, accepted_at, steps) \
         SELECT project, ?2, ?3, ?4, ?5, ?6, ?7 FROM units WHERE seq = ?1 \
         ON CONFLICT (sha256, project) DO UPDATE SET thinned_at = NULL, collected_at = NULL, root = NULL, kept_by = NULL, \
         steps = steps + ?8 RETURNING id, project",
    )
    .bind(of)
    .bind(&submission.sha256.as_bytes()[..])
    .bind(int(submission.size))
    .bind(units.len() as i64)
    .bind(&submission.donor.as_bytes()[..])
    .bind(time(submission.now))
    .bind(int(steps))
    .bind(int(more))
    .fetch_one(&mut **write)
    .await?;
    let (proof, project): (i64, i64) = (row.try_get("id")?, row.try_get("project")?);
    query(
        "INSERT INTO proof_runs (proof, place, unit) SELECT ?2, l.key, l.value FROM json_each(?1) l WHERE true \
         ON CONFLICT DO NOTHING",
    )
    .bind(list(units)?)
    .bind(proof)
    .execute(&mut **write)
    .await?;
    Ok(project)
}

/// The result of a unit that was proved before.
pub(super) struct Before {
    pub sha256: Digest,
    id: UnitId,
    n_steps: u64,
    output: Felts,
}

impl Before {
    /// Units are deterministic: what a further proof shows must be the same. Its uploader compares, too, and is told by
    /// the list of results.
    pub fn compare(&self, shown: &VerifiedRun) {
        if self.n_steps != shown.n_steps || self.output != shown.output {
            tracing::error!(
                unit = %self.id, before = self.n_steps, now = shown.n_steps,
                "a unit was proven again with another result: its program is not deterministic, or one of the proofs is false"
            );
        }
    }
}

/// The result of a unit, if it has one.
pub(super) async fn of_unit(connection: &mut SqliteConnection, unit: i64) -> StoreResult<Option<Before>> {
    let row = query("SELECT id, proof, n_steps, output FROM units WHERE seq = ?1 AND proof IS NOT NULL").bind(unit);
    let Some(row) = row.fetch_optional(connection).await? else { return Ok(None) };
    Ok(Some(Before {
        sha256: Digest::from_bytes(row.bytes("proof")?),
        id: UnitId::from_bytes(row.bytes("id")?),
        n_steps: row.number("n_steps")?,
        output: row.felts("output")?,
    }))
}

/// Forgets a proof to which no unit refers any more.
pub(super) async fn let_go(write: &mut Write, project: i64, sha256: &Digest) -> StoreResult<()> {
    for sql in [
        "DELETE FROM proof_runs WHERE proof IN (SELECT id FROM proofs f WHERE sha256 = ?2 AND project = ?1 AND NOT EXISTS \
         (SELECT 1 FROM units u WHERE u.proof = f.sha256 AND u.project = f.project))",
        "DELETE FROM proofs WHERE sha256 = ?2 AND project = ?1 AND NOT EXISTS \
         (SELECT 1 FROM units u WHERE u.proof = proofs.sha256 AND u.project = proofs.project)",
    ] {
        query(sql).bind(project).bind(&sha256.as_bytes()[..]).execute(&mut **write).await?;
    }
    Ok(())
}

/// Notes of which proofs all results are collected, now that those of these units (a list of their rows) are.
pub(super) async fn collected(
    write: &mut Write,
    units: &str,
    root: Option<&Digest>,
    now: Timestamp,
) -> StoreResult<()> {
    query(
        "UPDATE proofs SET collected_at = ?2, root = ?3 WHERE collected_at IS NULL AND id IN (SELECT f.id FROM units u \
         JOIN proofs f ON f.sha256 = u.proof AND f.project = u.project WHERE u.seq IN (SELECT value FROM json_each(?1))) \
         AND NOT EXISTS (SELECT 1 FROM units u INDEXED BY units_proof WHERE u.proof = proofs.sha256 \
         AND u.project = proofs.project AND u.collected_at IS NULL)",
    )
    .bind(units)
    .bind(time(now))
    .bind(root.map(|root| &root.as_bytes()[..]))
    .execute(&mut **write)
    .await?;
    Ok(())
}

/// Collected proofs of a project whose files are there, after one, and what their rule has not looked at yet.
pub(super) const SPARE: &str = "SELECT id, sha256, size, root FROM proofs INDEXED BY proofs_spare WHERE project = ?1 \
     AND collected_at IS NOT NULL AND thinned_at IS NULL AND id > ?2 AND collected_at <= ?3 AND kept_by IS NOT ?4 \
     ORDER BY id LIMIT ?5";

/// A collected proof.
struct Spare {
    id: i64,
    sha256: Digest,
    size: u64,
    root: Option<Digest>,
}

impl Spare {
    fn read(row: &SqliteRow) -> StoreResult<Self> {
        Ok(Self {
            id: row.try_get("id")?,
            sha256: Digest::from_bytes(row.bytes("sha256")?),
            size: row.number("size")?,
            root: row.optional_bytes("root")?.map(Digest::from_bytes),
        })
    }

    /// Whether it stays. Without the root of a manifest nothing can be drawn.
    fn stays(&self, rule: &KeepProofs) -> bool {
        match (rule, &self.root) {
            (KeepProofs::All, _) | (KeepProofs::Sample { .. }, None) => true,
            (KeepProofs::UntilCollected { .. }, _) => false,
            (KeepProofs::Sample { .. }, Some(root)) => rule.draws(root, &self.sha256),
        }
    }
}

impl SqliteStore {
    pub(super) async fn thin_all(&self, now: Timestamp, look_only: bool) -> StoreResult<Vec<Thinned>> {
        let rows = query("SELECT id, name, keep_proofs FROM projects WHERE keep_proofs <> 'all' ORDER BY name")
            .fetch_all(&self.readers)
            .await?;
        let mut all = Vec::new();
        for row in rows {
            let (project, rule) = (row.parsed("name")?, row.parsed("keep_proofs")?);
            let mut thinned = Thinned { project, rule, files: 0, bytes: 0, stay: 0 };
            self.thin_project(row.try_get("id")?, &mut thinned, now, look_only).await?;
            all.push(thinned);
        }
        Ok(all)
    }

    async fn thin_project(&self, project: i64, sums: &mut Thinned, now: Timestamp, look_only: bool) -> StoreResult<()> {
        let days = match sums.rule {
            KeepProofs::UntilCollected { days } => u64::from(days),
            _ => 0,
        };
        let before = Timestamp(now.0.saturating_sub(days * DAY));
        let mut last = 0;
        loop {
            let rows = query(SPARE)
                .bind(project)
                .bind(last)
                .bind(time(before))
                .bind(sums.rule.to_string())
                .bind(BATCH)
                .fetch_all(&self.readers)
                .await?;
            let spare = rows.iter().map(Spare::read).collect::<StoreResult<Vec<_>>>()?;
            let Some(end) = spare.last() else { return Ok(()) };
            last = end.id;
            let (stay, go): (Vec<&Spare>, Vec<&Spare>) = spare.iter().partition(|proof| proof.stays(&sums.rule));
            sums.stay += stay.len() as u64;
            sums.files += go.len() as u64;
            sums.bytes += go.iter().map(|proof| proof.size).sum::<u64>();
            if look_only {
                continue;
            }
            let numbers = |proofs: &[&Spare]| list(&proofs.iter().map(|proof| proof.id).collect::<Vec<_>>());
            let mut write = self.write(Durability::Durable).await?;
            // A unit may have come to it meanwhile.
            for (sql, proofs, value) in [
                (
                    "UPDATE proofs SET thinned_at = CAST(?2 AS INTEGER) WHERE id IN (SELECT value FROM json_each(?1)) \
                     AND collected_at IS NOT NULL AND thinned_at IS NULL",
                    numbers(&go)?,
                    time(now).to_string(),
                ),
                (
                    "UPDATE proofs SET kept_by = ?2 WHERE id IN (SELECT value FROM json_each(?1)) AND collected_at IS NOT NULL",
                    numbers(&stay)?,
                    sums.rule.to_string(),
                ),
            ] {
                query(sql).bind(proofs).bind(value).execute(&mut *write).await?;
            }
            write.commit().await?;
        }
    }

    pub(super) async fn runs_of(&self, project: &ProjectName, sha256: &Digest) -> StoreResult<Option<ProofRuns>> {
        let mut transaction = self.readers.begin().await?;
        let row = query(
            "SELECT id, size, prover, thinned_at FROM proofs WHERE sha256 = ?2 \
             AND project = (SELECT id FROM projects WHERE name = ?1)",
        )
        .bind(project.as_str())
        .bind(&sha256.as_bytes()[..])
        .fetch_optional(&mut *transaction)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let runs = query(
            "SELECT u.id, u.external_id, u.arguments FROM proof_runs r JOIN units u ON u.seq = r.unit WHERE r.proof = ?1 \
             ORDER BY r.place",
        )
        .bind(row.try_get::<i64, _>("id")?)
        .fetch_all(&mut *transaction)
        .await?;
        let run = |row: &SqliteRow| {
            Ok(ProvedRun {
                unit: UnitId::from_bytes(row.bytes("id")?),
                external_id: row.parsed("external_id")?,
                arguments: row.felts("arguments")?,
            })
        };
        Ok(Some(ProofRuns {
            sha256: *sha256,
            size: row.number("size")?,
            kept: row.optional_timestamp("thinned_at")?.is_none(),
            prover: DonorKey::from_bytes(row.bytes("prover")?),
            runs: runs.iter().map(run).collect::<StoreResult<_>>()?,
        }))
    }
}
