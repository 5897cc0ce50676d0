//! Every message that the transcript absorbs changes every later challenge, and no earlier one.
#![allow(clippy::unwrap_used)]

mod common;

use common::{SQUARES, felt, parameters};
use felt::{Felt, encoding};
use stark::hash::{Digest, Parts};
use stark::proof::GroupOpenings;
use stark::transcript::Transcript;
use stark::{AirBuilder, Bus, Parameters, PublicTerms, PublicTuple, Rows, Table};
use std::collections::HashSet;
use std::sync::Arc;

/// What a table is absorbed as.
#[derive(Clone)]
struct TableInputs {
    name: String,
    width: usize,
    constraints: usize,
    interactions: usize,
    log_height: u32,
}

impl TableInputs {
    fn table(&self) -> Table {
        let mut b = AirBuilder::new(self.name.clone());
        (0..self.width).for_each(|_| drop(b.column("x")));
        (0..self.constraints).for_each(|_| b.constrain("zero", Rows::All, 0));
        (0..self.interactions).for_each(|_| b.provide("entry", SQUARES, 0, [1.into(), 2.into()]));
        Table { air: Arc::new(b.build().unwrap()), log_height: self.log_height }
    }
}

/// All messages of a proof.
#[derive(Clone)]
struct Messages {
    parameters: Parameters,
    context: Vec<u8>,
    tables: Vec<TableInputs>,
    public: Vec<PublicTuple>,
    main_cap: Vec<Digest>,
    lookup_cap: Vec<Digest>,
    totals: Vec<Felt>,
    quotient_cap: Vec<Digest>,
    openings: Vec<GroupOpenings>,
    fold_caps: Vec<Vec<Digest>>,
    final_polynomial: Vec<Felt>,
    nonce: u64,
}

fn messages() -> Messages {
    let table = |name: &str, log_height| TableInputs {
        name: name.to_owned(),
        width: 3,
        constraints: 2,
        interactions: 1,
        log_height,
    };
    let cap = |byte: u8| (0..64).map(|i| [byte ^ i; 32]).collect::<Vec<_>>();
    let list = |start: u64, count: u64| (start..start + count).map(Felt::from).collect::<Vec<_>>();
    let openings = |start| GroupOpenings {
        main: list(start, 3),
        main_next: list(start + 10, 1),
        aux: list(start + 20, 2),
        aux_next: list(start + 30, 1),
        quotient: list(start + 40, 2),
    };
    Messages {
        parameters: parameters(),
        context: b"context".to_vec(),
        tables: vec![table("first", 8), table("second", 7)],
        public: vec![PublicTuple::provide(SQUARES, list(1, 2)), PublicTuple::require(SQUARES, list(3, 2))],
        main_cap: cap(1),
        lookup_cap: cap(2),
        totals: list(5, 2),
        quotient_cap: cap(3),
        openings: vec![openings(100), openings(200)],
        fold_caps: vec![cap(4), cap(5)],
        final_polynomial: list(300, 64),
        nonce: 12,
    }
}

/// All challenges in order, as bytes.
fn challenges(messages: &Messages) -> Vec<Vec<u8>> {
    let bytes = |challenge: Felt| encoding::to_bytes(&challenge).to_vec();
    let tables: Vec<_> = messages.tables.iter().map(TableInputs::table).collect();
    let mut transcript = Transcript::new(&messages.parameters, &messages.context, &tables, &messages.public[..].into());
    transcript.main_commitment(&messages.main_cap);
    let bus = transcript.bus_challenges();
    let mut challenges = vec![bytes(bus.z), bytes(bus.alpha)];
    transcript.lookup_commitment(&messages.lookup_cap, &messages.totals);
    challenges.push(bytes(transcript.constraint_challenge()));
    transcript.quotient_commitment(&messages.quotient_cap);
    challenges.push(bytes(transcript.out_of_domain_point()));
    transcript.openings(&messages.openings);
    challenges.push(bytes(transcript.deep_challenge()));
    challenges.extend(messages.fold_caps.iter().map(|cap| bytes(transcript.fri_layer(cap))));
    transcript.final_polynomial(&messages.final_polynomial);
    challenges.push(transcript.grinding_seed().to_vec());
    transcript.grinding(messages.nonce, 0);
    challenges.push(transcript.query_indices(8, 40).iter().flat_map(|index| index.to_le_bytes()).collect());
    challenges
}

