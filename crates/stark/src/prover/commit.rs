//! Commitments to columns of different heights.

use crate::control::{Cancelled, Meter};
use crate::hash::{BATCH, Digest, RowHasher};
use crate::merkle::MerkleTree;
use crate::proof::Opening;
use crate::shape::{Group, Shape, distinct};
use felt::Felt;
use rayon::prelude::*;

/// The low-degree extensions of some columns of each group, with their Merkle tree.
#[derive(Debug)]
pub struct Committed {
    /// `groups[g][c]` is a column's extension in coset-major order: entry `k·N + i` belongs to point `k + B·i`.
    pub groups: Vec<Vec<Vec<Felt>>>,
    tree: MerkleTree,
    log_blowup: u32,
}

/// Rows hashed between two visits to the control hook.
const STRIDE: usize = 1 << 9;

impl Committed {
    /// Extends columns (`groups[g][c]`, `2^log_height` rows of the trace domain each) and commits to them.
    ///
    /// # Errors
    /// [`Cancelled`] if the control hook says so.
    pub fn extend(groups: Vec<Vec<Vec<Felt>>>, shape: &Shape, meter: &Meter<'_>) -> Result<Self, Cancelled> {
        let mut extended = Vec::with_capacity(groups.len());
        for columns in groups {
            let cells = columns.iter().map(|column| column.len() as u64).sum();
            extended.push(felt::fft::extend_batch(columns, shape.log_blowup, &|| meter.checkpoint())?);
            meter.advance(cells)?;
        }
        Self::from_extensions(extended, shape, meter)
    }

    /// Commits to columns that are already extended.
    ///
    /// # Errors
    /// [`Cancelled`] if the control hook says so.
    pub fn from_extensions(groups: Vec<Vec<Vec<Felt>>>, shape: &Shape, meter: &Meter<'_>) -> Result<Self, Cancelled> {
        let mut digests = Vec::new();
        for columns in groups.iter().filter(|columns| !columns.is_empty()) {
            digests.push(hash_rows(columns, shape.log_blowup, meter)?);
        }
        let tree = MerkleTree::build(digests, meter)?;
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
        Opening { rows: present().map(rows).collect(), path: self.tree.open(&leaves.unwrap_or_default()) }
    }
}

/// Where the value at LDE point `index` stands in coset-major order.
pub const fn position(index: usize, log_height: u32, log_blowup: u32) -> usize {
    let coset = index & ((1 << log_blowup) - 1);
    (coset << log_height) + (index >> log_blowup)
}

fn hash_rows(columns: &[Vec<Felt>], log_blowup: u32, meter: &Meter<'_>) -> Result<Vec<Digest>, Cancelled> {
    let size = columns.first().map_or(0, Vec::len);
    let log_height = size.trailing_zeros() - log_blowup;
    let mut digests = vec![[0; 32]; size];
    digests.par_chunks_mut(STRIDE).enumerate().try_for_each(|(chunk, out)| {
        let mut hasher = RowHasher::new(columns.len());
        for (batch, out) in out.chunks_mut(BATCH).enumerate() {
            let first = chunk * STRIDE + batch * BATCH;
            hasher.hash(out, |column, row| &columns[column][position(first + row, log_height, log_blowup)]);
        }
        meter.checkpoint()
    })?;
    Ok(digests)
}
