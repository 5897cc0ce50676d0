//! Several runs in one proof: what it shows is what proofs of each run show.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use cairo_air::{MAX_RUNS, Statement, TableKind, Verified, VerifiedRun, verify};
use cairo_execution::{Batch, BatchError, Execution, Pointer, Segment};
use cairo_prover::planner::{Costs, DEFAULT_COLUMNS, Price, plan};
use cairo_prover::prove::{all_generic, least_memory, prove_first, witness};
use cairo_prover::{Options, ProveError, prove};
use common::{disclosed_and_proven, execution, random::Random};
use felt::{Felt, encoding};
use stark::NoControl;
use stark_curve::ecdsa::{EXAMPLE, Signature, Signed};
use testkit::proofs::{CHEAP, policy};

const PROVER: [u8; 32] = [9; 32];

fn options() -> Options {
    Options { parameters: CHEAP, ..Options::default() }
}

fn expected(runs: &[Execution]) -> Vec<VerifiedRun> {
    let run = |run: &Execution| VerifiedRun { output: run.output().to_vec(), n_steps: run.n_steps() as u64 };
    runs.iter().map(run).collect()
}

fn proven(runs: &[Execution]) -> Verified {
    let batch = Batch::new(runs).unwrap();
    assert_eq!(batch.check(), Ok(()));
    let arguments = runs.iter().map(|run| run.arguments.clone()).collect();
    let statement = Statement { program: runs[0].program.clone(), runs: arguments, prover: PROVER };
    let proof = prove(batch, PROVER, &options(), &NoControl).unwrap();
    verify(&statement, &proof.encode(), &policy()).unwrap()
}

