//! The two passes of a long transform.
//!
//! `N = R·C` values are a matrix of `R` rows and `C` columns in row-major order. Value `i = j + C·t` stands in row `t` and column
//! `j`; the coefficient of `x^k`, `k = kq + R·kp`, stands (bit-reversed) in row `bit_reverse(kq)` and column `bit_reverse(kp)`.
//! Since `g_N^(ik) = g_N^(j·kq) · g_C^(j·kp) · g_R^(t·kq)`, a transform is one of the columns, one of the rows, and between them a
//! multiplication of column `j` by the powers of `g_N^j`. On a coset, `shift^k = shift^kq · (shift^R)^kp` goes into the factors of
//! both.
//!
//! Why two passes: layer after layer over the whole vector would go through memory `log2 N` times, and memory is what a long transform
//! waits for. Here each column and each row fits a core's cache, so memory is read and written twice (Bailey, "FFTs in external or
//! hierarchical memory", 1989). Bit-reversed coefficients save the transposition that his version ends with: the way back begins where
//! the way there ended. Columns are never longer than rows, since their entries lie apart and each costs a cache line.
//!
//! Columns are taken [`Packed::WIDTH`] neighbours at a time and so are rows: lanes never mix.

use super::dft::{
    backward, backward_factors, bit_reversed_powers, forward, forward_factors, packed_bit_reversed_powers,
};
use crate::Felt;
use crate::domain::{inverse_of_size, inverse_root_of_unity, root_of_unity};
use crate::packed::kernel::{Constants, push};
use crate::packed::{Packed, WithPacked};
use crate::scalar::{power, product};

/// Rows of one piece of a pass over rows: no kernel is wider.
pub(super) const ROWS: usize = 8;

/// Columns of one piece of a pass over columns, where there are so many: whole cache lines, and few pieces.
const COLUMNS: usize = 32;

/// Transforms of fewer values (`log2`) have too few rows or columns for the widest kernel.
pub(super) const MIN_LOG_SIZE: u32 = 6;

/// Shape of the matrix.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    log_rows: u32,
    log_columns: u32,
}

impl Shape {
    pub(super) fn new(log_size: u32) -> Self {
        Shape { log_rows: log_size / 2, log_columns: log_size - log_size / 2 }
    }

    pub(super) fn columns(self) -> usize {
        1 << self.log_columns
    }

    fn log_size(self) -> u32 {
        self.log_rows + self.log_columns
    }

    /// Splits a matrix into vertical strips; each is the list of its rows' parts.
    pub(super) fn strips(self, matrix: &mut [Felt]) -> Vec<Vec<&mut [Felt]>> {
        let width = COLUMNS.min(self.columns());
        let mut strips: Vec<_> = (0..self.columns() / width).map(|_| Vec::with_capacity(1 << self.log_rows)).collect();
        for row in matrix.chunks_exact_mut(self.columns()) {
            for (strip, part) in strips.iter_mut().zip(row.chunks_exact_mut(width)) {
                strip.push(part);
            }
        }
        strips
    }

    /// The first column of a strip.
    pub(super) fn strip_start(self, strip: usize) -> usize {
        strip * COLUMNS.min(self.columns())
    }
}

/// Constants of the way from values to coefficients.
pub(super) struct Backward {
    pub(super) shape: Shape,
    columns: Constants,
    rows: Constants,
    root: Felt,
    shift: Felt,
    scale: Felt,
    row_scale: Option<Constants>,
}

impl Backward {
    /// For values over `shift·⟨g_N⟩`, given the inverse of the shift.
    pub(super) fn new(log_size: u32, shift_inverse: &Felt) -> Self {
        let shape = Shape::new(log_size);
        let row_scale = (*shift_inverse != Felt::one()).then(|| {
            bit_reversed_powers(shape.log_columns, &power(shift_inverse, 1 << shape.log_rows), &Felt::one()).into()
        });
        Backward {
            shape,
            columns: backward_factors(shape.log_rows),
            rows: backward_factors(shape.log_columns),
            root: inverse_root_of_unity(log_size),
            shift: *shift_inverse,
            scale: inverse_of_size(log_size),
            row_scale,
        }
    }
}

/// Constants of the way from coefficients to values.
pub(super) struct Forward {
    pub(super) shape: Shape,
    columns: Constants,
    rows: Constants,
}

impl Forward {
    /// For values over `shift·⟨g_N⟩`.
    pub(super) fn new(log_size: u32, shift: &Felt) -> Self {
        let shape = Shape::new(log_size);
        Forward {
            shape,
            columns: forward_factors(shape.log_rows, shift),
            rows: forward_factors(shape.log_columns, &power(shift, 1 << shape.log_rows)),
        }
    }
}

/// `start·root^(first + l)` in lane `l`.
#[inline(always)]
fn lane_powers<P: Packed>(root: &Felt, first: usize, start: &Felt) -> P {
    let mut lanes = [*start; ROWS];
    lanes[0] = product(start, &power(root, first as u64));
    for l in 1..P::WIDTH {
        lanes[l] = product(&lanes[l - 1], root);
    }
    P::load(&lanes)
}

