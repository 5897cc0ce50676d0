//! Commitments to columns of different heights.

use super::matrix::{Matrix, position};
use super::sweep;
use crate::control::{Cancelled, Meter};
use crate::hash::{BATCH, Digest, RowHasher};
use crate::merkle::{MerkleTree, Rows};
use felt::fft::Domain;

/// The columns of each group, with the Merkle tree of their low-degree extensions.
#[derive(Debug)]
pub struct Committed {
    /// By group.
    pub matrices: Vec<Matrix>,
    pub(super) tree: MerkleTree,
}

impl Committed {
    /// Commits to columns. Those that are not extended are moved from coset to coset and end on coset 1. Of the tree, so many of the lowest layers
    /// are not kept.
    ///
    /// # Errors
    /// [`Cancelled`] if the control hook says so.
    pub fn new(matrices: Vec<Matrix>, lowest: usize, meter: &Meter<'_>) -> Result<Self, Cancelled> {
        let hashed = matrices.into_iter().map(|mut matrix| {
            let digests = if matrix.is_extended() { None } else { Some(sweep::digests(&mut matrix, meter)?) };
            Ok((matrix, digests))
        });
        Self::with_digests(hashed.collect::<Result<_, _>>()?, lowest, meter)
    }

    /// Commits to columns that are extended, or come with the digests of all their rows, in coset-major order.
    ///
    /// # Errors
    /// [`Cancelled`] if the control hook says so.
    pub fn with_digests(
        hashed: Vec<(Matrix, Option<Vec<Digest>>)>,
        lowest: usize,
        meter: &Meter<'_>,
    ) -> Result<Self, Cancelled> {
        let rows = AllRows(hashed.iter().filter(|(matrix, _)| matrix.width() > 0).collect());
        let tree = MerkleTree::build_without(lowest, &rows, meter)?;
        Ok(Self { matrices: hashed.into_iter().map(|(matrix, _)| matrix).collect(), tree })
    }

    /// Sees to it that the values of all columns on a domain are there.
    ///
    /// # Errors
    /// [`Cancelled`] if the control hook says so.
    pub fn move_to(&mut self, domain: Domain, meter: &Meter<'_>) -> Result<(), Cancelled> {
        self.matrices.iter_mut().try_for_each(|matrix| matrix.move_to(domain, meter).map(drop))
    }

    /// The commitment.
    pub fn cap(&self) -> Vec<Digest> {
        self.tree.cap()
    }
}

/// The matrices of a commitment, tallest first, extended or with the digests of their rows.
struct AllRows<'a>(Vec<&'a (Matrix, Option<Vec<Digest>>)>);

impl Rows for AllRows<'_> {
    fn heights(&self) -> Vec<usize> {
        self.0.iter().map(|(matrix, _)| matrix.height() * matrix.cosets()).collect()
    }

    fn hash(&self, matrix: usize, first: usize, out: &mut [Digest]) {
        let (matrix, digests) = self.0[matrix];
        let (height, cosets) = (matrix.height(), matrix.cosets());
        if let Some(digests) = digests {
            for (row, out) in (first..).zip(out) {
                *out = digests[position(row, height, cosets)];
            }
            return;
        }
        let columns = matrix.columns();
        let mut hasher = RowHasher::new(columns.len());
        for (batch, out) in out.chunks_mut(BATCH).enumerate() {
            let first = first + batch * BATCH;
            hasher.hash(out, |column, row| &columns[column][position(first + row, height, cosets)]);
        }
    }
}
