//! A Merkle tree written from the description of the protocol with the simplest means.

use stark::hash::{Digest, hash_inject, hash_node};
use std::collections::BTreeSet;

/// All layers, leaves first, cap last.
pub struct Tree(Vec<Vec<Digest>>);

/// The indices modulo the size.
pub fn modulo(indices: &[u64], size: usize) -> BTreeSet<usize> {
    indices.iter().map(|index| (index % size as u64) as usize).collect()
}

impl Tree {
    /// From the row digests of each matrix, tallest first.
    pub fn new(matrices: Vec<Vec<Digest>>) -> Self {
        let mut layers: Vec<Vec<Digest>> = matrices.first().cloned().into_iter().collect();
        while let Some(below) = layers.last().filter(|layer| layer.len() > 8) {
            let half = below.len() / 2;
            let mut layer: Vec<_> = (0..half).map(|j| hash_node(&below[j], &below[j + half])).collect();
            for matrix in matrices.iter().filter(|matrix| matrix.len() == half) {
                layer.iter_mut().zip(matrix).for_each(|(node, row)| *node = hash_inject(node, row));
            }
            layers.push(layer);
        }
        Self(layers)
    }

    pub fn cap(&self) -> Vec<Digest> {
        self.0.last().cloned().unwrap_or_default()
    }

    #[allow(dead_code, reason = "not every test that includes this file needs it")]
    pub fn leaves(&self) -> usize {
        self.0.first().map_or(1, Vec::len)
    }

    /// The digests that a verifier who knows the leaves at the indices needs.
    pub fn open(&self, indices: &[u64]) -> Vec<Digest> {
        let mut path = Vec::new();
        let below_cap = self.0.len().saturating_sub(1);
        for layer in &self.0[..below_cap] {
            let half = layer.len() / 2;
            let known = modulo(indices, layer.len());
            for parent in modulo(indices, half) {
                let children = [parent, parent + half];
                path.extend(children.into_iter().filter(|child| !known.contains(child)).map(|child| layer[child]));
            }
        }
        path
    }
}
