//! Runs a program and proves the run, or proves one that another tool made:
//! `cargo run --release -p cairo-prover --example prove -- PROGRAM [OPTIONS]`.

#[path = "../benches/common/mod.rs"]
mod common;
mod lines;

use anyhow::Context as _;
use cairo_air::components::Context;
use cairo_air::{CairoProof, DisclosedTable, Policy, Statement, TableEntry, verify};
use cairo_prover::prove::prove_first;
use cairo_prover::{MALLOC_TUNABLES, Options};
use cairo_runner::{Arguments, Execution, ForeignRun, RunLimits, RunnableProgram, run, unwatched};
use clap::Parser;
use stark::{Control, Phase, Preset};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::Instant;

/// Runs a program and proves the run, or proves one that another tool made.
#[derive(Parser)]
struct Inputs {
    /// Compiled Cairo 0 program or Cairo 2 executable.
    program: PathBuf,
    /// Arguments as JSON; of a run that another tool made they are taken from the run if not given.
    #[arg(long)]
    args: Option<String>,
    /// Arguments of several runs that are proven together, one set as JSON a line; where they do not fit in memory, as several proofs.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["args", "run", "trace", "memory"])]
    batch: Option<PathBuf>,
    /// How many lines of it to take, from the first on.
    #[arg(long, value_name = "N", requires = "batch")]
    limit: Option<usize>,
    /// A run that another tool made: a Cairo PIE, an air private input (which names trace and memory), or a folder of these files.
    #[arg(long, value_name = "PATH", conflicts_with_all = ["trace", "memory"])]
    run: Option<PathBuf>,
    /// Trace of a run that another tool made.
    #[arg(long, value_name = "FILE", requires = "memory")]
    trace: Option<PathBuf>,
    /// Memory of that run.
    #[arg(long, value_name = "FILE", requires = "trace")]
    memory: Option<PathBuf>,
    /// Air public input of that run, which is compared with it.
    #[arg(long, value_name = "FILE")]
    public_input: Option<PathBuf>,
    /// Air private input of that run, which is compared with it; it has the signatures of ecdsa.
    #[arg(long, value_name = "FILE", requires = "trace")]
    private_input: Option<PathBuf>,
    /// bench-96, default-100, compact or proven-100.
    #[arg(long, default_value_t)]
    preset: Preset,
    /// Threads; all of the machine's if not given.
    #[arg(long)]
    threads: Option<usize>,
    /// What a byte of the proof is worth, in nanoseconds: more of them make proofs smaller, and slower to make.
    #[arg(long, value_name = "NS", default_value_t = Options::default().byte_price_ns)]
    byte_price: u32,
    /// Columns that the planner may use, whatever they would save.
    #[arg(long, value_name = "N")]
    max_columns: Option<usize>,
    /// Most bytes of memory.
    #[arg(long)]
    max_memory: Option<u64>,
    /// Recompute all extensions of columns, as if memory were short.
    #[arg(long)]
    least_memory: bool,
    /// Where to write the proof; further ones get `.1`, `.2` … behind the name.
    #[arg(long)]
    proof: Option<PathBuf>,
    /// Verify the proof as well: how long it takes, without a look at its security.
    #[arg(long)]
    verify: bool,
    /// Time the calibration as well: an FFT of 2^20 elements by another library, on one thread.
    #[arg(long)]
    calibrate: bool,
    /// Print the figures as one JSON object.
    #[arg(long)]
    json: bool,
}

/// Verifications, of which the median is told.
const VERIFICATIONS: usize = 5;

/// Notes when each phase begins, of each proof, and how many of its columns' extensions are kept.
#[derive(Default)]
struct Watch {
    begins: Mutex<Vec<(Phase, Instant)>>,
    kept: Mutex<Vec<f64>>,
}

impl Control for Watch {
    fn progress(&self, phase: Phase, _: f64) {
        if let Ok(mut begins) = self.begins.lock()
            && begins.last().is_none_or(|(begun, _)| *begun != phase)
        {
            begins.push((phase, Instant::now()));
        }
    }

    fn kept(&self, share: f64) {
        if let Ok(mut shares) = self.kept.lock() {
            shares.push(share);
        }
    }
}

