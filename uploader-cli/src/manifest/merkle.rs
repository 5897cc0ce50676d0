//! The Merkle tree over a manifest's rows, with lambdaworks' tree and SHA-256.
//!
//! Leaf 0 is the header, leaf `i` is row `i − 1`. A leaf's digest is `SHA-256(0x00 ‖ encoding)`, a node's is
//! `SHA-256(0x01 ‖ left ‖ right)`. The tree repeats its last leaf up to a power of two; the header holds the number of rows,
//! so that two manifests never have one root.

use lambdaworks_crypto::merkle_tree::merkle::MerkleTree;
use lambdaworks_crypto::merkle_tree::traits::IsMerkleTreeBackend;
use protocol::Digest;
use sha2::{Digest as _, Sha256};

/// Hashing of leaves and nodes.
#[derive(Clone, Default)]
struct Backend;

impl IsMerkleTreeBackend for Backend {
    type Node = [u8; 32];
    type Data = Vec<u8>;

    fn hash_data(leaf: &Vec<u8>) -> [u8; 32] {
        Sha256::new().chain_update([0]).chain_update(leaf).finalize().into()
    }

    fn hash_new_parent(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
        Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
    }
}

/// The root over these leaves; `None` without a leaf.
pub(super) fn root(leaves: &[Vec<u8>]) -> Option<Digest> {
    MerkleTree::<Backend>::build(leaves).map(|tree| Digest::from_bytes(tree.root))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(byte: u8) -> [u8; 32] {
        Sha256::digest([0, byte]).into()
    }

    fn node(left: [u8; 32], right: [u8; 32]) -> [u8; 32] {
        Sha256::digest([&[1], left.as_slice(), &right].concat()).into()
    }

    #[test]
    fn roots_are_as_documented() {
        assert_eq!(root(&[]), None);
        assert_eq!(root(&[vec![7]]), Some(Digest::from_bytes(leaf(7))));
        let three = node(node(leaf(1), leaf(2)), node(leaf(3), leaf(3)));
        assert_eq!(root(&[vec![1], vec![2], vec![3]]), Some(Digest::from_bytes(three)));
    }
}