/// A vertical strip of a matrix.
pub(super) struct Strip<'m> {
    /// The matrix that values are read from, if they do not stand in the strip itself.
    pub(super) source: Option<&'m [Felt]>,
    /// The parts of the rows.
    pub(super) parts: Vec<&'m mut [Felt]>,
}

/// Columns of values to columns of coefficients: one strip of several matrices of one shape.
pub(super) struct BackwardColumns<'a, 'm, F> {
    pub(super) constants: &'a Backward,
    pub(super) first: usize,
    pub(super) strips: Vec<Strip<'m>>,
    pub(super) poll: &'a F,
}

impl<F: Fn() -> Result<(), E>, E> WithPacked for BackwardColumns<'_, '_, F> {
    type Output = Result<(), E>;

    #[inline(always)]
    fn run<P: Packed>(mut self) -> Result<(), E> {
        let Backward { shape, columns, root, shift, scale, .. } = self.constants;
        let width = self.strips.first().and_then(|strip| strip.parts.first()).map_or(0, |part| part.len());
        let mut values: Vec<P::Loose> = Vec::with_capacity(1 << shape.log_rows);
        let mut factors: Vec<P> = Vec::with_capacity(1 << shape.log_rows);
        for at in (0..width).step_by(P::WIDTH) {
            let base = lane_powers(root, self.first + at, shift);
            packed_bit_reversed_powers(&mut factors, shape.log_rows, base, P::broadcast(scale));
            for strip in &mut self.strips {
                (self.poll)()?;
                values.clear();
                match strip.source {
                    Some(source) => {
                        for row in source.chunks_exact(shape.columns()) {
                            push(&mut values, P::load(&row[self.first + at..]).loosen());
                        }
                    }
                    None => {
                        for part in &strip.parts {
                            push(&mut values, P::load(&part[at..]).loosen());
                        }
                    }
                }
                backward::<P>(&mut values, columns);
                for ((part, value), factor) in strip.parts.iter_mut().zip(&values).zip(&factors) {
                    P::scale(*value, *factor).store_draft(&mut part[at..]);
                }
            }
        }
        Ok(())
    }
}

/// Columns of coefficients to columns of values: one strip of several matrices of one shape. Matrix `i` takes the constants
/// `i` modulo their number.
pub(super) struct ForwardColumns<'a, 'm, F> {
    pub(super) constants: &'a [Forward],
    pub(super) first: usize,
    pub(super) strips: Vec<Vec<&'m mut [Felt]>>,
    pub(super) poll: &'a F,
}

impl<F: Fn() -> Result<(), E>, E> WithPacked for ForwardColumns<'_, '_, F> {
    type Output = Result<(), E>;

    #[inline(always)]
    fn run<P: Packed>(mut self) -> Result<(), E> {
        let shape = self.constants[0].shape;
        let root = root_of_unity(shape.log_size());
        let width = self.strips.first().and_then(|strip| strip.first()).map_or(0, |part| part.len());
        let mut values: Vec<P::Loose> = Vec::with_capacity(1 << shape.log_rows);
        let mut factors: Vec<P> = Vec::with_capacity(1 << shape.log_rows);
        for at in (0..width).step_by(P::WIDTH) {
            let base = lane_powers(&root, self.first + at, &Felt::one());
            packed_bit_reversed_powers(&mut factors, shape.log_rows, base, P::broadcast(&Felt::one()));
            for (strip, constants) in self.strips.iter_mut().zip(self.constants.iter().cycle()) {
                (self.poll)()?;
                values.clear();
                for (part, factor) in strip.iter().zip(&factors) {
                    push(&mut values, P::load_draft(&part[at..]).mul(*factor).loosen());
                }
                forward::<P>(&mut values, &constants.columns);
                for (part, value) in strip.iter_mut().zip(&values) {
                    P::store_loose(*value, &mut part[at..]);
                }
            }
        }
        Ok(())
    }
}

#[inline(always)]
fn load_rows<P: Packed>(values: &mut Vec<P::Loose>, rows: &[Felt], columns: usize) {
    values.clear();
    for j in 0..columns {
        push(values, P::load_strided(&rows[j..], columns).loosen());
    }
}

#[inline(always)]
fn load_draft_rows<P: Packed>(values: &mut Vec<P::Loose>, rows: &[Felt], columns: usize) {
    values.clear();
    for j in 0..columns {
        push(values, P::load_strided_draft(&rows[j..], columns).loosen());
    }
}

#[inline(always)]
fn store_rows<P: Packed>(values: &[P::Loose], rows: &mut [Felt], columns: usize) {
    for (j, value) in values.iter().enumerate() {
        P::store_strided(*value, &mut rows[j..], columns);
    }
}

#[inline(always)]
fn store_draft_rows<P: Packed>(values: &[P::Loose], rows: &mut [Felt], columns: usize) {
    for (j, value) in values.iter().enumerate() {
        P::tighten(*value).store_strided_draft(&mut rows[j..], columns);
    }
}

