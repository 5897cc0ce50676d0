//! What proofs open at the query indices: every part of it is bound, and queries that coincide share it.
#![allow(clippy::unwrap_used)]

mod common;

use common::forge::{Honest, Tamper, forge};
use common::{System, features, felt, parameters, system};
use felt::Felt;
use stark::hash::Digest;
use stark::proof::Opening;
use stark::proof_shape::{Part, ShapeError};
use stark::shape::distinct;
use stark::verifier::Commitment;
use stark::{DecodeError, Parameters, Proof, Shape, VerifyError};
use std::collections::BTreeSet;
use std::sync::LazyLock;

static HONEST: LazyLock<(System, Proof)> = LazyLock::new(|| {
    let system = features();
    let proof = system.prove(&parameters()).unwrap();
    (system, proof)
});

fn with(change: impl FnOnce(&mut Proof)) -> Result<(), VerifyError> {
    let (system, mut proof) = HONEST.clone();
    change(&mut proof);
    system.verify(&parameters(), &proof)
}

type Select = fn(&mut Proof) -> &mut Opening;

const OPENINGS: [(Commitment, Select); 3] = [
    (Commitment::Main, |proof| &mut proof.main),
    (Commitment::Lookup, |proof| &mut proof.lookup),
    (Commitment::Quotient, |proof| &mut proof.quotient),
];

/// Opens everything at other places than asked for, each with its valid path.
struct OtherIndices(fn(u64) -> u64);

impl Tamper for OtherIndices {
    fn query_indices(&self, indices: &mut [u64]) {
        indices.iter_mut().for_each(|index| *index = self.0(*index));
    }
}

/// Exchanges a bit in all indices: as many different ones remain, modulo every size.
const SHIFTS: [fn(u64) -> u64; 4] = [|i| i ^ 1, |i| i ^ (1 << 9), |i| i ^ (1 << 7), |i| i ^ (1 << 4)];

#[test]
fn rows_of_other_indices() {
    let (system, honest) = &*HONEST;
    let size = 1u64 << 10;
    for shift in SHIFTS {
        let other = forge(system, &parameters(), &OtherIndices(shift));
        // Nothing but the queries differs.
        let Proof { indices, main, lookup, quotient, folds, .. } = honest.clone();
        assert_eq!(Proof { indices, main, lookup, quotient, folds, ..other.clone() }, *honest);
        assert_eq!(system.verify(&parameters(), &other), Err(VerifyError::Indices));
        let opening = |commitment| Err(VerifyError::Opening { commitment });
        assert_eq!(with(|proof| proof.main = other.main.clone()), opening(Commitment::Main));
        assert_eq!(with(|proof| proof.quotient = other.quotient.clone()), opening(Commitment::Quotient));
        // The LogUp commitment is half as tall: there the two halves of the largest domain are one.
        let lookup = with(|proof| proof.lookup = other.lookup.clone());
        assert_eq!(lookup, if shift(0) == size / 2 { Ok(()) } else { opening(Commitment::Lookup) });
        // So are all indices that agree modulo a layer's size; any other opening is refused, of another leaf or of the
        // same leaf without another value.
        for layer in 0..3 {
            let fold = with(|proof| proof.folds[layer] = other.folds[layer].clone());
            let same = shift(0).is_multiple_of(size >> layer);
            // Where two queries meet in a leaf on one side only, the number of values differs too.
            let refused = match &fold {
                Err(VerifyError::Shape(error)) => error.part == Part::Siblings,
                other => *other == Err(VerifyError::FoldOpening { layer }),
            };
            assert!(if same { fold == Ok(()) } else { refused }, "{fold:?}");
        }
    }
}

/// A single row of another index, among the right ones and with the right paths.
#[test]
fn one_row_of_another_index() {
    let (system, honest) = &*HONEST;
    let shape = Shape::new(&system.tables, &parameters());
    for shift in SHIFTS {
        let mut other = forge(system, &parameters(), &OtherIndices(shift));
        for (commitment, select) in OPENINGS {
            let rows = select(&mut other).rows.clone();
            let groups = shape.groups.len() - rows.len();
            for (matrix, (rows, group)) in rows.iter().zip(&shape.groups[groups..]).enumerate() {
                let positions = |proof: &Proof| distinct(&proof.indices, shape.log_lde(group));
                for (number, index) in positions(honest).into_iter().enumerate() {
                    let shifted = distinct(&[shift(index)], shape.log_lde(group))[0];
                    let row = &rows[positions(&other).binary_search(&shifted).unwrap()];
                    let answer = with(|proof| select(proof).rows[matrix][number].clone_from(row));
                    let same = shifted == index || *row == select(&mut honest.clone()).rows[matrix][number];
                    assert_eq!(answer, if same { Ok(()) } else { Err(VerifyError::Opening { commitment }) });
                }
            }
        }
    }
}

