//! From states and memory to an execution: what follows from the program is compared with it, and what nobody wrote is completed.

use super::error::ForeignError;
use super::memory::Memory;
use crate::arguments::{MAX_ARGUMENTS, prefix};
use crate::complete::complete;
use crate::convert::to_vm;
use crate::error::RunError;
use crate::limits::RunLimits;
use crate::load::{RunnableProgram, Source};
use cairo_air::program::PROGRAM_BASE;
use cairo_air::{ArgumentBinding, Builtin, Program};
use cairo_execution::{Execution, Registers, Segment, Signature};
use cairo_vm::types::relocatable::Relocatable;
use cairo_vm::vm::vm_core::VirtualMachine;
use felt::integers::to_u64;
use felt::{Felt, encoding};
use stark_curve::ecdsa::EXAMPLE;
use std::collections::BTreeMap;

/// Signatures by the instance of ecdsa that they belong to.
pub(super) type Signatures = BTreeMap<u64, Signature>;

/// A run whose program and bounds are known.
#[derive(Debug)]
pub(super) struct Parts {
    /// Registers before each step, and last those at the first arrival at the end.
    pub(super) states: Vec<Registers>,
    /// States that there were, with those behind the end.
    pub(super) recorded: u64,
    pub(super) memory: Memory,
    /// The builtins' segments, in the program's order.
    pub(super) segments: Vec<(Builtin, Segment)>,
}

impl Parts {
    /// A run of the program from a trace, which may go on behind the end, and a memory.
    pub(super) fn of_trace(
        program: &Program,
        mut states: Vec<Registers>,
        memory: Memory,
    ) -> Result<Self, ForeignError> {
        let recorded = states.len() as u64;
        check_start(program, &states, &memory)?;
        let end = program.final_pc();
        let last =
            states.iter().position(|state| state.pc == end).ok_or(ForeignError::NoEnd { steps: states.len(), end })?;
        let at_end = states.get(last).copied();
        let mut behind = (last..).zip(states.get(last..).unwrap_or_default());
        if let Some((step, _)) = behind.find(|(_, state)| Some(**state) != at_end) {
            return Err(ForeignError::AfterEnd { end: last, step });
        }
        states.truncate(last + 1);
        Self::new(program, states, recorded, memory)
    }

    /// A run from its states and its memory.
    pub(super) fn new(
        program: &Program,
        states: Vec<Registers>,
        recorded: u64,
        memory: Memory,
    ) -> Result<Self, ForeignError> {
        check_program(program, &memory)?;
        let segments = segments(program, &states, &memory)?;
        Ok(Self { states, recorded, memory, segments })
    }

    pub(super) fn segment(&self, builtin: Builtin) -> Option<Segment> {
        self.segments.iter().find(|(known, _)| *known == builtin).map(|(_, segment)| *segment)
    }

    /// How many instances the run uses.
    pub(super) fn instances(&self, builtin: Builtin) -> u64 {
        let length = self.segment(builtin).map_or(0, |segment| segment.stop - segment.base);
        u64::from(length / builtin.cells_per_instance())
    }

    /// Makes the execution. Its form and its steps are not yet checked.
    pub(super) fn finish(
        self,
        program: &RunnableProgram,
        arguments: Option<Vec<Felt>>,
        signatures: &Signatures,
        limits: &RunLimits,
    ) -> Result<Execution, ForeignError> {
        let Self { states, mut memory, segments, .. } = self;
        if states.len() as u64 > limits.max_steps.saturating_add(1) {
            return Err(ForeignError::TooManySteps { limit: limits.max_steps });
        }
        // Registers may stand behind the last written cell, and a segment's last instance may be written in part.
        let registers = states.iter().map(|state| state.ap.max(state.fp)).max().unwrap_or(0);
        let stops = segments.iter().map(|(_, segment)| segment.stop).max().unwrap_or(0);
        let cells = u64::from(registers.max(stops));
        if cells > limits.max_memory_cells {
            return Err(ForeignError::TooManyCells { limit: limits.max_memory_cells });
        }
        memory.reach(cells);
        for (builtin, segment) in &segments {
            complete_segment(*builtin, segment, &mut memory)?;
        }
        let signatures = match segments.iter().find(|(builtin, _)| *builtin == Builtin::Ecdsa) {
            Some((_, segment)) => all_signatures(segment, &memory, signatures)?,
            None => Vec::new(),
        };
        let arguments_start = match program.program().arguments() {
            ArgumentBinding::OutputPrefix => None,
            ArgumentBinding::Pointers { cell } => {
                let pointer = memory.cells.get((program.program().initial_ap() + cell) as usize);
                Some(pointer.and_then(felt::integers::word).unwrap_or_default())
            }
        };
        let mut execution = Execution {
            program: program.program().clone(),
            arguments: Vec::new(),
            trace: states,
            memory: memory.cells,
            segments: segments.into_iter().collect(),
            arguments_start,
            signatures,
            relocation: None,
        };
        execution.arguments = match arguments {
            Some(arguments) => arguments,
            None => arguments_of(program, &execution)?,
        };
        Ok(execution)
    }
}

