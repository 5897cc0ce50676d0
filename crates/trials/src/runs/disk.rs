//! The disks of distributor, donor and uploader run full.
//!
//! Each is a small file system in memory, in a namespace of its own, so that nothing stays behind: this program starts itself
//! again there. Where the system lets nobody do that, the run is skipped and says so.

use super::Effort;
use super::field::Field;
use crate::grid::{DonorProcess, Grid, UnitSize, text};
use crate::honest::Crowd;
use crate::machine::Programs;
use crate::report::Report;
use anyhow::{Context as _, ensure};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;
use tokio::time::{Instant, sleep};

/// Set in the namespace.
const INSIDE: &str = "CAIRN_TRIAL_NAMESPACE";

/// Longest wait for a sign that a disk is full, or no longer is.
const PATIENCE: Duration = Duration::from_secs(60);

/// The disks are full so many times each.
///
/// # Errors
/// If a program cannot be run.
pub async fn disk(programs: &Programs, effort: &Effort, report: &mut Report) -> anyhow::Result<()> {
    if std::env::var_os(INSIDE).is_none() {
        return outside(effort, report).await;
    }
    let folder = tempfile::Builder::new().prefix("cairn-trial-").tempdir()?;
    let [data, state, results] = ["grid", "donor-0", "uploader-trial"].map(|name| folder.path().join(name));
    for (place, size) in [(&data, "48m"), (&state, "3m"), (&results, "24m")] {
        std::fs::create_dir_all(place)?;
        mount(place, size).await?;
    }
    let settings = ["--retry-all-leased", "1", "--retry-empty", "1", "--lease-seconds", "20"];
    let grid = Grid::start_in(programs, folder, data.clone(), &settings).await?;
    let mut field = Field::on(grid, effort, 100, UnitSize::SMALL).await?;
    let crowd = Crowd::start(&field.plan(Some(Duration::from_millis(400))), 4);
    let address = field.grid.address();
    field.start_donors(1, &address, &["--at-once", "1"])?;
    let mut said_full = 0;
    for number in 0..effort.times(10, 2) {
        field.keep_busy(60, 60).await?;
        let (ballast, before) = (Ballast::fill(&data)?, field.ledger.count());
        sleep(Duration::from_secs(3)).await;
        ensure!(!field.grid.has_ended()?, "the distributor ended by itself; see {}", field.grid.log().display());
        drop(ballast);
        let begin = Instant::now();
        while field.ledger.count() == before {
            ensure!(begin.elapsed() < PATIENCE, "nothing is acknowledged after the distributor's disk had room again");
            sleep(Duration::from_millis(20)).await;
        }
        for place in 0..field.donors.len() {
            said_full += donor_on_a_full_disk(&mut field, place, &state).await?;
        }
        collect_on_a_full_disk(&field, &results, number).await?;
    }
    report.figure("times that each disk was full", effort.times(10, 2));
    report.figure("complaints of the donor about its disk", said_full);
    field.judge(Some(crowd), 0, false, report).await
}

/// A donor whose disk is full says so and goes on trying. Returns how often it has said it.
async fn donor_on_a_full_disk(field: &mut Field, place: usize, state: &Path) -> anyhow::Result<usize> {
    // It may be waiting since the distributor's disk was full, as it was told to.
    let donor = field.donors.get_mut(place).context("no donor")?;
    donor.stop().await?;
    donor.start_again()?;
    let (before, begin) = (complaints(donor)?, Instant::now());
    let ballast = Ballast::fill(state)?;
    loop {
        let donor = field.donors.get_mut(place).context("no donor")?;
        let said = complaints(donor)? - before;
        if said > 0 {
            drop(ballast);
            return Ok(said);
        }
        ensure!(!donor.has_ended()?, "the donor ended by itself; see {}", donor.log().display());
        let patient = begin.elapsed() < PATIENCE;
        ensure!(patient, "the donor does not say that its disk is full; see {}", donor.log().display());
        // Without work it needs no room.
        field.keep_busy(60, 60).await?;
        sleep(Duration::from_millis(100)).await;
    }
}

