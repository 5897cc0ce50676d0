//! The check of a run: first its form, which is everything that the statement of a proof says about memory and registers,
//! then the builtins' cells and every step.

use crate::{ExecutionError, Registers, Run, cells, step};
use cairo_air::claim::MAX_OUTPUT;
use cairo_air::program::PROGRAM_BASE;
use cairo_air::{ArgumentBinding, Builtin};
use felt::{Felt, encoding};

/// Checks everything that [`Execution::check`] promises.
pub(crate) fn check(run: &Run<'_>) -> Result<(), ExecutionError> {
    check_form(run)?;
    cells::check(run)?;
    step::check(run)
}

/// Checks everything that [`Execution::check_form`] promises.
pub(crate) fn check_form(run: &Run<'_>) -> Result<(), ExecutionError> {
    check_size(run)?;
    check_trace(run)?;
    check_program(run)?;
    check_segments(run)?;
    match run.program.arguments() {
        ArgumentBinding::OutputPrefix => check_output_prefix(run),
        ArgumentBinding::Pointers { cell } => check_argument_segment(run, cell),
    }
}

fn check_size(run: &Run<'_>) -> Result<(), ExecutionError> {
    let cells = run.memory.len() as u64;
    let needed = run.initial_ap() + run.program.builtins().len() as u64;
    check_cells(cells, needed)?;
    match run.memory.first() {
        Some(cell) if *cell != Felt::zero() => Err(ExecutionError::CellZero { found: encoding::to_hex(cell) }),
        _ => Ok(()),
    }
}

/// The number of memory cells: those that the statement says something about, and no more than addresses.
fn check_cells(cells: u64, needed: u64) -> Result<(), ExecutionError> {
    if cells < needed {
        return Err(ExecutionError::MemoryTooShort { cells, needed });
    }
    if cells > u64::from(u32::MAX) {
        return Err(ExecutionError::MemoryTooLong { cells });
    }
    Ok(())
}

/// States that are looked at together.
const STATES_AT_ONCE: usize = 1 << 10;

fn check_trace(run: &Run<'_>) -> Result<(), ExecutionError> {
    let program = run.program;
    let (first, last_state) = match run.trace {
        [first, .., last] => (first, last),
        states => return Err(ExecutionError::EmptyTrace { states: states.len() }),
    };
    let start = run.first_ap();
    let expected = Registers { pc: program.initial_pc(), ap: start, fp: start };
    if *first != expected {
        return Err(ExecutionError::InitialState { found: *first, expected });
    }
    // `ap` and `fp` may stand one past the last cell: they point to where the next value would go.
    let end = run.memory.len() as u32;
    let steps = run.n_steps();
    // Most states are right: many are looked at together, and one by one only where something is wrong, or it is the last.
    let is_wrong = |state: &Registers| {
        let outside = |value: u32, last: u32| value.wrapping_sub(1) >= last;
        outside(state.pc, end - 1) | outside(state.ap, end) | outside(state.fp, end) | (state.pc == program.final_pc())
    };
    let wrong = |states: &&[Registers]| states.iter().fold(false, |wrong, state| wrong | is_wrong(state));
    let chunks = run.trace.chunks(STATES_AT_ONCE).enumerate().filter(|(_, states)| wrong(states));
    let suspects = chunks.flat_map(|(chunk, states)| (chunk * STATES_AT_ONCE..).zip(states));
    for (step, state) in suspects {
        for (register, value, last) in [("pc", state.pc, end - 1), ("ap", state.ap, end), ("fp", state.fp, end)] {
            if value == 0 || value > last {
                return Err(ExecutionError::RegisterOutside { step, register, value, last });
            }
        }
        if state.pc == program.final_pc() && step < steps {
            return Err(ExecutionError::EarlyEnd { step, last: steps });
        }
    }
    if (last_state.pc, last_state.fp) != (program.final_pc(), start) {
        return Err(ExecutionError::FinalState {
            pc: last_state.pc,
            fp: last_state.fp,
            expected_pc: program.final_pc(),
            expected_fp: start,
        });
    }
    let least = u64::from(start) + 2 * program.builtins().len() as u64;
    if u64::from(last_state.ap) < least {
        return Err(ExecutionError::FinalAp { ap: last_state.ap, least });
    }
    Ok(())
}

