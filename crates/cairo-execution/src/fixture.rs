//! Runs simple enough to be written by hand, for tests.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use crate::{Execution, Registers, Segment};
use cairo_air::{ArgumentBinding, Builtin, Program};
use felt::Felt;
use felt::integers::signed;
use std::collections::BTreeMap;

/// `main` writes 7 to the output and returns the output pointer.
const WORDS: [u64; 12] = [
    0x0407_8001_7fff_7fff, // ap += 1
    1,
    0x1104_8001_8001_8000, // call rel 4
    4,
    0x0107_8001_7fff_7fff, // jmp rel 0
    0,
    0x4806_8001_7fff_8000, // [ap] = 7, ap++
    7,
    0x4002_8000_7ffd_7fff, // [ap - 1] = [[fp - 3]]
    0x4826_8001_7ffd_8000, // [ap] = [fp - 3] + 1, ap++
    1,
    0x208b_7fff_7fff_7ffe, // ret
];

/// The run, with its output as its argument.
pub(crate) fn cairo0() -> Execution {
    let mut cells = vec![0];
    cells.extend(WORDS);
    cells.extend([15, 0, 20, 15, 5, 7, 21, 7]);
    let states = [(1, 15, 15), (3, 16, 15), (7, 18, 18), (9, 19, 18), (10, 19, 18), (12, 20, 18), (5, 20, 15)];
    Execution {
        program: program(ArgumentBinding::OutputPrefix),
        arguments: vec![Felt::from(7)],
        trace: states.map(|(pc, ap, fp)| Registers { pc, ap, fp }).to_vec(),
        memory: cells.into_iter().map(Felt::from).collect(),
        segments: BTreeMap::from([(Builtin::Output, Segment { base: 20, stop: 21 })]),
        arguments_start: None,
        signatures: Vec::new(),
        relocation: None,
    }
}

/// The same run with the arguments 30 and 31 in a segment of their own, as an executable has them.
pub(crate) fn cairo2() -> Execution {
    let mut execution = cairo0();
    execution.program = program(ArgumentBinding::Pointers { cell: 6 });
    execution.arguments = [30, 31].map(Felt::from).to_vec();
    execution.memory.extend([23, 25, 30, 31].map(Felt::from));
    execution.arguments_start = Some(23);
    execution
}

/// The run of a loop that counts down from `n`, at least 1, to 0 and outputs nothing: `2n + 5` steps.
pub(crate) fn countdown(n: u32) -> Execution {
    let [number, minus_one, back] = [i64::from(n), -1, -2].map(signed);
    let mut words: Vec<Felt> = WORDS[..6].iter().copied().map(Felt::from).collect();
    words.extend([
        Felt::from(0x4806_8001_7fff_8000_u64), // 7: [ap] = n, ap++
        number,
        Felt::from(0x4824_8001_7fff_8000_u64), // 9: [ap] = [ap - 1] - 1, ap++
        minus_one,
        Felt::from(0x0206_8001_7fff_7fff_u64), // 11: jmp rel -2 if [ap - 1] != 0
        back,
        Felt::from(0x480a_7ffd_7fff_8000_u64), // 13: [ap] = [fp - 3], ap++
        Felt::from(0x208b_7fff_7fff_7ffe_u64), // 14: ret
    ]);
    let end = 22 + n;
    let mut memory = vec![Felt::zero()];
    memory.extend_from_slice(&words);
    memory.extend([17, 0, end, 17, 5].map(|cell| Felt::from(u64::from(cell))));
    memory.extend((0..=n).rev().chain([end]).map(|cell| Felt::from(u64::from(cell))));
    let mut states = vec![(1, 17, 17), (3, 18, 17), (7, 20, 20)];
    states.extend((21..=20 + n).flat_map(|ap| [(9, ap, 20), (11, ap + 1, 20)]));
    states.extend([(13, end - 1, 20), (14, end, 20), (5, end, 17)]);
    Execution {
        program: Program::new(words, vec![Builtin::Output], ArgumentBinding::OutputPrefix).unwrap(),
        arguments: Vec::new(),
        trace: states.into_iter().map(|(pc, ap, fp)| Registers { pc, ap, fp }).collect(),
        memory,
        segments: BTreeMap::from([(Builtin::Output, Segment { base: end, stop: end })]),
        arguments_start: None,
        signatures: Vec::new(),
        relocation: None,
    }
}

/// The run of a program that uses two cells of range_check, 2^128 - 1 and 0, and two instances of bitwise, which begin at addresses 23 and 25;
/// it outputs nothing.
pub(crate) fn builtins() -> Execution {
    let mut words = WORDS[..6].to_vec();
    words[1] = 3;
    words.extend([
        0x480a_7ffb_7fff_8000, // 7: [ap] = [fp - 5], ap++
        0x4826_8001_7ffc_8000, // 8: [ap] = [fp - 4] + 2, ap++
        2,
        0x4826_8001_7ffd_8000, // 10: [ap] = [fp - 3] + 10, ap++
        10,
        0x208b_7fff_7fff_7ffe, // 12: ret
    ]);
    let words: Vec<Felt> = words.into_iter().map(Felt::from).collect();
    let (top, most) = (Felt::from(2_u64).pow(128_u64) - Felt::one(), Felt::from(2_u64).pow(251_u64) - Felt::one());
    let mut memory = vec![Felt::zero()];
    memory.extend_from_slice(&words);
    memory.extend([15_u64, 0, 23, 23, 25, 15, 5, 23, 25, 35].map(Felt::from));
    memory.extend([top, Felt::zero()]);
    memory.extend([5_u64, 3, 1, 6, 7].map(Felt::from));
    memory.extend([most, Felt::zero(), Felt::zero(), most, most]);
    let states = [(1, 15, 15), (3, 18, 15), (7, 20, 20), (8, 21, 20), (10, 22, 20), (12, 23, 20), (5, 23, 15)];
    let segments = [(Builtin::Output, 23, 23), (Builtin::RangeCheck, 23, 25), (Builtin::Bitwise, 25, 35)];
    let declared = segments.map(|(builtin, ..)| builtin).to_vec();
    Execution {
        program: Program::new(words, declared, ArgumentBinding::OutputPrefix).unwrap(),
        arguments: Vec::new(),
        trace: states.map(|(pc, ap, fp)| Registers { pc, ap, fp }).to_vec(),
        memory,
        segments: segments.map(|(builtin, base, stop)| (builtin, Segment { base, stop })).into(),
        arguments_start: None,
        signatures: Vec::new(),
        relocation: None,
    }
}

fn program(binding: ArgumentBinding) -> Program {
    Program::new(WORDS.map(Felt::from).to_vec(), vec![Builtin::Output], binding).unwrap()
}
