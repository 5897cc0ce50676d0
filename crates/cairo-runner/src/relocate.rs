//! From the virtual machine's segments to one address space: the program at 1, the execution segment, the builtins in
//! order, everything else.

use crate::complete::{complete, ecdsa};
use crate::convert::from_vm;
use crate::error::RunError;
use cairo_air::program::PROGRAM_BASE;
use cairo_air::{ArgumentBinding, Builtin, Program};
use cairo_execution::{Execution, Pointer, Registers, Relocation, Segment};
use cairo_vm::types::relocatable::{MaybeRelocatable, Relocatable};
use cairo_vm::vm::runners::cairo_runner::CairoRunner;
use cairo_vm::vm::vm_core::VirtualMachine;
use felt::integers::small;
use felt::{Felt, encoding};
use std::collections::BTreeMap;
use std::ops::Range;

/// Registers before each step, not yet relocated.
#[derive(Default)]
pub(crate) struct RawTrace {
    /// Offsets in the program segment and the execution segment.
    states: Vec<Registers>,
    /// Steps whose `pc` is in another segment than the program's.
    elsewhere: Vec<(usize, isize)>,
    /// How much of the execution segment the registers reach, written or not.
    stack_cells: u32,
}

impl RawTrace {
    pub(crate) fn push(&mut self, vm: &VirtualMachine) -> Result<(), RunError> {
        let pc = vm.get_pc();
        let offset = |offset: usize| u32::try_from(offset).map_err(|_| RunError::AddressSpace { cells: offset as u64 });
        if pc.segment_index != 0 {
            self.elsewhere.push((self.states.len(), pc.segment_index));
        }
        let state =
            Registers { pc: offset(pc.offset)?, ap: offset(vm.get_ap().offset)?, fp: offset(vm.get_fp().offset)? };
        self.stack_cells = self.stack_cells.max(state.ap).max(state.fp);
        self.states.push(state);
        Ok(())
    }
}

/// First addresses of the segments.
struct Bases {
    bases: Vec<u64>,
    lengths: Vec<u64>,
}

impl Bases {
    /// `order` lists the segments that come first; the others follow by index.
    fn new(lengths: Vec<u64>, order: &[usize]) -> Result<(Self, usize), RunError> {
        let mut bases = vec![0; lengths.len()];
        let rest = (0..lengths.len()).filter(|index| !order.contains(index));
        let mut next = u64::from(PROGRAM_BASE);
        for index in order.iter().copied().chain(rest) {
            let (Some(base), Some(length)) = (bases.get_mut(index), lengths.get(index)) else { continue };
            *base = next;
            next += length;
        }
        if next > u64::from(u32::MAX) {
            return Err(RunError::AddressSpace { cells: next });
        }
        Ok((Self { bases, lengths }, next as usize))
    }

    fn base(&self, segment: isize) -> Option<u64> {
        usize::try_from(segment).ok().and_then(|index| self.bases.get(index)).copied()
    }

    /// The addresses of a segment.
    fn range(&self, segment: usize) -> Option<Range<usize>> {
        let (base, length) = (*self.bases.get(segment)?, self.lengths.get(segment)?);
        Some(base as usize..(base + length) as usize)
    }

    fn value(&self, value: &MaybeRelocatable, segment: usize) -> Result<Felt, RunError> {
        match value {
            MaybeRelocatable::Int(value) => Ok(from_vm(value)),
            MaybeRelocatable::RelocatableValue(pointer) => match self.base(pointer.segment_index) {
                Some(base) => Ok(small(base.saturating_add(pointer.offset as u64))),
                None if pointer.segment_index < 0 => {
                    Err(RunError::TemporarySegment { segment, temporary: pointer.segment_index })
                }
                None => Err(RunError::DanglingPointer { segment, target: pointer.segment_index as usize }),
            },
        }
    }
}

