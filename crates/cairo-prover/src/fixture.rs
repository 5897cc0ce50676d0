//! Executions made by hand, for tests.
#![allow(clippy::unwrap_used)]

use cairo_air::{ArgumentBinding, Builtin, Program};
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
    }
}
