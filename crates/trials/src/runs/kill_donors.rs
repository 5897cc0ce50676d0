//! Donors and the processes of their units are killed at random moments.

use super::Effort;
use super::field::Field;
use crate::grid::{Grid, UnitSize};
use crate::machine::{Programs, send};
use crate::report::Report;
use rand::Rng as _;
use rustix::process::Signal;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Longest wait for a donor to have a unit's process.
const PATIENCE: Duration = Duration::from_secs(30);

/// SIGKILL so many times, of a donor or of its unit's process.
///
/// # Errors
/// If a donor does not come back, or a program cannot be run.
pub async fn kill_donors(programs: &Programs, effort: &Effort, report: &mut Report) -> anyhow::Result<()> {
    let (kills, mut random) = (effort.times(200, 10), effort.random());
    // A killed process is reported as a crash, which counts against its unit; here it is never the unit's fault.
    let settings = [
        "--retry-all-leased",
        "1",
        "--retry-empty",
        "1",
        "--lease-seconds",
        "30",
        "--cooldown-seconds",
        "2",
        "--suspect-cooldown-seconds",
        "1",
        "--quarantine-after",
        "1000",
        // So that no donor holds all units that there are.
        "--most-lease-units",
        "4",
    ];
    let grid = Grid::start(programs, &settings).await?;
    let mut field = Field::on(grid, effort, 60, UnitSize::MEDIUM).await?;
    let address = field.grid.address();
    field.start_donors(3, &address, &["--at-once", "1"])?;
    let (mut donors, mut units) = (0_u32, 0_u32);
    for number in 0..kills {
        field.keep_busy(30, 60).await?;
        sleep(Duration::from_millis(random.random_range(50..600))).await;
        let place = random.random_range(0..field.donors.len());
        if number % 2 == 0 {
            wait_for_unit(&mut field, place).await?;
        }
        let Some(donor) = field.donors.get_mut(place) else { continue };
        if number % 2 == 0 {
            sleep(Duration::from_millis(random.random_range(0..150))).await;
            // If it has ended meanwhile, the next one is as good.
            if let Some(unit) = donor.units().first() {
                send(*unit, Signal::KILL);
                units += 1;
            }
        } else {
            donor.kill().await?;
            donor.start_again()?;
            donors += 1;
        }
    }
    report.figure("kills of donors, of units' processes (SIGKILL)", format!("{donors}, {units}"));
    field.judge(None, 0, false, report).await
}

/// Waits until this donor has a unit's process. The others go on meanwhile, so that there must be more units for it.
async fn wait_for_unit(field: &mut Field, place: usize) -> anyhow::Result<()> {
    let begin = Instant::now();
    while let Some(donor) = field.donors.get(place).filter(|donor| donor.units().is_empty()) {
        anyhow::ensure!(begin.elapsed() < PATIENCE, "a donor takes no unit; see {}", donor.log().display());
        let checked = Instant::now();
        while checked.elapsed() < Duration::from_millis(500) {
            if field.donors.get(place).is_none_or(|donor| !donor.units().is_empty()) {
                return Ok(());
            }
            sleep(Duration::from_millis(2)).await;
        }
        field.keep_busy(30, 60).await?;
    }
    Ok(())
}
