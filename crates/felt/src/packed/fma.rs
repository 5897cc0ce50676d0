//! The kernel of fused multiplication and addition: five limbs of 51 bits, held as floating-point numbers.
//!
//! AVX2 and WebAssembly multiply integers of 32 bits only, but FMA gives the exact product of 53-bit significands in two parts (N. Emmart, "Faster
//! modular exponentiation using double precision floating point arithmetic on the GPU", ARITH 2018). Here limbs are signed, so that
//! rounding to nearest, Rust's only mode, suits them, and the high parts of a column add up inside the instructions.
//!
//! Two registers at a time keep the multipliers busy where one would wait for its own results. What a register is, and how elements
//! come into it, is of each machine: `avx2` has eight elements in two of them, `relaxed` four.
//!
//! # Form and bounds
//!
//! A value `v = Σ l_i·2^(51i)` stands for the element whose Montgomery form `x` satisfies `2v ≡ x (mod p)`. So `v` is the Montgomery
//! form for `2^255`, which is what five limbs divide by. Limbs are integers.
//!
//! * *Ordinary* values have `|l_i| ≤ U = 2^50 + 2^43` for `i < 4` and `|v| < 2p`. Hence `|l_4| ≤ 2^48 + 1`, since the other limbs are
//!   together below `0.51·2^204`. All public operations take and give them.
//! * *Loose* values have `|l_i| ≤ 7U < 7.06·2^50` for `i < 4` and `|v| < 14p`. Hence `|l_4| < 2^51`.
//!
//! **Exactness.** An operation whose true result is a multiple of `2^k` and at most `2^(k+53)` in magnitude gives that result. Let
//! [`SPLIT`] be `S = 1.5·2^103`. Between `2^103` and `2^104` there are only multiples of `2^51`, so `S + s` for `|s| < 2^102` is rounded to
//! one, by at most `2^50`.
//!
//! **Columns.** [`Column`] adds up products in two parts: `high` is `S` plus a multiple of `2^51`, `low` is what rounding took away.
//!
//! * A product: `high' = high + a·b`, rounded. `high − high'` is a multiple of `2^51` below `2^103`, so it is exact. `a·b + (high − high')`
//!   is what rounding took away, an integer of at most `2^50`, so it is exact, too, and is added to `low`.
//! * `a·P3 + b·P4`, for the limbs `17·2^39` and `2^47` of the modulus, is subtracted in the same way, in two roundings: `d = high − high'`
//!   is exact. `d − b·P4` is a multiple of `2^47` and at most `|a·P3| + 2^51 < 2^97`, so it is exact, and so is `d − b·P4 − a·P3`, at most
//!   `2^51`.
//! * `a4·b4 − m_4·P4` likewise: the sum without `a4·b4` is a multiple of `2^47` below `2^97`.
//! * The carry to the next column is `(high − S)·2^-51`. [`Column::next`] computes `high·2^-51`, which is [`INTEGER`] more, and adds it
//!   to a `low` that is `INTEGER` less: `S − INTEGER` is a multiple of `2^51`, too, and all sums are integers below `2^53`.
//!
//! The columns of a product of ordinary values, with `U² < 1.016·2^100` and `U·(2^48 + 1) < 0.253·2^100`. In units of `2^100`: the products,
//! those with the modulus, and both. In units of `2^50`: `low` with the carry that came in, which is half the sum before. These are sums of
//! magnitudes, so they hold at every step.
//!
//! | column | products | modulus | sum below | `low` below |
//! |---|---|---|---|---|
//! | 0 | 1.016 | | 1.02 | `m_0`: 1 |
//! | 1 | 2.032 | | 2.04 | `m_1`: 2 + 0.51 |
//! | 2 | 3.048 | | 3.05 | `m_2`: 3 + 1.02 |
//! | 3, first half | 2.032 | | 2.04 | 2 + 1.53 |
//! | 3, second half | 2.032 | `m_0·P3`: 0.01 | 2.05 | 3, `m_3`: 5 + 1.53 |
//! | 4 | 3.554 | `m_0·P4 + m_1·P3`: 0.15 | 3.71 | 5 + 2.05; carried 1, and 2: `m_4`: 3 |
//! | 5 | 2.538 | `m_1·P4 + m_2·P3`: 0.35 | 2.89 | 6 + 1.86 |
//! | 6 | 1.522 | `m_2·P4 + m_3·P3`: 0.56 | 2.09 | 5 + 1.45 |
//! | 7 | 0.506 | `m_3·P4 + m_4·P3`: 0.85 | 1.36 | 4 + 1.05 |
//! | 8 | 0.063 | `m_4·P4`: 0.38 | 0.45 | 2 + 0.68 |
//! | 9 | | | | 0.23 |
//!
//! Every sum is below 4, that is `2^102`; column 3 would exceed it and is halved. Every `low` is below 8, that is `2^53`. (Carries
//! out of `low`, at most 4, and the roundings in a sum, at most `2^53`, do not show in these digits.)
//!
//! **Product.** The result is `(a·b − M·p)/2^255` with `|M| = |Σ m_k·2^(51k)| < 3.01·2^254`: below `4p²/2^255 + 1.51p < 2p` in magnitude.
//!
//! **Carries.** [`carried`] rounds every limb to a multiple of `2^51` and passes that on, all limbs at once: limbs below `2^53` end up
//! at `2^50 + 4` or less.
//!
//! **Sums.** [`subtract_multiple`] subtracts the multiple of `p` that the top limb shows to be nearest; at most `2^250 + 2^207` remains.
//! This makes sums, differences and loose values ordinary.
//!
//! **Transforms.** A butterfly adds an ordinary value to a loose one or subtracts it: six layers lead from ordinary to loose.

