//! Proofs of the benchmark programs, each in a process of its own so that its peak memory is its own:
//! `cargo bench -p cairo-prover`. Arguments after `--` choose programs by name.
//!
//! Times are also given as multiples of a calibration run on the same machine in the same minute: lambdaworks'
//! `Polynomial::interpolate_fft` of 2^20 random elements on one thread.
#![allow(clippy::unwrap_used, clippy::expect_used)] // A benchmark that cannot run should stop.

use cairo_air::components::{Context, TableKind};
use cairo_air::{CairoProof, Policy, Statement, verify};
use cairo_prover::{Options, prove};
use cairo_runner::{Arguments, Limits, RunnableProgram, run, unwatched};
use lambdaworks_math::field::fields::fft_friendly::stark_252_prime_field::Stark252PrimeField;
use lambdaworks_math::polynomial::Polynomial;
use stark::{Preset, Unattended};
use std::collections::BTreeMap;
use std::process::Command;
use std::time::Instant;

const PROGRAMS: [&str; 8] =
    ["fib_2p14", "fib_2p16", "fib_2p18", "fib_2p20", "primes_2p14", "primes_2p16", "primes_2p18", "primes_2p20"];
const RUNS: usize = 3;
const CHILD: &str = "CAIRN_BENCH_CHILD";

fn main() {
    if let Ok(job) = std::env::var(CHILD) {
        return child(&job);
    }
    let wanted: Vec<_> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let chosen = |name: &str| wanted.is_empty() || wanted.iter().any(|part| name.contains(part.as_str()));
    println!("kernel {}, preset {}", felt::packed::kernel_name(), Preset::default());
    println!(
        "{:<12} {:>7} {:>7} {:>9} {:>6} {:>10} {:>9} {:>9} {:>9} {:>7}",
        "program", "threads", "steps", "prove ms", "×cal", "steps/s", "peak MB", "proof B", "verify ms", "cells"
    );
    for name in PROGRAMS.into_iter().filter(|name| chosen(name)) {
        for threads in [1, 2] {
            measure(name, threads);
        }
    }
    println!("\ncells a step, main and LogUp columns together");
    let large = |name: &str| name.ends_with("2p20") || !wanted.is_empty();
    for name in PROGRAMS.into_iter().filter(|name| chosen(name) && large(name)) {
        cells(name);
    }
}

fn program(name: &str) -> RunnableProgram {
    let path = format!("{}/../../programs/fixtures/bench/{name}.json", env!("CARGO_MANIFEST_DIR"));
    RunnableProgram::from_json(&std::fs::read(path).unwrap()).unwrap()
}

/// Figures of one run in a process of its own: steps, prove ms, peak bytes, proof bytes, verify ms, cells.
fn figures(job: &str) -> Vec<f64> {
    let output = Command::new(std::env::current_exe().unwrap()).env(CHILD, job).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().split_ascii_whitespace().map(|figure| figure.parse().unwrap()).collect()
}

fn measure(name: &str, threads: usize) {
    let mut calibrations = Vec::new();
    let runs: Vec<_> = (0..RUNS)
        .map(|_| {
            calibrations.push(calibrate());
            figures(&format!("{name} {threads}"))
        })
        .collect();
    let median = |index: usize| median(runs.iter().map(|run| run[index]).collect());
    let (steps, prove_ms) = (median(0), median(1));
    println!(
        "{name:<12} {threads:>7} {steps:>7} {prove_ms:>9.1} {:>6.2} {:>10.0} {:>9.1} {:>9} {:>9.2} {:>7.2}",
        prove_ms / self::median(calibrations),
        steps / prove_ms * 1e3,
        median(2) / 1e6,
        median(3),
        median(4),
        median(5) / steps,
    );
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// Milliseconds of the calibration run.
fn calibrate() -> f64 {
    let ratio = felt::Felt::from(0x1234_5678_9abc_def1u64);
    let values = felt::vector::powers(&ratio, &ratio, 1 << 20);
    let begin = Instant::now();
    std::hint::black_box(Polynomial::interpolate_fft::<Stark252PrimeField>(&values).unwrap());
    begin.elapsed().as_secs_f64() * 1e3
}

fn prove_once(name: &str, threads: usize) -> (usize, f64, CairoProof, Statement) {
    let program = program(name);
    let execution = run(&program, &Arguments::none(), &Limits::default(), &mut unwatched).unwrap();
    let (steps, arguments) = (execution.n_steps(), execution.arguments.clone());
    let options = Options { threads: Some(threads), ..Options::default() };
    let begin = Instant::now();
    let proof = prove(execution, [0; 32], &options, &Unattended).unwrap();
    let prove_ms = begin.elapsed().as_secs_f64() * 1e3;
    (steps, prove_ms, proof, Statement { program: program.program().clone(), arguments, prover: [0; 32] })
}

fn child(job: &str) {
    let (name, threads) = job.split_once(' ').unwrap();
    let (steps, prove_ms, proof, statement) = prove_once(name, threads.parse().unwrap());
    let peak = peak_memory();
    let file = proof.encode();
    let mut times: Vec<_> = (0..5)
        .map(|_| {
            let begin = Instant::now();
            verify(&statement, &file, &Policy::default()).unwrap();
            begin.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    let cells: f64 = widths(&proof, &statement).into_values().sum();
    println!("{steps} {prove_ms} {peak} {} {} {cells}", file.len(), times[2]);
}

/// Committed cells by table.
fn widths(proof: &CairoProof, statement: &Statement) -> BTreeMap<String, f64> {
    let mut cells = BTreeMap::new();
    for table in &proof.layout.tables {
        let context = Context { program: &statement.program, claim: &proof.claim, memory_start: 1 };
        let air = table.kind.component().air(context).unwrap();
        let width = air.width() as f64 + air.interactions().len() as f64 / 2.0;
        let kind = match &table.kind {
            TableKind::Path(_) => "paths".to_owned(),
            TableKind::Word(_) => "words".to_owned(),
            kind => kind.to_string(),
        };
        *cells.entry(kind).or_default() += width * f64::from(1u32 << table.log_height);
    }
    cells
}

fn cells(name: &str) {
    let (steps, _, proof, statement) = prove_once(name, 2);
    let by_table = widths(&proof, &statement);
    let parts: Vec<_> = by_table.iter().map(|(kind, cells)| format!("{kind} {:.2}", cells / steps as f64)).collect();
    println!("{name:<12} {}", parts.join(", "));
}

/// The process's largest resident size in bytes; 0 where the system does not tell.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_ascii_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}
