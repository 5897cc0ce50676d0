//! The donor as a process.

use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
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

/// `donor run` with JSON lines.
pub struct Donor {
    child: Child,
    events: Receiver<Value>,
    seen: Vec<Value>,
}

impl Donor {
    /// Starts it on a whole machine, whatever else runs there.
    pub fn run(state: &Path, server: &str, arguments: &[&str]) -> Self {
        let mut command = command();
        command.args(["run", "--json", "--no-yield", "--server", server, "--state"]).arg(state);
        if !arguments.contains(&"--max-cpu") {
            command.args(["--max-cpu", "100"]);
        }
        command.args(arguments);
        Self::start(command)
    }

    pub fn start(mut command: Command) -> Self {
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

    /// Waits until the unit is in this phase or a later one.
    pub fn wait_phase(&mut self, phases: &[&str], phase: &str) -> Value {
        let place = |name: &Value| phases.iter().position(|known| name == known);
        let wanted = phases.iter().position(|known| *known == phase).unwrap();
        self.wait_for(phase, |event| {
            event["event"] == "finished" || place(&event["unit"]["phase"]).is_some_and(|here| here >= wanted)
        })
    }

    fn tail(&self) -> String {
        let from = self.seen.len().saturating_sub(40);
        self.seen[from..].iter().map(|event| format!("\n  {event}")).collect()
    }

    /// Events seen so far.
    pub fn seen(&self) -> &[Value] {
        &self.seen
    }

    /// SIGKILL.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGINT.
    pub fn interrupt(&self) {
        let pid = rustix::process::Pid::from_raw(self.child.id().try_into().unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
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

/// The process of the donor's running unit.
pub fn unit_of(donor: u32) -> Option<u32> {
    let path = format!("/proc/{donor}/task/{donor}/children");
    std::fs::read_to_string(path).ok()?.split_ascii_whitespace().next()?.parse().ok()
}

/// Processor seconds of a process, without its children.
pub fn cpu_seconds(pid: u32) -> Option<f64> {
    let mut text = String::new();
    std::fs::File::open(format!("/proc/{pid}/stat")).ok()?.read_to_string(&mut text).ok()?;
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_ascii_whitespace().collect();
    let ticks: u64 = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    Some(ticks as f64 / 100.0)
}
