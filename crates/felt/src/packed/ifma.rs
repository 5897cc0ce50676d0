//! The kernel for AVX-512 IFMA: eight elements, five limbs of 52 bits.
//!
//! # Form and bounds
//!
//! A value `v = Σ l_i·2^(52i)` stands for the element whose Montgomery form `x` satisfies `v ≡ 16·x (mod p)`. So `v` is the Montgomery
//! form for `2^260`, which is what five limbs divide by, and passing to it is a shift by four bits.
//!
//! * *Ordinary* values have limbs in `[0, 2^52)` and `0 ≤ v < 2^256 < 32p`. All public operations take and give them.
//! * *Loose* values have signed limbs of magnitude below `2^57` and `0 ≤ v < 80p < 2^258`.
//!
//! **Product.** For `a < A·p` and `b < B·p` with limbs in `[0, 2^52)`, [`reduce`] gives `(a·b − M·p)/2^260 + p` for some `0 ≤ M < 2^260`,
//! which lies in `(0, (A·B/512 + 1)·p)`, as `p < 2^260/511`. Ordinary operands give less than `3p`. A loose first operand, its limbs
//! carried, and a constant below `16p` give less than `3.6p`; an ordinary second operand less than `6.1p`.
//!
//! Up to eight products of ordinary values are summed up before [`reduce`]: their columns stay below `8·9·2^52 + 2^52 < 2^59`, and the
//! result below `(8·1024/512 + 1)·p = 17p`.
//!
//! **Sums.** With `p = 2^251 + 17·2^192 + 1`, [`subtract_multiple`] subtracts `q·p` for a `q` read from the top limb such that what
//! remains is positive and below `2^251 + 2^217`. This makes sums, differences and loose values ordinary.
//!
//! **Transforms.** A butterfly adds a product below `4p` to a loose value, or subtracts it and adds `4p`: each layer adds at most
//! `4p` to the value and `2^52 + 2^46` to a limb. From an ordinary value, twelve layers end below `32p + 48p` and `13·(2^52 + 2^46) < 2^57`.

// Intrinsics and loads through pointers have no safe form; each use is argued below.
#![allow(unsafe_code)]

use super::kernel::{Constants, Kernel, MASK52, limbs52};
use super::{Packed, WithPacked};
use crate::Felt;
use crate::encoding::MODULUS;
use std::arch::x86_64::*;

/// Proof that this machine has the instructions.
#[derive(Clone, Copy)]
pub(super) struct Available(());

impl Available {
    pub(super) fn detect() -> Option<Self> {
        let detected = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512ifma")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq");
        detected.then_some(Available(()))
    }

    #[inline]
    pub(super) fn run<T: WithPacked>(self, op: T) -> T::Output {
        #[target_feature(enable = "avx512f,avx512ifma,avx512vl,avx512bw,avx512dq")]
        fn with_features<T: WithPacked>(op: T) -> T::Output {
            op.run::<Ifma>()
        }
        // SAFETY: `self` comes from `detect`, which found all of these features.
        unsafe { with_features(op) }
    }
}

/// Eight words. This type and [`Ifma`] can be named in this module only, and only [`Available::run`] hands `Ifma` out, to code that
/// runs because the features were found: that is why every function below may use them.
#[derive(Clone, Copy)]
struct Words(__m512i);

/// Defines safe methods of [`Words`] that are one intrinsic each.
macro_rules! intrinsics {
    ($($name:ident $(<$constant:ident: $kind:ty>)? ($($argument:ident),*) = $intrinsic:ident;)*) => {
        $(
            #[inline(always)]
            fn $name $(<const $constant: $kind>)? (self $(, $argument: Words)*) -> Words {
                // SAFETY: the intrinsic computes on registers; it needs features of the CPU only, which are there (see `Words`).
                Words(unsafe { $intrinsic $(::<$constant>)? (self.0 $(, $argument.0)*) })
            }
        )*
    };
}

