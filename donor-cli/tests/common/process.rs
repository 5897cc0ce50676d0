//! The donor as a process.

use rustix::process::{Pid, Signal};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// Longest wait for anything. Only a failing test waits so long.
pub const PATIENCE: Duration = Duration::from_secs(240);

pub fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_donor"));
    command.env_remove("CAIRN_SERVER").env_remove("CAIRN_DONOR_STATE").stdin(Stdio::null());
    command
}

/// Runs a command to its end.
pub fn donor(state: &Path, arguments: &[&str]) -> Output {
    command().args(arguments).arg("--state").arg(state).output().unwrap()
}

/// How many units are lent together where a test does not say: one, or as many as the environment variable `CAIRN_TEST_BATCHES` says.
pub fn most_units() -> usize {
    std::env::var("CAIRN_TEST_BATCHES").map_or(1, |number| number.parse().unwrap())
}

/// `donor run` with JSON lines.
pub struct Donor {
    child: Child,
    events: Receiver<Value>,
    seen: Vec<Value>,
}

impl Donor {
    /// Starts it on a whole machine, whatever else runs there.
    pub fn run(state: &Path, server: &str, arguments: &[&str]) -> Self {
        Self::start(&mut Self::running(state, server, arguments))
    }

    fn running(state: &Path, server: &str, arguments: &[&str]) -> Command {
        let mut command = command();
        command.args(["run", "--json", "--no-yield", "--server", server, "--state"]).arg(state);
        // Most tests are about what becomes of one unit, which must be no other if it is lent with more.
        if !arguments.contains(&"--batch-minutes") {
            command.args(["--batch-minutes", if most_units() > 1 { "15" } else { "0" }]);
        }
        if !arguments.contains(&"--max-cpu") && !arguments.contains(&"--schedule") {
            command.args(["--max-cpu", "100"]);
        }
        command.args(arguments);
        command
    }

    pub fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (send, events) = channel();
        let out = BufReader::new(child.stdout.take().unwrap());
        let err = BufReader::new(child.stderr.take().unwrap());
        let send_err = send.clone();
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                let event = serde_json::from_str(&line).unwrap_or(Value::String(line));
                let _ = send.send(event);
            }
        });
        std::thread::spawn(move || {
            for line in err.lines().map_while(Result::ok) {
                let _ = send_err.send(serde_json::json!({ "event": "stderr", "message": line }));
            }
        });
        Self { child, events, seen: Vec::new() }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for an event for which the condition holds.
    pub fn wait_for(&mut self, what: &str, condition: impl Fn(&Value) -> bool) -> Value {
        let begin = Instant::now();
        loop {
            match self.events.recv_timeout(PATIENCE.saturating_sub(begin.elapsed())) {
                Ok(event) => {
                    self.seen.push(event.clone());
                    if condition(&event) {
                        return event;
                    }
                }
                Err(RecvTimeoutError::Timeout) => panic!("no {what} within {PATIENCE:?}; seen: {}", self.tail()),
                Err(RecvTimeoutError::Disconnected) => panic!("the donor ended before {what}; seen: {}", self.tail()),
            }
        }
    }

    /// Waits for an event of this name.
    pub fn wait_event(&mut self, name: &str) -> Value {
        self.wait_for(name, |event| event["event"] == name)
    }

    /// An event of this name, waited for if it was not seen yet.
    pub fn event(&mut self, name: &str) -> Value {
        let seen = self.seen.iter().find(|event| event["event"] == name).cloned();
        seen.unwrap_or_else(|| self.wait_event(name))
    }

    /// Waits until the unit comes to this phase.
    pub fn wait_phase(&mut self, phase: &str) {
        let seen = self.wait_for(phase, |event| {
            event["event"] == "finished" || (event["event"] == "phase" && event["phase"] == phase)
        });
        assert_eq!(seen["event"], "phase", "the unit was finished before {phase}; seen: {}", self.tail());
    }

    /// [`run`](Self::run), one unit at a time, with the first unit's process stopped in this phase. Returns that process, too.
    pub fn run_to(phase: &str, state: &Path, server: &str, arguments: &[&str]) -> (Self, u32) {
        let file = state.join("hold");
        std::fs::write(&file, phase).unwrap();
        let mut command = Self::running(state, server, arguments);
        let mut donor = Self::start(command.args(["--at-once", "1"]).env(donor::child::HOLD, &file));
        donor.wait_phase(phase);
        let unit = donor.wait_held(phase);
        (donor, unit)
    }

    /// Waits until the running unit's process is stopped. Returns it.
    pub fn wait_held(&self, phase: &str) -> u32 {
        let begin = Instant::now();
        loop {
            if let Some(unit) = unit_of(self.id()).filter(|unit| process_state(*unit) == Some('T')) {
                return unit;
            }
            assert!(
                begin.elapsed() < PATIENCE,
                "it does not stop in {phase}, as release builds never do; seen: {}",
                self.tail()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn tail(&self) -> String {
        let from = self.seen.len().saturating_sub(40);
        self.seen[from..].iter().map(|event| format!("\n  {event}")).collect()
    }

    /// SIGKILL.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGINT.
    pub fn interrupt(&self) {
        signal(self.child.id(), Signal::INT);
    }

    /// Waits for the end and returns everything seen.
    pub fn end(mut self) -> (ExitStatus, Vec<Value>) {
        let begin = Instant::now();
        loop {
            match self.events.recv_timeout(PATIENCE.saturating_sub(begin.elapsed())) {
                Ok(event) => self.seen.push(event),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    let _ = self.child.kill();
                    panic!("the donor did not end within {PATIENCE:?}; seen: {}", self.tail());
                }
            }
        }
        let status = self.child.wait().unwrap();
        (status, std::mem::take(&mut self.seen))
    }
}

impl Drop for Donor {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal to a process.
pub fn signal(pid: u32, signal: Signal) {
    rustix::process::kill_process(Pid::from_raw(pid.try_into().unwrap()).unwrap(), signal).unwrap();
}

/// Whether a process is still there; one that has ended and is not yet waited for is not.
pub fn is_alive(pid: u32) -> bool {
    process_state(pid).is_some_and(|state| state != 'Z')
}

/// The letter by which the system tells what a process does.
fn process_state(pid: u32) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.trim_start().chars().next()
}

/// The process of the donor's running unit.
pub fn unit_of(donor: u32) -> Option<u32> {
    let path = format!("/proc/{donor}/task/{donor}/children");
    std::fs::read_to_string(path).ok()?.split_ascii_whitespace().next()?.parse().ok()
}

/// Processor seconds of a process, without its children.
pub fn cpu_seconds(pid: u32) -> Option<f64> {
    ticks(pid, 11)
}

/// Processor seconds of its children that have ended.
pub fn ended_children_seconds(pid: u32) -> Option<f64> {
    ticks(pid, 13)
}

/// Two numbers of `/proc/PID/stat`, counted after the name.
fn ticks(pid: u32, at: usize) -> Option<f64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_ascii_whitespace().collect();
    let ticks: u64 = fields.get(at)?.parse::<u64>().ok()? + fields.get(at + 1)?.parse::<u64>().ok()?;
    Some(ticks as f64 / 100.0)
}
