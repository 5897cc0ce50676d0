//! The check of an execution: first its form, which is everything that the statement of a proof says about memory and registers,
//! then the builtins' cells and every step.

use crate::{Execution, ExecutionError, Registers, cells, step};
use cairo_air::claim::MAX_OUTPUT;
use cairo_air::program::PROGRAM_BASE;
use cairo_air::{ArgumentBinding, Builtin};
use felt::{Felt, encoding};

/// Checks everything that [`Execution::check`] promises.
pub(crate) fn check(execution: &Execution) -> Result<(), ExecutionError> {
    check_form(execution)?;
    cells::check(execution)?;
    step::check(execution)
}

/// Checks everything that [`Execution::check_form`] promises.
pub(crate) fn check_form(execution: &Execution) -> Result<(), ExecutionError> {
    check_size(execution)?;
    check_trace(execution)?;
    check_program(execution)?;
    check_segments(execution)?;
    match execution.program.arguments() {
        ArgumentBinding::OutputPrefix => check_output_prefix(execution),
        ArgumentBinding::Pointers { cell } => check_argument_segment(execution, cell),
    }
}

fn check_size(execution: &Execution) -> Result<(), ExecutionError> {
    let cells = execution.memory.len() as u64;
    let needed = u64::from(execution.program.initial_ap()) + execution.program.builtins().len() as u64;
    check_cells(cells, needed)?;
    match execution.memory.first() {
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

fn check_trace(execution: &Execution) -> Result<(), ExecutionError> {
    let program = &execution.program;
    let (first, last_state) = match execution.trace.as_slice() {
        [first, .., last] => (first, last),
        states => return Err(ExecutionError::EmptyTrace { states: states.len() }),
    };
    let start = program.initial_ap();
    let expected = Registers { pc: program.initial_pc(), ap: start, fp: start };
    if *first != expected {
        return Err(ExecutionError::InitialState { found: *first, expected });
    }
    // `ap` and `fp` may stand one past the last cell: they point to where the next value would go.
    let end = execution.memory.len() as u32;
    let steps = execution.n_steps();
    // Most states are right: many are looked at together, and one by one only where something is wrong, or it is the last.
    let is_wrong = |state: &Registers| {
        let outside = |value: u32, last: u32| value.wrapping_sub(1) >= last;
        outside(state.pc, end - 1) | outside(state.ap, end) | outside(state.fp, end) | (state.pc == program.final_pc())
    };
    let wrong = |states: &&[Registers]| states.iter().fold(false, |wrong, state| wrong | is_wrong(state));
    let chunks = execution.trace.chunks(STATES_AT_ONCE).enumerate().filter(|(_, states)| wrong(states));
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

fn check_program(execution: &Execution) -> Result<(), ExecutionError> {
    let program = &execution.program;
    let cells = execution.memory.iter().zip(0..).skip(PROGRAM_BASE as usize);
    for (word, (expected, (found, address))) in program.bytecode().iter().zip(cells).enumerate() {
        if found != expected {
            let (found, expected) = (encoding::to_hex(found), encoding::to_hex(expected));
            return Err(ExecutionError::Bytecode { address, word, found, expected });
        }
    }
    let head = program.execution_base();
    for (address, expected) in [(head, u64::from(head) + 2), (head + 1, 0)] {
        let found = execution.cell(u64::from(address));
        if found != Felt::from(expected) {
            let (found, expected) = (encoding::to_hex(&found), format!("{expected:#x}"));
            return Err(ExecutionError::ExecutionHead { address, found, expected });
        }
    }
    Ok(())
}

fn check_segments(execution: &Execution) -> Result<(), ExecutionError> {
    let builtins = execution.program.builtins();
    if let Some(undeclared) = execution.segments.keys().find(|builtin| !builtins.contains(builtin)) {
        return Err(ExecutionError::SegmentUndeclared(*undeclared));
    }
    if !builtins.contains(&Builtin::Ecdsa) && !execution.signatures.is_empty() {
        return Err(ExecutionError::Signatures { instances: 0, signatures: execution.signatures.len() });
    }
    let final_ap = execution.trace.last().map_or(0, |state| state.ap);
    let first_stop = final_ap.saturating_sub(builtins.len() as u32);
    let initial = execution.program.initial_ap();
    let cells = execution.memory.len() as u64;
    for (index, &builtin) in (0..).zip(builtins) {
        let Some(segment) = execution.segments.get(&builtin) else {
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
        if builtin == Builtin::Ecdsa && execution.signatures.len() != instances {
            return Err(ExecutionError::Signatures { instances, signatures: execution.signatures.len() });
        }
        if builtin == Builtin::Output && (stop - base) as usize > MAX_OUTPUT {
            return Err(ExecutionError::OutputTooLong((stop - base) as usize));
        }
        let address = initial + index;
        let found = execution.cell(u64::from(address));
        if found != Felt::from(u64::from(base)) {
            let found = encoding::to_hex(&found);
            return Err(ExecutionError::BuiltinBase { builtin, address, found, expected: base });
        }
        let address = first_stop + index;
        let found = execution.cell(u64::from(address));
        if found != Felt::from(u64::from(stop)) {
            let found = encoding::to_hex(&found);
            return Err(ExecutionError::StopPointer { builtin, address, found, expected: stop });
        }
    }
    Ok(())
}

fn check_output_prefix(execution: &Execution) -> Result<(), ExecutionError> {
    if let Some(start) = execution.arguments_start {
        return Err(ExecutionError::ArgumentsStartUnexpected(start));
    }
    let output = execution.output();
    if output.len() < execution.arguments.len() {
        return Err(ExecutionError::OutputTooShort { output: output.len(), arguments: execution.arguments.len() });
    }
    for (index, (found, expected)) in output.iter().zip(&execution.arguments).enumerate() {
        if found != expected {
            let (found, expected) = (encoding::to_hex(found), encoding::to_hex(expected));
            return Err(ExecutionError::OutputPrefix { index, found, expected });
        }
    }
    Ok(())
}

fn check_argument_segment(execution: &Execution, cell: u32) -> Result<(), ExecutionError> {
    let Some(start) = execution.arguments_start else {
        return Err(ExecutionError::ArgumentsStartMissing);
    };
    let arguments = execution.arguments.len();
    let cells = execution.memory.len() as u64;
    let begin = u64::from(start);
    let end = begin + arguments as u64;
    if start == 0 || end > cells {
        return Err(ExecutionError::ArgumentsOutside { start, arguments, cells });
    }
    let pointers = u64::from(execution.program.initial_ap()) + u64::from(cell);
    for (which, address, expected) in [("start", pointers, begin), ("end", pointers + 1, end)] {
        let found = execution.cell(address);
        if found != Felt::from(expected) {
            let found = encoding::to_hex(&found);
            return Err(ExecutionError::ArgumentPointer { which, address, found, expected });
        }
    }
    for (index, expected) in execution.arguments.iter().enumerate() {
        let address = begin + index as u64;
        let found = execution.cell(address);
        if found != *expected {
            let (found, expected) = (encoding::to_hex(&found), encoding::to_hex(expected));
            return Err(ExecutionError::Argument { index, address, found, expected });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