use super::kernel::{Constants, Kernel, limbs51};
use super::{Packed, sum_at_once};
use crate::Felt;
use crate::encoding::MODULUS;
pub(super) use registers::Available;
use registers::{Doubles, Words};

#[cfg_attr(target_arch = "x86_64", path = "fma/avx2.rs")]
#[cfg_attr(target_arch = "wasm32", path = "fma/relaxed.rs")]
mod registers;

impl Words {
    /// The lowest `BITS` bits.
    #[inline(always)]
    fn low<const BITS: u32>(self) -> Words {
        self.and(Words::splat((1 << BITS) - 1))
    }

    #[inline(always)]
    fn is_zero(self) -> Words {
        self.equals(Words::splat(0))
    }
}

impl Doubles {
    /// The nearest multiple of `2^51`, for magnitudes below `2^102`.
    #[inline(always)]
    fn above(self) -> Doubles {
        let split = Doubles::splat(SPLIT);
        self.add(split).sub(split)
    }
}

/// `1.5·2^103`: see the module.
const SPLIT: f64 = 1.5 * (1u128 << 103) as f64;

/// `1.5·2^52`: numbers from `2^52` to `2^53` are integers, and so are their bits but for the exponent. For an integer `|n| ≤ 2^51`, the
/// bits of `INTEGER + n` are those of `INTEGER` plus `n`.
const INTEGER: f64 = 1.5 * (1u64 << 52) as f64;

/// `2^-51`, from one limb to the next.
const NEXT: f64 = 1.0 / (1u64 << 51) as f64;

/// The modulus has the limbs 1, 0, 0, `P3`, `P4`.
const P3: f64 = (17u64 << 39) as f64;
const P4: f64 = (1u64 << 47) as f64;

/// As many elements as two registers have lanes.
#[derive(Clone, Copy)]
struct Fma([Doubles; 5]);

/// A value inside a transform.
#[derive(Clone, Copy)]
struct Loose([Doubles; 5]);

