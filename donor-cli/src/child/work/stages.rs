//! The stages of a unit in its process: load, execute, keep, prove, verify.

use super::{Stop, Worker, failed, say};
use crate::child::files::{Files, UnitFiles, fill};
use crate::child::messages::{Event, JobUnit};
use crate::child::{MOST_RUNS, gate};
use crate::progress::Phase;
use crate::state::atomic::{FileError, Last};
use cairo_air::CairoProof;
use cairo_execution::Execution;
use cairo_prover::prove::prove_first;
use cairo_prover::{Options, ProveError, WitnessError};
use cairo_runner::{Arguments, LoadError, RunError, RunnableProgram, run};
use protocol::{Digest, FailureCause as Cause, LeaseMode, MAX_DETAIL, MAX_PROGRAM_BYTES, UnitId};
use rayon::ThreadPool;
use std::fs::File;
use std::io::{self, BufReader, Read as _, Write as _};
use std::ops::ControlFlow;
use std::time::Duration;

/// Between two tries to write to a full disk.
const BETWEEN_TRIES: Duration = Duration::from_secs(2);

/// A proof, and what it is of.
struct Proven {
    units: Vec<UnitId>,
    bytes: Vec<u8>,
    steps: u64,
}

impl Worker {
    /// Does the job: executes each unit or takes what was executed, and proves all that is executed in one proof. A unit that cannot
    /// be executed is said to have failed, and the others go on.
    pub(super) fn work(&self, mut files: Files, pool: Option<ThreadPool>) -> Result<(), Stop> {
        #[cfg(debug_assertions)]
        crate::child::attempts::run(&self.job, &mut files);
        let program = self.load(&mut files.program)?;
        let mut executed = Vec::new();
        for (index, (unit, files)) in self.job.units.iter().zip(&mut files.units).enumerate() {
            say(&Event::Begins { unit: unit.id });
            match self.obtain(&program, index, unit, files) {
                // What is itself the result need not be held.
                Ok(_) if self.job.mode == LeaseMode::Execute => {}
                Ok(execution) => executed.push((unit.id, execution)),
                Err(Stop::Failed(cause, detail)) => {
                    let detail = detail.chars().take(MAX_DETAIL).collect();
                    say(&Event::UnitFailed { unit: unit.id, cause, detail });
                }
                Err(Stop::Cancelled) => return Err(Stop::Cancelled),
            }
        }
        let (Some(pool), Some(file)) = (pool, &mut files.proof) else { return Ok(()) };
        if executed.is_empty() {
            return Ok(());
        }
        let begin = gate::cpu_time();
        let Proven { units, bytes, steps } = self.prove(executed, &pool)?;
        let cpu_seconds = (gate::cpu_time() - begin).as_secs_f64();
        let most = self.job.limits.file_bytes;
        self.until_there_is_space("the proof", || {
            let written = fill(file, most, Last::Power, |mut out| out.write_all(&bytes).and_then(|()| out.flush()));
            written.map_err(FileError::of("write", &self.job.proof))
        })?;
        let (sha256, bytes) = (Digest::of(&bytes), bytes.len() as u64);
        say(&Event::Proved { units, bytes, sha256, steps, cpu_seconds, peak_memory: files.peak_memory() });
        Ok(())
    }

    /// The execution of a unit: the one that is there, or a new one, which is kept.
    fn obtain(
        &self,
        program: &RunnableProgram,
        index: usize,
        unit: &JobUnit,
        files: &mut UnitFiles,
    ) -> Result<Execution, Stop> {
        let arguments = Arguments::from_felts(&unit.arguments.0);
        let begin = gate::cpu_time();
        self.report_execution(index, 0.0);
        let (execution, kept) = match (self.job.mode, self.earlier(files.earlier.take(), program, &arguments)) {
            (_, Some(Ok(execution))) => (execution, false),
            (LeaseMode::Prove, None) => return Err(failed(Cause::BadExecution, "the execution to prove is not there")),
            (LeaseMode::Prove, Some(Err(error))) => return Err(failed(Cause::BadExecution, error)),
            (LeaseMode::Execute | LeaseMode::Both, _) => {
                let execution = self.execute(program, index, &arguments)?;
                if self.job.mode == LeaseMode::Execute {
                    // The distributor executes each step again, and counts a refusal against who sent it.
                    execution.check().map_err(|error| failed(Cause::ProveFailed, error))?;
                }
                let kept = self.keep(&execution, unit, &mut files.execution)?;
                (execution, kept)
            }
        };
        let (steps, cells) = (execution.n_steps() as u64, execution.memory.len() as u64);
        let cpu_seconds = (gate::cpu_time() - begin).as_secs_f64();
        say(&Event::Executed { unit: unit.id, steps, cells, cpu_seconds, kept });
        Ok(execution)
    }

    /// How far the executions are, of which this is one.
    fn report_execution(&self, index: usize, fraction: f64) {
        self.report(Phase::Execute, (index as f64 + fraction) / self.job.units.len().max(1) as f64);
    }

