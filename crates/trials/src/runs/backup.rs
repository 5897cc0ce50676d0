//! Backups while donors work, each checked, and one restored.

use super::Effort;
use super::field::Field;
use crate::grid::text;
use crate::honest::Crowd;
use crate::machine::{Programs, run};
use crate::report::Report;
use rand::Rng as _;
use std::time::Duration;
use tokio::process::Command;
use tokio::time::{Instant, sleep};

/// So many backups under load; then the distributor is killed and the last one takes its place.
///
/// # Errors
/// If a program cannot be run.
pub async fn backup(programs: &Programs, effort: &Effort, report: &mut Report) -> anyhow::Result<()> {
    let (times, mut random) = (effort.times(20, 4), effort.random());
    // Donors bring proofs of leases that the copy does not know, all at once.
    let settings =
        ["--retry-all-leased", "1", "--retry-empty", "1", "--lease-seconds", "20", "--unleased-per-minute", "0"];
    let mut field = Field::new(programs, effort, &settings, 200).await?;
    let crowd = Crowd::start(&field.plan(Some(Duration::from_millis(400))), 6);
    let address = field.grid.address();
    field.start_donors(2, &address, &["--at-once", "1"])?;
    let (mut bad, mut last, mut longest) = (0_u64, None, Duration::ZERO);
    for number in 0..times {
        field.keep_busy(150, 200).await?;
        sleep(Duration::from_millis(random.random_range(100..1500))).await;
        let copy = field.grid.path(&format!("copy-{number}"));
        let begin = Instant::now();
        let output = field.grid.operate(&["backup", &copy.display().to_string()]).await?;
        longest = longest.max(begin.elapsed());
        anyhow::ensure!(output.status.success(), "a backup failed: {}", text(&output.stderr));
        let mut check = Command::new(&programs.distributor);
        check.env_clear().arg("check").arg("--data").arg(&copy);
        bad += u64::from(!run(check, Duration::from_secs(60)).await?.status.success());
        last = Some(copy);
    }
    report.figure("backups under load", format!("{times}, the longest took {longest:.1?}"));
    report.none("backups that `distributor check` finds fault with", bad);
    // Proofs that come between the backup and the end are forgotten with it.
    sleep(Duration::from_secs(2)).await;
    field.grid.kill().await?;
    field.grid.move_to(last.ok_or_else(|| anyhow::anyhow!("no backup was made"))?);
    field.grid.start_again().await?;
    // What was accepted while files were copied is a file without a row in the copy.
    field.judge(Some(crowd), 100, true, report).await
}