/// Makes the execution out of a run that has ended. `padding` is a segment that is no part of it.
pub(crate) fn relocate(
    runner: &mut CairoRunner,
    program: &Program,
    arguments: Vec<Felt>,
    trace: RawTrace,
    padding: Option<usize>,
) -> Result<Execution, RunError> {
    let words = program.bytecode().len();
    let mut lengths: Vec<u64> =
        runner.vm.segments.compute_effective_sizes().iter().map(|&length| length as u64).collect();
    if let Some(length) = padding.and_then(|segment| lengths.get_mut(segment)) {
        *length = 0;
    }
    if let Some(cells) = lengths.first().and_then(|&length| (length as usize).checked_sub(words)).filter(|&n| n > 0) {
        return Err(RunError::ProgramGrew { cells, words });
    }
    let builtins = builtin_segments(runner, program)?;
    for &(builtin, segment) in &builtins {
        // The last instance may be written in part: it is one all the same, as for cairo-vm.
        if let Some(length) = lengths.get_mut(segment) {
            *length = length.next_multiple_of(u64::from(builtin.cells_per_instance()));
        }
    }
    let used = lengths.clone();
    // Registers may stand beyond the last written cell; no other segment may begin there.
    if let Some(stack) = lengths.get_mut(1) {
        *stack = (*stack).max(u64::from(trace.stack_cells));
    }
    check_stop_pointers(&runner.vm, &builtins, &lengths)?;
    check_output(&runner.vm, &builtins)?;
    let mut order: Vec<usize> = [0, 1].into_iter().chain(builtins.iter().map(|(_, segment)| *segment)).collect();
    let (bases, cells) = Bases::new(lengths, &order)?;
    let rest = (0..bases.bases.len()).filter(|index| !order.contains(index)).collect::<Vec<_>>();
    order.extend(rest);
    let (mut memory, pointers) = copy_memory(&runner.vm, &bases, cells, &order)?;
    for &(builtin, segment) in &builtins {
        let cells = bases.range(segment).and_then(|range| memory.get_mut(range)).unwrap_or_default();
        complete(builtin, &runner.vm, segment, cells)?;
    }
    let signatures = match builtins.iter().find(|(builtin, _)| *builtin == Builtin::Ecdsa) {
        Some(&(_, segment)) => {
            ecdsa::signatures(&runner.vm, segment, bases.range(segment).map_or(0, |range| range.len()))?
        }
        None => Vec::new(),
    };
    let trace = relocate_trace(trace, &bases)?;
    let segments = segments(&builtins, &bases, &used);
    let arguments_start = match program.arguments() {
        ArgumentBinding::OutputPrefix => None,
        ArgumentBinding::Pointers { cell } => {
            let address = program.initial_ap().saturating_add(cell);
            // 0 is no address: the execution's own check then says what is missing.
            Some(read_address(&memory, address).unwrap_or_default())
        }
    };
    let placed = |index: &usize| {
        let range = bases.range(*index).unwrap_or_default();
        // All addresses fit: `Bases` has made sure.
        Segment { base: range.start as u32, stop: range.end as u32 }
    };
    let relocation = Relocation { segments: order.iter().skip(1).map(placed).collect(), pointers };
    Ok(Execution {
        program: program.clone(),
        arguments,
        trace,
        memory,
        segments,
        arguments_start,
        signatures,
        relocation: Some(relocation),
    })
}

/// The segment index of each declared builtin, in order.
fn builtin_segments(runner: &CairoRunner, program: &Program) -> Result<Vec<(Builtin, usize)>, RunError> {
    let segment = |&builtin: &Builtin| {
        let runners = &runner.vm.builtin_runners;
        let found = runners.iter().find(|runner| runner.name().to_str() == builtin.name());
        found
            .map(|runner| (builtin, runner.base()))
            .ok_or_else(|| RunError::Setup { message: format!("there is no segment for the builtin `{builtin}`") })
    };
    program.builtins().iter().map(segment).collect()
}

/// The memory, and which of its cells hold addresses outside the program. `order` is that of the segments in memory.
fn copy_memory(
    vm: &VirtualMachine,
    bases: &Bases,
    cells: usize,
    order: &[usize],
) -> Result<(Vec<Felt>, Vec<Pointer>), RunError> {
    let mut memory = felt::memory::zeros(cells);
    let mut pointers = Vec::new();
    // Their places after the program.
    let mut places = vec![None; bases.bases.len()];
    for (place, segment) in (0..).zip(order.iter().skip(1)) {
        if let Some(slot) = places.get_mut(*segment) {
            *slot = Some(place);
        }
    }
    for &segment in order {
        let (Some(&base), Some(&length)) = (bases.bases.get(segment), bases.lengths.get(segment)) else { continue };
        let targets = memory.iter_mut().skip(base as usize).take(length as usize);
        for (offset, target) in targets.enumerate() {
            let Some(value) = vm.get_maybe(&Relocatable::from((segment as isize, offset))) else { continue };
            *target = bases.value(&value, segment)?;
            if let MaybeRelocatable::RelocatableValue(pointer) = value
                && let Some(place) = usize::try_from(pointer.segment_index).ok().and_then(|index| *places.get(index)?)
            {
                pointers.push(Pointer { cell: base as u32 + offset as u32, segment: place });
            }
        }
    }
    Ok((memory, pointers))
}

