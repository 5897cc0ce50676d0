//! Slice arithmetic against lambdaworks, at lengths that are and are not multiples of a kernel's width.

mod common;

use common::{element, sequence, with_other_kernels};
use felt::vector::Fraction;
use felt::{Felt, encoding, vector};
use proptest::prelude::*;

const LENGTHS: [usize; 9] = [0, 1, 7, 8, 9, 31, 100, 8192, 30_011];

#[test]
fn long_vectors() {
    for len in LENGTHS {
        let (a, b, scale) = (sequence(1, len), sequence(2, len), -Felt::from(12_345));
        check(&a, &b, &scale);
    }
}

fn check(a: &[Felt], b: &[Felt], scale: &Felt) {
    let dot = a.iter().zip(b).fold(Felt::zero(), |sum, (a, b)| sum + a * b);
    assert_eq!(vector::dot(a, b), dot);

    for len in [0, 1, 3, 4, 5, 7, 8, 9, 16, 23, 64, 65, 110].into_iter().filter(|len| *len <= a.len()) {
        let weights = &b[b.len() - len..];
        let last = a.len() - len;
        let starts = [0, last, last / 2, last / 3, last];
        let mut sums = [*scale; 6];
        vector::dot_windows(a, &starts, weights, &mut sums);
        let expected = starts.map(|start| vector::dot(&a[start..start + len], weights));
        assert_eq!((&sums[..5], sums[5]), (&expected[..], *scale), "{len} of {}", a.len());
    }

    let mut scaled = a.to_vec();
    vector::add_scaled(&mut scaled, scale, b);
    assert!(scaled.iter().zip(a.iter().zip(b)).all(|(result, (a, b))| *result == a + scale * b));

    let mut sums = a.to_vec();
    vector::add_assign(&mut sums, b);
    assert!(sums.iter().zip(a.iter().zip(b)).all(|(result, (a, b))| *result == a + b));

    let mut products = a.to_vec();
    vector::mul_assign(&mut products, b);
    assert!(products.iter().zip(a.iter().zip(b)).all(|(result, (a, b))| *result == a * b));

    let differences = vector::differences(a, scale);
    assert!(differences.iter().zip(a).all(|(difference, a)| *difference == a - scale));

    let (left, right) = a.split_at(a.len() / 3);
    for width in 1..5 {
        let mut found = vec![*scale];
        let constant = b.first().copied().unwrap_or_default();
        vector::horner_differences_portable(a, width, scale, &constant, &mut found);
        let sum = |row: &[Felt]| row.iter().fold(Felt::zero(), |sum, entry| sum * scale + entry);
        let expected: Vec<_> = a.chunks_exact(width).map(|row| constant - sum(row)).collect();
        assert_eq!((found[0], &found[1..]), (*scale, &expected[..]));
    }

    let mut parts = [left.to_vec(), right.to_vec()];
    let mut numerators: Vec<_> = parts.iter_mut().map(|part| part.as_mut_slice()).collect();
    assert_eq!(vector::divide_assign(&mut numerators, b), b.contains(&Felt::zero()));
    if b.contains(&Felt::zero()) {
        assert_eq!(parts.concat(), a, "nothing is divided");
    } else {
        assert!(parts.concat().iter().zip(a.iter().zip(b)).all(|(quotient, (a, b))| quotient * b == *a));
    }

    let mut inverses = a.to_vec();
    let zeros = vector::batch_inverse(&mut inverses);
    assert_eq!(zeros, a.contains(&Felt::zero()));
    let mut portable = a.to_vec();
    assert_eq!(vector::batch_inverse_portable(&mut portable), zeros);
    assert_eq!(portable, inverses);
    for numerator in [Felt::one(), -Felt::one(), *scale, Felt::zero()] {
        let mut sum = Fraction::zero();
        sum.add_portable(&numerator, left);
        let mut others = Fraction::zero();
        others.add_portable(&numerator, right);
        sum.add_scaled(scale, &others);
        assert_eq!(sum.denominator, a.iter().fold(Felt::one(), |product, a| product * a));
        assert_eq!(sum.denominator == Felt::zero(), zeros);
        if !zeros {
            let [left, right] = [&inverses[..left.len()], &inverses[left.len()..]]
                .map(|inverses| inverses.iter().fold(Felt::zero(), |sum, inverse| sum + numerator * inverse));
            assert_eq!(sum.numerator, sum.denominator * (left + scale * right));
        }
    }
    for (inverse, a) in inverses.iter().zip(a) {
        if *a == Felt::zero() {
            assert_eq!(*inverse, Felt::zero());
        } else {
            assert_eq!(inverse * a, Felt::one());
        }
    }
}

#[test]
fn integers_of_elements() {
    for element in common::edges().into_iter().chain(sequence(3, 1000)) {
        let [l3, l2, l1, l0] = element.representative().limbs;
        assert_eq!(encoding::canonical_limbs(&element), [l0, l1, l2, l3]);
    }
}

proptest! {
    #[test]
    fn vectors(pairs in proptest::collection::vec((element(), element()), 0..70), scale in element()) {
        let (a, b): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
        check(&a, &b, &scale);
    }

    #[test]
    fn powers(base in element(), start in element(), len in 0..100usize) {
        let mut power = start;
        for entry in vector::powers(&base, &start, len) {
            prop_assert_eq!(entry, power);
            power *= base;
        }
    }
}

#[test]
fn many_powers() {
    let (base, start) = (Felt::from(3), Felt::from(5));
    let powers = vector::powers(&base, &start, 50_000);
    assert_eq!(powers[0], start);
    assert!(powers.windows(2).all(|pair| pair[1] == pair[0] * base));
}

#[test]
fn other_kernels() {
    with_other_kernels("other_kernels");
}
