//! Where the entry wrapper puts the argument pointers, told from its instructions.

use super::hint::{CellRef, Register, ResOperand};
use crate::load_error::LoadError;
use cairo_air::Program;
use cairo_vm::Felt252;
use felt::encoding;

/// Offset of the header's `call`, whose target is relative to it.
const CALL_OFFSET: u64 = 2;

/// The hint that writes the argument pointers.
pub(super) struct ArgumentHint {
    /// Offset of the instruction before which it runs.
    pub(super) pc: usize,
    /// Where it writes.
    pub(super) dst: CellRef,
}

/// Whether an operand is the constant 0.
pub(super) fn is_zero(operand: &ResOperand) -> bool {
    matches!(operand, ResOperand::Immediate(value) if value.0 == Felt252::ZERO)
}

/// The pointers' offset from the initial `ap`.
///
/// The header adds one cell for each builtin to `ap` and calls the wrapper, which pushes two. From there the wrapper
/// must run straight to the hint and add only constants to `ap`, or the place would depend on the run.
pub(super) fn argument_cell(program: &Program, hint: &ArgumentHint) -> Result<u32, LoadError> {
    let refuse = |pc: usize, reason: &'static str| LoadError::EntryWrapper { pc, reason };
    let words = program.bytecode();
    let start = words
        .get(CALL_OFFSET as usize + 1)
        .and_then(encoding::to_u64)
        .and_then(|distance| usize::try_from(distance.checked_add(CALL_OFFSET)?).ok())
        .filter(|start| *start < words.len())
        .ok_or_else(|| refuse(CALL_OFFSET as usize, "the header calls nothing within the program"))?;
    let frame = program.builtins().len() as i64 + 2;
    let mut ap = frame;
    let mut pc = start;
    while pc < hint.pc {
        let instruction = words
            .get(pc)
            .and_then(encoding::to_u64)
            .filter(|word| word >> 63 == 0)
            .ok_or_else(|| refuse(pc, "there is no instruction"))?;
        let flags = instruction >> 48;
        let (op1_source, result) = ((flags >> 2) & 7, (flags >> 5) & 3);
        let (pc_update, ap_update, opcode) = ((flags >> 7) & 7, (flags >> 10) & 3, (flags >> 12) & 7);
        if pc_update != 0 || matches!(opcode, 1 | 2) {
            return Err(refuse(pc, "the entry wrapper jumps, calls or returns before it reads its arguments"));
        }
        let immediate = op1_source == 1;
        match ap_update {
            0 => {}
            2 => ap += 1,
            1 if immediate && result == 0 => {
                let cells = words.get(pc + 1).and_then(encoding::to_u64).and_then(|cells| u32::try_from(cells).ok());
                ap += i64::from(cells.ok_or_else(|| refuse(pc, "the entry wrapper adds a huge number to ap"))?);
            }
            _ => return Err(refuse(pc, "the entry wrapper adds a number to ap that is no constant")),
        }
        pc += if immediate { 2 } else { 1 };
    }
    if pc != hint.pc {
        return Err(refuse(hint.pc, "the hint does not stand before an instruction of the entry wrapper"));
    }
    let register = match hint.dst.register {
        Register::Ap => ap,
        Register::Fp => frame,
    };
    // The cells before the frame hold the builtins' bases and the return address.
    let cell = register + i64::from(hint.dst.offset);
    if cell < frame {
        return Err(refuse(hint.pc, "the hint writes below the entry wrapper's frame"));
    }
    u32::try_from(cell).map_err(|_| refuse(hint.pc, "the hint writes beyond all memory"))
}
