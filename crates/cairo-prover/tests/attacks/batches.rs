//! Several runs in one proof: what belongs to one is given to another.

use super::*;
use cairo_air::claim::RunClaim;
use cairo_execution::Batch;

/// Three runs of other lengths, on other arguments, all steps in the generic table.
fn batch() -> &'static Witness {
    static HONEST: OnceLock<Witness> = OnceLock::new();
    HONEST.get_or_init(|| {
        let arguments = [[5, 6, 12], [7, 90, 3], [1 << 40, 2, 9]];
        let run = |[a, b, c]: [u64; 3]| {
            let arguments = format!(r#"{{"a": {a}, "b": {b}, "c": {c}}}"#);
            execution("cairo0/args3", Some(&arguments))
        };
        of(&arguments.map(run))
    })
}

fn of(runs: &[Execution]) -> Witness {
    let batch = Batch::new(runs).unwrap();
    let steps = all_generic(batch.joined());
    witness(batch, [7; 32], steps, 0, &NoControl).unwrap()
}

/// What is wrong with the claim, by the run that it names.
fn claim_error(forger: Forger) -> (usize, ClaimError) {
    match forger.try_it() {
        Err(VerifyError::Claim(ClaimError::Run { run, error })) => (run, *error),
        other => panic!("{other:?}"),
    }
}

/// Rows of the generic table by run: those whose clocks are the run's.
fn rows_of(forger: &mut Forger, run: usize) -> Vec<usize> {
    let clocks: Vec<u64> = forger.0.claim.clocks().map(|(clock, _)| clock).collect();
    let end = clocks.get(run + 1).copied().unwrap_or(u64::MAX);
    let used = forger.column(&TableKind::Generic, "enabler").clone();
    let at = forger.column(&TableKind::Generic, "clock");
    let inside = |row: &usize| used[*row] == small(1) && (clocks[run]..end).contains(&integer(&at[*row]));
    (0..at.len()).filter(inside).collect()
}

/// Moves the clocks of a run's rows.
fn shift(forger: &mut Forger, run: usize, by: i64) {
    for row in rows_of(forger, run) {
        let clock = &mut forger.column(&TableKind::Generic, "clock")[row];
        *clock += felt::integers::signed(by);
    }
}

/// Sets a cell and everything that follows from it.
fn rewrite(forger: &mut Forger, address: u64, value: Felt) {
    forger.set_memory(address, value);
    forger.solve_res();
}

fn output(forger: &Forger, run: usize) -> u64 {
    u64::from(forger.0.claim.runs[run].segments[0].base)
}

#[test]
fn the_truth_about_three_runs() {
    let verified = Forger::new(batch()).try_it().unwrap();
    assert_eq!(verified.runs.len(), 3);
    for (verified, claimed) in verified.runs.iter().zip(&batch().claim.runs) {
        assert_eq!((verified.n_steps, &verified.output), (claimed.n_steps, &claimed.output));
    }
    assert_ne!(verified.runs[0].output, verified.runs[1].output);
}

#[test]
fn exchanged_outputs() {
    for (a, b) in [(0, 1), (1, 2), (0, 2)] {
        for with_memory in [false, true] {
            let mut forger = Forger::new(batch());
            // The arguments stand first, and stay.
            for place in 3..5 {
                let values = [a, b].map(|run| forger.0.claim.runs[run].output[place]);
                for (run, value) in [(a, values[1]), (b, values[0])] {
                    forger.0.claim.runs[run].output[place] = value;
                    if with_memory {
                        let address = output(&forger, run) + place as u64;
                        rewrite(&mut forger, address, value);
                    }
                }
            }
            forger.refused();
        }
    }
}

#[test]
fn exchanged_arguments() {
    for with_output in [false, true] {
        let mut forger = Forger::new(batch());
        forger.0.statement.runs.swap(0, 1);
        if !with_output {
            let (run, error) = claim_error(forger);
            assert!(run == 0 && matches!(error, ClaimError::OutputPrefix { index: 0, .. }), "{error}");
            continue;
        }
        let [first, second, _] = forger.0.claim.runs.as_mut_slice() else { unreachable!() };
        std::mem::swap(&mut first.output, &mut second.output);
        forger.refused();
    }
    // With the cells of the output exchanged as well, each run writes what the other was asked.
    let mut forger = Forger::new(batch());
    forger.0.statement.runs.swap(0, 1);
    let outputs = [0, 1].map(|run| forger.0.claim.runs[run].output.clone());
    for (run, values) in [1, 0].into_iter().zip(outputs) {
        let base = output(&forger, run);
        for (address, value) in (base..).zip(&values) {
            rewrite(&mut forger, address, *value);
        }
        forger.0.claim.runs[run].output = values;
    }
    forger.refused();
}

