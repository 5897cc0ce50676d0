//! Merkle trees over matrices of different heights, and batch openings of them.
#![allow(clippy::unwrap_used)]

#[path = "common/tree.rs"]
mod tree;

use stark::NoControl;
use stark::control::{Meter, Phase};
use stark::hash::{Digest, hash_inject, hash_node, hash_row};
use stark::merkle::{CAP, LOG_CAP, MerkleTree, OpenedMatrix, Rows, path_length, verify_batch};
use std::collections::BTreeMap;
use tree::{Tree, modulo};

fn meter() -> Meter<'static> {
    Meter::new(&NoControl, Phase::Main, 1)
}

/// The row digests of a matrix of `2^log_height` rows.
fn matrix(log_height: u32) -> Vec<Digest> {
    let row = |index: u64| hash_row([felt::Felt::from(u64::from(log_height)), felt::Felt::from(index)].iter());
    (0..1 << log_height).map(row).collect()
}

/// Matrices, tallest first.
struct Matrices(Vec<Vec<Digest>>);

impl Rows for Matrices {
    fn heights(&self) -> Vec<usize> {
        self.0.iter().map(Vec::len).collect()
    }

    fn hash(&self, matrix: usize, first: usize, out: &mut [Digest]) {
        out.copy_from_slice(&self.0[matrix][first..][..out.len()]);
    }
}

/// Trees of these heights, with the matrices' digests at hand.
struct Fixture {
    matrices: BTreeMap<u32, Vec<Digest>>,
    heights: Vec<u32>,
    rows: Matrices,
    tree: MerkleTree,
    cap: Vec<Digest>,
}

impl Fixture {
    fn new(heights: &[u32]) -> Self {
        let matrices: BTreeMap<_, _> = heights.iter().map(|&log_height| (log_height, matrix(log_height))).collect();
        let rows: Vec<_> = heights.iter().map(|log_height| matrices[log_height].clone()).collect();
        let rows = Matrices(rows);
        let tree = MerkleTree::build(&rows, &meter()).unwrap();
        let cap = tree.cap();
        assert_eq!(cap, Tree::new(rows.0.clone()).cap());
        Self { matrices, heights: heights.to_vec(), rows, tree, cap }
    }

    fn open(&self, leaves: &[u64]) -> Vec<Digest> {
        self.tree.open(leaves, &self.rows)
    }

    /// The rows that belong to these leaves.
    fn rows(&self, leaves: &[u64]) -> Vec<OpenedMatrix> {
        let opened = |&log_height: &u32| {
            let indices = modulo(leaves, 1 << log_height).into_iter();
            let rows = indices.map(|index| (index as u64, self.matrices[&log_height][index])).collect();
            OpenedMatrix { log_height, rows }
        };
        self.heights.iter().map(opened).collect()
    }

    fn accepts(&self, rows: &[OpenedMatrix], path: &[Digest]) -> bool {
        verify_batch(&self.cap, rows, path)
    }
}

const SHAPES: [&[u32]; 6] = [&[6], &[7], &[9], &[9, 8, 7, 6], &[10, 7], &[8, 6]];

/// Layers that are not kept are computed where they are opened.
#[test]
fn trees_without_lower_layers_open_the_same() {
    for heights in SHAPES.into_iter().chain([&[3][..], &[4], &[6, 5, 4, 3], &[10, 9, 8]]) {
        let fixture = Fixture::new(heights);
        for lowest in 1..12 {
            let tree = MerkleTree::build_without(lowest, &fixture.rows, &meter()).unwrap();
            assert_eq!(tree.cap(), fixture.cap, "{heights:?} without {lowest}");
            for step in [1, 3, 29, 64] {
                let leaves: Vec<_> = (0..1u64 << heights[0]).step_by(step).collect();
                assert_eq!(tree.open(&leaves, &fixture.rows), fixture.open(&leaves), "{heights:?} without {lowest}");
            }
        }
    }
}

#[test]
fn every_leaf_is_found_at_its_index_only() {
    for heights in SHAPES {
        let fixture = Fixture::new(heights);
        assert_eq!(fixture.cap.len(), CAP);
        for index in 0..1u64 << heights[0] {
            let (rows, path) = (fixture.rows(&[index]), fixture.open(&[index]));
            assert_eq!(path.len(), (heights[0] - LOG_CAP) as usize);
            assert!(fixture.accepts(&rows, &path));
            // Neighbours, the other half, the other cap node: any other index fails.
            for bit in 0..heights[0] {
                let mut moved = rows.clone();
                for matrix in &mut moved {
                    matrix.rows[0].0 = (index ^ (1 << bit)) % (1 << matrix.log_height);
                }
                assert!(!fixture.accepts(&moved, &path), "{heights:?} {index} {bit}");
            }
        }
    }
}

