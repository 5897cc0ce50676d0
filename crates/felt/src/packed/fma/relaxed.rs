//! The registers of WebAssembly, two lanes each, with its relaxed instructions, among which is a product that may be fused with a sum.
//!
//! Whether it is fused depends on the machine that a browser runs on, so [`Available::detect`] asks it.

// Loads through pointers have no safe form; each use is argued below.
#![allow(unsafe_code)]

use crate::Felt;
use crate::packed::WithPacked;
use std::arch::wasm32::*;
use std::hint::black_box;

/// Lanes of two registers.
pub(super) const WIDTH: usize = 4;

/// Proof that products are fused here.
#[derive(Clone, Copy)]
pub(crate) struct Available(());

impl Available {
    pub(crate) fn detect() -> Option<Self> {
        // (2^27 + 1)² = 2^54 + 2^28 + 1 has 55 bits: rounded on its own it loses the 1. What a machine does, it does always: a
        // browser never fuses an instruction at one time and not at another (WebAssembly, relaxed SIMD, "implementation-defined").
        let x = Doubles::splat(black_box(134_217_729.0));
        let product = Doubles::splat(-18_014_398_777_917_440.0);
        let (sum, difference) = (x.multiply_add(x, product), x.multiply_subtract_from(x, product.negated()));
        let fused = |lanes: v128, expected: f64| i64x2_all_true(f64x2_eq(lanes, f64x2_splat(expected)));
        let all = fused(sum.0, 1.0) && fused(sum.1, 1.0) && fused(difference.0, -1.0) && fused(difference.1, -1.0);
        all.then_some(Available(()))
    }

    #[inline]
    pub(crate) fn run<T: WithPacked>(self, op: T) -> T::Output {
        op.run::<super::Fma>()
    }
}

/// Four words, two to a register.
#[derive(Clone, Copy)]
pub(super) struct Words(v128, v128);

/// Four floating-point numbers.
#[derive(Clone, Copy)]
pub(super) struct Doubles(v128, v128);

/// Defines methods that are one instruction on each of two registers.
macro_rules! instructions {
    ($type:ident: $($name:ident ($($argument:ident),*) = $instruction:ident;)*) => {
        impl $type {
            $(
                #[inline(always)]
                pub(super) fn $name(self $(, $argument: $type)*) -> $type {
                    $type($instruction(self.0 $(, $argument.0)*), $instruction(self.1 $(, $argument.1)*))
                }
            )*
        }
    };
}

instructions! { Words:
    add(o) = i64x2_add;
    sub(o) = i64x2_sub;
    and(o) = v128_and;
    or(o) = v128_or;
    xor(o) = v128_xor;
    equals(o) = i64x2_eq;
    exceeds_signed(o) = i64x2_gt;
}

instructions! { Doubles:
    add(o) = f64x2_add;
    sub(o) = f64x2_sub;
    // `self·a + b` and `b − self·a`, rounded once.
    multiply_add(a, b) = f64x2_relaxed_madd;
    multiply_subtract_from(a, b) = f64x2_relaxed_nmadd;
}

impl Words {
    #[inline(always)]
    pub(super) fn splat(word: u64) -> Words {
        Words(u64x2_splat(word), u64x2_splat(word))
    }

    #[inline(always)]
    pub(super) fn shift_left<const BITS: i32>(self) -> Words {
        Words(i64x2_shl(self.0, BITS as u32), i64x2_shl(self.1, BITS as u32))
    }

    #[inline(always)]
    pub(super) fn shift_right<const BITS: i32>(self) -> Words {
        Words(u64x2_shr(self.0, BITS as u32), u64x2_shr(self.1, BITS as u32))
    }

    #[inline(always)]
    pub(super) fn any_negative(self) -> bool {
        i64x2_bitmask(v128_or(self.0, self.1)) != 0
    }

    /// The floating-point numbers with these bits.
    #[inline(always)]
    pub(super) fn as_doubles(self) -> Doubles {
        Doubles(self.0, self.1)
    }
}

impl Doubles {
    #[inline(always)]
    pub(super) fn splat(number: f64) -> Doubles {
        Doubles(f64x2_splat(number), f64x2_splat(number))
    }

    #[inline(always)]
    pub(super) fn bits(self) -> Words {
        Words(self.0, self.1)
    }

    #[inline(always)]
    pub(super) fn negated(self) -> Doubles {
        Doubles(f64x2_neg(self.0), f64x2_neg(self.1))
    }
}

/// Words of four elements that lie `stride` apart, least significant first.
///
/// # Panics
/// If `src` ends before the last of them.
#[inline(always)]
pub(super) fn load(src: &[Felt], stride: usize) -> [Words; 4] {
    assert!(src.len() / 3 >= stride && src.len() > 3 * stride, "four elements to load");
    // SAFETY: `i < 4`, so the indices are at most `3·stride`, and `src` is longer than that; an element has 32 bytes (see
    // `memory`). No alignment is needed.
    let element = |i: usize| unsafe {
        let element: *const v128 = src.as_ptr().add(i * stride).cast();
        (v128_load(element), v128_load(element.add(1)))
    };
    // The most significant word is the first in memory.
    let ((a3, a1), (b3, b1), (c3, c1), (d3, d1)) = (element(0), element(1), element(2), element(3));
    [
        Words(i64x2_shuffle::<1, 3>(a1, b1), i64x2_shuffle::<1, 3>(c1, d1)),
        Words(i64x2_shuffle::<0, 2>(a1, b1), i64x2_shuffle::<0, 2>(c1, d1)),
        Words(i64x2_shuffle::<1, 3>(a3, b3), i64x2_shuffle::<1, 3>(c3, d3)),
        Words(i64x2_shuffle::<0, 2>(a3, b3), i64x2_shuffle::<0, 2>(c3, d3)),
    ]
}

/// The way back of [`load`].
///
/// # Panics
/// If `dst` ends before the last element.
#[inline(always)]
pub(super) fn store([w0, w1, w2, w3]: [Words; 4], dst: &mut [Felt], stride: usize) {
    assert!(dst.len() / 3 >= stride && dst.len() > 3 * stride, "four elements to store");
    let pointer = dst.as_mut_ptr();
    let put = |i: usize, high: v128, low: v128| {
        // SAFETY: `i < 4`, so the indices are at most `3·stride`, and `dst` is longer than that; an element has 32 bytes (see
        // `memory`). No alignment is needed, and any bytes are elements as far as memory safety goes; these are reduced ones.
        unsafe {
            let element: *mut v128 = pointer.add(i * stride).cast();
            v128_store(element, high);
            v128_store(element.add(1), low);
        }
    };
    put(0, i64x2_shuffle::<0, 2>(w3.0, w2.0), i64x2_shuffle::<0, 2>(w1.0, w0.0));
    put(1, i64x2_shuffle::<1, 3>(w3.0, w2.0), i64x2_shuffle::<1, 3>(w1.0, w0.0));
    put(2, i64x2_shuffle::<0, 2>(w3.1, w2.1), i64x2_shuffle::<0, 2>(w1.1, w0.1));
    put(3, i64x2_shuffle::<1, 3>(w3.1, w2.1), i64x2_shuffle::<1, 3>(w1.1, w0.1));
}
