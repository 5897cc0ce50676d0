//! The kernel for AVX-512 IFMA: eight elements, five limbs of 52 bits.
//!
//! # Form and bounds
//!
//! A value `v = Σ l_i·2^(52i)` stands for the element whose Montgomery form `x` satisfies `v ≡ 16·x (mod p)`. So `v` is the Montgomery
//! form for `2^260`, which is what five limbs divide by, and passing to it is a shift by four bits.
//!
//! * *Ordinary* values have limbs in `[0, 2^52)` and `0 ≤ v < 2^256 < 32p`. All public operations take and give them.
//! * *Loose* values have signed limbs of magnitude below `2^60` and `0 ≤ v < 155p < 2^259`.
//!
//! **Product.** For `a < A·p` and `b < B·p` with limbs in `[0, 2^52)`, [`reduce`] gives `(a·b − M·p)/2^260 + p` for some `0 ≤ M < 2^260`,
//! which lies in `(0, (A·B/511 + 1)·p)`, as `p < 2^260/511`. Ordinary operands give less than `3.1p`; a loose first operand, its limbs
//! carried, and an ordinary second one less than `10.8p`.
//!
//! Up to eight products of ordinary values are summed up before [`reduce`]: their columns stay below `8·9·2^52 + 2^52 < 2^59`, and the
//! result below `(8·1024/512 + 1)·p = 17p`. In a [`Packed::Sum`] products may be negated, and up to 64 values come on top of
//! the upper columns, `136·2^52 < 2^60` in magnitude together: the result, from `−(17 + 64·32)p` to `(17 + 64·32)p`, is made ordinary as sums are.
//!
//! **Product with a constant.** The idea is Shoup's, of a quotient known in advance. For a constant `w`, let `n = −w mod p` as an integer
//! and `n' = ⌊n·2^260/p⌋`. For any `a < 2^260` the number `a·n'/2^260` is between `a·n/p − 1` and `a·n/p`. [`multiply_factor`] sums only
//! the upper five columns of `a·n'`; the lower ones have `9, 7, 5, 3, 1` numbers below `2^52` and add less than `9.01·2^260`, so their sum `q`
//! satisfies `a·n/p − 10.01 < q ≤ a·n/p`. Hence `(q + 5)·p − a·n`, which stands for `a·w`, is in `(−5.01p, 5p]`, and five limbs modulo
//! `2^260` say which number it is. Of `a·n` and `q·p` only the lower five columns are needed: 25 + 25 + 4 multiply-adds in all, where a
//! product takes 50 + 20. The four lowest sum eleven numbers at most and are left so, below `12·2^52`; together they are below `2^212`. The
//! highest one would be `t` with `|t| < 2^46` if it were not modulo `2^52`, and so it is that as a signed number.
//!
//! **Sums.** With `p = 2^251 + 17·2^192 + 1`, [`subtract_multiple`] subtracts `q·p` for a `q` read from the top limb such that what
//! remains is positive and below `2^251 + 2^219`. This makes sums, differences and loose values ordinary.
//!
//! **Transforms.** A butterfly adds at most `5.01p` to the value or takes it away, and at most `12·2^52` to a limb. An ordinary value, lifted by `61p`, is after twelve layers above `61p − 60.2p` and below
//! `32p + 61p + 60.2p`, and its limbs below `(2 + 12·12)·2^52 < 2^60`, what lifting adds included.

// Intrinsics and loads through pointers have no safe form; each use is argued below.
#![allow(unsafe_code)]

use super::kernel::{Constants, Kernel, MASK52, Prepared, limbs52};
use super::{MAX_PRODUCTS, MAX_VALUES, Packed, WithPacked};
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

/// Multiples of `p` that a value is lifted by, which is more than the butterflies take away.
const LIFT: u64 = 61;

/// Multiples of `p` that put products with a constant in the middle between signs.
const MIDDLE: u64 = 5;

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

/// Carries for products, which see the lowest 52 bits of a limb: the others are left.
#[inline(always)]
fn carries([l0, l1, l2, l3, l4]: [Words; 5]) -> [Words; 5] {
    let l1 = l1.add(l0.carry());
    let l2 = l2.add(l1.carry());
    let l3 = l3.add(l2.carry());
    [l0, l1, l2, l3, l4.add(l3.carry())]
}

/// Carries, so that all limbs but the top one are in `[0, 2^52)`; and so is the top one if `0 ≤ v < 2^260`.
#[inline(always)]
fn carried(limbs: [Words; 5]) -> Ifma {
    let [l0, l1, l2, l3, l4] = carries(limbs);
    Ifma([l0.limb(), l1.limb(), l2.limb(), l3.limb(), l4])
}

