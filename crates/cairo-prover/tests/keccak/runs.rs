//! Runs from end to end.

use crate::small;
use cairo_air::{Builtin, CairoProof, Statement, TableKind, keccak, verify};
use cairo_execution::{Execution, ExecutionError};
use cairo_prover::{Options, prove};
use cairo_runner::{Arguments, RunError, RunLimits, run, unwatched};
use felt::Felt;
use stark::NoControl;
use std::collections::BTreeSet;
use testkit::proofs::{CHEAP, policy};

fn try_run(name: &str, arguments: Option<&str>) -> Result<Execution, RunError> {
    let arguments = arguments.map_or_else(Arguments::none, |text| Arguments::from_json(text.as_bytes()).unwrap());
    run(&testkit::programs::program(name), &arguments, &RunLimits::default(), &mut unwatched)
}

/// Proves and verifies a run that the check takes; gives the output and the kinds of tables.
fn proven(execution: Execution) -> (Vec<Felt>, BTreeSet<String>) {
    assert_eq!(execution.check(), Ok(()));
    let statement = Statement::single(execution.program.clone(), execution.arguments.clone(), [7; 32]);
    let expected = execution.output().to_vec();
    let options = Options { parameters: CHEAP, ..Options::default() };
    let proof = prove(execution, [7; 32], &options, &NoControl).unwrap().encode();
    let verified = verify(&statement, &proof, &policy()).unwrap();
    assert_eq!(verified.runs[0].output, expected);
    let layout = CairoProof::decode(&proof).unwrap().layout;
    (verified.runs[0].output.clone(), layout.kinds().map(TableKind::to_string).collect())
}

/// The words of a state after so many permutations by another implementation.
fn reference(words: [Felt; 8], n: u64) -> [Felt; 8] {
    let mut state = keccak::unpack(&words).unwrap();
    (0..n).for_each(|_| ::keccak::f1600(&mut state));
    keccak::pack(&state)
}

#[test]
fn runs_are_proven() {
    for n in [0, 1, 5] {
        let (output, kinds) = proven(try_run("cairo0/keccak_many", Some(&format!(r#"{{"n": {n}}}"#))).unwrap());
        let mut words = [Felt::zero(); 8];
        words[0] = small(n);
        assert_eq!(output[1..9], reference(words, n));
        let [zeros, ones] = [Felt::zero(), small(2).pow(200_u64) - small(1)].map(|word| reference([word; 8], 1));
        assert_eq!(output[9..13], [zeros[0], zeros[7], ones[0], ones[7]]);
        for kind in ["keccak", "keccak_rounds", "keccak_chunks", "keccak_bytes"] {
            assert!(kinds.contains(kind), "{kind}");
        }
    }
}

#[test]
fn instances_may_be_written_in_part() {
    for b in [0, u64::MAX] {
        let execution = try_run("cairo0/keccak_unread", Some(&format!(r#"{{"a": 11, "b": "{b}"}}"#))).unwrap();
        let base = execution.segments[&Builtin::Keccak].base as usize;
        let instance = |number: usize| execution.memory[base + 16 * number..][..16].to_vec();
        for (number, word, value) in [(1, 3, 5), (3, 7, b), (4, 0, 7)] {
            let mut words = [Felt::zero(); 8];
            words[word] = small(value);
            assert_eq!(instance(number), [words, reference(words, 1)].concat());
        }
        let (output, _) = proven(execution);
        let words = [0, 7].into_iter().fold([Felt::zero(); 8], |mut words, word| {
            words[word] = small(11);
            words
        });
        assert_eq!(output, [small(11), small(b), reference(words, 1)[2]]);
    }
}

/// Inputs of `2^200` and more: named by the machine if it needs the output, else by what completes the instance.
#[test]
fn inputs_beyond_their_bound() {
    let bound = "0x100000000000000000000000000000000000000000000000000";
    let refused = try_run("cairo0/keccak_unread", Some(&format!(r#"{{"a": {bound:?}, "b": 1}}"#)));
    assert!(matches!(refused, Err(RunError::Vm { .. })), "{refused:?}");
    let refused = try_run("cairo0/keccak_unread", Some(&format!(r#"{{"a": 1, "b": {bound:?}}}"#)));
    let named = RunError::InstanceInput { builtin: Builtin::Keccak, instance: 3, input: 7, bits: 200 };
    assert_eq!(refused.unwrap_err().to_string(), named.to_string());
    let largest = "0xffffffffffffffffffffffffffffffffffffffffffffffffff";
    proven(try_run("cairo0/keccak_unread", Some(&format!(r#"{{"a": {largest:?}, "b": {largest:?}}}"#))).unwrap());
}

#[test]
fn executions_that_are_none() {
    let honest = try_run("cairo0/keccak_unread", Some(r#"{"a": 11, "b": 5}"#)).unwrap();
    let base = honest.segments[&Builtin::Keccak].base;
    let with = |offset: u32, value: Felt| {
        let mut execution = honest.clone();
        execution.memory[(base + offset) as usize] = value;
        execution.check()
    };
    let bound = small(2).pow(200_u64);
    for offset in [16, 18, 23] {
        let found = with(offset, bound);
        assert!(
            matches!(&found, Err(ExecutionError::KeccakInput { address, .. }) if *address == base + offset),
            "{found:?}"
        );
    }
    for offset in 8..16 {
        let cell = honest.memory[(base + offset) as usize];
        for value in [cell + Felt::one(), cell + bound, -Felt::one()] {
            let found = with(offset, value);
            let is_named = matches!(&found, Err(ExecutionError::BuiltinResult { builtin: Builtin::Keccak, address, .. }) if *address == base + offset);
            assert!(is_named, "{found:?}");
        }
    }
}
