//! Addresses that a row looks up: small integers almost always, so they are added up as such.

use super::scratch::Scratch;
use super::sum::{Evaluate, Sum};
use cairo_air::components::derived::Linear;
use felt::Felt;
use felt::integers::{integer, signed, word};
use felt::packed::dispatch;

/// An address: columns that are small integers, and a small constant; or any sum.
pub(super) enum Address {
    Integers { columns: Vec<usize>, offset: i64 },
    Any(Sum),
}

impl Address {
    pub(super) fn new(linear: &Linear) -> Self {
        let sum = Sum::new(linear);
        match near(&sum.constant) {
            Some(offset) if sum.minus.is_empty() && sum.scaled.is_empty() => {
                Self::Integers { columns: sum.plus, offset }
            }
            _ => Self::Any(sum),
        }
    }

    /// The field element that it is in one row.
    pub(super) fn sum(&self, columns: &[&mut [Felt]], row: usize) -> Felt {
        match self {
            Self::Any(sum) => sum.at(columns, row),
            Self::Integers { columns: bases, offset } => {
                bases.iter().fold(signed(*offset), |total, column| total + columns[*column][row])
            }
        }
    }

    /// The addresses in the rows of a tile; what is no address is negative or large.
    pub(super) fn evaluate(&self, columns: &[&mut [Felt]], first: usize, scratch: &mut Scratch, len: usize) {
        let Scratch { integers, addresses, left, .. } = scratch;
        let addresses = &mut addresses[..len];
        match self {
            Self::Integers { columns: bases, offset } => {
                addresses.fill(*offset);
                for column in bases {
                    for (address, value) in addresses.iter_mut().zip(&integers[*column]) {
                        *address += value;
                    }
                }
                // Large terms may add up to an address all the same.
                if addresses.iter().any(|address| *address > FAR / 2) {
                    for (row, address) in (first..).zip(addresses).filter(|(_, address)| **address > FAR / 2) {
                        *address = word(&self.sum(columns, row)).map_or(-1, i64::from);
                    }
                }
            }
            Self::Any(sum) => {
                let left = &mut left[..len];
                dispatch(Evaluate { factors: std::slice::from_ref(sum), columns, first, out: left });
                for (address, value) in addresses.iter_mut().zip(left) {
                    *address = word(value).map_or(-1, i64::from);
                }
            }
        }
    }
}

/// Stands for an integer that is not [`near`]. It remains larger than any address after the addition of near ones, of which a sum has
/// fewer than there are columns.
pub(super) const FAR: i64 = 1 << 50;

/// An integer between −2^40 and 2^40, so that sums of a few do not overflow.
#[inline]
pub(super) fn near(value: &Felt) -> Option<i64> {
    integer(value).filter(|value| value.unsigned_abs() < 1 << 40)
}
