//! What an accepted proof is counted for, in the transaction in which it is accepted. The receipts of first proofs are
//! the ledger; all sums follow from it (the views `found_tallies` and `found_shares`).

use super::Write;
use super::donors::seen;
use super::rows::{Columns as _, int, time};
use crate::store::{StoreResult, Submission, spans};
use protocol::{Span, Tally, Timestamp};
use sqlx::sqlite::SqliteConnection;
use sqlx::{Row as _, query};

/// What the receipts of a submission say beside its result.
pub(super) struct Ledger {
    /// The donor's team.
    pub team: Option<i64>,
    /// Whether the file was credited before, or a receipt of this submission has it.
    pub counted: bool,
}

impl Ledger {
    pub async fn of(write: &mut Write, submission: &Submission) -> StoreResult<Self> {
        let row =
            query("SELECT 1 FROM receipts WHERE donor = ?1 AND sha256 = ?2 AND kind = 'proof' AND fresh = 1 LIMIT 1")
                .bind(&submission.donor.as_bytes()[..])
                .bind(&submission.sha256.as_bytes()[..]);
        let counted = row.fetch_optional(&mut **write).await?.is_some();
        Ok(Self { team: team_of(write, submission).await?, counted })
    }
}

/// The team of a donor, which is made if it is the first to prove something for it.
async fn team_of(write: &mut Write, submission: &Submission) -> StoreResult<Option<i64>> {
    let row = query("SELECT team, team_likeness FROM donors WHERE key = ?1 AND team IS NOT NULL");
    let row = row.bind(&submission.donor.as_bytes()[..]).fetch_optional(&mut **write).await?;
    let Some(row) = row else { return Ok(None) };
    let (name, likeness) = (row.text("team")?, row.text("team_likeness")?);
    query("INSERT INTO teams (likeness, name, created_at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING")
        .bind(&likeness)
        .bind(name)
        .bind(time(submission.now))
        .execute(&mut **write)
        .await?;
    let row = query("SELECT id FROM teams WHERE likeness = ?1").bind(&likeness).fetch_one(&mut **write).await?;
    Ok(Some(row.try_get("id")?))
}

/// Whose sums, as they are in the tables.
enum Subject<'a> {
    Row(i64),
    Key(&'a [u8]),
}

/// Adds to one sum; whether it is new.
async fn add(
    connection: &mut SqliteConnection,
    (kind, subject): (&'static str, &Subject<'_>),
    (span, now): (Span, Timestamp),
    more: &Tally,
    donors: i64,
) -> StoreResult<bool> {
    let sql = "INSERT INTO tallies (kind, subject, span, start, steps, units, proofs, donors) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO UPDATE SET steps = steps + ?5, units = units + ?6, \
         proofs = proofs + ?7, donors = donors + ?8 RETURNING units";
    let asked = match subject {
        Subject::Row(row) => query(sql).bind(kind).bind(*row),
        Subject::Key(key) => query(sql).bind(kind).bind(*key),
    };
    let row = asked
        .bind(span.name())
        .bind(spans::number(span, now))
        .bind(int(more.steps))
        .bind(int(more.units))
        .bind(int(more.proofs))
        .bind(donors)
        .fetch_one(connection)
        .await?;
    Ok(row.number("units")? == more.units)
}

/// Adds to what a donor did for a project or team; whether that is the first.
async fn add_share(
    write: &mut Write,
    kind: &'static str,
    subject: i64,
    submission: &Submission,
    more: &Tally,
) -> StoreResult<bool> {
    let row = query(
        "INSERT INTO shares (kind, subject, donor, steps, units, proofs) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
         ON CONFLICT DO UPDATE SET steps = steps + ?4, units = units + ?5, proofs = proofs + ?6 RETURNING units",
    )
    .bind(kind)
    .bind(subject)
    .bind(&submission.donor.as_bytes()[..])
    .bind(int(more.steps))
    .bind(int(more.units))
    .bind(int(more.proofs))
    .fetch_one(&mut **write)
    .await?;
    Ok(row.number("units")? == more.units)
}

/// Credits a proof's donor, its team and its project. `new_steps` are those of units that had no result before.
pub(super) async fn credit_proof(
    write: &mut Write,
    submission: &Submission,
    project: i64,
    (more, new_steps): (&Tally, u64),
    ledger: &Ledger,
) -> StoreResult<()> {
    query("UPDATE projects SET proven_steps = proven_steps + ?2 WHERE id = ?1")
        .bind(project)
        .bind(int(new_steps))
        .execute(&mut **write)
        .await?;
    seen(write, &submission.donor, submission.now).await?;
    if more.units == 0 {
        return Ok(());
    }
    query("UPDATE donors SET proven_steps = proven_steps + ?2, proven_units = proven_units + ?3 WHERE key = ?1")
        .bind(&submission.donor.as_bytes()[..])
        .bind(int(more.steps))
        .bind(int(more.units))
        .execute(&mut **write)
        .await?;
    let now = submission.now;
    let donor = ("donor", &Subject::Key(&submission.donor.as_bytes()[..]));
    let new_donor = add(write, donor, (Span::Ever, now), more, 0).await?;
    let new_today = add(write, donor, (Span::Day, now), more, 0).await?;
    add(write, donor, (Span::Month, now), more, 0).await?;
    let grid = ("grid", &Subject::Row(0));
    add(write, grid, (Span::Ever, now), more, new_donor.into()).await?;
    add(write, grid, (Span::Day, now), more, new_today.into()).await?;
    add(write, grid, (Span::Hour, now), more, 0).await?;
    let new_here = add_share(write, "project", project, submission, more).await?;
    let of_project = ("project", &Subject::Row(project));
    add(write, of_project, (Span::Ever, now), more, new_here.into()).await?;
    for span in [Span::Day, Span::Hour] {
        add(write, of_project, (span, now), more, 0).await?;
    }
    let Some(team) = ledger.team else { return Ok(()) };
    let new_member = add_share(write, "team", team, submission, more).await?;
    let of_team = ("team", &Subject::Row(team));
    add(write, of_team, (Span::Ever, now), more, new_member.into()).await?;
    for span in [Span::Day, Span::Month] {
        add(write, of_team, (span, now), more, 0).await?;
    }
    Ok(())
}
