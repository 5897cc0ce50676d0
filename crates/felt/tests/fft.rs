//! Transforms against the definition and against lambdaworks' own.

mod common;

use common::{edges, sequence, with_other_kernels};
use felt::domain::{lde_point, root_of_unity};
use felt::{Felt, fft};
use lambdaworks_math::field::fields::fft_friendly::stark_252_prime_field::Stark252PrimeField;
use lambdaworks_math::polynomial::Polynomial;
use std::sync::atomic::{AtomicU32, Ordering};

/// Values of the polynomial with these coefficients (natural order) at the given points.
fn evaluate(coefficients: &[Felt], points: impl Iterator<Item = Felt>) -> Vec<Felt> {
    points.map(|x| coefficients.iter().rev().fold(Felt::zero(), |sum, c| sum * x + c)).collect()
}

fn coset(log_size: u32, shift: Felt) -> impl Iterator<Item = Felt> {
    let root = root_of_unity(log_size);
    (0..1u64 << log_size).map(move |i| shift * root.pow(i))
}

fn bit_reversed(coefficients: &[Felt]) -> Vec<Felt> {
    let mut reversed = coefficients.to_vec();
    fft::bit_reverse(&mut reversed);
    reversed
}

fn raw(values: &[Felt]) -> Vec<[u64; 4]> {
    values.iter().map(|x| x.value().limbs).collect()
}

#[test]
fn by_definition() {
    for log_size in 0..10 {
        let coefficients = sequence(u64::from(log_size), 1 << log_size);
        for shift in [Felt::one(), Felt::from(3), -Felt::from(5)] {
            let values = evaluate(&coefficients, coset(log_size, shift));
            let mut transformed = bit_reversed(&coefficients);
            fft::evaluate_coset(&mut transformed, &shift);
            assert_eq!(raw(&transformed), raw(&values), "evaluate 2^{log_size}");
            fft::interpolate_coset(&mut transformed, &shift);
            assert_eq!(raw(&transformed), raw(&bit_reversed(&coefficients)), "interpolate 2^{log_size}");
            assert_eq!(fft::coefficients_natural(&values, &shift), coefficients);
        }
        let mut values = evaluate(&coefficients, coset(log_size, Felt::one()));
        fft::interpolate(&mut values);
        assert_eq!(values, bit_reversed(&coefficients));
    }
}

#[test]
fn against_lambdaworks() {
    for log_size in [5u32, 6, 7, 12, 13, 14, 15, 16] {
        let values = sequence(u64::from(log_size), 1 << log_size);
        // A power of two far below the field's two-adicity is never refused.
        #[allow(clippy::unwrap_used)]
        let polynomial = Polynomial::interpolate_fft::<Stark252PrimeField>(&values).unwrap();
        let mut coefficients = values.clone();
        fft::interpolate(&mut coefficients);
        assert_eq!(coefficients, bit_reversed(polynomial.coefficients()), "2^{log_size}");
        fft::evaluate_coset(&mut coefficients, &Felt::one());
        assert_eq!(raw(&coefficients), raw(&values), "2^{log_size}");
    }
}

#[test]
fn edge_values() {
    let edges = edges();
    for log_size in [6, 11] {
        for constant in &edges {
            let values = vec![*constant; 1 << log_size];
            let mut coefficients = values.clone();
            fft::interpolate(&mut coefficients);
            let mut expected = vec![Felt::zero(); 1 << log_size];
            expected[0] = *constant;
            assert_eq!(raw(&coefficients), raw(&expected));
            fft::evaluate_coset(&mut coefficients, &Felt::from(7));
            assert_eq!(raw(&coefficients), raw(&values));
        }
        let values: Vec<_> = edges.iter().cycle().take(1 << log_size).copied().collect();
        let mut transformed = values.clone();
        fft::interpolate_coset(&mut transformed, &Felt::from(7));
        fft::evaluate_coset(&mut transformed, &Felt::from(7));
        assert_eq!(raw(&transformed), raw(&values));
    }
}

#[test]
fn extension_is_evaluation_on_the_lde_domain() {
    for log_height in 0..8 {
        for log_blowup in 0..4 {
            let coefficients = sequence(7, 1 << log_height);
            let column = evaluate(&coefficients, coset(log_height, Felt::one()));
            let extended = fft::extend(&column, log_blowup);
            let log_size = log_height + log_blowup;
            let blowup = 1 << log_blowup;
            let lde = evaluate(&coefficients, (0..1u64 << log_size).map(|j| lde_point(log_size, j)));
            for (entry, value) in extended.iter().enumerate() {
                let (c, i) = (entry >> log_height, entry & ((1 << log_height) - 1));
                assert_eq!(value, &lde[c + blowup * i], "height 2^{log_height}, blow-up {blowup}, entry {entry}");
            }
        }
    }
}

