//! Multiplication where 64 by 64 bits give 64 bits only, as in WebAssembly: nine limbs of 29 bits, whose products add up in 64 bits.
//!
//! The prime is `1 + 17·2^192 + 2^251`, in these limbs 1 at place 0, `17·2^18` at place 6 and `2^19` at place 8. As in
//! [`scalar`](crate::scalar), subtracting `m·p` clears a limb `m` itself, so nine steps divide by `2^261`. One factor is taken times
//! `2^5`, which leaves the division by `2^256` of the Montgomery form.
//!
//! **Bounds.** Limbs are below `2^29`, so a column of nine products is below `2^61.2`. What a step takes away from a column is below
//! `2^51.1 + 2^48`, what it carries into one below `2^34` in magnitude: all stays in 63 bits with a sign.

use crate::limbs::{Limbs, add_modulus_if_negative};

const MASK: i64 = (1 << 29) - 1;

/// The limbs of a reduced form.
#[inline(always)]
const fn split([x0, x1, x2, x3]: Limbs) -> [i64; 9] {
    [
        x0 as i64 & MASK,
        (x0 >> 29) as i64 & MASK,
        (x0 >> 58 | x1 << 6) as i64 & MASK,
        (x1 >> 23) as i64 & MASK,
        (x1 >> 52 | x2 << 12) as i64 & MASK,
        (x2 >> 17) as i64 & MASK,
        (x2 >> 46 | x3 << 18) as i64 & MASK,
        (x3 >> 11) as i64 & MASK,
        (x3 >> 40) as i64,
    ]
}

/// The limbs of a reduced form times `2^5`, which is below `2^257`.
#[inline(always)]
const fn split_times_32([x0, x1, x2, x3]: Limbs) -> [i64; 9] {
    [
        (x0 << 5) as i64 & MASK,
        (x0 >> 24) as i64 & MASK,
        (x0 >> 53 | x1 << 11) as i64 & MASK,
        (x1 >> 18) as i64 & MASK,
        (x1 >> 47 | x2 << 17) as i64 & MASK,
        (x2 >> 12) as i64 & MASK,
        (x2 >> 41 | x3 << 23) as i64 & MASK,
        (x3 >> 6) as i64 & MASK,
        (x3 >> 35) as i64,
    ]
}

/// Montgomery product `a·b·2^-256 mod p` of reduced operands, reduced.
///
/// With `T = 32·a·b < 32·p²`, what comes out is `(T − M·p)/2^261` for an `M` below `2^261`: between `−p` and `p/16`.
#[inline(always)]
pub(crate) fn mul(a: Limbs, b: Limbs) -> Limbs {
    let (a, b) = (split_times_32(a), split(b));
    let mut t = [0_i64; 18];
    for i in 0..9 {
        for j in 0..9 {
            t[i + j] += a[i] * b[j];
        }
    }
    for k in 0..9 {
        let m = t[k] & MASK;
        t[k + 1] += t[k] >> 29;
        t[k + 6] -= m * (17 << 18);
        t[k + 8] -= m << 19;
    }
    joined([t[9], t[10], t[11], t[12], t[13], t[14], t[15], t[16], t[17]])
}

/// The number between `−p` and `p` with these columns, reduced.
#[inline(always)]
fn joined(mut t: [i64; 9]) -> Limbs {
    for k in 0..8 {
        t[k + 1] += t[k] >> 29;
        t[k] &= MASK;
    }
    let [t0, t1, t2, t3, t4, t5, t6, t7, t8] = t.map(|limb| limb as u64);
    add_modulus_if_negative([
        t0 | t1 << 29 | t2 << 58,
        t2 >> 6 | t3 << 23 | t4 << 52,
        t4 >> 12 | t5 << 17 | t6 << 46,
        t6 >> 18 | t7 << 11 | t8 << 40,
    ])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::scalar;
    use proptest::prelude::*;

    /// Any form, those at the edges of limbs among them.
    fn form() -> impl Strategy<Value = Limbs> {
        let limb = prop_oneof![Just(0), Just(1), Just(u64::MAX), Just(1 << 63), any::<u64>()];
        let below = |[x0, x1, x2, x3]: Limbs| {
            // Below the modulus: its highest limb is 2^59 + 17.
            let x3 = x3 % ((1 << 59) + 17);
            [x0, x1, x2, x3]
        };
        [limb.clone(), limb.clone(), limb.clone(), limb].prop_map(below)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]
        #[test]
        fn products_are_those_of_wide_limbs(a in form(), b in form()) {
            prop_assert_eq!(mul(a, b), scalar::mul(a, b));
        }
    }

    #[test]
    fn the_extremes() {
        let most = [0, 0, 0, (1 << 59) + 17];
        let edges = [[0; 4], [1, 0, 0, 0], most, [u64::MAX, u64::MAX, u64::MAX, (1 << 59) + 16], [0, 0, 0, 1 << 58]];
        for a in edges {
            for b in edges {
                assert_eq!(mul(a, b), scalar::mul(a, b), "{a:x?} {b:x?}");
            }
        }
    }
}