/// All runs as they are, but in another order: everything is claimed of the wrong place.
#[test]
fn exchanged_runs() {
    let mut forger = Forger::new(batch());
    forger.0.statement.runs.swap(1, 2);
    forger.0.claim.runs.swap(1, 2);
    let (run, error) = claim_error(forger);
    assert!(run == 1 && matches!(error, ClaimError::Part { builtin: Builtin::Output, .. }), "{error}");
    // With places of the other's, so that the claim is possible.
    let mut forger = Forger::new(batch());
    forger.0.statement.runs.swap(1, 2);
    let [_, a, b] = forger.0.claim.runs.as_mut_slice() else { unreachable!() };
    std::mem::swap(&mut a.output, &mut b.output);
    std::mem::swap(&mut a.n_steps, &mut b.n_steps);
    forger.refused();
}

#[test]
fn steps_of_another_run() {
    for (first, second) in [(1, -1), (-1, 1), (5, -5)] {
        for moved in [None, Some(first)] {
            let mut forger = Forger::new(batch());
            if let Some(by) = moved {
                shift(&mut forger, 1, by);
            }
            for (run, by) in [(0, first), (1, second)] {
                let steps = &mut forger.0.claim.runs[run].n_steps;
                *steps = steps.checked_add_signed(by).unwrap();
            }
            forger.refused();
        }
    }
    // One that is shorter than it is, with all that come after moved up.
    let mut forger = Forger::new(batch());
    shift(&mut forger, 2, -1);
    shift(&mut forger, 1, -1);
    forger.0.claim.runs[0].n_steps -= 1;
    forger.refused();
}

/// The first run's walk is said to end where the second's does, and the other way round.
#[test]
fn exits_of_another_run() {
    for with_steps in [false, true] {
        let mut forger = Forger::new(batch());
        let [first, second, _] = forger.0.claim.runs.as_mut_slice() else { unreachable!() };
        (first.final_ap, second.final_ap) = (second.final_ap, first.final_ap);
        if with_steps {
            (first.n_steps, second.n_steps) = (first.n_steps + 1 + second.n_steps, second.n_steps);
        }
        let (run, error) = claim_error(forger);
        assert!(run == 1 && matches!(error, ClaimError::FinalAp { .. }), "{error}");
    }
    // The exits' clocks alone.
    let mut forger = Forger::new(batch());
    let [first, second, third] = forger.0.claim.runs.as_mut_slice() else { unreachable!() };
    let all = first.n_steps + second.n_steps + third.n_steps;
    (first.n_steps, third.n_steps) = (first.n_steps + 2, third.n_steps - 2);
    assert_eq!(forger.0.claim.total_steps(), all);
    forger.refused();
    // One walk goes on through the next run's: its last row leads to the beginning of the second.
    let mut forger = Forger::new(batch());
    let rows = [0, 1].map(|run| rows_of(&mut forger, run));
    let last = *rows[0].iter().max_by_key(|row| integer(&forger.column(&TableKind::Generic, "clock")[**row])).unwrap();
    let start = forger.0.claim.runs[1].initial_ap(&forger.0.statement.program);
    for (name, value) in [("next_pc", 1), ("next_ap", start), ("next_fp", start)] {
        forger.column(&TableKind::Generic, name)[last] = small(value);
    }
    shift(&mut forger, 1, -1);
    let [first, second, _] = forger.0.claim.runs.as_mut_slice() else { unreachable!() };
    first.n_steps += second.n_steps;
    first.final_ap = second.final_ap;
    forger.0.claim.runs.remove(1);
    forger.0.statement.runs.remove(1);
    assert!(forger.try_it().is_err());
}

#[test]
fn clocks_that_overlap() {
    // The verifier says at which clocks runs begin; rows that have others meet no state of its.
    for (run, by) in [(1, -1), (1, 1), (2, -1), (2, -40), (1, -40)] {
        let mut forger = Forger::new(batch());
        shift(&mut forger, run, by);
        forger.refused();
    }
}

