//! Small integers as field elements and back, without a multiplication.
//!
//! The prime is `p = 1 + TOP·2^192` with `TOP = 2^59 + 17`, so `2^256 = 32p − (32 + 544·2^192)`: the Montgomery form of `−v` is
//! `32v + 544v·2^192`, and that of `v` is `p` less that, as long as `544v` is below `TOP`. Forms are unique, so an element of another
//! form is no such integer.

use crate::Felt;
use crate::encoding::{self, MODULUS, from_montgomery_limbs, montgomery_limbs};

const TOP: u64 = MODULUS[0];

/// Integers below this have the short form: `544 · 2^49 < TOP`.
const SHORT: u64 = 1 << 49;

/// A non-negative integer as a field element.
#[inline(always)]
pub fn small(value: u64) -> Felt {
    match value {
        0 => Felt::zero(),
        1..SHORT => {
            let limbs = [1_u64.wrapping_sub(32 * value), u64::MAX, u64::MAX, TOP - 1 - 544 * value];
            from_montgomery_limbs(limbs).unwrap_or_default()
        }
        _ => Felt::from(value),
    }
}

/// A signed integer as a field element.
#[inline(always)]
pub fn signed(value: i64) -> Felt {
    match value.unsigned_abs() {
        magnitude @ ..SHORT if value < 0 => {
            from_montgomery_limbs([32 * magnitude, 0, 0, 544 * magnitude]).unwrap_or_default()
        }
        magnitude if value < 0 => -Felt::from(magnitude),
        magnitude => small(magnitude),
    }
}

/// The integer, if it is above `−2^49` and below `2^49`.
#[inline(always)]
pub fn integer(value: &Felt) -> Option<i64> {
    // The lowest limb holds 32 times the integer: its top bits are lost there, but an integer in range has none.
    let magnitude = |low: u64| Some(low / 32).filter(|magnitude| low.is_multiple_of(32) && *magnitude < SHORT);
    match montgomery_limbs(value) {
        [low, u64::MAX, u64::MAX, top] => {
            let magnitude = magnitude(1_u64.wrapping_sub(low)).filter(|v| *v > 0 && top == TOP - 1 - 544 * v)?;
            Some(magnitude as i64)
        }
        [low, 0, 0, top] => {
            let magnitude = magnitude(low).filter(|v| top == 544 * v)?;
            Some(-(magnitude as i64))
        }
        _ => None,
    }
}

/// The element as a `u64`, if it is that small: as [`encoding::to_u64`], and faster where most elements are small.
#[inline(always)]
pub fn to_u64(value: &Felt) -> Option<u64> {
    match integer(value) {
        Some(value) => u64::try_from(value).ok(),
        None => encoding::to_u64(value),
    }
}

/// The element as a `u32`, if it is that small.
#[inline(always)]
pub fn word(value: &Felt) -> Option<u32> {
    integer(value).and_then(|value| u32::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Integers around every power of two.
    fn samples() -> impl Iterator<Item = u64> {
        let around = |bits: u32| {
            let power = 1_u64.checked_shl(bits).unwrap_or(0);
            [power.wrapping_sub(1), power, power.wrapping_add(1), power.wrapping_add(power / 3)]
        };
        (0..=64).flat_map(around)
    }

    #[test]
    fn conversions_are_the_fields() {
        for value in samples() {
            assert_eq!(small(value), Felt::from(value), "{value}");
            assert_eq!(to_u64(&small(value)), Some(value));
            assert_eq!(word(&small(value)), u32::try_from(value).ok());
            let Ok(positive) = i64::try_from(value) else { continue };
            assert_eq!(signed(positive), Felt::from(value));
            assert_eq!(signed(-positive), -Felt::from(value));
            let inside = value < SHORT;
            assert_eq!(integer(&signed(positive)), inside.then_some(positive), "{value}");
            assert_eq!(integer(&signed(-positive)), inside.then_some(-positive), "-{value}");
        }
    }

    #[test]
    fn other_elements_are_no_small_integers() {
        for value in samples() {
            for factor in [Felt::from(3_u64).inv(), Felt::from(1_u64 << 59).inv()].into_iter().flatten() {
                let other = Felt::from(value) * factor;
                let expected = to_u64(&other).and_then(|value| i64::try_from(value).ok()).filter(|v| *v < SHORT as i64);
                let negative =
                    encoding::to_u64(&-other).and_then(|value| i64::try_from(value).ok()).filter(|v| *v < SHORT as i64);
                assert_eq!(integer(&other), expected.or(negative.map(|value| -value)));
                assert_eq!(to_u64(&other), encoding::to_u64(&other));
            }
        }
    }
}
