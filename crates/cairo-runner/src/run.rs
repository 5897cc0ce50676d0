//! The run itself.

use crate::arguments::Arguments;
use crate::cairo0::Cairo0Hints;
use crate::cairo2::Cairo2Hints;
use crate::catch::quietly;
use crate::convert::one_line;
use crate::error::RunError;
use crate::guard::Guard;
use crate::hints::Hints;
use crate::limits::{Progress, RunLimits, Watch};
use crate::load::{RunnableProgram, Source};
use crate::relocate::{RawTrace, relocate};
use cairo_air::{Builtin, Program};
use cairo_execution::Execution;
use cairo_vm::types::layout_name::LayoutName;
use cairo_vm::types::program::Program as VmProgram;
use cairo_vm::types::relocatable::Relocatable;
use cairo_vm::vm::errors::memory_errors::MemoryError;
use cairo_vm::vm::runners::cairo_runner::CairoRunner;
use felt::Felt;
use std::any::Any;
use std::sync::Arc;
use std::time::Instant;

/// Steps between looks at the clock and the caller's watch.
const STEPS_BETWEEN_CHECKS: u64 = 1 << 12;

/// Steps between exact counts of memory.
const STEPS_BETWEEN_COUNTS: u64 = 1 << 14;

/// Cells that a hint may write from where one of its pointers points.
const HINT_REACH: u64 = 64;

/// Runs a program on arguments, in canonical proof mode, up to its first arrival at the end.
///
/// # Errors
/// If the arguments do not fit, the program fails or panics, a limit is reached, `watch` cancels, or the run is one that
/// no proof can exist for.
pub fn run(
    program: &RunnableProgram,
    arguments: &Arguments,
    limits: &RunLimits,
    watch: &mut Watch<'_>,
) -> Result<Execution, RunError> {
    let arguments = program.bind(arguments)?;
    // Limits keep cairo-vm from the panics that we know of; this is for those that we do not.
    let outcome = quietly(|| match &program.source {
        Source::Cairo0(source) => {
            let hints = Cairo0Hints::new(source, &arguments);
            run_with(&source.vm_program, program.program(), arguments, hints, limits, watch)
        }
        Source::Cairo2(source) => {
            let hints = Cairo2Hints::new(source, &arguments);
            run_with(&source.vm_program, program.program(), arguments, hints, limits, watch)
        }
    });
    let execution = outcome.map_err(|message| RunError::MachinePanicked { message })??;
    execution.check_form()?;
    // Of all builtins' cells these are the only ones that the machine takes as they are.
    [Builtin::AddMod, Builtin::MulMod].into_iter().try_for_each(|builtin| execution.check_builtin(builtin))?;
    Ok(execution)
}

fn run_with<H: Hints>(
    vm_program: &VmProgram,
    program: &Program,
    arguments: Vec<Felt>,
    mut hints: H,
    limits: &RunLimits,
    watch: &mut Watch<'_>,
) -> Result<Execution, RunError> {
    let setup = |message: String| RunError::Setup { message: one_line(&message, 300) };
    let (proof_mode, machine_trace, no_padding) = (true, false, true);
    let mut runner = CairoRunner::new(vm_program, LayoutName::all_cairo, None, proof_mode, machine_trace, no_padding)
        .map_err(|error| setup(error.to_string()))?;
    let end = runner.initialize(false).map_err(|error| setup(error.to_string()))?;
    // The last segment so far, which nothing points to: cairo-vm keeps zeros there for what another prover pads the modular builtins with.
    let padding = runner.vm.segments.has_zero_segment().then(|| runner.vm.segments.num_segments().saturating_sub(1));
    let trace = run_steps(&mut runner, program, end, &mut hints, limits, watch)?;

    let ended = |message: String| RunError::End { message: one_line(&message, 300) };
    let fill_builtin_holes = true;
    runner.end_run(no_padding, false, &mut hints, fill_builtin_holes).map_err(|error| ended(error.to_string()))?;
    relocate(&mut runner, program, arguments, trace, padding)
}

