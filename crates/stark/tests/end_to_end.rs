//! Honest proofs are accepted, for all parameters and shapes.
#![allow(clippy::unwrap_used)]

mod common;

use common::{System, parameters, small, system};
use stark::{Parameters, Proof, Shape, Unattended, debug, prove, verify};

fn prove_and_verify(system: &System, parameters: &Parameters) -> Proof {
    let System { tables, traces, public } = system;
    let report = debug::check(tables, traces, public);
    assert!(report.is_clean(), "{report}");
    let proof = prove(tables, traces.clone(), public, b"context", parameters, &Unattended).unwrap();
    verify(tables, public, b"context", parameters, &proof).unwrap();
    proof
}

#[test]
fn all_parameters() {
    for log_blowup in 1..=4 {
        for log_fold in 1..=3 {
            prove_and_verify(&small(), &Parameters { log_blowup, log_fold, ..parameters() });
        }
    }
}

#[test]
fn many_shapes() {
    for (log_squares, log_chains, used) in
        [(6, [6, 6], [64, 64]), (6, [7, 6], [1, 0]), (10, [6, 9], [60, 3]), (12, [6, 6], [0, 0]), (7, [11, 13], [2000, 5000])]
    {
        prove_and_verify(&system(log_squares, log_chains, used), &parameters());
    }
}

#[test]
fn encoding_round_trips() {
    let system = small();
    let proof = prove_and_verify(&system, &parameters());
    let shape = Shape::new(&system.tables, &parameters());
    let bytes = proof.encode(&shape);
    assert_eq!(bytes.len(), Proof::encoded_len(&shape));
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
