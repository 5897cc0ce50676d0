//! Random systems: the verifier accepts exactly the proofs of witnesses that the debug checker finds clean.
#![allow(clippy::unwrap_used)]

mod common;

use common::random_air::{Choices, bytes};
use stark::debug;

/// The same property as the fuzz target `air_random`, over bytes from a hash.
#[test]
fn accepted_if_and_only_if_clean() {
    let (mut clean, mut failing, mut unbalanced, mut too_high) = (0, 0, 0, 0);
    for number in 0..400 {
        let Some((system, parameters)) = Choices(&bytes(number)).system() else {
            too_high += 1;
            continue;
        };
        let report = debug::check(&system.tables, &system.traces, &system.public);
        assert!(report.shapes.is_empty());
        let proof = system.prove(&parameters).unwrap();
        system.prove_in_less(&parameters, &proof);
        let answer = system.verify(&parameters, &proof);
        assert_eq!(answer.is_ok(), report.is_clean(), "number {number}: {answer:?} {report}");
        clean += u32::from(report.is_clean());
        failing += u32::from(!report.constraints.is_empty());
        unbalanced += u32::from(!report.imbalances.is_empty());
    }
    // The random systems are of every kind.
    assert!(clean > 50 && failing > 50 && unbalanced > 50, "{clean} {failing} {unbalanced} {too_high}");
}
