//! Transforms between values on a coset of a trace domain and coefficients.
//!
//! Lengths are powers of two, one included. Coefficients are in *bit-reversed* order unless a name says otherwise: entry `r` of `2^k`
//! belongs to `x^i`, `i` being `r` with its `k` bits reversed. Results are the same on every kernel and any number of threads.

mod dft;
mod passes;

use crate::Felt;
use crate::domain::{inverse_of_size, lde_point};
use crate::memory::zeros;
use crate::packed::{Packed, Portable, dispatch};
use crate::scalar::inverse;
use dft::{backward_factors, bit_reverse_index, bit_reversed_powers, forward_factors};
use passes::{
    Backward, BackwardColumns, BackwardRows, ExtendRows, Forward, ForwardColumns, ForwardRows, MIN_LOG_SIZE, ROWS,
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
    never(backward_columns(&constants, &mut [values], parallel, &poll_nothing));
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
        dft::forward(&mut values, &factors);
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
    let mut owned = zeros(column.len());
    owned.copy_from_slice(column);
    let Ok(mut extended) = extend_batch(vec![owned], log_blowup, &poll_nothing);
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
    columns: Vec<Vec<Felt>>,
    log_blowup: u32,
    poll: &(impl Fn() -> Result<(), E> + Sync),
) -> Result<Vec<Vec<Felt>>, E> {
    let Some(height) = columns.first().map(Vec::len) else {
        return Ok(Vec::new());
    };
    assert!(columns.iter().all(|column| column.len() == height), "columns of one height");
    let log_height = log2(height);
    let shifts: Vec<_> = (0..1 << log_blowup).map(|c| lde_point(log_height + log_blowup, c)).collect();
    if log_height < MIN_LOG_SIZE {
        return extend_small(columns, &shifts, poll);
    }
    let constants = Extension {
        backward: Backward::new(log_height, &Felt::one()),
        forward: shifts.iter().map(|shift| Forward::new(log_height, shift)).collect(),
    };
    let parallel = log_height >= PARALLEL_LOG_SIZE;
    // Short columns occupy the threads by their number: the groups must not be too few.
    let group = if parallel { GROUP } else { columns.len().div_ceil(2 * rayon::current_num_threads()).min(GROUP) };
    let mut groups = Vec::with_capacity(columns.len().div_ceil(group));
    let mut columns = columns.into_iter();
    while columns.len() > 0 {
        groups.push(columns.by_ref().take(group).collect::<Vec<_>>());
    }
    let extended: Result<Vec<_>, E> = if parallel {
        groups.into_iter().map(|group| constants.extend(group, true, poll)).collect()
    } else {
        groups.into_par_iter().map(|group| constants.extend(group, false, poll)).collect()
    };
    Ok(extended?.into_iter().flatten().collect())
}

/// Constants of an extension: one way back, one forth for each coset.
struct Extension {
    backward: Backward,
    forward: Vec<Forward>,
}

impl Extension {
    fn extend<E: Send>(
        &self,
        mut columns: Vec<Vec<Felt>>,
        parallel: bool,
        poll: &(impl Fn() -> Result<(), E> + Sync),
    ) -> Result<Vec<Vec<Felt>>, E> {
        let height = columns[0].len();
        let mut matrices: Vec<_> = columns.iter_mut().map(Vec::as_mut_slice).collect();
        backward_columns(&self.backward, &mut matrices, parallel, poll)?;
        let mut extended: Vec<_> = columns.iter().map(|_| zeros(height * self.forward.len())).collect();
        self.extend_rows(&columns, &mut extended, parallel, poll)?;
        drop(columns);
        let cosets = extended.iter_mut().flat_map(|column| column.chunks_exact_mut(height)).collect();
        forward_columns(&self.forward, cosets, parallel, poll)?;
        Ok(extended)
    }

    fn extend_rows<E: Send>(
        &self,
        columns: &[Vec<Felt>],
        extended: &mut [Vec<Felt>],
        parallel: bool,
        poll: &(impl Fn() -> Result<(), E> + Sync),
    ) -> Result<(), E> {
        let piece = ROWS * self.backward.shape.columns();
        let mut pieces = Vec::new();
        for (column, extended) in columns.iter().zip(extended) {
            let mut targets: Vec<_> =
                extended.chunks_exact_mut(column.len()).map(|coset| coset.chunks_exact_mut(piece)).collect();
            for rows in column.chunks_exact(piece) {
                pieces.push((rows, targets.iter_mut().filter_map(Iterator::next).collect::<Vec<_>>()));
            }
        }
        run(pieces, parallel, |_, (rows, targets)| {
            poll()?;
            dispatch(ExtendRows { backward: &self.backward, forward: &self.forward, rows, targets });
            Ok(())
        })
    }
}

fn backward_columns<E: Send>(
    constants: &Backward,
    matrices: &mut [&mut [Felt]],
    parallel: bool,
    poll: &(impl Fn() -> Result<(), E> + Sync),
) -> Result<(), E> {
    let strips = transpose(matrices.iter_mut().map(|matrix| constants.shape.strips(matrix)).collect());
    run(strips, parallel, |index, strips| {
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
    columns: Vec<Vec<Felt>>,
    shifts: &[Felt],
    poll: &(impl Fn() -> Result<(), E> + Sync),
) -> Result<Vec<Vec<Felt>>, E> {
    let height = columns[0].len();
    let log_height = log2(height);
    let scale = vec![inverse_of_size(log_height); height];
    let factors: Vec<_> = shifts.iter().map(|shift| forward_factors(log_height, shift)).collect();
    let extend = |mut column: Vec<Felt>| {
        poll()?;
        small_backward(&mut column, &scale);
        let mut extended = zeros(height * factors.len());
        for (coset, factors) in extended.chunks_exact_mut(height).zip(&factors) {
            let mut values: Vec<_> = column.iter().map(Portable::broadcast).collect();
            dft::forward(&mut values, factors);
            store_all(&values, coset);
        }
        Ok(extended)
    };
    columns.into_par_iter().with_min_len(16).map(extend).collect()
}

/// Values over the trace domain to coefficients times `scale / N`, one element at a time.
fn small_backward(values: &mut [Felt], scale: &[Felt]) {
    let mut coefficients: Vec<_> = values.iter().map(Portable::broadcast).collect();
    dft::backward(&mut coefficients, &backward_factors(log2(values.len())));
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
