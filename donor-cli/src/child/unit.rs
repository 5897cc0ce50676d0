//! The donor's side of a unit's process: starting it, hearing it, and telling apart the ways in which it can end.

use super::COMMAND;
use super::account::{Account, plain};
use super::lines::{Lines, TooLong};
use super::messages::{Event, Job, Order};
use super::watch::{self, Watch};
use crate::governor::machine;
use protocol::FailureCause;
use rustix::process::{Pid, Signal, kill_process_group};
use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::{Instant, Interval, MissedTickBehavior};

/// Lines of standard error that are kept for the report of a crash.
const LINES_KEPT: usize = 20;

/// Most bytes of a line of standard error that are kept.
const MAX_WORDS: usize = 500;

/// Most bytes of a message.
const MAX_MESSAGE: usize = 64 << 10;

/// Messages that are taken between two looks at the process, beyond the few that it sends of each unit; at work it sends a tenth as
/// many. Others wait in the pipe, and the process for them.
const MESSAGES: u32 = 100;

/// Messages of a process about each unit, at most.
const MESSAGES_EACH: u32 = 4;

/// Less room than this on the disk is a reason for a process to wait.
const LITTLE_ROOM: u64 = 64 << 20;

/// Variables that a unit's process gets, if the donor has them: how its memory is managed, which kernels compute, where the
/// system's libraries are. Nothing else of the donor's environment is its business.
const VARIABLES: &[&str] = &[
    cairo_prover::MALLOC_TUNABLES.0,
    "CAIRN_KERNEL",
    "LD_LIBRARY_PATH",
    #[cfg(debug_assertions)]
    super::HOLD,
    #[cfg(debug_assertions)]
    super::ATTEMPT,
];

/// How long a cancelled process may take to end.
const GRACE: Duration = Duration::from_secs(2);

/// A running unit.
#[derive(Debug)]
pub struct UnitProcess {
    child: Child,
    orders: Option<ChildStdin>,
    events: Lines<ChildStdout>,
    last_words: Arc<Mutex<VecDeque<String>>>,
    ended: bool,
    account: Account,
    watch: Watch,
    looks: Interval,
    looked: Instant,
    /// Cores that it may use.
    cores: f64,
    /// Messages that are still taken before the next look.
    messages: u32,
    /// Messages that are taken between two looks.
    most_messages: u32,
    /// Whether the last thing that it said was that it waits.
    waits: bool,
    /// Where it writes.
    place: PathBuf,
    /// Processes that the kernel had killed for lack of memory when it began.
    kills: Option<u64>,
}

impl UnitProcess {
    /// Starts the process. It dies with the thread that calls this, which must be the donor's main thread.
    ///
    /// # Errors
    /// If it cannot be started.
    pub async fn start(program: &Path, job: &Job) -> io::Result<Self> {
        Self::spawn(command(program), job).await
    }

    /// As [`start`](Self::start), by a [`command`] that may have been changed.
    ///
    /// # Errors
    /// If it cannot be started.
    pub async fn spawn(mut command: Command, job: &Job) -> io::Result<Self> {
        let mut child = command.kill_on_drop(true).spawn()?;
        let missing = || io::Error::other("the work unit's process has no pipes");
        let orders = child.stdin.take().ok_or_else(missing)?;
        let events = Lines::new(child.stdout.take().ok_or_else(missing)?, MAX_MESSAGE, TooLong::Fails);
        let last_words = Arc::default();
        tokio::spawn(listen(child.stderr.take().ok_or_else(missing)?, Arc::clone(&last_words)));
        let mut looks = tokio::time::interval(watch::BETWEEN_LOOKS);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let most_messages = MESSAGES.saturating_add(MESSAGES_EACH.saturating_mul(job.units.len() as u32));
        let mut unit = Self {
            child,
            orders: Some(orders),
            events,
            last_words,
            ended: false,
            account: Account::new(job),
            watch: Watch::new(job),
            looks,
            looked: Instant::now(),
            cores: job.cores,
            messages: most_messages,
            most_messages,
            waits: false,
            kills: machine::memory_kills(),
            place: job.proof.parent().unwrap_or_else(|| Path::new("/")).to_owned(),
        };
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
        if let Order::Cores(cores) = order {
            self.cores = *cores;
        }
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
    /// has failed, and so has one that says what cannot be, takes what it must not, or does not answer: after a failure it is
    /// to be killed.
    ///
    /// May be dropped while it waits without losing anything.
    pub async fn next(&mut self) -> Option<Event> {
        while !self.ended {
            tokio::select! {
                line = self.events.next(), if self.messages > 0 => match line {
                    Ok(Some(line)) => return Some(self.hear(&line)),
                    Ok(None) => {
                        let status = self.child.wait().await;
                        self.ended = true;
                        return self.obituary(status);
                    }
                    Err(error) => return Some(self.broken(&error.to_string())),
                },
                _ = self.looks.tick() => {
                    self.messages = self.most_messages;
                    if let Some((cause, detail)) = self.look() {
                        self.ended = true;
                        return Some(Event::Failed { cause, detail });
                    }
                }
            }
        }
        None
    }

    /// Takes a message, if it is one that can be.
    fn hear(&mut self, line: &str) -> Event {
        self.messages -= 1;
        let event =
            serde_json::from_str(line).map_err(|_| format!("something that is no message: {}", plain(line, MAX_WORDS)));
        match event.and_then(|event| self.account.take(event)) {
            Ok(event) => {
                self.watch.heard();
                self.waits = matches!(event, Event::Waiting { .. });
                self.ended = matches!(event, Event::Failed { .. });
                event
            }
            Err(error) => self.broken(&error),
        }
    }

    fn broken(&mut self, what: &str) -> Event {
        self.ended = true;
        let detail = format!("the work unit's process is not to be trusted any more: it said {what}");
        Event::Failed { cause: FailureCause::Crash, detail }
    }

    /// Looks at the process itself.
    fn look(&mut self) -> Option<(FailureCause, String)> {
        let passed = std::mem::replace(&mut self.looked, Instant::now()).elapsed();
        let sight = self.child.id().map(watch::look_at).unwrap_or_default();
        // While there is no room for its result, it is right to wait.
        let cores = if self.waits && has_little_room(&self.place) { 0.0 } else { self.cores };
        self.watch.look(passed, cores, sight)
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
            Some(SIGSYS) => failed(
                FailureCause::Crash,
                format!("the work unit's process tried what the sandbox does not allow, and was ended{said}"),
            ),
            Some(SIGXCPU) => failed(
                FailureCause::TimeLimit,
                format!("the system ended the work unit's process: it had used all its processor time{said}"),
            ),
            Some(SIGXFSZ) => failed(
                FailureCause::Crash,
                format!("the system ended the work unit's process: it wrote more than it may{said}"),
            ),
            Some(SIGKILL) => {
                let (cause, detail) = killed(self.kills, machine::memory_kills());
                failed(cause, format!("{detail}{said}"))
            }
            Some(signal) => failed(FailureCause::Crash, format!("the work unit crashed (signal {signal}){said}")),
            None => failed(FailureCause::Crash, format!("the work unit ended with {status}{said}")),
        }
    }