// Positions in the list of challenges.
const Z: usize = 0;
const LAMBDA: usize = 2;
const ZETA: usize = 3;
const GAMMA: usize = 4;
const BETAS: [usize; 2] = [5, 6];
const SEED: usize = 7;
const INDICES: usize = 8;

#[test]
fn every_message_changes_all_later_challenges() {
    type Change = fn(&mut Messages);
    let cases: &[(usize, &str, Change)] = &[
        (Z, "log_blowup", |m| m.parameters.log_blowup += 1),
        (Z, "queries", |m| m.parameters.queries += 1),
        (Z, "grinding_bits", |m| m.parameters.grinding_bits += 1),
        (Z, "log_fold", |m| m.parameters.log_fold -= 1),
        (Z, "context", |m| m.context[6] ^= 1),
        (Z, "context's length", |m| m.context.push(0)),
        (Z, "no context", |m| m.context.clear()),
        (Z, "name", |m| m.tables[1].name = "tecond".to_owned()),
        (Z, "width", |m| m.tables[0].width += 1),
        (Z, "constraints", |m| m.tables[1].constraints += 1),
        (Z, "interactions", |m| m.tables[1].interactions += 1),
        (Z, "height", |m| m.tables[1].log_height += 1),
        (Z, "order of tables", |m| m.tables.swap(0, 1)),
        (Z, "number of tables", |m| m.tables.push(m.tables[1].clone())),
        (Z, "bus", |m| m.public[0].bus = Bus { id: 257, ..SQUARES }),
        (Z, "multiplicity", |m| m.public[1].multiplicity += felt(1)),
        (Z, "first entry", |m| m.public[0].tuple[0] += felt(1)),
        (Z, "last entry", |m| m.public[1].tuple[1] += felt(1)),
        (Z, "arity", |m| m.public[1].tuple.push(Felt::zero())),
        (Z, "entries moved between tuples", |m| {
            let entry = m.public[0].tuple.remove(1);
            m.public[1].tuple.insert(0, entry);
        }),
        (Z, "order of tuples", |m| m.public.swap(0, 1)),
        (Z, "number of tuples", |m| m.public.truncate(1)),
        (Z, "main cap", |m| m.main_cap[63][31] ^= 1),
        (Z, "first of the main cap", |m| m.main_cap[0][0] ^= 128),
        (LAMBDA, "lookup cap", |m| m.lookup_cap[0][0] ^= 1),
        (LAMBDA, "first total", |m| m.totals[0] += felt(1)),
        (LAMBDA, "last total", |m| m.totals[1] += felt(1)),
        (ZETA, "quotient cap", |m| m.quotient_cap[63][31] ^= 1),
        (GAMMA, "main", |m| m.openings[0].main[0] += felt(1)),
        (GAMMA, "main on the next row", |m| m.openings[1].main_next[0] += felt(1)),
        (GAMMA, "aux", |m| m.openings[0].aux[1] += felt(1)),
        (GAMMA, "aux on the next row", |m| m.openings[1].aux_next[0] += felt(1)),
        (GAMMA, "quotient", |m| m.openings[1].quotient[1] += felt(1)),
        (GAMMA, "values moved between parts", |m| {
            let value = m.openings[0].main.remove(2);
            m.openings[0].main_next.insert(0, value);
        }),
        (BETAS[0], "first layer", |m| m.fold_caps[0][1][1] ^= 1),
        (BETAS[1], "second layer", |m| m.fold_caps[1][1][1] ^= 1),
        (SEED, "constant coefficient", |m| m.final_polynomial[0] += felt(1)),
        (SEED, "last coefficient", |m| m.final_polynomial[63] += felt(1)),
        (INDICES, "nonce", |m| m.nonce ^= 1 << 63),
    ];
    let original = challenges(&messages());
    assert_eq!(original.len(), INDICES + 1);
    for (first, name, change) in cases {
        let mut messages = messages();
        change(&mut messages);
        let changed = challenges(&messages);
        for (position, (a, b)) in original.iter().zip(&changed).enumerate() {
            assert_eq!(a != b, position >= *first, "{name}: challenge {position}");
        }
    }
}

