//! Merkle trees over matrices of different heights. The tallest matrix gives the leaves; where the tree has shrunk to the
//! height of a smaller matrix, that matrix's row digests are injected. The root is a *cap* of several nodes, which saves
//! the top of every path.
//!
//! Node `j` of a layer of `m` nodes has the children `j` and `j + m`: the values at `x` and `−x` of an LDE domain meet at
//! once, and index `j` of any layer is the query index modulo the layer's size.

use crate::control::Cancelled;
use crate::control::Meter;
use crate::hash::{Digest, hash_inject, hash_node, hash_nodes, inject_rows};
use rayon::prelude::*;

/// `log2` of the number of nodes in a cap.
pub const LOG_CAP: u32 = 6;

/// Nodes in a cap.
pub const CAP: usize = 1 << LOG_CAP;

/// A tree with all its layers, leaves first, cap last.
#[derive(Debug)]
pub struct MerkleTree {
    layers: Vec<Vec<Digest>>,
}

/// Nodes hashed between two visits to the control hook.
const STRIDE: usize = 1 << 13;

impl MerkleTree {
    /// Builds the tree. `rows[k]` are the row digests of one matrix; heights are distinct powers of two, descending, and at
    /// least [`CAP`].
    ///
    /// # Errors
    /// [`Cancelled`] if the control hook says so.
    pub fn build(rows: Vec<Vec<Digest>>, meter: &Meter<'_>) -> Result<Self, Cancelled> {
        let mut matrices = rows.into_iter().peekable();
        let Some(leaves) = matrices.next() else {
            return Ok(Self { layers: Vec::new() });
        };
        let mut layers = vec![leaves];
        while let Some(below) = layers.last().filter(|layer| layer.len() > CAP) {
            let half = below.len() / 2;
            let injected = matrices.next_if(|matrix| matrix.len() == half);
            let mut layer = vec![[0; 32]; half];
            layer.par_chunks_mut(STRIDE).enumerate().try_for_each(|(chunk, out)| {
                meter.checkpoint()?;
                let range = chunk * STRIDE..chunk * STRIDE + out.len();
                hash_nodes(&below[range.clone()], &below[half..][range.clone()], out);
                if let Some(rows) = &injected {
                    inject_rows(out, &rows[range]);
                }
                Ok(())
            })?;
            layers.push(layer);
        }
        Ok(Self { layers })
    }

    /// The commitment: [`CAP`] nodes, or none for a tree of no matrices.
    pub fn cap(&self) -> Vec<Digest> {
        self.layers.last().cloned().unwrap_or_default()
    }

    /// The siblings on the way from leaf `index` to the cap.
    pub fn path(&self, index: usize) -> Vec<Digest> {
        let below_cap = self.layers.len().saturating_sub(1);
        self.layers[..below_cap].iter().map(|layer| layer[(index + layer.len() / 2) % layer.len()]).collect()
    }
}

/// Number of siblings in a path of a tree with `2^log_leaves` leaves.
pub const fn path_length(log_leaves: u32) -> usize {
    log_leaves.saturating_sub(LOG_CAP) as usize
}

/// Whether `path` leads from the given row digests at leaf `index` to the cap. `rows` holds `(log2 height, row digest)` of
/// each matrix at the index modulo its height, tallest first.
pub fn verify_path(cap: &[Digest], index: u64, rows: &[(u32, Digest)], path: &[Digest]) -> bool {
    let mut matrices = rows.iter();
    let Some(&(log_leaves, leaf)) = matrices.next() else {
        return cap.is_empty() && path.is_empty();
    };
    if path.len() != path_length(log_leaves) || log_leaves < LOG_CAP {
        return false;
    }
    let mut matrices = matrices.peekable();
    let mut node = leaf;
    let mut log_size = log_leaves;
    for sibling in path {
        log_size -= 1;
        let is_left = (index >> log_size) & 1 == 0;
        node = if is_left { hash_node(&node, sibling) } else { hash_node(sibling, &node) };
        if let Some((_, row)) = matrices.next_if(|(log_height, _)| *log_height == log_size) {
            node = hash_inject(&node, row);
        }
    }
    // A matrix that no layer took would be unbound.
    matrices.peek().is_none() && cap.len() == CAP && cap.get(index as usize % CAP) == Some(&node)
}
