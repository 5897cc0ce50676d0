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

    /// The batch opening of the leaves at these ascending, distinct indices: on each layer, leaves first, the nodes that do not
    /// follow from the leaves but have a sibling that does, ascending by parent.
    ///
    /// # Panics
    /// If an index is not that of a leaf.
    pub fn open(&self, leaves: &[u64]) -> Vec<Digest> {
        let mut path = Vec::new();
        let mut known: Vec<(u64, ())> = leaves.iter().map(|&leaf| (leaf, ())).collect();
        let below_cap = self.layers.len().saturating_sub(1);
        for layer in &self.layers[..below_cap] {
            let half = layer.len() as u64 / 2;
            known = parents(&known, half, |parent, children| {
                // The layer is in memory, so its indices fit.
                match children {
                    Children::Left(()) => path.push(layer[(parent + half) as usize]),
                    Children::Right(()) => path.push(layer[parent as usize]),
                    Children::Both((), ()) => (),
                }
            });
        }
        path
    }
}

/// What is known below a node.
enum Children<T> {
    Left(T),
    Right(T),
    Both(T, T),
}

/// One layer up: from the known nodes of a layer of `2·half` nodes, by ascending index, to those above them. `join` sees each
/// parent's index and known children, in ascending order.
fn parents<T: Copy>(nodes: &[(u64, T)], half: u64, mut join: impl FnMut(u64, Children<T>) -> T) -> Vec<(u64, T)> {
    let (left, right) = nodes.split_at(nodes.partition_point(|(index, _)| *index < half));
    let mut left = left.iter().copied().peekable();
    let mut right = right.iter().map(|(index, node)| (index - half, *node)).peekable();
    let mut above = Vec::with_capacity(nodes.len());
    loop {
        let next_right = right.peek().map(|(index, _)| *index);
        let (parent, children) = match left.next_if(|(index, _)| next_right.is_none_or(|right| *index <= right)) {
            Some((parent, node)) => match right.next_if(|(index, _)| *index == parent) {
                Some((_, other)) => (parent, Children::Both(node, other)),
                None => (parent, Children::Left(node)),
            },
            None => match right.next() {
                Some((parent, node)) => (parent, Children::Right(node)),
                None => return above,
            },
        };
        above.push((parent, join(parent, children)));
    }
}

/// Number of digests in the batch opening of these ascending, distinct leaves of a tree with `2^log_leaves` leaves.
pub fn path_length(log_leaves: u32, leaves: &[u64]) -> usize {
    let mut length = 0;
    let mut known: Vec<(u64, ())> = leaves.iter().map(|&leaf| (leaf, ())).collect();
    for log_half in (LOG_CAP..log_leaves).rev() {
        known = parents(&known, 1 << log_half, |_, children| {
            length += usize::from(!matches!(children, Children::Both(..)));
        });
    }
    length
}

/// The digests of a matrix's opened rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedMatrix {
    /// `log2` of the matrix's height.
    pub log_height: u32,
    /// Index and digest of each opened row, by ascending index.
    pub rows: Vec<(u64, Digest)>,
}

impl OpenedMatrix {
    /// Whether there are rows, their indices ascend and are below the height, which is below `2^64`.
    fn is_in_order(&self) -> bool {
        let below = |(index, _): &(u64, Digest)| index >> self.log_height == 0;
        !self.rows.is_empty() && self.rows.is_sorted_by(|(a, _), (b, _)| a < b) && self.rows.iter().all(below)
    }
}

/// Whether `path` is the batch opening that leads from the opened rows to the cap. Matrices come tallest first. The rows of
/// the first one are leaves, at least one; the rows of every other one must be those of the nodes above them, no more and
/// no fewer.
pub fn verify_batch(cap: &[Digest], matrices: &[OpenedMatrix], path: &[Digest]) -> bool {
    let Some((tallest, smaller)) = matrices.split_first() else {
        return cap.is_empty() && path.is_empty();
    };
    if cap.len() != CAP || !(LOG_CAP..u64::BITS).contains(&tallest.log_height) || !tallest.is_in_order() {
        return false;
    }
    let (mut smaller, mut path) = (smaller.iter().peekable(), path.iter());
    let mut known = tallest.rows.clone();
    for log_half in (LOG_CAP..tallest.log_height).rev() {
        let mut is_long_enough = true;
        let mut sibling = || {
            let next = path.next();
            is_long_enough &= next.is_some();
            next.copied().unwrap_or_default()
        };
        known = parents(&known, 1 << log_half, |_, children| match children {
            Children::Both(left, right) => hash_node(&left, &right),
            Children::Left(left) => hash_node(&left, &sibling()),
            Children::Right(right) => hash_node(&sibling(), &right),
        });
        let injected = smaller.next_if(|matrix| matrix.log_height == log_half);
        if !is_long_enough || injected.is_some_and(|matrix| !inject(&mut known, matrix)) {
            return false;
        }
    }
    // A matrix that no layer took would be unbound, and so would digests that no node took.
    smaller.peek().is_none()
        && path.next().is_none()
        && known.iter().all(|(index, node)| cap.get(*index as usize) == Some(node))
}

/// Injects the rows of a matrix into the nodes at the same indices; false if the indices differ.
fn inject(nodes: &mut [(u64, Digest)], matrix: &OpenedMatrix) -> bool {
    let indices = |list: &[(u64, Digest)]| list.iter().map(|(index, _)| *index).collect::<Vec<_>>();
    if indices(nodes) != indices(&matrix.rows) {
        return false;
    }
    for ((_, node), (_, row)) in nodes.iter_mut().zip(&matrix.rows) {
        *node = hash_inject(node, row);
    }
    true
}
