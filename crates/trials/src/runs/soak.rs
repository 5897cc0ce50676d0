//! Hostile traffic of all kinds for an hour, with honest donors in between: nothing may grow but by honest work.

use super::Effort;
use super::attack::{ADDRESSES, HONEST, SLACK, orders, range};
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

/// What is kept of the past is little here, so that its bounds are reached within the time. All else is as it comes.
const KEPT_ATTEMPTS: u32 = 3;
const KEPT_EVENTS: u32 = 2000;

/// Donors that the distributor lets each address bring at once, and in an hour.
const NEW_DONORS: f64 = 500.0;

/// Rows by which a table may waver.
const ROWS: f64 = 500.0;

/// For an hour, or as long as is said.
///
/// # Errors
/// If a program cannot be run, or the distributor ends.
pub async fn soak(programs: &Programs, effort: &Effort, report: &mut Report) -> anyhow::Result<()> {
    let time = effort.time(3600, 120);
    let expected = f64::from(HONEST) * time.as_secs_f64() / PACE.as_secs_f64();
    let (attempts, events) = (KEPT_ATTEMPTS.to_string(), KEPT_EVENTS.to_string());
    let settings = ["--kept-attempts", attempts.as_str(), "--kept-events", events.as_str()];
    let mut field = Field::new(programs, effort, &settings, (1.5 * expected) as u64 + 3000).await?;
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
        let last = rows(watch.last()?);
        if let Some(most) = bound(table, watch.last()?) {
            report.demand(
                format!("rows of `{table}` are within their bound"),
                last <= most,
                format!("{last}, at most {most:.0}"),
            );
            continue;
        }
        let series = watch.series(|reading| rows(reading) - if table == "receipts" { proved(reading) } else { 0.0 });
        let first = series.first().copied().unwrap_or(0.0);
        let name = format!("rows of `{table}` beside honest work are flat");
        report.demand(name, flat(&series, ROWS), format!("{first} at first, {last} at last"));
    }
    Ok(())
}

/// The rows that a table may have which tells of the past; other tables must not grow but by honest work.
fn bound(table: &str, reading: &Reading) -> Option<f64> {
    let units = reading.rows.get("units").copied().unwrap_or(0) as f64;
    match table {
        "attempts" => Some(f64::from(KEPT_ATTEMPTS + 1) * units),
        // Two projects, and what comes between two collections.
        "events" => Some(f64::from(2 * KEPT_EVENTS) + 5000.0),
        // A unit rests for a minute after the first report, and twice as long after each further one.
        "reports" => Some(units * (2.0 + (1.0 + reading.at / 60.0).log2())),
        // Who came once is remembered; how many may come is bounded.
        "donors" => Some(f64::from(ADDRESSES) * NEW_DONORS * (1.0 + reading.at / 3600.0) + 100.0),
        _ => None,
    }
}

/// Units that were proved: each has one receipt of a proof.
fn proved(reading: &Reading) -> f64 {
    reading.proved as f64
}
