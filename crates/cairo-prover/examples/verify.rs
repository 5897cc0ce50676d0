//! Verifies a proof: `cargo run --release -p cairo-prover --example verify -- PROGRAM PROOF [OPTIONS]`.

mod lines;

use anyhow::Context as _;
use cairo_air::{Policy, Statement, VerifiedRun, verify};
use cairo_runner::{Arguments, RunnableProgram};
use clap::Parser;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

/// Verifies that a proof is one of this program on these arguments.
#[derive(Parser)]
struct Inputs {
    /// Compiled Cairo 0 program or Cairo 2 executable.
    program: PathBuf,
    /// The proof file.
    proof: PathBuf,
    /// Arguments as JSON.
    #[arg(long)]
    args: Option<String>,
    /// Arguments of all runs of the proof, one set as JSON a line.
    #[arg(long, value_name = "FILE", conflicts_with = "args")]
    batch: Option<PathBuf>,
    /// How many lines of it are the proof's, from the first on.
    #[arg(long, value_name = "N", requires = "batch")]
    limit: Option<usize>,
    /// Print what was shown as one JSON object.
    #[arg(long)]
    json: bool,
    /// Fewest bits of conjectured security.
    #[arg(long, default_value_t = Policy::default().min_conjectured_bits)]
    min_conjectured_bits: f64,
    /// Fewest bits of proven security.
    #[arg(long, default_value_t = Policy::default().min_proven_bits)]
    min_proven_bits: f64,
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
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
    let program = RunnableProgram::from_json(&read(&inputs.program)?)?;
    let arguments = match (&inputs.args, &inputs.batch) {
        (_, Some(path)) => lines::arguments(path, inputs.limit)?,
        (Some(text), None) => vec![Arguments::from_json(text.as_bytes())?],
        (None, None) => vec![Arguments::none()],
    };
    let runs = arguments.iter().map(|arguments| program.bind(arguments)).collect::<Result<_, _>>()?;
    let statement = Statement { program: program.program().clone(), runs, prover: [0; 32] };
    let policy = Policy {
        min_conjectured_bits: inputs.min_conjectured_bits,
        min_proven_bits: inputs.min_proven_bits,
        ..Policy::default()
    };
    let file = read(&inputs.proof)?;
    let begin = Instant::now();
    let verified = verify(&statement, &file, &policy)?;
    let ms = begin.elapsed().as_secs_f64() * 1e3;
    let n_steps: u64 = verified.runs.iter().map(|run| run.n_steps).sum();
    let hex = |run: &VerifiedRun| run.output.iter().map(felt::encoding::to_hex).collect::<Vec<_>>();
    if inputs.json {
        let list = |run| {
            let quoted: Vec<_> = hex(run).iter().map(|value| format!("\"{value}\"")).collect();
            format!("[{}]", quoted.join(","))
        };
        let outputs: Vec<_> = verified.runs.iter().map(list).collect();
        println!(
            "{{\"n_steps\":{n_steps},\"runs\":{},\"outputs\":[{}],\"conjectured_bits\":{:.1},\"proven_bits\":{:.1},\
             \"verify_ms\":{ms:.1},\"proof_bytes\":{}}}",
            outputs.len(),
            outputs.join(","),
            verified.conjectured_bits,
            verified.proven_bits,
            file.len()
        );
        return Ok(());
    }
    let runs = match verified.runs.len() {
        1 => String::new(),
        runs => format!(" in {runs} runs"),
    };
    println!(
        "valid: {n_steps} steps{runs}, {:.1} bits conjectured, {:.1} proven, verified in {ms:.1} ms",
        verified.conjectured_bits, verified.proven_bits
    );
    for run in &verified.runs {
        // A run a line, where there are several.
        let values = hex(run);
        println!("{}", values.join(if verified.runs.len() == 1 { "\n" } else { " " }));
    }
    Ok(())
}
