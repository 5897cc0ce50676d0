//! Expressions as constraint authors write them: values with operators. [`crate::AirBuilder`] turns them into graph nodes.

use crate::graph::Input;
use felt::Felt;
use std::ops::{Add, Mul, Neg, Sub};
use std::sync::Arc;

/// An arithmetic expression over one row of a table and the next.
#[derive(Debug, Clone)]
pub struct Expr(pub(crate) Arc<Tree>);

#[derive(Debug)]
pub(crate) enum Tree {
    Constant(Felt),
    Input(Input),
    Add(Expr, Expr),
    Sub(Expr, Expr),
    Mul(Expr, Expr),
    Neg(Expr),
}

impl Expr {
    pub(crate) fn new(tree: Tree) -> Self {
        Self(Arc::new(tree))
    }

    /// The constant 0.
    pub fn zero() -> Self {
        Self::from(Felt::zero())
    }

    /// The constant 1.
    pub fn one() -> Self {
        Self::from(Felt::one())
    }

    /// The sum of expressions; 0 for none.
    pub fn sum(terms: impl IntoIterator<Item = Self>) -> Self {
        terms.into_iter().reduce(|a, b| a + b).unwrap_or_else(Self::zero)
    }
}

impl From<Felt> for Expr {
    fn from(value: Felt) -> Self {
        Self::new(Tree::Constant(value))
    }
}

impl From<u64> for Expr {
    fn from(value: u64) -> Self {
        Self::from(Felt::from(value))
    }
}

impl From<&Self> for Expr {
    fn from(value: &Self) -> Self {
        value.clone()
    }
}

macro_rules! operator {
    ($trait:ident, $method:ident, $variant:ident) => {
        impl<T: Into<Expr>> $trait<T> for Expr {
            type Output = Expr;
            fn $method(self, other: T) -> Expr {
                Expr::new(Tree::$variant(self, other.into()))
            }
        }
        impl<T: Into<Expr>> $trait<T> for &Expr {
            type Output = Expr;
            fn $method(self, other: T) -> Expr {
                Expr::new(Tree::$variant(self.clone(), other.into()))
            }
        }
    };
}
operator!(Add, add, Add);
operator!(Sub, sub, Sub);
operator!(Mul, mul, Mul);

impl Neg for Expr {
    type Output = Self;
    fn neg(self) -> Self {
        Self::new(Tree::Neg(self))
    }
}

impl Neg for &Expr {
    type Output = Expr;
    fn neg(self) -> Expr {
        Expr::new(Tree::Neg(self.clone()))
    }
}
