//! Merkle trees over matrices of different heights. The tallest matrix gives the leaves; where the tree has shrunk to the
//! height of a smaller matrix, that matrix's row digests are injected. The root is a *cap* of a few nodes: a batch opening of many
//! leaves leads to the top of the tree anyway, so a larger cap would only be more bytes.
//!
//! Node `j` of a layer of `m` nodes has the children `j` and `j + m`: the values at `x` and `−x` of an LDE domain meet at
//! once, and index `j` of any layer is the query index modulo the layer's size.

use crate::control::Cancelled;
use crate::control::Meter;
use crate::hash::{Digest, hash_inject, hash_node, hash_nodes, inject_rows};
use felt::memory::zeros;
use rayon::prelude::*;

/// `log2` of the number of nodes in a cap.
pub const LOG_CAP: u32 = 3;

/// Nodes in a cap.
pub const CAP: usize = 1 << LOG_CAP;

/// The rows of matrices of different heights, as their digests.
pub trait Rows: Sync {
    /// Number of rows of each matrix: distinct powers of two, descending, and at least [`CAP`].
    fn heights(&self) -> Vec<usize>;

    /// The digests of the rows of matrix `matrix` from row `first` on.
    fn hash(&self, matrix: usize, first: usize, out: &mut [Digest]);
}

/// A tree with its upper layers, cap last. Leaves, and more layers if asked for, are hashed again where they are opened: that is cheaper
/// than to keep half of the tree in memory.
#[derive(Debug)]
pub struct MerkleTree {
    leaves: usize,
    /// How many of the lowest layers, leaves first, are not kept.
    dropped: usize,
    layers: Vec<Vec<Digest>>,
}

/// Nodes hashed between two visits to the control hook, with the rows below or beside them.
const STRIDE: usize = 1 << 9;

impl MerkleTree {
    /// Builds the tree.
    ///
    /// # Errors
    /// [`Cancelled`] if the control hook says so.
    pub fn build(rows: &impl Rows, meter: &Meter<'_>) -> Result<Self, Cancelled> {
        Self::build_without(1, rows, meter)
    }

    /// [`Self::build`], without so many of the lowest layers, leaves first and counted in any case, but with the cap. To open a leaf, one of
    /// its siblings on each of them is computed from up to `2^(lowest - 1)` rows.
    ///
    /// # Errors
    /// [`Cancelled`] if the control hook says so.
    pub fn build_without(lowest: usize, rows: &impl Rows, meter: &Meter<'_>) -> Result<Self, Cancelled> {
        let heights = rows.heights();
        let Some(&leaves) = heights.first() else {
            return Ok(Self { leaves: 0, dropped: 0, layers: Vec::new() });
        };
        let mut dropped = 1;
        let mut injected = 1;
        let mut layers: Vec<Vec<Digest>> = Vec::new();
        let mut size = leaves;
        while size > CAP {
            size /= 2;
            let matrix = (heights.get(injected) == Some(&size)).then_some(injected);
            let mut layer = zeros(size);
            let below = layers.last();
            layer.par_chunks_mut(STRIDE).enumerate().try_for_each(|(chunk, out)| {
                meter.checkpoint()?;
                let (first, count) = (chunk * STRIDE, out.len());
                let mut digests = [[0; 32]; STRIDE];
                match below {
                    Some(below) => hash_nodes(&below[first..][..count], &below[size + first..][..count], out),
                    None => {
                        let mut right = [[0; 32]; STRIDE];
                        rows.hash(0, first, &mut digests[..count]);
                        rows.hash(0, size + first, &mut right[..count]);
                        hash_nodes(&digests[..count], &right[..count], out);
                    }
                }
                if let Some(matrix) = matrix {
                    rows.hash(matrix, first, &mut digests[..count]);
                    inject_rows(out, &digests[..count]);
                }
                Ok(())
            })?;
            injected += usize::from(matrix.is_some());
            if !layers.is_empty() && dropped < lowest {
                layers.clear();
                dropped += 1;
            }
            layers.push(layer);
        }
        if layers.is_empty() {
            let mut cap = vec![[0; 32]; leaves];
            rows.hash(0, 0, &mut cap);
            layers.push(cap);
            dropped = 0;
        }
        Ok(Self { leaves, dropped, layers })
    }

    /// The commitment: [`CAP`] nodes, or none for a tree of no matrices.
    pub fn cap(&self) -> Vec<Digest> {
        self.layers.last().cloned().unwrap_or_default()
    }

    /// The batch opening of the leaves at these ascending, distinct indices: on each layer, leaves first, the nodes that do not
    /// follow from the leaves but have a sibling that does, ascending by parent. `rows` are those that the tree was built from.
    ///
    /// Every index must be that of a leaf.
    pub fn open(&self, leaves: &[u64], rows: &impl Rows) -> Vec<Digest> {
        let mut path = Vec::new();
        let mut known: Vec<(u64, ())> = leaves.iter().map(|&leaf| (leaf, ())).collect();
        let mut climb = |size: usize, node: &mut dyn FnMut(usize) -> Digest| {
            let half = size as u64 / 2;
            known = parents(&known, half, |parent, children| {
                // The layer was in memory, so its indices fit.
                match children {
                    Children::Left(()) => path.push(node((parent + half) as usize)),
                    Children::Right(()) => path.push(node(parent as usize)),
                    Children::Both((), ()) => (),
                }
            });
        };
        let heights = rows.heights();
        for layer in 0..self.dropped {
            climb(self.leaves >> layer, &mut |index| self.hash_again(layer, index, rows, &heights));
        }
        let below_cap = self.layers.len().saturating_sub(1);
        for layer in &self.layers[..below_cap] {
            climb(layer.len(), &mut |node| layer[node]);
        }
        path
    }

    /// Node `index` of layer `layer`, leaves being layer 0.
    fn hash_again(&self, layer: usize, index: usize, rows: &impl Rows, heights: &[usize]) -> Digest {
        let row = |matrix| {
            let mut digest = [[0; 32]];
            rows.hash(matrix, index, &mut digest);
            digest[0]
        };
        if layer == 0 {
            return row(0);
        }
        let size = self.leaves >> layer;
        let [left, right] = [index, index + size].map(|child| self.hash_again(layer - 1, child, rows, heights));
        let node = hash_node(&left, &right);
        match heights.iter().position(|height| *height == size) {
            Some(matrix) => hash_inject(&node, &row(matrix)),
            None => node,
        }
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
