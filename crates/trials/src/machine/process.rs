//! One process, its log beside it.

use anyhow::Context as _;
use rustix::process::{Pid, Signal, kill_process};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};

/// A process that ends with this value.
#[derive(Debug)]
pub struct Process {
    child: Child,
    id: u32,
    log: PathBuf,
}

impl Process {
    /// Starts it; what it says on standard error, and on standard output if that is not taken, is appended to the log.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn start(mut command: Command, log: &Path, take_output: bool) -> anyhow::Result<Self> {
        let file = File::options().create(true).append(true).open(log).with_context(|| log.display().to_string())?;
        let output = if take_output { Stdio::piped() } else { Stdio::from(file.try_clone()?) };
        command.stdin(Stdio::null()).stdout(output).stderr(Stdio::from(file)).kill_on_drop(true);
        let child = command.spawn().with_context(|| format!("cannot start {:?}", command.as_std().get_program()))?;
        let id = child.id().context("a process without an id")?;
        Ok(Self { child, id, log: log.to_owned() })
    }

    /// Its id.
    pub const fn id(&self) -> u32 {
        self.id
    }

    /// Where it logs.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Its standard output, once.
    pub fn take_output(&mut self) -> Option<tokio::process::ChildStdout> {
        self.child.stdout.take()
    }

    /// Whether it has ended, and how.
    ///
    /// # Errors
    /// If the system does not tell.
    pub fn ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// SIGKILL: nothing is tidied up.
    ///
    /// # Errors
    /// If the system does not tell how it ended.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        // It may have ended by itself in this moment.
        let _ = self.child.start_kill();
        self.child.wait().await?;
        Ok(())
    }

    /// Sends a signal; a process that is gone is no error.
    pub fn signal(&self, signal: Signal) {
        send(self.id, signal);
    }

    /// Asks it to end (SIGINT), and waits. After `patience` it is killed. Asks again each second: a process that has just
    /// been started, by a shell in whose background SIGINT is ignored, misses the first.
    ///
    /// # Errors
    /// If it did not end in time.
    pub async fn end(&mut self, patience: Duration) -> anyhow::Result<ExitStatus> {
        if let Some(status) = self.ended()? {
            return Ok(status);
        }
        let begin = Instant::now();
        while begin.elapsed() < patience {
            self.signal(Signal::INT);
            if let Ok(status) = tokio::time::timeout(Duration::from_secs(1), self.child.wait()).await {
                return Ok(status?);
            }
        }
        self.kill().await?;
        anyhow::bail!("a process did not end within {patience:?} of SIGINT; see {}", self.log.display())
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// If the system does not tell how it ended.
    pub async fn wait(&mut self) -> anyhow::Result<ExitStatus> {
        Ok(self.child.wait().await?)
    }
}

/// Sends a signal to a process; one that is gone is no error.
pub fn send(process: u32, signal: Signal) {
    let id = i32::try_from(process).ok().and_then(Pid::from_raw);
    if let Some(id) = id {
        // It may be gone.
        let _ = kill_process(id, signal);
    }
}

/// Runs a command to its end, for at most `patience`.
///
/// # Errors
/// If it cannot be started or takes longer.
pub async fn run(mut command: Command, patience: Duration) -> anyhow::Result<Output> {
    command.stdin(Stdio::null()).kill_on_drop(true);
    let program = format!("{:?}", command.as_std());
    let output = tokio::time::timeout(patience, command.output()).await;
    output.with_context(|| format!("{program} took longer than {patience:?}"))?.with_context(|| program)
}