fn sum_to(n: u32) -> Execution {
    execution("cairo0/sum_to_n", Some(&format!(r#"{{"n": {n}}}"#)))
}

/// Each kind of builtin and both languages: twice the same, and with others.
#[test]
fn programs_of_all_kinds() {
    let programs = [
        "cairo0/all_builtins",
        "cairo0/all_builtins_unused",
        "cairo0/add_mod_batch",
        "cairo0/computed_jump",
        "cairo0/code_in_data",
        "cairo0/alloc_segments",
        "cairo0/bitwise_edges",
        "cairo0/dict",
    ];
    for name in programs {
        let run = execution(name, None);
        let runs = vec![run; 3];
        assert_eq!(proven(&runs).runs, expected(&runs), "{name}");
    }
}

#[test]
fn unequal_runs() {
    let runs: Vec<Execution> = [1, 300, 2, 3, 70].map(sum_to).into();
    assert_eq!(proven(&runs).runs, expected(&runs));
    let arguments = [[5, 6, 12], [7, 90, 3], [1 << 40, 2, 9]];
    let run = |[a, b, c]: [u64; 3]| execution("cairo0/args3", Some(&format!(r#"{{"a": {a}, "b": {b}, "c": {c}}}"#)));
    let runs: Vec<Execution> = arguments.map(run).into();
    assert_eq!(proven(&runs).runs, expected(&runs));
}

/// Arguments of `ecdsa_args`: `n` times a signature of the message 0 by the private key 1 with the nonce 1, or one of 12345 made elsewhere.
fn signed(is_zero: bool, n: u32) -> String {
    let x = stark_curve::GENERATOR.x;
    let of_zero = [x, Felt::zero(), x, x];
    let Signed { key, message, signature: Signature { r, s } } = EXAMPLE;
    let [key, message, r, s] =
        if is_zero { of_zero } else { [key, message, r, s] }.map(|value| encoding::to_hex(&value));
    format!(r#"{{"key": "{key}", "message": "{message}", "r": "{r}", "s": "{s}", "n": {n}}}"#)
}

/// Runs that have more or fewer instances of a builtin than those beside them, or none, and other values in them.
#[test]
fn unequal_instances() {
    let times = |n: [u32; 3]| n.map(|n| format!(r#"{{"n": {n}}}"#));
    let circuit = |x: u32, n: u32| format!(r#"{{"x": {x}, "y": 5, "n": {n}}}"#);
    let list = |list: [&str; 3]| list.map(str::to_owned);
    let programs = [
        ("cairo0/add_mod_many", times([3, 0, 40])),
        ("cairo0/keccak_many", times([1, 0, 2])),
        ("cairo0/poseidon_many", times([0, 5, 3])),
        ("cairo0/range_check96_many", times([7, 2, 0])),
        ("cairo0/mod_circuit", [circuit(3, 2), circuit(9, 1), circuit(4, 5)]),
        ("cairo0/ecdsa_args", [signed(false, 2), signed(true, 1), signed(false, 0)]),
        ("cairo2/bitwise", list(["[5, 3]", "[0, 0]", "[1, 340282366920938463463374607431768211455]"])),
        ("cairo2/blake", list(["[1, 4294967295, 7]", "[2, 3, 4]", "[0, 0, 0]"])),
        ("cairo2/qm31", list(["[2147483646, 123456789]", "[1, 2]", "[77, 3]"])),
    ];
    for (name, arguments) in programs {
        let runs = arguments.map(|arguments| execution(name, Some(&arguments)));
        assert_eq!(proven(&runs).runs, expected(&runs), "{name}");
    }
}

/// Each run's signatures go with its own instances.
#[test]
fn exchanged_signatures() {
    let run = |is_zero, n| execution("cairo0/ecdsa_args", Some(&signed(is_zero, n)));
    let honest = [run(false, 1), run(true, 1), run(true, 2)];
    let refused = |runs: &[Execution]| {
        let batch = Batch::new(runs).unwrap();
        let checked = batch.check().unwrap_err();
        assert!(matches!(checked, BatchError::Execution { run: 0, .. }), "{checked}");
        prove(batch, PROVER, &options(), &NoControl).unwrap_err().to_string()
    };
    let mut runs = honest.to_vec();
    let [first, second, _] = runs.as_mut_slice() else { unreachable!() };
    std::mem::swap(&mut first.signatures, &mut second.signatures);
    let error = refused(&runs);
    assert!(error.contains("signature"), "{error}");
    // As many in all, but not by run: the form says so.
    let mut runs = honest.to_vec();
    let one = runs[0].signatures.pop().unwrap();
    runs[2].signatures.push(one);
    let error = Batch::new(&runs).unwrap_err();
    assert!(matches!(error, BatchError::Execution { run: 0, .. }), "{error}");
}

/// Whatever tables execute the steps, and whichever are disclosed.
#[test]
fn every_plan() {
    let runs: Vec<Execution> = [40, 41, 400].map(sum_to).into();
    let batch = Batch::new(&runs).unwrap();
    let mut random = Random(3);
    let price = Price { byte_ns: 0, parameters: CHEAP };
    let priced = plan(batch.joined(), &Costs::priced(batch.joined(), DEFAULT_COLUMNS, &price)).tables;
    let plain = plan(batch.joined(), &Costs::new(batch.joined(), DEFAULT_COLUMNS)).tables;
    assert!(plain.iter().any(|table| matches!(table.kind, TableKind::Path(_))));
    for steps in [all_generic(batch.joined()), plain, priced] {
        let executed: usize = steps
            .iter()
            .map(|table| match &table.kind {
                TableKind::Path(path) => table.starts.len() * path.steps as usize,
                _ => table.starts.len(),
            })
            .sum();
        assert_eq!(executed, batch.n_steps());
        for max_fetches in [0, 1 << 10] {
            let made = witness(batch.clone(), PROVER, steps.clone(), max_fetches, &NoControl).unwrap();
            let verified = disclosed_and_proven(made, &mut random, "sums");
            assert_eq!(verified.runs, expected(&runs));
        }
    }
}

/// As many as there may be, of a handful of steps each.
#[test]
fn the_most_runs() {
    let run = sum_to(1);
    let runs = vec![run; MAX_RUNS];
    assert_eq!(proven(&runs).runs, expected(&runs));
    let more = vec![runs[0].clone(); MAX_RUNS + 1];
    assert_eq!(Batch::new(&more).unwrap_err(), BatchError::TooManyRuns(MAX_RUNS + 1));
}

/// A batch that does not fit in memory is cut, and what is left comes with the next proof.
#[test]
fn batches_are_cut_to_what_fits() {
    let mut runs: Vec<Execution> = (200..232).map(|n| sum_to(n * 10)).collect();
    let all = expected(&runs);
    let arguments: Vec<_> = runs.iter().map(|run| run.arguments.clone()).collect();
    let limit = |max_memory| Options { max_memory: Some(max_memory), ..options() };
    let error = prove_first(&mut runs, PROVER, &limit(1 << 20), &NoControl).unwrap_err();
    let ProveError::Memory { estimate: of_one, .. } = error else { panic!("{error}") };
    assert_eq!(runs.len(), 32);
    let batch = Batch::new(&runs).unwrap();
    let price = Price { byte_ns: options().byte_price_ns, parameters: CHEAP };
    let steps = plan(batch.joined(), &Costs::priced(batch.joined(), DEFAULT_COLUMNS, &price)).tables;
    let of_all = least_memory(batch.joined(), &steps, &CHEAP).unwrap();
    assert!(of_all > of_one);
    // All together take more, even with the cheapest bytes, and half of them do not.
    let max_memory = of_one + (of_all - of_one) / 2;
    let (mut shown, mut proofs) = (Vec::new(), 0);
    while !runs.is_empty() {
        let proof = prove_first(&mut runs, PROVER, &limit(max_memory), &NoControl).unwrap();
        let of = shown.len()..shown.len() + proof.claim.runs.len();
        let program = sum_to(1).program;
        let statement = Statement { program, runs: arguments[of].to_vec(), prover: PROVER };
        shown.extend(verify(&statement, &proof.encode(), &policy()).unwrap().runs);
        proofs += 1;
    }
    assert_eq!(shown, all);
    assert!((2..32).contains(&proofs), "{proofs}");
}

/// What fails names the run that it fails for.
#[test]
fn a_run_that_is_none() {
    let mut runs: Vec<Execution> = [40, 41, 42].map(sum_to).into();
    let last = runs[1].memory.len() - 1;
    let (good, sum_to_40) = (runs[1].clone(), runs[0].clone());
    runs[1].memory[last] += felt::Felt::from(1_u64);
    let error = prove_first(&mut runs, PROVER, &options(), &NoControl).unwrap_err();
    assert!(error.to_string().starts_with("run 1 (the first is 0): "), "{error}");
    // That shows only when tables are filled, and then the executions are given up.
    assert!(runs.is_empty());
    runs = vec![sum_to_40.clone(), good, sum_to_40];
    runs[2].relocation = None;
    let error = prove_first(&mut runs, PROVER, &options(), &NoControl).unwrap_err();
    assert!(matches!(error, ProveError::Batch(BatchError::Relocation { run: 2, .. })), "{error}");
    assert_eq!(runs.len(), 3);
    runs.truncate(2);
    assert_eq!(prove_first(&mut runs, PROVER, &options(), &NoControl).unwrap().claim.runs.len(), 2);
    assert!(runs.is_empty());
}

/// One thing about where a run's segments lie or which cells are pointers, changed to something else.
fn lie(run: &mut Execution, random: &mut Random) {
    let cells = run.memory.len() as u32;
    let relocation = run.relocation.as_mut().unwrap();
    let number = |random: &mut Random, old: u32| match random.below(5) {
        0 => old.wrapping_add(1),
        1 => old.wrapping_sub(1),
        2 => random.below(cells as usize + 2) as u32,
        3 => u32::MAX - random.below(3) as u32,
        _ => random.below(4) as u32,
    };
    let pointer = random.below(relocation.pointers.len());
    let segment = random.below(relocation.segments.len());
    match random.below(9) {
        0 => drop(relocation.pointers.remove(pointer)),
        1 => relocation.pointers[pointer].cell = number(random, relocation.pointers[pointer].cell),
        2 => relocation.pointers[pointer].segment = number(random, relocation.pointers[pointer].segment),
        3 => {
            // One more, in its place.
            let cell = number(random, relocation.pointers[pointer].cell);
            let at = relocation.pointers.partition_point(|other| other.cell < cell);
            let more = Pointer { cell, segment: random.below(relocation.segments.len()) as u32 };
            relocation.pointers.insert(at, more);
        }
        4 => {
            let moved = number(random, relocation.segments[segment].stop);
            relocation.segments[segment].stop = moved;
            if let Some(next) = relocation.segments.get_mut(segment + 1) {
                next.base = moved;
            }
        }
        5 => relocation.segments[segment].base = number(random, relocation.segments[segment].base),
        6 => {
            // Empty ones are no lie.
            let stop = relocation.segments.last().unwrap().stop;
            relocation.segments.push(Segment { base: stop, stop });
        }
        7 => {
            // What belonged to others is one more segment.
            let (at, last) = (number(random, cells), relocation.segments.last_mut().unwrap());
            let stop = std::mem::replace(&mut last.stop, at);
            relocation.segments.push(Segment { base: at, stop });
        }
        _ => relocation.pointers.swap(0, pointer),
    }
}

/// Files of strangers may say anything about segments and pointers: what is no run any more is refused by name, and what still is one is proven.
#[test]
fn relocations_that_lie() {
    let args3 = |a: u64| execution("cairo0/args3", Some(&format!(r#"{{"a": {a}, "b": 6, "c": 12}}"#)));
    let cairo2 = |list: &str| execution("cairo2/sum_array", Some(list));
    let honest = [
        [5, 1, 9].map(sum_to).to_vec(),
        [7, 8, 9].map(args3).to_vec(),
        ["[[1, 2, 3]]", "[[]]", "[[4]]"].map(cairo2).to_vec(),
    ];
    let mut random = Random(11);
    let mut counts = [0; 4];
    for number in 0..400 {
        let mut runs = honest[number % honest.len()].clone();
        for _ in 0..=random.below(2) {
            lie(&mut runs[random.below(3)], &mut random);
        }
        let what = format!("{number}: {:?}", runs.iter().map(|run| run.relocation.as_ref()).collect::<Vec<_>>());
        let batch = match Batch::new(&runs) {
            Ok(batch) => batch,
            Err(error) => {
                assert!(matches!(error, BatchError::Relocation { .. }), "{error}");
                counts[0] += 1;
                continue;
            }
        };
        let checked = batch.check();
        let arguments = runs.iter().map(|run| run.arguments.clone()).collect();
        let statement = Statement { program: runs[0].program.clone(), runs: arguments, prover: PROVER };
        let shown = match prove(batch, PROVER, &options(), &NoControl) {
            Ok(proof) => verify(&statement, &proof.encode(), &policy()).map_err(|error| error.to_string()),
            Err(error) => {
                counts[1] += 1;
                Err(error.to_string())
            }
        };
        counts[2 + usize::from(shown.is_ok())] += 1;
        match (&checked, &shown) {
            (Ok(()), Ok(verified)) => assert_eq!(verified.runs, expected(&runs), "{what}"),
            (Err(_), Err(_)) => {}
            other => panic!("{what}: {other:?}"),
        }
    }
    // Every outcome is met often.
    assert!(counts.iter().all(|count| *count > 20), "{counts:?}");
}

/// Runs that are none, beside others: the check and the generic table are of one mind, and whatever is proven of a program that does not guess is what its
/// honest runs give.
#[test]
fn damaged_runs_beside_others() {
    let args3 = |a: u64| execution("cairo0/args3", Some(&format!(r#"{{"a": {a}, "b": 6, "c": 12}}"#)));
    let honest = [7, 8, 9].map(args3);
    let statement = Statement {
        program: honest[0].program.clone(),
        runs: honest.iter().map(|run| run.arguments.clone()).collect(),
        prover: PROVER,
    };
    let (mut random, mut counts) = (Random(12), [0; 3]);
    for number in 0..150 {
        let mut runs = honest.to_vec();
        common::agree::damage(&mut runs[random.below(3)], &mut random);
        let Ok(batch) = Batch::new(&runs) else {
            counts[0] += 1;
            continue;
        };
        let checked = batch.check();
        counts[1 + usize::from(checked.is_ok())] += 1;
        if batch.check_form().is_ok() {
            let steps = all_generic(batch.joined());
            let made = witness(batch.clone(), PROVER, steps, 0, &NoControl);
            let is_clean = made.is_ok_and(|made| common::report(&made).is_clean());
            assert_eq!(is_clean, checked.is_ok(), "{number}: {checked:?}");
        }
        let proof = prove(batch, PROVER, &options(), &NoControl);
        let shown = proof.ok().and_then(|proof| verify(&statement, &proof.encode(), &policy()).ok());
        assert!(shown.is_some() || checked.is_err(), "{number}");
        // A frame that a trace has wrong may be one that no table takes from it.
        assert!(shown.is_none_or(|shown| shown.runs == expected(&honest)), "{number}: {checked:?}");
    }
    assert!(counts.iter().all(|count| *count > 2), "{counts:?}");
}