impl Words {
    intrinsics! {
        add(o) = _mm512_add_epi64;
        sub(o) = _mm512_sub_epi64;
        and(o) = _mm512_and_si512;
        or(o) = _mm512_or_si512;
        shift_left<BITS: u32>() = _mm512_slli_epi64;
        shift_right<BITS: u32>() = _mm512_srli_epi64;
        shift_right_signed<BITS: u32>() = _mm512_srai_epi64;
        // `self` plus the low or high 52 bits of the 104-bit product of the low 52 bits of `a` and `b`.
        add_low(a, b) = _mm512_madd52lo_epu64;
        add_high(a, b) = _mm512_madd52hi_epu64;
        unpack_low(o) = _mm512_unpacklo_epi64;
        unpack_high(o) = _mm512_unpackhi_epi64;
        shuffle_quarters<SELECT: i32>(o) = _mm512_shuffle_i64x2;
        select_from_two(index, o) = _mm512_permutex2var_epi64;
    }

    #[inline(always)]
    fn splat(word: u64) -> Words {
        // SAFETY: as for the other intrinsics.
        Words(unsafe { _mm512_set1_epi64(word as i64) })
    }

    #[inline(always)]
    fn from_array(words: [u64; 8]) -> Words {
        // SAFETY: the source is 64 bytes long. Otherwise as for the other intrinsics.
        Words(unsafe { _mm512_loadu_si512(words.as_ptr().cast()) })
    }

    /// The lowest 52 bits.
    #[inline(always)]
    fn limb(self) -> Words {
        self.and(Words::splat(MASK52))
    }

    /// What exceeds 52 bits, with the sign.
    #[inline(always)]
    fn carry(self) -> Words {
        self.shift_right_signed::<52>()
    }

    #[inline(always)]
    fn subtract_where(self, lanes: __mmask8, o: Words) -> Words {
        // SAFETY: as for the other intrinsics.
        Words(unsafe { _mm512_mask_sub_epi64(self.0, lanes, self.0, o.0) })
    }

    #[inline(always)]
    fn is_zero(self) -> __mmask8 {
        // SAFETY: as for the other intrinsics.
        unsafe { _mm512_testn_epi64_mask(self.0, self.0) }
    }

    #[inline(always)]
    fn equals(self, o: Words) -> __mmask8 {
        // SAFETY: as for the other intrinsics.
        unsafe { _mm512_cmpeq_epi64_mask(self.0, o.0) }
    }

    #[inline(always)]
    fn exceeds(self, o: Words) -> __mmask8 {
        // SAFETY: as for the other intrinsics.
        unsafe { _mm512_cmpgt_epu64_mask(self.0, o.0) }
    }
}

/// The modulus has the limbs 1, 0, 0, `P3`, `P4`.
const P3: u64 = 17 << 36;
const P4: u64 = 1 << 43;

/// Eight elements.
#[derive(Clone, Copy)]
struct Ifma([Words; 5]);

#[inline(always)]
fn limbwise_sum(a: &[Words; 5], b: &[Words; 5]) -> [Words; 5] {
    [a[0].add(b[0]), a[1].add(b[1]), a[2].add(b[2]), a[3].add(b[3]), a[4].add(b[4])]
}

#[inline(always)]
fn limbwise_difference(a: &[Words; 5], b: &[Words; 5]) -> [Words; 5] {
    [a[0].sub(b[0]), a[1].sub(b[1]), a[2].sub(b[2]), a[3].sub(b[3]), a[4].sub(b[4])]
}

/// Carries, so that all limbs but the top one are in `[0, 2^52)`; and so is the top one if `0 ≤ v < 2^260`.
#[inline(always)]
fn carried([l0, l1, l2, l3, l4]: [Words; 5]) -> Ifma {
    let l1 = l1.add(l0.carry());
    let l2 = l2.add(l1.carry());
    let l3 = l3.add(l2.carry());
    let l4 = l4.add(l3.carry());
    Ifma([l0.limb(), l1.limb(), l2.limb(), l3.limb(), l4])
}

/// Subtracts `q·p` with `q = ⌊(l4 − 128)/2^43⌋`, for limbs of magnitude below `2^58`: what remains is positive and below
/// `2^251 + 2^217`. (The lower limbs are together below `2^215` in magnitude, `|q| < 2^15` and thus `|q|·(17·2^192 + 1) < 2^212`, and
/// `128 ≤ l4 − q·2^43 < 128 + 2^43`; `128·2^208 = 2^215` exceeds the former two: `2^58·(2^156 + …) + 2^212 < 2^214.3`.)
#[inline(always)]
fn subtract_multiple([l0, l1, l2, l3, l4]: [Words; 5]) -> [Words; 5] {
    let q = l4.sub(Words::splat(128)).shift_right_signed::<43>();
    let shifted = q.shift_left::<36>();
    [l0.sub(q), l1, l2, l3.sub(shifted).sub(shifted.shift_left::<4>()), l4.sub(q.shift_left::<43>())]
}

