//! What the transforms need of a kernel beyond the public operations.

use crate::Felt;
#[cfg(target_arch = "x86_64")]
use crate::encoding::canonical_limbs;
#[cfg(any(target_arch = "x86_64", target_feature = "relaxed-simd"))]
use crate::encoding::montgomery_limbs;
#[cfg(target_arch = "x86_64")]
use crate::scalar::{TOP, product};

/// Constants that are the same in all lanes and prepared for products with them, for every kernel.
#[derive(Clone, Debug, Default)]
pub struct Constants {
    /// As they are.
    pub(crate) elements: Vec<Felt>,
    /// For the IFMA kernel.
    #[cfg(target_arch = "x86_64")]
    pub(crate) prepared: Vec<Prepared>,
    /// Half the Montgomery form, in five signed limbs of 51 bits: the form of the kernel with fused products.
    #[cfg(any(target_arch = "x86_64", target_feature = "relaxed-simd"))]
    pub(crate) limbs51: Vec<[f64; 5]>,
}

/// A constant `w`, prepared for products with it: `n = −w mod p` as an integer, and its quotient by `p`.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Prepared {
    /// `−n mod 2^260`, in limbs of 52 bits.
    pub(crate) complement: [u64; 5],
    /// `⌊n·2^260/p⌋`, in limbs of 52 bits.
    pub(crate) quotient: [u64; 5],
}

#[cfg(target_arch = "x86_64")]
impl Prepared {
    pub(crate) fn new(w: &Felt) -> Self {
        // With r = n·2^260 mod p, the quotient is (n·2^260 − r)/p = −r/p (mod 2^260), and p = 1 + TOP·2^192 has the inverse
        // 1 − TOP·2^192.
        let negative = -w;
        let r = montgomery_limbs(&product(&negative, &Felt::from(16)));
        let lowest = u128::from(r[0]) | u128::from(r[1]) << 64;
        Prepared {
            complement: difference52(0, canonical_limbs(&negative)),
            quotient: difference52(lowest.wrapping_mul(u128::from(TOP)), r),
        }
    }
}

/// `above·2^192 − x mod 2^260`, in limbs of 52 bits.
#[cfg(target_arch = "x86_64")]
fn difference52(above: u128, [x0, x1, x2, x3]: [u64; 4]) -> [u64; 5] {
    let (w0, borrow) = 0u64.overflowing_sub(x0);
    let (w1, borrow) = (!x1).overflowing_add(u64::from(!borrow));
    let (w2, borrow) = (!x2).overflowing_add(u64::from(borrow));
    let top = above.wrapping_sub(u128::from(x3)).wrapping_sub(u128::from(!borrow));
    [
        w0 & MASK52,
        (w0 >> 52 | w1 << 12) & MASK52,
        (w1 >> 40 | w2 << 24) & MASK52,
        (w2 >> 28 | (top as u64) << 36) & MASK52,
        (top >> 16) as u64 & MASK52,
    ]
}

/// Mask of a 52-bit limb.
#[cfg(target_arch = "x86_64")]
pub(crate) const MASK52: u64 = (1 << 52) - 1;

/// Sixteen times the Montgomery form, as five limbs of 52 bits.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(crate) fn limbs52(x: &Felt) -> [u64; 5] {
    let [w0, w1, w2, w3] = montgomery_limbs(x);
    [
        (w0 << 4) & MASK52,
        (w0 >> 48 | w1 << 16) & MASK52,
        (w1 >> 36 | w2 << 28) & MASK52,
        (w2 >> 24 | w3 << 40) & MASK52,
        w3 >> 12,
    ]
}

