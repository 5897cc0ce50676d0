//! Random damage to proof files: none is accepted, none makes the verifier panic.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use cairo_air::fetch::MAX_FETCHES;
use cairo_air::{CairoProof, Statement, verify};
use cairo_prover::disclosed::{MAX_TERMS, disclose_short};
use cairo_prover::planner::{Costs, DEFAULT_COLUMNS, plan};
use cairo_prover::{Witness, prove::witness};
use common::execution;
use common::random::Random;
use stark::{NoControl, Shape};
use std::sync::OnceLock;
use testkit::proofs::{CHEAP, policy};

/// Two statements with their honest proof files: one program on two arguments, and lists of tables of one shape or another.
fn proofs() -> &'static [(Statement, Vec<u8>)] {
    static PROOFS: OnceLock<Vec<(Statement, Vec<u8>)>> = OnceLock::new();
    PROOFS.get_or_init(|| {
        let prove = |name: &str, arguments: &str, generic: bool| {
            let execution = execution(name, Some(arguments));
            let steps = match generic {
                true => cairo_prover::prove::all_generic(&execution),
                false => plan(&execution, &Costs::new(&execution, DEFAULT_COLUMNS)).tables,
            };
            // With an instruction table, and with instructions counted in the claim.
            let max_fetches = if generic { 0 } else { MAX_FETCHES };
            let mut witness = witness(execution, [3; 32], steps, max_fetches, &NoControl).unwrap();
            if !generic {
                disclose_short(&mut witness, 80, MAX_TERMS).unwrap();
                assert!(!witness.layout.disclosed.is_empty());
            }
            let Witness { statement, claim, layout, tables, public, traces } = witness;
            let context = statement.context(&claim, &layout);
            let proof = stark::prove(&tables, traces, &public, &context, &CHEAP, &NoControl).unwrap();
            let bytes = proof.encode(&Shape::new(&tables, &CHEAP));
            let file = CairoProof::new(&statement, CHEAP, claim, layout, bytes).encode();
            verify(&statement, &file, &policy()).unwrap();
            (statement, file)
        };
        let args3 = |a: u64| format!(r#"{{"a": {a}, "b": 6, "c": 12}}"#);
        vec![
            prove("cairo0/args3", &args3(5), true),
            prove("cairo0/args3", &args3(6), true),
            prove("cairo0/sum_to_n", r#"{"n": 400}"#, false),
            prove("cairo0/sum_to_n", r#"{"n": 401}"#, false),
        ]
    })
}

/// One change of a file, which may turn out to be none.
fn mutate(random: &mut Random, bytes: &mut Vec<u8>, other: &[u8]) {
    // The header and the layout are short, but most of what can go wrong is there.
    let head = 1200.min(bytes.len());
    let end = if random.one_in(2) { head } else { bytes.len() };
    let at = random.below(end);
    let word = at / 4 * 4;
    match random.below(9) {
        0 => bytes[at] ^= 1 << random.below(8),
        1 => bytes[at] = random.bits() as u8,
        2 => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][random.below(5)],
        3 if word + 8 <= bytes.len() => {
            let value = [0, 1, u64::MAX, 1 << 31, 1 << 32, random.bits(), random.bits() >> 40][random.below(7)];
            bytes[word..word + 8].copy_from_slice(&value.to_le_bytes());
        }
        4 => bytes.truncate(at),
        5 => {
            let more = (0..1 + random.below(64)).map(|_| random.bits() as u8);
            bytes.splice(at..at, more.collect::<Vec<_>>());
        }
        6 => {
            let stop = (at + 1 + random.below(64)).min(bytes.len());
            bytes.drain(at..stop);
        }
        7 => {
            // The same place of the other proof, 1 byte to all the rest of it.
            let stop = (at + (1 << random.below(18))).min(bytes.len()).min(other.len());
            if at < stop {
                bytes[at..stop].copy_from_slice(&other[at..stop]);
            }
        }
        _ => {
            let from = random.below(bytes.len());
            let length = (1 + random.below(96)).min(bytes.len() - at.max(from));
            bytes.copy_within(from..from + length, at);
        }
    }
}

fn check(seed: u64) {
    let mut random = Random(seed);
    let proofs = proofs();
    let index = random.below(proofs.len());
    let (statement, honest) = &proofs[index];
    let (_, other) = &proofs[index ^ 1];
    let mut bytes = honest.clone();
    for _ in 0..1 + random.below(3) {
        if !bytes.is_empty() {
            mutate(&mut random, &mut bytes, other);
        }
    }
    if bytes != *honest && verify(statement, &bytes, &policy()).is_ok() {
        panic!("seed {seed}: a damaged proof is accepted");
    }
}

#[test]
fn damaged_proofs_are_refused() {
    (0..4000).for_each(check);
}

#[test]
#[ignore = "takes minutes"]
fn many_damaged_proofs_are_refused() {
    (1_000_000..1_100_000).for_each(check);
}
