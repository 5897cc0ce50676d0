//! What the tables of add_mod and mul_mod have in common: the walk over the instances, their cells, and the words of their values.
//! See README.md.

use super::word96::HALF_BITS;
use crate::{Builtin, buses};
use stark::{AirBuilder, Bus, Expr, Rows};

/// Memory cells of an instance: four words of the modulus, the pointers to values and to offsets, and the number of instances left.
pub const CELLS: u64 = Builtin::AddMod.cells_per_instance() as u64;

/// Words of a value, of 96 bits each, the least significant first.
pub const WORDS: usize = 4;

/// Halves of a value's words, of 48 bits each: its digits to the base 2^48.
pub const HALVES: usize = 2 * WORDS;

/// The columns that both tables have.
pub(super) struct Instance<'a> {
    pub enabler: &'a Expr,
    pub address: &'a Expr,
    pub joins: &'a Expr,
    pub goes_on: &'a Expr,
    pub values_ptr: &'a Expr,
    pub offsets_ptr: &'a Expr,
    pub n: &'a Expr,
    pub offset: &'a [Expr; 3],
    pub p: &'a [Expr; HALVES],
    pub a: &'a [Expr; HALVES],
    pub b: &'a [Expr; HALVES],
    pub c: &'a [Expr; HALVES],
}

impl Instance<'_> {
    /// The walk over the instances, on the builtin's bus, and all lookups of cells and words.
    pub(super) fn constrain(&self, builder: &mut AirBuilder, walk: Bus) {
        let Self { enabler, address, joins, goes_on, values_ptr, offsets_ptr, n, offset, p, a, b, c } = self;
        builder.constrain_boolean("boolean_enabler", enabler);
        // Unless an instance counts 1, its batch goes on, and the next one counts one less. One that went on beyond 1, by whatever is not 0,
        // would come to 0, −1, … and have to go on at every instance; but the last one of the segment does not.
        builder.constrain("last_of_batch", Rows::All, (Expr::one() - *goes_on) * (*n - 1));
        let state = |address: Expr, of: &Expr, n: Expr, offsets_ptr: Expr| {
            let words = (0..WORDS).map(|i| of * word(p, i));
            let [n, values_ptr, offsets_ptr] = [of * n, of * *values_ptr, of * offsets_ptr];
            [address, of.clone(), n].into_iter().chain(words).chain([values_ptr, offsets_ptr]).collect::<Vec<_>>()
        };
        builder.require(
            "before",
            walk,
            *enabler,
            state((*address).clone(), joins, (*n).clone(), (*offsets_ptr).clone()),
        );
        builder.provide("after", walk, *enabler, state(*address + CELLS, goes_on, *n - 1, *offsets_ptr + 3));

        let mut cell = |name: String, address: Expr, value: Expr| {
            builder.require(name, buses::MEMORY, *enabler, [address, value]);
        };
        for i in 0..WORDS {
            cell(format!("p[{i}]"), *address + i as u64, word(p, i));
        }
        for (at, (name, value)) in
            (WORDS as u64..).zip([("values_ptr", values_ptr), ("offsets_ptr", offsets_ptr), ("n", n)])
        {
            cell(name.to_owned(), *address + at, (*value).clone());
        }
        for (i, (name, value)) in [("a", a), ("b", b), ("c", c)].into_iter().enumerate() {
            cell(format!("offset[{i}]"), *offsets_ptr + i as u64, offset[i].clone());
            for k in 0..WORDS {
                cell(format!("{name}[{k}]"), *values_ptr + &offset[i] + k as u64, word(value, k));
            }
        }
        for (name, value) in [("p", p), ("a", a), ("b", b), ("c", c)] {
            require_words(builder, name, enabler, value.as_slice());
        }
    }
}

/// Requires that each two expressions, one after the other, are integers below 2^48.
pub(super) fn require_words(builder: &mut AirBuilder, name: &str, enabler: &Expr, halves: &[Expr]) {
    for (i, pair) in halves.chunks_exact(2).enumerate() {
        builder.require(format!("word_{name}[{i}]"), buses::WORD96, enabler, pair.to_vec());
    }
}

/// Word `i` of a value.
fn word(halves: &[Expr; HALVES], i: usize) -> Expr {
    digits(&halves[2 * i..2 * i + 2])
}

/// The number with these digits to the base 2^48, the least significant first.
pub(super) fn digits(digits: &[Expr]) -> Expr {
    digits.iter().rev().fold(Expr::zero(), |value, digit| value * (1_u64 << HALF_BITS) + digit)
}
