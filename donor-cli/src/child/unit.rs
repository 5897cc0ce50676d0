//! The donor's side of a unit's process: starting it, hearing it, and telling apart the ways in which it can end.

use super::COMMAND;
use super::messages::{Event, Job, Order};
use protocol::FailureCause;
use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// Lines of standard error that are kept for the report of a crash.
const LINES_KEPT: usize = 20;

/// How long a cancelled process may take to end.
const GRACE: Duration = Duration::from_secs(2);

/// A running unit.
#[derive(Debug)]
pub struct Unit {
    child: Child,
    orders: Option<ChildStdin>,
    events: Lines<BufReader<ChildStdout>>,
    last_words: Arc<Mutex<VecDeque<String>>>,
    ended: bool,
}

impl Unit {
    /// Starts the process. It dies with the thread that calls this, which must be the donor's main thread.
    ///
    /// # Errors
    /// If it cannot be started.
    pub async fn start(program: &Path, job: &Job) -> io::Result<Self> {
        let mut command = Command::new(program);
        command.arg(COMMAND).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        // A group of its own: Ctrl-C on the terminal is for the donor, which ends its units itself.
        command.process_group(0);
        let (variable, setting) = cairo_prover::ENVIRONMENT;
        if std::env::var_os(variable).is_none() {
            command.env(variable, setting);
        }
        let mut child = command.spawn()?;
        let missing = || io::Error::other("the work unit's process has no pipes");
        let orders = child.stdin.take().ok_or_else(missing)?;
        let events = BufReader::new(child.stdout.take().ok_or_else(missing)?).lines();
        let last_words = Arc::default();
        tokio::spawn(listen(child.stderr.take().ok_or_else(missing)?, Arc::clone(&last_words)));
        let mut unit = Self { child, orders: Some(orders), events, last_words, ended: false };
        let job = serde_json::to_string(job)?;
        unit.send(&job).await;
        Ok(unit)
    }

    /// Its process, while it runs.
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Gives an order. One that does not arrive is no error: the process has ended, which [`next`](Self::next) tells.
    pub async fn order(&mut self, order: &Order) {
        if let Ok(line) = serde_json::to_string(order) {
            self.send(&line).await;
        }
    }

    async fn send(&mut self, line: &str) {
        if let Some(orders) = &mut self.orders {
            let sent = async {
                orders.write_all(line.as_bytes()).await?;
                orders.write_all(b"\n").await?;
                orders.flush().await
            };
            if sent.await.is_err() {
                self.orders = None;
            }
        }
    }

    /// The next thing that it says; `None` once it has ended well. A process that ends without having said how it went
    /// has failed.
    ///
    /// May be dropped while it waits without losing anything.
    pub async fn next(&mut self) -> Option<Event> {
        while !self.ended {
            match self.events.next_line().await {
                Ok(Some(line)) => match serde_json::from_str(&line) {
                    Ok(event) => {
                        self.ended = matches!(event, Event::Failed { .. });
                        return Some(event);
                    }
                    Err(error) => self.note(format!("said something that is no message ({error}): {line}")),
                },
                Ok(None) | Err(_) => {
                    let status = self.child.wait().await;
                    self.ended = true;
                    return self.obituary(status);
                }
            }
        }
        None
    }

    fn note(&self, line: String) {
        self.last_words.lock().unwrap_or_else(PoisonError::into_inner).push_back(line);
    }

    /// What to say of a process that has ended.
    fn obituary(&self, status: io::Result<ExitStatus>) -> Option<Event> {
        let words: Vec<String> =
            self.last_words.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect();
        let failed = |cause, detail: String| Some(Event::Failed { cause, detail });
        let status = match status {
            Ok(status) if status.success() => return None,
            Ok(status) => status,
            Err(error) => {
                return failed(FailureCause::Crash, format!("the work unit's end could not be seen: {error}"));
            }
        };
        // Rust's words before it aborts; the C libraries' differ.
        let out_of_memory =
            |line: &&String| line.contains("memory allocation of") || line.contains("Cannot allocate memory");
        if let Some(line) = words.iter().find(out_of_memory) {
            return failed(FailureCause::OutOfMemory, format!("the unit needs more memory than it may take ({line})"));
        }
        let said = words.join(" | ");
        let said = if said.is_empty() { String::new() } else { format!("; it said: {said}") };
        match signal(status) {
            // Nobody but the kernel (or somebody with a grudge) sends this.
            Some(9) => failed(
                FailureCause::OutOfMemory,
                format!("the work unit was killed, probably by the system for lack of memory{said}"),
            ),
            Some(signal) => failed(FailureCause::Crash, format!("the work unit crashed (signal {signal}){said}")),
            None => failed(FailureCause::Crash, format!("the work unit ended with {status}{said}")),
        }
    }

    /// Ends the process, if need be by force, and waits until it is gone.
    pub async fn stop(mut self) {
        self.order(&Order::Cancel).await;
        self.orders = None;
        if tokio::time::timeout(GRACE, self.child.wait()).await.is_err() {
            // That it has ended meanwhile is no error.
            let _ = self.child.kill().await;
        }
    }

    /// Kills the process at once.
    pub async fn kill(mut self) {
        let _ = self.child.kill().await;
    }
}

fn signal(status: ExitStatus) -> Option<i32> {
    std::os::unix::process::ExitStatusExt::signal(&status)
}

/// Keeps the last lines of standard error.
async fn listen(stderr: impl AsyncRead + Unpin, words: Arc<Mutex<VecDeque<String>>>) {
    let mut lines = BufReader::new(stderr).lines();
    while let Ok(Some(mut line)) = lines.next_line().await {
        let cut = line.char_indices().nth(500).map_or(line.len(), |(at, _)| at);
        line.truncate(cut);
        let mut words = words.lock().unwrap_or_else(PoisonError::into_inner);
        words.push_back(line);
        if words.len() > LINES_KEPT {
            words.pop_front();
        }
    }
}
