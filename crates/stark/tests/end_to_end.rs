//! Honest proofs are accepted, for all parameters and shapes, and are the same in less memory.
#![allow(clippy::unwrap_used)]

mod common;

use common::forge::{Honest, forge};
use common::{CONTEXT, System, features, felt, parameters, quiet, small, system};
use felt::Felt;
use stark::{AirBuilder, Parameters, Proof, Rows, Shape, Table, debug, verify};
use std::sync::Arc;

fn prove_and_verify(system: &System, parameters: &Parameters) -> Proof {
    let report = debug::check(&system.tables, &system.traces, &system.public);
    assert!(report.is_clean(), "{report}");
    let proof = system.prove(parameters).unwrap();
    verify(&system.tables, &system.public, CONTEXT, parameters, &proof).unwrap();
    system.prove_in_less(parameters, &proof);
    proof
}

#[test]
fn all_parameters() {
    for log_blowup in 1..=4 {
        for log_fold in 1..=3 {
            prove_and_verify(&features(), &Parameters { log_blowup, log_fold, ..parameters() });
        }
    }
}

#[test]
fn many_shapes() {
    prove_and_verify(&quiet(), &parameters());
    for (log_squares, log_chains, used) in [
        (6, [6, 6], [64, 64]),
        (6, [7, 6], [1, 0]),
        (10, [6, 9], [60, 3]),
        (12, [6, 6], [0, 0]),
        (7, [11, 13], [2000, 5000]),
    ] {
        prove_and_verify(&system(log_squares, log_chains, used), &parameters());
    }
}

/// Tables without columns, constraints or interactions, alone and beside others.
#[test]
fn empty_tables() {
    let empty = |log_height| Table { air: Arc::new(AirBuilder::new("empty").build().unwrap()), log_height };
    let alone = System { tables: vec![empty(6), empty(8)], traces: vec![vec![], vec![]], public: vec![] };
    prove_and_verify(&alone, &parameters());
    for log_height in [6, 10] {
        let mut system = small();
        system.tables.insert(0, empty(log_height));
        system.traces.insert(0, vec![]);
        prove_and_verify(&system, &parameters());
    }
}

/// Periods from 1 to the table's height.
#[test]
fn periods() {
    for log_height in [6, 10, 11] {
        let (mut tables, mut traces) = (Vec::new(), Vec::new());
        for log_period in 0..=10.min(log_height) {
            let values: Vec<Felt> = (0..1u64 << log_period).map(|i| felt(i * i + i + 41)).collect();
            let mut b = AirBuilder::new("periodic");
            let (column, period) = (b.column("copy"), b.periodic(values.clone()));
            b.constrain("copies", Rows::All, &column * 2 - &period * 2);
            tables.push(Table { air: Arc::new(b.build().unwrap()), log_height });
            traces.push(vec![values.iter().cycle().take(1 << log_height).copied().collect()]);
        }
        prove_and_verify(&System { tables, traces, public: vec![] }, &parameters());
    }
}

/// As many queries as there may be: rows of all cosets, and leaves of which siblings are opened as well.
#[test]
fn many_queries() {
    for (log_blowup, queries) in [(1, 512), (2, 130), (4, 200)] {
        prove_and_verify(&features(), &Parameters { log_blowup, queries, ..parameters() });
        prove_and_verify(&system(9, [6, 11], [30, 3]), &Parameters { log_blowup, queries, ..parameters() });
    }
}

/// An independent prover, written from the protocol's description, makes the same proof.
#[test]
fn two_provers_agree() {
    for (log_blowup, log_fold) in [(1, 3), (2, 2), (3, 1)] {
        let parameters = Parameters { log_blowup, log_fold, queries: 5, ..parameters() };
        let system = features();
        assert_eq!(system.prove(&parameters).unwrap(), forge(&system, &parameters, &Honest));
    }
}

#[test]
fn encoding_round_trips() {
    let system = features();
    let proof = prove_and_verify(&system, &parameters());
    let shape = Shape::new(&system.tables, &parameters());
    let bytes = proof.encode(&shape);
    assert_eq!(bytes.len(), Proof::encoded_len(&proof.indices, &shape));
    assert_eq!(Proof::decode(&bytes, &shape).unwrap(), proof);
}

#[test]
fn proof_does_not_depend_on_threads() {
    let prove_with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| prove_and_verify(&system(12, [11, 13], [2000, 5000]), &parameters()))
    };
    assert_eq!(prove_with(1), prove_with(3));
}
