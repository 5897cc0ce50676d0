//! Random changes to the bytes of an honest proof: every one is refused, none makes the verifier panic.
//!
//! `cargo test -p stark --release --test mutations -- --ignored --nocapture`; the environment variables `MUTATIONS` and
//! `SEED` set the number (a million if absent) and the seed.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod common;

use common::mutation::Mutation;
use common::tiny::{Refusal, Tiny};
use rayon::prelude::*;
use stark::{Proof, VerifyError};
use std::collections::BTreeMap;
use std::time::Instant;

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) as usize
    }

    fn mutation(&mut self) -> Mutation {
        let (a, b, byte) = (self.next(), self.next(), self.next() as u8);
        match self.next() % 11 {
            0 => Mutation::Flip { at: a, bit: byte },
            1 => Mutation::Set { at: a, byte },
            2 => Mutation::Swap { a, b },
            3 => Mutation::Copy { from: a, to: b },
            4 => Mutation::Splice { at: a, length: b },
            5 => Mutation::Truncate { length: a },
            6 => Mutation::Extend { count: a, byte },
            7 => Mutation::Increment { word: a },
            8 => Mutation::AddModulus { word: a },
            9 => Mutation::Zero { at: a, length: b },
            _ => Mutation::Integer { at: a, byte },
        }
    }
}

/// Which check refused.
fn stage(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::Decode(_) => "decode",
        Refusal::Verify(error) => match error {
            VerifyError::Parameters(_) | VerifyError::Tables(_) | VerifyError::Shape(_) | VerifyError::Outline(_) => {
                "bounds and shape"
            }
            VerifyError::PublicDenominator(_) | VerifyError::IdleTotal(_) | VerifyError::BusSum => "bus sum",
            VerifyError::Constraints(_) => "constraints",
            VerifyError::Grinding => "grinding",
            VerifyError::Indices => "indices",
            VerifyError::Opening { .. } => "opening",
            VerifyError::FoldOpening { .. } => "fold opening",
            VerifyError::FinalPolynomial(_) => "final polynomial",
        },
    }
}

/// Tries mutations `1..=count`, each a function of seed and number alone; the refusals by stage and how many changed nothing.
fn run(tiny: &Tiny, seed: u64, count: u64) -> (BTreeMap<&'static str, u64>, u64) {
    let integers = tiny.integers();
    let one = |number: u64| {
        let mut random = Random(seed ^ number.wrapping_mul(0xd134_2543_de82_ef95));
        let mutations: Vec<_> = (0..1 + random.next() % 2).map(|_| random.mutation()).collect();
        let mut bytes = tiny.honest.clone();
        mutations.iter().for_each(|mutation| mutation.apply(&mut bytes, &tiny.other, &integers));
        if bytes == tiny.honest {
            return None;
        }
        let answer = tiny.check(&bytes);
        assert!(answer.is_err(), "accepted: seed {seed}, number {number}, {mutations:?}");
        answer.err().map(|refusal| stage(&refusal))
    };
    let merge = |mut all: (BTreeMap<&'static str, u64>, u64), stage: Option<&'static str>| {
        match stage {
            Some(stage) => *all.0.entry(stage).or_default() += 1,
            None => all.1 += 1,
        }
        all
    };
    let add = |mut all: (BTreeMap<&'static str, u64>, u64), part: (BTreeMap<&'static str, u64>, u64)| {
        part.0.into_iter().for_each(|(stage, count)| *all.0.entry(stage).or_default() += count);
        (all.0, all.1 + part.1)
    };
    (1..=count).into_par_iter().map(one).fold(Default::default, merge).reduce(Default::default, add)
}

fn from_environment(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |value| value.parse().unwrap())
}

#[test]
fn a_few_thousand() {
    let tiny = Tiny::new();
    let (refused, unchanged) = run(&tiny, 1, 5_000);
    assert_eq!(refused.values().sum::<u64>() + unchanged, 5_000);
    // Changes reach every check that changed bytes can reach. (What bus sum, constraints and final polynomial catch takes another
    // transcript.)
    let stages: Vec<_> = refused.keys().copied().collect();
    assert_eq!(stages, ["decode", "fold opening", "grinding", "indices", "opening"], "{refused:?}");
}

#[test]
#[ignore = "minutes; see the head of the file"]
fn a_million() {
    let (seed, count) = (from_environment("SEED", 1), from_environment("MUTATIONS", 1_000_000));
    let tiny = Tiny::new();
    eprintln!("seed {seed}, {count} mutations of a proof of {} bytes", tiny.honest.len());
    let start = Instant::now();
    let (refused, unchanged) = run(&tiny, seed, count);
    eprintln!("{:.1?}; {unchanged} changed nothing; refused by {refused:?}", start.elapsed());
    assert_eq!(refused.values().sum::<u64>() + unchanged, count);
}

/// The two proofs that changes mix are both valid, for different statements.
#[test]
fn the_other_proof_is_another() {
    let tiny = Tiny::new();
    assert_eq!(tiny.check(&tiny.honest), Ok(()));
    // Lengths follow from the query indices.
    let [decoded, other] = [&tiny.honest, &tiny.other].map(|bytes| {
        let proof = Proof::decode(bytes, &tiny.shape).unwrap();
        assert_eq!(bytes.len(), Proof::encoded_len(&proof.indices, &tiny.shape));
        proof
    });
    assert_ne!(decoded.indices, other.indices);
    let other_transcript = [VerifyError::Grinding, VerifyError::Indices].map(|error| Err(Refusal::Verify(error)));
    assert!(other_transcript.contains(&tiny.check(&tiny.other)));
    let integers = std::iter::once(decoded.nonce).chain(decoded.indices);
    assert_eq!(tiny.honest[tiny.integers()], integers.flat_map(u64::to_le_bytes).collect::<Vec<_>>());
}
