//! The process of a unit: `donor work-unit`, hidden, started by the donor. Reads a job, does it, says how it went.

mod stages;

use super::files::Files;
use super::gate::{self, Gate};
use super::messages::{Event, Job, Order, VERSION};
use super::{limits, sandbox};
use crate::progress::Phase;
use protocol::{FailureCause as Cause, LeaseMode, MAX_DETAIL};
use rayon::ThreadPool;
use std::io::{self, BufRead, BufReader, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Between two messages about the same phase.
const BETWEEN_MESSAGES: Duration = Duration::from_millis(100);

/// Between two looks at the time limit.
const BETWEEN_LOOKS: Duration = Duration::from_millis(250);

/// Between two signs of life.
const BETWEEN_SIGNS: Duration = Duration::from_secs(1);

/// Why a unit ended without what was asked for.
#[derive(Debug)]
enum Stop {
    /// It cannot be done.
    Failed(Cause, String),
    /// The donor does not want it any more.
    Cancelled,
}

fn failed(cause: Cause, error: impl std::fmt::Display) -> Stop {
    Stop::Failed(cause, error.to_string())
}

/// Reads a job from standard input and does it. Returns the process's exit code: 0 if everything was said on standard
/// output, also a failure of the unit.
pub fn main() -> u8 {
    #[cfg(debug_assertions)]
    let bare = super::attempts::without_walls();
    #[cfg(not(debug_assertions))]
    let bare = false;
    if !bare && let Err(error) = sandbox::close_inherited() {
        return complain(&error.to_string());
    }
    let mut input = BufReader::new(io::stdin());
    let mut line = String::new();
    let job: Job = match input.read_line(&mut line).map(|_| serde_json::from_str(&line)) {
        Ok(Ok(job)) => job,
        Ok(Err(error)) => {
            return complain(&format!("this is an inner command of `donor run`; its job cannot be read: {error}"));
        }
        Err(error) => return complain(&format!("cannot read the job: {error}")),
    };
    if job.version != VERSION {
        return complain(&format!("the job has version {}, this donor reads {VERSION}", job.version));
    }
    let prepared = prepare(&job);
    let files = match prepared {
        Ok(files) => files,
        Err(Stop::Failed(cause, detail)) => {
            say(&Event::Failed { cause, detail });
            return 0;
        }
        Err(Stop::Cancelled) => return 0,
    };
    let worker =
        Worker { gate: Gate::new(job.cores, job.credit), said: Mutex::new((Phase::Download, Instant::now())), job };
    std::thread::scope(|scope| {
        scope.spawn(|| worker.obey(input));
        scope.spawn(|| worker.watch());
        match worker.shut_in().and_then(|pool| worker.work(files, pool)) {
            Ok(()) | Err(Stop::Cancelled) => {}
            Err(Stop::Failed(cause, detail)) => {
                // An account of what went wrong may have no end.
                say(&Event::Failed { cause, detail: detail.chars().take(MAX_DETAIL).collect() });
            }
        }
        // The other threads wait for what will not come.
        std::process::exit(0)
    })
}

/// What is done before any other thread is started: limits, the files that are needed, no privileges, no other files.
fn prepare(job: &Job) -> Result<Files, Stop> {
    // Nothing of this speaks against the unit.
    let stopped = |error: &dyn std::fmt::Display| failed(Cause::Stopped, error);
    #[cfg(debug_assertions)]
    std::sync::LazyLock::force(&HELD);
    limits::confine(job.parent, &job.limits).map_err(|error| stopped(&error))?;
    let files = Files::open(job).map_err(|error| stopped(&error))?;
    #[cfg(debug_assertions)]
    if super::attempts::without_walls() {
        return Ok(files);
    }
    sandbox::shed().map_err(|error| stopped(&error))?;
    let landlock = sandbox::close_files().map_err(|error| stopped(&error))?;
    if landlock < job.walls.landlock {
        return Err(stopped(&"Landlock was there when the donor started, and is not any more"));
    }
    Ok(files)
}

fn complain(message: &str) -> u8 {
    eprintln!("donor work-unit: {message}");
    1
}

/// Says something to the donor. If it no longer listens, it is gone, and so should we be.
fn say(event: &Event) {
    let line = serde_json::to_string(event).unwrap_or_default();
    let mut out = io::stdout().lock();
    if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
        std::process::exit(1);
    }
}

