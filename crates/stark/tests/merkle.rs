//! Merkle trees over matrices of different heights.
#![allow(clippy::unwrap_used)]

use stark::Unattended;
use stark::control::{Meter, Phase};
use stark::hash::{Digest, hash_inject, hash_node, hash_row};
use stark::merkle::{CAP, LOG_CAP, MerkleTree, path_length, verify_path};

fn meter() -> Meter<'static> {
    Meter::new(&Unattended, Phase::Main, 1)
}

/// The row digests of a matrix of `2^log_height` rows.
fn matrix(log_height: u32) -> Vec<Digest> {
    let row = |index: u64| hash_row([felt::Felt::from(u64::from(log_height)), felt::Felt::from(index)].iter());
    (0..1 << log_height).map(row).collect()
}

fn build(heights: &[u32]) -> MerkleTree {
    MerkleTree::build(heights.iter().map(|&log_height| matrix(log_height)).collect(), &meter()).unwrap()
}

/// The rows that belong to a leaf.
fn rows(heights: &[u32], index: u64) -> Vec<(u32, Digest)> {
    heights.iter().map(|&h| (h, matrix(h)[(index % (1 << h)) as usize])).collect()
}

const SHAPES: [&[u32]; 6] = [&[6], &[7], &[9], &[9, 8, 7, 6], &[10, 7], &[8, 6]];

#[test]
fn every_leaf_is_found_at_its_index_only() {
    for heights in SHAPES {
        let tree = build(heights);
        let cap = tree.cap();
        assert_eq!(cap.len(), CAP);
        let leaves = 1u64 << heights[0];
        for index in 0..leaves {
            let (rows, path) = (rows(heights, index), tree.path(index as usize));
            assert_eq!(path.len(), path_length(heights[0]));
            assert!(verify_path(&cap, index, &rows, &path));
            // Neighbours, the other half, the other cap node: any other index fails.
            for bit in 0..heights[0] {
                assert!(!verify_path(&cap, index ^ (1 << bit), &rows, &path), "{heights:?} {index} {bit}");
            }
        }
    }
}

#[test]
fn every_part_is_bound() {
    for heights in SHAPES {
        let tree = build(heights);
        let (cap, index) = (tree.cap(), (1 << heights[0]) - 3);
        let (rows, path) = (rows(heights, index), tree.path(index as usize));
        assert!(verify_path(&cap, index, &rows, &path));
        for position in 0..rows.len() {
            let mut changed = rows.clone();
            changed[position].1[31] ^= 1;
            assert!(!verify_path(&cap, index, &changed, &path));
            // A matrix left out, or there twice.
            let mut changed = rows.clone();
            changed.remove(position);
            assert!(!verify_path(&cap, index, &changed, &path));
            let mut changed = rows.clone();
            changed.insert(position, rows[position]);
            assert!(!verify_path(&cap, index, &changed, &path));
        }
        for position in 0..path.len() {
            let mut changed = path.clone();
            changed[position][0] ^= 128;
            assert!(!verify_path(&cap, index, &rows, &changed));
        }
        let mut changed = cap.clone();
        changed[index as usize % CAP][5] ^= 4;
        assert!(!verify_path(&changed, index, &rows, &path));
        assert!(!verify_path(&cap[..63], index, &rows, &path));
        assert!(!verify_path(&[&cap[..], &cap[..]].concat(), index, &rows, &path));
        let longer = [&path[..], &[[0; 32]]].concat();
        assert!(!verify_path(&cap, index, &rows, &longer));
        if let Some((_, shorter)) = path.split_last() {
            assert!(!verify_path(&cap, index, &rows, shorter));
        }
    }
}

/// A matrix of a height that no layer below the leaves has is never bound, so it is refused.
#[test]
fn a_matrix_that_is_not_consumed() {
    let tree = build(&[9, 7]);
    let (cap, path) = (tree.cap(), tree.path(5));
    let honest = rows(&[9, 7], 5);
    assert!(verify_path(&cap, 5, &honest, &path));
    for log_height in [0, 5, 9, 10, 64] {
        let stray = (log_height, [7; 32]);
        for position in 1..=2 {
            let mut rows = honest.clone();
            rows.insert(position, stray);
            assert!(!verify_path(&cap, 5, &rows, &path), "{log_height} {position}");
        }
    }
    // The right matrices in the wrong order.
    let reversed: Vec<_> = honest.iter().rev().copied().collect();
    assert!(!verify_path(&cap, 5, &reversed, &path));
}

/// A tree is at least as tall as its cap, and a tree of nothing is nothing.
#[test]
fn bounds() {
    let cap = build(&[6]).cap();
    assert_eq!(cap, matrix(LOG_CAP));
    assert!(!verify_path(&cap, 0, &[(5, cap[0])], &[]));
    // A cap node is no leaf of a taller tree, nor is any inner node with the path above it.
    let tree = build(&[8]);
    assert!(!verify_path(&tree.cap(), 3, &[(8, tree.cap()[3])], &[]));
    let above = |index: usize, leaf: Digest| (hash_node(&leaf, &tree.path(index)[0]), tree.path(index)[1..].to_vec());
    let (inner, path) = above(3, matrix(8)[3]);
    assert!(verify_path(&tree.cap(), 3, &[(7, inner)], &path));
    assert!(!verify_path(&tree.cap(), 3, &[(8, inner)], &path));
    assert!(verify_path(&[], 0, &[], &[]));
    assert!(!verify_path(&cap, 0, &[], &[]));
    assert!(!verify_path(&[], 0, &[], &[[0; 32]]));
    let empty = build(&[]);
    assert!(empty.cap().is_empty() && empty.path(0).is_empty());
    // Indices beyond 32 bits are told apart.
    let rows = [(40, [1; 32])];
    let mut node = [1; 32];
    let path: Vec<Digest> = (0..34).map(|level| [level; 32]).collect();
    let index = (1u64 << 39) | 3;
    for (level, sibling) in path.iter().enumerate() {
        let left = (index >> (39 - level)) & 1 == 0;
        node = if left { hash_node(&node, sibling) } else { hash_node(sibling, &node) };
    }
    let mut cap = vec![[0; 32]; CAP];
    cap[3] = node;
    assert!(verify_path(&cap, index, &rows, &path));
    assert!(!verify_path(&cap, 3, &rows, &path));
    assert!(!verify_path(&cap, index | 1 << 35, &rows, &path));
}

/// Leaves, inner nodes and injected rows never stand for one another.
#[test]
fn hashes_are_told_apart() {
    let (a, b) = (hash_row([felt::Felt::one()].iter()), hash_row([].iter()));
    assert_ne!(a, b);
    assert_ne!(hash_node(&a, &b), hash_inject(&a, &b));
    assert_ne!(hash_node(&a, &b), hash_node(&b, &a));
    // A row whose bytes are those of two digests. (Digests made small enough to be elements.)
    let [mut left, mut right] = [a, b];
    (left[31], right[31]) = (0, 0);
    let row = [left, right].map(|word| felt::encoding::from_bytes(&word).unwrap());
    assert_ne!(hash_row(row.iter()), hash_node(&left, &right));
    // Rows of 31, 32 and 33 elements cross a block of the hash.
    let row: Vec<_> = (0..33).map(|i| felt::Felt::from(i as u64)).collect();
    let digests = [31, 32, 33].map(|count| hash_row(row[..count].iter()));
    assert!(digests[0] != digests[1] && digests[1] != digests[2]);
}