/// Columns of the product: column `k` is a sum of at most nine 52-bit numbers, on top of `start`.
#[inline(always)]
fn multiply(a: &[Words; 5], b: &[Words; 5], start: [Words; 10]) -> [Words; 10] {
    let mut t = start;
    for i in 0..5 {
        for j in 0..5 {
            t[i + j] = t[i + j].add_low(a[i], b[j]);
            t[i + j + 1] = t[i + j + 1].add_high(a[i], b[j]);
        }
    }
    t
}

/// `2^260·p` as columns: in the product from the start, it keeps the result of [`reduce`] positive.
#[inline(always)]
fn modulus_above() -> [Words; 10] {
    let mut columns = [Words::splat(0); 10];
    columns[5] = Words::splat(1);
    columns[8] = Words::splat(P3);
    columns[9] = Words::splat(P4);
    columns
}

/// Most products in one sum.
const MAX_PRODUCTS: usize = 8;

/// `(T − M·p)/2^260` for the columns of `T`, each below `2^59`. `M` has the limbs `m_i`, of which the instructions see the lowest 52
/// bits: as `p` is 1 in its lowest limb, `m_i` is the limb that stands at `i` when its turn comes, and subtracting
/// `m_i·p` leaves nothing of it but its carry.
#[inline(always)]
fn reduce(t: [Words; 10]) -> Ifma {
    let zero = Words::splat(0);
    let p3 = Words::splat(P3);
    let p4 = Words::splat(P4);
    let m0 = t[0];
    let m1 = t[1].add(m0.carry());
    let m2 = t[2].add(m1.carry());
    let m3 = t[3].add(m2.carry()).sub(zero.add_low(m0, p3));
    let m4 = t[4].add(m3.carry()).sub(zero.add_high(m0, p3).add_low(m0, p4).add_low(m1, p3));
    let n5 = zero.add_high(m0, p4).add_high(m1, p3).add_low(m1, p4).add_low(m2, p3);
    let n6 = zero.add_high(m1, p4).add_high(m2, p3).add_low(m2, p4).add_low(m3, p3);
    let n7 = zero.add_high(m2, p4).add_high(m3, p3).add_low(m3, p4).add_low(m4, p3);
    let n8 = zero.add_high(m3, p4).add_high(m4, p3).add_low(m4, p4);
    let n9 = zero.add_high(m4, p4);
    carried([t[5].sub(n5).add(m4.carry()), t[6].sub(n6), t[7].sub(n7), t[8].sub(n8), t[9].sub(n9)])
}

/// Words of Montgomery forms, least significant first, to limbs of sixteen times as much.
#[inline(always)]
fn from_words([w0, w1, w2, w3]: [Words; 4]) -> Ifma {
    Ifma([
        w0.shift_left::<4>().limb(),
        w0.shift_right::<48>().or(w1.shift_left::<16>()).limb(),
        w1.shift_right::<36>().or(w2.shift_left::<28>()).limb(),
        w2.shift_right::<24>().or(w3.shift_left::<40>()).limb(),
        w3.shift_right::<12>(),
    ])
}

/// Loose values to words of fully reduced Montgomery forms, least significant first.
#[inline(always)]
fn into_words(value: Ifma) -> [Words; 4] {
    // Adding m·p makes the value divisible by 16; the quotient is below (2^251 + 2^217 + 15p)/16 < p + 2^214.
    let [l0, l1, l2, l3, l4] = subtract_multiple(value.0);
    let m = Words::splat(0).sub(l0).and(Words::splat(15));
    let shifted = m.shift_left::<36>();
    let l3 = l3.add(shifted).add(shifted.shift_left::<4>());
    let Ifma([l0, l1, l2, l3, l4]) = carried([l0.add(m), l1, l2, l3, l4.add(m.shift_left::<43>())]);
    let w0 = l0.shift_right::<4>().or(l1.shift_left::<48>());
    let w1 = l1.shift_right::<16>().or(l2.shift_left::<36>());
    let w2 = l2.shift_right::<28>().or(l3.shift_left::<24>());
    let w3 = l3.shift_right::<40>().or(l4.shift_left::<12>());
    // So p is subtracted once at most: 1 from the lowest word, with its borrow, and the rest from the highest.
    let top = Words::splat(MODULUS[0]);
    let one = Words::splat(1);
    let low_is_zero = w0.or(w1).or(w2).is_zero();
    let exceeding = w3.exceeds(top) | (w3.equals(top) & !low_is_zero);
    let borrow0 = exceeding & w0.is_zero();
    let borrow1 = borrow0 & w1.is_zero();
    let borrow2 = borrow1 & w2.is_zero();
    [
        w0.subtract_where(exceeding, one),
        w1.subtract_where(borrow0, one),
        w2.subtract_where(borrow1, one),
        w3.subtract_where(exceeding, top).subtract_where(borrow2, one),
    ]
}

