//! Transforms between values on a coset of a trace domain and coefficients.
//!
//! Lengths are powers of two, one included. Coefficients are in *bit-reversed* order unless a name says otherwise: entry `r` of `2^k`
//! belongs to `x^i`, `i` being `r` with its `k` bits reversed. Results are the same on every kernel and any number of threads.

mod change;
mod dft;
mod passes;

pub use change::{Domain, change_domain};

use crate::Felt;
use crate::domain::{inverse_of_size, lde_point};
use crate::memory::zeros;
use crate::packed::{Packed, Portable, dispatch};
use crate::scalar::inverse;
use dft::{backward_factors, bit_reverse_index, bit_reversed_powers, forward_factors};
use passes::{
    Backward, BackwardColumns, BackwardRows, ExtendRows, Forward, ForwardColumns, ForwardRows, MIN_LOG_SIZE, ROWS,
    Strip,
};
use rayon::prelude::*;
use std::convert::Infallible;

/// `log2` of the length from which one transform is split among threads.
const PARALLEL_LOG_SIZE: u32 = 13;

/// Most columns that are transformed together: they share the factors between the two passes, and hold memory together.
const GROUP: usize = 8;

/// Values over the trace domain, `values[i]` at `g_N^i`, to coefficients.
///
/// # Panics
/// If the length is not a power of two.
pub fn interpolate(values: &mut [Felt]) {
    interpolate_inverse_shift(values, &Felt::one());
}

/// Values over `shift·⟨g_N⟩`, `values[i]` at `shift·g_N^i`, to coefficients.
///
/// # Panics
/// If the length is not a power of two or the shift is zero.
pub fn interpolate_coset(values: &mut [Felt], shift: &Felt) {
    assert!(*shift != Felt::zero(), "the shift of a coset is not zero");
    interpolate_inverse_shift(values, &inverse(shift));
}

fn interpolate_inverse_shift(values: &mut [Felt], shift_inverse: &Felt) {
    let log_size = log2(values.len());
    if log_size < MIN_LOG_SIZE {
        let scale = bit_reversed_powers(log_size, shift_inverse, &inverse_of_size(log_size));
        return small_backward(values, &scale);
    }
    let constants = Backward::new(log_size, shift_inverse);
    let parallel = log_size >= PARALLEL_LOG_SIZE;
    never(backward_columns(&constants, vec![(None, values)], parallel, &poll_nothing));
    never(run(values.chunks_exact_mut(ROWS * constants.shape.columns()).collect(), parallel, |_, rows| {
        dispatch(BackwardRows { constants: &constants, rows });
        Ok(())
    }));
}

/// Coefficients to values over `shift·⟨g_N⟩`: the value at `shift·g_N^i` goes to `coefficients[i]`. The way back of
/// [`interpolate_coset`].
///
/// # Panics
/// If the length is not a power of two.
pub fn evaluate_coset(coefficients: &mut [Felt], shift: &Felt) {
    let log_size = log2(coefficients.len());
    if log_size < MIN_LOG_SIZE {
        let factors = forward_factors(log_size, shift);
        let mut values: Vec<_> = coefficients.iter().map(Portable::broadcast).collect();
        dft::forward::<Portable>(&mut values, &factors);
        return store_all(&values, coefficients);
    }
    let constants = [Forward::new(log_size, shift)];
    let parallel = log_size >= PARALLEL_LOG_SIZE;
    never(run(coefficients.chunks_exact_mut(ROWS * constants[0].shape.columns()).collect(), parallel, |_, rows| {
        dispatch(ForwardRows { constants: &constants[0], rows });
        Ok(())
    }));
    never(forward_columns(&constants, vec![coefficients], parallel, &poll_nothing));
}

/// Coefficients in natural order, `x^i` at entry `i`, of the polynomial with these values over `shift·⟨g_N⟩`.
///
/// # Panics
/// If the length is not a power of two or the shift is zero.
pub fn coefficients_natural(values: &[Felt], shift: &Felt) -> Vec<Felt> {
    let mut coefficients = values.to_vec();
    interpolate_coset(&mut coefficients, shift);
    bit_reverse(&mut coefficients);
    coefficients
}