/// Changes to an opening, each of which must be refused, by name.
fn changes(fixture: &Fixture, rows: &[OpenedMatrix], path: &[Digest]) -> Vec<(String, Vec<OpenedMatrix>, Vec<Digest>)> {
    let mut changes = Vec::new();
    let mut change_path = |name: String, change: &dyn Fn(&mut Vec<Digest>)| {
        let mut path = path.to_vec();
        change(&mut path);
        changes.push((name, rows.to_vec(), path));
    };
    change_path("one digest more".into(), &|path| path.push([0; 32]));
    for at in 0..path.len() {
        change_path(format!("digest {at}"), &|path| path[at][at % 32] ^= 1);
        change_path(format!("without digest {at}"), &|path| {
            path.remove(at);
        });
        change_path(format!("digest {at} twice"), &|path| path.insert(at, path[at]));
        change_path(format!("digest {at} and the one before"), &|path| path.swap(at, at.saturating_sub(1)));
    }
    // Swapping the first with itself changes nothing.
    changes.retain(|(_, _, changed)| changed != path);
    let mut change_rows = |name: String, change: &dyn Fn(&mut Vec<OpenedMatrix>)| {
        let mut rows = rows.to_vec();
        change(&mut rows);
        changes.push((name, rows, path.to_vec()));
    };
    for (m, opened) in rows.iter().enumerate() {
        change_rows(format!("without matrix {m}"), &|rows| drop(rows.remove(m)));
        change_rows(format!("matrix {m} twice"), &|rows| rows.insert(m, rows[m].clone()));
        for r in 0..opened.rows.len() {
            let name = |what: &str| format!("{what} row {r} of matrix {m}");
            change_rows(name("another"), &|rows| rows[m].rows[r].1[31] ^= 1);
            change_rows(name("without"), &|rows| {
                rows[m].rows.remove(r);
            });
            change_rows(name("twice"), &|rows| rows[m].rows.insert(r, opened.rows[r]));
            change_rows(name("swapped"), &|rows| rows[m].rows.swap(r, (r + 1) % opened.rows.len()));
            // At every other index that is free, in this matrix alone and with what is below it in all of them.
            for index in 0..1u64 << opened.log_height {
                if index % 64 % 5 == 0 && opened.rows.iter().all(|(other, _)| *other != index) {
                    change_rows(name(&format!("at {index}")), &|rows| {
                        rows[m].rows[r].0 = index;
                        rows[m].rows.sort_unstable();
                    });
                    // The true row of another index, too many or in place of this one.
                    let row = (index, fixture.matrices[&opened.log_height][index as usize]);
                    change_rows(name(&format!("{index} and")), &|rows| {
                        rows[m].rows.push(row);
                        rows[m].rows.sort_unstable();
                    });
                    change_rows(name(&format!("{index} for")), &|rows| {
                        rows[m].rows[r] = row;
                        rows[m].rows.sort_unstable();
                    });
                }
            }
        }
    }
    // With one row only there is nothing to swap.
    changes.retain(|(_, changed_rows, changed_path)| changed_rows != rows || changed_path != path);
    changes
}

/// All sets of the eight leaves below one or two cap nodes.
#[test]
fn every_set_of_leaves() {
    for heights in [&[8][..], &[8, 7], &[8, 6], &[8, 7, 6], &[9], &[9, 7]] {
        let fixture = Fixture::new(heights);
        let matrices = heights.iter().map(|log_height| fixture.matrices[log_height].clone()).collect();
        let simple = Tree::new(matrices);
        let leaves: Vec<u64> = (0..1 << heights[0]).filter(|leaf| leaf % 64 == 5 || leaf % 64 == 40).collect();
        let eight = if heights[0] == 8 { leaves } else { leaves.into_iter().filter(|leaf| leaf % 64 == 5).collect() };
        assert_eq!(eight.len(), 8);
        // Nothing opened shows nothing.
        assert!(!fixture.accepts(&fixture.rows(&[]), &fixture.open(&[])));
        for set in 1..256u32 {
            let leaves: Vec<_> = (0..8).filter(|bit| set >> bit & 1 == 1).map(|bit| eight[bit]).collect();
            let (rows, path) = (fixture.rows(&leaves), fixture.open(&leaves));
            assert_eq!(path, simple.open(&leaves));
            assert_eq!(path.len(), path_length(heights[0], &leaves));
            assert!(fixture.accepts(&rows, &path), "{heights:?} {leaves:?}");
            for (name, rows, path) in changes(&fixture, &rows, &path) {
                assert!(!fixture.accepts(&rows, &path), "{heights:?} {leaves:?}: {name}");
            }
        }
    }
}

/// The fewer digests, the more leaves share: none for all leaves, one for each layer and leaf where nothing is shared.
#[test]
fn lengths() {
    let all: Vec<u64> = (0..512).collect();
    for log_leaves in [3, 4, 9] {
        assert_eq!(path_length(log_leaves, &all[..1 << log_leaves]), 0);
        assert_eq!(path_length(log_leaves, &[]), 0);
        // One below each cap node.
        assert_eq!(path_length(log_leaves, &all[..8]), 8 * (log_leaves as usize - 3));
    }
    // 3 and 3 + 256 meet at once, 3 and 3 + 64 two layers above the leaves.
    assert_eq!(path_length(9, &[3, 259]), 5);
    assert_eq!(path_length(9, &[3, 67]), 7);
    assert_eq!(path_length(9, &[3, 4]), 12);
    let fixture = Fixture::new(&[9, 8, 7, 6]);
    let (rows, path) = (fixture.rows(&all), fixture.open(&all));
    assert!(path.is_empty() && fixture.accepts(&rows, &path));
}