fn check_program(run: &Run<'_>) -> Result<(), ExecutionError> {
    let program = run.program;
    let cells = run.memory.iter().zip(0..).skip(PROGRAM_BASE as usize);
    for (word, (expected, (found, address))) in program.bytecode().iter().zip(cells).enumerate() {
        if found != expected {
            let (found, expected) = (encoding::to_hex(found), encoding::to_hex(expected));
            return Err(ExecutionError::Bytecode { address, word, found, expected });
        }
    }
    let head = run.first_ap().saturating_sub(2);
    for (address, expected) in [(head, u64::from(head) + 2), (head + 1, 0)] {
        let found = run.cell(u64::from(address));
        if found != Felt::from(expected) {
            let (found, expected) = (encoding::to_hex(&found), format!("{expected:#x}"));
            return Err(ExecutionError::ExecutionHead { address, found, expected });
        }
    }
    Ok(())
}

fn check_segments(run: &Run<'_>) -> Result<(), ExecutionError> {
    let builtins = run.program.builtins();
    if let Some(undeclared) = run.segments.keys().find(|builtin| !builtins.contains(builtin)) {
        return Err(ExecutionError::SegmentUndeclared(*undeclared));
    }
    if !builtins.contains(&Builtin::Ecdsa) && !run.signatures.is_empty() {
        return Err(ExecutionError::Signatures { instances: 0, signatures: run.signatures.len() });
    }
    let final_ap = run.trace.last().map_or(0, |state| state.ap);
    let first_stop = final_ap.saturating_sub(builtins.len() as u32);
    let initial = run.first_ap();
    let cells = run.memory.len() as u64;
    for (index, &builtin) in (0..).zip(builtins) {
        let Some(segment) = run.segments.get(&builtin) else {
            return Err(ExecutionError::SegmentMissing(builtin));
        };
        let (base, stop) = (segment.base, segment.stop);
        if base == 0 || base > stop || u64::from(stop) > cells {
            return Err(ExecutionError::SegmentBounds { builtin, base, stop, cells });
        }
        let cells_per_instance = builtin.cells_per_instance();
        if !(stop - base).is_multiple_of(cells_per_instance) {
            return Err(ExecutionError::SegmentInstances { builtin, len: stop - base, cells_per_instance });
        }
        let instances = ((stop - base) / cells_per_instance) as usize;
        if builtin == Builtin::Ecdsa && run.signatures.len() != instances {
            return Err(ExecutionError::Signatures { instances, signatures: run.signatures.len() });
        }
        if builtin == Builtin::Output && (stop - base) as usize > MAX_OUTPUT {
            return Err(ExecutionError::OutputTooLong((stop - base) as usize));
        }
        let address = initial + index;
        let found = run.cell(u64::from(address));
        if found != Felt::from(u64::from(base)) {
            let found = encoding::to_hex(&found);
            return Err(ExecutionError::BuiltinBase { builtin, address, found, expected: base });
        }
        let address = first_stop + index;
        let found = run.cell(u64::from(address));
        if found != Felt::from(u64::from(stop)) {
            let found = encoding::to_hex(&found);
            return Err(ExecutionError::StopPointer { builtin, address, found, expected: stop });
        }
    }
    Ok(())
}

fn check_output_prefix(run: &Run<'_>) -> Result<(), ExecutionError> {
    if let Some(start) = run.arguments_start {
        return Err(ExecutionError::ArgumentsStartUnexpected(start));
    }
    let output = run.output();
    if output.len() < run.arguments.len() {
        return Err(ExecutionError::OutputTooShort { output: output.len(), arguments: run.arguments.len() });
    }
    for (index, (found, expected)) in output.iter().zip(run.arguments).enumerate() {
        if found != expected {
            let (found, expected) = (encoding::to_hex(found), encoding::to_hex(expected));
            return Err(ExecutionError::OutputPrefix { index, found, expected });
        }
    }
    Ok(())
}

fn check_argument_segment(run: &Run<'_>, cell: u32) -> Result<(), ExecutionError> {
    let Some(start) = run.arguments_start else {
        return Err(ExecutionError::ArgumentsStartMissing);
    };
    let arguments = run.arguments.len();
    let cells = run.memory.len() as u64;
    let begin = u64::from(start);
    let end = begin + arguments as u64;
    if start == 0 || end > cells {
        return Err(ExecutionError::ArgumentsOutside { start, arguments, cells });
    }
    let pointers = run.initial_ap() + u64::from(cell);
    for (which, address, expected) in [("start", pointers, begin), ("end", pointers + 1, end)] {
        let found = run.cell(address);
        if found != Felt::from(expected) {
            let found = encoding::to_hex(&found);
            return Err(ExecutionError::ArgumentPointer { which, address, found, expected });
        }
    }
    for (index, expected) in run.arguments.iter().enumerate() {
        let address = begin + index as u64;
        let found = run.cell(address);
        if found != *expected {
            let (found, expected) = (encoding::to_hex(&found), encoding::to_hex(expected));
            return Err(ExecutionError::Argument { index, address, found, expected });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
