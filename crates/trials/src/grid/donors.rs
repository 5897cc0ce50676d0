//! Real donors.

use crate::machine::{Process, Programs, children};
use protocol::{Digest, UnitId};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::process::Command;

/// A donor's process and its state folder, which outlasts it.
#[derive(Debug)]
pub struct DonorProcess {
    programs: Programs,
    server: String,
    state: PathBuf,
    arguments: Vec<String>,
    process: Option<Process>,
}

impl DonorProcess {
    /// Starts a donor on the whole machine, for as long as it is let.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn start(programs: &Programs, server: &str, state: &Path, arguments: &[&str]) -> anyhow::Result<Self> {
        let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let (programs, server, state) = (programs.clone(), server.to_owned(), state.to_owned());
        let mut donor = Self { programs, server, state, arguments, process: None };
        donor.start_again()?;
        Ok(donor)
    }

    /// Starts it again, on the same state.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn start_again(&mut self) -> anyhow::Result<()> {
        let mut command = Command::new(&self.programs.donor);
        command.env_clear().env("HOME", &self.state).args(["run", "--json", "--no-yield", "--max-cpu", "100"]);
        command.args(["--patience", "0", "--server", &self.server, "--state"]).arg(&self.state).args(&self.arguments);
        self.process = Some(Process::start(command, &self.log(), false)?);
        Ok(())
    }

    /// Where it logs: beside its state folder.
    pub fn log(&self) -> PathBuf {
        self.state.with_extension("log")
    }

    /// Its state folder.
    pub fn state(&self) -> &Path {
        &self.state
    }

    /// Its process, if it was not ended from here.
    pub fn process(&self) -> Option<u32> {
        self.process.as_ref().map(Process::id)
    }

    /// The processes of its units.
    pub fn units(&self) -> Vec<u32> {
        self.process().map(children).unwrap_or_default()
    }

    /// Whether it has ended by itself.
    ///
    /// # Errors
    /// If the system does not tell.
    pub fn has_ended(&mut self) -> anyhow::Result<bool> {
        Ok(match &mut self.process {
            Some(process) => process.ended()?.is_some(),
            None => true,
        })
    }

    /// SIGKILL.
    ///
    /// # Errors
    /// If the system does not tell how it ended.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        if let Some(mut process) = self.process.take() {
            process.kill().await?;
        }
        Ok(())
    }

    /// Asks it to end, and waits.
    ///
    /// # Errors
    /// If it does not end in time.
    pub async fn stop(&mut self) -> anyhow::Result<()> {
        if let Some(mut process) = self.process.take() {
            process.end(Duration::from_secs(60)).await?;
        }
        Ok(())
    }

    /// Finished results that are not delivered.
    pub fn outbox(&self) -> usize {
        std::fs::read_dir(self.state.join("outbox")).map_or(0, |files| {
            files.flatten().filter(|file| file.path().extension().is_some_and(|kind| kind == "json")).count()
        })
    }

    /// Proofs that the distributor has refused for good.
    pub fn refused(&self) -> usize {
        std::fs::read_dir(self.state.join("refused")).map_or(0, Iterator::count)
    }
}

/// A line of a donor's history.
#[derive(Debug, Clone, Deserialize)]
pub struct Delivered {
    /// The unit.
    pub unit: UnitId,
    /// `proof` or `execution`.
    pub kind: String,
    /// The file.
    pub sha256: Digest,
    /// What became of it.
    pub status: String,
}

/// What a donor has written down of its deliveries. A line that a kill has cut is left out: the file is for people.
pub fn history(state: &Path) -> Vec<Delivered> {
    let text = std::fs::read_to_string(state.join("history.jsonl")).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}
