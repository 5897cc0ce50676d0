//! Proofs of several runs, made once by version 7 of the protocol, and one of one run: every later build of version 7 must accept them, and
//! nothing like them. `fixtures/batches/list.json` says what each proves; the example `keep_proofs` makes them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use cairo_air::{
    ArgumentBinding, Builtin, CairoProof, Claim, ClaimError, Policy, Program, Statement, VerifiedRun, VerifyError,
    Version, verify,
};
use felt::{Felt, encoding};
use serde_json::Value;
use std::collections::BTreeSet;

struct Kept {
    name: String,
    statement: Statement,
    proof: Vec<u8>,
    runs: Vec<VerifiedRun>,
}

fn bytes(digits: &str) -> [u8; 32] {
    std::array::from_fn(|index| u8::from_str_radix(&digits[2 * index..2 * index + 2], 16).unwrap())
}

fn felt(text: &str) -> Felt {
    match text.strip_prefix('-') {
        Some(magnitude) => -&felt(magnitude),
        None => encoding::from_canonical_be(&bytes(&format!("{:0>64}", text.strip_prefix("0x").unwrap()))).unwrap(),
    }
}

fn felts(list: &Value) -> Vec<Felt> {
    list.as_array().unwrap().iter().map(|entry| felt(entry.as_str().unwrap())).collect()
}

fn json(path: &str) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn program(entry: &Value) -> Program {
    let file = json(&format!("{}/../../{}", env!("CARGO_MANIFEST_DIR"), entry["program"].as_str().unwrap()));
    let (words, builtins, binding) = match entry["pointers"].as_u64() {
        None => (&file["data"], &file["builtins"], ArgumentBinding::OutputPrefix),
        Some(cell) => {
            let binding = ArgumentBinding::Pointers { cell: u32::try_from(cell).unwrap() };
            (&file["program"]["bytecode"], &file["entrypoints"][0]["builtins"], binding)
        }
    };
    let builtin = |name: &Value| Builtin::from_name(name.as_str().unwrap()).unwrap();
    Program::new(felts(words), builtins.as_array().unwrap().iter().map(builtin).collect(), binding).unwrap()
}

fn kept() -> Vec<Kept> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/batches");
    let one = |entry: &Value| {
        let name = entry["proof"].as_str().unwrap().to_owned();
        let runs = entry["runs"].as_array().unwrap();
        let shown =
            |run: &Value| VerifiedRun { output: felts(&run["output"]), n_steps: run["steps"].as_u64().unwrap() };
        Kept {
            proof: std::fs::read(format!("{folder}/{name}")).unwrap(),
            name,
            statement: Statement {
                program: program(entry),
                runs: runs.iter().map(|run| felts(&run["arguments"])).collect(),
                prover: bytes(entry["prover"].as_str().unwrap()),
            },
            runs: runs.iter().map(shown).collect(),
        }
    };
    json(&format!("{folder}/list.json")).as_array().unwrap().iter().map(one).collect()
}

fn refusal(statement: &Statement, proof: &[u8]) -> VerifyError {
    verify(statement, proof, &Policy::default()).unwrap_err()
}

