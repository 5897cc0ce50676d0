//! Transforms of a few hundred or thousand packed values in scratch memory that fits a core's cache. Every lane is a transform
//! of its own, so all factors are the same in all lanes.

use crate::Felt;
use crate::domain::{inverse_root_of_unity, root_of_unity};
use crate::packed::Packed;
use crate::packed::kernel::{Constants, push};
use crate::scalar::product;

/// `index` with its lowest `bits` bits reversed.
#[inline(always)]
pub(super) fn bit_reverse_index(index: usize, bits: u32) -> usize {
    if bits == 0 { 0 } else { index.reverse_bits() >> (usize::BITS - bits) }
}

/// Factors of the layers of [`forward`] at size `2^log_size`: entry `m + j` is `shift^(size/2m)·g_{2m}^j` for `j < m`,
/// `m` every power of two below the size.
pub(super) fn forward_factors(log_size: u32, shift: &Felt) -> Constants {
    let size = 1usize << log_size;
    let mut factors = vec![Felt::one(); size];
    if log_size > 0 {
        let root = root_of_unity(log_size);
        let mut power = *shift;
        for factor in &mut factors[size / 2..] {
            *factor = power;
            power = product(&power, &root);
        }
        // g_2m squared is g_m, and the shift's powers square as well: each layer is the squares of the first half of the next. That is a
        // product for each factor, without a single power.
        let (low, high) = factors.split_at_mut(size / 2);
        let mut from = &*high;
        let mut rest = low;
        while rest.len() > 1 {
            let (lower, layer) = rest.split_at_mut(rest.len() / 2);
            for (factor, square_of) in layer.iter_mut().zip(from) {
                *factor = product(square_of, square_of);
            }
            from = layer;
            rest = lower;
        }
    }
    Constants::from(factors)
}

/// Factors of [`backward`] at size `2^log_size`: entry `b` is `g_size^(−bit_reverse(b))`, over one bit less than the size has.
pub(super) fn backward_factors(log_size: u32) -> Constants {
    Constants::from(bit_reversed_powers(log_size.saturating_sub(1), &inverse_root_of_unity(log_size), &Felt::one()))
}

/// `start·base^bit_reverse(i)` for all `i` of `log_size` bits.
pub(super) fn bit_reversed_powers(log_size: u32, base: &Felt, start: &Felt) -> Vec<Felt> {
    let mut squares = Vec::with_capacity(log_size as usize);
    let mut square = *base;
    for _ in 0..log_size {
        squares.push(square);
        square = product(&square, &square);
    }
    let mut powers = Vec::with_capacity(1 << log_size);
    powers.push(*start);
    while let Some(step) = squares.pop() {
        for i in 0..powers.len() {
            powers.push(product(&powers[i], &step));
        }
    }
    powers
}

/// [`bit_reversed_powers`] of packed values, for a vector with so much room.
#[inline(always)]
pub(super) fn packed_bit_reversed_powers<P: Packed>(powers: &mut Vec<P>, log_size: u32, base: P, start: P) {
    let mut squares = [base; usize::BITS as usize];
    for i in 1..log_size as usize {
        squares[i] = squares[i - 1].square();
    }
    powers.clear();
    push(powers, start);
    for step in squares[..log_size as usize].iter().rev() {
        for i in 0..powers.len() {
            let next = powers[i].mul(*step);
            push(powers, next);
        }
    }
}

/// Coefficients in bit-reversed order to values in natural order.
#[inline(always)]
pub(super) fn forward<P: Packed>(values: &mut [P::Loose], factors: &Constants) {
    let size = values.len();
    let mut m = 1;
    let mut layers = 0;
    while m < size {
        // A butterfly leaves its sums unreduced, so values grow with each layer; before they outgrow their limbs all are reduced, which is
        // cheaper than to reduce every sum.
        layers += 1;
        if layers > P::LAYERS {
            layers = 1;
            tighten::<P>(values);
        }
        for j in 0..m {
            let w = P::factor(factors, m + j);
            let mut i = j;
            while i < size {
                (values[i], values[i + m]) = P::butterfly(values[i], values[i + m], w);
                i += 2 * m;
            }
        }
        m *= 2;
    }
}

/// Values in natural order to coefficients in bit-reversed order, times the size.
#[inline(always)]
pub(super) fn backward<P: Packed>(values: &mut [P::Loose], factors: &Constants) {
    let size = values.len();
    let mut m = size / 2;
    let mut layers = 0;
    while m > 0 {
        layers += 1;
        if layers > P::LAYERS {
            layers = 1;
            tighten::<P>(values);
        }
        for (block, pair) in values.chunks_exact_mut(2 * m).enumerate() {
            let (low, high) = pair.split_at_mut(m);
            if block == 0 {
                for (a, b) in low.iter_mut().zip(high) {
                    (*a, *b) = P::butterfly_one(*a, *b);
                }
            } else {
                let w = P::factor(factors, block);
                for (a, b) in low.iter_mut().zip(high) {
                    (*a, *b) = P::butterfly(*a, *b, w);
                }
            }
        }
        m /= 2;
    }
}

#[inline(always)]
fn tighten<P: Packed>(values: &mut [P::Loose]) {
    for value in values {
        *value = P::tighten(*value).loosen();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packed::{WithPacked, dispatch, dispatch_portable};

    /// There and back with the same value in every lane, and what is in between.
    struct RoundTrip<'a> {
        values: &'a [Felt],
        backward: Constants,
        forward: Constants,
    }

    impl WithPacked for RoundTrip<'_> {
        type Output = (Vec<Felt>, Vec<Felt>);

        #[inline(always)]
        fn run<P: Packed>(self) -> Self::Output {
            let mut values = Vec::new();
            for value in self.values {
                values.push(P::broadcast(value).loosen());
            }
            backward::<P>(&mut values, &self.backward);
            let coefficients = first_lanes::<P>(&values);
            tighten::<P>(&mut values);
            forward::<P>(&mut values, &self.forward);
            (coefficients, first_lanes::<P>(&values))
        }
    }

    #[inline(always)]
    fn first_lanes<P: Packed>(values: &[P::Loose]) -> Vec<Felt> {
        let mut lanes = vec![Felt::zero(); P::WIDTH];
        let mut first = Vec::new();
        for value in values {
            P::store_loose(*value, &mut lanes);
            first.push(lanes[0]);
        }
        first
    }

    /// The element with the largest Montgomery form, `p − 1`.
    fn largest_form() -> Felt {
        crate::scalar::from_limbs([0, 0, 0, crate::scalar::TOP])
    }

    /// More layers than values may pass while they are loose, from the largest values there are.
    #[test]
    fn long_transforms_stay_in_bounds() {
        let largest = largest_form();
        for log_size in [12, 13, 15] {
            let random = crate::vector::powers(&Felt::from(3), &Felt::from(5), 1 << log_size);
            for values in [vec![largest; 1 << log_size], random] {
                let job = || RoundTrip {
                    values: &values,
                    backward: backward_factors(log_size),
                    forward: forward_factors(log_size, &Felt::one()),
                };
                let (coefficients, back) = dispatch(job());
                assert_eq!(coefficients, dispatch_portable(job()).0);
                let size = Felt::from(1u64 << log_size);
                assert!(back.iter().zip(&values).all(|(back, value)| *back == value * size));
            }
        }
    }
}
