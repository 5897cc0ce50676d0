//! Arithmetic on slices, with the best kernel of the machine and on all threads when the slices are long. Results are the same on
//! every kernel and any number of threads.

use crate::Felt;
use crate::encoding::{is_zero, montgomery_limbs};
use crate::packed::kernel::push;
use crate::packed::{MAX_PRODUCTS, Packed, Portable, WithPacked, dispatch};
use crate::scalar::{self, Limbs, inverse, power, product};
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

/// A sum of fractions as a fraction, without inversions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fraction {
    /// Zero, but for a denominator that is zero, if and only if the sum is.
    pub numerator: Felt,
    /// The product of all denominators.
    pub denominator: Felt,
}

impl Fraction {
    /// The empty sum.
    pub fn zero() -> Self {
        Self { numerator: Felt::zero(), denominator: Felt::one() }
    }

    /// Adds `numerator/x` for each `x` of `denominators`: two products each if `numerator` is 1 or −1, else three. On this thread and with the
    /// portable kernel, for verifiers.
    pub fn add_portable(&mut self, numerator: &Felt, denominators: &[Felt]) {
        // n/d + m/x = (n·x + m·d)/(d·x)
        if *numerator == Felt::one() {
            self.each(denominators, scalar::add);
        } else if *numerator == -Felt::one() {
            self.each(denominators, scalar::sub);
        } else {
            let m = montgomery_limbs(numerator);
            self.each(denominators, |n, d| scalar::add(n, scalar::mul(m, d)));
        }
    }

    #[inline(always)]
    fn each(&mut self, denominators: &[Felt], add: impl Fn(Limbs, Limbs) -> Limbs) {
        let (mut n, mut d) = (montgomery_limbs(&self.numerator), montgomery_limbs(&self.denominator));
        for x in denominators {
            let x = montgomery_limbs(x);
            n = add(scalar::mul(n, x), d);
            d = scalar::mul(d, x);
        }
        (self.numerator, self.denominator) = (scalar::from_limbs(n), scalar::from_limbs(d));
    }

    /// Adds `scale·other`.
    pub fn add_scaled(&mut self, scale: &Felt, other: &Self) {
        let scaled = product(scale, &other.numerator);
        self.numerator = product(&self.numerator, &other.denominator) + product(&scaled, &self.denominator);
        self.denominator = product(&self.denominator, &other.denominator);
    }
}