/// Half the Montgomery form modulo the prime, as five signed limbs of 51 bits: at most `2^50` in magnitude but for the top one.
#[cfg(any(target_arch = "x86_64", target_feature = "relaxed-simd"))]
#[inline(always)]
pub(crate) fn limbs51(x: &Felt) -> [f64; 5] {
    const MASK51: u64 = (1 << 51) - 1;
    let [w0, w1, w2, w3] = montgomery_limbs(x);
    // x/2 rounded down, and (p + 1)/2 = 1 + 17·2^191 + 2^250 more if x is odd.
    let odd = w0 & 1;
    let digits = [
        ((w0 >> 1) & MASK51) + odd,
        (w0 >> 52 | w1 << 12) & MASK51,
        (w1 >> 39 | w2 << 25) & MASK51,
        ((w2 >> 26 | w3 << 38) & MASK51) + ((17 * odd) << 38),
        (w3 >> 13) + (odd << 46),
    ];
    let mut limbs = [0.0; 5];
    let mut carry = 0;
    for (i, (limb, digit)) in limbs.iter_mut().zip(digits).enumerate() {
        let digit = digit as i64 + carry;
        carry = if i < 4 { (digit + (1 << 50)) >> 51 } else { 0 };
        *limb = (digit - (carry << 51)) as f64;
    }
    limbs
}

impl From<Vec<Felt>> for Constants {
    fn from(elements: Vec<Felt>) -> Self {
        Constants {
            #[cfg(target_arch = "x86_64")]
            prepared: elements.iter().map(Prepared::new).collect(),
            #[cfg(any(target_arch = "x86_64", target_feature = "relaxed-simd"))]
            limbs51: elements.iter().map(limbs51).collect(),
            elements,
        }
    }
}

/// Operations of the transforms.
pub trait Kernel: Sized + Copy {
    /// Number of butterflies that a value may pass between [`Kernel::loosen`] and what makes it an ordinary value again.
    const LAYERS: u32;

    /// Values inside a transform, not reduced after every operation.
    type Loose: Copy;

    /// A constant in all lanes.
    type Factor: Copy;

    /// Lane `l` is `src[l·stride]`.
    fn load_strided(src: &[Felt], stride: usize) -> Self;

    /// Entry `index` in every lane.
    fn factor(constants: &Constants, index: usize) -> Self::Factor;

    /// The same value for butterflies.
    fn loosen(self) -> Self::Loose;

    /// `(a + w·b, a − w·b)`.
    fn butterfly(a: Self::Loose, b: Self::Loose, w: Self::Factor) -> (Self::Loose, Self::Loose);

    /// `(a + b, a − b)`.
    fn butterfly_one(a: Self::Loose, b: Self::Loose) -> (Self::Loose, Self::Loose);

    /// The same value for all other operations.
    fn tighten(value: Self::Loose) -> Self;

    /// `value·o`.
    fn scale(value: Self::Loose, o: Self) -> Self;

    /// `value·w`.
    fn scale_by(value: Self::Loose, w: Self::Factor) -> Self;

    /// [`super::Packed::load`] of what [`Kernel::store_draft`] wrote.
    #[inline(always)]
    fn load_draft(src: &[Felt]) -> Self {
        Self::load_strided_draft(src, 1)
    }

    /// [`Kernel::load_strided`] of what [`Kernel::store_strided_draft`] wrote.
    fn load_strided_draft(src: &[Felt], stride: usize) -> Self;

    /// Writes the elements to the first places of `dst` in the kernel's own form, not reduced: faster, between the passes of a transform.
    #[inline(always)]
    fn store_draft(self, dst: &mut [Felt]) {
        self.store_strided_draft(dst, 1);
    }

    /// Writes lane `l` to `dst[l·stride]` in the kernel's own form, not reduced.
    fn store_strided_draft(self, dst: &mut [Felt], stride: usize);

    /// Writes the elements to the first places of `dst`, fully reduced.
    #[inline(always)]
    fn store_loose(value: Self::Loose, dst: &mut [Felt]) {
        Self::store_strided(value, dst, 1);
    }

    /// Writes lane `l` to `dst[l·stride]`, fully reduced.
    fn store_strided(value: Self::Loose, dst: &mut [Felt], stride: usize);
}

/// Appends a value where there is room for it. The compiler keeps packed values in registers only around calls that do not return, and
/// [`Vec::push`] may call the allocator.
///
/// # Panics
/// If the capacity is exhausted.
#[inline(always)]
pub(crate) fn push<T>(values: &mut Vec<T>, value: T) {
    assert!(values.len() < values.capacity(), "room for another value");
    values.push(value);
}
