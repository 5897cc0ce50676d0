//! What a program's size costs the verifier: a run of few steps whose program is padded with words that never run, to 10^2, 10^4 and
//! 10^5 words. `cargo bench -p cairo-air --bench words`.
#![allow(clippy::unwrap_used, missing_docs)] // A benchmark that cannot run should stop.

use cairo_air::{Policy, Program, Statement, verify};
use cairo_prover::{Options, prove};
use cairo_runner::{Arguments, RunLimits, RunnableProgram, run, unwatched};
use criterion::{Criterion, criterion_group, criterion_main};
use serde_json::{Value, json};
use stark::{NoControl, Preset};
use std::time::Instant;
use testkit::programs::file;
use testkit::random::Random;

const WORDS: [usize; 3] = [100, 10_000, 100_000];
const PRESET: Preset = Preset::Bench96;

/// Below `programs/fixtures`, where its JSON holds the words, and its arguments: a loop in Cairo 0, and a dictionary in Cairo 2.
const PROGRAMS: [(&str, &str, &str); 2] =
    [("bench/fib_2p14.json", "/data", "{}"), ("cairo2/dict.executable.json", "/program/bytecode", "[50]")];

/// The program with random words behind its own, up to so many; or `None` if it is longer.
fn padded(name: &str, place: &str, words: usize) -> Option<RunnableProgram> {
    let mut program: Value = serde_json::from_slice(&file(name)).unwrap();
    let bytecode = program.pointer_mut(place).unwrap().as_array_mut().unwrap();
    let mut random = Random(words as u64);
    let missing = words.checked_sub(bytecode.len())?;
    let word = |_| json!(format!("0x{:x}{:016x}{:016x}", random.bits() >> 8, random.bits(), random.bits()));
    bytecode.extend((0..missing).map(word));
    Some(RunnableProgram::from_json(program.to_string().as_bytes()).unwrap())
}

fn words(c: &mut Criterion) {
    let mut group = c.benchmark_group("words");
    group.sample_size(10);
    let policy = Policy { min_conjectured_bits: 96.0, ..Policy::default() };
    for ((name, place, arguments), words) in
        PROGRAMS.into_iter().flat_map(|program| WORDS.map(|words| (program, words)))
    {
        let Some(program) = padded(name, place, words) else { continue };
        let arguments = Arguments::from_json(arguments.as_bytes()).unwrap();
        let execution = run(&program, &arguments, &RunLimits::default(), &mut unwatched).unwrap();
        let own = &execution.program;
        // Not the prover's, whose hash is known.
        let program = Program::new(own.bytecode().to_vec(), own.builtins().to_vec(), own.arguments()).unwrap();
        let statement = Statement::single(program, execution.arguments.clone(), [1; 32]);
        let options = Options { parameters: PRESET.parameters(), ..Options::default() };
        let proof = prove(execution, [1; 32], &options, &NoControl).unwrap().encode();
        // The first verification hashes the program, all others find its hash.
        let mut times: Vec<f64> = (0..40)
            .map(|_| {
                let begin = Instant::now();
                verify(&statement, &proof, &policy).unwrap();
                begin.elapsed().as_secs_f64() * 1e3
            })
            .collect();
        let first = times[0];
        times.sort_by(f64::total_cmp);
        let (least, median) = (times[0], times[times.len() / 2]);
        let kilobytes = proof.len() / 1000;
        println!(
            "{name}, {words} words, {kilobytes} kB: first {first:.1} ms, least {least:.1} ms, median {median:.1} ms"
        );
        group.bench_function(format!("{name} {words}"), |b| b.iter(|| verify(&statement, &proof, &policy).is_ok()));
    }
}

criterion_group!(sizes, words);
criterion_main!(sizes);
