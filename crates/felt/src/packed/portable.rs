//! The kernel that works everywhere: one element, 64-bit limbs.

use super::kernel::{Constants, Kernel};
use super::{Packed, sum_at_once};
use crate::Felt;
use crate::encoding::montgomery_limbs;
use crate::scalar::{self, Limbs};

/// One element in reduced Montgomery form.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Portable(Limbs);

impl Packed for Portable {
    const WIDTH: usize = 1;

    #[inline(always)]
    fn load(src: &[Felt]) -> Self {
        Portable(montgomery_limbs(&src[0]))
    }

    #[inline(always)]
    fn store(self, dst: &mut [Felt]) {
        dst[0] = scalar::from_limbs(self.0);
    }

    #[inline(always)]
    fn broadcast(x: &Felt) -> Self {
        Portable(montgomery_limbs(x))
    }

    #[inline(always)]
    fn add(self, o: Self) -> Self {
        Portable(scalar::add(self.0, o.0))
    }

    #[inline(always)]
    fn sub(self, o: Self) -> Self {
        Portable(scalar::sub(self.0, o.0))
    }

    #[inline(always)]
    fn neg(self) -> Self {
        Portable(scalar::sub([0; 4], self.0))
    }

    #[inline(always)]
    fn mul(self, o: Self) -> Self {
        Portable(scalar::mul(self.0, o.0))
    }

    sum_at_once!();

    #[inline(always)]
    fn square(self) -> Self {
        Portable(scalar::mul(self.0, self.0))
    }

    #[inline(always)]
    fn double(self) -> Self {
        Portable(scalar::add(self.0, self.0))
    }
}

/// Every operation reduces, so loose values are like others.
impl Kernel for Portable {
    const LAYERS: u32 = u32::MAX;

    type Loose = Self;

    type Factor = Self;

    #[inline(always)]
    fn load_strided(src: &[Felt], _stride: usize) -> Self {
        Self::load(src)
    }

    #[inline(always)]
    fn factor(constants: &Constants, index: usize) -> Self {
        Self::broadcast(&constants.elements[index])
    }

    #[inline(always)]
    fn loosen(self) -> Self {
        self
    }

    #[inline(always)]
    fn butterfly(a: Self, b: Self, w: Self) -> (Self, Self) {
        let b = b.mul(w);
        (a.add(b), a.sub(b))
    }

    #[inline(always)]
    fn butterfly_one(a: Self, b: Self) -> (Self, Self) {
        (a.add(b), a.sub(b))
    }

    #[inline(always)]
    fn tighten(value: Self) -> Self {
        value
    }

    #[inline(always)]
    fn scale(value: Self, o: Self) -> Self {
        value.mul(o)
    }

    #[inline(always)]
    fn scale_by(value: Self, w: Self) -> Self {
        value.mul(w)
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
    fn store_strided(value: Self, dst: &mut [Felt], _stride: usize) {
        value.store(dst);
    }
}
