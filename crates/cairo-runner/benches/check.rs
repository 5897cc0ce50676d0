//! Time that the native check of an execution takes for each step, on one thread. It stands here, where programs can be run.

// criterion's macros define functions without documentation.
#![allow(missing_docs, clippy::unwrap_used)]

use cairo_runner::{Arguments, Execution, RunLimits, RunnableProgram, run, unwatched};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;

fn execution(name: &str) -> Execution {
    let file = format!("{}/../../programs/fixtures/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let program = RunnableProgram::from_json(&std::fs::read(file).unwrap()).unwrap();
    run(&program, &Arguments::none(), &RunLimits::default(), &mut unwatched).unwrap()
}

/// The last is half made of bitwise instances, a few steps for each.
fn check(c: &mut Criterion) {
    let mut group = c.benchmark_group("check");
    for name in ["bench/fib_2p18", "bench/fib_2p20", "bench/primes_2p18", "bench/primes_2p20", "cairo0/bitwise_many"] {
        let execution = execution(name);
        group.throughput(Throughput::Elements(execution.n_steps() as u64));
        group.bench_with_input(BenchmarkId::new("form", name), &execution, |b, execution| {
            b.iter(|| black_box(execution).check_form().unwrap());
        });
        group.bench_with_input(BenchmarkId::new("whole", name), &execution, |b, execution| {
            b.iter(|| black_box(execution).check().unwrap());
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10);
    targets = check
}
criterion_main!(benches);
