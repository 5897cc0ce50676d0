//! Executions made by hand, for tests.
#![allow(clippy::unwrap_used)]

use cairo_air::{ArgumentBinding, Builtin, Program, Segment};
use cairo_execution::{Execution, Registers};
use felt::Felt;
use std::collections::BTreeMap;

/// A program that has these words after its header, at address 7, with these states and this memory. No builtin is used.
pub(crate) fn execution(builtins: &[Builtin], words: &[Felt], trace: Vec<Registers>, memory: Vec<Felt>) -> Execution {
    // ap += the number of builtins; call rel 4; jmp rel 0.
    let count = builtins.len() as u64;
    let header = [0x0407_8001_7fff_7fff, count, 0x1104_8001_8001_8000, 4, 0x0107_8001_7fff_7fff, 0];
    let bytecode = header.into_iter().map(Felt::from).chain(words.iter().copied()).collect();
    Execution {
        program: Program::new(bytecode, builtins.to_vec(), ArgumentBinding::OutputPrefix).unwrap(),
        arguments: Vec::new(),
        trace,
        memory,
        segments: BTreeMap::new(),
        arguments_start: None,
        signatures: Vec::new(),
        relocation: None,
    }
}

/// These values as checked cells at the end of a memory, behind others that are not checked.
pub(crate) fn checked_memory(values: &[u128]) -> (Vec<Felt>, Segment) {
    let wide =
        |value: u128| Felt::from((value >> 64) as u64) * Felt::from(2_u64).pow(64_u64) + Felt::from(value as u64);
    let mut memory = vec![-Felt::one(); 5];
    memory.extend(values.iter().copied().map(wide));
    memory.extend([-Felt::one(); 3]);
    (memory, Segment { base: 5, stop: 5 + values.len() as u32 })
}

/// Pseudo-random numbers.
pub(crate) fn numbers() -> impl FnMut() -> u128 {
    let mut state = 1_u128;
    move || {
        state = state.wrapping_mul(0xda94_2042_e4dd_58b5).wrapping_add(0x1234_5678_9abc_def1_0fed_cba9);
        state.rotate_left(64) ^ state >> 41
    }
}
