//! Runs of programs written by hand: words with opcode extensions over cells that nothing else uses.

use cairo_air::decode::{Extended, Extension, Flags};
use cairo_air::{ArgumentBinding, Program};
use cairo_execution::{Execution, Registers};
use cairo_prover::Witness;
use cairo_prover::planner::StepTable;
use cairo_prover::prove::{all_generic, witness};
use felt::Felt;
use stark::NoControl;
use std::collections::BTreeMap;

pub const DST_FP: u16 = 1;
pub const OP0_FP: u16 = 1 << 1;
pub const OP1_IMM: u16 = 1 << 2;
pub const OP1_FP: u16 = 1 << 3;
pub const OP1_AP: u16 = 1 << 4;
pub const ADD: u16 = 1 << 5;
pub const MUL: u16 = 1 << 6;
pub const AP_ADD1: u16 = 1 << 11;
pub const ASSERT_EQ: u16 = 1 << 14;

/// An instruction and, if it has one, its immediate.
#[derive(Clone, Copy)]
pub struct Word(pub Extended, pub Option<Felt>);

pub fn word(extension: Extension, flags: u16, offsets: [i32; 3]) -> Word {
    Word(Extended { extension, flags: Flags(flags), offsets }, None)
}

/// Address of the first instruction of `main`.
pub const MAIN: u32 = 7;

/// The address of the cell at `fp` in `main` of so many words.
pub fn frame(words: &[Word]) -> u32 {
    let len = words.iter().map(|Word(_, immediate)| 1 + u32::from(immediate.is_some())).sum::<u32>();
    // The program from address 1 on, with header and `ret`; the head of the execution segment; what the call pushes.
    1 + 6 + len + 1 + 2 + 2
}

/// The run of a program without builtins whose `main` has these words, and cells from `fp` on that hold these values.
pub fn execution(words: &[Word], cells: &[Felt]) -> Execution {
    let mut bytecode =
        [0x0407_8001_7fff_7fff_u64, 0, 0x1104_8001_8001_8000, 4, 0x0107_8001_7fff_7fff, 0].map(Felt::from).to_vec();
    let fp = frame(words);
    let start = fp - 2;
    let mut trace = vec![(1, start, start), (3, start, start)];
    let (mut pc, mut ap) = (MAIN, fp);
    for Word(instruction, immediate) in words {
        trace.push((pc, ap, fp));
        bytecode.push(instruction.encode());
        bytecode.extend(immediate);
        pc += instruction.flags.size();
        ap += u32::from(instruction.flags.ap_add1());
    }
    bytecode.push(Felt::from(0x208b_7fff_7fff_7ffe_u64));
    trace.extend([(pc, ap, fp), (5, ap, start)]);
    let mut memory = vec![Felt::zero()];
    memory.extend_from_slice(&bytecode);
    memory.extend([u64::from(start), 0, u64::from(start), 5].map(Felt::from));
    assert_eq!(memory.len() as u32, fp);
    memory.extend_from_slice(cells);
    let program = Program::new(bytecode, Vec::new(), ArgumentBinding::OutputPrefix).unwrap();
    Execution {
        program,
        arguments: Vec::new(),
        trace: trace.into_iter().map(|(pc, ap, fp)| Registers { pc, ap, fp }).collect(),
        memory,
        segments: BTreeMap::new(),
        arguments_start: None,
        signatures: Vec::new(),
        relocation: None,
    }
}

/// The witness with all steps but those with an extension in the generic table.
pub fn made(execution: &Execution) -> Witness {
    let steps: Vec<StepTable> = all_generic(execution);
    witness(execution.clone(), [7; 32], steps, 0, &NoControl).unwrap()
}