fn relocate_trace(raw: RawTrace, bases: &Bases) -> Result<Vec<Registers>, RunError> {
    let stack = bases.base(1).unwrap_or_default();
    let at = |base: u64, offset: u32| {
        let address = base + u64::from(offset);
        u32::try_from(address).map_err(|_| RunError::AddressSpace { cells: address })
    };
    let RawTrace { states: mut trace, elsewhere, .. } = raw;
    for &(step, segment) in &elsewhere {
        let base = bases.base(segment).ok_or(RunError::TemporarySegment { segment: 0, temporary: segment })?;
        if let Some(state) = trace.get_mut(step) {
            // The program's own base is added to every pc below.
            state.pc = at(base - u64::from(PROGRAM_BASE), state.pc)?;
        }
    }
    for state in &mut trace {
        *state = Registers {
            pc: at(u64::from(PROGRAM_BASE), state.pc)?,
            ap: at(stack, state.ap)?,
            fp: at(stack, state.fp)?,
        };
    }
    Ok(trace)
}

/// The used cells of the builtins' segments.
fn segments(builtins: &[(Builtin, usize)], bases: &Bases, used: &[u64]) -> BTreeMap<Builtin, Segment> {
    let segment = |&(builtin, index): &(Builtin, usize)| {
        let base = bases.bases.get(index).copied().unwrap_or_default();
        let stop = base + used.get(index).copied().unwrap_or_default();
        // All addresses fit: `Bases` has made sure.
        (builtin, Segment { base: base as u32, stop: stop as u32 })
    };
    builtins.iter().map(segment).collect()
}

/// The final stack holds the builtins' pointers, in order, each behind the cells that were used: cells beyond the stop
/// pointer would not be proved, and cells before it that nobody wrote do not exist.
fn check_stop_pointers(vm: &VirtualMachine, builtins: &[(Builtin, usize)], lengths: &[u64]) -> Result<(), RunError> {
    for (&(builtin, segment), below) in builtins.iter().zip((1..=builtins.len()).rev()) {
        let used = lengths.get(segment).copied().unwrap_or_default();
        let found = (vm.get_ap() - below).ok().and_then(|address| vm.get_maybe(&address));
        let expected = Relocatable::from((segment as isize, used as usize));
        if found != Some(MaybeRelocatable::RelocatableValue(expected)) {
            let found = match found {
                None => "nothing".to_owned(),
                Some(MaybeRelocatable::Int(value)) => format!("the number {value:#x}"),
                Some(MaybeRelocatable::RelocatableValue(pointer)) if pointer.segment_index == segment as isize => {
                    format!("it behind {} cells", pointer.offset)
                }
                Some(MaybeRelocatable::RelocatableValue(_)) => "a pointer into another segment".to_owned(),
            };
            return Err(RunError::StopPointer { builtin, used, found });
        }
    }
    Ok(())
}

/// Addresses depend on where segments are placed: they are no results.
fn check_output(vm: &VirtualMachine, builtins: &[(Builtin, usize)]) -> Result<(), RunError> {
    let Some(&(_, segment)) = builtins.iter().find(|(builtin, _)| *builtin == Builtin::Output) else { return Ok(()) };
    let cells = vm.get_segment_used_size(segment).unwrap_or_default();
    for index in 0..cells {
        let value = vm.get_maybe(&Relocatable::from((segment as isize, index)));
        if matches!(value, Some(MaybeRelocatable::RelocatableValue(_))) {
            return Err(RunError::OutputAddress { index });
        }
    }
    Ok(())
}

fn read_address(memory: &[Felt], address: u32) -> Option<u32> {
    encoding::to_u64(memory.get(address as usize)?)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    #[test]
    fn segments_lie_behind_each_other() {
        let (bases, cells) = Bases::new(vec![8, 5, 0, 10, 3], &[0, 1, 3, 2]).expect("few cells");
        assert_eq!(bases.bases, [1, 9, 24, 14, 24]);
        assert_eq!(cells, 27);
    }

    #[test]
    fn addresses_have_32_bits() {
        let lengths = vec![8, u64::from(u32::MAX)];
        let error = Bases::new(lengths, &[0, 1]).err();
        assert_eq!(error, Some(RunError::AddressSpace { cells: u64::from(u32::MAX) + 9 }));
    }

    #[test]
    fn pointers_must_lead_somewhere() {
        let (bases, _) = Bases::new(vec![8, 5], &[0, 1]).expect("few cells");
        let pointer = |segment: isize| MaybeRelocatable::RelocatableValue(Relocatable::from((segment, 2)));
        assert_eq!(bases.value(&pointer(1), 0), Ok(Felt::from(11)));
        assert_eq!(bases.value(&pointer(-1), 3), Err(RunError::TemporarySegment { segment: 3, temporary: -1 }));
        assert_eq!(bases.value(&pointer(7), 3), Err(RunError::DanglingPointer { segment: 3, target: 7 }));
    }
}
