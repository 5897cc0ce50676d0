//! `donor bench`: proves a known program with nothing held back, in a unit's process like any other.

use super::output::{print, say};
use super::{open, runtime, sandbox};
use crate::child::messages::{Event, Job, JobLimits, JobUnit, VERSION};
use crate::child::sandbox::Walls;
use crate::child::unit::UnitProcess;
use crate::cli::BenchArgs;
use crate::exit::{Exit, Failure};
use crate::governor::machine;
use crate::progress::words;
use crate::state::atomic::{self, FileError};
use crate::state::{Folder, ledger};
use cairo_runner::{Arguments, RunnableProgram};
use protocol::{Digest, Felts, LeaseMode, Preset, UnitId};
use serde::Serialize;
use std::fmt;
use std::time::Instant;

/// Counts the primes from 10,000 to 10,090 by trial division: 65,000 steps.
const PROGRAM: &[u8] = include_bytes!("../../../programs/fixtures/bench/primes_2p16.json");

/// Memory that the known program gets where the system does not tell how much there is; it takes a tenth of it.
const MEMORY: u64 = 1 << 30;

/// What was measured.
#[derive(Debug, Clone, Copy, Serialize)]
struct Measured {
    threads: usize,
    steps: u64,
    /// Of one core.
    execute_steps_per_second: u64,
    /// Of all threads.
    prove_steps_per_second: u64,
    prove_seconds: f64,
    peak_memory: Option<u64>,
    proof_bytes: u64,
    /// Largest unit that fits into half of the machine's memory, if the system tells how much that is.
    max_steps: Option<u64>,
}

/// Measures, prints and keeps the machine's speed.
///
/// # Errors
/// If the program cannot be proved here.
pub fn bench(arguments: &BenchArgs) -> Result<Exit, Failure> {
    let folder = open(&arguments.state)?;
    let threads = arguments.threads.map_or_else(machine::cores, usize::from);
    say(format_args!("measuring with {threads} threads; for a true result let nothing else run"));
    let walls = sandbox()?.walls;
    let measured = runtime()?.block_on(measure(&folder, threads, walls))?;
    if arguments.json {
        let json = serde_json::to_string_pretty(&measured).map_err(Failure::fault)?;
        print(format_args!("{json}\n"))?;
    } else {
        print(measured)?;
    }
    Ok(Exit::Done)
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (execute, prove) = (words::count(self.execute_steps_per_second), words::count(self.prove_steps_per_second));
        writeln!(f, "execute    {execute} steps a second (one thread)")?;
        writeln!(f, "prove      {prove} steps a second ({} threads)", self.threads)?;
        if let Some(peak) = self.peak_memory {
            writeln!(f, "memory     {} for {} steps", words::bytes(peak), words::count(self.steps))?;
        }
        writeln!(f, "proof      {}", words::bytes(self.proof_bytes))?;
        match self.max_steps {
            Some(steps) => {
                writeln!(f, "fits       units of up to {} steps in half of this machine's memory", words::count(steps))
            }
            None => writeln!(f, "fits       the system does not tell how much memory there is"),
        }
    }
}

/// A job whose files go when it does.
struct Bench {
    job: Job,
}

impl Drop for Bench {
    fn drop(&mut self) {
        let executions = self.job.units.iter().map(|unit| &unit.execution);
        for path in executions.chain([&self.job.proof, &self.job.program]) {
            // Some are not there; none matters.
            let _ = std::fs::remove_file(path);
        }
    }
}

async fn measure(folder: &Folder, threads: usize, walls: Walls) -> Result<Measured, Failure> {
    let bench = Bench { job: job(folder, threads, threads as f64 * 2.0, walls)? };
    let (steps, execute, prove, wall, peak_memory, proof_bytes) = listen(&bench.job).await?;
    let mut speed = ledger::speed(folder);
    speed.note(steps, Some(execute), prove, peak_memory);
    ledger::keep_speed(folder, &speed)?;
    Ok(Measured {
        threads,
        steps,
        execute_steps_per_second: (steps as f64 / execute.max(1e-6)) as u64,
        prove_steps_per_second: (steps as f64 / wall.max(1e-6)) as u64,
        prove_seconds: wall,
        peak_memory,
        proof_bytes,
        max_steps: machine::memory().map(|memory| speed.max_steps(memory / 2)),
    })
}

/// The known program, to be proved with so many threads on so many cores.
fn job(folder: &Folder, threads: usize, cores: f64, walls: Walls) -> Result<Job, Failure> {
    let program = RunnableProgram::from_json(PROGRAM).map_err(Failure::fault)?;
    let place = |name: &str| folder.path(&format!("bench-{}.{name}", std::process::id()));
    let path = place("json");
    atomic::write(&path, PROGRAM)?;
    Ok(Job {
        version: VERSION,
        parent: std::process::id(),
        program: path,
        program_digest: Digest::of(PROGRAM),
        record: protocol::record_digest(program.program()),
        program_hash: protocol::program_hash(program.program()),
        units: vec![JobUnit {
            id: UnitId::from_bytes([0; 10]),
            arguments: Felts(program.bind(&Arguments::none()).map_err(Failure::fault)?),
            earlier: place("earlier"),
            execution: place("run"),
        }],
        mode: LeaseMode::Both,
        proof: place("proof"),
        prover: folder.identity()?.donor_key(),
        preset: Preset::default(),
        byte_price: None,
        limits: JobLimits {
            max_steps: 1 << 20,
            max_memory_cells: 1 << 22,
            own_memory: false,
            execute_seconds: 600,
            total_seconds: 3600,
            memory_bytes: machine::memory().unwrap_or(MEMORY),
            file_bytes: 1 << 30,
        },
        threads,
        cores,
        credit: 0.0,
        walls,
    })
}

type Figures = (u64, f64, f64, f64, Option<u64>, u64);

async fn listen(job: &Job) -> Result<Figures, Failure> {
    let program =
        crate::child::program().map_err(FileError::of("find", std::path::Path::new("the donor's own file")))?;
    let mut unit = UnitProcess::start(&program, job).await.map_err(FileError::of("start", &program))?;
    let (mut execute, mut begin, mut figures) = (0.0, Instant::now(), None);
    while let Some(event) = unit.next().await {
        match event {
            Event::Executed { cpu_seconds, .. } => (execute, begin) = (cpu_seconds, Instant::now()),
            Event::Proved { bytes, steps, cpu_seconds, peak_memory, .. } => {
                let wall = begin.elapsed().as_secs_f64();
                figures = Some((steps, execute, cpu_seconds, wall, peak_memory, bytes));
            }
            Event::Failed { cause, detail } | Event::UnitFailed { cause, detail, .. } => {
                return Err(Failure::fault(format!("the measurement failed ({cause}): {detail}")));
            }
            Event::Waiting { why } => say(protocol::text::message(&why)),
            Event::Progress { .. } | Event::Begins { .. } | Event::Alive => {}
        }
    }
    figures.ok_or_else(|| Failure::fault("the measurement ended without a result"))
}
