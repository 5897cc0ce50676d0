//! Hostile traffic of all kinds for an hour, with honest donors in between: nothing may grow but by honest work.

use super::Effort;
use super::attack::{HONEST, SLACK, orders, range};
use super::field::Field;
use crate::grid::{PROJECT, Reading, Watch, flat};
use crate::honest::Crowd;
use crate::hostile::Army;
use crate::machine::Programs;
use crate::report::Report;
use std::time::Duration;

/// How long a unit takes an honest donor.
const PACE: Duration = Duration::from_secs(10);

/// Looks at the distributor in the whole time.
const LOOKS: u32 = 180;

/// Rows that a proved unit may cost in each table that tells what has happened; other tables do not grow by work.
const PER_UNIT: [(&str, f64); 3] = [("attempts", 1.0), ("events", 2.0), ("receipts", 1.0)];

/// Rows by which a table may waver.
const ROWS: f64 = 500.0;

/// For an hour, or as long as is said.
///
/// # Errors
/// If a program cannot be run, or the distributor ends.
pub async fn soak(programs: &Programs, effort: &Effort, report: &mut Report) -> anyhow::Result<()> {
    let time = effort.time(3600, 120);
    let expected = f64::from(HONEST) * time.as_secs_f64() / PACE.as_secs_f64();
    let mut field = Field::new(programs, effort, &[], (1.5 * expected) as u64 + 3000).await?;
    let orders = orders(&field, effort).await?;
    let crowd = Crowd::start(&field.plan(Some(PACE)), HONEST);
    let address = field.grid.address();
    field.start_donors(1, &address, &["--at-once", "1", "--max-cpu", "5", "--project", PROJECT])?;
    let mut watch = Watch::start(&field.grid).await?;
    watch.last()?.note(report, "before");
    let army = Army::start(&orders);
    watch.look_for(&field.grid, time / 2, time / LOOKS).await?;
    watch.last()?.note(report, "in the middle");
    watch.look_for(&field.grid, time / 2, time / LOOKS).await?;
    watch.last()?.note(report, "at the end");
    report.figure("hostile deeds a second", format!("{:.0}", army.tally().count() as f64 / time.as_secs_f64()));
    let tally = army.stop().await?;
    tally.report(report);
    field.note_troubles(report);
    report.none("faults of the distributor (500)", tally.faults());
    // What is under way ends, and what is no longer needed is given back.
    tokio::time::sleep(Duration::from_secs(30)).await;
    watch.look(&field.grid).await?.note(report, "half a minute after");
    judge(&watch, report)?;
    crowd.stop().await?;
    field.judge_now(0, false, true, report).await
}

/// Whether what was seen is flat.
fn judge(watch: &Watch, report: &mut Report) -> anyhow::Result<()> {
    let memory = watch.series(|reading| reading.memory as f64);
    report.demand("memory is flat", flat(&memory, SLACK), range(watch));
    let open = watch.series(|reading| reading.open as f64);
    let (first, last) = (open.first().copied().unwrap_or(0.0), open.last().copied().unwrap_or(0.0));
    report.demand("open files are flat", flat(&open, 20.0), format!("{first} at first, {last} at last"));
    report.none("half-received files left", watch.last()?.incoming);
    // An accepted proof is a file for good.
    let files = watch.series(|reading| reading.files as f64 - proved(reading));
    let (first, last) = (files.first().copied().unwrap_or(0.0), files.last().copied().unwrap_or(0.0));
    report.demand(
        "files beside accepted proofs are flat",
        flat(&files, 50.0),
        format!("{first} at first, {last} at last"),
    );
    for table in watch.last()?.rows.keys() {
        let rows = |reading: &Reading| reading.rows.get(table).copied().unwrap_or(0) as f64;
        let each = PER_UNIT.iter().find(|(name, _)| name == table).map_or(0.0, |(_, each)| *each);
        let series = watch.series(|reading| rows(reading) - each * proved(reading));
        let (first, last) = (series.first().copied().unwrap_or(0.0), series.last().copied().unwrap_or(0.0));
        let name = format!("rows of `{table}` beside honest work are flat");
        report.demand(name, flat(&series, ROWS), format!("{first} at first, {last} at last"));
    }
    Ok(())
}

/// Units that were proved: each has one receipt of a proof.
fn proved(reading: &Reading) -> f64 {
    reading.proved as f64
}