/// The run must begin where one in proof mode does; anything else is told before much else is compared.
fn check_start(program: &Program, states: &[Registers], memory: &Memory) -> Result<(), ForeignError> {
    let start = program.initial_ap();
    let expected = Registers { pc: program.initial_pc(), ap: start, fp: start };
    match states.first() {
        Some(found) if *found == expected => Ok(()),
        Some(found) => {
            // Another program says more than another start.
            check_program(program, memory)?;
            // Without proof mode the stack holds the builtins' bases, and where `main` returns to.
            let below = program.execution_base() + program.builtins().len() as u32 + 2;
            let was_started_at_main = found.ap == below && found.fp == below;
            Err(ForeignError::Begins { found: found.to_string(), expected: expected.to_string(), was_started_at_main })
        }
        None => Err(ForeignError::TraceEmpty),
    }
}

/// The program's words must be those in memory.
pub(super) fn check_program(program: &Program, memory: &Memory) -> Result<(), ForeignError> {
    for ((word, expected), address) in program.bytecode().iter().enumerate().zip(u64::from(PROGRAM_BASE)..) {
        let found = memory.get(address);
        if found != Some(expected) {
            let found = found.map_or("not there".to_owned(), encoding::to_hex);
            return Err(ForeignError::OtherProgram { word, found, expected: encoding::to_hex(expected) });
        }
    }
    Ok(())
}

/// The builtins' bases are on the stack at the start, and where they were left at the end.
fn segments(program: &Program, states: &[Registers], memory: &Memory) -> Result<Vec<(Builtin, Segment)>, ForeignError> {
    let (builtins, start) = (program.builtins(), u64::from(program.initial_ap()));
    let last = states.last().map_or(0, |state| u64::from(state.ap));
    let stops = last.saturating_sub(builtins.len() as u64);
    let pointer = |builtin: Builtin, when, address: u64| {
        let cell = memory.get(address);
        cell.and_then(felt::integers::word).ok_or_else(|| ForeignError::BuiltinPointer {
            builtin,
            when,
            address,
            found: cell.map_or("not there".to_owned(), encoding::to_short),
        })
    };
    let segment = |(index, &builtin): (u64, &Builtin)| {
        let base = pointer(builtin, "start", start + index)?;
        let stop = pointer(builtin, "end", stops + index)?;
        if base == 0 || stop < base {
            let (address, found) = (stops + index, format!("{stop}, before its start {base}"));
            return Err(ForeignError::BuiltinPointer { builtin, when: "end", address, found });
        }
        Ok((builtin, Segment { base, stop }))
    };
    (0..).zip(builtins).map(segment).collect()
}

/// Completes the instances of which the run wrote a part, as it is done for runs made here. That looks at a machine: one that holds this segment
/// alone.
fn complete_segment(builtin: Builtin, segment: &Segment, memory: &mut Memory) -> Result<(), ForeignError> {
    let addresses = u64::from(segment.base)..u64::from(segment.stop);
    if addresses.clone().all(|address| memory.is_written(address)) {
        return Ok(());
    }
    let mut machine = VirtualMachine::new(false, false);
    let own = machine.add_memory_segment();
    for (offset, address) in addresses.enumerate() {
        if let Some(value) = memory.get(address) {
            let cell = Relocatable::from((own.segment_index, offset));
            let setup = |message: String| ForeignError::Incomplete(RunError::Setup { message });
            machine.insert_value(cell, to_vm(value)).map_err(|error| setup(error.to_string()))?;
        }
    }
    let cells = memory.cells.get_mut(segment.base as usize..segment.stop as usize).unwrap_or_default();
    Ok(complete(builtin, &machine, own.segment_index as usize, cells)?)
}

/// The signature of each instance; one of which nothing was written holds a well-known signature, as in runs made here.
fn all_signatures(segment: &Segment, memory: &Memory, given: &Signatures) -> Result<Vec<Signature>, ForeignError> {
    let cells = Builtin::Ecdsa.cells_per_instance();
    let instances = (segment.stop - segment.base) / cells;
    let signature = |instance: u32| {
        let address = u64::from(segment.base + instance * cells);
        match given.get(&u64::from(instance)) {
            Some(signature) => Ok(*signature),
            None if !memory.is_written(address) => Ok(EXAMPLE.signature),
            None => Err(ForeignError::NoSignature { instance: instance as usize }),
        }
    };
    (0..instances).map(signature).collect()
}

/// The arguments that the run had.
fn arguments_of(program: &RunnableProgram, execution: &Execution) -> Result<Vec<Felt>, ForeignError> {
    match (&program.source, program.program().arguments()) {
        (Source::Cairo0(source), _) => {
            let output = execution.output();
            let read = prefix(output, &source.inputs).and_then(|length| output.get(..length));
            read.map(<[Felt]>::to_vec).ok_or_else(|| ForeignError::ArgumentsUnread { inputs: source.names.clone() })
        }
        (_, ArgumentBinding::OutputPrefix) => Ok(Vec::new()),
        (_, ArgumentBinding::Pointers { cell }) => {
            let pointer = |cell: u32| execution.memory.get((program.program().initial_ap() + cell) as usize);
            let (start, end) = (pointer(cell), pointer(cell + 1));
            let address =
                |pointer: Option<&Felt>| pointer.and_then(to_u64).and_then(|value| usize::try_from(value).ok());
            let range = address(start).zip(address(end)).filter(|(start, end)| {
                *start > 0 && end.checked_sub(*start).is_some_and(|length| length <= MAX_ARGUMENTS)
            });
            range.and_then(|(start, end)| execution.memory.get(start..end)).map(<[Felt]>::to_vec).ok_or_else(|| {
                let shown = |pointer: Option<&Felt>| pointer.map_or("nowhere".to_owned(), encoding::to_short);
                ForeignError::ArgumentPointers { start: shown(start), end: shown(end) }
            })
        }
    }
}
