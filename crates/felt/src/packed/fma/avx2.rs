//! The registers of AVX2 and FMA: four lanes each.

// Intrinsics and loads through pointers have no safe form; each use is argued below.
#![allow(unsafe_code)]

use crate::Felt;
use crate::packed::WithPacked;
use std::arch::x86_64::*;

/// Lanes of two registers.
pub(super) const WIDTH: usize = 8;

/// Proof that this machine has the instructions.
#[derive(Clone, Copy)]
pub(crate) struct Available(());

impl Available {
    pub(crate) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")).then_some(Available(()))
    }

    #[inline]
    pub(crate) fn run<T: WithPacked>(self, op: T) -> T::Output {
        #[target_feature(enable = "avx2,fma")]
        fn with_features<T: WithPacked>(op: T) -> T::Output {
            op.run::<super::Fma>()
        }
        // SAFETY: `self` comes from `detect`, which found both features.
        unsafe { with_features(op) }
    }
}

/// Eight words, four to a register. This type, [`Doubles`] and [`super::Fma`] can be named in `fma` only, and only [`Available::run`] hands
/// `Fma` out, to code that runs because the features were found: that is why every function below may use them.
#[derive(Clone, Copy)]
pub(super) struct Words(__m256i, __m256i);

/// Eight floating-point numbers.
#[derive(Clone, Copy)]
pub(super) struct Doubles(__m256d, __m256d);

/// Defines safe methods that are one intrinsic on each of two registers.
macro_rules! intrinsics {
    ($type:ident: $($name:ident $(<$constant:ident>)? ($($argument:ident),*) = $intrinsic:ident;)*) => {
        impl $type {
            $(
                #[inline(always)]
                pub(super) fn $name $(<const $constant: i32>)? (self $(, $argument: $type)*) -> $type {
                    // SAFETY: the intrinsic computes on registers; it needs features of the CPU only, which are there (see `Words`).
                    let lower = unsafe { $intrinsic $(::<$constant>)? (self.0 $(, $argument.0)*) };
                    // SAFETY: as above.
                    let upper = unsafe { $intrinsic $(::<$constant>)? (self.1 $(, $argument.1)*) };
                    $type(lower, upper)
                }
            )*
        }
    };
}

intrinsics! { Words:
    add(o) = _mm256_add_epi64;
    sub(o) = _mm256_sub_epi64;
    and(o) = _mm256_and_si256;
    or(o) = _mm256_or_si256;
    xor(o) = _mm256_xor_si256;
    equals(o) = _mm256_cmpeq_epi64;
    exceeds_signed(o) = _mm256_cmpgt_epi64;
    shift_left<BITS>() = _mm256_slli_epi64;
    shift_right<BITS>() = _mm256_srli_epi64;
    unpack_low(o) = _mm256_unpacklo_epi64;
    unpack_high(o) = _mm256_unpackhi_epi64;
    select_halves<SELECT>(o) = _mm256_permute2x128_si256;
}

intrinsics! { Doubles:
    add(o) = _mm256_add_pd;
    sub(o) = _mm256_sub_pd;
    // `self·a + b` and `b − self·a`, rounded once.
    multiply_add(a, b) = _mm256_fmadd_pd;
    multiply_subtract_from(a, b) = _mm256_fnmadd_pd;
}

impl Words {
    #[inline(always)]
    pub(super) fn splat(word: u64) -> Words {
        // SAFETY: as for the other intrinsics.
        let register = unsafe { _mm256_set1_epi64x(word as i64) };
        Words(register, register)
    }

    #[inline(always)]
    pub(super) fn any_negative(self) -> bool {
        // SAFETY: as for the other intrinsics.
        unsafe { _mm256_movemask_pd(_mm256_castsi256_pd(_mm256_or_si256(self.0, self.1))) != 0 }
    }

    /// The floating-point numbers with these bits.
    #[inline(always)]
    pub(super) fn as_doubles(self) -> Doubles {
        // SAFETY: as for the other intrinsics.
        unsafe { Doubles(_mm256_castsi256_pd(self.0), _mm256_castsi256_pd(self.1)) }
    }
}

