//! What the dearest files cost the verifier, by the check that refuses them: `cargo bench -p cairo-air`. Nobody worked for any of them;
//! only for those with proof of work a nonce was sought.
#![allow(clippy::unwrap_used, missing_docs)] // A benchmark that cannot run should stop.

#[path = "../tests/common/mod.rs"]
mod common;

use cairo_air::verify;
use common::{Effort, Forger, GROUND, MOST_PATHS, policy, program};
use criterion::{Criterion, criterion_group, criterion_main};
use stark::Parameters;

const EFFORTS: [Effort; 5] = [Effort::Zeros, Effort::Indices, Effort::Openings, Effort::Totals, Effort::Quotients];

fn measure(c: &mut Criterion, name: &str, forger: &Forger) {
    let mut group = c.benchmark_group(name);
    group.sample_size(10);
    let mut run = |name: String, file: &[u8]| {
        let refusal = verify(&forger.statement, file, &policy()).unwrap_err();
        println!("{name}: {} bytes, {refusal}", file.len());
        group.bench_function(name, |b| b.iter(|| verify(&forger.statement, file, &policy()).is_err()));
    };
    let head = forger.file(Effort::Zeros);
    run("Cut".to_owned(), &head[..head.len() / 64]);
    for effort in EFFORTS {
        run(format!("{effort:?}"), &forger.file(effort));
    }
}

fn benches(c: &mut Criterion) {
    let paths = |log_height| Forger::paths(program(MOST_PATHS, true), MOST_PATHS, 1, log_height);
    measure(c, "paths", &paths(10));
    // The tallest tables: their trees are as high as can be.
    measure(c, "tall", &paths(28));
    // As many queries as there may be.
    let many = Parameters { log_blowup: 4, queries: 512, grinding_bits: 0, log_fold: 1 };
    measure(c, "queries", &Forger { parameters: many, ..paths(12) });
    measure(c, "output", &Forger::paths(program(0, false), 0, 1 << 20, 10));
    measure(c, "open", &Forger::open());
    // Somebody worked for the nonce, and nothing else is other than in the first.
    measure(c, "ground", &Forger { parameters: GROUND, ..paths(10) });
    // Tables that are not folded: the last check is that of the final polynomial.
    measure(c, "low", &Forger::low());
}

criterion_group!(dearest, benches);
criterion_main!(dearest);
