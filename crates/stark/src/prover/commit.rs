//! Commitments to columns of different heights.

use crate::control::{Cancelled, Meter};
use crate::hash::{BATCH, Digest, RowHasher};
use crate::merkle::{MerkleTree, Rows};
use crate::proof::Opening;
use crate::shape::{Group, Shape, distinct};
use felt::Felt;

/// The low-degree extensions of some columns of each group, with their Merkle tree.
#[derive(Debug)]
pub struct Committed {
    /// `groups[g][c]` is a column's extension in coset-major order: entry `k·N + i` belongs to point `k + B·i`.
    pub groups: Vec<Vec<Vec<Felt>>>,
    tree: MerkleTree,
    log_blowup: u32,
}

impl Committed {
    /// Extends columns (`groups[g][c]`, `2^log_height` rows of the trace domain each) and commits to them.
    ///
    /// # Errors
    /// [`Cancelled`] if the control hook says so.
    pub fn extend(groups: &[Vec<Vec<Felt>>], shape: &Shape, meter: &Meter<'_>) -> Result<Self, Cancelled> {
        let mut extended = Vec::with_capacity(groups.len());
        for columns in groups {
            extended.push(felt::fft::extend_batch(columns, shape.log_blowup, &|| meter.checkpoint())?);
            meter.advance(cells(columns))?;
        }
        Self::from_extensions(extended, shape, meter)
    }

    /// [`Self::extend`] for columns that stand at the beginning of the memory that their extensions take.
    ///
    /// # Errors
    /// [`Cancelled`] if the control hook says so.
    pub fn extend_in_place(
        mut groups: Vec<Vec<Vec<Felt>>>,
        shape: &Shape,
        meter: &Meter<'_>,
    ) -> Result<Self, Cancelled> {
        for columns in &mut groups {
            felt::fft::extend_in_place(columns, shape.log_blowup, &|| meter.checkpoint())?;
            meter.advance(cells(columns) >> shape.log_blowup)?;
        }
        Self::from_extensions(groups, shape, meter)
    }

    /// Commits to columns that are already extended.
    ///
    /// # Errors
    /// [`Cancelled`] if the control hook says so.
    pub fn from_extensions(groups: Vec<Vec<Vec<Felt>>>, shape: &Shape, meter: &Meter<'_>) -> Result<Self, Cancelled> {
        let tree = MerkleTree::build(&extensions(&groups, shape.log_blowup), meter)?;
        Ok(Self { groups, tree, log_blowup: shape.log_blowup })
    }

    /// The commitment.
    pub fn cap(&self) -> Vec<Digest> {
        self.tree.cap()
    }

    /// The rows at the query indices, with the batch opening of the tree.
    pub fn open(&self, indices: &[u64], shape: &Shape) -> Opening {
        let present = || self.groups.iter().zip(&shape.groups).filter(|(columns, _)| !columns.is_empty());
        let rows = |(columns, group): (&Vec<Vec<Felt>>, &Group)| {
            // The columns are in memory, so their indices fit.
            let positions = distinct(indices, shape.log_lde(group)).into_iter();
            let at = positions.map(|index| position(index as usize, group.log_height, self.log_blowup));
            at.map(|at| columns.iter().map(|column| column[at]).collect()).collect()
        };
        let leaves = present().next().map(|(_, group)| distinct(indices, shape.log_lde(group)));
        Opening {
            rows: present().map(rows).collect(),
            path: self.tree.open(&leaves.unwrap_or_default(), &extensions(&self.groups, self.log_blowup)),
        }
    }
}

fn cells(columns: &[Vec<Felt>]) -> u64 {
    columns.iter().map(|column| column.len() as u64).sum()
}

/// Where the value at LDE point `index` stands in coset-major order.
pub const fn position(index: usize, log_height: u32, log_blowup: u32) -> usize {
    let coset = index & ((1 << log_blowup) - 1);
    (coset << log_height) + (index >> log_blowup)
}

/// The matrices of a commitment, tallest first.
struct Extensions<'a> {
    matrices: Vec<&'a [Vec<Felt>]>,
    log_blowup: u32,
}

fn extensions(groups: &[Vec<Vec<Felt>>], log_blowup: u32) -> Extensions<'_> {
    let present = groups.iter().filter(|columns| !columns.is_empty());
    Extensions { matrices: present.map(Vec::as_slice).collect(), log_blowup }
}

impl Rows for Extensions<'_> {
    fn heights(&self) -> Vec<usize> {
        self.matrices.iter().map(|columns| columns.first().map_or(0, Vec::len)).collect()
    }

    fn hash(&self, matrix: usize, first: usize, out: &mut [Digest]) {
        let columns = self.matrices[matrix];
        let log_height = columns.first().map_or(0, Vec::len).trailing_zeros() - self.log_blowup;
        let mut hasher = RowHasher::new(columns.len());
        for (batch, out) in out.chunks_mut(BATCH).enumerate() {
            let first = first + batch * BATCH;
            hasher.hash(out, |column, row| &columns[column][position(first + row, log_height, self.log_blowup)]);
        }
    }
}
