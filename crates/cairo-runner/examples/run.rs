//! `cargo run -p cairo-runner --example run -- PROGRAM [ARGUMENTS]`: runs a program and says how it went.

use cairo_runner::{Arguments, RunLimits, RunnableProgram, run, unwatched};
use std::process::ExitCode;
use std::time::Instant;

fn main() -> ExitCode {
    match execute() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn execute() -> Result<(), Box<dyn std::error::Error>> {
    let mut inputs = std::env::args().skip(1);
    let path = inputs.next().ok_or("usage: run PROGRAM [ARGUMENTS]")?;
    let program = RunnableProgram::from_json(&std::fs::read(path)?)?;
    let arguments = inputs.next().map_or(Ok(Arguments::none()), |text| Arguments::from_json(text.as_bytes()))?;
    let begin = Instant::now();
    let execution = run(&program, &arguments, &RunLimits::default(), &mut unwatched)?;
    let seconds = begin.elapsed().as_secs_f64();
    println!(
        "{} steps, {} cells in {seconds:.3} s ({:.0} steps/s)",
        execution.n_steps(),
        execution.memory.len(),
        execution.n_steps() as f64 / seconds
    );
    for value in execution.output() {
        println!("{}", felt::encoding::to_hex(value));
    }
    Ok(())
}
