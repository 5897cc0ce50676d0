//! Keeps a program from using more memory than it may, and from steps that no proof exists for.
//!
//! cairo-vm grows a segment up to whatever address is written, so one step can ask for gigabytes. Before each step
//! and hint the guard looks at the addresses that it can reach and adds the growth to an estimate that is never too
//! small; when the estimate passes the limit it counts exactly.

use crate::convert::from_vm;
use crate::error::RunError;
use cairo_air::components::blake::STATE_WORDS;
use cairo_air::decode::{DecodeError, Extended, Extension};
use cairo_vm::types::relocatable::{MaybeRelocatable, Relocatable};
use cairo_vm::vm::vm_core::VirtualMachine;

/// Index of the execution segment, which follows the program's.
const EXECUTION: isize = 1;

/// What matters about an instruction before it is executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Not looked at yet.
    Unseen,
    /// All its operands are near a register.
    Near,
    /// Its second operand is `[[register + offset] + displacement]`.
    Indirect { from_fp: bool, offset: i32, displacement: i32 },
    /// A block of blake: its result goes to where `[ap]` points.
    Blake,
    /// A word from 2^63 on that is no instruction.
    Refused(DecodeError),
}

impl Kind {
    fn of(vm: &VirtualMachine, pc: Relocatable) -> Self {
        // What does not decode is refused by the machine itself.
        let Ok(word) = vm.get_integer(pc) else { return Self::Near };
        let [l0, rest @ ..] = word.to_le_digits();
        if l0 >> 63 != 0 || rest != [0; 3] {
            return match Extended::new(&from_vm(&word)).map(|extended| extended.extension) {
                Ok(Extension::Qm31) => Self::Near,
                Ok(Extension::Blake | Extension::BlakeFinalize) => Self::Blake,
                Err(error) => Self::Refused(error),
            };
        }
        let flags = l0 >> 48;
        let biased = |shift: u32| ((l0 >> shift) & 0xffff) as i32 - 0x8000;
        if (flags >> 2) & 7 == 0 {
            Self::Indirect { from_fp: flags & 2 != 0, offset: biased(16), displacement: biased(32) }
        } else {
            Self::Near
        }
    }
}

/// Memory estimate and instruction kinds of one run.
pub(crate) struct Guard {
    limit: u64,
    /// Upper bounds on the lengths of the segments.
    lengths: Vec<u64>,
    temporary: Vec<u64>,
    total: u64,
    kinds: Vec<Kind>,
}

impl Guard {
    pub(crate) fn new(limit: u64, program_words: usize) -> Self {
        Self {
            limit: limit.min(u64::from(u32::MAX)),
            lengths: Vec::new(),
            temporary: Vec::new(),
            total: 0,
            kinds: vec![Kind::Unseen; program_words],
        }
    }

    /// Upper bound on the cells in use.
    pub(crate) const fn cells(&self) -> u64 {
        self.total
    }

    /// Looks at the instruction at `pc`.
    ///
    /// # Errors
    /// If it could pass the memory limit, or no proof of it could exist.
    pub(crate) fn before_step(&mut self, vm: &mut VirtualMachine, step: u64) -> Result<(), RunError> {
        let (pc, ap, fp) = (vm.get_pc(), vm.get_ap(), vm.get_fp());
        // Operands lie within 2^15 cells of a register: that much the limit may be overshot.
        self.reserve(vm, EXECUTION, ap.offset.max(fp.offset) as u64, step)?;
        let kind = match self.kinds.get_mut(pc.offset).filter(|_| pc.segment_index == 0) {
            Some(Kind::Unseen) | None => {
                let kind = Kind::of(vm, pc);
                if let Some(slot) = self.kinds.get_mut(pc.offset).filter(|_| pc.segment_index == 0) {
                    *slot = kind;
                }
                kind
            }
            Some(kind) => *kind,
        };
        match kind {
            Kind::Near | Kind::Unseen => Ok(()),
            Kind::Indirect { from_fp, offset, displacement } => {
                let register = if from_fp { fp } else { ap };
                let Ok(address) = register + offset else { return Ok(()) };
                match vm.get_maybe(&address) {
                    Some(MaybeRelocatable::RelocatableValue(pointer)) => {
                        let end = (pointer.offset as u64).saturating_add_signed(i64::from(displacement) + 1);
                        self.reserve(vm, pointer.segment_index, end, step)
                    }
                    _ => Ok(()),
                }
            }
            Kind::Blake => match vm.get_maybe(&ap) {
                Some(MaybeRelocatable::RelocatableValue(pointer)) => {
                    let end = (pointer.offset as u64).saturating_add(STATE_WORDS as u64);
                    self.reserve(vm, pointer.segment_index, end, step)
                }
                _ => Ok(()),
            },
            Kind::Refused(error) => Err(RunError::ExtensionOpcode { pc: pc.offset, step, error }),
        }
    }

    /// Makes room for writing up to offset `end` of a segment.
    ///
    /// # Errors
    /// If memory would pass its limit.
    pub(crate) fn reserve(
        &mut self,
        vm: &mut VirtualMachine,
        segment: isize,
        end: u64,
        step: u64,
    ) -> Result<(), RunError> {
        if !self.grow(segment, end) {
            return Ok(());
        }
        self.recount(vm);
        self.grow(segment, end);
        if self.total > self.limit {
            return Err(RunError::MemoryLimit { limit: self.limit, step });
        }
        Ok(())
    }

    /// Adds a growth to the estimate; `true` if the estimate is above the limit after it.
    fn grow(&mut self, segment: isize, end: u64) -> bool {
        let (lengths, index) = if segment < 0 {
            (&mut self.temporary, (-(segment + 1)) as usize)
        } else {
            (&mut self.lengths, segment as usize)
        };
        if index >= lengths.len() {
            // A segment costs about a cell even while it is empty. The index is of a segment that exists.
            self.total += (index + 1 - lengths.len()) as u64;
            lengths.resize(index + 1, 1);
        }
        if let Some(length) = lengths.get_mut(index).filter(|length| **length < end) {
            self.total = self.total.saturating_add(end - *length);
            *length = end;
            return self.total > self.limit;
        }
        false
    }

    /// Replaces the estimate by a count. Temporary segments keep their estimate: their lengths cannot be asked for.
    pub(crate) fn recount(&mut self, vm: &mut VirtualMachine) {
        // The sizes are cached; hints and the end of the run must not see stale ones.
        vm.segments.segment_used_sizes = None;
        self.lengths = vm.segments.compute_effective_sizes().iter().map(|&length| (length as u64).max(1)).collect();
        vm.segments.segment_used_sizes = None;
        self.temporary.resize(vm.segments.num_temp_segments().max(self.temporary.len()), 1);
        self.total = self.lengths.iter().chain(&self.temporary).fold(0, |sum, length| sum.saturating_add(*length));
    }

    /// Counts, and compares with the limit.
    ///
    /// # Errors
    /// If memory has passed its limit.
    pub(crate) fn check(&mut self, vm: &mut VirtualMachine, step: u64) -> Result<(), RunError> {
        self.recount(vm);
        if self.total > self.limit {
            return Err(RunError::MemoryLimit { limit: self.limit, step });
        }
        Ok(())
    }
}