#[test]
fn every_part_of_the_cap_is_bound() {
    for heights in SHAPES {
        let fixture = Fixture::new(heights);
        let leaves = [3, (1 << heights[0]) - 3];
        let (rows, path) = (fixture.rows(&leaves), fixture.open(&leaves));
        assert!(fixture.accepts(&rows, &path));
        for leaf in leaves {
            let mut cap = fixture.cap.clone();
            cap[leaf as usize % CAP][5] ^= 4;
            assert!(!verify_batch(&cap, &rows, &path));
        }
        assert!(!verify_batch(&fixture.cap[..7], &rows, &path));
        assert!(!verify_batch(&[&fixture.cap[..], &fixture.cap[..]].concat(), &rows, &path));
    }
}

/// A matrix of a height that no layer below the leaves has is never bound, so it is refused.
#[test]
fn a_matrix_that_is_not_consumed() {
    let fixture = Fixture::new(&[9, 7]);
    let leaves = [5, 70, 300];
    let (honest, path) = (fixture.rows(&leaves), fixture.open(&leaves));
    assert!(fixture.accepts(&honest, &path));
    for log_height in [0, 5, 9, 10, 64, u32::MAX] {
        for position in 0..=2 {
            let mut rows = honest.clone();
            rows.insert(position, OpenedMatrix { log_height, rows: vec![(5, [7; 32])] });
            assert!(!fixture.accepts(&rows, &path), "{log_height} {position}");
            // Not even one without rows.
            rows[position].rows.clear();
            assert!(!fixture.accepts(&rows, &path), "{log_height} {position}");
        }
    }
    // The right matrices in the wrong order.
    let reversed: Vec<_> = honest.into_iter().rev().collect();
    assert!(!fixture.accepts(&reversed, &path));
}

/// A tree is at least as tall as its cap, and a tree of nothing is nothing.
#[test]
fn bounds() {
    let one = |log_height, index, digest| vec![OpenedMatrix { log_height, rows: vec![(index, digest)] }];
    let cap = Fixture::new(&[3]).cap;
    assert_eq!(cap, matrix(LOG_CAP));
    assert!(!verify_batch(&cap, &one(2, 0, cap[0]), &[]));
    // Neither an index beyond the leaves nor one that is that of a leaf modulo the height.
    assert!(verify_batch(&cap, &one(3, 3, cap[3]), &[]));
    assert!(!verify_batch(&cap, &one(3, 8 + 3, cap[3]), &[]));
    // A cap node is no leaf of a taller tree, nor is any inner node with the path above it.
    let fixture = Fixture::new(&[8]);
    assert!(!fixture.accepts(&one(8, 3, fixture.cap[3]), &[]));
    let path = fixture.open(&[3]);
    let inner = hash_node(&matrix(8)[3], &path[0]);
    assert!(fixture.accepts(&one(7, 3, inner), &path[1..]));
    assert!(!fixture.accepts(&one(8, 3, inner), &path[1..]));
    assert!(!fixture.accepts(&one(8, 256 + 3, matrix(8)[3]), &path));
    // A digest that is missing does not count as zeros.
    let mut cap = fixture.cap.clone();
    let (_, all_but_last) = path.split_last().unwrap();
    let below = all_but_last.iter().fold(matrix(8)[3], |node, sibling| hash_node(&node, sibling));
    cap[3] = hash_node(&below, &[0; 32]);
    assert!(verify_batch(&cap, &one(8, 3, matrix(8)[3]), &[all_but_last, &[[0; 32]]].concat()));
    assert!(!verify_batch(&cap, &one(8, 3, matrix(8)[3]), all_but_last));
    assert!(verify_batch(&[], &[], &[]));
    assert!(!verify_batch(&cap, &[], &[]));
    assert!(!verify_batch(&[], &[], &[[0; 32]]));
    let empty = Fixture::new(&[]);
    assert!(empty.cap.is_empty() && empty.open(&[]).is_empty());
}

/// Indices beyond 32 bits are told apart, whatever the width of a pointer.
#[test]
fn large_indices() {
    let mut node = [1; 32];
    let path: Vec<Digest> = (0..37).map(|level| [level; 32]).collect();
    let index = (1u64 << 39) | 3;
    for (level, sibling) in path.iter().enumerate() {
        let left = (index >> (39 - level)) & 1 == 0;
        node = if left { hash_node(&node, sibling) } else { hash_node(sibling, &node) };
    }
    let mut cap = vec![[0; 32]; CAP];
    cap[3] = node;
    let at = |index| [OpenedMatrix { log_height: 40, rows: vec![(index, [1; 32])] }];
    assert_eq!(path_length(40, &[index]), 37);
    assert!(verify_batch(&cap, &at(index), &path));
    assert!(!verify_batch(&cap, &at(3), &path));
    assert!(!verify_batch(&cap, &at(index | 1 << 35), &path));
    assert_eq!(path_length(40, &[3, index]), 36);
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