#[test]
fn no_challenge_is_given_twice() {
    let transcript = Transcript::new::<Table>(&parameters(), b"", &[], &PublicTerms::new());
    let mut asked = transcript.clone();
    let mut seen = HashSet::new();
    for _ in 0..50 {
        assert!(seen.insert(encoding::to_bytes(&asked.constraint_challenge())));
        assert!(seen.insert(encoding::to_bytes(&asked.deep_challenge())));
    }
    // Another label gives another challenge from the same state.
    let [mut a, mut b] = [transcript.clone(), transcript.clone()];
    assert_ne!(a.constraint_challenge(), b.deep_challenge());
    // A second set of indices differs from the first, and the first from a shorter one only in length.
    let [mut a, mut b] = [transcript.clone(), transcript.clone()];
    let (first, second) = (a.query_indices(100, 40), a.query_indices(100, 40));
    assert_eq!(b.query_indices(30, 40), first[..30]);
    let all: HashSet<_> = first.iter().chain(&second).collect();
    assert_eq!(all.len(), 200);
}

#[test]
fn indices_fill_their_range() {
    for log_size in [1, 7, 33, 34] {
        let indices =
            Transcript::new::<Table>(&parameters(), b"", &[], &PublicTerms::new()).query_indices(512, log_size);
        let (smallest, largest) = (*indices.iter().min().unwrap(), *indices.iter().max().unwrap());
        assert!(largest < 1 << log_size);
        // The chance that 512 uniform indices all stay in one half is 2^-511.
        assert!(smallest < 1 << (log_size - 1) && largest >= 1 << (log_size - 1));
        assert!((0..log_size).all(|bit| indices.iter().any(|index| index >> bit & 1 == 1)));
    }
}

#[test]
fn grinding_counts_leading_zeros() {
    let transcript = Transcript::new::<Table>(&parameters(), b"", &[], &PublicTerms::new());
    let solved = |nonce, bits| transcript.clone().grinding(nonce, bits);
    let nonce = (0..).find(|&nonce| solved(nonce, 12)).unwrap();
    assert!((0..=12).all(|bits| solved(nonce, bits)));
    // Beyond its zeros a nonce fails, and no nonce is good for 257.
    let limit = (13..=257).find(|&bits| !solved(nonce, bits)).unwrap();
    assert!((limit..=257).all(|bits| !solved(nonce, bits)));
    assert!((0..64).any(|nonce| !solved(nonce, 1)));
    // The nonce is absorbed whether it solves the puzzle or not.
    let after = |nonce, bits| {
        let mut transcript = transcript.clone();
        transcript.grinding(nonce, bits);
        transcript.grinding_seed()
    };
    assert_eq!(after(nonce, 0), after(nonce, 257));
    assert_ne!(after(nonce, 0), after(nonce + 1, 0));
}

/// Numbers below `end`, from hashes.
fn random(seed: u64) -> impl FnMut(u64) -> u64 {
    let mut number = 0_u64;
    move |end| {
        number += 1;
        let digest = *blake3::hash(&[seed.to_le_bytes(), number.to_le_bytes()].concat()).as_bytes();
        digest[..8].iter().fold(0_u64, |word, byte| word << 8 | u64::from(*byte)) % end
    }
}