#[test]
fn batch_is_each_column() {
    for (log_height, count) in [(0, 3), (5, 40), (7, 1), (9, 21), (13, 11)] {
        let columns: Vec<_> = (0..count).map(|i| sequence(i, 1 << log_height)).collect();
        let polls = AtomicU32::new(0);
        let poll = || {
            polls.fetch_add(1, Ordering::Relaxed);
            Ok::<(), ()>(())
        };
        let extended = fft::extend_batch(&columns, 1, &poll);
        let each: Vec<_> = columns.iter().map(|column| fft::extend(column, 1)).collect();
        assert_eq!(extended, Ok(each));
        assert!(polls.into_inner() > 0);
    }
    assert_eq!(fft::extend_batch(&[&[][..]; 0], 1, &|| Ok::<(), ()>(())), Ok(Vec::new()));
}

#[test]
fn every_way_of_extending_gives_the_same() {
    for (log_height, log_blowup) in [(0, 1), (3, 2), (5, 1), (6, 0), (7, 2), (8, 1), (13, 1)] {
        let columns: Vec<_> = (0..5).map(|i| sequence(i, 1 << log_height)).collect();
        let poll = || Ok::<(), ()>(());
        let expected = fft::extend_batch(&columns, log_blowup, &poll).unwrap();
        let part = |keep: std::ops::Range<usize>| {
            let keep = |extended: &Vec<Felt>| {
                let mut kept = vec![Felt::zero(); extended.len()];
                kept[keep.clone()].copy_from_slice(&extended[keep.clone()]);
                kept
            };
            expected.iter().map(keep).collect::<Vec<_>>()
        };
        for c in (0..1usize << log_blowup).filter(|_| log_blowup > 0) {
            let mut extensions = part(c << log_height..(c + 1) << log_height);
            assert_eq!(fft::extend_from_coset(&mut extensions, c, log_blowup, &poll), Ok(()));
            assert_eq!(extensions, expected, "height 2^{log_height}, from coset {c} of 2^{log_blowup}");
        }
        let mut extensions = part(0..0);
        for (extension, column) in extensions.iter_mut().zip(&columns) {
            extension[..column.len()].copy_from_slice(column);
        }
        assert_eq!(fft::extend_in_place(&mut extensions, log_blowup, &poll), Ok(()));
        assert_eq!(extensions, expected, "height 2^{log_height}, blow-up 2^{log_blowup}");
    }
}

#[test]
fn columns_stand_on_one_domain_after_the_other() {
    use fft::Domain::{Coset, Trace};
    for (log_height, log_blowup) in [(0, 1), (3, 2), (5, 1), (6, 1), (7, 3), (9, 1), (13, 1)] {
        let poll = || Ok::<(), ()>(());
        let trace: Vec<_> = (0..19).map(|i| sequence(i, 1 << log_height)).collect();
        let extended = fft::extend_batch(&trace, log_blowup, &poll).unwrap();
        let cosets = 0..1usize << log_blowup;
        let mut columns = trace.clone();
        let mut on = Trace;
        let way = cosets.clone().rev().flat_map(|coset| [Coset(coset), Trace]);
        for to in way.chain(cosets.map(Coset)).chain([Trace]) {
            assert_eq!(fft::change_domain(&mut columns, (on, to), log_blowup, &poll), Ok(()));
            let expected = |column: usize| match to {
                Trace => raw(&trace[column]),
                Coset(coset) => raw(&extended[column][coset << log_height..(coset + 1) << log_height]),
            };
            for (number, column) in columns.iter().enumerate() {
                assert_eq!(raw(column), expected(number), "height 2^{log_height}, from {on:?} to {to:?}");
            }
            on = to;
        }
    }
    let stopped = fft::change_domain(&mut vec![sequence(1, 256); 3], (Trace, Coset(0)), 1, &|| Err("stopped"));
    assert_eq!(stopped, Err("stopped"));
    assert_eq!(fft::change_domain(&mut [], (Trace, Coset(0)), 1, &|| Err("not asked")), Ok(()));
}

#[test]
fn poll_stops_the_work() {
    for log_height in [3, 8, 14] {
        let calls = AtomicU32::new(0);
        let poll = || if calls.fetch_add(1, Ordering::Relaxed) < 2 { Ok(()) } else { Err("stopped") };
        let columns = vec![sequence(1, 1 << log_height); 64];
        assert_eq!(fft::extend_batch(&columns, 2, &poll), Err("stopped"));
    }
}

#[test]
#[should_panic(expected = "not a power of two")]
fn other_lengths_are_refused() {
    fft::interpolate(&mut [Felt::one(); 3]);
}

#[test]
fn other_kernels() {
    with_other_kernels("other_kernels");
}

#[test]
#[should_panic(expected = "extensions of one length")]
fn extensions_of_other_lengths_are_refused() {
    let mut extensions = vec![sequence(1, 128), sequence(2, 192)];
    let _ = fft::extend_in_place(&mut extensions, 1, &|| Ok::<(), ()>(()));
}
