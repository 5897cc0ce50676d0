//! The process of a unit: `donor work-unit`, hidden, started by the donor. Reads a job, does it, says how it went.

use super::files::{Files, fill};
use super::gate::{self, Gate};
use super::messages::{Event, Job, Order, VERSION};
use super::{limits, sandbox};
use crate::progress::Phase;
use crate::state::atomic::{FileError, Last};
use cairo_air::{CairoProof, Statement, verify};
use cairo_execution::Execution;
use cairo_prover::{Options, ProveError, WitnessError, prove};
use cairo_runner::{Arguments, LoadError, RunError, RunnableProgram, run};
use protocol::{Digest, FailureCause as Cause, LeaseMode, MAX_DETAIL, MAX_PROGRAM_BYTES};
use rayon::ThreadPool;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _, Write};
use std::ops::ControlFlow;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Between two tries to write to a full disk.
const BETWEEN_TRIES: Duration = Duration::from_secs(2);

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

    fn work(&self, mut files: Files, pool: Option<ThreadPool>) -> Result<(), Stop> {
        #[cfg(debug_assertions)]
        super::attempts::run(&self.job, &mut files);
        let (program, arguments) = self.load(&mut files.program)?;
        let begin = gate::cpu_time();
        let (execution, kept) = match (self.job.mode, self.earlier(files.earlier.take(), &program, &arguments)) {
            (_, Some(Ok(execution))) => (execution, false),
            (LeaseMode::Prove, None) => return Err(failed(Cause::BadExecution, "the execution to prove is not there")),
            (LeaseMode::Prove, Some(Err(error))) => return Err(failed(Cause::BadExecution, error)),
            (LeaseMode::Execute | LeaseMode::Both, _) => {
                let execution = self.execute(&program, &arguments)?;
                if self.job.mode == LeaseMode::Execute {
                    // The distributor executes each step again, and counts a refusal against who sent it.
                    execution.check().map_err(|error| failed(Cause::ProveFailed, error))?;
                }
                let kept = self.keep(&execution, &mut files.execution)?;
                (execution, kept)
            }
        };
        let steps = execution.n_steps() as u64;
        let cpu_seconds = (gate::cpu_time() - begin).as_secs_f64();
        say(&Event::Executed { steps, cells: execution.memory.len() as u64, cpu_seconds, kept });
        let (Some(pool), Some(file)) = (pool, &mut files.proof) else { return Ok(()) };
        let begin = gate::cpu_time();
        let (bytes, steps) = self.prove(execution, &pool)?;
        let cpu_seconds = (gate::cpu_time() - begin).as_secs_f64();
        let most = self.job.limits.file_bytes;
        self.until_there_is_space("the proof", || {
            let written = fill(file, most, Last::Power, |mut out| out.write_all(&bytes).and_then(|()| out.flush()));
            written.map_err(FileError::of("write", &self.job.proof))
        })?;
        let (sha256, bytes) = (Digest::of(&bytes), bytes.len() as u64);
        say(&Event::Proved { bytes, sha256, steps, cpu_seconds, peak_memory: files.peak_memory() });
        Ok(())
    }

    /// Reads and checks program and arguments. Nothing runs before its hash is right.
    fn load(&self, file: &mut File) -> Result<(RunnableProgram, Arguments), Stop> {
        let job = &self.job;
        let mut bytes = Vec::new();
        let read = file.take(MAX_PROGRAM_BYTES as u64 + 1).read_to_end(&mut bytes);
        read.map_err(|error| failed(Cause::Crash, error))?;
        let found = Digest::of(&bytes);
        if found != job.program_digest {
            let detail = format!("the program file has SHA-256 {found}; signed was {}", job.program_digest);
            return Err(Stop::Failed(Cause::BadProgram, detail));
        }
        let program = RunnableProgram::from_json(&bytes).map_err(|error| {
            let cause = match error {
                LoadError::UnknownHint { .. } | LoadError::ForbiddenHint { .. } | LoadError::InputTarget { .. } => {
                    Cause::BadHint
                }
                _ => Cause::BadProgram,
            };
            failed(cause, error)
        })?;
        let (hash, record) = (protocol::program_hash(program.program()), protocol::record_digest(program.program()));
        if hash != job.program_hash || record != job.record {
            let detail = format!(
                "the project declares hash {} and record {}, but those of its program are {hash} and {record}",
                job.program_hash, job.record
            );
            return Err(Stop::Failed(Cause::BadProgram, detail));
        }
        Ok((program, Arguments::from_felts(&job.arguments.0)))
    }

    fn execute(&self, program: &RunnableProgram, arguments: &Arguments) -> Result<Execution, Stop> {
        let limits = &self.job.limits;
        let most = Duration::from_secs(limits.execute_seconds);
        let bounds = cairo_runner::Limits {
            max_steps: limits.max_steps,
            max_memory_cells: limits.max_memory_cells,
            max_time: None,
        };
        let begin = gate::cpu_time();
        let mut cancelled = false;
        self.report(Phase::Execute, 0.0);
        // The time limit counts processor time: a throttled or paused donor fails nothing.
        let outcome = run(program, arguments, &bounds, &mut |progress| {
            self.report(Phase::Execute, (progress.steps as f64 / limits.max_steps.max(1) as f64).min(0.99));
            cancelled = self.gate.pass().is_err();
            if cancelled || gate::cpu_time().saturating_sub(begin) > most {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        outcome.map_err(|error| match &error {
            RunError::Cancelled { .. } if cancelled => Stop::Cancelled,
            RunError::Cancelled { step } => {
                let detail = format!(
                    "the program did not end within {} s of processor time (it did {step} steps)",
                    most.as_secs()
                );
                Stop::Failed(Cause::TimeLimit, detail)
            }
            RunError::MemoryLimit { .. } if limits.own_memory => {
                failed(Cause::OutOfMemory, format!("{error} (this donor's own limit)"))
            }
            _ => failed(cause_of_run(&error), error),
        })
    }

    /// The execution that an earlier attempt or another donor left, if there is one.
    fn earlier(
        &self,
        file: Option<File>,
        program: &RunnableProgram,
        arguments: &Arguments,
    ) -> Option<Result<Execution, String>> {
        let file = file?;
        let limits = cairo_execution::Limits {
            max_steps: self.job.limits.max_steps,
            max_memory_cells: self.job.limits.max_memory_cells,
            ..cairo_execution::Limits::default()
        };
        self.report(Phase::Execute, 0.0);
        let loaded = cairo_execution::load(BufReader::new(file), limits).map_err(|error| error.to_string());
        Some(loaded.and_then(|execution| {
            let bound = program.bind(arguments).map_err(|error| error.to_string())?;
            if execution.program != *program.program() {
                Err("the execution is one of another program".to_owned())
            } else if execution.arguments != bound {
                Err("the execution is one of other arguments".to_owned())
            } else {
                Ok(execution)
            }
        }))
    }

    /// Keeps the execution, so that an interruption from here on costs no second execution. Where the execution is itself
    /// the result, it waits for space; otherwise a full disk only costs that safety.
    fn keep(&self, execution: &Execution, file: &mut File) -> Result<bool, Stop> {
        let last = if self.job.mode == LeaseMode::Execute { Last::Power } else { Last::Process };
        let most = self.job.limits.file_bytes;
        let mut save = || {
            let saved = fill(file, most, last, |out| {
                cairo_execution::save(execution, out).map_err(|error| match error {
                    cairo_execution::SaveError::Io(error) => error,
                    cairo_execution::SaveError::Invalid(error) => io::Error::other(error),
                })
            });
            saved.map_err(FileError::of("write", &self.job.execution))
        };
        if self.job.mode == LeaseMode::Execute {
            return self.until_there_is_space("the execution", save).map(|()| true);
        }
        Ok(save().inspect_err(|error| say(&Event::Waiting { why: format!("{error} (proving goes on)") })).is_ok())
    }

    /// Proves, and verifies the proof as the distributor will.
    fn prove(&self, execution: Execution, pool: &ThreadPool) -> Result<(Vec<u8>, u64), Stop> {
        let job = &self.job;
        let prover = *job.prover.as_bytes();
        let statement =
            Statement { program: execution.program.clone(), arguments: execution.arguments.clone(), prover };
        let options = Options {
            parameters: job.preset.parameters(),
            // Those of the pool: no thread can be started any more.
            threads: None,
            // To be told before the work begins, not killed within it.
            max_memory: Some(job.limits.memory_bytes),
            ..Options::default()
        };
        let proof = pool.install(|| prove(execution, prover, &options, self));
        let proof: CairoProof = proof.map_err(|error| match error {
            ProveError::Stark(stark::ProveError::Cancelled(_)) | ProveError::Witness(WitnessError::Cancelled(_)) => {
                Stop::Cancelled
            }
            error @ ProveError::Memory { .. } => failed(Cause::OutOfMemory, error),
            error => failed(Cause::ProveFailed, error),
        })?;
        self.report(Phase::Verify, 0.0);
        self.gate.pass().map_err(|gate::Cancelled| Stop::Cancelled)?;
        let bytes = proof.encode();
        let policy = protocol::policy(job.preset, job.limits.max_steps);
        let verified = verify(&statement, &bytes, &policy)
            .map_err(|error| failed(Cause::ProveFailed, format!("the donor's own proof does not verify: {error}")))?;
        self.report(Phase::Verify, 1.0);
        Ok((bytes, verified.n_steps))
    }

    /// Writes a finished result. It is worth hours of work, so a full disk only makes it wait.
    fn until_there_is_space(&self, what: &str, mut write: impl FnMut() -> Result<(), FileError>) -> Result<(), Stop> {
        loop {
            match write() {
                Ok(()) => return Ok(()),
                Err(error) if error.error.kind() == io::ErrorKind::Other => {
                    return Err(failed(Cause::Crash, format!("{what} is finished but {error}")));
                }
                Err(error) => say(&Event::Waiting { why: format!("{what} is finished but {error}") }),
            }
            std::thread::sleep(BETWEEN_TRIES);
        }
    }
}

const fn cause_of_run(error: &RunError) -> Cause {
    match error {
        RunError::Arguments(_) => Cause::BadProgram,
        RunError::StepLimit { .. } => Cause::StepLimit,
        RunError::MemoryLimit { .. } | RunError::AddressSpace { .. } => Cause::MemoryLimit,
        RunError::OutOfMemory { .. } => Cause::OutOfMemory,
        RunError::TimeLimit { .. } => Cause::TimeLimit,
        RunError::Vm { .. } | RunError::Panicked { .. } => Cause::Panic,
        RunError::Setup { .. } | RunError::MachinePanicked { .. } => Cause::BadProgram,
        _ => Cause::ProveFailed,
    }
}