/// Four registers of two elements each, as they lie in memory (most significant word first), to words. The order of lanes is that of
/// the shuffles; [`from_lanes`] undoes it.
#[inline(always)]
fn into_lanes([a, b, c, d]: [Words; 4]) -> Ifma {
    let (low0, low1) = (a.unpack_low(b), c.unpack_low(d));
    let (high0, high1) = (a.unpack_high(b), c.unpack_high(d));
    from_words([
        high0.shuffle_quarters::<0b11_01_11_01>(high1),
        low0.shuffle_quarters::<0b11_01_11_01>(low1),
        high0.shuffle_quarters::<0b10_00_10_00>(high1),
        low0.shuffle_quarters::<0b10_00_10_00>(low1),
    ])
}

/// The way back of [`into_lanes`], of loose values.
#[inline(always)]
fn from_lanes(value: Ifma) -> [Words; 4] {
    let [w0, w1, w2, w3] = into_words(value);
    let first = Words::from_array([0, 1, 8, 9, 2, 3, 10, 11]);
    let second = Words::from_array([4, 5, 12, 13, 6, 7, 14, 15]);
    let (upper0, upper1) = (w3.unpack_low(w2), w3.unpack_high(w2));
    let (lower0, lower1) = (w1.unpack_low(w0), w1.unpack_high(w0));
    [
        upper0.select_from_two(first, lower0),
        upper1.select_from_two(first, lower1),
        upper0.select_from_two(second, lower0),
        upper1.select_from_two(second, lower1),
    ]
}

/// All elements of eight equal limbs.
#[inline(always)]
fn splat([l0, l1, l2, l3, l4]: [u64; 5]) -> Ifma {
    Ifma([Words::splat(l0), Words::splat(l1), Words::splat(l2), Words::splat(l3), Words::splat(l4)])
}

impl Packed for Ifma {
    const WIDTH: usize = 8;

    #[inline(always)]
    fn load(src: &[Felt]) -> Self {
        assert!(src.len() >= 8, "eight elements to load");
        let pointer = src.as_ptr().cast::<__m512i>();
        let mut pairs = [Words::splat(0); 4];
        for (i, pair) in pairs.iter_mut().enumerate() {
            // SAFETY: `src` has eight elements of 32 bytes (see `memory`), that is four times 64 bytes, and `i < 4`. No alignment is
            // needed.
            *pair = Words(unsafe { _mm512_loadu_si512(pointer.add(i)) });
        }
        into_lanes(pairs)
    }

    #[inline(always)]
    fn store(self, dst: &mut [Felt]) {
        assert!(dst.len() >= 8, "eight elements to store");
        let pointer = dst.as_mut_ptr().cast::<__m512i>();
        for (i, pair) in from_lanes(self).iter().enumerate() {
            // SAFETY: `dst` has eight elements of 32 bytes (see `memory`), that is four times 64 bytes, and `i < 4`. No alignment is
            // needed, and any bytes are elements as far as memory safety goes; these are reduced ones.
            unsafe { _mm512_storeu_si512(pointer.add(i), pair.0) };
        }
    }

    #[inline(always)]
    fn broadcast(x: &Felt) -> Self {
        splat(limbs52(x))
    }

    #[inline(always)]
    fn add(self, o: Self) -> Self {
        carried(subtract_multiple(limbwise_sum(&self.0, &o.0)))
    }

    #[inline(always)]
    fn sub(self, o: Self) -> Self {
        carried(subtract_multiple(limbwise_difference(&self.0, &o.0)))
    }

    #[inline(always)]
    fn neg(self) -> Self {
        carried(subtract_multiple(limbwise_difference(&[Words::splat(0); 5], &self.0)))
    }

