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