/// Subtracts `q·p` with `q = ⌊(l4 − 512)/2^43⌋`, for limbs of magnitude below `2^60`: what remains is positive and below
/// `2^251 + 2^219`. (The lower limbs are together below `2^216 + 2^165` in magnitude, `|q| ≤ 2^17 + 1` and thus `|q|·(17·2^192 + 1) < 2^214`,
/// and `512 ≤ l4 − q·2^43 < 512 + 2^43`; `512·2^208 = 2^217` exceeds the former two.)
#[inline(always)]
fn subtract_multiple([l0, l1, l2, l3, l4]: [Words; 5]) -> [Words; 5] {
    let q = l4.sub(Words::splat(512)).shift_right_signed::<43>();
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

/// A sum of products, in columns, and of values, at `2^260` and above. They are signed: products in them may have been negated.
#[derive(Clone, Copy)]
struct Columns([Words; 10]);

// The bounds of [`reduced`] and, with the four numbers that it takes from a column and a carry, of [`subtract_multiple`].
const _: () = assert!((9 * MAX_PRODUCTS + MAX_VALUES + 6) << 52 < 1 << 60);

// What transforms rely on: lifted values stay positive and, with their limbs, within bounds; 5.01 and 12 are those of products with a
// constant, and a unit in the last place of LIFT is far more than what lifting adds to a limb.
const _: () = assert!(501 * Ifma::LAYERS as u64 <= 100 * LIFT && 32 + LIFT + 501 * Ifma::LAYERS as u64 / 100 < 155);
const _: () = assert!((2 + 12 * Ifma::LAYERS as u64) << 52 < 1 << 60 && MIDDLE == 5);

/// [`reduced`] and carried.
#[inline(always)]
fn reduce(t: [Words; 10]) -> Ifma {
    carried(reduced(t))
}

/// `(T − M·p)/2^260` for the columns of `T`, each below `2^60` in magnitude. `M` has the limbs `m_i`, of which the instructions see the lowest
/// 52 bits: as `p` is 1 in its lowest limb, `m_i` is the limb that stands at `i` when its turn comes, and subtracting
/// `m_i·p` leaves nothing of it but its carry.
#[inline(always)]
fn reduced(t: [Words; 10]) -> [Words; 5] {
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
    [t[5].sub(n5).add(m4.carry()), t[6].sub(n6), t[7].sub(n7), t[8].sub(n8), t[9].sub(n9)]
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

/// Words to limbs of the same number.
#[inline(always)]
fn from_draft([w0, w1, w2, w3]: [Words; 4]) -> Ifma {
    Ifma([
        w0.limb(),
        w0.shift_right::<52>().or(w1.shift_left::<12>()).limb(),
        w1.shift_right::<40>().or(w2.shift_left::<24>()).limb(),
        w2.shift_right::<28>().or(w3.shift_left::<36>()).limb(),
        w3.shift_right::<16>(),
    ])
}

/// Ordinary values to words of the same number, which they fit.
#[inline(always)]
fn into_draft(Ifma([l0, l1, l2, l3, l4]): Ifma) -> [Words; 4] {
    [
        l0.or(l1.shift_left::<52>()),
        l1.shift_right::<12>().or(l2.shift_left::<40>()),
        l2.shift_right::<24>().or(l3.shift_left::<28>()),
        l3.shift_right::<36>().or(l4.shift_left::<16>()),
    ]
}

/// Loose values to words of fully reduced Montgomery forms, least significant first.
#[inline(always)]
fn into_words(limbs: [Words; 5]) -> [Words; 4] {
    // Adding m·p makes the value divisible by 16; the quotient is below (2^251 + 2^219 + 15p)/16 < p + 2^215.
    let [l0, l1, l2, l3, l4] = subtract_multiple(limbs);
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

/// Four registers of two elements each, as they lie in memory (most significant word first), to words, least significant first. The
/// order of lanes is that of the shuffles; [`from_lanes`] undoes it.
#[inline(always)]
fn into_lanes([a, b, c, d]: [Words; 4]) -> [Words; 4] {
    let (low0, low1) = (a.unpack_low(b), c.unpack_low(d));
    let (high0, high1) = (a.unpack_high(b), c.unpack_high(d));
    [
        high0.shuffle_quarters::<0b11_01_11_01>(high1),
        low0.shuffle_quarters::<0b11_01_11_01>(low1),
        high0.shuffle_quarters::<0b10_00_10_00>(high1),
        low0.shuffle_quarters::<0b10_00_10_00>(low1),
    ]
}

/// The way back of [`into_lanes`].
#[inline(always)]
fn from_lanes([w0, w1, w2, w3]: [Words; 4]) -> [Words; 4] {
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

/// Words of eight elements next to each other.
#[inline(always)]
fn load_words(src: &[Felt]) -> [Words; 4] {
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

/// Words of eight elements, lane `l` from `src[l·stride]`.
#[inline(always)]
fn load_words_strided(src: &[Felt], stride: usize) -> [Words; 4] {
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

/// Writes words of eight elements next to each other.
#[inline(always)]
fn store_words(words: [Words; 4], dst: &mut [Felt]) {
    assert!(dst.len() >= 8, "eight elements to store");
    let pointer = dst.as_mut_ptr().cast::<__m512i>();
    for (i, pair) in from_lanes(words).iter().enumerate() {
        // SAFETY: `dst` has eight elements of 32 bytes (see `memory`), that is four times 64 bytes, and `i < 4`. No alignment is
        // needed, and any bytes are elements as far as memory safety goes.
        unsafe { _mm512_storeu_si512(pointer.add(i), pair.0) };
    }
}

/// Writes words of eight elements, lane `l` to `dst[l·stride]`.
#[inline(always)]
fn store_words_strided(words: [Words; 4], dst: &mut [Felt], stride: usize) {
    assert!(dst.len() / 7 >= stride && dst.len() > 7 * stride, "eight elements to store");
    let pointer = dst.as_mut_ptr();
    for (i, pair) in from_lanes(words).iter().enumerate() {
        // SAFETY: `i < 4`, so the indices are at most `7·stride`, and `dst` is longer than that; an element has 32 bytes (see `memory`).
        // No alignment is needed, and any bytes are elements as far as memory safety goes.
        unsafe {
            _mm256_storeu_si256(pointer.add(2 * i * stride).cast(), _mm512_castsi512_si256(pair.0));
            _mm256_storeu_si256(pointer.add((2 * i + 1) * stride).cast(), _mm512_extracti64x4_epi64::<1>(pair.0));
        }
    }
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
        from_words(load_words(src))
    }

    #[inline(always)]
    fn store(self, dst: &mut [Felt]) {
        store_words(into_words(self.0), dst);
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

    type Sum = Columns;

    #[inline(always)]
    fn empty_sum() -> Columns {
        Columns([Words::splat(0); 10])
    }

    #[inline(always)]
    fn add_product(sum: Columns, a: Self, b: Self) -> Columns {
        Columns(multiply(&a.0, &b.0, sum.0))
    }

    #[inline(always)]
    fn negate_sum(sum: Columns) -> Columns {
        let mut columns = sum.0;
        for column in &mut columns {
            *column = Words::splat(0).sub(*column);
        }
        Columns(columns)
    }

    #[inline(always)]
    fn add_value(sum: Columns, a: Self) -> Columns {
        let [t0, t1, t2, t3, t4, t5, t6, t7, t8, t9] = sum.0;
        let [t5, t6, t7, t8, t9] = limbwise_sum(&[t5, t6, t7, t8, t9], &a.0);
        Columns([t0, t1, t2, t3, t4, t5, t6, t7, t8, t9])
    }

    #[inline(always)]
    fn subtract_value(sum: Columns, a: Self) -> Columns {
        let [t0, t1, t2, t3, t4, t5, t6, t7, t8, t9] = sum.0;
        let [t5, t6, t7, t8, t9] = limbwise_difference(&[t5, t6, t7, t8, t9], &a.0);
        Columns([t0, t1, t2, t3, t4, t5, t6, t7, t8, t9])
    }

    #[inline(always)]
    fn total(sum: Columns) -> Self {
        carried(subtract_multiple(reduced(sum.0)))
    }

    #[inline(always)]
    fn total_of_values(sum: Columns) -> Self {
        let [_, _, _, _, _, t5, t6, t7, t8, t9] = sum.0;
        carried(subtract_multiple([t5, t6, t7, t8, t9]))
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

/// A loose value.
#[derive(Clone, Copy)]
struct Loose([Words; 5]);

/// A constant `w` in all lanes, prepared for products: the limbs of [`Prepared`].
#[derive(Clone, Copy)]
struct Factor {
    complement: [Words; 5],
    quotient: [Words; 5],
}

/// `a·w` in `(−5.01p, 5p]`, its limbs not carried: those below the top one from 0 to `12·2^52`. Of the limbs of `a` the lowest 52 bits
/// count. Low and high halves have columns of their own, so that no more than five multiply-adds wait for each other, and the columns
/// come in the order in which they are needed: that makes it a tenth faster.
#[inline(always)]
fn multiply_factor(a: [Words; 5], w: &Factor) -> [Words; 5] {
    let zero = Words::splat(0);
    let (mut low, mut high) = ([zero; 5], [zero; 5]);
    high[0] = Words::splat(MIDDLE);
    for (k, (low, high)) in low.iter_mut().zip(&mut high).enumerate() {
        for (i, a) in a.iter().enumerate() {
            if i > k {
                *low = low.add_low(*a, w.quotient[k + 5 - i]);
            }
            if i >= k {
                *high = high.add_high(*a, w.quotient[k + 4 - i]);
            }
        }
    }
    let (p3, p4) = (Words::splat(P3), Words::splat(P4));
    let q0 = low[0].add(high[0]);
    let q1 = low[1].add(high[1]).add(q0.shift_right::<52>());
    low[0] = q0;
    for (k, (low, high)) in low.iter_mut().zip(&mut high).enumerate() {
        for (i, a) in a.iter().enumerate() {
            if i <= k {
                *low = low.add_low(*a, w.complement[k - i]);
            }
            if i < k {
                *high = high.add_high(*a, w.complement[k - 1 - i]);
            }
        }
    }
    low[3] = low[3].add_low(q0, p3);
    low[4] = low[4].add_low(q0, p4);
    high[4] = high[4].add_high(q0, p3);
    let top = low[4].add(high[4]).add(zero.add_low(q1, p3));
    [
        low[0],
        low[1].add(high[1]),
        low[2].add(high[2]),
        low[3].add(high[3]),
        top.shift_left::<12>().shift_right_signed::<12>(),
    ]
}

impl Kernel for Ifma {
    const LAYERS: u32 = 12;

    type Loose = Loose;

    type Factor = Factor;

    #[inline(always)]
    fn load_strided(src: &[Felt], stride: usize) -> Self {
        from_words(load_words_strided(src, stride))
    }

    #[inline(always)]
    fn factor(constants: &Constants, index: usize) -> Factor {
        let Prepared { complement, quotient } = constants.prepared[index];
        Factor { complement: splat(complement).0, quotient: splat(quotient).0 }
    }

    #[inline(always)]
    fn loosen(self) -> Loose {
        let [l0, l1, l2, l3, l4] = self.0;
        Loose([l0.add(Words::splat(LIFT)), l1, l2, l3.add(Words::splat(LIFT * P3)), l4.add(Words::splat(LIFT * P4))])
    }

    #[inline(always)]
    fn butterfly(Loose(a): Loose, Loose(b): Loose, w: Factor) -> (Loose, Loose) {
        let b = multiply_factor(carries(b), &w);
        (Loose(limbwise_sum(&a, &b)), Loose(limbwise_difference(&a, &b)))
    }

    #[inline(always)]
    fn butterfly_one(Loose(a): Loose, b: Loose) -> (Loose, Loose) {
        let Ifma(b) = Self::tighten(b);
        (Loose(limbwise_sum(&a, &b)), Loose(limbwise_difference(&a, &b)))
    }

    #[inline(always)]
    fn tighten(value: Loose) -> Self {
        carried(subtract_multiple(value.0))
    }

    #[inline(always)]
    fn scale(value: Loose, o: Self) -> Self {
        Ifma(carries(value.0)).mul(o)
    }

    #[inline(always)]
    fn scale_by(value: Loose, w: Factor) -> Self {
        carried(subtract_multiple(multiply_factor(carries(value.0), &w)))
    }

    #[inline(always)]
    fn load_draft(src: &[Felt]) -> Self {
        from_draft(load_words(src))
    }

    #[inline(always)]
    fn load_strided_draft(src: &[Felt], stride: usize) -> Self {
        from_draft(load_words_strided(src, stride))
    }

    #[inline(always)]
    fn store_draft(self, dst: &mut [Felt]) {
        store_words(into_draft(self), dst);
    }

    #[inline(always)]
    fn store_strided_draft(self, dst: &mut [Felt], stride: usize) {
        store_words_strided(into_draft(self), dst, stride);
    }

    #[inline(always)]
    fn store_loose(value: Loose, dst: &mut [Felt]) {
        store_words(into_words(value.0), dst);
    }

    #[inline(always)]
    fn store_strided(value: Loose, dst: &mut [Felt], stride: usize) {
        store_words_strided(into_words(value.0), dst, stride);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMB: i64 = 1 << 52;

    /// Limbs of eight lanes.
    type Lanes = [[i64; 5]; 8];

    fn packed(lanes: &Lanes) -> [Words; 5] {
        [0, 1, 2, 3, 4].map(|i| Words::from_array(lanes.map(|limbs| limbs[i] as u64)))
    }

    fn unpacked(limbs: &[Words; 5]) -> Lanes {
        let limbs = limbs.map(|limb| {
            let mut lanes = [0i64; 8];
            // SAFETY: the target is 64 bytes long; the tests run where the features are.
            unsafe { _mm512_storeu_si512(lanes.as_mut_ptr().cast(), limb.0) };
            lanes
        });
        [0, 1, 2, 3, 4, 5, 6, 7].map(|lane| limbs.map(|limb| limb[lane]))
    }

    /// The elements for which limbs stand, by lambdaworks.
    fn elements(lanes: &Lanes) -> Vec<Felt> {
        let inverse = crate::scalar::inverse(&Felt::from(2).pow(260u64));
        let element = |limbs: &[i64; 5]| {
            limbs.iter().rev().fold(Felt::zero(), |sum, limb| {
                let magnitude = Felt::from(limb.unsigned_abs());
                sum * Felt::from(1u64 << 52) + if *limb < 0 { -magnitude } else { magnitude }
            }) * inverse
        };
        lanes.iter().map(element).collect()
    }

    /// Limbs of every sign and of magnitudes at or below `lower`, such that the value is from 0 to `top·2^208`.
    fn extremes(lower: i64, top: i64) -> Vec<Lanes> {
        let mut state = 1u64;
        let mut all = Vec::new();
        for signs in 0..32 {
            all.push([0, 1, 2, 3, 4, 5, 6, 7].map(|lane| {
                let mut limbs = [lower; 5];
                for (i, limb) in limbs.iter_mut().enumerate() {
                    state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
                    let random = (state >> 2) as i64;
                    let less = [0, 1, LIMB, random, random % LIMB, LIMB - 1, 3, random & 1];
                    *limb = (*limb - less[lane] % *limb) * if signs >> i & 1 == 1 { -1 } else { 1 };
                }
                // The lower limbs may be so much in units of the top one, either way.
                let rest = lower / LIMB + 2;
                limbs[4] = if signs >> 4 & 1 == 1 { top - rest } else { rest } + (lane as i64 - 4) % 2;
                limbs
            }));
        }
        all
    }

    fn ordinary() -> Vec<Lanes> {
        let mut all = extremes(LIMB - 1, 1 << 48);
        all.retain(|lanes| lanes.iter().flatten().all(|limb| *limb >= 0));
        all.push([[LIMB - 1, LIMB - 1, LIMB - 1, LIMB - 1, (1 << 48) - 1]; 8]);
        all.push([[0; 5]; 8]);
        all
    }

    fn loose() -> Vec<Lanes> {
        extremes(145 * LIMB, 155 << 43)
    }

    fn constants() -> Vec<Felt> {
        let mut constants =
            vec![Felt::zero(), Felt::one(), Felt::from(2), Felt::from(2).pow(192u64), Felt::from(3).pow(999u64)];
        constants.extend((0..5).map(|i| crate::scalar::from_limbs([u64::from(i > 2), 0, 0, crate::scalar::TOP >> i])));
        constants.extend(constants.clone().iter().map(|x| -x));
        constants
    }

    fn stored(value: Loose) -> Vec<Felt> {
        let (mut lanes, mut strided) = (vec![Felt::zero(); 8], vec![Felt::zero(); 50]);
        Ifma::store_loose(value, &mut lanes);
        Ifma::store_strided(value, &mut strided, 7);
        assert!(lanes.iter().all(|x| x.value().limbs < MODULUS), "not reduced");
        assert!(lanes.iter().eq(strided.iter().step_by(7)));
        // The order of lanes, see `into_lanes`.
        [0, 2, 1, 3, 4, 6, 5, 7].map(|lane| lanes[lane]).to_vec()
    }

    fn check(value: Ifma, expected: impl Iterator<Item = Felt>) {
        let lanes = unpacked(&value.0);
        assert!(lanes.iter().all(|limbs| limbs[..4].iter().all(|limb| (0..LIMB).contains(limb))), "{lanes:?}");
        assert!(lanes.iter().all(|limbs| (0..1 << 48).contains(&limbs[4])), "{lanes:?}");
        assert_eq!(elements(&lanes), expected.collect::<Vec<_>>());
    }

    fn with_kernel(test: fn()) {
        if Available::detect().is_some() {
            test();
        }
    }

    #[test]
    fn loose_values_at_the_bounds() {
        with_kernel(|| {
            for a in loose() {
                let (pa, ea) = (Loose(packed(&a)), elements(&a));
                assert_eq!(stored(pa), ea);
                check(Ifma::tighten(pa), ea.iter().copied());
                for b in ordinary() {
                    let (pb, eb) = (Ifma(packed(&b)), elements(&b));
                    check(Ifma::scale(pa, pb), ea.iter().zip(&eb).map(|(a, b)| a * b));
                }
                for w in constants() {
                    let factor = Ifma::factor(&Constants::from(vec![w]), 0);
                    check(Ifma::scale_by(pa, factor), ea.iter().map(|a| a * w));
                }
            }
        });
    }

    #[test]
    fn butterflies_stay_within_their_bounds() {
        with_kernel(|| {
            // What any five digits may be, and what is left of a loose value one layer below its bounds.
            let mut values = extremes(145 * LIMB, 511 << 43);
            values.push([[LIMB - 1; 5]; 8]);
            values.push([[0; 5]; 8]);
            let below = [[133 * LIMB, -133 * LIMB, 133 * LIMB, -133 * LIMB, 140 << 43]; 8];
            let ea = elements(&below);
            for b in values {
                let (pb, eb) = (Loose(packed(&b)), elements(&b));
                let (sum, difference) = Ifma::butterfly_one(Loose(packed(&below)), pb);
                assert!(stored(sum).iter().zip(&ea).zip(&eb).all(|((s, a), b)| *s == a + b));
                assert!(stored(difference).iter().zip(&ea).zip(&eb).all(|((d, a), b)| *d == a - b));
                for w in constants() {
                    let factor = Ifma::factor(&Constants::from(vec![w]), 0);
                    let product = unpacked(&multiply_factor(carries(pb.0), &factor));
                    for [l0, l1, l2, l3, l4] in product {
                        assert!([l0, l1, l2, l3].iter().all(|limb| (0..12 * LIMB).contains(limb)));
                        // From −5.01 to 5 times the highest limb of p, but for what the other limbs add to it.
                        let top = l4 + (l3 + (l2 >> 52)) / LIMB;
                        assert!((-(5 << 43) - (1 << 37)..=(5 << 43) + 1000).contains(&top), "{top}");
                    }
                    let (sum, difference) = Ifma::butterfly(Loose(packed(&below)), pb, factor);
                    assert!(stored(sum).iter().zip(&ea).zip(&eb).all(|((s, a), b)| *s == a + b * w));
                    assert!(stored(difference).iter().zip(&ea).zip(&eb).all(|((d, a), b)| *d == a - b * w));
                }
            }
        });
    }

    /// Zero in several forms, and values on either side of where the stored form wraps around.
    #[test]
    fn stores_around_multiples_of_the_modulus() {
        with_kernel(|| {
            for multiple in 0..155i64 {
                for (offset, shift) in [(0, 0), (1, 0), (-1, 0), (1, 3), (-1, 3), (16, 0), (-16, 0), (1, 2)] {
                    if multiple == 0 && offset < 0 {
                        continue;
                    }
                    let mut limbs = [multiple, 0, 0, multiple * P3 as i64, multiple * P4 as i64];
                    limbs[shift] += offset;
                    let lanes = [limbs; 8];
                    assert_eq!(stored(Loose(packed(&lanes))), elements(&lanes));
                }
            }
        });
    }

    #[test]
    fn drafts_are_what_was_stored() {
        with_kernel(|| {
            for lanes in ordinary() {
                let value = Ifma(packed(&lanes));
                let mut memory = [vec![Felt::zero(); 8], vec![Felt::zero(); 50]];
                value.store_draft(&mut memory[0]);
                value.store_strided_draft(&mut memory[1], 7);
                assert_eq!(unpacked(&Ifma::load_draft(&memory[0]).0), lanes);
                assert_eq!(unpacked(&Ifma::load_strided_draft(&memory[1], 7).0), lanes);
                check(Ifma::tighten(value.loosen()), elements(&lanes).into_iter());
            }
        });
    }
}
