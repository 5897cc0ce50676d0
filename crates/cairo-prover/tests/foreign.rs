//! Proofs of runs that cairo-vm's own tools made: relocated with the room of a layout in them, and as PIEs.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use cairo_air::{Policy, Statement, verify};
use cairo_prover::{Options, prove};
use cairo_runner::{Execution, ForeignRun, RunLimits, RunnableProgram};
use cairo_vm::cairo_run::{CairoRunConfig, cairo_run, write_encoded_memory, write_encoded_trace};
use cairo_vm::hint_processor::builtin_hint_processor::builtin_hint_processor_definition::BuiltinHintProcessor;
use cairo_vm::types::layout_name::LayoutName;
use stark::{NoControl, Preset};
use std::fs::File;
use std::path::Path;

const PROVER: [u8; 32] = [9; 32];

/// Writes what `cairo-run` writes: trace and memory of a run in proof mode, or its PIE.
fn write(program: &[u8], folder: &Path, proof_mode: bool) {
    let config = CairoRunConfig {
        layout: LayoutName::all_cairo,
        proof_mode,
        trace_enabled: true,
        relocate_mem: proof_mode,
        relocate_trace: proof_mode,
        fill_holes: proof_mode,
        ..CairoRunConfig::default()
    };
    let runner = cairo_run(program, &config, &mut BuiltinHintProcessor::new_empty()).unwrap();
    if proof_mode {
        let file = |name: &str| File::create(folder.join(name)).unwrap();
        write_encoded_trace(runner.relocated_trace.as_ref().unwrap(), &mut file("trace.bin")).unwrap();
        write_encoded_memory(&runner.relocated_memory, &mut file("memory.bin")).unwrap();
    } else {
        runner.get_cairo_pie().unwrap().write_zip_file(&folder.join("cairo_pie.zip"), true).unwrap();
    }
}

fn proven(execution: Execution) -> usize {
    let statement = Statement::single(execution.program.clone(), execution.arguments.clone(), PROVER);
    let output = execution.output().to_vec();
    let options = Options { parameters: Preset::Bench96.parameters(), ..Options::default() };
    let proof = prove(execution, PROVER, &options, &NoControl).unwrap().encode();
    assert_eq!(verify(&statement, &proof, &Policy::default()).unwrap().runs[0].output, output);
    proof.len()
}

#[test]
fn runs_of_other_tools_are_proven() {
    for name in ["cairo0/bitwise_many.json", "cairo0/dict.json", "cairo0/no_builtins.json"] {
        let bytes = testkit::programs::file(name);
        let program = RunnableProgram::from_json(&bytes).unwrap();
        for proof_mode in [true, false] {
            let folder = tempfile::tempdir().unwrap();
            write(&bytes, folder.path(), proof_mode);
            let run = ForeignRun::at(folder.path()).unwrap();
            let execution = run.read(&program, None, &RunLimits::default()).unwrap();
            assert!(proven(execution) > 0);
        }
    }
}
