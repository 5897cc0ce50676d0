//! BLAKE3 with a key for each purpose, so that leaves, inner nodes and injected rows can never stand for one another.

use felt::{Felt, encoding};

/// A BLAKE3 digest.
pub type Digest = [u8; 32];

const ROW_KEY: &[u8; 32] = b"cairn merkle tree: row of values";
const NODE_KEY: &[u8; 32] = b"cairn merkle tree: inner node   ";
const INJECT_KEY: &[u8; 32] = b"cairn merkle tree: injected row ";
const GRIND_KEY: &[u8; 32] = b"cairn grinding                  ";

/// Digest of one row: its elements in Montgomery form, 32 bytes each.
pub fn hash_row<'a>(row: impl Iterator<Item = &'a Felt>) -> Digest {
    let mut hasher = blake3::Hasher::new_keyed(ROW_KEY);
    // BLAKE3 is fastest when fed whole 1024-byte chunks.
    let mut buffer = [0u8; 1024];
    let mut filled = 0;
    for element in row {
        buffer[filled..filled + 32].copy_from_slice(&encoding::to_bytes(element));
        filled += 32;
        if filled == buffer.len() {
            hasher.update(&buffer);
            filled = 0;
        }
    }
    hasher.update(&buffer[..filled]);
    *hasher.finalize().as_bytes()
}

fn hash_two(key: &[u8; 32], left: &Digest, right: &Digest) -> Digest {
    let mut block = [0u8; 64];
    block[..32].copy_from_slice(left);
    block[32..].copy_from_slice(right);
    *blake3::keyed_hash(key, &block).as_bytes()
}

/// Digest of an inner node from its children.
pub fn hash_node(left: &Digest, right: &Digest) -> Digest {
    hash_two(NODE_KEY, left, right)
}

/// Digest of a node into which the row of a smaller matrix is injected.
pub fn hash_inject(node: &Digest, row: &Digest) -> Digest {
    hash_two(INJECT_KEY, node, row)
}

/// Leading zero bits of the digest of a grinding attempt.
pub fn grinding_zeros(seed: &Digest, nonce: u64) -> u32 {
    let mut block = [0u8; 40];
    block[..32].copy_from_slice(seed);
    block[32..].copy_from_slice(&nonce.to_le_bytes());
    let digest = blake3::keyed_hash(GRIND_KEY, &block);
    let mut zeros = 0;
    for byte in digest.as_bytes() {
        zeros += byte.leading_zeros();
        if *byte != 0 {
            break;
        }
    }
    zeros
}
