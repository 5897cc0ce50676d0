//! Programs that must end in an error, and in which.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use cairo_air::Builtin;
use cairo_air::decode::DecodeError;
use cairo_execution::ExecutionError;
use cairo_runner::{LoadError, RunError};
use serde_json::Value;

#[test]
fn hostile_programs_are_refused() {
    let all: Value = serde_json::from_slice(&common::fixture("expected.json")).unwrap();
    let runs = all.as_object().unwrap().iter().filter(|(name, _)| name.starts_with("hostile/"));
    let mut count = 0;
    for (name, run) in runs {
        let refused = match common::load(run["file"].as_str().unwrap()) {
            Err(error) => load_error_fits(name, &error),
            Ok(program) => match common::execute(&program, &run["args"].to_string()) {
                Err(error) => run_error_fits(name, &error),
                Ok(_) => panic!("{name}: the run is accepted ({})", run["outcome"]),
            },
        };
        assert!(refused.is_ok(), "{name}: {} ({})", refused.unwrap_err(), run["outcome"]);
        count += 1;
    }
    assert!(count >= 24);
}

fn load_error_fits(name: &str, error: &LoadError) -> Result<(), String> {
    let fits = match name {
        "hostile/hint_import_os" | "hostile/hint_not_reached" => matches!(error, LoadError::UnknownHint { .. }),
        "hostile/no_proof_mode" => matches!(error, LoadError::NotProofMode { .. }),
        _ => false,
    };
    fits.then_some(()).ok_or_else(|| format!("refused on loading: {error}"))
}

fn run_error_fits(name: &str, error: &RunError) -> Result<(), String> {
    let fits = match name {
        "hostile/infinite_loop" => matches!(error, RunError::StepLimit { .. }),
        "hostile/infinite_recursion" => matches!(error, RunError::StepLimit { .. } | RunError::MemoryLimit { .. }),
        "hostile/memory_eater" | "hostile/memory_hole_2p28" | "hostile/mod_circuit_far" => {
            matches!(error, RunError::MemoryLimit { .. })
        }
        "hostile/hint_unwritten_arg" => {
            matches!(error, RunError::Unprovable(ExecutionError::OutputPrefix { index: 0, .. }))
        }
        "hostile/add_mod_batch_cut_off" | "hostile/add_mod_no_count" => {
            matches!(error, RunError::Unprovable(ExecutionError::ModularBatchEnd { .. }))
        }
        "hostile/add_mod_batch_torn" => {
            matches!(error, RunError::Unprovable(ExecutionError::ModularBatch { found, expected, .. }) if (&**found, &**expected) == ("2", "1"))
        }
        "hostile/add_mod_half" => matches!(error, RunError::StopPointer { builtin: Builtin::AddMod, used: 7, .. }),
        "hostile/add_mod_nowhere" => {
            matches!(error, RunError::Unprovable(ExecutionError::ModularPointer { what: "a", .. }))
        }
        "hostile/add_mod_word" => matches!(error, RunError::Unprovable(ExecutionError::ModularWord { .. })),
        "hostile/add_mod_wrong_result" | "hostile/mul_mod_wrong_result" => {
            matches!(error, RunError::Unprovable(ExecutionError::ModularResult { .. }))
        }
        "hostile/keccak_word" => {
            matches!(error, RunError::InstanceInput { builtin: Builtin::Keccak, instance: 0, input: 5, bits: 200 })
        }
        "hostile/keccak_wrong_result" => {
            matches!(error, RunError::BuiltinInstance { builtin: Builtin::Keccak, instance: 0 })
        }
        "hostile/own_proof_end" => matches!(error, RunError::Unprovable(ExecutionError::FinalState { .. })),
        "hostile/output_pointer" => matches!(error, RunError::OutputAddress { index: 0 }),
        "hostile/stop_pointer_foreign" => {
            matches!(error, RunError::StopPointer { builtin: Builtin::RangeCheck, .. })
        }
        "hostile/stop_pointer_short" => matches!(error, RunError::StopPointer { used: 2, .. }),
        "hostile/wrong_stop_pointer" => matches!(error, RunError::StopPointer { used: 1, .. }),
        "hostile/extension_unknown" => {
            matches!(error, RunError::ExtensionOpcode { error: DecodeError::UnknownExtension, .. })
        }
        "hostile/extension_flags" => matches!(error, RunError::ExtensionOpcode { error: DecodeError::Qm31Flags, .. }),
        _ => matches!(error, RunError::Vm { message, .. } if !message.is_empty() && !message.contains('\n')),
    };
    fits.then_some(()).ok_or_else(|| error.to_string())
}
