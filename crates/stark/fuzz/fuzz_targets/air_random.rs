//! Random small AIRs with random traces: the prover never panics, and the verifier accepts exactly what the debug checker
//! finds clean.
#![no_main]

#[path = "../../tests/common/mod.rs"]
mod common;

use common::random_air::Choices;
use libfuzzer_sys::fuzz_target;
use stark::debug;

fuzz_target!(|bytes: &[u8]| {
    let Some((system, parameters)) = Choices(bytes).system() else { return };
    let report = debug::check(&system.tables, &system.traces, &system.public);
    let proof = system.prove(&parameters).expect("bounds hold");
    let answer = system.verify(&parameters, &proof);
    assert_eq!(answer.is_ok(), report.is_clean(), "{answer:?} {report}");
});