/// Every value and every digest that a proof opens.
#[test]
fn every_opened_value_is_bound() {
    let honest = &HONEST.1;
    for (commitment, select) in OPENINGS {
        let refused = Err(VerifyError::Opening { commitment });
        let opening = select(&mut honest.clone()).clone();
        for (matrix, rows) in opening.rows.iter().enumerate() {
            for (row, values) in rows.iter().enumerate() {
                for value in 0..values.len() {
                    assert_eq!(with(|proof| select(proof).rows[matrix][row][value] += felt(1)), refused);
                }
                let next = (row + 1) % rows.len();
                assert!(rows[row] == rows[next] || with(|proof| select(proof).rows[matrix].swap(row, next)) == refused);
            }
        }
        check_path(&opening.path, &refused, |proof| &mut select(proof).path);
    }
    for (layer, opening) in honest.folds.iter().enumerate() {
        let refused = Err(VerifyError::FoldOpening { layer });
        for (leaf, values) in opening.siblings.iter().enumerate() {
            for value in 0..values.len() {
                assert_eq!(with(|proof| proof.folds[layer].siblings[leaf][value] += felt(1)), refused);
            }
        }
        check_path(&opening.path, &refused, |proof| &mut proof.folds[layer].path);
    }
}

/// Digests of a path that are changed or in another order; one too many or too few is another length.
fn check_path(
    path: &[Digest],
    refused: &Result<(), VerifyError>,
    select: impl Fn(&mut Proof) -> &mut Vec<Digest> + Copy,
) {
    let length = |answer| assert!(matches!(answer, Err(VerifyError::Shape(error)) if error.found != error.expected));
    for (at, digest) in path.iter().enumerate() {
        assert_eq!(with(|proof| select(proof)[at][at % 32] ^= 1 << (at % 8)), *refused);
        if at > 0 {
            assert_eq!(with(|proof| select(proof).swap(at - 1, at)), *refused);
        }
        length(with(|proof| {
            select(proof).remove(at);
        }));
        length(with(|proof| select(proof).insert(at, *digest)));
    }
}

/// The proof's indices are compared with the transcript's, in order, to the last bit.
#[test]
fn indices_are_the_transcripts() {
    let (system, honest) = &*HONEST;
    let shape = Shape::new(&system.tables, &parameters());
    assert_eq!(honest.indices.len(), 8);
    for number in 0..8 {
        for bit in 10..64 {
            assert_eq!(with(|proof| proof.indices[number] ^= 1 << bit), Err(VerifyError::Indices));
        }
        // The bits that count: other lengths, or other indices.
        for bit in 0..10 {
            let answer = with(|proof| proof.indices[number] ^= 1 << bit);
            assert!(matches!(answer, Err(VerifyError::Indices | VerifyError::Shape(_))), "{answer:?}");
        }
    }
    assert_eq!(with(|proof| proof.indices.reverse()), Err(VerifyError::Indices));
    assert_eq!(with(|proof| proof.indices.sort_unstable()), Err(VerifyError::Indices));
    // A whole opening at indices of the prover's choice is read, and then refused for its indices.
    for choice in [|_| 0, |_| 1023, |i| i / 2, |i| i ^ (1 << 63)] {
        let other = forge(system, &parameters(), &OtherIndices(choice));
        assert_eq!(Proof::decode(&other.encode(&shape), &shape).as_ref(), Ok(&other));
        assert_eq!(system.verify(&parameters(), &other), Err(VerifyError::Indices));
    }
}

