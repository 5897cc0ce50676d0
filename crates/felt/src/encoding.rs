//! Byte encodings of a field element. Both refuse values that are not reduced, so each element has one encoding.

pub use crate::limbs::{MODULUS, montgomery_limbs};

use crate::{Felt, scalar};
use lambdaworks_math::unsigned_integer::element::U256;

/// Bytes of one encoded element.
pub const BYTES: usize = 32;

/// Whether an element is zero, by its limbs.
#[inline(always)]
pub fn is_zero(a: &Felt) -> bool {
    let [l0, l1, l2, l3] = a.value().limbs;
    l0 | l1 | l2 | l3 == 0
}

/// The element whose Montgomery form has these limbs (least significant first); `None` unless below the modulus.
pub fn from_montgomery_limbs(limbs: [u64; 4]) -> Option<Felt> {
    let [l0, l1, l2, l3] = limbs;
    ([l3, l2, l1, l0] < MODULUS).then(|| Felt::from_raw(U256 { limbs: [l3, l2, l1, l0] }))
}

/// Encodes the Montgomery form in 32 bytes, little-endian: the form that proofs and hashes use, since it costs no
/// multiplication.
#[inline(always)]
pub fn to_bytes(a: &Felt) -> [u8; BYTES] {
    let mut out = [0; BYTES];
    for (chunk, limb) in out.chunks_exact_mut(8).zip(montgomery_limbs(a)) {
        chunk.copy_from_slice(&limb.to_le_bytes());
    }
    out
}

/// Reads [`to_bytes`]; `None` for a value that is not below the modulus.
pub fn from_bytes(bytes: &[u8; BYTES]) -> Option<Felt> {
    let mut limbs = [0; 4];
    for (limb, chunk) in limbs.iter_mut().zip(bytes.chunks_exact(8)) {
        let mut word = [0; 8];
        word.copy_from_slice(chunk);
        *limb = u64::from_le_bytes(word);
    }
    from_montgomery_limbs(limbs)
}

/// Limbs of the integer `0 ≤ a < p`, least significant first.
pub fn canonical_limbs(a: &Felt) -> [u64; 4] {
    scalar::canonical(montgomery_limbs(a))
}

/// The element of an integer given by limbs, least significant first; `None` unless below the modulus.
pub fn from_canonical_limbs(limbs: [u64; 4]) -> Option<Felt> {
    let [l0, l1, l2, l3] = limbs;
    ([l3, l2, l1, l0] < MODULUS).then(|| Felt::new(U256 { limbs: [l3, l2, l1, l0] }))
}

/// The element as a `u64`, if it is that small.
pub fn to_u64(a: &Felt) -> Option<u64> {
    match canonical_limbs(a) {
        [low, 0, 0, 0] => Some(low),
        _ => None,
    }
}

/// The integer `0 ≤ a < p` in 32 bytes, big-endian: the form in which people and other tools write field elements.
pub fn to_canonical_be(a: &Felt) -> [u8; BYTES] {
    let mut out = [0; BYTES];
    for (chunk, limb) in out.rchunks_exact_mut(8).zip(canonical_limbs(a)) {
        chunk.copy_from_slice(&limb.to_be_bytes());
    }
    out
}

/// Reads [`to_canonical_be`]; `None` for a value that is not below the modulus.
pub fn from_canonical_be(bytes: &[u8; BYTES]) -> Option<Felt> {
    let mut limbs = [0; 4];
    for (limb, chunk) in limbs.iter_mut().zip(bytes.rchunks_exact(8)) {
        let mut word = [0; 8];
        word.copy_from_slice(chunk);
        *limb = u64::from_be_bytes(word);
    }
    from_canonical_limbs(limbs)
}

/// The integer `0 ≤ a < p` as people write it: `0x` and hexadecimal digits without leading zeros.
pub fn to_hex(a: &Felt) -> String {
    use std::fmt::Write as _;
    let mut digits = String::with_capacity(64);
    for byte in to_canonical_be(a) {
        // Writing to a String cannot fail.
        let _ = write!(digits, "{byte:02x}");
    }
    let digits = digits.trim_start_matches('0');
    format!("0x{}", if digits.is_empty() { "0" } else { digits })
}

/// The element as messages show it: a small positive or negative integer in decimal, anything else as [`to_hex`].
pub fn to_short(a: &Felt) -> String {
    match (to_u64(a), to_u64(&-a)) {
        (Some(positive), _) => positive.to_string(),
        (None, Some(negative)) => format!("-{negative}"),
        (None, None) => to_hex(a),
    }
}