/// [`ROWS`] rows of values to rows of coefficients.
pub(super) struct BackwardRows<'a> {
    pub(super) constants: &'a Backward,
    pub(super) rows: &'a mut [Felt],
}

impl WithPacked for BackwardRows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<P: Packed>(self) {
        let columns = self.constants.shape.columns();
        let mut values: Vec<P::Loose> = Vec::with_capacity(columns);
        for rows in self.rows.chunks_exact_mut(columns * P::WIDTH) {
            load_draft_rows::<P>(&mut values, rows, columns);
            backward::<P>(&mut values, &self.constants.rows);
            if let Some(scale) = &self.constants.row_scale {
                for (i, value) in values.iter_mut().enumerate() {
                    *value = P::scale_by(*value, P::factor(scale, i)).loosen();
                }
            }
            store_rows::<P>(&values, rows, columns);
        }
    }
}

/// [`ROWS`] rows of coefficients to rows of values.
pub(super) struct ForwardRows<'a> {
    pub(super) constants: &'a Forward,
    pub(super) rows: &'a mut [Felt],
}

impl WithPacked for ForwardRows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<P: Packed>(self) {
        let columns = self.constants.shape.columns();
        let mut values: Vec<P::Loose> = Vec::with_capacity(columns);
        for rows in self.rows.chunks_exact_mut(columns * P::WIDTH) {
            load_rows::<P>(&mut values, rows, columns);
            forward::<P>(&mut values, &self.constants.rows);
            store_draft_rows::<P>(&values, rows, columns);
        }
    }
}

/// [`ROWS`] rows of values to coefficients and on to the rows of every coset. The values stand in the first of the targets.
pub(super) struct ExtendRows<'a, 'm> {
    pub(super) backward: &'a Backward,
    pub(super) forward: &'a [Forward],
    pub(super) targets: Vec<&'m mut [Felt]>,
}

impl WithPacked for ExtendRows<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<P: Packed>(mut self) {
        let columns = self.backward.shape.columns();
        let mut coefficients: Vec<P::Loose> = Vec::with_capacity(columns);
        let mut values: Vec<P::Loose> = Vec::with_capacity(columns);
        for at in (0..self.targets[0].len()).step_by(columns * P::WIDTH) {
            load_draft_rows::<P>(&mut coefficients, &self.targets[0][at..], columns);
            backward::<P>(&mut coefficients, &self.backward.rows);
            match &self.backward.row_scale {
                Some(scale) => {
                    for (i, coefficient) in coefficients.iter_mut().enumerate() {
                        *coefficient = P::scale_by(*coefficient, P::factor(scale, i)).loosen();
                    }
                }
                None => {
                    for coefficient in &mut coefficients {
                        *coefficient = P::tighten(*coefficient).loosen();
                    }
                }
            }
            for (target, constants) in self.targets.iter_mut().zip(self.forward) {
                values.clear();
                values.extend_from_slice(&coefficients);
                forward::<P>(&mut values, &constants.rows);
                store_draft_rows::<P>(&values, &mut target[at..], columns);
            }
        }
    }
}

/// Transforms one after the other in scratch memory, of the values again and again.
pub(super) struct Butterflies<'a> {
    pub(super) values: &'a [Felt],
    pub(super) factors: &'a Constants,
    pub(super) log_size: u32,
    pub(super) count: usize,
}

impl WithPacked for Butterflies<'_> {
    type Output = u64;

    #[inline(always)]
    fn run<P: Packed>(self) -> u64 {
        let mut scratch = vec![P::load(self.values).loosen(); 1 << self.log_size];
        let mut layers = 0u32;
        for _ in 0..self.count {
            forward::<P>(&mut scratch, self.factors);
            layers = layers.saturating_add(self.log_size);
            // No more often than transforms that are as long as the kernel likes.
            if layers.saturating_add(self.log_size) > P::LAYERS {
                layers = 0;
                for value in &mut scratch {
                    *value = P::tighten(*value).loosen();
                }
            }
        }
        std::hint::black_box(&scratch);
        (self.count * scratch.len() / 2 * P::WIDTH) as u64 * u64::from(self.log_size)
    }
}

/// `to = from + shift` again and again, both in the kernel's own form.
pub(super) struct Drafts<'a> {
    pub(super) from: &'a [Felt],
    pub(super) to: &'a mut [Felt],
    pub(super) shift: &'a Felt,
    pub(super) count: usize,
}

impl WithPacked for Drafts<'_> {
    type Output = ();

    #[inline(always)]
    fn run<P: Packed>(self) {
        let shift = P::broadcast(self.shift);
        for _ in 0..self.count {
            for (from, to) in self.from.chunks_exact(P::WIDTH).zip(self.to.chunks_exact_mut(P::WIDTH)) {
                P::load_draft(from).add(shift).store_draft(to);
            }
        }
    }
}
