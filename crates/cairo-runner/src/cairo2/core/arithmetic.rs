//! Hints that compute numbers from numbers.

use super::operand::{Operands, failed, flag};
use crate::cairo2::hint::{CellRef, Hint, ResOperand};
use cairo_vm::Felt252;
use cairo_vm::vm::errors::hint_errors::HintError;
use num_bigint::{BigInt, BigUint};
use num_integer::{ExtendedGcd, Integer};
use num_traits::{One, Zero};
use starknet_types_core::curve::AffinePoint;
use starknet_types_core::felt::NonZeroFelt;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

/// Executes a hint that is a function of its operands.
pub(super) fn execute(mut vm: Operands<'_>, hint: &Hint) -> Result<(), HintError> {
    match hint {
        Hint::WideMul128 { lhs, rhs, high, low } => {
            let product = vm.natural(lhs)? * vm.natural(rhs)?;
            vm.put(high, Felt252::from(&product >> 128))?;
            vm.put_limbs(&[low], &product)
        }
        Hint::DivMod { lhs, rhs, quotient, remainder } => {
            let (q, r) = divided(&vm.natural(lhs)?, &vm.natural(rhs)?)?;
            vm.put(quotient, Felt252::from(q))?;
            vm.put(remainder, Felt252::from(r))
        }
        Hint::Uint256DivMod {
            dividend0,
            dividend1,
            divisor0,
            divisor1,
            quotient0,
            quotient1,
            remainder0,
            remainder1,
        } => {
            let dividend = vm.double(dividend0, dividend1)?;
            let (q, r) = divided(&dividend, &vm.double(divisor0, divisor1)?)?;
            vm.put_limbs(&[quotient0, quotient1], &q)?;
            vm.put_limbs(&[remainder0, remainder1], &r)
        }
        Hint::Uint512DivModByUint256 {
            dividend0,
            dividend1,
            dividend2,
            dividend3,
            divisor0,
            divisor1,
            quotient0,
            quotient1,
            quotient2,
            quotient3,
            remainder0,
            remainder1,
        } => {
            let dividend = vm.double(dividend0, dividend1)? + (vm.double(dividend2, dividend3)? << 256);
            let (q, r) = divided(&dividend, &vm.double(divisor0, divisor1)?)?;
            vm.put_limbs(&[quotient0, quotient1, quotient2, quotient3], &q)?;
            vm.put_limbs(&[remainder0, remainder1], &r)
        }
        Hint::SquareRoot { value, dst } => {
            let root = vm.natural(value)?.sqrt();
            vm.put(dst, Felt252::from(root))
        }
        Hint::Uint256SquareRoot {
            value_low,
            value_high,
            sqrt0,
            sqrt1,
            remainder_low,
            remainder_high,
            sqrt_mul_2_minus_remainder_ge_u128,
        } => {
            let value = vm.double(value_low, value_high)?;
            let root = value.sqrt();
            let remainder = value - &root * &root;
            let half = BigUint::one() << 64;
            // Twice the root is at least the remainder.
            let wide = &root * 2_u32 - &remainder >= BigUint::one() << 128;
            vm.put(sqrt0, Felt252::from(&root % &half))?;
            vm.put(sqrt1, Felt252::from(&root / &half))?;
            vm.put_limbs(&[remainder_low, remainder_high], &remainder)?;
            vm.put(sqrt_mul_2_minus_remainder_ge_u128, flag(wide))
        }
        Hint::LinearSplit { value, scalar, max_x, x, y } => {
            let (value, scalar, max_x) = (vm.integer(value)?, vm.integer(scalar)?, vm.integer(max_x)?);
            let divisor = NonZeroFelt::try_from(scalar).map_err(|_| failed("a hint splits a number by zero"))?;
            let whole = value.floor_div(&divisor).min(max_x);
            vm.put(x, whole)?;
            vm.put(y, value - whole * scalar)
        }
        Hint::FieldSqrt { val, sqrt } => {
            let value = vm.integer(val)?;
            // 3 is no square in this field: of a number and its triple one is.
            let root = value.sqrt().or_else(|| (value * Felt252::THREE).sqrt());
            let root = root.ok_or_else(|| failed("neither a number nor its triple is a square"))?;
            vm.put(sqrt, root.min(-root))
        }
        Hint::U256InvModN { b0, b1, n0, n1, g0_or_no_inv, g1_option, s_or_r0, s_or_r1, t_or_k0, t_or_k1 } => {
            let cells = Inverse {
                no_inverse: g0_or_no_inv,
                g1: g1_option,
                s_or_r: [s_or_r0, s_or_r1],
                t_or_k: [t_or_k0, t_or_k1],
            };
            inverse(vm, [b0, b1], [n0, n1], &cells)
        }
        _ => Err(failed("a hint that computes no number was taken for one that does")),
    }
}

