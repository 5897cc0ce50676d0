//! The fold of FRI (Ben-Sasson, Bentov, Horesh, Riabzev, ICALP 2018; ethSTARK, eprint 2021/582, section 3.9), on the LDE
//! domains of [`felt::domain`].

use felt::Felt;

/// `Σ_i β^i·f_i` at `x^a`, where `f(X) = Σ_i X^i·f_i(X^a)` and `a` values of `f` are given: `values[t] = f(x·w_a^t)`, with
/// `w_a` a root of unity of order `a`. `inverse_x` is `1/x`, `inverse_root` is `1/w_a`.
///
/// Folds by two, repeatedly: `(f(x) + f(−x))/2 + β·(f(x) − f(−x))/(2x)`, then with `β²` over `x²`, and so on.
pub fn fold(mut values: Vec<Felt>, inverse_x: Felt, inverse_root: Felt, beta: Felt) -> Felt {
    let (mut inverse_x, mut inverse_root, mut beta) = (inverse_x, inverse_root, beta);
    let half = inverse_of_two();
    while values.len() > 1 {
        let (left, right) = values.split_at(values.len() / 2);
        let mut inverse = inverse_x;
        let mut folded = Vec::with_capacity(left.len());
        for (a, b) in left.iter().zip(right) {
            folded.push((*a + *b + (*a - *b) * inverse * beta) * half);
            inverse *= inverse_root;
        }
        values = folded;
        inverse_x = inverse_x.square();
        inverse_root = inverse_root.square();
        beta = beta.square();
    }
    values.pop().unwrap_or_default()
}

/// `1/2`, which is `(p + 1)/2`.
pub fn inverse_of_two() -> Felt {
    felt::encoding::from_canonical_limbs([1, 0, 1 << 63, 0x0400_0000_0000_0008]).unwrap_or_default()
}

/// `f(x)` from coefficients, constant first.
pub fn evaluate(coefficients: &[Felt], x: &Felt) -> Felt {
    coefficients.iter().rev().fold(Felt::zero(), |sum, coefficient| sum * *x + *coefficient)
}
