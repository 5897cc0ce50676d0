//! The judgement from outside: what an uploader collects, what the operator's commands say, and what was acknowledged must
//! all tell the same story.

use super::{DonorProcess, Grid, UnitSize, Uploader, history, text};
use crate::grid::PROJECT;
use crate::ledger::Acknowledged;
use crate::machine;
use crate::report::Report;
use anyhow::Context as _;
use protocol::{Digest, DonorKey, UnitId, UnitResult};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;
use tokio::time::Instant;

/// What must be found.
#[derive(Default)]
pub struct Claims<'a> {
    /// Units of the project.
    pub units: u64,
    /// What the distributor has acknowledged to simulated donors.
    pub acknowledged: &'a [Acknowledged],
    /// Real donors.
    pub donors: &'a mut [DonorProcess],
    /// Files without a reference that may be left: each kill of the distributor may leave one.
    pub spare_files: u64,
    /// Whether acknowledgements may have been lost because an older state was restored.
    pub restored: bool,
    /// Whether units may be left that are not proved.
    pub partial: bool,
}

/// Judges a grid whose units are all done. Ends donors and distributor.
///
/// # Errors
/// If a program cannot be run; what they find is in the report.
pub async fn check(grid: &mut Grid, claims: Claims<'_>, report: &mut Report) -> anyhow::Result<()> {
    units(grid, &claims, report).await?;
    let (results, mut seen, mut doubled) = (results(grid).await?, HashMap::new(), 0);
    for result in &results {
        doubled += u64::from(seen.insert(result.unit, result.proof.sha256).is_some());
    }
    if !claims.partial {
        report.demand("every unit has one result", seen.len() as u64 == claims.units, seen.len());
    }

    for donor in claims.donors.iter_mut() {
        donor.stop().await?;
    }
    let real = claims.donors.iter().flat_map(|donor| history(donor.state()));
    let real =
        real.filter(|line| line.kind == "proof" && line.status == "accepted").map(|line| (line.unit, line.sha256));
    let simulated = claims.acknowledged.iter().map(|one| (one.unit, one.sha256));
    let acknowledged: BTreeSet<(UnitId, Digest)> = real.chain(simulated).collect();
    let lost = acknowledged.iter().filter(|(unit, sha256)| seen.get(unit) != Some(sha256)).count() as u64;
    report.figure("acknowledged proofs", acknowledged.len());
    if claims.restored {
        report.figure("acknowledged after the backup, and forgotten with it", lost);
    } else {
        report.none("acknowledged proofs lost", lost);
    }

    doubled += credit(grid, &results, report).await?;
    doubled += collected(grid, seen.len() as u64, claims.partial, report).await?;
    report.none("units counted twice", doubled);
    let refused: usize = claims.donors.iter().map(DonorProcess::refused).sum();
    report.none("proofs refused to honest donors", refused as u64);
    let kept: usize = claims.donors.iter().map(DonorProcess::outbox).sum();
    report.none("results left in outboxes", kept as u64);

    collection(grid).await?;
    grid.stop().await?;
    files(grid, claims.spare_files, report).await?;
    orphans(report).await;
    Ok(())
}

/// All units are proved.
async fn units(grid: &Grid, claims: &Claims<'_>, report: &mut Report) -> anyhow::Result<()> {
    let units = claims.units;
    let counts = grid.client()?.project(&PROJECT.parse()?).await?.units;
    let proved = counts.proved + counts.collected;
    if claims.partial {
        report.figure("units proved", format!("{proved} of {units}"));
    } else {
        report.demand(
            "every unit is proved",
            proved == units && counts.total() == units,
            format!("{proved} of {units}"),
        );
    }
    report.none("units that failed", counts.failed);
    Ok(())
}

/// All results.
async fn results(grid: &Grid) -> anyhow::Result<Vec<UnitResult>> {
    let (client, project) = (grid.client()?, PROJECT.parse()?);
    let (mut results, mut cursor) = (Vec::new(), 0);
    loop {
        let page = client.results(&project, cursor, 1000).await?;
        results.extend(page.results);
        cursor = page.next;
        if !page.more {
            return Ok(results);
        }
    }
}

/// The operator's list of donors agrees with the results. Returns how many units are credited too often.
async fn credit(grid: &Grid, results: &[UnitResult], report: &mut Report) -> anyhow::Result<u64> {
    let mut due: BTreeMap<DonorKey, (u64, u64)> = BTreeMap::new();
    for result in results {
        let (steps, units) = due.entry(result.proof.prover).or_default();
        *steps += result.proof.n_steps;
        *units += 1;
    }
    let output = grid.operate(&["donor", "list"]).await?;
    anyhow::ensure!(output.status.success(), "the donors cannot be listed: {}", text(&output.stderr));
    let credited = donor_list(&text(&output.stdout))?;
    let wrong =
        |key: &DonorKey| credited.get(key).copied().unwrap_or_default() != due.get(key).copied().unwrap_or_default();
    let keys: BTreeSet<_> = due.keys().chain(credited.keys()).collect();
    let wrong = keys.into_iter().filter(|key| wrong(key)).count();
    report.none("donors whose credit is not the sum of their proofs", wrong as u64);
    let total = |list: &BTreeMap<DonorKey, (u64, u64)>| list.values().map(|(_, units)| units).sum::<u64>();
    Ok(total(&credited).saturating_sub(total(&due)))
}

