//! The real uploader.

use super::{Grid, PROJECT, text};
use crate::machine::{Programs, run};
use crate::prover::{PRESET, PROGRAM};
use anyhow::ensure;
use protocol::ApiKey;
use std::path::PathBuf;
use std::process::Output;
use std::time::Duration;
use tokio::process::Command;

/// Longest wait for a command.
const PATIENCE: Duration = Duration::from_secs(600);

/// How large the units of a project are: the numbers that each looks through for primes.
#[derive(Debug, Clone, Copy)]
pub struct UnitSize {
    first: u64,
    width: u64,
}

impl UnitSize {
    /// Some hundred steps.
    pub const SMALL: Self = Self { first: 0, width: 4 };

    /// Some ten thousand steps, so that a unit's process lives for a while.
    pub const MEDIUM: Self = Self { first: 20_000, width: 50 };
}

/// Somebody with a program, an access key and a folder of records.
#[derive(Debug, Clone)]
pub struct Uploader {
    programs: Programs,
    key: ApiKey,
    address: String,
    folder: PathBuf,
    project: String,
    size: UnitSize,
}

impl Uploader {
    /// The grid's own.
    ///
    /// # Errors
    /// If the program cannot be written to the folder.
    pub fn new(grid: &Grid, size: UnitSize) -> anyhow::Result<Self> {
        Self::of(grid, &grid.key, PROJECT, size)
    }

    /// Somebody else, with a project of another name.
    ///
    /// # Errors
    /// If the program cannot be written to the folder.
    pub fn of(grid: &Grid, key: &ApiKey, project: &str, size: UnitSize) -> anyhow::Result<Self> {
        let folder = grid.path(&format!("uploader-{project}"));
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join("primes.json"), PROGRAM)?;
        let (programs, key) = (grid.programs.clone(), key.clone());
        Ok(Self { programs, key, address: grid.address(), folder, project: project.to_owned(), size })
    }

    /// A command of the uploader, which reads and writes in the folder.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.programs.uploader);
        command.env_clear().env("HOME", &self.folder).env("CAIRN_KEY", self.key.reveal()).current_dir(&self.folder);
        command.args(arguments).args(["--distributor", &self.address]).arg("--state").arg(self.folder.join("state"));
        command
    }

    /// The command that pushes the project's first `units` units.
    pub fn push_command(&self, units: u64) -> Command {
        let UnitSize { first, width } = self.size;
        let range = format!("{first}..{}:{width}", first + units * width);
        let fixed = ["push", "primes.json", "--project", &self.project, "--preset", PRESET.name()];
        self.command(&[&fixed[..], &["--range", &range, "--max-steps", "1000000"]].concat())
    }

    /// Pushes the project's first `units` units.
    ///
    /// # Errors
    /// If the uploader does not succeed.
    pub async fn push(&self, units: u64) -> anyhow::Result<()> {
        let output = run(self.push_command(units), PATIENCE).await?;
        ensure!(output.status.success(), "the units could not be pushed: {}", text(&output.stderr));
        Ok(())
    }

    /// The command that collects and verifies into a folder.
    pub fn collect_command(&self, out: &str) -> Command {
        let fixed = ["collect", &self.project, "--verify", "--out", out, "--format", "jsonl"];
        self.command(&fixed)
    }

    /// Collects and verifies into a folder.
    ///
    /// # Errors
    /// If the uploader cannot be started or takes too long.
    pub async fn collect(&self, out: &str, partial: bool) -> anyhow::Result<Output> {
        let mut command = self.collect_command(out);
        if partial {
            command.arg("--partial");
        }
        run(command, PATIENCE).await
    }

    /// Verifies the manifest in a folder, as a third party does.
    ///
    /// # Errors
    /// If the uploader cannot be started or takes too long.
    pub async fn verify(&self, out: &str) -> anyhow::Result<Output> {
        run(self.command(&["verify", out, "--program", "primes.json", "--format", "jsonl"]), PATIENCE).await
    }
}
