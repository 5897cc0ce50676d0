//! Arithmetic on slices, with the best kernel of the machine and on all threads when the slices are long. Results are the same on
//! every kernel and any number of threads.

use crate::Felt;
use crate::encoding::is_zero;
use crate::packed::{Packed, Portable, WithPacked, dispatch};
use crate::scalar::{inverse, power, product};
use rayon::prelude::*;

/// Elements of one piece of work: tens of microseconds, and the scratch memory of an inversion stays in a core's cache.
const PIECE: usize = 1 << 13;

/// Replaces every element by its inverse; zeros stay zero. Returns whether there are any.
pub fn batch_inverse(values: &mut [Felt]) -> bool {
    let pieces = values.par_chunks_mut(PIECE);
    let zeros = pieces.map(|values| invert_around_zeros(values, |values| dispatch(BatchInverse { values })));
    zeros.reduce(|| false, |a, b| a | b)
}

/// [`batch_inverse`] on this thread and with the portable kernel: for verifiers, which should not rest on a machine's kernel.
pub fn batch_inverse_portable(values: &mut [Felt]) -> bool {
    invert_around_zeros(values, invert_lanes::<Portable>)
}

/// Zeros would spoil the common product: they stand as ones meanwhile.
fn invert_around_zeros(values: &mut [Felt], invert: impl Fn(&mut [Felt])) -> bool {
    let mut zeros = Vec::new();
    for (i, value) in values.iter_mut().enumerate() {
        if is_zero(value) {
            *value = Felt::one();
            zeros.push(i);
        }
    }
    invert(values);
    for i in &zeros {
        values[*i] = Felt::zero();
    }
    !zeros.is_empty()
}

/// `Σ a_i·b_i`.
///
/// # Panics
/// If the lengths differ.
pub fn dot(a: &[Felt], b: &[Felt]) -> Felt {
    assert_eq!(a.len(), b.len(), "vectors of one length");
    a.par_chunks(PIECE)
        .zip(b.par_chunks(PIECE))
        .map(|(a, b)| dispatch(Dot { a, b }))
        .reduce(Felt::zero, |sum, term| sum + term)
}

/// `acc_i += scale·x_i`.
///
/// # Panics
/// If the lengths differ.
pub fn add_scaled(acc: &mut [Felt], scale: &Felt, x: &[Felt]) {
    assert_eq!(acc.len(), x.len(), "vectors of one length");
    acc.par_chunks_mut(PIECE).zip(x.par_chunks(PIECE)).for_each(|(acc, x)| dispatch(AddScaled { acc, scale, x }));
}

/// `dst_i += x_i`, on this thread.
///
/// # Panics
/// If the lengths differ.
pub fn add_assign(dst: &mut [Felt], x: &[Felt]) {
    assert_eq!(dst.len(), x.len(), "vectors of one length");
    dispatch(AddAssign { dst, x });
}

/// `dst_i *= x_i`.
///
/// # Panics
/// If the lengths differ.
pub fn mul_assign(dst: &mut [Felt], x: &[Felt]) {
    assert_eq!(dst.len(), x.len(), "vectors of one length");
    dst.par_chunks_mut(PIECE).zip(x.par_chunks(PIECE)).for_each(|(dst, x)| dispatch(MulAssign { dst, x }));
}

/// `x_i − constant`, on this thread.
pub fn differences(x: &[Felt], constant: &Felt) -> Vec<Felt> {
    let mut differences = x.to_vec();
    dispatch(SubtractConstant { values: &mut differences, constant });
    differences
}

/// `start·base^i` for `i < n`.
pub fn powers(base: &Felt, start: &Felt, n: usize) -> Vec<Felt> {
    let mut powers = crate::memory::zeros(n);
    powers.par_chunks_mut(PIECE).enumerate().for_each(|(piece, powers)| {
        let start = product(start, &power(base, (piece * PIECE) as u64));
        dispatch(Powers { powers, base, start });
    });
    powers
}