#[inline(always)]
fn limbwise_sum(a: &[Doubles; 5], b: &[Doubles; 5]) -> [Doubles; 5] {
    [a[0].add(b[0]), a[1].add(b[1]), a[2].add(b[2]), a[3].add(b[3]), a[4].add(b[4])]
}

#[inline(always)]
fn limbwise_difference(a: &[Doubles; 5], b: &[Doubles; 5]) -> [Doubles; 5] {
    [a[0].sub(b[0]), a[1].sub(b[1]), a[2].sub(b[2]), a[3].sub(b[3]), a[4].sub(b[4])]
}

/// Carries from limbs of magnitude below `2^53`: all but the top one are then at most `2^50 + 4`.
#[inline(always)]
fn carried([l0, l1, l2, l3, l4]: [Doubles; 5]) -> Fma {
    let next = Doubles::splat(NEXT);
    let (c0, c1, c2, c3) = (l0.above(), l1.above(), l2.above(), l3.above());
    Fma([
        l0.sub(c0),
        c0.multiply_add(next, l1.sub(c1)),
        c1.multiply_add(next, l2.sub(c2)),
        c2.multiply_add(next, l3.sub(c3)),
        c3.multiply_add(next, l4),
    ])
}

/// Subtracts `q·p` with the integer `q` nearest to `l4/2^47`, for loose values and sums of two ordinary ones. (`|q| ≤ 15`, so `q·17·2^39 <
/// 2^47` and no limb reaches `2^53`. `|l4 − q·2^47| ≤ 2^46`, the other limbs are together below `7.06·2^203·(1 + 2^-50)`, and `q·(17·2^192
/// + 1) < 2^200`: what remains is at most `2^250 + 2^207`.)
#[inline(always)]
fn subtract_multiple([l0, l1, l2, l3, l4]: [Doubles; 5]) -> [Doubles; 5] {
    let integer = Doubles::splat(INTEGER);
    let q = l4.multiply_add(Doubles::splat(1.0 / P4), integer).sub(integer);
    [
        l0.sub(q),
        l1,
        l2,
        q.multiply_subtract_from(Doubles::splat(P3), l3),
        q.multiply_subtract_from(Doubles::splat(P4), l4),
    ]
}

/// A sum of products: see the module.
#[derive(Clone, Copy)]
struct Column {
    high: Doubles,
    low: Doubles,
}

impl Column {
    #[inline(always)]
    fn of(a: Doubles, b: Doubles) -> Column {
        let split = Doubles::splat(SPLIT);
        let high = a.multiply_add(b, split);
        Column { high, low: a.multiply_add(b, split.sub(high)) }
    }

    #[inline(always)]
    fn add(self, a: Doubles, b: Doubles) -> Column {
        let high = a.multiply_add(b, self.high);
        Column { high, low: self.low.add(a.multiply_add(b, self.high.sub(high))) }
    }

    /// The column after this one: a product and the carry. `high·NEXT` contains `INTEGER`, which is taken away beforehand.
    #[inline(always)]
    fn next(self, a: Doubles, b: Doubles) -> Column {
        let high = a.multiply_add(b, Doubles::splat(SPLIT));
        let low = a.multiply_add(b, Doubles::splat(SPLIT - INTEGER).sub(high));
        Column { high, low: self.high.multiply_add(Doubles::splat(NEXT), low) }
    }

    /// Subtracts `a·P3`.
    #[inline(always)]
    fn sub_p3(self, a: Doubles) -> Column {
        let p3 = Doubles::splat(P3);
        let high = a.multiply_subtract_from(p3, self.high);
        Column { high, low: self.low.add(a.multiply_subtract_from(p3, self.high.sub(high))) }
    }

    /// Subtracts `a·P3 + b·P4`.
    #[inline(always)]
    fn sub_p3_p4(self, a: Doubles, b: Doubles) -> Column {
        let (p3, p4) = (Doubles::splat(P3), Doubles::splat(P4));
        let high = a.multiply_subtract_from(p3, b.multiply_subtract_from(p4, self.high));
        let low = a.multiply_subtract_from(p3, b.multiply_subtract_from(p4, self.high.sub(high)));
        Column { high, low: self.low.add(low) }
    }
}