fn run_steps<H: Hints>(
    runner: &mut CairoRunner,
    program: &Program,
    end: Relocatable,
    hints: &mut H,
    limits: &RunLimits,
    watch: &mut Watch<'_>,
) -> Result<RawTrace, RunError> {
    let shared = Arc::clone(&runner.get_program().shared_program_data);
    let compiled = runner
        .get_hint_data(&shared.reference_manager, hints)
        .map_err(|error| RunError::Setup { message: one_line(&error.to_string(), 300) })?;
    // Where nobody bounds the time, no clock is needed: a browser's tab has none of this kind.
    let clock = limits.max_time.map(|limit| (Instant::now(), limit));
    let mut guard = Guard::new(limits.max_memory_cells, program.bytecode().len());
    let mut trace = RawTrace::default();
    let mut step = 0;
    guard.check(&mut runner.vm, step)?;
    loop {
        let pc = runner.vm.get_pc();
        if pc == end {
            break;
        }
        if step % STEPS_BETWEEN_CHECKS == 0 {
            if step % STEPS_BETWEEN_COUNTS == 0 {
                guard.check(&mut runner.vm, step)?;
            }
            if let Some((_, limit)) = clock.filter(|(begin, limit)| begin.elapsed() > *limit) {
                return Err(RunError::TimeLimit { limit, step });
            }
            if watch(Progress { steps: step, memory_cells: guard.cells() }).is_break() {
                return Err(RunError::Cancelled { step });
            }
        }
        if step >= limits.max_steps {
            return Err(RunError::StepLimit { limit: limits.max_steps });
        }
        if let Some((first, count)) = hints_at(&shared.hints_collection, pc) {
            let here: &[Box<dyn Any>] = compiled.get(first..first + count).unwrap_or_default();
            run_hints(runner, here, hints, &mut guard, step)?;
        }
        guard.before_step(&mut runner.vm, step)?;
        trace.push(&runner.vm)?;
        if let Err(error) = runner.vm.step_instruction() {
            return Err(match hints.panicked(pc) {
                Some(data) => RunError::Panicked { text: crate::panic::text(&data), data },
                None => failure(pc, step, &error.to_string()),
            });
        }
        step += 1;
    }
    watch_end(watch, step, &guard)?;
    trace.push(&runner.vm)?;
    Ok(trace)
}

fn hints_at(hints: &cairo_vm::types::program::HintsCollection, pc: Relocatable) -> Option<(usize, usize)> {
    // Hints belong to the program's own code.
    if pc.segment_index != 0 {
        return None;
    }
    hints.get_hint_range_for_pc(pc.offset).flatten().map(|(first, count)| (first, count.get()))
}

/// Executes the hints of one instruction, each after a look at where it can write.
fn run_hints<H: Hints>(
    runner: &mut CairoRunner,
    here: &[Box<dyn Any>],
    hints: &mut H,
    guard: &mut Guard,
    step: u64,
) -> Result<(), RunError> {
    let mut reached = Vec::new();
    for hint in here {
        reached.clear();
        hints.reach(&runner.vm, &runner.exec_scopes, hint.as_ref(), &mut |address| reached.push(address));
        for address in &reached {
            let end = (address.offset as u64).saturating_add(HINT_REACH);
            guard.reserve(&mut runner.vm, address.segment_index, end, step)?;
        }
        // Some of cairo-vm's hints panic at numbers that they do not expect, as that of modular circuits at a sum without a solution.
        let outcome = quietly(|| runner.vm.step_hint(hints, &mut runner.exec_scopes, std::slice::from_ref(hint)));
        let failed = match outcome {
            Ok(Ok(())) => continue,
            Ok(Err(error)) => error.to_string(),
            Err(panic) => format!("a hint gives up on what the program asks of it ({panic})"),
        };
        return Err(failure(runner.vm.get_pc(), step, &failed));
    }
    Ok(())
}

fn watch_end(watch: &mut Watch<'_>, step: u64, guard: &Guard) -> Result<(), RunError> {
    match watch(Progress { steps: step, memory_cells: guard.cells() }) {
        std::ops::ControlFlow::Continue(()) => Ok(()),
        std::ops::ControlFlow::Break(()) => Err(RunError::Cancelled { step }),
    }
}

fn failure(pc: Relocatable, step: u64, message: &str) -> RunError {
    // The guard has seen to it that no address is too large: it is the allocation that failed.
    if message.contains(&MemoryError::VecCapacityExceeded.to_string()) {
        return RunError::OutOfMemory { step };
    }
    RunError::Vm { pc: pc.offset, step, message: one_line(message, 300) }
}
