//! Proofs with every kind of table, committed and disclosed, made once by version 6 of the protocol with few queries: every later build of
//! version 6 must accept them, and nothing like them. `fixtures/kinds/list.json` says what each proves; `cairo-prover`'s test of the same
//! name makes them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use cairo_air::components::Path;
use cairo_air::{ArgumentBinding, Builtin, CairoProof, Policy, Program, Statement, TableKind, VerifyError, verify};
use felt::{Felt, encoding};
use serde_json::Value;
use std::collections::BTreeSet;

struct Kept {
    name: String,
    statement: Statement,
    proof: Vec<u8>,
    steps: u64,
    output: Vec<Felt>,
    kinds: [Vec<String>; 2],
}

/// Five queries are worth no bits that anybody should ask for.
fn policy() -> Policy {
    Policy { min_conjectured_bits: 0.0, ..Policy::default() }
}

fn felt(text: &str) -> Felt {
    let digits = format!("{:0>64}", text.strip_prefix("0x").unwrap());
    let byte = |index: usize| u8::from_str_radix(&digits[2 * index..2 * index + 2], 16).unwrap();
    encoding::from_canonical_be(&std::array::from_fn(byte)).unwrap()
}

fn strings(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|entry| entry.as_str().unwrap()).collect()
}

fn json(path: &str) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn kept() -> Vec<Kept> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/kinds");
    let felts = |value: &Value| strings(value).into_iter().map(felt).collect::<Vec<_>>();
    let one = |entry: &Value| {
        let program = json(&format!("{}/../../{}", env!("CARGO_MANIFEST_DIR"), entry["program"].as_str().unwrap()));
        let builtins =
            strings(&program["builtins"]).into_iter().map(|name| Builtin::from_name(name).unwrap()).collect();
        let program = Program::new(felts(&program["data"]), builtins, ArgumentBinding::OutputPrefix).unwrap();
        let name = entry["proof"].as_str().unwrap().to_owned();
        Kept {
            proof: std::fs::read(format!("{folder}/{name}")).unwrap(),
            name,
            statement: Statement::single(program, felts(&entry["arguments"]), [0x5a; 32]),
            steps: entry["steps"].as_u64().unwrap(),
            output: felts(&entry["output"]),
            kinds: ["committed", "disclosed"]
                .map(|list| strings(&entry[list]).into_iter().map(str::to_owned).collect()),
        }
    };
    json(&format!("{folder}/list.json")).as_array().unwrap().iter().map(one).collect()
}

/// The name of a kind without its parameters.
fn family(kind: &TableKind) -> String {
    match kind {
        TableKind::Word(word) => format!("word {:?}", word.taken),
        TableKind::Path(path) if is_open(path) => "path with an open jump".to_owned(),
        TableKind::Path(_) => "path".to_owned(),
        TableKind::OwningWord(_) => "owning word".to_owned(),
        TableKind::Range(_) => "range".to_owned(),
        TableKind::BitwiseRow(row) if row.owned().is_some() => "bitwise row that owns its cells".to_owned(),
        TableKind::BitwiseRow(_) => "bitwise row".to_owned(),
        TableKind::RangeRow(_) => "range row".to_owned(),
        plain => plain.to_string(),
    }
}

/// Whether the conditional jumps of a path are more than the outcomes that it fixes, which only its last step's can be. All paths that are kept
/// end in one.
fn is_open(path: &Path) -> bool {
    path.taken.is_empty() && !path.owned.is_empty()
}

