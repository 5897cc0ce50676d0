//! A distributor as a process of its own, and those who use it.

mod check;
mod donors;
mod readings;
mod uploader;

pub use check::{Claims, check};
pub use donors::{DonorProcess, history};
pub use readings::{Reading, Watch, flat};
pub use uploader::{UnitSize, Uploader};

use crate::machine::{Process, Programs, run};
use anyhow::{Context as _, ensure};
use protocol::ApiKey;
use protocol::client::{ClientConfig, RetryPolicy, UploaderClient};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

/// The project of the trials.
pub const PROJECT: &str = "trial";

/// Where distributors listen: an address that no client's port can be taken from.
const LISTEN: &str = "127.0.3.1:0";

/// Seconds between two collections.
const UPKEEP: &str = "5";

/// Longest wait for a command of the operator's, and for the distributor to listen.
const PATIENCE: Duration = Duration::from_secs(60);

/// A grid in a folder of its own.
pub struct Grid {
    /// The programs.
    pub programs: Programs,
    /// The distributor's data folder.
    pub data: PathBuf,
    /// The distributor's address.
    pub server: SocketAddr,
    /// An access key for everything.
    pub key: ApiKey,
    settings: Vec<String>,
    process: Option<Process>,
    folder: TempDir,
    keep: bool,
}

impl Grid {
    /// Starts a distributor with these flags of `serve`, in a new folder.
    ///
    /// # Errors
    /// If it does not listen.
    pub async fn start(programs: &Programs, settings: &[&str]) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("cairn-trial-").tempdir()?;
        let data = folder.path().join("grid");
        Self::start_in(programs, folder, data, settings).await
    }

    /// The same, with the data in a given place.
    ///
    /// # Errors
    /// If it does not listen.
    pub async fn start_in(
        programs: &Programs,
        folder: TempDir,
        data: PathBuf,
        settings: &[&str],
    ) -> anyhow::Result<Self> {
        let mut grid = Self::without_process(programs, folder, data).await?;
        grid.settings = settings.iter().map(|&setting| setting.to_owned()).collect();
        grid.start_again().await?;
        Ok(grid)
    }

    /// A data folder with an access key, where nobody serves yet.
    ///
    /// # Errors
    /// If the key cannot be made.
    pub async fn without_process(programs: &Programs, folder: TempDir, data: PathBuf) -> anyhow::Result<Self> {
        let mut grid = Self {
            programs: programs.clone(),
            data,
            server: LISTEN.parse()?,
            key: ApiKey::random()?,
            settings: Vec::new(),
            process: None,
            folder,
            keep: false,
        };
        grid.key = grid.make_key("*", "push,read,withdraw").await?;
        Ok(grid)
    }

    /// Makes an access key.
    ///
    /// # Errors
    /// If the distributor's command fails.
    pub async fn make_key(&self, projects: &str, scopes: &str) -> anyhow::Result<ApiKey> {
        let output = self.operate(&["key", "create", "--project", projects, "--scope", scopes]).await?;
        ensure!(output.status.success(), "no key could be made: {}", text(&output.stderr));
        Ok(text(&output.stdout).trim().parse()?)
    }

    /// Runs a command of the operator's.
    ///
    /// # Errors
    /// If it cannot be started or takes too long.
    pub async fn operate(&self, arguments: &[&str]) -> anyhow::Result<Output> {
        let mut command = Command::new(&self.programs.distributor);
        command.env_clear().args(arguments).arg("--data").arg(&self.data);
        run(command, PATIENCE).await
    }

    /// A place for files beside the data.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Where the distributor logs.
    pub fn log(&self) -> PathBuf {
        self.path("distributor.log")
    }

    /// The distributor's process, if it runs.
    pub fn process(&self) -> Option<u32> {
        self.process.as_ref().map(Process::id)
    }

    /// Its address as one writes it.
    pub fn address(&self) -> String {
        format!("http://{}", self.server)
    }

    /// Starts the distributor, at the address that it had.
    ///
    /// # Errors
    /// If it does not listen within a minute.
    pub async fn start_again(&mut self) -> anyhow::Result<()> {
        let log = self.log();
        let mut command = Command::new(&self.programs.distributor);
        command.env_clear().arg("serve").args(["--listen", &self.server.to_string()]).args(&self.settings);
        // Trials have no time for ten minutes between two collections of what nothing refers to.
        command.args(["--upkeep-seconds", UPKEEP]).arg("--data").arg(&self.data);
        let mut process = Process::start(command, &log, true)?;
        let output = process.take_output().context("no output to read the address from")?;
        let mut lines = BufReader::new(output).lines();
        let address = async {
            while let Some(line) = lines.next_line().await? {
                if let Some((_, address)) = line.split_once("listening on http://") {
                    return Ok(address.parse()?);
                }
            }
            anyhow::bail!("the distributor ended before it listened; see {}", log.display())
        };
        self.server = tokio::time::timeout(PATIENCE, address).await.context("the distributor does not listen")??;
        self.process = Some(process);
        Ok(())
    }

    /// Takes another data folder for the next start.
    pub fn move_to(&mut self, data: PathBuf) {
        self.data = data;
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
    /// If it does not end in time or not well.
    pub async fn stop(&mut self) -> anyhow::Result<()> {
        if let Some(mut process) = self.process.take() {
            let status = process.end(PATIENCE).await?;
            ensure!(status.success(), "the distributor ended with {status}; see {}", process.log().display());
        }
        Ok(())
    }

    /// Whether it has ended by itself, which it must never do.
    ///
    /// # Errors
    /// If the system does not tell.
    pub fn has_ended(&mut self) -> anyhow::Result<bool> {
        Ok(match &mut self.process {
            Some(process) => process.ended()?.is_some(),
            None => true,
        })
    }

    /// The typed client of an uploader with the key for everything.
    ///
    /// # Errors
    /// If the client cannot be set up.
    pub fn client(&self) -> anyhow::Result<UploaderClient> {
        let config = ClientConfig::new(&self.address(), "trial")?.retry(RetryPolicy::interactive());
        Ok(UploaderClient::new(config, Some(self.key.clone()))?)
    }

    /// Whether the folder stays when this value ends, for somebody to look.
    pub const fn keep(&mut self, keep: bool) {
        self.keep = keep;
    }

    /// The folder of all logs.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Grid {
    fn drop(&mut self) {
        self.folder.disable_cleanup(self.keep);
    }
}

/// What a program says, as text.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