/// `(T − M·p)/2^255` for the columns of a product `T`, each a list of products of limbs, column 3 in two halves. `M` has the limbs `m_k`:
/// as `p` is 1 in its lowest limb, `m_k` is what stands at `k` when its turn comes, and subtracting `m_k·p` leaves nothing of it. So only
/// `m_4` is carried, for the sake of bounds. (A macro, as lists of various lengths come out slower through arrays.)
macro_rules! reduced {
    (
        [$first0:tt] [$first1:tt $($more1:tt)*] [$first2:tt $($more2:tt)*]
        [$first3:tt $($more3:tt)*] and [$first3_too:tt $($more3_too:tt)*]
        [$first4:tt $($more4:tt)*] [$first5:tt $($more5:tt)*] [$first6:tt $($more6:tt)*]
        [$first7:tt $($more7:tt)*] [($a8:ident, $b8:ident)]
    ) => {{
        let (next, split, p4) = (Doubles::splat(NEXT), Doubles::splat(SPLIT), Doubles::splat(P4));
        let t0 = Column::of $first0;
        let m0 = t0.low;
        let t1 = t0.next $first1 $(.add $more1)*;
        let m1 = t1.low;
        let t2 = t1.next $first2 $(.add $more2)*;
        let m2 = t2.low;
        let t3 = t2.next $first3 $(.add $more3)*;
        let t3_too = (Column::of $first3_too $(.add $more3_too)*).sub_p3(m0);
        let m3 = t3.low.add(t3_too.low);
        let t4 = t3.next $first4 $(.add $more4)*;
        let low = t3_too.high.sub(split).multiply_add(next, t4.low);
        let carry = low.above();
        let t4 = Column { high: t4.high, low: low.sub(carry) }.sub_p3_p4(m1, m0);
        let m4 = t4.low;
        let t5 = (t4.next $first5 $(.add $more5)*).sub_p3_p4(m2, m1);
        let t6 = (t5.next $first6 $(.add $more6)*).sub_p3_p4(m3, m2);
        let t7 = (t6.next $first7 $(.add $more7)*).sub_p3_p4(m4, m3);
        // The product less m4·P4, at once, and the carry from the column before.
        let high = m4.multiply_subtract_from(p4, $a8.multiply_add($b8, split));
        let low = $a8.multiply_add($b8, m4.multiply_subtract_from(p4, Doubles::splat(SPLIT - INTEGER).sub(high)));
        let low = t7.high.multiply_add(next, low);
        let top = high.multiply_add(next, Doubles::splat(-INTEGER));
        carried([carry.multiply_add(next, t5.low), t6.low, t7.low, low, top])
    }};
}