/// Inverts elements that are not zero.
struct BatchInverse<'a> {
    values: &'a mut [Felt],
}

impl WithPacked for BatchInverse<'_> {
    type Output = ();

    #[inline(always)]
    fn run<P: Packed>(self) {
        let (whole, rest) = self.values.split_at_mut(self.values.len() / P::WIDTH * P::WIDTH);
        invert_lanes::<P>(whole);
        invert_lanes::<Portable>(rest);
    }
}

/// Montgomery's trick in every lane, with one inversion in all.
#[inline(always)]
fn invert_lanes<P: Packed>(values: &mut [Felt]) {
    if values.is_empty() {
        return;
    }
    let mut before = Vec::with_capacity(values.len() / P::WIDTH);
    let mut product = P::broadcast(&Felt::one());
    for value in values.chunks_exact(P::WIDTH) {
        before.push(product);
        product = product.mul(P::load(value));
    }
    let mut lanes = [Felt::one(); MAX_WIDTH];
    product.store(&mut lanes);
    invert_few(&mut lanes[..P::WIDTH]);
    let mut inverse = P::load(&lanes);
    for (value, before) in values.chunks_exact_mut(P::WIDTH).zip(&before).rev() {
        let packed = P::load(value);
        inverse.mul(*before).store(value);
        inverse = inverse.mul(packed);
    }
}

/// No kernel is wider.
const MAX_WIDTH: usize = 8;

fn invert_few(values: &mut [Felt]) {
    let mut before = [Felt::one(); MAX_WIDTH];
    let mut total = Felt::one();
    for (before, value) in before.iter_mut().zip(&*values) {
        *before = total;
        total = product(&total, value);
    }
    let mut inverse = inverse(&total);
    for (before, value) in before.iter().zip(values).rev() {
        let next = product(&inverse, value);
        *value = product(&inverse, before);
        inverse = next;
    }
}

struct Dot<'a> {
    a: &'a [Felt],
    b: &'a [Felt],
}

impl WithPacked for Dot<'_> {
    type Output = Felt;

    #[inline(always)]
    fn run<P: Packed>(self) -> Felt {
        let zero = Felt::zero();
        let (a, b) = (self.a.chunks_exact(P::WIDTH), self.b.chunks_exact(P::WIDTH));
        let rest = a.remainder().iter().zip(b.remainder()).fold(zero, |sum, (a, b)| sum + product(a, b));
        let (whole_a, whole_b) = (&self.a[..a.len() * P::WIDTH], &self.b[..b.len() * P::WIDTH]);
        let (fours_a, fours_b) = (whole_a.chunks_exact(4 * P::WIDTH), whole_b.chunks_exact(4 * P::WIDTH));
        let mut sum = P::broadcast(&zero);
        for (a, b) in fours_a.remainder().chunks_exact(P::WIDTH).zip(fours_b.remainder().chunks_exact(P::WIDTH)) {
            sum = sum.add(P::load(a).mul(P::load(b)));
        }
        for (a, b) in fours_a.zip(fours_b) {
            sum = sum.add(P::sum_of_products(
                [P::load(a), P::load(&a[P::WIDTH..]), P::load(&a[2 * P::WIDTH..]), P::load(&a[3 * P::WIDTH..])],
                [P::load(b), P::load(&b[P::WIDTH..]), P::load(&b[2 * P::WIDTH..]), P::load(&b[3 * P::WIDTH..])],
            ));
        }
        let mut lanes = [zero; MAX_WIDTH];
        sum.store(&mut lanes);
        lanes[..P::WIDTH].iter().fold(rest, |sum, lane| sum + lane)
    }
}

struct AddScaled<'a> {
    acc: &'a mut [Felt],
    scale: &'a Felt,
    x: &'a [Felt],
}

