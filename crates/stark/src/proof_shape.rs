//! The shape check: every length in a proof, compared with what tables, parameters and query indices fix, before any
//! arithmetic.

use crate::merkle::{CAP, path_length};
use crate::proof::{
    FoldOpening, GroupOpenings, Opening, Proof, cap_length, matrices, opening_path_length, unknown_values,
};
use crate::shape::{Fold, LOG_FINAL, Shape, distinct};

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
    /// [`Proof::indices`].
    Indices,
    /// The groups discloseding of a commitment.
    Matrices,
    /// A group's rows in the opening of a commitment.
    Rows,
    /// One row in the opening of a commitment.
    Row,
    /// The Merkle path discloseding of a commitment.
    Path,
    /// [`Proof::folds`].
    FoldOpenings,
    /// The leaves discloseding of a FRI layer.
    Leaves,
    /// The values of one leaf discloseding of a FRI layer.
    Siblings,
    /// The Merkle path discloseding of a FRI layer.
    FoldPath,
}

/// A length that does not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the proof's {part:?} has {found} entries where tables, parameters and query indices fix {expected}")]
pub struct ShapeError {
    /// What has the wrong length.
    pub part: Part,
    /// The length that tables, parameters and query indices fix.
    pub expected: usize,
    /// The length found.
    pub found: usize,
}

const fn check(part: Part, found: usize, expected: usize) -> Result<(), ShapeError> {
    if found == expected { Ok(()) } else { Err(ShapeError { part, expected, found }) }
}

/// Compares every length in the proof. Its query indices count as they stand; whether they are the transcript's is checked
/// later.
///
/// # Errors
/// The first [`ShapeError`] found.
pub fn check_shape(proof: &Proof, shape: &Shape) -> Result<(), ShapeError> {
    check(Part::MainCap, proof.main_cap.len(), cap_length(shape, 0))?;
    check(Part::LookupCap, proof.lookup_cap.len(), cap_length(shape, 1))?;
    check(Part::Totals, proof.totals.len(), shape.groups.len())?;
    check(Part::QuotientCap, proof.quotient_cap.len(), cap_length(shape, 2))?;
    check(Part::Groups, proof.openings.len(), shape.groups.len())?;
    for (openings, group) in proof.openings.iter().zip(&shape.groups) {
        for (part, expected) in openings.parts().into_iter().zip(GroupOpenings::lengths(group)) {
            check(Part::Openings, part.len(), expected)?;
        }
    }
    check(Part::FoldLayers, proof.fold_caps.len(), shape.folds.len())?;
    proof.fold_caps.iter().try_for_each(|caps| check(Part::FoldCap, caps.len(), CAP))?;
    check(Part::FinalPolynomial, proof.final_polynomial.len(), 1 << LOG_FINAL)?;
    check(Part::Indices, proof.indices.len(), shape.queries)?;
    for (which, opening) in [&proof.main, &proof.lookup, &proof.quotient].into_iter().enumerate() {
        check_opening(opening, shape, which, &proof.indices)?;
    }
    check(Part::FoldOpenings, proof.folds.len(), shape.folds.len())?;
    let folds = proof.folds.iter().zip(&shape.folds);
    folds.into_iter().try_for_each(|(opening, fold)| check_fold(opening, *fold, &proof.indices))
}

fn check_opening(opening: &Opening, shape: &Shape, which: usize, indices: &[u64]) -> Result<(), ShapeError> {
    check(Part::Matrices, opening.rows.len(), matrices(shape, which).count())?;
    for (rows, (log_height, width)) in opening.rows.iter().zip(matrices(shape, which)) {
        check(Part::Rows, rows.len(), distinct(indices, log_height).len())?;
        rows.iter().try_for_each(|row| check(Part::Row, row.len(), width))?;
    }
    check(Part::Path, opening.path.len(), opening_path_length(shape, which, indices))
}

fn check_fold(opening: &FoldOpening, fold: Fold, indices: &[u64]) -> Result<(), ShapeError> {
    let unknown = unknown_values(fold, indices);
    check(Part::Leaves, opening.siblings.len(), unknown.len())?;
    for (siblings, unknown) in opening.siblings.iter().zip(unknown) {
        check(Part::Siblings, siblings.len(), unknown.len())?;
    }
    let leaves = distinct(indices, fold.log_leaves());
    check(Part::FoldPath, opening.path.len(), path_length(fold.log_leaves(), &leaves))
}