/// Words of Montgomery forms, least significant first, to limbs of half as much.
#[inline(always)]
fn from_words([w0, w1, w2, w3]: [Words; 4]) -> Fma {
    // Digits of x: the lowest of 52 bits, the others of 51.
    let d0 = w0.low::<52>();
    let d1 = w0.shift_right::<52>().or(w1.shift_left::<12>()).low::<51>();
    let d2 = w1.shift_right::<39>().or(w2.shift_left::<25>()).low::<51>();
    let d3 = w2.shift_right::<26>().or(w3.shift_left::<38>()).low::<51>();
    let d4 = w3.shift_right::<13>();
    // A digit becomes signed as its highest bit goes to the next one: toggled, it is the offset by half the range. The bits of a number
    // between 2^52 and 2^53 are those of the integer below its exponent; between 2^51 and 2^52 those of twice the number.
    let half = Words::splat(0x432 << 52 | 1 << 51);
    let whole = Words::splat(0x433 << 52 | 1 << 50);
    let top = Words::splat(0x433 << 52);
    let offset = Doubles::splat(((1u64 << 52) + (1 << 50)) as f64);
    let l0 = d0.xor(half).as_doubles().sub(Doubles::splat(((1u64 << 51) + (1 << 50)) as f64));
    let l1 = d1.xor(whole).add(d0.shift_right::<51>()).as_doubles().sub(offset);
    let l2 = d2.xor(whole).add(d1.shift_right::<50>()).as_doubles().sub(offset);
    let l3 = d3.xor(whole).add(d2.shift_right::<50>()).as_doubles().sub(offset);
    let l4 = d4.or(top).add(d3.shift_right::<50>()).as_doubles().sub(Doubles::splat((1u64 << 52) as f64));
    // The half that l0 may have goes with half the modulus, which adds up to 17·2^38 < 2^43 to l3.
    let integer = Doubles::splat(INTEGER);
    let rounded = l0.add(integer).sub(integer);
    let half = l0.sub(rounded);
    Fma([
        rounded,
        l1,
        l2,
        half.multiply_subtract_from(Doubles::splat(P3), l3),
        half.multiply_subtract_from(Doubles::splat(P4), l4),
    ])
}

/// Loose values to words of fully reduced Montgomery forms, least significant first.
///
/// `q` is an integer from `l4/2^46 − 1 + 2^-40` to `l4/2^46 + 2^-40`, so `2v − q·p` is at least `−2^211` and at most `2^251 − 2^211` but
/// for the other limbs, below `7.06·2^204·(1 + 2^-50)`, and `q·(17·2^192 + 1)`, below `2^202` for `|q| ≤ 30`. So it is between `−2^212` and
/// `p`.
#[inline(always)]
fn into_words(Loose([l0, l1, l2, l3, l4]): Loose) -> [Words; 4] {
    // Exact, as multiples of 2^-46 below 2^6; the bits of the sum with INTEGER end in q.
    let quotient = l4.multiply_add(Doubles::splat(2.0 / P4), Doubles::splat(-0.5 + 1.0 / (1u64 << 40) as f64));
    let integer = Doubles::splat(INTEGER);
    let q_bits = quotient.add(integer);
    let q = q_bits.sub(integer);
    let l3 = q.multiply_subtract_from(Doubles::splat(P3 / 2.0), l3);
    let l4 = q.multiply_subtract_from(Doubles::splat(P4 / 2.0), l4);
    let Fma([l0, l1, l2, l3, l4]) = carried([l0, l1, l2, l3, l4]);
    // 2v − q·p in digits: the lowest, 2·l0 − q, of 52 bits, the others of 51. Each but the top one is made positive by one unit of the
    // next.
    let exponent = INTEGER.to_bits();
    let l0 = l0.add(integer).bits();
    let d0 = l0.add(l0).sub(q_bits.bits()).add(Words::splat((1u64 << 52).wrapping_sub(exponent)));
    let positive = Words::splat(((1u64 << 51) - 1).wrapping_sub(exponent));
    let d1 = l1.add(integer).bits().add(positive).add(d0.shift_right::<52>());
    let d2 = l2.add(integer).bits().add(positive).add(d1.shift_right::<51>());
    let d3 = l3.add(integer).bits().add(positive).add(d2.shift_right::<51>());
    let d4 = l4.add(integer).bits().sub(Words::splat(exponent + 1)).add(d3.shift_right::<51>());
    let words = [
        d0.low::<52>().or(d1.shift_left::<52>()),
        d1.low::<51>().shift_right::<12>().or(d2.shift_left::<39>()),
        d2.low::<51>().shift_right::<25>().or(d3.shift_left::<26>()),
        d3.low::<51>().shift_right::<38>().or(d4.shift_left::<13>()),
    ];
    // The sign is that of the top digit; it is hardly ever negative, so a branch is cheaper than doing it always.
    if d4.any_negative() { add_modulus_where(Words::splat(0).exceeds_signed(d4), words) } else { words }
}

