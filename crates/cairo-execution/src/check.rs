//! The cheap structural check of an execution: everything that the statement of a proof says about memory and
//! registers, and nothing that needs a step to be executed again.

use crate::{Execution, Registers};
use cairo_air::program::PROGRAM_BASE;
use cairo_air::{ArgumentBinding, Builtin};
use felt::{Felt, encoding};
use std::fmt;

/// What is wrong with an execution. Addresses are relocated ones, steps count from 0.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExecutionError {
    /// Memory does not even hold the program and the head of the execution segment.
    #[error("memory has {cells} cells, but the program and the start of its execution segment take {needed}")]
    MemoryTooShort {
        /// Cells that there are.
        cells: u64,
        /// Cells that must be there.
        needed: u64,
    },
    /// More cells than 32-bit addresses reach.
    #[error("memory has {cells} cells, more than 32-bit addresses reach; split the work into smaller units")]
    MemoryTooLong {
        /// Cells that there are.
        cells: u64,
    },
    /// The unused cell 0 holds something.
    #[error("memory cell 0 is no part of a run and must hold 0, but holds {found}")]
    CellZero {
        /// What it holds.
        found: String,
    },
    /// No step was recorded.
    #[error("the trace has {states} states, so not one step; a run has at least one")]
    EmptyTrace {
        /// States that there are.
        states: usize,
    },
    /// A register points outside memory.
    #[error("before step {step}, {register} = {value} lies outside memory (1..={last})")]
    RegisterOutside {
        /// Step.
        step: usize,
        /// `pc`, `ap` or `fp`.
        register: &'static str,
        /// Its value.
        value: u32,
        /// Largest value allowed.
        last: u32,
    },
    /// The run does not begin where the program begins.
    #[error("the run begins at {found}, but this program begins at {expected}")]
    InitialState {
        /// First state of the trace.
        found: Registers,
        /// The state that the program fixes.
        expected: Registers,
    },
    /// The run does not end at the program's end.
    #[error("the run ends at pc = {pc}, fp = {fp}, but this program ends at pc = {expected_pc}, fp = {expected_fp}")]
    FinalState {
        /// Last `pc`.
        pc: u32,
        /// Last `fp`.
        fp: u32,
        /// The `pc` that the program fixes.
        expected_pc: u32,
        /// The `fp` that the program fixes.
        expected_fp: u32,
    },
    /// The end was reached before the last state.
    #[error("the program's end is reached at step {step} already, but the trace goes on to step {last}")]
    EarlyEnd {
        /// Step of the first arrival.
        step: usize,
        /// Last step.
        last: usize,
    },
    /// The final `ap` leaves no room for the stop pointers.
    #[error("the run ends with ap = {ap}, but the builtins' stop pointers need it to be at least {least}")]
    FinalAp {
        /// Last `ap`.
        ap: u32,
        /// Least possible one.
        least: u64,
    },
    /// Memory at the program's addresses is not the program.
    #[error("memory cell {address} holds {found}, but word {word} of the program is {expected}")]
    Bytecode {
        /// Address.
        address: u32,
        /// Word index.
        word: usize,
        /// What memory holds.
        found: String,
        /// What the program holds.
        expected: String,
    },
    /// The first two cells of the execution segment are wrong.
    #[error("memory cell {address}, at the head of the execution segment, holds {found} instead of {expected}")]
    ExecutionHead {
        /// Address.
        address: u32,
        /// What memory holds.
        found: String,
        /// What must be there.
        expected: String,
    },
    /// A declared builtin has no segment.
    #[error("the program declares the builtin `{0}`, but the execution has no segment for it")]
    SegmentMissing(Builtin),
    /// A segment for a builtin that the program does not declare.
    #[error("the execution has a segment for the builtin `{0}`, which the program does not declare")]
    SegmentUndeclared(Builtin),
    /// A segment's addresses are out of order or outside memory.
    #[error("the segment of `{builtin}` is {base}..{stop}, which is no range within memory ({cells} cells)")]
    SegmentBounds {
        /// Builtin.
        builtin: Builtin,
        /// First address.
        base: u32,
        /// One past the last.
        stop: u32,
        /// Cells of memory.
        cells: u64,
    },
    /// A segment is no whole number of instances.
    #[error(
        "the segment of `{builtin}` has {len} cells, which is no multiple of the {cells_per_instance} of one instance"
    )]
    SegmentInstances {
        /// Builtin.
        builtin: Builtin,
        /// Cells of the segment.
        len: u32,
        /// Cells of an instance.
        cells_per_instance: u32,
    },
    /// The initial stack does not hold a builtin's base.
    #[error("memory cell {address} holds {found}, but the base of `{builtin}` there is {expected}")]
    BuiltinBase {
        /// Builtin.
        builtin: Builtin,
        /// Address.
        address: u32,
        /// What memory holds.
        found: String,
        /// The segment's base.
        expected: u32,
    },
    /// The final stack does not hold a builtin's stop pointer.
    #[error("memory cell {address} holds {found}, but the stop pointer of `{builtin}` there is {expected}")]
    StopPointer {
        /// Builtin.
        builtin: Builtin,
        /// Address.
        address: u32,
        /// What memory holds.
        found: String,
        /// The segment's end.
        expected: u32,
    },
    /// Fewer output values than arguments.
    #[error(
        "the output has {output} values and cannot begin with the {arguments} arguments; \
         a provable Cairo 0 program first writes its arguments to the output, in order"
    )]
    OutputTooShort {
        /// Output values.
        output: usize,
        /// Arguments.
        arguments: usize,
    },
    /// The output does not begin with the arguments.
    #[error(
        "output value {index} is {found}, but argument {index} is {expected}; \
         a provable Cairo 0 program first writes its arguments to the output, in order"
    )]
    OutputPrefix {
        /// Index, from 0.
        index: usize,
        /// The output value.
        found: String,
        /// The argument.
        expected: String,
    },
    /// An argument segment is given for a program that binds arguments by its output.
    #[error("the execution names an argument segment at {0}, but this program binds its arguments by its output")]
    ArgumentsStartUnexpected(u32),
    /// No argument segment is given for a program that needs one.
    #[error("the execution does not say where its argument segment starts")]
    ArgumentsStartMissing,
    /// The argument segment is not within memory.
    #[error("the {arguments} arguments at {start} reach outside memory ({cells} cells)")]
    ArgumentsOutside {
        /// Start of the segment.
        start: u32,
        /// Number of arguments.
        arguments: usize,
        /// Cells of memory.
        cells: u64,
    },
    /// A pointer cell of the entry wrapper is wrong.
    #[error("memory cell {address} holds {found}, but the {which} of the arguments there is {expected}")]
    ArgumentPointer {
        /// `start` or `end`.
        which: &'static str,
        /// Address.
        address: u64,
        /// What memory holds.
        found: String,
        /// The address that it must hold.
        expected: u64,
    },
    /// A cell of the argument segment is wrong.
    #[error("memory cell {address} holds {found}, but argument {index} there is {expected}")]
    Argument {
        /// Index, from 0.
        index: usize,
        /// Address.
        address: u64,
        /// What memory holds.
        found: String,
        /// The argument.
        expected: String,
    },
}

