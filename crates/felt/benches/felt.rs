//! Time of the operations next to lambdaworks' on the same machine.

// criterion's macros define functions without documentation.
#![allow(missing_docs)]

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use felt::packed::{Packed, WithPacked, dispatch, dispatch_portable};
use felt::poseidon::{self, State};
use felt::{Felt, fft, vector};
use lambdaworks_crypto::hash::poseidon::Poseidon;
use lambdaworks_crypto::hash::poseidon::starknet::PoseidonCairoStark252;
use lambdaworks_math::field::fields::fft_friendly::stark_252_prime_field::Stark252PrimeField;
use lambdaworks_math::polynomial::Polynomial;
use std::convert::Infallible;
use std::hint::black_box;

fn sequence(count: usize) -> Vec<Felt> {
    vector::powers(&Felt::from(3).pow(1000u64), &Felt::from(7), count)
}

/// A copy where large columns belong.
fn column(values: &[Felt]) -> Vec<Felt> {
    let mut column = felt::memory::zeros(values.len());
    column.copy_from_slice(values);
    column
}

const CHAINS: usize = 8;
const STEPS: usize = 128;

/// Independent chains of multiplications: throughput without memory.
struct Multiply<'a>(&'a [Felt]);

impl WithPacked for Multiply<'_> {
    type Output = Felt;

    #[inline(always)]
    fn run<P: Packed>(self) -> Felt {
        let factor = P::load(self.0);
        let mut chains: [P; CHAINS] = std::array::from_fn(|i| P::load(&self.0[i..]));
        for _ in 0..STEPS {
            for chain in &mut chains {
                *chain = chain.mul(factor);
            }
        }
        let mut out = [Felt::zero(); 8];
        chains.into_iter().fold(factor, Packed::add).store(&mut out);
        out[0]
    }
}

struct Width;

impl WithPacked for Width {
    type Output = usize;

    #[inline(always)]
    fn run<P: Packed>(self) -> usize {
        P::WIDTH
    }
}

fn multiplication(c: &mut Criterion) {
    let values = sequence(CHAINS + 8);
    let mut group = c.benchmark_group("mul");
    group.throughput(Throughput::Elements((CHAINS * STEPS * dispatch(Width)) as u64));
    group.bench_function("packed", |b| b.iter(|| dispatch(Multiply(black_box(&values)))));
    group.throughput(Throughput::Elements((CHAINS * STEPS) as u64));
    group.bench_function("portable", |b| b.iter(|| dispatch_portable(Multiply(black_box(&values)))));
    group.bench_function("lambdaworks", |b| {
        b.iter(|| {
            let values = black_box(&values);
            let mut chains: [Felt; CHAINS] = std::array::from_fn(|i| values[i]);
            for _ in 0..STEPS {
                for chain in &mut chains {
                    *chain *= values[0];
                }
            }
            chains
        });
    });
    group.finish();
}

fn transforms(c: &mut Criterion) {
    let mut group = c.benchmark_group("fft");
    group.sample_size(10);
    for log_size in [10, 16, 20] {
        let values = sequence(1 << log_size);
        group.throughput(Throughput::Elements(1 << log_size));
        for threads in [1, 2] {
            let Ok(pool) = rayon::ThreadPoolBuilder::new().num_threads(threads).build() else {
                continue;
            };
            let id = |name: &str| BenchmarkId::new(format!("{name}/{threads} threads"), log_size);
            group.bench_function(id("interpolate"), |b| {
                b.iter_batched_ref(
                    || column(&values),
                    |values| pool.install(|| fft::interpolate(values)),
                    BatchSize::LargeInput,
                );
            });
            group.bench_function(id("evaluate_coset"), |b| {
                b.iter_batched_ref(
                    || column(&values),
                    |values| pool.install(|| fft::evaluate_coset(values, &Felt::from(3))),
                    BatchSize::LargeInput,
                );
            });
            group.bench_function(id("extend 8 columns, blow-up 2"), |b| {
                let columns: Vec<_> = (0..8).map(|_| column(&values)).collect();
                b.iter(|| pool.install(|| fft::extend_batch(&columns, 1, &|| Ok::<(), Infallible>(()))));
            });
        }
        group.bench_function(BenchmarkId::new("calibration: lambdaworks interpolate_fft", log_size), |b| {
            b.iter(|| Polynomial::interpolate_fft::<Stark252PrimeField>(&values));
        });
    }
    group.finish();
}

fn vectors(c: &mut Criterion) {
    const LEN: usize = 1 << 16;
    let values = sequence(LEN);
    let mut group = c.benchmark_group("vector");
    group.throughput(Throughput::Elements(LEN as u64));
    let Ok(one) = rayon::ThreadPoolBuilder::new().num_threads(1).build() else {
        return;
    };
    group.bench_function("batch_inverse", |b| {
        b.iter_batched_ref(
            || column(&values),
            |values| one.install(|| vector::batch_inverse(values)),
            BatchSize::LargeInput,
        );
    });
    group.bench_function("lambdaworks inplace_batch_inverse", |b| {
        b.iter_batched_ref(|| column(&values), |values| Felt::inplace_batch_inverse(values), BatchSize::LargeInput);
    });
    group.bench_function("dot", |b| b.iter(|| one.install(|| vector::dot(&values, black_box(&values)))));
    let mut acc = values.clone();
    group.bench_function("add_scaled", |b| {
        b.iter(|| one.install(|| vector::add_scaled(&mut acc, &values[1], black_box(&values))));
    });
    group.bench_function("powers", |b| b.iter(|| one.install(|| vector::powers(&values[1], &values[2], LEN))));
    group.finish();
}

fn permutations(c: &mut Criterion) {
    const STATES: usize = 1 << 10;
    let mut states: Vec<State> = sequence(3 * STATES).chunks_exact(3).map(|s| [s[0], s[1], s[2]]).collect();
    let mut group = c.benchmark_group("poseidon");
    group.throughput(Throughput::Elements(STATES as u64));
    group.bench_function("permute_all", |b| b.iter(|| poseidon::permute_all(black_box(&mut states))));
    group.bench_function("permute", |b| b.iter(|| black_box(&mut states).iter_mut().for_each(poseidon::permute)));
    group.bench_function("lambdaworks hades_permutation", |b| {
        b.iter(|| black_box(&mut states).iter_mut().for_each(|s| PoseidonCairoStark252::hades_permutation(s)));
    });
    group.finish();
}

criterion_group!(benches, multiplication, transforms, vectors, permutations);
criterion_main!(benches);