fn main() -> ExitCode {
    match try_main() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Most of our messages hold their cause already.
            let message = error.chain().map(ToString::to_string).reduce(|message, cause| {
                if message.contains(&cause) { message } else { format!("{message}: {cause}") }
            });
            eprintln!("error: {}", message.unwrap_or_default());
            ExitCode::FAILURE
        }
    }
}

fn try_main() -> anyhow::Result<()> {
    let inputs = Inputs::parse();
    tune_allocator()?;
    let bytes = std::fs::read(&inputs.program).with_context(|| format!("cannot read {}", inputs.program.display()))?;
    let program = RunnableProgram::from_json(&bytes)?;
    let begin = Instant::now();
    let (mut executions, how) = match &inputs.batch {
        Some(path) => (batch(path, inputs.limit, &program)?, "run"),
        None => execute(&inputs, &program).map(|(execution, how)| (vec![execution], how))?,
    };
    let run_ms = millis(begin, Instant::now());
    let arguments: Vec<_> = executions.iter().map(|execution| execution.arguments.clone()).collect();
    let n_steps = executions.iter().map(Execution::n_steps).sum();

    let watch = Watch::default();
    let options = Options {
        parameters: inputs.preset.parameters(),
        threads: inputs.threads,
        byte_price_ns: inputs.byte_price,
        max_columns: inputs.max_columns,
        max_memory: inputs.max_memory,
        least_memory: inputs.least_memory,
    };
    let (begin, cpu_begin) = (Instant::now(), cpu_ms());
    let mut proofs = Vec::new();
    while !executions.is_empty() {
        proofs.push(prove_first(&mut executions, [0; 32], &options, &watch)?);
    }
    let (end, cpu_end) = (Instant::now(), cpu_ms());

    let (begins, kept) = (watch.begins.into_inner()?, watch.kept.into_inner()?);
    let ends = begins.iter().skip(1).map(|(_, begin)| *begin).chain([end]);
    let mut phases: Vec<(&'static str, f64)> = Vec::new();
    for ((phase, begin), end) in begins.iter().zip(ends) {
        match phases.iter_mut().find(|(name, _)| *name == phase.name()) {
            Some((_, ms)) => *ms += millis(*begin, end),
            None => phases.push((phase.name(), millis(*begin, end))),
        }
    }
    let files: Vec<Vec<u8>> = proofs.iter().map(CairoProof::encode).collect();
    let peak = peak_memory();
    for (number, file) in files.iter().enumerate() {
        let Some(path) = &inputs.proof else { break };
        let mut path = path.clone().into_os_string();
        if number > 0 {
            path.push(format!(".{number}"));
        }
        std::fs::write(&path, file).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let mut arguments = arguments.into_iter();
    let statements: Vec<Statement> = proofs
        .iter()
        .map(|proof| Statement {
            program: program.program().clone(),
            runs: arguments.by_ref().take(proof.claim.runs.len()).collect(),
            prover: [0; 32],
        })
        .collect();
    let proven = || proofs.iter().zip(&statements);
    let verified = || statements.iter().zip(&files).map(|(statement, file)| verify_ms(statement, file));
    let figures = Figures {
        n_steps,
        how,
        run_ms,
        prove_ms: millis(begin, end),
        cpu_ms: cpu_begin.zip(cpu_end).map(|(begin, end)| end - begin),
        verify_ms: inputs.verify.then(|| verified().sum()).transpose()?,
        // It takes memory, so it is measured when the peak is known.
        calibration_ms: inputs.calibrate.then(common::calibrate),
        phases,
        kept,
        tables: proven().map(|(proof, statement)| tables(proof, statement)).collect::<Result<Vec<_>, _>>()?.concat(),
        disclosed_rows: proofs.iter().flat_map(|proof| &proof.layout.disclosed).map(DisclosedTable::rows).sum(),
        outputs: proofs.iter().flat_map(|proof| &proof.claim.runs).map(|run| hex(&run.output)).collect(),
        peak,
        proofs: proofs.len(),
        proof_bytes: files.iter().map(Vec::len).sum(),
        preset: inputs.preset,
    };
    if inputs.json {
        figures.print_json()
    } else {
        figures.print()
    }
    Ok(())
}

/// Begins again as a process with [`MALLOC_TUNABLES`], as a donor proves, unless they are set already.
#[cfg(unix)]
fn tune_allocator() -> anyhow::Result<()> {
    use std::os::unix::process::CommandExt as _;
    let (variable, setting) = MALLOC_TUNABLES;
    if std::env::var_os(variable).is_some() {
        return Ok(());
    }
    let mut again = std::process::Command::new(std::env::current_exe()?);
    Err(again.args(std::env::args_os().skip(1)).env(variable, setting).exec().into())
}

#[cfg(not(unix))]
fn tune_allocator() -> anyhow::Result<()> {
    Ok(())
}

/// A committed table.
#[derive(Clone)]
struct Table {
    kind: String,
    log_rows: u32,
    /// Columns of the main trace.
    columns: usize,
    /// Main and LogUp columns times rows: two interactions share a LogUp column.
    cells: f64,
}

fn tables(proof: &CairoProof, statement: &Statement) -> anyhow::Result<Vec<Table>> {
    let context = || Context { program: &statement.program, claim: &proof.claim, memory_start: 1 };
    let table = |table: &TableEntry| {
        let air = table.kind.component().air(context())?;
        let width = air.width() as f64 + air.interactions().len() as f64 / 2.0;
        Ok(Table {
            kind: table.kind.to_string(),
            log_rows: table.log_height,
            columns: air.width(),
            cells: width * f64::from(1u32 << table.log_height),
        })
    };
    proof.layout.tables.iter().map(table).collect()
}

/// The median of several verifications in milliseconds.
fn verify_ms(statement: &Statement, file: &[u8]) -> anyhow::Result<f64> {
    let policy = Policy { min_conjectured_bits: 0.0, min_proven_bits: 0.0, ..Policy::default() };
    let mut all = Vec::new();
    for _ in 0..VERIFICATIONS {
        let begin = Instant::now();
        verify(statement, file, &policy)?;
        all.push(millis(begin, Instant::now()));
    }
    all.sort_by(f64::total_cmp);
    Ok(all[VERIFICATIONS / 2])
}

struct Figures {
    n_steps: usize,
    how: &'static str,
    run_ms: f64,
    prove_ms: f64,
    /// Of all threads of the process while it proved.
    cpu_ms: Option<f64>,
    verify_ms: Option<f64>,
    phases: Vec<(&'static str, f64)>,
    /// Of each proof the share of its cells whose extensions were kept.
    kept: Vec<f64>,
    tables: Vec<Table>,
    disclosed_rows: usize,
    /// Of each run.
    outputs: Vec<Vec<String>>,
    calibration_ms: Option<f64>,
    peak: Option<u64>,
    proofs: usize,
    proof_bytes: usize,
    preset: Preset,
}

impl Figures {
    fn print(&self) {
        let per_step = |figure: f64| figure / self.n_steps as f64;
        let runs = match self.outputs.len() {
            1 => String::new(),
            runs => format!(" in {runs} runs"),
        };
        println!("{} steps{runs}, {} in {:.1} ms", self.n_steps, self.how, self.run_ms);
        for table in &self.tables {
            println!("  2^{:<2} rows: {}, {:.2} cells a step", table.log_rows, table.kind, per_step(table.cells));
        }
        println!(
            "proven in {:.1} ms ({:.2} µs a step) by kernel {}",
            self.prove_ms,
            per_step(self.prove_ms * 1e3),
            felt::packed::kernel_name()
        );
        for (name, ms) in &self.phases {
            println!("  {name:<9}{ms:>10.1} ms");
        }
        for share in self.kept.iter().filter(|share| **share < 1.0) {
            println!("{:.0} % of the extensions were recomputed, since memory is short", 100.0 * (1.0 - share));
        }
        if let Some(ms) = self.verify_ms {
            println!("verified in {ms:.1} ms");
        }
        if let Some(ms) = self.calibration_ms {
            println!("calibration {ms:.1} ms");
        }
        if let Some(peak) = self.peak {
            println!("peak memory {:.1} MB", peak as f64 / 1e6);
        }
        match self.proofs {
            1 => println!("proof {} bytes", self.proof_bytes),
            proofs => println!("{proofs} proofs, since one takes too much memory: {} bytes", self.proof_bytes),
        }
    }

    fn print_json(&self) {
        let phases: Vec<_> = self.phases.iter().map(|(name, ms)| format!("\"{name}\":{ms:.1}")).collect();
        let kept: Vec<_> = self.kept.iter().map(|share| format!("{share:.3}")).collect();
        let tables = self.tables.iter().map(|table| {
            let Table { kind, log_rows, columns, cells } = table;
            format!("{{\"kind\":\"{kind}\",\"log_rows\":{log_rows},\"columns\":{columns},\"cells\":{cells}}}")
        });
        let list = |output: &Vec<String>| {
            let quoted: Vec<_> = output.iter().map(|value| format!("\"{value}\"")).collect();
            format!("[{}]", quoted.join(","))
        };
        let outputs: Vec<_> = self.outputs.iter().map(list).collect();
        println!(
            "{{\"n_steps\":{},\"runs\":{},\"outputs\":[{}],\"kernel\":\"{}\",\"preset\":\"{}\",\"run_ms\":{:.1},\"prove_ms\":{:.1},\
             \"cpu_ms\":{},\"verify_ms\":{},\"calibration_ms\":{},\"phases_ms\":{{{}}},\"extensions_kept\":[{}],\"tables\":[{}],\
             \"disclosed_rows\":{},\"peak_bytes\":{},\"proofs\":{},\"proof_bytes\":{}}}",
            self.n_steps,
            outputs.len(),
            outputs.join(","),
            felt::packed::kernel_name(),
            self.preset,
            self.run_ms,
            self.prove_ms,
            json(self.cpu_ms),
            json(self.verify_ms),
            json(self.calibration_ms),
            phases.join(","),
            kept.join(","),
            tables.collect::<Vec<_>>().join(","),
            self.disclosed_rows,
            json(self.peak),
            self.proofs,
            self.proof_bytes
        );
    }
}

/// A figure, or `null`.
fn json<T: std::fmt::Display>(figure: Option<T>) -> String {
    figure.map_or_else(|| "null".to_owned(), |figure| format!("{figure:.1}"))
}

/// The execution, and how it was come by.
fn execute(inputs: &Inputs, program: &RunnableProgram) -> anyhow::Result<(Execution, &'static str)> {
    let arguments = inputs.args.as_ref().map(|text| Arguments::from_json(text.as_bytes())).transpose()?;
    let foreign = match (&inputs.run, &inputs.trace, &inputs.memory) {
        (Some(path), _, _) => Some(ForeignRun::at(path)?),
        (None, Some(trace), Some(memory)) => Some(ForeignRun::Relocated {
            trace: trace.clone(),
            memory: memory.clone(),
            public: None,
            private: inputs.private_input.clone(),
        }),
        _ => None,
    };
    let limits = RunLimits::default();
    match foreign {
        Some(foreign) => {
            let foreign = foreign.with_public_input(inputs.public_input.as_deref());
            Ok((foreign.read(program, arguments.as_ref(), &limits)?, "read and checked"))
        }
        None => {
            let arguments = arguments.unwrap_or_else(Arguments::none);
            Ok((run(program, &arguments, &limits, &mut unwatched)?, "run"))
        }
    }
}

/// The executions of all lines of a file of arguments.
fn batch(path: &Path, limit: Option<usize>, program: &RunnableProgram) -> anyhow::Result<Vec<Execution>> {
    let sets = lines::arguments(path, limit)?;
    let limits = RunLimits::default();
    let run = |(number, arguments): (usize, &Arguments)| {
        let made = run(program, arguments, &limits, &mut unwatched);
        made.with_context(|| format!("run {number} (the first is 0) of {}", path.display()))
    };
    sets.iter().enumerate().map(run).collect()
}

fn hex(values: &[felt::Felt]) -> Vec<String> {
    values.iter().map(felt::encoding::to_hex).collect()
}

fn millis(begin: Instant, end: Instant) -> f64 {
    end.duration_since(begin).as_secs_f64() * 1e3
}

/// The process's largest resident size, where the system tells.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kilobytes: u64 = line.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes * 1024)
}

/// The processor time of all threads so far in milliseconds, to ten of them, where the system tells.
fn cpu_ms() -> Option<f64> {
    /// Of the clock in which the system tells it, on every processor.
    const TICK_MS: f64 = 10.0;
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // Behind the name, which may have anything in it.
    let (_, rest) = stat.rsplit_once(')')?;
    let figures: Vec<f64> =
        rest.split_ascii_whitespace().skip(11).take(2).filter_map(|text| text.parse().ok()).collect();
    Some(figures.iter().sum::<f64>() * TICK_MS)
}