/// Adds `p` in the lanes that are all ones: 1 to the lowest word, with its carry, and the rest to the highest.
#[inline(always)]
fn add_modulus_where(lanes: Words, [w0, w1, w2, w3]: [Words; 4]) -> [Words; 4] {
    let w0 = w0.sub(lanes);
    let carry0 = lanes.and(w0.is_zero());
    let w1 = w1.sub(carry0);
    let carry1 = carry0.and(w1.is_zero());
    let w2 = w2.sub(carry1);
    let carry2 = carry1.and(w2.is_zero());
    [w0, w1, w2, w3.sub(carry2).add(lanes.and(Words::splat(MODULUS[0])))]
}

/// Equal elements of these limbs.
#[inline(always)]
fn splat([l0, l1, l2, l3, l4]: [f64; 5]) -> Fma {
    Fma([Doubles::splat(l0), Doubles::splat(l1), Doubles::splat(l2), Doubles::splat(l3), Doubles::splat(l4)])
}

impl Packed for Fma {
    const WIDTH: usize = registers::WIDTH;

    #[inline(always)]
    fn load(src: &[Felt]) -> Self {
        Self::load_strided(src, 1)
    }

    #[inline(always)]
    fn store(self, dst: &mut [Felt]) {
        Self::store_strided(self.loosen(), dst, 1);
    }

    #[inline(always)]
    fn broadcast(x: &Felt) -> Self {
        splat(limbs51(x))
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
        let [l0, l1, l2, l3, l4] = self.0;
        Fma([l0.negated(), l1.negated(), l2.negated(), l3.negated(), l4.negated()])
    }

    #[inline(always)]
    fn mul(self, o: Self) -> Self {
        let ([a0, a1, a2, a3, a4], [b0, b1, b2, b3, b4]) = (self.0, o.0);
        reduced! {
            [(a0, b0)]
            [(a0, b1) (a1, b0)]
            [(a0, b2) (a1, b1) (a2, b0)]
            [(a0, b3) (a1, b2)] and [(a2, b1) (a3, b0)]
            [(a0, b4) (a1, b3) (a2, b2) (a3, b1) (a4, b0)]
            [(a1, b4) (a2, b3) (a3, b2) (a4, b1)]
            [(a2, b4) (a3, b3) (a4, b2)]
            [(a3, b4) (a4, b3)]
            [(a4, b4)]
        }
    }

    sum_at_once!();

    #[inline(always)]
    fn square(self) -> Self {
        let [a0, a1, a2, a3, a4] = self.0;
        // Twice a limb, for the products that occur twice: the columns are the same as those of a product.
        let (b1, b2, b3, b4) = (a1.add(a1), a2.add(a2), a3.add(a3), a4.add(a4));
        reduced! {
            [(a0, a0)]
            [(a0, b1)]
            [(a0, b2) (a1, a1)]
            [(a0, b3)] and [(a1, b2)]
            [(a0, b4) (a1, b3) (a2, a2)]
            [(a1, b4) (a2, b3)]
            [(a2, b4) (a3, a3)]
            [(a3, b4)]
            [(a4, a4)]
        }
    }

    #[inline(always)]
    fn double(self) -> Self {
        self.add(self)
    }
}

impl Kernel for Fma {
    const LAYERS: u32 = 6;

    type Loose = Loose;

    type Factor = Self;

    #[inline(always)]
    fn load_strided(src: &[Felt], stride: usize) -> Self {
        from_words(registers::load(src, stride))
    }

    #[inline(always)]
    fn factor(constants: &Constants, index: usize) -> Self {
        splat(constants.limbs51[index])
    }

    #[inline(always)]
    fn loosen(self) -> Loose {
        Loose(self.0)
    }