    #[inline(always)]
    fn mul(self, o: Self) -> Self {
        reduce(multiply(&self.0, &o.0, modulus_above()))
    }

    #[inline(always)]
    fn sum_of_products<const N: usize>(a: [Self; N], b: [Self; N]) -> Self {
        const { assert!(N <= MAX_PRODUCTS) };
        let mut t = modulus_above();
        for i in 0..N {
            t = multiply(&a[i].0, &b[i].0, t);
        }
        reduce(t)
    }

    #[inline(always)]
    fn square(self) -> Self {
        let a = self.0;
        let mut t = [Words::splat(0); 10];
        for i in 0..5 {
            for j in i + 1..5 {
                t[i + j] = t[i + j].add_low(a[i], a[j]);
                t[i + j + 1] = t[i + j + 1].add_high(a[i], a[j]);
            }
        }
        let above = modulus_above();
        for k in 0..10 {
            t[k] = t[k].add(t[k]).add(above[k]);
        }
        for i in 0..5 {
            t[2 * i] = t[2 * i].add_low(a[i], a[i]);
            t[2 * i + 1] = t[2 * i + 1].add_high(a[i], a[i]);
        }
        reduce(t)
    }

    #[inline(always)]
    fn double(self) -> Self {
        self.add(self)
    }
}

impl Kernel for Ifma {
    const LAYERS: u32 = 12;

    #[inline(always)]
    fn load_strided(src: &[Felt], stride: usize) -> Self {
        assert!(src.len() / 7 >= stride && src.len() > 7 * stride, "eight elements to load");
        let pointer = src.as_ptr();
        let mut pairs = [Words::splat(0); 4];
        for (i, pair) in pairs.iter_mut().enumerate() {
            // SAFETY: `i < 4`, so the indices are at most `7·stride`, and `src` is longer than that; an element has 32 bytes (see `memory`).
            // No alignment is needed.
            *pair = Words(unsafe {
                let low = _mm256_loadu_si256(pointer.add(2 * i * stride).cast());
                let high = _mm256_loadu_si256(pointer.add((2 * i + 1) * stride).cast());
                _mm512_inserti64x4::<1>(_mm512_castsi256_si512(low), high)
            });
        }
        into_lanes(pairs)
    }

    #[inline(always)]
    fn store_strided(self, dst: &mut [Felt], stride: usize) {
        assert!(dst.len() / 7 >= stride && dst.len() > 7 * stride, "eight elements to store");
        let pointer = dst.as_mut_ptr();
        for (i, pair) in from_lanes(self).iter().enumerate() {
            // SAFETY: `i < 4`, so the indices are at most `7·stride`, and `dst` is longer than that; an element has 32 bytes (see `memory`).
            // No alignment is needed, and any bytes are elements as far as memory safety goes; these are reduced ones.
            unsafe {
                _mm256_storeu_si256(pointer.add(2 * i * stride).cast(), _mm512_castsi512_si256(pair.0));
                _mm256_storeu_si256(pointer.add((2 * i + 1) * stride).cast(), _mm512_extracti64x4_epi64::<1>(pair.0));
            }
        }
    }

    #[inline(always)]
    fn constant(constants: &Constants, index: usize) -> Self {
        splat(constants.limbs52[index])
    }

    #[inline(always)]
    fn butterfly(a: Self, b: Self, w: Self) -> (Self, Self) {
        plus_minus(a, carried(b.0).mul(w))
    }

    #[inline(always)]
    fn butterfly_one(a: Self, b: Self) -> (Self, Self) {
        plus_minus(a, b.tighten())
    }

    #[inline(always)]
    fn scale(self, o: Self) -> Self {
        carried(self.0).mul(o)
    }

    #[inline(always)]
    fn tighten(self) -> Self {
        carried(subtract_multiple(self.0))
    }
}

/// `(a + b, a − b)` for a loose `a` and `b < 4p` with limbs in `[0, 2^52)`.
#[inline(always)]
fn plus_minus(Ifma(a): Ifma, Ifma(b): Ifma) -> (Ifma, Ifma) {
    let [l0, l1, l2, l3, l4] = limbwise_difference(&a, &b);
    let (above0, above3, above4) = (Words::splat(4), Words::splat(4 * P3), Words::splat(4 * P4));
    (Ifma(limbwise_sum(&a, &b)), Ifma([l0.add(above0), l1, l2, l3.add(above3), l4.add(above4)]))
}
