//! A proof made once by version 3 of the protocol: every later build of version 3 must accept it, and nothing like it.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use cairo_air::{ArgumentBinding, Builtin, Policy, Program, Statement, VerifyError, verify};
use felt::{Felt, encoding};

const PROOF: &[u8] = include_bytes!("fixtures/fib_tiny.v3.proof");

const PROVER: [u8; 32] = [0x5a; 32];

fn word(text: &str) -> Felt {
    let digits = format!("{:0>64}", text.strip_prefix("0x").unwrap());
    let byte = |index: usize| u8::from_str_radix(&digits[2 * index..2 * index + 2], 16).unwrap();
    encoding::from_canonical_be(&std::array::from_fn(byte)).unwrap()
}

/// Of the compiled program that the repository keeps.
fn statement() -> Statement {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../programs/fixtures/bench/fib_tiny.json");
    let json: serde_json::Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let list = |field: &str| json[field].as_array().unwrap().iter().map(|entry| entry.as_str().unwrap());
    let words = list("data").map(word).collect();
    let builtins = list("builtins").map(|name| Builtin::from_name(name).unwrap()).collect();
    let program = Program::new(words, builtins, ArgumentBinding::OutputPrefix).unwrap();
    Statement { program, arguments: Vec::new(), prover: PROVER }
}

#[test]
fn it_holds() {
    let verified = verify(&statement(), PROOF, &Policy::default()).unwrap();
    assert_eq!(verified.output, [Felt::from(233_u64)]);
    assert_eq!(verified.n_steps, 91);
    assert!(verified.conjectured_bits >= 101.0 && verified.proven_bits >= 60.0);
}

#[test]
fn no_part_of_it_holds() {
    let statement = statement();
    let lengths = (0..2000).chain((2000..PROOF.len()).step_by(PROOF.len() / 200)).chain(PROOF.len() - 70..PROOF.len());
    for length in lengths {
        assert!(verify(&statement, &PROOF[..length], &Policy::default()).is_err(), "{length} bytes");
    }
    let longer = [PROOF, &[0]].concat();
    assert!(matches!(verify(&statement, &longer, &Policy::default()), Err(VerifyError::Decode(_))));
}

#[test]
fn no_change_of_it_holds() {
    let statement = statement();
    let mut bytes = PROOF.to_vec();
    let places = (0..1200).chain((1200..PROOF.len()).step_by(PROOF.len() / 600)).chain(PROOF.len() - 40..PROOF.len());
    for (number, at) in places.enumerate() {
        let change = [1, 0x80, 0xff, 1 << (number % 8)][number % 4];
        bytes[at] ^= change;
        assert!(verify(&statement, &bytes, &Policy::default()).is_err(), "byte {at}");
        bytes[at] ^= change;
    }
}

#[test]
fn it_is_nobody_elses() {
    let mut other = statement();
    other.prover[0] ^= 1;
    assert!(matches!(verify(&other, PROOF, &Policy::default()), Err(VerifyError::OtherProver { .. })));
    let mut other = statement();
    other.arguments.push(Felt::from(233_u64));
    assert!(matches!(verify(&other, PROOF, &Policy::default()), Err(VerifyError::OtherArguments { .. })));
}
