//! Sums of columns, and products of such, in one row or in many.

use cairo_air::components::derived::Linear;
use felt::Felt;
use felt::packed::{Packed, WithPacked};

/// A linear expression, sorted by what its terms cost.
pub(super) struct Sum {
    pub(super) constant: Felt,
    pub(super) plus: Vec<usize>,
    pub(super) minus: Vec<usize>,
    pub(super) scaled: Vec<(usize, Felt)>,
}

impl Sum {
    pub(super) fn new(linear: &Linear) -> Self {
        let mut sum =
            Self { constant: linear.constant_part(), plus: Vec::new(), minus: Vec::new(), scaled: Vec::new() };
        for (column, coefficient) in linear.terms() {
            let column = *column as usize;
            if *coefficient == Felt::one() {
                sum.plus.push(column);
            } else if *coefficient == -Felt::one() {
                sum.minus.push(column);
            } else {
                sum.scaled.push((column, *coefficient));
            }
        }
        sum
    }

    /// The value in one row.
    #[inline]
    pub(super) fn at(&self, columns: &[&mut [Felt]], row: usize) -> Felt {
        // Columns of an expression are earlier ones, so they are there.
        let mut total = self.constant;
        for column in &self.plus {
            total += columns[*column][row];
        }
        for column in &self.minus {
            total = total - columns[*column][row];
        }
        for (column, coefficient) in &self.scaled {
            total += columns[*column][row] * coefficient;
        }
        total
    }

    /// The values in some rows from `row` on.
    #[inline(always)]
    fn packed<P: Packed>(&self, columns: &[&mut [Felt]], row: usize) -> P {
        let mut total = P::broadcast(&self.constant);
        for column in &self.plus {
            total = total.add(P::load(&columns[*column][row..]));
        }
        for column in &self.minus {
            total = total.sub(P::load(&columns[*column][row..]));
        }
        for (column, coefficient) in &self.scaled {
            total = total.add(P::load(&columns[*column][row..]).mul(P::broadcast(coefficient)));
        }
        total
    }

    /// The column, if the sum is one.
    pub(super) fn as_column(&self) -> Option<usize> {
        match (&*self.plus, &*self.minus, &*self.scaled) {
            ([column], [], []) if self.constant == Felt::zero() => Some(*column),
            _ => None,
        }
    }
}

/// Products of sums in the rows from `first` on, from the columns that the sums refer to.
pub(super) struct Evaluate<'a, 'b> {
    pub(super) factors: &'a [Sum],
    pub(super) columns: &'a [&'b mut [Felt]],
    pub(super) first: usize,
    pub(super) out: &'a mut [Felt],
}

impl WithPacked for Evaluate<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<P: Packed>(self) {
        let Some((factor, others)) = self.factors.split_first() else { return self.out.fill(Felt::one()) };
        let mut out = self.out.chunks_exact_mut(P::WIDTH);
        let mut row = self.first;
        for out in out.by_ref() {
            let mut product = factor.packed::<P>(self.columns, row);
            for other in others {
                product = product.mul(other.packed::<P>(self.columns, row));
            }
            product.store(out);
            row += P::WIDTH;
        }
        for out in out.into_remainder() {
            *out = factor.at(self.columns, row);
            for other in others {
                *out *= other.at(self.columns, row);
            }
            row += 1;
        }
    }
}