impl fmt::Display for Registers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pc = {}, ap = {}, fp = {}", self.pc, self.ap, self.fp)
    }
}

/// Checks everything that [`Execution::check`] promises.
pub(crate) fn check(execution: &Execution) -> Result<(), ExecutionError> {
    check_size(execution)?;
    check_trace(execution)?;
    check_program(execution)?;
    check_builtins(execution)?;
    match execution.program.arguments() {
        ArgumentBinding::OutputPrefix => check_output_prefix(execution),
        ArgumentBinding::Pointers { cell } => check_argument_segment(execution, cell),
    }
}

fn check_size(execution: &Execution) -> Result<(), ExecutionError> {
    let cells = execution.memory.len() as u64;
    let needed = u64::from(execution.program.initial_ap()) + execution.program.builtins().len() as u64;
    if cells < needed {
        return Err(ExecutionError::MemoryTooShort { cells, needed });
    }
    if cells > u64::from(u32::MAX) {
        return Err(ExecutionError::MemoryTooLong { cells });
    }
    match execution.memory.first() {
        Some(cell) if *cell != Felt::zero() => Err(ExecutionError::CellZero { found: encoding::to_hex(cell) }),
        _ => Ok(()),
    }
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

fn check_builtins(execution: &Execution) -> Result<(), ExecutionError> {
    let builtins = execution.program.builtins();
    if let Some(undeclared) = execution.segments.keys().find(|builtin| !builtins.contains(builtin)) {
        return Err(ExecutionError::SegmentUndeclared(*undeclared));
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