    /// Ends the process, if need be by force, and waits until it is gone.
    pub async fn stop(mut self) {
        self.order(&Order::Cancel).await;
        self.orders = None;
        if tokio::time::timeout(GRACE, self.child.wait()).await.is_err() {
            self.kill().await;
        }
    }

    /// Kills the process at once, and whatever it started where nothing kept it from that.
    pub async fn kill(mut self) {
        if let Some(group) = self.child.id().and_then(|id| Pid::from_raw(id.cast_signed())) {
            // That it has ended meanwhile is no error.
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.child.kill().await;
    }
}

/// Why a process was killed that the donor did not kill, by how many processes the kernel had killed for lack of memory before
/// it began and after it ended.
///
/// If the kernel killed none, or does not say, it was somebody else: the owner of the machine, another program, a service
/// manager. That says nothing about the unit, so it is given back as one that the donor stopped.
fn killed(before: Option<u64>, after: Option<u64>) -> (FailureCause, &'static str) {
    match (before, after) {
        (Some(before), Some(after)) if after > before => {
            (FailureCause::OutOfMemory, "the system killed the work unit for lack of memory")
        }
        _ => (
            FailureCause::Stopped,
            "the work unit was killed, and not by the system for lack of memory as far as it tells",
        ),
    }
}

const SIGKILL: i32 = Signal::KILL.as_raw();
const SIGSYS: i32 = Signal::SYS.as_raw();
const SIGXCPU: i32 = Signal::XCPU.as_raw();
const SIGXFSZ: i32 = Signal::XFSZ.as_raw();

/// How a unit's process is started: with three pipes, and nothing else of the donor's.
pub fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.arg(COMMAND).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // A group of its own: Ctrl-C on the terminal is for the donor, which ends its units itself.
    command.process_group(0).current_dir("/").env_clear();
    let (variable, setting) = cairo_prover::MALLOC_TUNABLES;
    command.env(variable, setting);
    command.envs(VARIABLES.iter().filter_map(|name| std::env::var_os(name).map(|value| (name, value))));
    command
}

/// Whether there is hardly any space at a place, as far as the system tells.
fn has_little_room(place: &Path) -> bool {
    rustix::fs::statvfs(place).is_ok_and(|disk| disk.f_bavail.saturating_mul(disk.f_frsize) < LITTLE_ROOM)
}

fn signal(status: ExitStatus) -> Option<i32> {
    std::os::unix::process::ExitStatusExt::signal(&status)
}

/// Keeps the last lines of standard error.
async fn listen(stderr: impl AsyncRead + Unpin, words: Arc<Mutex<VecDeque<String>>>) {
    let mut lines = Lines::new(stderr, MAX_WORDS, TooLong::IsCut);
    while let Ok(Some(line)) = lines.next().await {
        let mut words = words.lock().unwrap_or_else(PoisonError::into_inner);
        words.push_back(plain(&line, MAX_WORDS));
        if words.len() > LINES_KEPT {
            words.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_kill_that_the_kernel_counts_is_one_for_lack_of_memory() {
        for (before, after, expected) in [
            (Some(3), Some(4), FailureCause::OutOfMemory),
            (Some(0), Some(9), FailureCause::OutOfMemory),
            (Some(3), Some(3), FailureCause::Stopped),
            (Some(3), None, FailureCause::Stopped),
            (None, Some(3), FailureCause::Stopped),
            (None, None, FailureCause::Stopped),
            // The machine's count, once its group's cannot be read any more.
            (Some(9), Some(3), FailureCause::Stopped),
        ] {
            assert_eq!(killed(before, after).0, expected, "{before:?}, {after:?}");
        }
    }
}
