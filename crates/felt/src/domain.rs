//! The two kinds of evaluation domain.
//!
//! * The *trace domain* of size `N` is the group `⟨g_N⟩`, row `i` standing at `g_N^i`.
//! * The *LDE domain* of size `n` is the set of roots of `x^n = −1`, in the order `x_j = g_{2n}^(2j+1)`. It is disjoint from
//!   every trace domain of at most `n` rows, and squaring maps it onto the LDE domain of size `n/2`
//!   (`x_j² = x'_{j mod n/2}`), so tables of all heights share one family of domains and FRI needs no offset.

use crate::Felt;
use lambdaworks_math::field::fields::fft_friendly::stark_252_prime_field::Stark252PrimeField;
use lambdaworks_math::field::traits::IsFFTField;

/// Largest `log2` of a domain size that is accepted anywhere.
pub const MAX_LOG_SIZE: u32 = 40;

/// `g_N` for `N = 2^log_size`: a root of unity of exactly that order, with `g_{2N}² = g_N`.
///
/// # Panics
/// If `log_size` exceeds the field's two-adicity of 192. Callers bound sizes by [`MAX_LOG_SIZE`].
pub fn root_of_unity(log_size: u32) -> Felt {
    assert!(log_size <= 192, "the field has no root of unity of order 2^{log_size}");
    let mut root = Felt::new(Stark252PrimeField::TWO_ADIC_PRIMITVE_ROOT_OF_UNITY);
    for _ in log_size..192 {
        root = root.square();
    }
    root
}

/// `x_j` of the LDE domain of size `2^log_size`.
pub fn lde_point(log_size: u32, index: u64) -> Felt {
    root_of_unity(log_size + 1).pow(2 * index + 1)
}