#[test]
fn they_hold() {
    for Kept { name, statement, proof, steps, output, kinds } in kept() {
        let verified = verify(&statement, &proof, &policy()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((verified.runs[0].n_steps, verified.runs[0].output.clone()), (steps, output), "{name}");
        let file = CairoProof::decode(&proof).unwrap();
        let mut names = [Vec::new(), Vec::new()];
        names[0].extend(file.layout.tables.iter().map(|entry| entry.kind.to_string()));
        names[1].extend(file.layout.disclosed.iter().map(|table| table.kind.to_string()));
        names.iter_mut().for_each(Vec::dedup);
        assert_eq!(names, kinds, "{name}");
    }
}

/// Every kind is committed in some proof, and every one that may be is disclosed in some.
#[test]
fn every_kind_is_there() {
    let (mut committed, mut disclosed) = (BTreeSet::new(), BTreeSet::new());
    for Kept { proof, .. } in kept() {
        let layout = CairoProof::decode(&proof).unwrap().layout;
        committed.extend(layout.tables.iter().map(|entry| family(&entry.kind)));
        disclosed.extend(layout.disclosed.iter().map(|table| family(&table.kind)));
    }
    let both = [
        "byte",
        "cell",
        "generic",
        "instruction",
        "keccak_bytes",
        "nibble_and",
        "path with an open jump",
        "pedersen_points",
        "range",
        "word None",
        "owning word",
        "opcode_extension",
        "qm31",
        "blake",
        "blake_word",
        "blake_schedule",
        "add_mod",
        "mul_mod",
        "word96_8",
        "word96_12",
        "word96_16",
        "bitwise row",
        "bitwise row that owns its cells",
        "range row",
    ];
    let local: BTreeSet<String> = both.map(str::to_owned).into();
    let tied = ["memory", "word16", "word12", "range_check8", "range_check12", "range_check16"];
    let bitwise = ["bitwise", "bitwise16", "bitwise32", "bitwise64", "bitwise128"];
    let checked = ["range_check96_8", "range_check96_12", "range_check96_16"];
    let curve = [
        "pedersen",
        "ecdsa",
        "ecdsa_product",
        "ec_op",
        "ec_op_product",
        "keccak",
        "keccak_rounds",
        "keccak_chunks",
        "poseidon",
        "blake_mix",
        "byte_and",
    ];
    let all: BTreeSet<String> =
        tied.into_iter().chain(bitwise).chain(checked).chain(curve).map(str::to_owned).chain(local.clone()).collect();
    let missing: Vec<_> = all.difference(&committed).chain(local.difference(&disclosed)).collect();
    assert!(missing.is_empty(), "{missing:?} of {committed:?} and {disclosed:?}");
    assert!(disclosed.contains("word Some(true)") && disclosed.contains("word Some(false)"), "{disclosed:?}");
}

#[test]
fn no_part_of_them_holds() {
    for Kept { name, statement, proof, .. } in kept() {
        let step = proof.len() / 60;
        for length in (0..proof.len()).step_by(step).chain(proof.len() - 40..proof.len()) {
            assert!(verify(&statement, &proof[..length], &policy()).is_err(), "{length} bytes of {name}");
        }
        let longer = [&proof[..], &[0]].concat();
        assert!(matches!(verify(&statement, &longer, &policy()), Err(VerifyError::Decode(_))), "{name}");
    }
}

#[test]
fn no_change_of_them_holds() {
    for Kept { name, statement, mut proof, .. } in kept() {
        let step = (proof.len() / 100).max(1);
        for (number, at) in (0..200).chain((200..proof.len()).step_by(step)).enumerate() {
            let change = [1, 0x80, 0xff, 1 << (number % 8)][number % 4];
            proof[at] ^= change;
            assert!(verify(&statement, &proof, &policy()).is_err(), "byte {at} of {name}");
            proof[at] ^= change;
        }
    }
}

/// Another statement, and every value of the claim and of the rows that are disclosed.
#[test]
fn they_show_nothing_else() {
    for Kept { name, statement, proof, .. } in kept() {
        let refused = |change: &dyn Fn(&mut Statement)| {
            let mut other = statement.clone();
            change(&mut other);
            verify(&other, &proof, &policy()).unwrap_err()
        };
        let error = refused(&|statement| statement.prover[31] ^= 1);
        assert!(matches!(error, VerifyError::OtherProver { .. }), "{name}: {error}");
        let error = refused(&|statement| statement.runs[0].push(Felt::zero()));
        assert!(matches!(error, VerifyError::OtherArguments { .. }), "{name}: {error}");
        let honest = CairoProof::decode(&proof).unwrap();
        let forged = |what: String, change: &dyn Fn(&mut CairoProof)| {
            let mut file = honest.clone();
            change(&mut file);
            assert!(verify(&statement, &file.encode(), &policy()).is_err(), "{name}: {what}");
        };
        for cell in 0..honest.claim.runs[0].output.len() {
            forged(format!("output {cell}"), &|file| file.claim.runs[0].output[cell] += Felt::one());
        }
        for fetch in 0..honest.claim.fetches.len() {
            forged(format!("fetch {fetch}"), &|file| file.claim.fetches[fetch].count += 1);
        }
        forged("steps".to_owned(), &|file| file.claim.runs[0].n_steps += 1);
        forged("final ap".to_owned(), &|file| file.claim.runs[0].final_ap += 1);
        forged("owned cells".to_owned(), &|file| file.claim.owned_end += 1);
        for (place, table) in honest.layout.disclosed.iter().enumerate() {
            for cell in (0..table.cells.len()).step_by(table.cells.len() / 40 + 1) {
                let what = format!("cell {cell} of {}", table.kind);
                forged(what, &|file| file.layout.disclosed[place].cells[cell] += Felt::one());
            }
        }
    }
}
