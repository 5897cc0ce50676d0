//! Runs a program and proves the run, or proves one that another tool made:
//! `cargo run --release -p cairo-prover --example prove -- PROGRAM [OPTIONS]`.

use anyhow::Context as _;
use cairo_prover::{Options, prove};
use cairo_runner::{Arguments, Execution, ForeignRun, RunLimits, RunnableProgram, run, unwatched};
use clap::Parser;
use stark::{Control, Phase, Preset};
use std::path::PathBuf;
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
    /// Where to write the proof.
    #[arg(long)]
    proof: Option<PathBuf>,
    /// Print the figures as one JSON object.
    #[arg(long)]
    json: bool,
}

/// Notes when each phase begins.
struct Watch(Mutex<Vec<(Phase, Instant)>>);

impl Control for Watch {
    fn progress(&self, phase: Phase, _: f64) {
        if let Ok(mut begins) = self.0.lock()
            && begins.iter().all(|(begun, _)| *begun != phase)
        {
            begins.push((phase, Instant::now()));
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
    let bytes = std::fs::read(&inputs.program).with_context(|| format!("cannot read {}", inputs.program.display()))?;
    let program = RunnableProgram::from_json(&bytes)?;
    let begin = Instant::now();
    let (execution, how) = execute(&inputs, &program)?;
    let run_ms = millis(begin, Instant::now());
    let n_steps = execution.n_steps();

    let watch = Watch(Mutex::new(Vec::new()));
    let options = Options {
        parameters: inputs.preset.parameters(),
        threads: inputs.threads,
        byte_price_ns: inputs.byte_price,
        max_columns: inputs.max_columns,
        max_memory: inputs.max_memory,
    };
    let begin = Instant::now();
    let proof = prove(execution, [0; 32], &options, &watch)?;
    let end = Instant::now();
    let prove_ms = millis(begin, end);

    let begins = watch.0.into_inner()?;
    let ends = begins.iter().skip(1).map(|(_, begin)| *begin).chain([end]);
    let phases: Vec<_> =
        begins.iter().zip(ends).map(|((phase, begin), end)| (phase.name(), millis(*begin, end))).collect();
    let (tables, file) = (proof.layout.tables.clone(), proof.encode());
    if let Some(path) = &inputs.proof {
        std::fs::write(path, &file).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let peak = peak_memory();
    if inputs.json {
        let phases: Vec<_> = phases.iter().map(|(name, ms)| format!("\"{name}\":{ms:.1}")).collect();
        println!(
            "{{\"n_steps\":{n_steps},\"run_ms\":{run_ms:.1},\"prove_ms\":{prove_ms:.1},\"phases_ms\":{{{}}},\
             \"peak_bytes\":{},\"proof_bytes\":{},\"preset\":\"{}\"}}",
            phases.join(","),
            peak.map_or("null".to_owned(), |peak| peak.to_string()),
            file.len(),
            inputs.preset
        );
        return Ok(());
    }
    println!("{n_steps} steps, {how} in {run_ms:.1} ms");
    for table in tables {
        println!("  2^{:<2} rows: {}", table.log_height, table.kind);
    }
    println!("proven in {prove_ms:.1} ms ({:.2} µs a step)", prove_ms * 1000.0 / n_steps as f64);
    for (name, ms) in phases {
        println!("  {name:<9}{ms:>10.1} ms");
    }
    if let Some(peak) = peak {
        println!("peak memory {:.1} MB", peak as f64 / 1e6);
    }
    println!("proof {} bytes", file.len());
    Ok(())
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