#[test]
fn runs_listed_twice() {
    // Just so: it begins before the first one's end.
    let mut forger = Forger::new(batch());
    forger.0.statement.runs[1] = forger.0.statement.runs[0].clone();
    forger.0.claim.runs[1] = forger.0.claim.runs[0].clone();
    let (run, error) = claim_error(forger);
    assert!(run == 1 && matches!(error, ClaimError::Offset { found: 0, .. }), "{error}");
    // With places that are possible.
    for with_memory in [false, true] {
        let mut forger = Forger::new(batch());
        forger.0.statement.runs[1] = forger.0.statement.runs[0].clone();
        let first = forger.0.claim.runs[0].clone();
        let RunClaim { offset, final_ap, segments, .. } = forger.0.claim.runs[1].clone();
        if with_memory {
            for (address, value) in (output(&forger, 1)..).zip(&first.output) {
                rewrite(&mut forger, address, *value);
            }
        }
        forger.0.claim.runs[1] = RunClaim { offset, final_ap, segments, ..first };
        forger.refused();
    }
    // A fourth run that has no steps of its own: the third one's again, behind it.
    let mut forger = Forger::new(batch());
    let mut again = forger.0.claim.runs[2].clone();
    again.segments.iter_mut().for_each(|segment| segment.base = segment.stop);
    forger.0.statement.runs.push(forger.0.statement.runs[2].clone());
    forger.0.claim.runs.push(again.clone());
    let (run, error) = claim_error(Forger::new(&forger.0));
    assert!(run == 3 && matches!(error, ClaimError::OutputLength { .. }), "{error}");
    let cells = u32::try_from(again.output.len()).unwrap();
    forger.0.claim.runs[3].segments[0].stop += cells;
    for segment in &mut forger.0.claim.runs[3].segments[1..] {
        segment.base = segment.stop;
    }
    assert!(forger.try_it().is_err());
}

#[test]
fn runs_left_out() {
    for left_out in 0..3 {
        for disabled in [false, true] {
            let mut forger = Forger::new(batch());
            if disabled {
                for row in rows_of(&mut forger, left_out) {
                    forger.column(&TableKind::Generic, "enabler")[row] = small(0);
                }
            }
            // The later runs' clocks go on from those before.
            let by = -(forger.0.claim.runs[left_out].n_steps as i64) - 1;
            for run in (left_out + 1..3).rev() {
                shift(&mut forger, run, by);
            }
            forger.0.statement.runs.remove(left_out);
            let claim = forger.0.claim.clone();
            let count = ClaimError::Runs { found: 3, expected: 2 };
            assert_eq!(claim.check(&forger.0.statement.program, &forger.0.statement.runs, u64::MAX), Err(count));
            forger.0.claim.runs.remove(left_out);
            match (left_out, forger.try_it()) {
                (0, Err(VerifyError::Claim(ClaimError::Run { run: 0, error }))) => {
                    assert!(matches!(*error, ClaimError::Offset { .. }), "{error}");
                }
                (1, Err(VerifyError::Claim(ClaimError::Run { run: 1, error }))) => {
                    assert!(matches!(*error, ClaimError::Part { .. }), "{error}");
                }
                // Its builtins' cells are still there, but its parts are not.
                (2, Err(VerifyError::Stark(_))) => {}
                (_, other) => panic!("{left_out}: {other:?}"),
            }
        }
    }
}

/// A proof of three runs shows nothing about two of them to somebody who knows only these: it is for other arguments.
#[test]
fn prefixes() {
    let mut forger = Forger::new(batch());
    forger.reclaim();
    forger.balance();
    let proof = forger.proof();
    let mut statement = forger.0.statement.clone();
    statement.runs.pop();
    let refused = verify(&statement, &proof.encode(), &policy());
    assert!(matches!(refused, Err(VerifyError::OtherArguments { .. })), "{refused:?}");
    // With the hash that is asked for; then with as many runs.
    let mut proof = proof;
    proof.arguments_hash = statement.arguments_hash();
    let refused = verify(&statement, &proof.encode(), &policy());
    let runs = VerifyError::Claim(ClaimError::Runs { found: 3, expected: 2 });
    assert_eq!(refused, Err(runs));
    proof.claim.runs.pop();
    assert!(verify(&statement, &proof.encode(), &policy()).is_err());
}

#[test]
fn parts_that_overlap() {
    let names = [Builtin::Output, Builtin::RangeCheck, Builtin::Bitwise];
    for (place, builtin) in names.into_iter().enumerate() {
        let cells = builtin.cells_per_instance();
        for (base, stop) in [(true, false), (false, true), (true, true)] {
            for more in [false, true] {
                let mut forger = Forger::new(batch());
                let by = |value: &mut u32| *value = if more { *value + cells } else { *value - cells };
                let [first, second, _] = forger.0.claim.runs.as_mut_slice() else { unreachable!() };
                if stop {
                    by(&mut first.segments[place].stop);
                }
                if base {
                    by(&mut second.segments[place].base);
                }
                if builtin == Builtin::Output {
                    let [first, second] = [&first.segments[0], &second.segments[0]].map(|s| (s.stop - s.base) as usize);
                    forger.0.claim.runs[0].output.resize(first, small(0));
                    forger.0.claim.runs[1].output.resize(second, small(0));
                }
                match forger.try_it() {
                    Err(VerifyError::Claim(ClaimError::Run { error, .. })) if base != stop => {
                        let is_part = matches!(*error, ClaimError::Part { builtin: found, .. } if found == builtin);
                        let of_output =
                            matches!(*error, ClaimError::OutputPrefix { .. } | ClaimError::OutputTooShort { .. });
                        assert!(is_part || of_output && place == 0, "{error}");
                    }
                    // A border that is moved as a whole is not where the stacks say that it is.
                    Err(VerifyError::Stark(_)) if base && stop => {}
                    Err(VerifyError::Claim(ClaimError::Run { .. })) if place == 0 => {}
                    other => panic!("{builtin}, {base} {stop} {more}: {other:?}"),
                }
            }
        }
    }
}

