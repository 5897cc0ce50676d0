//! The steps of a run of which only the memory is there. Memory is written once, so the next state follows from each.
//!
//! Nothing is demanded of what instructions read: the check of the execution, which comes afterwards, is what decides whether these are steps.

use super::error::ForeignError;
use super::memory::Memory;
use cairo_air::Program;
use cairo_air::decode::{Extended, Instruction};
use cairo_execution::{Operands, Registers};
use felt::Felt;
use felt::integers::word;

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
    let Registers { pc, ap, fp } = state;
    let found = cells.get(pc as usize).filter(|_| pc > 0).ok_or(NO_CELL)?;
    let instruction = Instruction::new(found).map_err(|_| "there is no instruction")?;
    let decoded = match instruction {
        Instruction::Plain(decoded) => decoded,
        // What an extension computes lands in cells; the registers go on as behind an assertion.
        Instruction::Extended(Extended { flags, .. }) => {
            let (size, added) = (flags.size(), u32::from(flags.ap_add1()));
            let grown = pc.checked_add(size).zip(ap.checked_add(added));
            return grown.map(|(pc, ap)| Registers { pc, ap, fp }).ok_or(NO_ADDRESS);
        }
    };
    let operands = Operands::read(cells, state, decoded).map_err(|_| NO_CELL)?;
    let [next_pc, next_ap, next_fp] = operands.next(state, decoded.flags);
    let register = |value: &Felt| word(value).ok_or(NO_ADDRESS);
    Ok(Registers { pc: register(&next_pc)?, ap: register(&next_ap)?, fp: register(&next_fp)? })
}