fn divided(dividend: &BigUint, divisor: &BigUint) -> Result<(BigUint, BigUint), HintError> {
    if divisor.is_zero() { Err(failed("a hint divides by zero")) } else { Ok(dividend.div_rem(divisor)) }
}

/// Where the answer to `U256InvModN` goes.
struct Inverse<'a> {
    no_inverse: &'a CellRef,
    g1: &'a CellRef,
    s_or_r: [&'a CellRef; 2],
    t_or_k: [&'a CellRef; 2],
}

/// The inverse `r` of `b` modulo `n` with `r·b = k·n + 1`; or, if there is none, a common divisor `g > 1` with `b = s·g` and
/// `n = t·g`. The code wants an odd `g` or 2, whose lower half is never 0.
fn inverse(
    mut vm: Operands<'_>,
    [b0, b1]: [&ResOperand; 2],
    [n0, n1]: [&ResOperand; 2],
    cells: &Inverse<'_>,
) -> Result<(), HintError> {
    let (b, n) = (vm.double(b0, b1)?, vm.double(n0, n1)?);
    if n.is_zero() {
        return Err(failed("a hint inverts modulo zero"));
    }
    if n.is_one() {
        vm.put_limbs(&cells.s_or_r, &b)?;
        vm.put_limbs(&cells.t_or_k, &n)?;
        return vm.put_limbs(&[cells.no_inverse, cells.g1], &BigUint::one());
    }
    let ExtendedGcd { gcd, x, .. } = BigInt::from(b.clone()).extended_gcd(&BigInt::from(n.clone()));
    if gcd.is_one() {
        let r = modulo(&x, &n);
        let k = (&r * &b - 1_u32) / &n;
        vm.put_limbs(&cells.s_or_r, &r)?;
        vm.put_limbs(&cells.t_or_k, &k)?;
        return vm.put(cells.no_inverse, Felt252::ZERO);
    }
    let divisor = if gcd.is_even() { BigUint::from(2_u32) } else { gcd.magnitude().clone() };
    vm.put_limbs(&cells.s_or_r, &(b / &divisor))?;
    vm.put_limbs(&cells.t_or_k, &(n / &divisor))?;
    vm.put_limbs(&[cells.no_inverse, cells.g1], &divisor)
}

/// The representative in `0..modulus`.
pub(super) fn modulo(value: &BigInt, modulus: &BigUint) -> BigUint {
    value.mod_floor(&BigInt::from(modulus.clone())).magnitude().clone()
}

/// The two shorter of the three arcs that `a` and `b` cut the field into, each as a product of two numbers and a rest.
pub(super) struct Arcs {
    /// 0 for `0..a`, 1 for `a..b`, 2 for `b..p`.
    pub(super) longest: u8,
    /// Rest and quotient of the shortest, then of the other.
    pub(super) parts: [BigUint; 4],
}

/// How far `a ≤ b` is shown: the shortest arc is below p/3 and the next below p/2, so that their sum is no number of turns.
pub(super) fn arcs(a: Felt252, b: Felt252) -> Arcs {
    // p/3 and p/2 over 2^128, rounded up, so that a quotient and a rest of 128 bits reach each arc.
    let prime = Felt252::MAX.to_biguint() + 1_u32;
    let high =
        |parts: u32| Integer::div_ceil(&Integer::div_ceil(&prime, &BigUint::from(parts)), &(BigUint::one() << 128));
    let mut lengths = [(a, 0), (b - a, 1), (Felt252::MAX - b, 2)];
    lengths.sort();
    let [(shortest, _), (other, _), (_, longest)] = lengths;
    let (q0, r0) = shortest.to_biguint().div_rem(&high(3));
    let (q1, r1) = other.to_biguint().div_rem(&high(2));
    Arcs { longest, parts: [r0, q0, r1, q1] }
}

/// A point of the curve that no simple program hits by accident. Any will do for the code; the same for the same run makes runs
/// repeatable.
pub(super) fn point(drawn: &mut u64) -> AffinePoint {
    loop {
        *drawn += 1;
        let limbs = [0_u8, 1, 2, 3].map(|limb| {
            let mut hasher = DefaultHasher::new();
            ("point", *drawn, limb).hash(&mut hasher);
            hasher.finish()
        });
        let [top, a, b, c] = limbs;
        let x = [top >> 8, a, b, c].iter().fold(BigUint::zero(), |x, limb| (x << 64) + *limb);
        if let Some(point) = AffinePoint::new_from_x(&Felt252::from(x), false) {
            return point;
        }
    }
}
