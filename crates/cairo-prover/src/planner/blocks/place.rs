//! What an instruction is to a run that comes by.

use cairo_air::Program;
use cairo_air::decode::Decoded;
use cairo_air::program::PROGRAM_BASE;
use cairo_execution::Registers;
use felt::Felt;
use felt::integers::to_u64;

/// How to see the outcome of the instruction at a pc.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Plain,
    Return,
    /// A conditional jump that was taken if the next pc is not this one.
    Jump(u32),
    /// A conditional jump whose target may be the next instruction.
    Unclear(Decoded),
}

/// What is known about a pc.
#[derive(Clone, Copy)]
pub(super) struct Place {
    /// Its place in the bytecode, or the bytecode's length for everything outside.
    pub(super) index: usize,
    pub(super) pc: u32,
    pub(super) kind: Kind,
    pub(super) decoded: Option<Decoded>,
    pub(super) frame: i64,
    pub(super) uniform: bool,
    pub(super) advance: u32,
    /// Tokens of the outcomes not taken (or plain) and taken.
    pub(super) tokens: [u16; 2],
    /// Of a return, where it led last, and how far below its frame the caller's was.
    pub(super) returned: Option<(u32, Option<u32>)>,
}

pub(super) fn place(program: &Program, pc: u32) -> Place {
    let index = pc.wrapping_sub(PROGRAM_BASE) as usize;
    let decoded = program.bytecode().get(index).and_then(|word| Decoded::new(word).ok());
    let kind = match decoded {
        Some(decoded) if decoded.flags.pc_jnz() => {
            let immediate = decoded.flags.op1_imm().then(|| program.bytecode().get(index + 1)).flatten();
            let size = decoded.flags.size();
            match immediate {
                Some(immediate) if *immediate != Felt::from(u64::from(size)) => Kind::Jump(pc.wrapping_add(size)),
                _ => Kind::Unclear(decoded),
            }
        }
        Some(decoded) if decoded.flags.ret() => Kind::Return,
        _ => Kind::Plain,
    };
    Place {
        index: index.min(program.bytecode().len()),
        pc,
        kind,
        decoded,
        frame: 0,
        uniform: true,
        advance: decoded.map_or(0, |decoded| advance(&decoded, program.bytecode().get(index + 1))),
        tokens: [u16::MAX; 2],
        returned: None,
    }
}

/// How far an instruction moves `ap`; 0 if that is not constant.
fn advance(decoded: &Decoded, immediate: Option<&Felt>) -> u32 {
    let flags = decoded.flags;
    if flags.call() {
        return 2;
    }
    if flags.ap_add_res() && flags.op1_imm() && !flags.res_add() && !flags.res_mul() {
        return immediate.and_then(to_u64).and_then(|cells| u32::try_from(cells).ok()).unwrap_or(0);
    }
    u32::from(flags.ap_add1())
}

/// Whether a conditional jump was taken, by the cell that it tests.
pub(super) fn tests_nonzero(decoded: &Decoded, registers: &Registers, memory: &[Felt]) -> bool {
    let base = if decoded.flags.dst_fp() { registers.fp } else { registers.ap };
    let [off0, ..] = decoded.offsets;
    let cell = base.checked_add_signed(off0).and_then(|address| memory.get(address as usize));
    cell.is_some_and(|cell| *cell != Felt::zero())
}