impl Doubles {
    #[inline(always)]
    pub(super) fn splat(number: f64) -> Doubles {
        // SAFETY: as for the other intrinsics.
        let register = unsafe { _mm256_set1_pd(number) };
        Doubles(register, register)
    }

    #[inline(always)]
    pub(super) fn bits(self) -> Words {
        // SAFETY: as for the other intrinsics.
        unsafe { Words(_mm256_castpd_si256(self.0), _mm256_castpd_si256(self.1)) }
    }

    #[inline(always)]
    pub(super) fn negated(self) -> Doubles {
        self.bits().xor(Words::splat(1 << 63)).as_doubles()
    }
}

/// Words of eight elements that lie `stride` apart, least significant first.
///
/// # Panics
/// If `src` ends before the last of them.
#[inline(always)]
pub(super) fn load(src: &[Felt], stride: usize) -> [Words; 4] {
    assert!(src.len() / 7 >= stride && src.len() > 7 * stride, "eight elements to load");
    let pointer = src.as_ptr();
    let mut elements = [Words::splat(0); 4];
    for (i, element) in elements.iter_mut().enumerate() {
        // SAFETY: `i < 4`, so the indices are at most `7·stride`, and `src` is longer than that; an element has 32 bytes (see
        // `memory`). No alignment is needed.
        *element = unsafe {
            Words(
                _mm256_loadu_si256(pointer.add(i * stride).cast()),
                _mm256_loadu_si256(pointer.add((i + 4) * stride).cast()),
            )
        };
    }
    // Elements 0 to 3 in the lower registers and 4 to 7 in the upper ones, as they lie in memory: most significant word first.
    let [a, b, c, d] = elements;
    let (low0, low1) = (a.unpack_low(b), c.unpack_low(d));
    let (high0, high1) = (a.unpack_high(b), c.unpack_high(d));
    [
        high0.select_halves::<0x31>(high1),
        low0.select_halves::<0x31>(low1),
        high0.select_halves::<0x20>(high1),
        low0.select_halves::<0x20>(low1),
    ]
}

/// The way back of [`load`].
///
/// # Panics
/// If `dst` ends before the last element.
#[inline(always)]
pub(super) fn store([w0, w1, w2, w3]: [Words; 4], dst: &mut [Felt], stride: usize) {
    assert!(dst.len() / 7 >= stride && dst.len() > 7 * stride, "eight elements to store");
    let (upper0, upper1) = (w3.unpack_low(w2), w3.unpack_high(w2));
    let (lower0, lower1) = (w1.unpack_low(w0), w1.unpack_high(w0));
    let elements = [
        upper0.select_halves::<0x20>(lower0),
        upper1.select_halves::<0x20>(lower1),
        upper0.select_halves::<0x31>(lower0),
        upper1.select_halves::<0x31>(lower1),
    ];
    let pointer = dst.as_mut_ptr();
    for (i, element) in elements.iter().enumerate() {
        // SAFETY: `i < 4`, so the indices are at most `7·stride`, and `dst` is longer than that; an element has 32 bytes (see
        // `memory`). No alignment is needed, and any bytes are elements as far as memory safety goes; these are reduced ones.
        unsafe {
            _mm256_storeu_si256(pointer.add(i * stride).cast(), element.0);
            _mm256_storeu_si256(pointer.add((i + 4) * stride).cast(), element.1);
        }
    }
}

#[cfg(test)]
impl Doubles {
    pub(super) fn of(lanes: [f64; WIDTH]) -> Doubles {
        // SAFETY: the source is 64 bytes long; the tests run where the features are.
        unsafe { Doubles(_mm256_loadu_pd(lanes.as_ptr()), _mm256_loadu_pd(lanes.as_ptr().add(4))) }
    }

    pub(super) fn lanes(self) -> [f64; WIDTH] {
        let mut lanes = [0.0; WIDTH];
        // SAFETY: the target is 64 bytes long; the tests run where the features are.
        unsafe {
            _mm256_storeu_pd(lanes.as_mut_ptr(), self.0);
            _mm256_storeu_pd(lanes.as_mut_ptr().add(4), self.1);
        }
        lanes
    }
}
