//! The field QM31: M31(i)(u) with `i² = −1` and `u² = 2 + i`, where M31 has the order `2^31 − 1`.

use cairo_air::components::qm31::{COORDINATES, ORDER, STRIDE};
use felt::{Felt, encoding};
use std::ops::{Add, Mul};

/// The element `c0 + c1·i + (c2 + c3·i)·u`, its coordinates below [`ORDER`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Qm31(pub [u32; COORDINATES]);

impl Qm31 {
    /// Reads what a memory cell holds: the coordinates, [`STRIDE`] bits apart. `None` if one is not below [`ORDER`].
    pub fn unpack(cell: &Felt) -> Option<Self> {
        let limbs = encoding::canonical_limbs(cell);
        let bits = |from: u32| {
            let (limb, shift) = ((from / 64) as usize, from % 64);
            let pair = |i: usize| limbs.get(i).copied().map_or(0, u128::from);
            (pair(limb) | pair(limb + 1) << 64) >> shift
        };
        // The highest coordinate is whatever is left.
        let mask = (1_u128 << STRIDE) - 1;
        let above = limbs[3] != 0 || limbs[2] >> (COORDINATES as u32 * STRIDE - 128) != 0;
        let mut coordinates = [0; COORDINATES];
        for (coordinate, from) in coordinates.iter_mut().zip((0..).step_by(STRIDE as usize)) {
            *coordinate = u32::try_from(bits(from) & mask).ok().filter(|value| u64::from(*value) < ORDER)?;
        }
        (!above).then_some(Self(coordinates))
    }

    /// What a memory cell holds for it.
    pub fn pack(&self) -> Felt {
        let stride = Felt::from(1_u64 << STRIDE);
        self.0.iter().rev().fold(Felt::zero(), |packed, c| packed * stride + Felt::from(u64::from(*c)))
    }

    /// The sum of two values and the product, not reduced: coordinates as integers.
    pub fn unreduced(self, other: Self, is_product: bool) -> [i128; COORDINATES] {
        let [x, y] = [self, other].map(|value| value.0.map(i128::from));
        if !is_product {
            return std::array::from_fn(|i| x[i] + y[i]);
        }
        let at = |i: usize, j: usize| x[i] * y[j];
        let (real, imaginary) = (at(2, 2) - at(3, 3), at(2, 3) + at(3, 2));
        [
            at(0, 0) - at(1, 1) + 2 * real - imaginary,
            at(0, 1) + at(1, 0) + real + 2 * imaginary,
            at(0, 2) - at(1, 3) + at(2, 0) - at(3, 1),
            at(0, 3) + at(1, 2) + at(2, 1) + at(3, 0),
        ]
    }

    fn reduce(coordinates: [i128; COORDINATES]) -> Self {
        Self(coordinates.map(|coordinate| coordinate.rem_euclid(i128::from(ORDER)) as u32))
    }
}

impl Add for Qm31 {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self::reduce(self.unreduced(other, false))
    }
}

impl Mul for Qm31 {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        Self::reduce(self.unreduced(other, true))
    }
}