/// More queries than positions: indices repeat, and others meet in the smaller domains.
#[test]
fn queries_that_coincide() {
    let system = system(6, [9, 7], [20, 9]);
    for (queries, log_fold) in [(30, 1), (100, 2), (200, 3), (512, 3)] {
        let parameters = Parameters { queries, log_fold, ..parameters() };
        let shape = Shape::new(&system.tables, &parameters);
        let proof = system.prove(&parameters).unwrap();
        assert_eq!(system.verify(&parameters, &proof), Ok(()));
        assert_eq!(proof, forge(&system, &parameters, &Honest));
        let counts: Vec<_> = [10, 8, 7].map(|log_size| distinct(&proof.indices, log_size).len()).to_vec();
        assert_eq!(proof.main.rows.iter().map(Vec::len).collect::<Vec<_>>(), counts);
        let set: BTreeSet<_> = proof.indices.iter().collect();
        // Among few queries it is a matter of luck.
        assert!(queries < 100 || set.len() < queries as usize && counts[1] < counts[0] && counts[2] < counts[1]);
        let bytes = proof.encode(&shape);
        assert_eq!(bytes.len(), Proof::encoded_len(&proof.indices, &shape));
        assert_eq!(Proof::decode(&bytes, &shape).as_ref(), Ok(&proof));
        // Nothing is opened twice: with a row or a value for each query the lengths differ.
        let mut twice = proof.clone();
        let row = twice.main.rows[2][0].clone();
        twice.main.rows[2].insert(0, row);
        let error = ShapeError { part: Part::Rows, expected: counts[2], found: counts[2] + 1 };
        assert_eq!(system.verify(&parameters, &twice), Err(VerifyError::Shape(error)));
        let longer = [&bytes[..], &[0; 32]].concat();
        let error = DecodeError::Length { expected: bytes.len(), found: longer.len() };
        assert_eq!(Proof::decode(&longer, &shape), Err(error));
        // A value that two queries compute is not opened at all; one that is opened is compared all the same.
        for (layer, opening) in proof.folds.iter().enumerate() {
            let Some(leaf) = opening.siblings.iter().position(|values| !values.is_empty()) else { continue };
            let mut changed = proof.clone();
            changed.folds[layer].siblings[leaf][0] += Felt::one();
            assert_eq!(system.verify(&parameters, &changed), Err(VerifyError::FoldOpening { layer }));
        }
    }
}

/// Where every point is read nothing is left to open but rows, and where nearly all are, little.
#[test]
fn nearly_all_points_are_read() {
    let system = system(6, [6, 6], [20, 9]);
    let parameters = Parameters { queries: 512, ..parameters() };
    let shape = Shape::new(&system.tables, &parameters);
    let all: Vec<u64> = (0..128).cycle().take(512).collect();
    let proof = system.prove(&parameters).unwrap();
    assert_eq!(system.verify(&parameters, &proof), Ok(()));
    // A few points are left out, and the sibling of each is read: in each of the three trees it needs one digest.
    let read = distinct(&proof.indices, 7).len();
    assert!(read > 110 && distinct(&proof.indices, 6).len() == 64, "{read}");
    assert_eq!([&proof.main, &proof.lookup, &proof.quotient].map(|opening| opening.path.len()), [128 - read; 3]);
    let row = shape.groups.iter().map(|group| group.main_width + group.aux_width() + 2).sum::<usize>();
    let head = Proof::encoded_len(&proof.indices, &shape) - 32 * (read * row + 3 * (128 - read));
    assert_eq!(Proof::encoded_len(&all, &shape), head + 32 * 128 * row);
}

/// The least length is that of a proof whose queries are all the same, and no more queries make it shorter.
#[test]
fn no_indices_take_fewer_bytes_than_equal_ones() {
    let mut state = 1u64;
    let mut random = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 40
    };
    for (tables, log_fold) in
        [(features().tables, 3), (system(6, [9, 7], [20, 9]).tables, 1), (system(6, [6, 6], [20, 9]).tables, 2)]
    {
        let parameters = Parameters { queries: 6, log_fold, ..parameters() };
        let shape = Shape::new(&tables, &parameters);
        let least = Proof::least_len(&shape);
        let mask = (1u64 << shape.log_max_lde()) - 1;
        assert_eq!(Proof::encoded_len(&[mask; 6], &shape), least);
        for _ in 0..2_000 {
            // Often close to each other, or apart by a half or a quarter of the domain.
            let first = random();
            let near = |random: u64| match random % 3 {
                0 => random / 3,
                1 => first ^ (1 << (random / 3 % 11)),
                _ => first,
            };
            let mut indices: Vec<u64> = (0..6).map(|_| near(random()) & mask).collect();
            indices[0] = first & mask;
            let mut last = least;
            for count in 1..=6 {
                let some: Vec<u64> = (0..6).map(|query| indices[query.min(count - 1)]).collect();
                let length = Proof::encoded_len(&some, &shape);
                assert!(length >= last, "{some:?}");
                last = length;
            }
        }
    }
}