/// Steps and units of each donor, from the operator's table.
fn donor_list(table: &str) -> anyhow::Result<BTreeMap<DonorKey, (u64, u64)>> {
    let mut lines = table.lines();
    let header: Vec<_> = lines.next().context("no header")?.split_ascii_whitespace().collect();
    let column = |name: &str| header.iter().position(|column| *column == name).with_context(|| name.to_owned());
    let (key, steps, proved) = (column("DONOR")?, column("STEPS")?, column("PROVED")?);
    let row = |line: &str| {
        let cells: Vec<_> = line.split_ascii_whitespace().collect();
        let cell = |at: usize| cells.get(at).copied().with_context(|| format!("a short line: {line}"));
        Ok((cell(key)?.parse()?, (cell(steps)?.parse()?, cell(proved)?.parse()?)))
    };
    lines.map(row).collect()
}

/// A row of what the uploader collects.
#[derive(Debug, Deserialize)]
struct Row {
    unit: String,
}

/// The uploader collects all and believes it, and so does a third party. Returns how many rows are there twice.
async fn collected(grid: &Grid, units: u64, partial: bool, report: &mut Report) -> anyhow::Result<u64> {
    // It only collects what was pushed before, so no size of units matters.
    let uploader = Uploader::new(grid, UnitSize::SMALL)?;
    let output = uploader.collect("judged", partial).await?;
    report.demand("collect --verify succeeds", output.status.success(), complaint(&output));
    let output = uploader.verify("judged").await?;
    report.demand("a third party verifies the manifest", output.status.success(), complaint(&output));
    let rows: Vec<Row> = text(&output.stdout).lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let names: BTreeSet<_> = rows.iter().map(|row| &row.unit).collect();
    report.demand("and finds every unit that is proved", names.len() as u64 == units, names.len());
    Ok((rows.len() - names.len()) as u64)
}

/// What a command said if it failed.
fn complaint(output: &std::process::Output) -> String {
    if output.status.success() {
        return "yes".to_owned();
    }
    let said = text(&output.stderr);
    format!("{}: {}", output.status, said.trim())
}

/// Waits for a while until the distributor has deleted what nothing refers to.
async fn collection(grid: &Grid) -> anyhow::Result<()> {
    let end = Instant::now() + Duration::from_secs(30);
    while Instant::now() < end && unneeded(&grid.operate(&["check"]).await?) > 0 {
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    Ok(())
}

/// Files without a reference that the operator's check names.
fn unneeded(output: &std::process::Output) -> u64 {
    text(&output.stdout).lines().filter(|line| line.starts_with("nothing refers to")).count() as u64
}

/// The operator's check of files. What may be left over is deleted as the operator would, and then nothing is.
async fn files(grid: &Grid, spare: u64, report: &mut Report) -> anyhow::Result<()> {
    let output = grid.operate(&["check", "--delete-orphans"]).await?;
    let said = text(&output.stderr);
    report.demand("`distributor check` finds nothing bad", output.status.success(), said.trim());
    let orphans = unneeded(&output);
    report.demand("files without a reference", orphans <= spare, format!("{orphans}, at most {spare}"));
    let left = std::fs::read_dir(grid.data.join("blobs/tmp")).map_or(0, Iterator::count) as u64;
    report.none("half-received files left", left);
    let output = grid.operate(&["check"]).await?;
    let clean = output.status.success() && output.stdout.is_empty();
    report.demand("and none once they are deleted", clean, clean);
    Ok(())
}

/// Nobody is left behind.
async fn orphans(report: &mut Report) {
    let end = Instant::now() + Duration::from_secs(10);
    let mut orphans = machine::orphans();
    while !orphans.is_empty() && Instant::now() < end {
        // A unit's process ends when it sees that its donor has gone.
        tokio::time::sleep(Duration::from_millis(100)).await;
        orphans = machine::orphans();
    }
    report.none("processes left behind", orphans.len() as u64);
    for orphan in orphans {
        machine::send(orphan, rustix::process::Signal::KILL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operators_table_is_read_by_its_header() {
        let key = "11".repeat(32);
        let table = format!("DONOR   STEPS  TRUST  PROVED  STATE\n{key}  12  x  3\n");
        let list = donor_list(&table).unwrap();
        assert_eq!(list.into_values().collect::<Vec<_>>(), [(12, 3)]);
        assert!(donor_list("DONOR STEPS\n").is_err());
    }
}
