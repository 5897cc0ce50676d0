//! What a further instance of each builtin costs on one thread, with the steps around it: time, committed cells, bytes and time of
//! verification, from the difference between a run and one of twice as many instances. `cargo bench -p cairo-prover --bench builtins`;
//! arguments after `--` choose lines by parts of their names.
#![allow(clippy::unwrap_used, clippy::expect_used)] // A benchmark that cannot run should stop.

use cairo_air::components::Context;
use cairo_air::{Builtin, CairoProof, Policy, Statement, verify};
use cairo_prover::{Options, prove};
use cairo_runner::{Arguments, RunLimits, RunnableProgram, run, unwatched};
use felt::encoding;
use stark::{NoControl, Preset};
use stark_curve::{GENERATOR, START, ecdsa::EXAMPLE};
use std::time::Instant;

const PRESET: Preset = Preset::Bench96;
const RUNS: usize = 3;

/// A program whose argument `n` says how many instances it has.
struct Line {
    name: &'static str,
    program: &'static str,
    /// Arguments besides `n`, as JSON.
    others: String,
    /// The smaller `n`.
    n: u64,
    /// Whose instances are counted; those of an opcode are `n`.
    builtin: Option<Builtin>,
}

fn lines() -> Vec<Line> {
    let hex = encoding::to_hex;
    let line = |name, program, others: String, n, builtin| Line { name, program, others, n, builtin };
    let none = String::new;
    let points = format!(
        r#""p_x": "{}", "p_y": "{}", "q_x": "{}", "q_y": "{}", "m": 5, "#,
        hex(&START.x),
        hex(&START.y),
        hex(&GENERATOR.x),
        hex(&GENERATOR.y)
    );
    let signed = format!(
        r#""key": "{}", "message": "{}", "r": "{}", "s": "{}", "#,
        hex(&EXAMPLE.key),
        hex(&EXAMPLE.message),
        hex(&EXAMPLE.signature.r),
        hex(&EXAMPLE.signature.s)
    );
    let numbers = r#""x": 5, "y": 3, "#.to_owned();
    vec![
        line("pedersen", "pedersen_args", numbers.clone(), 1 << 12, Some(Builtin::Pedersen)),
        line("ecdsa", "ecdsa_args", signed, 1 << 9, Some(Builtin::Ecdsa)),
        line("ec_op", "ec_op_args", points, 1 << 10, Some(Builtin::EcOp)),
        line("poseidon", "poseidon_many", none(), 1 << 13, Some(Builtin::Poseidon)),
        line("range_check96", "range_check96_many", none(), 1 << 15, Some(Builtin::RangeCheck96)),
        line("add_mod", "add_mod_many", none(), 1 << 12, Some(Builtin::AddMod)),
        line("keccak", "keccak_many", none(), 1 << 5, Some(Builtin::Keccak)),
        // A multiplication and an addition.
        line("two of QM31", "qm31_many", none(), 1 << 13, None),
        line("a block of blake2s", "blake_many", none(), 1 << 8, None),
        // Of each round the half: an instance of mul_mod, one of add_mod, and four words of range_check96.
        line("mul_mod and more", "mod_circuit", numbers, 1 << 10, Some(Builtin::MulMod)),
    ]
}

/// Of one run: instances, milliseconds of proving, committed cells, bytes of the proof, milliseconds of verification.
fn measure(line: &Line, n: u64) -> [f64; 5] {
    let path = format!("{}/../../programs/fixtures/cairo0/{}.json", env!("CARGO_MANIFEST_DIR"), line.program);
    let program = RunnableProgram::from_json(&std::fs::read(path).unwrap()).unwrap();
    let arguments = Arguments::from_json(format!("{{{}\"n\": {n}}}", line.others).as_bytes()).unwrap();
    let execution = run(&program, &arguments, &RunLimits::default(), &mut unwatched).unwrap();
    let instances = line.builtin.map_or(n, |builtin| {
        let segment = execution.segments[&builtin];
        u64::from((segment.stop - segment.base) / builtin.cells_per_instance())
    });
    let statement = Statement::single(execution.program.clone(), execution.arguments.clone(), [1; 32]);
    let options = Options { parameters: PRESET.parameters(), threads: Some(1), ..Options::default() };
    let mut proofs: Vec<(f64, CairoProof)> = (0..RUNS)
        .map(|_| {
            let execution = execution.clone();
            let begin = Instant::now();
            let proof = prove(execution, [1; 32], &options, &NoControl).unwrap();
            (millis(begin), proof)
        })
        .collect();
    proofs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (prove_ms, proof) = proofs.swap_remove(RUNS / 2);
    let file = proof.encode();
    let policy = Policy { min_conjectured_bits: 96.0, ..Policy::default() };
    let mut verifications: Vec<f64> = (0..9)
        .map(|_| {
            let begin = Instant::now();
            verify(&statement, &file, &policy).unwrap();
            millis(begin)
        })
        .collect();
    verifications.sort_by(f64::total_cmp);
    let cells = proof.layout.tables.iter().map(|table| {
        let context = Context { program: &statement.program, claim: &proof.claim, memory_start: 1 };
        let air = table.kind.component().air(context).unwrap();
        (air.width() as f64 + air.interactions().len() as f64 / 2.0) * f64::from(1_u32 << table.log_height)
    });
    [instances as f64, prove_ms, cells.sum(), file.len() as f64, verifications[verifications.len() / 2]]
}

fn millis(begin: Instant) -> f64 {
    begin.elapsed().as_secs_f64() * 1e3
}

fn main() {
    let wanted: Vec<_> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    println!("kernel {}, preset {PRESET}, one thread, medians of {RUNS}", felt::packed::kernel_name());
    println!(
        "{:<18} {:>9} {:>13} {:>14} {:>10} {:>10}",
        "builtin", "instances", "µs a further", "cells a further", "proof kB", "verify ms"
    );
    for line in lines() {
        if !wanted.is_empty() && !wanted.iter().any(|part| line.name.contains(part.as_str())) {
            continue;
        }
        let (small, large) = (measure(&line, line.n), measure(&line, 2 * line.n));
        let further = large[0] - small[0];
        println!(
            "{:<18} {:>9} {:>13.1} {:>14.1} {:>10.0} {:>10.2}",
            line.name,
            large[0],
            (large[1] - small[1]) / further * 1e3,
            (large[2] - small[2]) / further,
            large[3] / 1e3,
            large[4],
        );
    }
}