/// The phase in which tests hold the process: the one whose name the file holds that the variable [`HOLD`](super::HOLD) names.
/// The file goes, so that this happens once.
#[cfg(debug_assertions)]
static HELD: std::sync::LazyLock<Option<String>> = std::sync::LazyLock::new(|| {
    let file = std::env::var_os(super::HOLD)?;
    let phase = std::fs::read_to_string(&file).ok()?;
    std::fs::remove_file(&file).ok().map(|()| phase)
});

/// Lets tests have the process in a certain phase, however fast it is: it stops itself there. Not in release builds.
#[cfg(debug_assertions)]
fn hold(phase: Phase) {
    if HELD.as_deref() == Some(phase.name()) {
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::STOP);
    }
}

#[cfg(not(debug_assertions))]
const fn hold(_: Phase) {}

struct Worker {
    job: Job,
    gate: Gate,
    said: Mutex<(Phase, Instant)>,
}

impl stark::Control for Worker {
    fn checkpoint(&self) -> Result<(), stark::Cancelled> {
        self.gate.pass().map_err(|gate::Cancelled| stark::Cancelled)
    }

    fn progress(&self, phase: stark::Phase, fraction: f64) {
        self.report(phase.into(), fraction);
    }
}

impl Worker {
    /// Follows orders until the donor closes the pipe, which means that it is gone.
    fn obey(&self, orders: impl BufRead) {
        for line in orders.lines() {
            match line.map(|line| serde_json::from_str(&line)) {
                Ok(Ok(Order::Cores(cores))) => self.gate.set(cores),
                Ok(Ok(Order::Cancel)) | Err(_) => break,
                Ok(Err(error)) => {
                    complain(&format!("an order cannot be read: {error}"));
                }
            }
        }
        self.gate.cancel();
        std::thread::sleep(Duration::from_secs(1));
        std::process::exit(0);
    }

    /// Ends the process when it has used all the processor time that it may, and says that work goes on while it does. The
    /// donor watches too, less exactly.
    fn watch(&self) {
        let limit = Duration::from_secs(self.job.limits.total_seconds);
        let (mut looks, mut said) = (self.gate.looks(), Instant::now());
        while gate::cpu_time() <= limit {
            std::thread::sleep(BETWEEN_LOOKS);
            if said.elapsed() >= BETWEEN_SIGNS && self.gate.looks() != looks {
                (looks, said) = (self.gate.looks(), Instant::now());
                say(&Event::Alive);
            }
        }
        let detail = format!("the unit took more than {} s of processor time", limit.as_secs());
        say(&Event::Failed { cause: Cause::TimeLimit, detail });
        std::process::exit(0);
    }

    /// Starts the prover's threads, and takes away what nobody needs any more when they are there: system calls and
    /// descriptors. From here on strangers' bytes may be looked at.
    fn shut_in(&self) -> Result<Option<ThreadPool>, Stop> {
        let job = &self.job;
        let pool = match job.mode {
            LeaseMode::Execute => None,
            LeaseMode::Both | LeaseMode::Prove => {
                Some(rayon::ThreadPoolBuilder::new().num_threads(job.threads).build())
            }
        };
        let pool = pool.transpose().map_err(|error| {
            failed(Cause::Stopped, format!("the {} threads of the prover could not be started: {error}", job.threads))
        })?;
        #[cfg(debug_assertions)]
        if super::attempts::without_walls() {
            return Ok(pool);
        }
        sandbox::close_descriptors().map_err(|error| failed(Cause::Stopped, error))?;
        if job.walls.filter && !sandbox::close_calls().map_err(|error| failed(Cause::Stopped, error))? {
            let detail = "system calls could be filtered when the donor started, and cannot any more";
            return Err(failed(Cause::Stopped, detail));
        }
        Ok(pool)
    }

    fn report(&self, phase: Phase, fraction: f64) {
        let Ok(mut said) = self.said.lock() else { return };
        if phase != said.0 || fraction >= 1.0 || said.1.elapsed() >= BETWEEN_MESSAGES {
            let begins = phase != said.0;
            *said = (phase, Instant::now());
            say(&Event::Progress { phase, fraction });
            if begins {
                hold(phase);
            }
        }
    }
}
