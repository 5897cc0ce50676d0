//! The steps of a run of which only the memory is there. Memory is written once, so the next state follows from each.
//!
//! This is the transition of the Cairo whitepaper (eprint 2021/1063, section 4.5) without its demands: the check of the execution, which
//! comes afterwards, is what decides whether these are steps.

use super::error::ForeignError;
use super::memory::Memory;
use cairo_air::Program;
use cairo_air::decode::{Decoded, Extended, Instruction};
use cairo_execution::Registers;
use felt::Felt;
use felt::integers::{integer, signed, small, word};

/// Steps from the start to the first arrival at the end.
pub(super) fn replay(program: &Program, memory: &Memory, max_steps: u64) -> Result<Vec<Registers>, ForeignError> {
    let start = program.initial_ap();
    let mut state = Registers { pc: program.initial_pc(), ap: start, fp: start };
    let mut states = vec![state];
    while state.pc != program.final_pc() {
        let step = states.len() as u64 - 1;
        if step >= max_steps {
            return Err(ForeignError::TooManySteps { limit: max_steps });
        }
        state = next(&memory.cells, state).map_err(|what| ForeignError::PieStep { step, pc: state.pc, what })?;
        states.push(state);
    }
    Ok(states)
}

const NO_CELL: &str = "it reads a cell that is not there";
const NO_ADDRESS: &str = "it leads to an address that does not exist";

fn next(cells: &[Felt], state: Registers) -> Result<Registers, &'static str> {
    let at = |address: i64| {
        let index = usize::try_from(address).ok().filter(|index| *index > 0);
        index.and_then(|index| cells.get(index)).copied().ok_or(NO_CELL)
    };
    let Registers { pc, ap, fp } = state;
    let instruction = Instruction::new(&at(i64::from(pc))?).map_err(|_| "there is no instruction")?;
    let Decoded { flags, offsets } = match instruction {
        Instruction::Plain(decoded) => decoded,
        // What an extension computes lands in cells; the registers go on as behind an assertion.
        Instruction::Extended(Extended { flags, .. }) => {
            let (size, added) = (flags.size(), u32::from(flags.ap_add1()));
            let grown = pc.checked_add(size).zip(ap.checked_add(added));
            return grown.map(|(pc, ap)| Registers { pc, ap, fp }).ok_or(NO_ADDRESS);
        }
    };
    let [off_dst, off_op0, off_op1] = offsets.map(i64::from);
    let base = |is_fp| i64::from(if is_fp { fp } else { ap });
    let dst = if flags.uses_dst() { at(base(flags.dst_fp()) + off_dst)? } else { Felt::zero() };
    let op0 = if flags.op0_uses() > 0 { at(base(flags.op0_fp()) + off_op0)? } else { Felt::zero() };
    let op1_base = if flags.op1_imm() {
        i64::from(pc)
    } else if flags.op1_fp() {
        i64::from(fp)
    } else if flags.op1_ap() {
        i64::from(ap)
    } else {
        integer(&op0).ok_or(NO_CELL)?
    };
    let op1 = at(op1_base.checked_add(off_op1).ok_or(NO_CELL)?)?;
    let res = if flags.res_add() {
        op0 + op1
    } else if flags.res_mul() {
        op0 * op1
    } else {
        op1
    };
    let here = small(u64::from(pc));
    let next_pc = if flags.pc_abs() {
        res
    } else if flags.pc_rel() {
        here + res
    } else if flags.pc_jnz() && dst != Felt::zero() {
        here + op1
    } else {
        here + small(u64::from(flags.size()))
    };
    let next_ap = if flags.ap_add_res() {
        small(u64::from(ap)) + res
    } else {
        signed(i64::from(ap) + if flags.call() { 2 } else { i64::from(flags.ap_add1()) })
    };
    let next_fp = if flags.call() {
        signed(i64::from(ap) + 2)
    } else if flags.ret() {
        dst
    } else {
        small(u64::from(fp))
    };
    let register = |value: &Felt| word(value).ok_or(NO_ADDRESS);
    Ok(Registers { pc: register(&next_pc)?, ap: register(&next_ap)?, fp: register(&next_fp)? })
}