#[test]
fn they_hold() {
    let mut numbers = BTreeSet::new();
    for Kept { name, statement, proof, runs } in kept() {
        let verified = verify(&statement, &proof, &Policy::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(verified.conjectured_bits >= 101.0 && verified.proven_bits >= 59.0, "{name}");
        assert_eq!(verified.runs, runs, "{name}");
        let file = CairoProof::decode(&proof).unwrap();
        assert_eq!((file.version, file.encode()), (Version::Batch, proof), "{name}");
        numbers.insert(runs.len());
    }
    assert!(numbers.len() > 3 && numbers.contains(&1), "{numbers:?}");
}

#[test]
fn no_part_of_them_holds() {
    for Kept { name, statement, proof, .. } in kept() {
        let step = proof.len() / 60;
        for length in (0..proof.len()).step_by(step).chain(proof.len() - 40..proof.len()) {
            assert!(verify(&statement, &proof[..length], &Policy::default()).is_err(), "{length} bytes of {name}");
        }
        let longer = [&proof[..], &[0]].concat();
        assert!(matches!(refusal(&statement, &longer), VerifyError::Decode(_)), "{name}");
    }
}

/// Every byte of the claim and some of the rest.
#[test]
fn no_change_of_them_holds() {
    for Kept { name, statement, mut proof, .. } in kept() {
        let step = (proof.len() / 100).max(1);
        for (number, at) in (0..600).chain((600..proof.len()).step_by(step)).enumerate() {
            let change = [1, 0x80, 0xff, 1 << (number % 8)][number % 4];
            proof[at] ^= change;
            assert!(verify(&statement, &proof, &Policy::default()).is_err(), "byte {at} of {name}");
            proof[at] ^= change;
        }
    }
}

/// Other lists of runs than the statement's: one more, one less, in another order, cut elsewhere.
fn other_runs(statement: &Statement) -> Vec<(String, Statement)> {
    let honest = &statement.runs;
    let mut listed = vec![
        ("a run more".to_owned(), [&honest[..], &honest[..1]].concat()),
        ("all runs twice".to_owned(), [&honest[..], &honest[..]].concat()),
    ];
    let mut changed = |what: String, change: &dyn Fn(&mut Vec<Vec<Felt>>)| {
        let mut runs = honest.clone();
        change(&mut runs);
        listed.push((what, runs));
    };
    for (place, arguments) in honest.iter().enumerate() {
        changed(format!("an argument more of run {place}"), &|runs| runs[place].push(Felt::one()));
        if !arguments.is_empty() {
            changed(format!("another argument of run {place}"), &|runs| runs[place][0] += Felt::one());
            changed(format!("an argument less of run {place}"), &|runs| {
                runs[place].pop();
            });
        }
        if honest.len() > 1 {
            changed(format!("run {place} left out"), &|runs| {
                runs.remove(place);
            });
        }
        if place > 0 {
            changed(format!("run {place} before the one before"), &|runs| runs.swap(place - 1, place));
            changed(format!("an argument of run {place} given to the one before"), &|runs| {
                let first = runs[place].len().min(1);
                let moved: Vec<Felt> = runs[place].drain(..first).collect();
                runs[place - 1].extend(moved);
            });
        }
    }
    let with = |runs| Statement { runs, ..statement.clone() };
    listed.into_iter().filter(|(_, runs)| runs != honest).map(|(what, runs)| (what, with(runs))).collect()
}

#[test]
fn they_show_nothing_of_other_runs() {
    for Kept { name, statement, proof, .. } in kept() {
        let mut other = statement.clone();
        other.prover[31] ^= 1;
        assert!(matches!(refusal(&other, &proof), VerifyError::OtherProver { .. }), "{name}");
        let honest = CairoProof::decode(&proof).unwrap();
        for (what, other) in other_runs(&statement) {
            assert!(matches!(refusal(&other, &proof), VerifyError::OtherArguments { .. }), "{name}: {what}");
            // Even a file that says that it is of these arguments.
            let renamed = CairoProof { arguments_hash: other.arguments_hash(), ..honest.clone() };
            let error = refusal(&other, &renamed.encode());
            assert!(matches!(error, VerifyError::Claim(_) | VerifyError::Stark(_)), "{name}: {what}: {error}");
        }
    }
}

#[test]
fn no_other_claim_holds() {
    for Kept { name, statement, proof, .. } in kept() {
        let honest = CairoProof::decode(&proof).unwrap();
        let forged = |what: &str, change: &dyn Fn(&mut Claim)| {
            let mut file = honest.clone();
            change(&mut file.claim);
            assert!(verify(&statement, &file.encode(), &Policy::default()).is_err(), "{name}: {what}");
        };
        forged("owned cells", &|claim| claim.owned_end += 1);
        for run in 0..honest.claim.runs.len() {
            forged("offset", &|claim| claim.runs[run].offset += 1);
            forged("steps", &|claim| claim.runs[run].n_steps += 1);
            forged("final ap", &|claim| claim.runs[run].final_ap += 1);
            for segment in 0..honest.claim.runs[run].segments.len() {
                forged("base", &|claim| claim.runs[run].segments[segment].base += 1);
                forged("stop", &|claim| claim.runs[run].segments[segment].stop += 1);
            }
            for cell in 0..honest.claim.runs[run].output.len() {
                forged("output", &|claim| claim.runs[run].output[cell] += Felt::one());
            }
            if let Some(start) = honest.claim.runs[run].arguments_start {
                forged("start of the arguments", &|claim| claim.runs[run].arguments_start = Some(start + 1));
            }
        }
        for fetch in 0..honest.claim.fetches.len() {
            forged("fetch", &|claim| claim.fetches[fetch].count += 1);
        }
    }
}

/// A step, and an instance of a builtin, that one run gives to the next.
#[test]
fn runs_take_nothing_from_each_other() {
    let mut moved = BTreeSet::new();
    for Kept { name, statement, proof, .. } in kept() {
        let honest = CairoProof::decode(&proof).unwrap();
        let forged = |change: &dyn Fn(&mut Claim)| {
            let mut file = honest.clone();
            change(&mut file.claim);
            let error = refusal(&statement, &file.encode());
            assert!(matches!(error, VerifyError::Stark(_)), "{name}: {error}");
        };
        for run in 1..honest.claim.runs.len() {
            forged(&|claim| {
                claim.runs[run - 1].n_steps -= 1;
                claim.runs[run].n_steps += 1;
            });
            for (index, builtin) in statement.program.builtins().iter().enumerate() {
                let part = honest.claim.runs[run - 1].segments[index];
                let cells = builtin.cells_per_instance();
                if *builtin != Builtin::Output && part.base + cells <= part.stop {
                    moved.insert(builtin.to_string());
                    forged(&|claim| {
                        claim.runs[run - 1].segments[index].stop -= cells;
                        claim.runs[run].segments[index].base -= cells;
                    });
                }
            }
        }
    }
    assert!(["add_mod", "mul_mod", "range_check"].iter().all(|name| moved.contains(*name)), "{moved:?}");
}

/// Each rule about runs beside each other is checked by name.
#[test]
fn claims_that_no_runs_fit() {
    for Kept { name, statement, proof, .. } in kept() {
        let honest = CairoProof::decode(&proof).unwrap();
        let runs = honest.claim.runs.len();
        let of_claim = |change: &dyn Fn(&mut Claim)| {
            let mut file = honest.clone();
            change(&mut file.claim);
            match refusal(&statement, &file.encode()) {
                VerifyError::Claim(error) => error,
                other => panic!("{name}: {other}"),
            }
        };
        let of_run = |place: usize, change: &dyn Fn(&mut Claim)| match of_claim(change) {
            ClaimError::Run { run, error } if runs > 1 && run == place => *error,
            error if runs == 1 => error,
            error => panic!("{name}: {error}"),
        };
        let error = of_claim(&|claim| {
            claim.runs.pop();
        });
        assert_eq!(error, ClaimError::Runs { found: runs - 1, expected: runs }, "{name}");
        let error = of_claim(&|claim| claim.runs.push(claim.runs[runs - 1].clone()));
        assert_eq!(error, ClaimError::Runs { found: runs + 1, expected: runs }, "{name}");
        let error = of_run(0, &|claim| {
            claim.runs[0].offset += 1;
            claim.runs[0].final_ap += 1;
        });
        assert!(matches!(error, ClaimError::Offset { found: 1, .. }), "{name}: {error}");
        for place in 1..runs {
            let (before, run) = (&honest.claim.runs[place - 1], &honest.claim.runs[place]);
            let least = before.final_ap - statement.program.execution_base();
            let error = of_run(place, &|claim| {
                claim.runs[place].offset = least - 1;
                claim.runs[place].final_ap -= run.offset - (least - 1);
            });
            let expected = format!("at least {least}");
            assert_eq!(error, ClaimError::Offset { found: least - 1, expected }, "{name}");
            for (index, &builtin) in statement.program.builtins().iter().enumerate() {
                let (base, cells) = (run.segments[index].base, builtin.cells_per_instance());
                let error = of_run(place, &|claim| {
                    let segment = &mut claim.runs[place].segments[index];
                    segment.base -= cells;
                    // The output has a value for each cell.
                    segment.stop -= if builtin == Builtin::Output { cells } else { 0 };
                });
                let expected = ClaimError::Part { builtin, found: base - cells, expected: base };
                assert_eq!(error, expected, "{name}");
            }
        }
    }
}
