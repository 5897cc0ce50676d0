//! Linear expressions over the columns of a derived table, in canonical form.

use felt::{Felt, encoding};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::{Add, Sub};

/// `constant + Σ coefficient · column`. Columns ascend and no coefficient is 0, so equal expressions have equal
/// representations: an expression is the key of the memory cell whose address it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linear {
    constant: Felt,
    terms: Vec<(u32, Felt)>,
}

impl Linear {
    /// A constant.
    pub const fn constant(value: Felt) -> Self {
        Self { constant: value, terms: Vec::new() }
    }

    /// A signed integer.
    pub fn integer(value: i64) -> Self {
        Self::constant(crate::decode::signed(value))
    }

    /// A column.
    pub fn column(index: u32) -> Self {
        Self { constant: Felt::zero(), terms: vec![(index, Felt::one())] }
    }

    /// The value, if no column occurs.
    pub fn as_constant(&self) -> Option<Felt> {
        self.terms.is_empty().then_some(self.constant)
    }

    /// Whether this is the constant 0.
    pub fn is_zero(&self) -> bool {
        self.terms.is_empty() && self.constant == Felt::zero()
    }

    /// The constant part.
    pub const fn constant_part(&self) -> Felt {
        self.constant
    }

    /// Columns with their coefficients, ascending.
    pub fn terms(&self) -> &[(u32, Felt)] {
        &self.terms
    }

    /// `self · factor`.
    #[must_use]
    pub fn scaled(&self, factor: &Felt) -> Self {
        if *factor == Felt::zero() {
            return Self::constant(Felt::zero());
        }
        if *factor == Felt::one() {
            return self.clone();
        }
        // The field has no zero divisors: no term vanishes.
        let terms = self.terms.iter().map(|(column, coefficient)| (*column, coefficient * factor)).collect();
        Self { constant: self.constant * factor, terms }
    }

    /// `self + value`.
    #[must_use]
    pub fn offset(&self, value: i64) -> Self {
        Self { constant: self.constant + crate::decode::signed(value), terms: self.terms.clone() }
    }

    /// `self + factor · other`.
    #[must_use]
    pub fn plus(&self, factor: &Felt, other: &Self) -> Self {
        // Most factors are 1 or −1, and products are most of the time.
        let (is_one, is_minus_one) = (*factor == Felt::one(), *factor == -Felt::one());
        let scaled = |value: &Felt| match (is_one, is_minus_one) {
            (true, _) => *value,
            (_, true) => -*value,
            _ => value * factor,
        };
        let mut terms = Vec::with_capacity(self.terms.len() + other.terms.len());
        let (mut mine, mut theirs) = (self.terms.iter().peekable(), other.terms.iter().peekable());
        loop {
            let (column, coefficient) = match (mine.peek(), theirs.peek()) {
                (Some((a, x)), Some((b, y))) if a == b => {
                    let merged = (*a, *x + scaled(y));
                    mine.next();
                    theirs.next();
                    merged
                }
                (Some((a, x)), theirs_next) if theirs_next.is_none_or(|(b, _)| a < b) => {
                    let kept = (*a, *x);
                    mine.next();
                    kept
                }
                (_, Some((b, y))) => {
                    let added = (*b, scaled(y));
                    theirs.next();
                    added
                }
                _ => break,
            };
            if coefficient != Felt::zero() {
                terms.push((column, coefficient));
            }
        }
        Self { constant: self.constant + scaled(&other.constant), terms }
    }

    /// The value, given the columns'. A column that is missing counts as 0.
    pub fn evaluate(&self, columns: &[Felt]) -> Felt {
        self.terms.iter().fold(self.constant, |sum, (column, coefficient)| {
            sum + columns.get(*column as usize).copied().unwrap_or_default() * coefficient
        })
    }
}

impl Add for &Linear {
    type Output = Linear;
    fn add(self, other: Self) -> Linear {
        self.plus(&Felt::one(), other)
    }
}

impl Sub for &Linear {
    type Output = Linear;
    fn sub(self, other: Self) -> Linear {
        self.plus(&-Felt::one(), other)
    }
}

impl Hash for Linear {
    fn hash<H: Hasher>(&self, state: &mut H) {
        encoding::montgomery_limbs(&self.constant).hash(state);
        for (column, coefficient) in &self.terms {
            column.hash(state);
            encoding::montgomery_limbs(coefficient).hash(state);
        }
    }
}

/// Terms that messages show, so that names stay short.
const SHOWN: usize = 6;

impl fmt::Display for Linear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (column, coefficient)) in self.terms.iter().enumerate() {
            if index == SHOWN {
                f.write_str("… + ")?;
                break;
            }
            if *coefficient == Felt::one() {
                write!(f, "c{column} + ")?;
            } else {
                write!(f, "{}·c{column} + ", encoding::to_short(coefficient))?;
            }
        }
        f.write_str(&encoding::to_short(&self.constant))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_expressions_are_equal() {
        let (x, y) = (Linear::column(3), Linear::column(1));
        let two = Felt::from(2_u64);
        let a = &(&x + &y).scaled(&two) - &x;
        let b = &x.offset(5) + &y.plus(&Felt::one(), &y).offset(-5);
        assert_eq!(a, b);
        assert_eq!(&a - &b, Linear::integer(0));
        assert!((&a - &b).is_zero());
        assert_eq!(a.terms().iter().map(|(column, _)| *column).collect::<Vec<_>>(), [1, 3]);
        assert_eq!(x.plus(&-Felt::one(), &x).as_constant(), Some(Felt::zero()));
        assert_eq!(x.scaled(&Felt::zero()), Linear::integer(0));
        assert_eq!((&a - &y).to_string(), "c1 + c3 + 0");
    }

    #[test]
    fn evaluates() {
        let values: Vec<Felt> = (0..4_u64).map(|i| Felt::from(10 + i)).collect();
        let a = Linear::column(3).plus(&-Felt::from(2_u64), &Linear::column(1)).offset(-4);
        assert_eq!(a.evaluate(&values), -Felt::from(13_u64));
        assert_eq!(a.to_string(), "-2·c1 + c3 + -4");
    }
}
