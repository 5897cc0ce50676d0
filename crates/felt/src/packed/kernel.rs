//! What the transforms need of a kernel beyond the public operations.

use crate::Felt;
#[cfg(target_arch = "x86_64")]
use crate::encoding::montgomery_limbs;

/// Constants that are the same in all lanes, prepared for every kernel.
#[derive(Clone, Debug, Default)]
pub struct Constants {
    /// As they are.
    pub(crate) elements: Vec<Felt>,
    /// Sixteen times the Montgomery form, in five limbs of 52 bits: the form of the IFMA kernel.
    #[cfg(target_arch = "x86_64")]
    pub(crate) limbs52: Vec<[u64; 5]>,
    /// Half the Montgomery form, in five signed limbs of 51 bits: the form of the AVX2 kernel.
    #[cfg(target_arch = "x86_64")]
    pub(crate) limbs51: Vec<[f64; 5]>,
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
#[cfg(target_arch = "x86_64")]
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
            limbs52: elements.iter().map(limbs52).collect(),
            #[cfg(target_arch = "x86_64")]
            limbs51: elements.iter().map(limbs51).collect(),
            elements,
        }
    }
}

/// Operations of the transforms. *Loose* values may only go into these operations and into stores, and into butterflies only so often
/// as [`Kernel::LAYERS`] allows.
pub trait Kernel: Sized + Copy {
    /// Number of butterflies that an ordinary value may pass before [`Kernel::tighten`] or [`Kernel::scale`].
    const LAYERS: u32;

    /// Lane `l` is `src[l·stride]`.
    fn load_strided(src: &[Felt], stride: usize) -> Self;

    /// Writes lane `l` to `dst[l·stride]`, fully reduced.
    fn store_strided(self, dst: &mut [Felt], stride: usize);

    /// Entry `index` in every lane.
    fn constant(constants: &Constants, index: usize) -> Self;

    /// `(a + w·b, a − w·b)` for loose `a` and `b` and a [`Kernel::constant`] `w`; both results are loose.
    fn butterfly(a: Self, b: Self, w: Self) -> (Self, Self);

    /// [`Kernel::butterfly`] for `w = 1`.
    fn butterfly_one(a: Self, b: Self) -> (Self, Self);

    /// `self·o` for a loose `self` and an ordinary `o`; the product is ordinary.
    fn scale(self, o: Self) -> Self;

    /// Makes a loose value an ordinary one.
    fn tighten(self) -> Self;
}