    #[inline(always)]
    fn butterfly(a: Loose, b: Loose, w: Self) -> (Loose, Loose) {
        plus_minus(a, Self::tighten(b).mul(w))
    }

    #[inline(always)]
    fn butterfly_one(a: Loose, b: Loose) -> (Loose, Loose) {
        plus_minus(a, Self::tighten(b))
    }

    #[inline(always)]
    fn tighten(value: Loose) -> Self {
        carried(subtract_multiple(value.0))
    }

    #[inline(always)]
    fn scale(value: Loose, o: Self) -> Self {
        Self::tighten(value).mul(o)
    }

    #[inline(always)]
    fn scale_by(value: Loose, w: Self) -> Self {
        Self::scale(value, w)
    }

    #[inline(always)]
    fn load_strided_draft(src: &[Felt], stride: usize) -> Self {
        Self::load_strided(src, stride)
    }

    #[inline(always)]
    fn store_strided_draft(self, dst: &mut [Felt], stride: usize) {
        Self::store_strided(self.loosen(), dst, stride);
    }

    #[inline(always)]
    fn store_strided(value: Loose, dst: &mut [Felt], stride: usize) {
        registers::store(into_words(value), dst, stride);
    }
}

/// `(a + b, a − b)` for a loose `a` and an ordinary `b`.
#[inline(always)]
fn plus_minus(Loose(a): Loose, Fma(b): Fma) -> (Loose, Loose) {
    (Loose(limbwise_sum(&a, &b)), Loose(limbwise_difference(&a, &b)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use registers::WIDTH;

    const U: i64 = (1 << 50) + (1 << 43);

    /// Values with limbs of every sign and of magnitudes at or below `factor·U` and `top`.
    fn extremes(factor: i64, top: i64) -> Vec<[[i64; 5]; WIDTH]> {
        let mut state = 1u64;
        let mut all = Vec::new();
        for signs in 0..32 {
            let lanes = std::array::from_fn(|lane| {
                let mut limbs = [factor * U, factor * U, factor * U, factor * U, top];
                for (i, limb) in limbs.iter_mut().enumerate() {
                    state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
                    let random = (state >> 16) as i64;
                    let less = [0, 1, 1 << 43, random, random % (1 << 40), 1 << 50, 3, random & 1];
                    *limb = (*limb - less[lane] % *limb) * if signs >> i & 1 == 1 { -1 } else { 1 };
                }
                limbs
            });
            all.push(lanes);
        }
        all
    }

    fn packed(lanes: &[[i64; 5]; WIDTH]) -> Fma {
        Fma([0, 1, 2, 3, 4].map(|i| Doubles::of(lanes.map(|limbs| limbs[i] as f64))))
    }

    fn unpacked(value: Fma) -> [[f64; 5]; WIDTH] {
        let limbs = value.0.map(Doubles::lanes);
        std::array::from_fn(|lane| limbs.map(|limb| limb[lane]))
    }

    fn stored(value: Fma) -> Vec<Felt> {
        let mut lanes = vec![Felt::zero(); WIDTH];
        value.store(&mut lanes);
        assert!(lanes.iter().all(|x| x.value().limbs < MODULUS), "not reduced");
        lanes
    }

    fn stored_loose(value: Loose) -> Vec<Felt> {
        let mut lanes = vec![Felt::zero(); WIDTH];
        Fma::store_loose(value, &mut lanes);
        assert!(lanes.iter().all(|x| x.value().limbs < MODULUS), "not reduced");
        lanes
    }

    /// The elements for which limbs stand, by lambdaworks.
    fn elements(lanes: &[[i64; 5]; WIDTH]) -> Vec<Felt> {
        let inverse = crate::scalar::inverse(&Felt::from(2).pow(255u64));
        let element = |limbs: &[i64; 5]| {
            limbs.iter().rev().fold(Felt::zero(), |sum, limb| {
                let magnitude = Felt::from(limb.unsigned_abs());
                sum * Felt::from(1u64 << 51) + if *limb < 0 { -magnitude } else { magnitude }
            }) * inverse
        };
        lanes.iter().map(element).collect()
    }

    fn check_ordinary(value: Fma) {
        for limbs in unpacked(value) {
            assert!(limbs[..4].iter().all(|limb| limb.abs() <= U as f64 && limb.fract() == 0.0), "{limbs:?}");
            assert!(limbs[4].abs() <= ((1u64 << 48) + 1) as f64 && limbs[4].fract() == 0.0, "{limbs:?}");
        }
    }

    fn check(value: Fma, expected: impl Iterator<Item = Felt>) {
        check_ordinary(value);
        assert_eq!(stored(value), expected.collect::<Vec<_>>());
    }

    #[test]
    fn operations_at_the_bounds() {
        if Available::detect().is_none() {
            return;
        }
        let values = extremes(1, (1 << 48) - 1);
        for a in &values {
            let (pa, ea) = (packed(a), elements(a));
            assert_eq!(stored(pa), ea);
            check(pa.square(), ea.iter().map(|a| a * a));
            check(pa.double(), ea.iter().map(|a| a + a));
            check(pa.neg(), ea.iter().map(|a| -a));
            for b in &values {
                let (pb, eb) = (packed(b), elements(b));
                check(pa.mul(pb), ea.iter().zip(&eb).map(|(a, b)| a * b));
                check(pa.add(pb), ea.iter().zip(&eb).map(|(a, b)| a + b));
                check(pa.sub(pb), ea.iter().zip(&eb).map(|(a, b)| a - b));
            }
        }
    }

    #[test]
    fn loose_values_at_the_bounds() {
        if Available::detect().is_none() {
            return;
        }
        for a in extremes(7, 14 << 47) {
            let (pa, ea) = (packed(&a).loosen(), elements(&a));
            assert_eq!(stored_loose(pa), ea);
            check(Fma::tighten(pa), ea.iter().copied());
            for b in extremes(1, (1 << 48) - 1) {
                let (pb, eb) = (packed(&b), elements(&b));
                check(Fma::scale(pa, pb), ea.iter().zip(&eb).map(|(a, b)| a * b));
                // Sums with a loose value one layer below the bound.
                let below = extremes(6, 12 << 47);
                let (x, y) = Fma::butterfly(packed(&below[0]).loosen(), pa, pb);
                let (ex, product) = (elements(&below[0]), ea.iter().zip(&eb).map(|(a, b)| a * b));
                for (i, product) in product.enumerate() {
                    assert_eq!((stored_loose(x)[i], stored_loose(y)[i]), (ex[i] + product, ex[i] - product));
                }
            }
        }
    }

    /// Zero in several forms, and values on either side of where the stored form wraps around.
    #[test]
    fn stores_around_multiples_of_the_modulus() {
        if Available::detect().is_none() {
            return;
        }
        for multiple in -13..=13 {
            for (offset, shift) in [(0, 0), (1, 0), (-1, 0), (1, 3), (-1, 3), (1, 1), (-1, 2)] {
                let mut limbs = [multiple, 0, 0, (17 * multiple) << 39, multiple << 47];
                limbs[shift] += offset;
                let lanes = [limbs; WIDTH];
                assert_eq!(stored_loose(packed(&lanes).loosen()), elements(&lanes));
            }
        }
    }

    #[test]
    fn constants_are_what_a_load_gives() {
        if Available::detect().is_none() {
            return;
        }
        for x in [Felt::zero(), Felt::one(), -Felt::one(), Felt::from(3), -Felt::from(1u64 << 60)] {
            check(Fma::broadcast(&x), [x; WIDTH].into_iter());
            check(Fma::load(&[x; WIDTH]), [x; WIDTH].into_iter());
            check(Fma::factor(&Constants::from(vec![x]), 0), [x; WIDTH].into_iter());
        }
    }
}