    /// Reads and checks the program. Nothing runs before its hash is right.
    fn load(&self, file: &mut File) -> Result<RunnableProgram, Stop> {
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
        Ok(program)
    }

    fn execute(&self, program: &RunnableProgram, index: usize, arguments: &Arguments) -> Result<Execution, Stop> {
        let limits = &self.job.limits;
        let most = Duration::from_secs(limits.execute_seconds);
        let bounds = cairo_runner::RunLimits {
            max_steps: limits.max_steps,
            max_memory_cells: limits.max_memory_cells,
            max_time: None,
        };
        let begin = gate::cpu_time();
        let mut cancelled = false;
        // The time limit counts processor time: a throttled or paused donor fails nothing.
        let outcome = run(program, arguments, &bounds, &mut |progress| {
            self.report_execution(index, (progress.steps as f64 / limits.max_steps.max(1) as f64).min(0.99));
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
        let limits = cairo_execution::LoadLimits {
            max_steps: self.job.limits.max_steps,
            max_memory_cells: self.job.limits.max_memory_cells,
            ..cairo_execution::LoadLimits::default()
        };
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
    fn keep(&self, execution: &Execution, unit: &JobUnit, file: &mut File) -> Result<bool, Stop> {
        let last = if self.job.mode == LeaseMode::Execute { Last::Power } else { Last::Process };
        let most = self.job.limits.file_bytes;
        let mut save = || {
            let saved = fill(file, most, last, |out| {
                cairo_execution::save(execution, out).map_err(|error| match error {
                    cairo_execution::SaveError::Io(error) => error,
                    cairo_execution::SaveError::Invalid(error) => io::Error::other(error),
                })
            });
            saved.map_err(FileError::of("write", &unit.execution))
        };
        if self.job.mode == LeaseMode::Execute {
            return self.until_there_is_space("the execution", save).map(|()| true);
        }
        Ok(save().inspect_err(|error| say(&Event::Waiting { why: format!("{error} (proving goes on)") })).is_ok())
    }

    /// Proves the first of these executions, as many as one proof can be of, and verifies the proof as the distributor will.
    fn prove(&self, executed: Vec<(UnitId, Execution)>, pool: &ThreadPool) -> Result<Proven, Stop> {
        let job = &self.job;
        let options = Options {
            parameters: job.preset.parameters(),
            byte_price_ns: job.byte_price.unwrap_or(Options::default().byte_price_ns),
            // Those of the pool: no thread can be started any more.
            threads: None,
            // To be told before the work begins, not killed within it.
            max_memory: Some(job.limits.memory_bytes),
            ..Options::default()
        };
        let (units, mut executions): (Vec<UnitId>, Vec<Execution>) = together(executed).into_iter().unzip();
        let Some(program) = executions.first().map(|execution| execution.program.clone()) else {
            return Err(failed(Cause::ProveFailed, "there is nothing to prove"));
        };
        let of_each: Vec<_> =
            executions.iter().map(|execution| (execution.arguments.clone(), execution.n_steps() as u64)).collect();
        let proof = pool.install(|| prove_first(&mut executions, *job.prover.as_bytes(), &options, self));
        let proof: CairoProof = proof.map_err(|error| match error {
            ProveError::Stark(stark::ProveError::Cancelled(_)) | ProveError::Witness(WitnessError::Cancelled(_)) => {
                Stop::Cancelled
            }
            error @ ProveError::Memory { .. } => failed(Cause::OutOfMemory, error),
            error => failed(Cause::ProveFailed, error),
        })?;
        // What did not fit beside them is left for another proof.
        let number = proof.claim.runs.len();
        let units = units.into_iter().take(number).collect();
        let (arguments, steps): (_, Vec<u64>) = of_each.into_iter().take(number).unzip();
        self.report(Phase::Verify, 0.0);
        self.gate.pass().map_err(|gate::Cancelled| Stop::Cancelled)?;
        let bytes = proof.encode();
        let policy = protocol::policy(job.preset, job.limits.max_steps);
        protocol::proof::verify(&program, arguments, &job.prover, &bytes, &policy)
            .map_err(|error| failed(Cause::ProveFailed, format!("the donor's own proof does not verify: {error}")))?;
        self.report(Phase::Verify, 1.0);
        Ok(Proven { units, bytes, steps: steps.iter().sum() })
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

/// The first executions that may be in one proof: as many as there may be, but one alone that cannot be placed beside others.
fn together(executed: Vec<(UnitId, Execution)>) -> Vec<(UnitId, Execution)> {
    let is_movable = |(_, execution): &(UnitId, Execution)| execution.relocation.is_some();
    match executed.first() {
        Some(first) if is_movable(first) => executed.into_iter().take(MOST_RUNS).take_while(is_movable).collect(),
        _ => executed.into_iter().take(1).collect(),
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