/// The state after the first step, as docs/PROTOCOL.md has it: all bytes at once.
fn first_state(context: &[u8], public: &[PublicTuple]) -> Digest {
    let absorb = |state: Digest, label: &str, data: &[u8]| {
        let lengths = [label.len(), data.len()].map(|len| (len as u64).to_le_bytes());
        let message = [&[0], &lengths[0][..], label.as_bytes(), &lengths[1], data].concat();
        *blake3::keyed_hash(&state, &message).as_bytes()
    };
    let mut bytes = Vec::new();
    for PublicTuple { bus, multiplicity, tuple } in public {
        bytes.extend(bus.id.to_le_bytes());
        bytes.extend((tuple.len() as u64).to_le_bytes());
        bytes.extend(tuple.iter().flat_map(encoding::to_bytes));
        bytes.extend(encoding::to_bytes(multiplicity));
    }
    let state = *blake3::hash(b"cairn stark v1").as_bytes();
    let state = absorb(state, "parameters", &parameters().encode());
    let state = absorb(state, "context", context);
    absorb(absorb(state, "tables", &[]), "public tuples", &bytes)
}

#[test]
fn public_terms_are_absorbed_tuple_by_tuple() {
    for case in 0..30 {
        let mut random = random(case);
        let mut public = Vec::new();
        for _ in 0..random(20) {
            let bus = Bus { id: random(3) as u32 + 1, name: "bus", arity: random(5) as usize };
            let multiplicity = [felt(1), -felt(1), felt(random(1 << 40))][random(3) as usize];
            // Now and then enough to go beyond a piece, or to end about where one does.
            let count = [1, 2, 600 + random(8), 1 + random(2000)][random(4) as usize];
            for _ in 0..count {
                let tuple = (0..bus.arity).map(|_| felt(random(u64::MAX)) * felt(random(1 << 60))).collect();
                public.push(PublicTuple { bus, multiplicity, tuple });
            }
        }
        let terms = PublicTerms::from(&public[..]);
        assert_eq!((terms.len(), terms.is_empty()), (public.len(), public.is_empty()));
        assert_eq!(terms.to_tuples(), public);
        let context = vec![7; random(100) as usize];
        let transcript = Transcript::new::<Table>(&parameters(), &context, &[], &terms);
        assert_eq!(transcript.grinding_seed(), first_state(&context, &public), "{case}");
    }
}

/// Digests of parts are those of the whole, wherever they are cut.
#[test]
fn parts_are_hashed_as_a_whole() {
    let bytes: Vec<u8> = (0..300_000_u32).map(|i| (i.wrapping_mul(i) >> 7) as u8).collect();
    for (case, len) in [0, 1, 65_535, 65_536, 65_537, 131_072, 131_073, 196_608, 299_999].into_iter().enumerate() {
        let mut random = random(case as u64);
        let head = random(3000) as usize;
        let mut hasher = blake3::Hasher::new();
        hasher.update(&bytes[..head.min(len)]);
        let mut parts = Parts::new(hasher);
        let mut rest = &bytes[head.min(len)..len];
        while !rest.is_empty() {
            let longest = [40, 40, 5000, 200_000][random(4) as usize];
            let (part, others) = rest.split_at(random(longest).min(rest.len() as u64) as usize);
            parts.push(part);
            rest = others;
        }
        assert_eq!(parts.finish().finalize(), blake3::hash(&bytes[..len]), "{len}");
    }
}

/// Any change of the transcript is a change of the protocol: its version must change with it.
#[test]
fn the_transcript_is_pinned() {
    let hex = |bytes: &Vec<u8>| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let challenges = challenges(&messages());
    let found = [Z, INDICES].map(|position| hex(&challenges[position][..32].to_vec()));
    assert_eq!(found, PINNED);
}

const PINNED: [&str; 2] = [
    "8662813d074086cc9203380bbb8ba624ba8ee6a4352728865e7ca06559b00307",
    "5ec8899e0c0000003bc0231d3200000011def6487700000072c1a8814b000000",
];