/// Changes natural order to bit-reversed order and back.
///
/// # Panics
/// If the length is not a power of two.
pub fn bit_reverse<T>(entries: &mut [T]) {
    let log_size = log2(entries.len());
    for i in 0..entries.len() {
        let reversed = bit_reverse_index(i, log_size);
        if i < reversed {
            entries.swap(i, reversed);
        }
    }
}

/// Low-degree extension of one trace column of height `N` onto the LDE domain of size `n = N·2^log_blowup`
/// (see [`crate::domain`]), in *coset-major* order: with `B = 2^log_blowup`, entry `c·N + i` is the value at `x_j` for
/// `j = c + B·i`. Coset `c` is `g_{2n}^(2c+1)·⟨g_N⟩`.
///
/// # Panics
/// If the height is not a power of two.
pub fn extend(column: &[Felt], log_blowup: u32) -> Vec<Felt> {
    let Ok(mut extended) = extend_batch(&[column], log_blowup, &poll_nothing);
    // One column goes in, so one comes out.
    extended.pop().unwrap_or_default()
}

/// [`extend`] for many columns of one height, in parallel among and inside columns.
///
/// `poll` is called between pieces of work of a few milliseconds, from any thread.
///
/// # Errors
/// The first error of `poll` that is noticed; the work is given up.
///
/// # Panics
/// If the heights are not equal or not a power of two.
pub fn extend_batch<E: Send>(
    columns: &[impl AsRef<[Felt]>],
    log_blowup: u32,
    poll: &(impl Fn() -> Result<(), E> + Sync),
) -> Result<Vec<Vec<Felt>>, E> {
    let shifts = shifts(columns.first().map_or(1, |column| column.as_ref().len()), log_blowup);
    let mut extended: Vec<_> = columns.iter().map(|column| zeros(column.as_ref().len() << log_blowup)).collect();
    let jobs = columns.iter().zip(&mut extended);
    let jobs = jobs.map(|(column, extended)| {
        let height = column.as_ref().len();
        Job { source: Some(column.as_ref()), targets: extended.chunks_exact_mut(height).collect() }
    });
    extend_jobs(jobs.collect(), &Felt::one(), &shifts, poll)?;
    Ok(extended)
}

/// [`extend_batch`] for columns that stand at the beginning of the memory that their extensions take.
///
/// # Errors
/// As [`extend_batch`]. What the extensions then hold is not specified, and not even reduced: they are to be dropped.
///
/// # Panics
/// If the lengths are not equal or not a power of two, or below `2^log_blowup`.
pub fn extend_in_place<E: Send>(
    extensions: &mut [Vec<Felt>],
    log_blowup: u32,
    poll: &(impl Fn() -> Result<(), E> + Sync),
) -> Result<(), E> {
    let height = height_of(extensions, log_blowup);
    let shifts = shifts(height, log_blowup);
    let jobs = extensions.iter_mut();
    let jobs = jobs.map(|extension| Job { source: None, targets: extension.chunks_exact_mut(height).collect() });
    extend_jobs(jobs.collect(), &Felt::one(), &shifts, poll)
}

/// Completes extensions of which the values on coset `coset` are in their place.
///
/// # Errors
/// As [`extend_in_place`].
///
/// # Panics
/// If the lengths are not equal or not a power of two, or not above `coset`, or if there is one coset only.
pub fn extend_from_coset<E: Send>(
    extensions: &mut [Vec<Felt>],
    coset: usize,
    log_blowup: u32,
    poll: &(impl Fn() -> Result<(), E> + Sync),
) -> Result<(), E> {
    let height = height_of(extensions, log_blowup);
    let mut shifts = shifts(height, log_blowup);
    let from = inverse(&shifts.remove(coset));
    let jobs = extensions.iter_mut();
    let jobs = jobs.map(|extension| {
        let mut targets: Vec<_> = extension.chunks_exact_mut(height).collect();
        let source = targets.remove(coset);
        Job { source: Some(source), targets }
    });
    extend_jobs(jobs.collect(), &from, &shifts, poll)
}

/// The height of the columns with these extensions, which must be of one length.
fn height_of(extensions: &[Vec<Felt>], log_blowup: u32) -> usize {
    let height = extensions.first().map_or(1, |extension| extension.len() >> log_blowup);
    assert!(extensions.iter().all(|extension| extension.len() == height << log_blowup), "extensions of one length");
    height
}

