//! The modulus and the Montgomery form of an element, in limbs.

use crate::Felt;

/// The modulus, most significant limb first as lambdaworks stores integers.
pub const MODULUS: [u64; 4] = [0x0800_0000_0000_0011, 0, 0, 1];

/// Integer limbs, least significant first, of the element's Montgomery form `a·2^256 mod p`.
#[inline(always)]
pub fn montgomery_limbs(a: &Felt) -> [u64; 4] {
    let [l3, l2, l1, l0] = a.value().limbs;
    [l0, l1, l2, l3]
}

/// Limbs of a Montgomery form, least significant first.
pub(crate) type Limbs = [u64; 4];

/// `(p − 1) / 2^192`: the prime is `1 + TOP·2^192`.
pub(crate) const TOP: u64 = MODULUS[0];

/// Adds `p` to a number in `(−p, p)` given in two's complement if it is negative.
#[inline(always)]
pub(crate) fn add_modulus_if_negative([r0, r1, r2, r3]: Limbs) -> Limbs {
    let mask = ((r3 as i64) >> 63) as u64;
    let (r0, carry) = r0.overflowing_add(mask & 1);
    let (r1, carry) = r1.overflowing_add(u64::from(carry));
    let (r2, carry) = r2.overflowing_add(u64::from(carry));
    let r3 = r3.wrapping_add(mask & TOP).wrapping_add(u64::from(carry));
    [r0, r1, r2, r3]
}