/// Appends `constant − (…(r_1·x + r_2)·x + …)·x − r_k` for each row `r_1, …, r_k`, given row by row: one product less than a row
/// has entries. On this thread and with the portable kernel, for verifiers.
///
/// # Panics
/// If rows have no entries.
pub fn horner_differences_portable(rows: &[Felt], width: usize, x: &Felt, constant: &Felt, out: &mut Vec<Felt>) {
    assert!(width > 0, "rows have entries");
    let (x, constant) = (montgomery_limbs(x), montgomery_limbs(constant));
    out.extend(rows.chunks_exact(width).map(|row| {
        let mut sum = montgomery_limbs(&row[0]);
        for entry in &row[1..] {
            sum = scalar::add(scalar::mul(sum, x), montgomery_limbs(entry));
        }
        scalar::from_limbs(scalar::sub(constant, sum))
    }));
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

/// `numerators_i /= denominators_i`, on this thread, for numerators in parts of any length. Returns whether a denominator is zero; then
/// nothing is divided.
///
/// # Panics
/// If there are not as many numerators as denominators.
pub fn divide_assign(numerators: &mut [&mut [Felt]], denominators: &[Felt]) -> bool {
    let count: usize = numerators.iter().map(|part| part.len()).sum();
    assert_eq!(count, denominators.len(), "a denominator for each numerator");
    if denominators.iter().any(is_zero) {
        return true;
    }
    dispatch(Divide { numerators, denominators });
    false
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

/// `out_r = Σ_i weights_i·values[starts_r + i]`.
///
/// # Panics
/// If a window does not lie within the values.
pub fn dot_windows(values: &[Felt], starts: &[usize], weights: &[Felt], out: &mut [Felt]) {
    dispatch(DotWindows { values, starts, weights, out });
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

struct Divide<'a, 'b> {
    numerators: &'a mut [&'b mut [Felt]],
    denominators: &'a [Felt],
}

impl WithPacked for Divide<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<P: Packed>(self) {
        if self.numerators.iter().any(|part| !part.len().is_multiple_of(P::WIDTH)) {
            return divide::<Portable>(self.numerators, self.denominators);
        }
        divide::<P>(self.numerators, self.denominators);
    }
}

/// Divides by [`Inverses`], part by part from the last one on.
#[inline(always)]
fn divide<P: Packed>(numerators: &mut [&mut [Felt]], denominators: &[Felt]) {
    let mut inverses = Inverses::<P>::new(denominators);
    let mut denominators = denominators.rchunks_exact(P::WIDTH);
    for part in numerators.iter_mut().rev() {
        for (value, denominator) in part.rchunks_exact_mut(P::WIDTH).zip(denominators.by_ref()) {
            inverses.next_back(P::load(denominator)).mul(P::load(value)).store(value);
        }
    }
}

/// Inverts whole packs.
#[inline(always)]
fn invert_lanes<P: Packed>(values: &mut [Felt]) {
    let mut inverses = Inverses::<P>::new(values);
    for value in values.rchunks_exact_mut(P::WIDTH) {
        let packed = P::load(value);
        inverses.next_back(packed).store(value);
    }
}

/// Chains of products side by side: each product waits for its predecessor, so one chain alone would leave the multipliers idle.
const CHAINS: usize = 4;

/// Montgomery's trick in every lane of every chain, with one inversion in all. Pack `i` belongs to chain `i mod CHAINS`.
struct Inverses<P> {
    /// The product of the packs before each one in its chain.
    before: Vec<P>,
    /// The inverse of the product of each chain up to the pack whose turn it is.
    inverses: [P; CHAINS],
}

impl<P: Packed> Inverses<P> {
    /// For whole packs of elements that are not zero.
    #[inline(always)]
    fn new(values: &[Felt]) -> Self {
        let mut before = Vec::with_capacity(values.len() / P::WIDTH);
        let mut chains = [P::broadcast(&Felt::one()); CHAINS];
        let mut blocks = values.chunks_exact(CHAINS * P::WIDTH);
        for block in blocks.by_ref() {
            for (value, chain) in block.chunks_exact(P::WIDTH).zip(&mut chains) {
                push(&mut before, *chain);
                *chain = chain.mul(P::load(value));
            }
        }
        for (value, chain) in blocks.remainder().chunks_exact(P::WIDTH).zip(&mut chains) {
            push(&mut before, *chain);
            *chain = chain.mul(P::load(value));
        }
        let mut lanes = [Felt::one(); CHAINS * MAX_WIDTH];
        for (chain, lanes) in chains.iter().zip(lanes.chunks_exact_mut(MAX_WIDTH)) {
            chain.store(lanes);
        }
        invert_few(&mut lanes);
        for (chain, lanes) in chains.iter_mut().zip(lanes.chunks_exact(MAX_WIDTH)) {
            *chain = P::load(lanes);
        }
        Self { before, inverses: chains }
    }

    /// The inverse of the last pack of those that are left, which is given.
    #[inline(always)]
    fn next_back(&mut self, value: P) -> P {
        let number = self.before.len() - 1;
        let before = self.before[number];
        self.before.truncate(number);
        let inverse = &mut self.inverses[number % CHAINS];
        let result = inverse.mul(before);
        *inverse = inverse.mul(value);
        result
    }
}

/// No kernel is wider.
const MAX_WIDTH: usize = 8;

fn invert_few(values: &mut [Felt; CHAINS * MAX_WIDTH]) {
    let mut before = [Felt::one(); CHAINS * MAX_WIDTH];
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
        // Two sums side by side, since each product waits for its predecessor.
        const BLOCK: usize = 2 * MAX_PRODUCTS;
        let (mut blocks_a, mut blocks_b) =
            (whole_a.chunks_exact(BLOCK * P::WIDTH), whole_b.chunks_exact(BLOCK * P::WIDTH));
        let mut sum = P::broadcast(&zero);
        for (a, b) in blocks_a.by_ref().zip(blocks_b.by_ref()) {
            let mut sums = [P::empty_sum(); 2];
            for (a, b) in a.chunks_exact(2 * P::WIDTH).zip(b.chunks_exact(2 * P::WIDTH)) {
                sums[0] = P::add_product(sums[0], P::load(a), P::load(b));
                sums[1] = P::add_product(sums[1], P::load(&a[P::WIDTH..]), P::load(&b[P::WIDTH..]));
            }
            sum = sum.add(P::total(sums[0])).add(P::total(sums[1]));
        }
        let rest_of_blocks =
            blocks_a.remainder().chunks_exact(P::WIDTH).zip(blocks_b.remainder().chunks_exact(P::WIDTH));
        for (a, b) in rest_of_blocks {
            sum = sum.add(P::load(a).mul(P::load(b)));
        }
        let mut lanes = [zero; MAX_WIDTH];
        sum.store(&mut lanes);
        lanes[..P::WIDTH].iter().fold(rest, |sum, lane| sum + lane)
    }
}

struct DotWindows<'a> {
    values: &'a [Felt],
    starts: &'a [usize],
    weights: &'a [Felt],
    out: &'a mut [Felt],
}

impl WithPacked for DotWindows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<P: Packed>(self) {
        let (zero, len) = (Felt::zero(), self.weights.len());
        let windows = self.starts.iter().map(|start| &self.values[*start..*start + len]);
        let whole = len - len % P::WIDTH;
        // The rest is a pack that overlaps the one before, with weights of 0 there.
        let mut rest = [zero; MAX_WIDTH];
        let Some(last) = len.checked_sub(P::WIDTH) else {
            for (out, window) in self.out.iter_mut().zip(windows) {
                *out = window.iter().zip(self.weights).fold(zero, |sum, (a, b)| sum + product(a, b));
            }
            return;
        };
        rest[P::WIDTH - len % P::WIDTH..P::WIDTH].copy_from_slice(&self.weights[whole..]);
        let mut packs: Vec<P> = self.weights.chunks_exact(P::WIDTH).map(P::load).collect();
        packs.push(P::load(&rest));
        for (out, window) in self.out.iter_mut().zip(windows) {
            let mut sum = P::broadcast(&zero);
            for (number, packs) in packs.chunks(MAX_PRODUCTS).enumerate() {
                let mut products = P::empty_sum();
                for (at, weights) in (number * MAX_PRODUCTS..).zip(packs) {
                    products = P::add_product(products, P::load(&window[last.min(at * P::WIDTH)..]), *weights);
                }
                sum = sum.add(P::total(products));
            }
            let mut lanes = [zero; MAX_WIDTH];
            sum.store(&mut lanes);
            *out = lanes[1..P::WIDTH].iter().fold(lanes[0], |sum, lane| sum + lane);
        }
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