/// The shifts of the cosets that make up an LDE domain.
fn shifts(height: usize, log_blowup: u32) -> Vec<Felt> {
    (0..1 << log_blowup).map(|coset| lde_point(log2(height) + log_blowup, coset)).collect()
}

/// A column to extend.
struct Job<'a> {
    /// Its values, if they do not stand in the first of the targets.
    source: Option<&'a [Felt]>,
    /// Where its values on each coset go.
    targets: Vec<&'a mut [Felt]>,
}

/// Extends columns over a coset of the trace domain, given by its inverse shift, to the cosets of the shifts.
fn extend_jobs<E: Send>(
    mut jobs: Vec<Job<'_>>,
    shift_inverse: &Felt,
    shifts: &[Felt],
    poll: &(impl Fn() -> Result<(), E> + Sync),
) -> Result<(), E> {
    let Some(height) = jobs.first().map(|job| job.targets[0].len()) else { return Ok(()) };
    assert!(jobs.iter().flat_map(|job| &job.targets).all(|target| target.len() == height), "columns of one height");
    let log_height = log2(height);
    if log_height < MIN_LOG_SIZE {
        return extend_small(jobs, shift_inverse, shifts, poll);
    }
    let constants = Extension {
        backward: Backward::new(log_height, shift_inverse),
        forward: shifts.iter().map(|shift| Forward::new(log_height, shift)).collect(),
    };
    let parallel = log_height >= PARALLEL_LOG_SIZE;
    // Short columns occupy the threads by their number: the groups must not be too few.
    let group = if parallel { GROUP } else { jobs.len().div_ceil(2 * rayon::current_num_threads()).min(GROUP) };
    let mut groups: Vec<&mut [Job<'_>]> = jobs.chunks_mut(group).collect();
    if parallel {
        groups.iter_mut().try_for_each(|group| constants.extend(group, true, poll))
    } else {
        groups.par_iter_mut().try_for_each(|group| constants.extend(group, false, poll))
    }
}

/// Constants of an extension: one way back, one forth for each coset.
struct Extension {
    backward: Backward,
    forward: Vec<Forward>,
}

impl Extension {
    fn extend<E: Send>(
        &self,
        jobs: &mut [Job<'_>],
        parallel: bool,
        poll: &(impl Fn() -> Result<(), E> + Sync),
    ) -> Result<(), E> {
        let first = jobs.iter_mut().map(|job| (job.source, &mut *job.targets[0])).collect();
        backward_columns(&self.backward, first, parallel, poll)?;
        self.extend_rows(jobs, parallel, poll)?;
        let cosets = jobs.iter_mut().flat_map(|job| job.targets.iter_mut().map(|target| &mut **target)).collect();
        forward_columns(&self.forward, cosets, parallel, poll)
    }

    fn extend_rows<E: Send>(
        &self,
        jobs: &mut [Job<'_>],
        parallel: bool,
        poll: &(impl Fn() -> Result<(), E> + Sync),
    ) -> Result<(), E> {
        let piece = ROWS * self.backward.shape.columns();
        let mut pieces = Vec::new();
        for job in jobs {
            let targets = job.targets.iter_mut().map(|target| target.chunks_exact_mut(piece).collect()).collect();
            pieces.extend(transpose(targets));
        }
        run(pieces, parallel, |_, targets| {
            poll()?;
            dispatch(ExtendRows { backward: &self.backward, forward: &self.forward, targets });
            Ok(())
        })
    }
}

/// Runs `count` transforms of `2^log_size` packed values, in place and without loads and stores between them: to measure the rate of
/// butterflies in a core's cache. Returns the number of butterflies of single elements.
#[doc(hidden)]
pub fn measure_butterflies(values: &[Felt], log_size: u32, count: usize) -> u64 {
    dispatch(passes::Butterflies { values, factors: &forward_factors(log_size, &values[0]), log_size, count })
}

/// Reads `from` and writes it plus `shift` to `to`, `count` times, in the form in which values stand between the two passes of a
/// transform: to measure what that takes in a core's cache, beyond the sums.
#[doc(hidden)]
pub fn measure_drafts(from: &[Felt], to: &mut [Felt], shift: &Felt, count: usize) {
    dispatch(passes::Drafts { from, to, shift, count });
}

/// Each matrix is read from a source, or transformed in place.
fn backward_columns<E: Send>(
    constants: &Backward,
    matrices: Vec<(Option<&[Felt]>, &mut [Felt])>,
    parallel: bool,
    poll: &(impl Fn() -> Result<(), E> + Sync),
) -> Result<(), E> {
    let strips = matrices.into_iter().map(|(source, matrix)| {
        let strips = constants.shape.strips(matrix).into_iter();
        strips.map(|parts| Strip { source, parts }).collect()
    });
    run(transpose(strips.collect()), parallel, |index, strips| {
        dispatch(BackwardColumns { constants, first: constants.shape.strip_start(index), strips, poll })
    })
}

/// Matrix `i` takes the constants `i` modulo their number.
fn forward_columns<E: Send>(
    constants: &[Forward],
    matrices: Vec<&mut [Felt]>,
    parallel: bool,
    poll: &(impl Fn() -> Result<(), E> + Sync),
) -> Result<(), E> {
    let shape = constants[0].shape;
    let strips = transpose(matrices.into_iter().map(|matrix| shape.strips(matrix)).collect());
    run(strips, parallel, |index, strips| {
        dispatch(ForwardColumns { constants, first: shape.strip_start(index), strips, poll })
    })
}

/// Lists of equal length, by their entries' index instead.
fn transpose<T>(lists: Vec<Vec<T>>) -> Vec<Vec<T>> {
    let len = lists.first().map_or(0, Vec::len);
    let mut transposed: Vec<Vec<T>> = (0..len).map(|_| Vec::with_capacity(lists.len())).collect();
    for list in lists {
        for (column, entry) in transposed.iter_mut().zip(list) {
            column.push(entry);
        }
    }
    transposed
}

/// Does every piece of work, in parallel if asked, until one fails.
fn run<T: Send, E: Send>(
    pieces: Vec<T>,
    parallel: bool,
    work: impl Fn(usize, T) -> Result<(), E> + Sync,
) -> Result<(), E> {
    if parallel {
        pieces.into_par_iter().enumerate().try_for_each(|(index, piece)| work(index, piece))
    } else {
        pieces.into_iter().enumerate().try_for_each(|(index, piece)| work(index, piece))
    }
}

fn extend_small<E: Send>(
    jobs: Vec<Job<'_>>,
    shift_inverse: &Felt,
    shifts: &[Felt],
    poll: &(impl Fn() -> Result<(), E> + Sync),
) -> Result<(), E> {
    let log_height = log2(jobs[0].targets[0].len());
    let scale = bit_reversed_powers(log_height, shift_inverse, &inverse_of_size(log_height));
    let factors: Vec<_> = shifts.iter().map(|shift| forward_factors(log_height, shift)).collect();
    let extend = |job: Job<'_>| {
        poll()?;
        let mut coefficients = job.source.unwrap_or(&*job.targets[0]).to_vec();
        small_backward(&mut coefficients, &scale);
        for (target, factors) in job.targets.into_iter().zip(&factors) {
            let mut values: Vec<_> = coefficients.iter().map(Portable::broadcast).collect();
            dft::forward::<Portable>(&mut values, factors);
            store_all(&values, target);
        }
        Ok(())
    };
    jobs.into_par_iter().with_min_len(16).try_for_each(extend)
}

/// Values over the trace domain to coefficients times `scale / N`, one element at a time.
fn small_backward(values: &mut [Felt], scale: &[Felt]) {
    let mut coefficients: Vec<_> = values.iter().map(Portable::broadcast).collect();
    dft::backward::<Portable>(&mut coefficients, &backward_factors(log2(values.len())));
    for (coefficient, scale) in coefficients.iter_mut().zip(scale) {
        *coefficient = coefficient.mul(Portable::broadcast(scale));
    }
    store_all(&coefficients, values);
}

fn store_all(values: &[Portable], to: &mut [Felt]) {
    for (value, place) in values.iter().zip(to.chunks_exact_mut(1)) {
        value.store(place);
    }
}

fn log2(len: usize) -> u32 {
    assert!(len.is_power_of_two(), "the length {len} is not a power of two");
    len.trailing_zeros()
}

fn poll_nothing() -> Result<(), Infallible> {
    Ok(())
}

fn never(result: Result<(), Infallible>) {
    let Ok(()) = result;
}