impl WithPacked for AddScaled<'_> {
    type Output = ();

    #[inline(always)]
    fn run<P: Packed>(self) {
        let scale = P::broadcast(self.scale);
        let mut acc = self.acc.chunks_exact_mut(P::WIDTH);
        let x = self.x.chunks_exact(P::WIDTH);
        let rest = x.remainder();
        for (acc, x) in acc.by_ref().zip(x) {
            P::load(acc).add(P::load(x).mul(scale)).store(acc);
        }
        for (acc, x) in acc.into_remainder().iter_mut().zip(rest) {
            *acc += product(self.scale, x);
        }
    }
}

struct MulAssign<'a> {
    dst: &'a mut [Felt],
    x: &'a [Felt],
}

impl WithPacked for MulAssign<'_> {
    type Output = ();

    #[inline(always)]
    fn run<P: Packed>(self) {
        let mut dst = self.dst.chunks_exact_mut(P::WIDTH);
        let x = self.x.chunks_exact(P::WIDTH);
        let rest = x.remainder();
        for (dst, x) in dst.by_ref().zip(x) {
            P::load(dst).mul(P::load(x)).store(dst);
        }
        for (dst, x) in dst.into_remainder().iter_mut().zip(rest) {
            *dst = product(dst, x);
        }
    }
}

struct AddAssign<'a> {
    dst: &'a mut [Felt],
    x: &'a [Felt],
}

impl WithPacked for AddAssign<'_> {
    type Output = ();

    #[inline(always)]
    fn run<P: Packed>(self) {
        let mut dst = self.dst.chunks_exact_mut(P::WIDTH);
        let x = self.x.chunks_exact(P::WIDTH);
        let rest = x.remainder();
        for (dst, x) in dst.by_ref().zip(x) {
            P::load(dst).add(P::load(x)).store(dst);
        }
        for (dst, x) in dst.into_remainder().iter_mut().zip(rest) {
            *dst += *x;
        }
    }
}

struct SubtractConstant<'a> {
    values: &'a mut [Felt],
    constant: &'a Felt,
}

impl WithPacked for SubtractConstant<'_> {
    type Output = ();

    #[inline(always)]
    fn run<P: Packed>(self) {
        let constant = P::broadcast(self.constant);
        let mut values = self.values.chunks_exact_mut(P::WIDTH);
        for values in values.by_ref() {
            P::load(values).sub(constant).store(values);
        }
        for value in values.into_remainder() {
            *value = *value - self.constant;
        }
    }
}

/// `start·base^i`, with `start` that of this piece.
struct Powers<'a> {
    powers: &'a mut [Felt],
    base: &'a Felt,
    start: Felt,
}

impl WithPacked for Powers<'_> {
    type Output = ();

    #[inline(always)]
    fn run<P: Packed>(self) {
        // Several values at once: each waits for its predecessor, so one alone would leave the multipliers idle.
        const CHAINS: usize = 4;
        let mut first = [self.start; CHAINS * MAX_WIDTH];
        for i in 1..CHAINS * P::WIDTH {
            first[i] = product(&first[i - 1], self.base);
        }
        let step = P::broadcast(&power(self.base, (CHAINS * P::WIDTH) as u64));
        let mut chains = [P::broadcast(&self.start); CHAINS];
        for (i, chain) in chains.iter_mut().enumerate() {
            *chain = P::load(&first[i * P::WIDTH..]);
        }
        let mut blocks = self.powers.chunks_exact_mut(CHAINS * P::WIDTH);
        for block in blocks.by_ref() {
            for (chain, place) in chains.iter_mut().zip(block.chunks_exact_mut(P::WIDTH)) {
                chain.store(place);
                *chain = chain.mul(step);
            }
        }
        let rest = blocks.into_remainder();
        for (chain, place) in chains.iter().zip(first.chunks_exact_mut(P::WIDTH)) {
            chain.store(place);
        }
        rest.copy_from_slice(&first[..rest.len()]);
    }
}
