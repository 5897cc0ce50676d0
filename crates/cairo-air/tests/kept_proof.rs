//! Proofs made once by version 6 of the protocol: every later build of version 6 must accept them, and nothing like them. The
//! small one has all of its memory in a memory table, the other one path, range and cell tables.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use cairo_air::{ArgumentBinding, Builtin, Policy, Program, Statement, VerifyError, verify};
use felt::{Felt, encoding};

struct Kept {
    name: &'static str,
    proof: &'static [u8],
    steps: u64,
    output: u64,
}

const KEPT: [Kept; 2] = [
    Kept { name: "fib_tiny", proof: include_bytes!("fixtures/fib_tiny.v6.proof"), steps: 91, output: 233 },
    Kept { name: "primes_2p14", proof: include_bytes!("fixtures/primes_2p14.v6.proof"), steps: 15_202, output: 2 },
];

const PROVER: [u8; 32] = [0x5a; 32];

fn word(text: &str) -> Felt {
    let digits = format!("{:0>64}", text.strip_prefix("0x").unwrap());
    let byte = |index: usize| u8::from_str_radix(&digits[2 * index..2 * index + 2], 16).unwrap();
    encoding::from_canonical_be(&std::array::from_fn(byte)).unwrap()
}

/// Of the compiled program that the repository keeps.
fn statement(name: &str) -> Statement {
    let file = format!("{}/../../programs/fixtures/bench/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let json: serde_json::Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let list = |field: &str| json[field].as_array().unwrap().iter().map(|entry| entry.as_str().unwrap());
    let words = list("data").map(word).collect();
    let builtins = list("builtins").map(|name| Builtin::from_name(name).unwrap()).collect();
    let program = Program::new(words, builtins, ArgumentBinding::OutputPrefix).unwrap();
    Statement::single(program, Vec::new(), PROVER)
}

#[test]
fn they_hold() {
    for Kept { name, proof, steps, output } in KEPT {
        let verified = verify(&statement(name), proof, &Policy::default()).unwrap();
        assert_eq!(verified.runs[0].output, [Felt::from(output)]);
        assert_eq!(verified.runs[0].n_steps, steps);
        assert!(verified.conjectured_bits >= 101.0 && verified.proven_bits >= 59.0);
    }
}

#[test]
fn no_part_of_them_holds() {
    for Kept { name, proof, .. } in KEPT {
        let statement = statement(name);
        let lengths =
            (0..2000).chain((2000..proof.len()).step_by(proof.len() / 200)).chain(proof.len() - 70..proof.len());
        for length in lengths {
            assert!(verify(&statement, &proof[..length], &Policy::default()).is_err(), "{length} bytes of {name}");
        }
        let longer = [proof, &[0]].concat();
        assert!(matches!(verify(&statement, &longer, &Policy::default()), Err(VerifyError::Decode(_))));
    }
}

#[test]
fn no_change_of_them_holds() {
    for Kept { name, proof, .. } in KEPT {
        let statement = statement(name);
        let mut bytes = proof.to_vec();
        let places =
            (0..1200).chain((1200..proof.len()).step_by(proof.len() / 600)).chain(proof.len() - 40..proof.len());
        for (number, at) in places.enumerate() {
            let change = [1, 0x80, 0xff, 1 << (number % 8)][number % 4];
            bytes[at] ^= change;
            assert!(verify(&statement, &bytes, &Policy::default()).is_err(), "byte {at} of {name}");
            bytes[at] ^= change;
        }
    }
}

#[test]
fn they_are_nobody_elses() {
    for Kept { name, proof, output, .. } in KEPT {
        let mut other = statement(name);
        other.prover[0] ^= 1;
        assert!(matches!(verify(&other, proof, &Policy::default()), Err(VerifyError::OtherProver { .. })));
        let mut other = statement(name);
        other.runs[0].push(Felt::from(output));
        assert!(matches!(verify(&other, proof, &Policy::default()), Err(VerifyError::OtherArguments { .. })));
    }
}
