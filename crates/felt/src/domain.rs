//! The two kinds of evaluation domain.
//!
//! * The *trace domain* of size `N` is the group `⟨g_N⟩`, row `i` standing at `g_N^i`.
//! * The *LDE domain* of size `n` is the set of roots of `x^n = −1`, in the order `x_j = g_{2n}^(2j+1)`. It is disjoint from
//!   every trace domain of at most `n` rows, and squaring maps it onto the LDE domain of size `n/2`
//!   (`x_j² = x'_{j mod n/2}`), so tables of all heights share one family of domains and FRI needs no offset.

use crate::Felt;
use crate::scalar::{inverse, power, product};
use lambdaworks_math::field::fields::fft_friendly::stark_252_prime_field::Stark252PrimeField;
use lambdaworks_math::field::traits::IsFFTField;
use std::sync::OnceLock;

/// Largest `log2` of a domain size that is accepted anywhere.
pub const MAX_LOG_SIZE: u32 = 40;

/// `g_N` for `N = 2^log_size`: a root of unity of exactly that order, with `g_{2N}² = g_N`.
///
/// # Panics
/// If `log_size` exceeds the field's two-adicity of 192. Callers bound sizes by [`MAX_LOG_SIZE`].
pub fn root_of_unity(log_size: u32) -> Felt {
    static ROOTS: OnceLock<Vec<Felt>> = OnceLock::new();
    assert!(log_size <= 192, "the field has no root of unity of order 2^{log_size}");
    let generator = || Felt::new(Stark252PrimeField::TWO_ADIC_PRIMITVE_ROOT_OF_UNITY);
    ROOTS.get_or_init(|| roots_below(generator()))[log_size as usize]
}

/// `1/g_N` for `N = 2^log_size`.
pub(crate) fn inverse_root_of_unity(log_size: u32) -> Felt {
    static ROOTS: OnceLock<Vec<Felt>> = OnceLock::new();
    ROOTS.get_or_init(|| roots_below(inverse(&root_of_unity(192))))[log_size as usize]
}

/// The root of order `2^192` given and its repeated squares, by `log2` of their orders.
fn roots_below(root: Felt) -> Vec<Felt> {
    let mut roots: Vec<_> = std::iter::successors(Some(root), |root| Some(product(root, root))).take(193).collect();
    roots.reverse();
    roots
}

/// `2^-log_size`.
pub(crate) fn inverse_of_size(log_size: u32) -> Felt {
    static HALF: OnceLock<Felt> = OnceLock::new();
    power(HALF.get_or_init(|| inverse(&Felt::from(2))), u64::from(log_size))
}

/// `x_j` of the LDE domain of size `2^log_size`.
pub fn lde_point(log_size: u32, index: u64) -> Felt {
    root_of_unity(log_size + 1).pow(2 * index + 1)
}
