//! Compiled programs with opcode extensions.

use crate::common::{self, execution, generic_witness};
use cairo_air::{CairoProof, Policy, Statement, TableKind, verify};
use cairo_execution::Execution;
use cairo_prover::{Options, prove};
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

fn has(proof: &CairoProof, kind: &TableKind) -> bool {
    proof.layout.kinds().any(|found| found == kind)
}

#[test]
fn qm31() {
    assert!(has(&proven(execution("cairo0/qm31_edges", None)), &TableKind::Qm31));
    for (n, used) in [(0, false), (1, true), (300, true)] {
        let proof = proven(execution("cairo0/qm31_many", Some(&format!(r#"{{"n": {n}}}"#))));
        assert_eq!(has(&proof, &TableKind::Qm31), used);
        assert_eq!(has(&proof, &TableKind::OpcodeExtension), used);
    }
}

#[test]
fn blake() {
    let edges = execution("cairo0/blake_edges", None);
    // RFC 7693, appendix B: the hash of `abc`.
    let words: Vec<u64> = edges.output().iter().filter_map(felt::integers::to_u64).collect();
    assert_eq!(words[..2], [0x8c5e_8c50, 0xe214_7c32]);
    assert!(has(&proven(edges), &TableKind::Blake));
    for (n, used) in [(0, false), (1, true), (20, true)] {
        let proof = proven(execution("cairo0/blake_many", Some(&format!(r#"{{"n": {n}}}"#))));
        for kind in [TableKind::Blake, TableKind::BlakeWord, TableKind::BlakeMix, TableKind::BlakeSchedule] {
            assert_eq!(has(&proof, &kind), used);
        }
    }
}

/// Words with an extension that the program writes and then executes, outside its bytecode.
#[test]
fn code_that_is_written() {
    assert!(has(&proven(execution("cairo0/extension_in_data", None)), &TableKind::Qm31));
}
