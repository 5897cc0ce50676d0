//! Push and collect are killed at random moments, and begun again.

use super::Effort;
use super::field::Field;
use crate::grid::text;
use crate::honest::Crowd;
use crate::machine::{Process, Programs, run};
use crate::report::Report;
use rand::Rng as _;
use rand::rngs::StdRng;
use rustix::process::Signal;
use std::time::Duration;
use tokio::process::Command;
use tokio::time::{Instant, sleep};

/// Longest that an uninterrupted command may take.
const PATIENCE: Duration = Duration::from_secs(300);

/// Units that a push adds.
const MORE: u64 = 5;

/// SIGKILL or SIGINT so many times during pushes, and so many times during collections.
///
/// # Errors
/// If a program cannot be run.
pub async fn interrupt(programs: &Programs, effort: &Effort, report: &mut Report) -> anyhow::Result<()> {
    let (times, mut random) = (effort.times(100, 8), effort.random());
    let mut field = Field::new(programs, effort, &["--retry-all-leased", "1", "--retry-empty", "1"], 20).await?;
    let log = field.grid.path("uploader.log");

    let whole = timed(field.uploader.push_command(field.units + MORE)).await?;
    field.units += MORE;
    let mut stopped = 0_u32;
    for _ in 0..times {
        field.units += MORE;
        stopped += u32::from(cut_short(field.uploader.push_command(field.units), &log, whole, &mut random).await?);
    }
    field.uploader.push(field.units).await?;
    report.figure("pushes interrupted, of", format!("{stopped} of {times} ({whole:.1?} each)"));

    let crowd = Crowd::start(&field.plan(None), 4);
    let begin = Instant::now();
    let output = field.uploader.collect("whole", true).await?;
    anyhow::ensure!(output.status.success(), "{}", text(&output.stderr));
    let (whole, mut stopped) = (begin.elapsed(), 0_u32);
    for number in 0..times {
        // Each has something to collect that was not there before, while donors work on.
        let wanted = field.units * u64::from(number) / u64::from(times);
        let begin = Instant::now();
        while (field.ledger.count() as u64) < wanted && begin.elapsed() < PATIENCE {
            sleep(Duration::from_millis(20)).await;
        }
        stopped += u32::from(cut_short(field.uploader.collect_command("cut"), &log, whole, &mut random).await?);
    }
    report.figure("collections interrupted, of", format!("{stopped} of {times}"));
    field.all_done().await?;
    let output = field.uploader.collect("cut", false).await?;
    report.demand("the last collection goes on and is whole", output.status.success(), last_line(&output.stderr));
    let rows = text(&output.stdout).lines().count() as u64;
    report.demand("with each unit once", rows == field.units, format!("{rows} of {}", field.units));
    let output = field.uploader.verify("cut").await?;
    report.demand("a third party verifies its manifest", output.status.success(), last_line(&output.stderr));
    field.judge(Some(crowd), 0, false, report).await
}

fn last_line(said: &[u8]) -> String {
    text(said).lines().last().unwrap_or_default().to_owned()
}

/// How long a command takes that nobody interrupts.
async fn timed(command: Command) -> anyhow::Result<Duration> {
    let begin = Instant::now();
    let output = run(command, PATIENCE).await?;
    anyhow::ensure!(output.status.success(), "{}", text(&output.stderr));
    Ok(begin.elapsed())
}

/// Starts a command and ends it within the time that it takes. Whether it was still running.
async fn cut_short(
    command: Command,
    log: &std::path::Path,
    whole: Duration,
    random: &mut StdRng,
) -> anyhow::Result<bool> {
    let mut process = Process::start(command, log, false)?;
    sleep(whole.mul_f64(random.random_range(0.0..1.0))).await;
    let running = process.ended()?.is_none();
    if random.random() {
        process.signal(Signal::INT);
        process.wait().await?;
    } else {
        process.kill().await?;
    }
    Ok(running)
}