/// The second run takes the first one's output for its own, as the same cells or as a copy of them.
#[test]
fn output_of_another_run() {
    let mut forger = Forger::new(batch());
    let [first, second, _] = forger.0.claim.runs.as_mut_slice() else { unreachable!() };
    second.segments[0] = first.segments[0];
    second.output.clone_from(&first.output);
    let arguments = forger.0.statement.runs[0].clone();
    forger.0.statement.runs[1] = arguments;
    let [base, stop] = [forger.0.claim.runs[0].segments[0].base, forger.0.claim.runs[0].segments[0].stop];
    let run = &forger.0.claim.runs[1];
    let (initial_ap, stops) = (run.initial_ap(&forger.0.statement.program), u64::from(run.final_ap) - 3);
    rewrite(&mut forger, initial_ap, small(u64::from(base)));
    rewrite(&mut forger, stops, small(u64::from(stop)));
    let (run, error) = claim_error(forger);
    assert!(run == 1 && matches!(error, ClaimError::Part { builtin: Builtin::Output, .. }), "{error}");
}

/// A batch of add_mod that the first run does not end, and the second one does: without what the verifier demands of the border it would pass.
#[test]
fn batches_over_the_border() {
    let run = || execution("cairo0/add_mod_batch", None);
    let honest = of(&[run(), run()]);
    let program = &honest.statement.program;
    assert!(Forger::new(&honest).try_it().is_ok());
    let stop = honest.claim.runs[0].segment(program, Builtin::AddMod).unwrap().stop;
    let border = |tuple: &stark::PublicTuple| {
        tuple.bus == buses::MEMORY && tuple.tuple == [small(u64::from(stop) - 1), small(1)]
    };
    assert_eq!(honest.public.iter().filter(|tuple| border(tuple)).count(), 1);
    // The next instance's seven cells are those that the batch demands: the same modulus and values, offsets three further, n one less.
    let mut forger = Forger::new(&honest);
    let last = u64::from(stop) - 7;
    let n = forger.memory(u64::from(stop) + 6) + small(1);
    forger.set_memory(last + 6, n);
    let kind = TableKind::AddMod;
    let addresses = forger.column(&kind, "address").clone();
    let row = addresses.iter().position(|address| *address == small(last)).unwrap();
    for (name, row, value) in [("n", row, n), ("goes_on", row, small(1)), ("joins", row + 1, small(1))] {
        forger.column(&kind, name)[row] = value;
    }
    forger.reclaim();
    forger.balance();
    let report = common::report(&forger.0);
    assert!(!report.is_clean());
    forger.refused();
}

/// Rows of another program's run have no place in the proof: its words are not in memory.
#[test]
fn runs_of_another_program() {
    let other = execution("cairo0/sum_to_n", Some(r#"{"n": 3}"#));
    let arguments = r#"{"a": 5, "b": 6, "c": 12}"#;
    let refused = Batch::new(&[execution("cairo0/args3", Some(arguments)), other.clone()]).unwrap_err();
    assert!(refused.to_string().starts_with("run 1 (the first is 0) is one of another program"), "{refused}");
    // The arguments and the output of such a run, claimed of the program in memory.
    let mut forger = Forger::new(batch());
    forger.0.statement.runs[1] = other.arguments.clone();
    forger.0.claim.runs[1].output[..2].copy_from_slice(other.output());
    forger.refused();
}

#[test]
fn statements_without_runs_or_with_too_many() {
    let statement = |runs: usize| Statement { runs: vec![Vec::new(); runs], ..batch().statement.clone() };
    let refused = |runs| verify(&statement(runs), &[], &policy()).unwrap_err().to_string();
    assert_eq!(refused(0), "a statement needs one run at least; it has none");
    assert_eq!(refused(cairo_air::MAX_RUNS + 1), "a statement has at most 4096 runs; it has 4097");
}
