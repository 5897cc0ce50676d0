//! What the benchmarks and the example `prove` share.

use lambdaworks_math::field::fields::fft_friendly::stark_252_prime_field::Stark252PrimeField;
use lambdaworks_math::polynomial::Polynomial;
use std::time::Instant;

/// Milliseconds of the calibration run, of which times are given as multiples, since machines differ: lambdaworks'
/// `Polynomial::interpolate_fft` of 2^20 elements on one thread.
pub fn calibrate() -> f64 {
    let ratio = felt::Felt::from(0x1234_5678_9abc_def1u64);
    let values = felt::vector::powers(&ratio, &ratio, 1 << 20);
    let begin = Instant::now();
    let polynomial = Polynomial::interpolate_fft::<Stark252PrimeField>(&values);
    assert!(std::hint::black_box(polynomial).is_ok(), "2^20 elements are a power of two");
    begin.elapsed().as_secs_f64() * 1e3
}