/// How often a donor has said that its disk is full.
fn complaints(donor: &DonorProcess) -> anyhow::Result<usize> {
    let log = std::fs::read_to_string(donor.log())?;
    Ok(log.lines().filter(|line| line.contains("Free some space")).count())
}

/// A collection fails with a reason while there is no room, and goes on when there is.
async fn collect_on_a_full_disk(field: &Field, place: &Path, number: u32) -> anyhow::Result<()> {
    let out = format!("full-{number}");
    let ballast = Ballast::fill(place)?;
    let output = field.uploader.collect(&out, true).await?;
    drop(ballast);
    let said = text(&output.stderr);
    ensure!(matches!(output.status.code(), Some(1 | 3)), "collect on a full disk ended with {}: {said}", output.status);
    ensure!(said.contains("space"), "collect on a full disk does not say why it failed: {said}");
    let output = field.uploader.collect(&out, true).await?;
    ensure!(output.status.success(), "collect does not go on: {}", text(&output.stderr));
    std::fs::remove_dir_all(place.join(out))?;
    Ok(())
}

/// Starts this program again in a namespace where it may mount, and takes its report over.
async fn outside(effort: &Effort, report: &mut Report) -> anyhow::Result<()> {
    let unshare = |command: &mut Command| {
        command.args(["--map-root-user", "--mount"]);
        command.stdin(Stdio::null()).kill_on_drop(true);
    };
    let probe = tempfile::tempdir()?;
    let mut command = Command::new("unshare");
    unshare(&mut command);
    command.args(["mount", "-t", "tmpfs", "tmpfs"]).arg(probe.path()).stdout(Stdio::null()).stderr(Stdio::null());
    if !command.status().await.is_ok_and(|status| status.success()) {
        report.skipped =
            Some("this machine lets nobody mount a small disk (`unshare --map-root-user --mount`)".to_owned());
        return Ok(());
    }
    let mut command = Command::new("unshare");
    unshare(&mut command);
    command.arg(std::env::current_exe()?).args(["disk", "--json", "--seed", &effort.seed.to_string()]);
    command.args(["--times", &effort.times(10, 2).to_string()]).env(INSIDE, "1").stderr(Stdio::inherit());
    if effort.keep {
        command.arg("--keep");
    }
    let output = command.output().await?;
    let inner: serde_json::Value = serde_json::from_slice(&output.stdout)
        .with_context(|| format!("the run in the namespace ended with {} and without a report", output.status))?;
    let list = |name: &str| inner.get(name).and_then(serde_json::Value::as_array).cloned().unwrap_or_default();
    let word =
        |entry: &serde_json::Value, name: &str| entry.get(name).and_then(|word| word.as_str().map(str::to_owned));
    for figure in list("figures") {
        report.figure(word(&figure, "name").unwrap_or_default(), word(&figure, "value").unwrap_or_default());
    }
    for demand in list("demands") {
        let met = demand.get("met").and_then(serde_json::Value::as_bool).unwrap_or(false);
        report.demand(word(&demand, "name").unwrap_or_default(), met, word(&demand, "found").unwrap_or_default());
    }
    Ok(())
}

async fn mount(place: &Path, size: &str) -> anyhow::Result<()> {
    let mut command = Command::new("mount");
    command.args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]).arg(place);
    let status = command.status().await?;
    ensure!(status.success(), "a disk of {size} cannot be mounted at {}", place.display());
    Ok(())
}

/// A file that takes all the room there is, until it is dropped.
struct Ballast(PathBuf);

impl Ballast {
    fn fill(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join("ballast");
        let (mut file, piece) = (std::fs::File::create(&path)?, vec![0; 4096]);
        let ballast = Self(path);
        for _ in 0..1 << 20 {
            match file.write_all(&piece) {
                Ok(()) => {}
                Err(error) if error.kind() == std::io::ErrorKind::StorageFull => return Ok(ballast),
                Err(error) => return Err(error.into()),
            }
        }
        anyhow::bail!("{} is no small disk", folder.display())
    }
}

impl Drop for Ballast {
    fn drop(&mut self) {
        // The folder goes away anyway.
        let _ = std::fs::remove_file(&self.0);
    }
}
