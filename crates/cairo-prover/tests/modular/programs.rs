//! Programs with instances of add_mod and mul_mod: written by the program, in part, by hints only, many and none.

use crate::common::{self, execution, generic_witness};
use cairo_air::{Builtin, CairoProof, Policy, Statement, TableKind, verify};
use cairo_execution::{Execution, ExecutionError};
use cairo_prover::{Options, prove};
use felt::Felt;
use stark::{NoControl, Preset};

/// Proves a run as planned, verifies the proof, and checks that the generic table's witness holds too.
fn proven(execution: Execution) -> CairoProof {
    execution.check().unwrap();
    let report = common::report(&generic_witness(execution.clone()));
    assert!(report.is_clean(), "{report}");
    let output = execution.output().to_vec();
    let statement = Statement::single(execution.program.clone(), execution.arguments.clone(), [7; 32]);
    let options = Options { parameters: Preset::Bench96.parameters(), ..Options::default() };
    let proof = prove(execution, [7; 32], &options, &NoControl).unwrap();
    assert_eq!(verify(&statement, &proof.encode(), &Policy::default()).unwrap().runs[0].output, output);
    proof
}

fn instances(execution: &Execution, builtin: Builtin) -> u32 {
    let segment = execution.segments[&builtin];
    (segment.stop - segment.base) / builtin.cells_per_instance()
}

#[test]
fn written_by_the_program() {
    for (name, builtin, count) in [
        ("cairo0/add_mod_edges", Builtin::AddMod, 17),
        ("cairo0/add_mod_anywhere", Builtin::AddMod, 5),
        ("cairo0/add_mod_batch", Builtin::AddMod, 6),
        ("cairo0/mul_mod_edges", Builtin::MulMod, 21),
        ("cairo0/mul_mod_anywhere", Builtin::MulMod, 5),
        ("cairo0/mul_mod_batch", Builtin::MulMod, 6),
    ] {
        let execution = execution(name, None);
        assert_eq!(instances(&execution, builtin), count, "{name}");
        // So few rows stand in the proof.
        let proof = proven(execution);
        let kind = if builtin == Builtin::AddMod { TableKind::AddMod } else { TableKind::MulMod };
        assert!(proof.layout.disclosed.iter().any(|table| table.kind == kind), "{name}");
    }
}

#[test]
fn many_and_none() {
    for (count, tables) in [(0, 0), (1, 1), (64, 1), (200, 1)] {
        let execution = execution("cairo0/add_mod_many", Some(&format!(r#"{{"n": {count}}}"#)));
        assert_eq!(instances(&execution, Builtin::AddMod), count);
        let proof = proven(execution);
        let found = proof.layout.kinds().filter(|kind| matches!(kind, TableKind::AddMod | TableKind::Word96(_)));
        assert_eq!(found.count(), 2 * tables);
    }
}

#[test]
fn written_by_hints() {
    for rounds in [0, 1, 40] {
        let execution = execution("cairo0/mod_circuit", Some(&format!(r#"{{"x": 5, "y": 3, "n": {rounds}}}"#)));
        for (builtin, each) in [(Builtin::AddMod, 2), (Builtin::MulMod, 2), (Builtin::RangeCheck96, 8)] {
            assert_eq!(instances(&execution, builtin), each * rounds);
        }
        proven(execution);
    }
    let circuit = execution("cairo2/circuit", Some("[]"));
    assert!(instances(&circuit, Builtin::MulMod) > 0);
    proven(circuit);
}

/// The rest of a batch follows from its first instance where the program did not write it.
#[test]
fn batches_are_completed() {
    let execution = execution("cairo0/mul_mod_batch", None);
    let base = execution.segments[&Builtin::MulMod].base as usize;
    let cells = |instance: usize| &execution.memory[base + 7 * instance..base + 7 * instance + 7];
    for instance in [2, 3] {
        let (before, here) = (cells(instance - 1), cells(instance));
        assert_eq!(here[..5], before[..5]);
        assert_eq!((here[5], here[6]), (before[5] + Felt::from(3), before[6] - Felt::one()));
    }
}

/// An execution with a false instance is refused by its check, and by the prover with the same words.
#[test]
fn false_instances_are_named() {
    let honest = execution("cairo0/mod_circuit", Some(r#"{"x": 5, "y": 3, "n": 1}"#));
    for (builtin, place, value) in [
        (Builtin::AddMod, 0, Felt::from(9)),
        (Builtin::MulMod, 0, Felt::from(9)),
        (Builtin::AddMod, 6, Felt::from(1)),
        (Builtin::MulMod, 6, Felt::from(3)),
        (Builtin::AddMod, 13, Felt::from(2)),
        (Builtin::MulMod, 4, -Felt::from(4)),
        (Builtin::AddMod, 3, -Felt::from(4)),
    ] {
        let mut execution = honest.clone();
        let base = execution.segments[&builtin].base as usize;
        execution.memory[base + place] = value;
        let error = execution.check_builtin(builtin);
        let is_modular = |error: &ExecutionError| error.to_string().contains(builtin.name());
        match error {
            // Counting fewer, or other instances, may only tear the batch; the steps that wrote the cell say so too.
            Ok(()) => assert_eq!((builtin, place), (Builtin::AddMod, 6)),
            Err(error) => assert!(is_modular(&error), "{error}"),
        }
        assert!(execution.check().is_err());
        let options = Options { parameters: Preset::Bench96.parameters(), ..Options::default() };
        assert!(prove(execution, [7; 32], &options, &NoControl).is_err(), "{builtin} {place}");
    }
}
