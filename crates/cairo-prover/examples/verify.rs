//! Verifies a proof: `cargo run --release -p cairo-prover --example verify -- PROGRAM PROOF [OPTIONS]`.

use anyhow::Context as _;
use cairo_air::{Policy, Statement, verify};
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
    let arguments = match &inputs.args {
        Some(text) => Arguments::from_json(text.as_bytes())?,
        None => Arguments::none(),
    };
    let arguments = program.bind(&arguments)?;
    let statement = Statement { program: program.program().clone(), arguments, prover: [0; 32] };
    let policy = Policy {
        min_conjectured_bits: inputs.min_conjectured_bits,
        min_proven_bits: inputs.min_proven_bits,
        ..Policy::default()
    };
    let file = read(&inputs.proof)?;
    let begin = Instant::now();
    let verified = verify(&statement, &file, &policy)?;
    let ms = begin.elapsed().as_secs_f64() * 1e3;
    println!(
        "valid: {} steps, {:.1} bits conjectured, {:.1} proven, verified in {ms:.1} ms",
        verified.n_steps, verified.conjectured_bits, verified.proven_bits
    );
    for value in &verified.output {
        println!("{}", felt::encoding::to_hex(value));
    }
    Ok(())
}
