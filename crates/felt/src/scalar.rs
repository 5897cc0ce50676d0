//! One element at a time, without SIMD: multiplication and inversion that use the form of the prime.
//!
//! Everything works on the Montgomery form `a·2^256 mod p`, limbs least significant first.

use crate::Felt;
pub(crate) use crate::limbs::{Limbs, TOP};
use crate::limbs::{MODULUS, add_modulus_if_negative, montgomery_limbs};
use lambdaworks_math::unsigned_integer::element::U256;

/// The element with these limbs, which must be below the modulus.
#[inline(always)]
pub(crate) fn from_limbs([l0, l1, l2, l3]: Limbs) -> Felt {
    debug_assert!([l3, l2, l1, l0] < MODULUS);
    Felt::from_raw(U256 { limbs: [l3, l2, l1, l0] })
}

/// `accumulator + a·b + carry` as (low, high); it cannot overflow 128 bits.
#[inline(always)]
fn multiply_add(accumulator: u64, a: u64, b: u64, carry: u64) -> (u64, u64) {
    let wide = u128::from(a) * u128::from(b) + u128::from(accumulator) + u128::from(carry);
    (wide as u64, (wide >> 64) as u64)
}

#[inline(always)]
fn add_carry(a: u64, b: u64, carry: bool) -> (u64, bool) {
    let (sum, first) = a.overflowing_add(b);
    let (sum, second) = sum.overflowing_add(u64::from(carry));
    (sum, first | second)
}

#[inline(always)]
fn sub_borrow(a: u64, b: u64, borrow: bool) -> (u64, bool) {
    let (difference, first) = a.overflowing_sub(b);
    let (difference, second) = difference.overflowing_sub(u64::from(borrow));
    (difference, first | second)
}

/// `T·2^-256 mod p`, fully reduced, for `T < p²`.
///
/// With `p = 1 + TOP·2^192`, subtracting `m·p` clears the low 192 bits of `T` for `m = T mod 2^192` itself, at the
/// cost of `m·TOP` from bit 192 on; the last 64 bits go the same way. All in all `T − M·p` is divided by `2^256` with
/// `M < 2^256`, so the result lies in `(−p, p)`.
#[inline(always)]
fn reduce([t0, t1, t2, t3, t4, t5, t6, t7]: [u64; 8]) -> Limbs {
    let (d0, carry) = multiply_add(0, t0, TOP, 0);
    let (d1, carry) = multiply_add(0, t1, TOP, carry);
    let (d2, d3) = multiply_add(0, t2, TOP, carry);
    let (u0, borrow) = t3.overflowing_sub(d0);
    let (u1, borrow) = sub_borrow(t4, d1, borrow);
    let (u2, borrow) = sub_borrow(t5, d2, borrow);
    let (u3, borrow) = sub_borrow(t6, d3, borrow);
    let u4 = t7.wrapping_sub(u64::from(borrow));
    let (low, high) = multiply_add(0, u0, TOP, 0);
    let (u3, borrow) = u3.overflowing_sub(low);
    let u4 = u4.wrapping_sub(high).wrapping_sub(u64::from(borrow));
    add_modulus_if_negative([u1, u2, u3, u4])
}

#[cfg(target_arch = "wasm32")]
pub(crate) use crate::radix29::mul;

/// Montgomery product `a·b·2^-256 mod p` of reduced operands, reduced.
#[cfg(not(target_arch = "wasm32"))]
#[inline(always)]
pub(crate) fn mul(a: Limbs, b: Limbs) -> Limbs {
    let mut t = [0; 8];
    for (i, &x) in a.iter().enumerate() {
        let mut carry = 0;
        for (j, &y) in b.iter().enumerate() {
            (t[i + j], carry) = multiply_add(t[i + j], x, y, carry);
        }
        t[i + 4] = carry;
    }
    reduce(t)
}

/// The integer `0 ≤ a < p` of a Montgomery form.
#[inline(always)]
pub(crate) fn canonical([a0, a1, a2, a3]: Limbs) -> Limbs {
    reduce([a0, a1, a2, a3, 0, 0, 0, 0])
}

/// `a + b mod p` of reduced operands, reduced.
#[inline(always)]
pub(crate) fn add([a0, a1, a2, a3]: Limbs, [b0, b1, b2, b3]: Limbs) -> Limbs {
    // a + b − p lies in [−p, p); p is (TOP, 0, 0, 1) and the borrow of its lowest limb goes in first.
    let (s0, carry) = a0.overflowing_add(b0);
    let (s1, carry) = add_carry(a1, b1, carry);
    let (s2, carry) = add_carry(a2, b2, carry);
    let s3 = a3.wrapping_add(b3).wrapping_add(u64::from(carry));
    let (s0, borrow) = s0.overflowing_sub(1);
    let (s1, borrow) = s1.overflowing_sub(u64::from(borrow));
    let (s2, borrow) = s2.overflowing_sub(u64::from(borrow));
    let s3 = s3.wrapping_sub(TOP).wrapping_sub(u64::from(borrow));
    add_modulus_if_negative([s0, s1, s2, s3])
}

/// `a − b mod p` of reduced operands, reduced.
#[inline(always)]
pub(crate) fn sub([a0, a1, a2, a3]: Limbs, [b0, b1, b2, b3]: Limbs) -> Limbs {
    let (s0, borrow) = a0.overflowing_sub(b0);
    let (s1, borrow) = sub_borrow(a1, b1, borrow);
    let (s2, borrow) = sub_borrow(a2, b2, borrow);
    let s3 = a3.wrapping_sub(b3).wrapping_sub(u64::from(borrow));
    add_modulus_if_negative([s0, s1, s2, s3])
}

/// `a·b`: the same as lambdaworks' product, faster.
#[inline(always)]
pub fn product(a: &Felt, b: &Felt) -> Felt {
    from_limbs(mul(montgomery_limbs(a), montgomery_limbs(b)))
}

/// `base^exponent`.
pub(crate) fn power(base: &Felt, mut exponent: u64) -> Felt {
    let mut square = *base;
    let mut result = Felt::one();
    while exponent != 0 {
        if exponent & 1 == 1 {
            result = product(&result, &square);
        }
        square = product(&square, &square);
        exponent >>= 1;
    }
    result
}

fn square_times(mut x: Limbs, times: u32) -> Limbs {
    for _ in 0..times {
        x = mul(x, x);
    }
    x
}

/// `1/a`, and zero for zero, as `a^(p−2)`.
pub(crate) fn inverse(a: &Felt) -> Felt {
    // p − 2 in binary is 2^59 + 16 followed by 192 ones, which are appended twelve at a time.
    let x = montgomery_limbs(a);
    let ones2 = mul(square_times(x, 1), x);
    let ones3 = mul(square_times(ones2, 1), x);
    let ones6 = mul(square_times(ones3, 3), ones3);
    let ones12 = mul(square_times(ones6, 6), ones6);
    let mut result = square_times(mul(square_times(x, 55), x), 4);
    for _ in 0..16 {
        result = mul(square_times(result, 12), ones12);
    }
    from_limbs(result)
}
