//! The distributor is killed at random moments while donors of both kinds work.

use super::Effort;
use super::field::Field;
use crate::honest::Crowd;
use crate::machine::Programs;
use crate::report::{Report, quantile};
use rand::Rng as _;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// SIGKILL so many times, each between 50 and 1500 ms after the distributor listens.
///
/// # Errors
/// If the distributor does not come back, or a program cannot be run.
pub async fn kill_distributor(programs: &Programs, effort: &Effort, report: &mut Report) -> anyhow::Result<()> {
    let (kills, mut random) = (effort.times(200, 10), effort.random());
    let settings = ["--retry-all-leased", "1", "--retry-empty", "1", "--lease-seconds", "20"];
    let mut field = Field::new(programs, effort, &settings, 200).await?;
    let crowd = Crowd::start(&field.plan(Some(Duration::from_millis(400))), 6);
    let address = field.grid.address();
    field.start_donors(2, &address, &["--at-once", "1"])?;
    let (mut back, mut under_load) = (Vec::new(), 0_u32);
    for number in 0..kills {
        if number % 5 == 0 {
            field.keep_busy(150, 200).await?;
        }
        let before = field.ledger.count();
        sleep(Duration::from_millis(random.random_range(50..1500))).await;
        anyhow::ensure!(
            !field.grid.has_ended()?,
            "the distributor ended by itself; see {}",
            field.grid.log().display()
        );
        under_load += u32::from(field.ledger.count() > before);
        field.grid.kill().await?;
        let begin = Instant::now();
        field.grid.start_again().await?;
        back.push(begin.elapsed().as_secs_f64() * 1e3);
    }
    report.figure("kills of the distributor (SIGKILL)", kills);
    report.figure("of them with proofs acknowledged since the last", under_load);
    let (median, longest) = (quantile(&mut back, 0.5), quantile(&mut back, 1.0));
    report.figure("until it listens again", format!("{median:.0} ms, at most {longest:.0} ms"));
    field.judge(Some(crowd), kills.into(), false, report).await
}
