//! The FRI fold against the definition.
#![allow(clippy::unwrap_used)]

mod common;

use common::felt;
use felt::Felt;
use felt::domain::{lde_point, root_of_unity};
use stark::fold::{evaluate, fold, inverse_of_two};

/// Some element that looks random.
fn element(seed: u64) -> Felt {
    (felt(seed) + felt(0x9e37_79b9_7f4a_7c15)).pow(7u64)
}

fn polynomial(degree_bound: u64) -> Vec<Felt> {
    (0..degree_bound).map(element).collect()
}

/// `Σ β^i·f_i` as coefficients, where `f(X) = Σ X^i·f_i(X^a)`.
fn folded(coefficients: &[Felt], arity: usize, beta: &Felt) -> Vec<Felt> {
    coefficients.chunks(arity).map(|chunk| evaluate(chunk, beta)).collect()
}

/// The fold of leaf `leaf` of a codeword.
fn fold_leaf(codeword: &[Felt], log_arity: u32, leaf: usize, beta: Felt) -> Felt {
    let leaves = codeword.len() >> log_arity;
    let values = codeword[leaf..].iter().step_by(leaves).copied().collect();
    let inverse_x = lde_point(codeword.len().trailing_zeros(), leaf as u64).inv().unwrap();
    fold(values, inverse_x, root_of_unity(log_arity).inv().unwrap(), beta)
}

fn codeword(coefficients: &[Felt], log_size: u32) -> Vec<Felt> {
    (0..1u64 << log_size).map(|j| evaluate(coefficients, &lde_point(log_size, j))).collect()
}

#[test]
fn evaluates_the_folded_polynomial() {
    for log_size in [4, 7] {
        // Of any degree below the size, not only those of codewords.
        for degree_bound in [1, 3, 1 << (log_size - 1), 1 << log_size] {
            let coefficients = polynomial(degree_bound);
            let codeword = codeword(&coefficients, log_size);
            for log_arity in 0..=3 {
                for beta in [Felt::zero(), Felt::one(), element(99)] {
                    let expected = folded(&coefficients, 1 << log_arity, &beta);
                    for leaf in 0..codeword.len() >> log_arity {
                        // The point of leaf l of the folded domain is x_l^a.
                        let point = lde_point(log_size - log_arity, leaf as u64);
                        let found = fold_leaf(&codeword, log_arity, leaf, beta);
                        assert_eq!(
                            found,
                            evaluate(&expected, &point),
                            "2^{log_size}, arity 2^{log_arity}, leaf {leaf}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn by_eight_is_three_times_by_two() {
    let codeword: Vec<Felt> = (0..64).map(element).collect();
    let beta = element(1000);
    let by_eight: Vec<_> = (0..8).map(|leaf| fold_leaf(&codeword, 3, leaf, beta)).collect();
    let mut values = codeword;
    for step in 0..3u32 {
        let beta = beta.pow(1u64 << step);
        values = (0..values.len() / 2).map(|leaf| fold_leaf(&values, 1, leaf, beta)).collect();
    }
    assert_eq!(values, by_eight);
}

/// Each value counts: a change in any position of a leaf changes the fold.
#[test]
fn every_value_counts() {
    for log_arity in 1..=3u32 {
        let values: Vec<Felt> = (0..1 << log_arity).map(element).collect();
        let (inverse_x, inverse_root) = (element(7), root_of_unity(log_arity).inv().unwrap());
        let original = fold(values.clone(), inverse_x, inverse_root, element(8));
        for position in 0..values.len() {
            let mut changed = values.clone();
            changed[position] += felt(1);
            assert_ne!(fold(changed, inverse_x, inverse_root, element(8)), original);
        }
    }
}

#[test]
fn small_parts() {
    assert_eq!(inverse_of_two() + inverse_of_two(), Felt::one());
    assert_eq!(evaluate(&[], &felt(3)), Felt::zero());
    assert_eq!(evaluate(&[felt(5), felt(7), felt(2)], &felt(3)), felt(5 + 21 + 18));
    assert_eq!(fold(vec![felt(9)], felt(1), felt(1), felt(1)), felt(9));
    assert_eq!(fold(vec![], felt(1), felt(1), felt(1)), Felt::zero());
}
