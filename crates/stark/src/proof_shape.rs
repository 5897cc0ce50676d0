//! The shape check: every length in a proof, compared with what tables and parameters fix, before any arithmetic.

use crate::merkle::{CAP, path_length};
use crate::proof::{GroupOpenings, Opening, Proof, committed_widths, log_leaves};
use crate::shape::{LOG_FINAL, Shape};

/// A part of the proof whose length is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// [`Proof::main_cap`].
    MainCap,
    /// [`Proof::lookup_cap`].
    LookupCap,
    /// [`Proof::totals`].
    Totals,
    /// [`Proof::quotient_cap`].
    QuotientCap,
    /// [`Proof::openings`].
    Groups,
    /// A part of one of the [`Proof::openings`].
    Openings,
    /// [`Proof::fold_caps`].
    FoldLayers,
    /// One of the [`Proof::fold_caps`].
    FoldCap,
    /// [`Proof::final_polynomial`].
    FinalPolynomial,
    /// [`Proof::queries`].
    Queries,
    /// The rows of a query's opening.
    Rows,
    /// One row of a query's opening.
    Row,
    /// The Merkle path of a query's opening.
    Path,
    /// The FRI leaves of a query.
    FoldOpenings,
    /// The values of a FRI leaf.
    Siblings,
    /// The Merkle path of a FRI leaf.
    FoldPath,
}

/// A length that does not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the proof's {part:?} has {found} entries where the tables and parameters fix {expected}")]
pub struct ShapeError {
    /// What has the wrong length.
    pub part: Part,
    /// The length that the tables and parameters fix.
    pub expected: usize,
    /// The length found.
    pub found: usize,
}

const fn check(part: Part, found: usize, expected: usize) -> Result<(), ShapeError> {
    if found == expected { Ok(()) } else { Err(ShapeError { part, expected, found }) }
}

/// Compares every length in the proof.
///
/// # Errors
/// The first [`ShapeError`] found.
pub fn check_shape(proof: &Proof, shape: &Shape) -> Result<(), ShapeError> {
    let cap = |which| if log_leaves(shape, which).is_some() { CAP } else { 0 };
    check(Part::MainCap, proof.main_cap.len(), cap(0))?;
    check(Part::LookupCap, proof.lookup_cap.len(), cap(1))?;
    check(Part::Totals, proof.totals.len(), shape.groups.len())?;
    check(Part::QuotientCap, proof.quotient_cap.len(), cap(2))?;
    check(Part::Groups, proof.openings.len(), shape.groups.len())?;
    for (openings, group) in proof.openings.iter().zip(&shape.groups) {
        for (part, expected) in openings.parts().into_iter().zip(GroupOpenings::lengths(group)) {
            check(Part::Openings, part.len(), expected)?;
        }
    }
    check(Part::FoldLayers, proof.fold_caps.len(), shape.folds.len())?;
    proof.fold_caps.iter().try_for_each(|caps| check(Part::FoldCap, caps.len(), CAP))?;
    check(Part::FinalPolynomial, proof.final_polynomial.len(), 1 << LOG_FINAL)?;
    check(Part::Queries, proof.queries.len(), shape.queries)?;
    for query in &proof.queries {
        for (which, opening) in [&query.main, &query.lookup, &query.quotient].into_iter().enumerate() {
            check_opening(opening, shape, which)?;
        }
        check(Part::FoldOpenings, query.folds.len(), shape.folds.len())?;
        for (opening, fold) in query.folds.iter().zip(&shape.folds) {
            check(Part::Siblings, opening.siblings.len(), (1 << fold.log_arity) - 1)?;
            check(Part::FoldPath, opening.path.len(), path_length(fold.log_size - fold.log_arity))?;
        }
    }
    Ok(())
}

fn check_opening(opening: &Opening, shape: &Shape, which: usize) -> Result<(), ShapeError> {
    let widths = || shape.groups.iter().map(|group| committed_widths(group)[which]).filter(|&width| width > 0);
    check(Part::Rows, opening.rows.len(), widths().count())?;
    for (row, width) in opening.rows.iter().zip(widths()) {
        check(Part::Row, row.len(), width)?;
    }
    check(Part::Path, opening.path.len(), log_leaves(shape, which).map_or(0, path_length))
}
