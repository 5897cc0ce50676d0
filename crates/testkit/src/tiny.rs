//! A program small enough to be written by hand, its runs on any arguments, and proofs of them.

use crate::proofs::CHEAP;
use cairo_air::{ArgumentBinding, Builtin, Program};
use cairo_execution::{Batch, Execution, Pointer, Registers, Relocation, Segment};
use cairo_prover::Options;
use felt::Felt;
use stark::{NoControl, Parameters};
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

/// Steps of each run.
pub const STEPS: u64 = 6;

/// The program; the cells from 5 behind the initial `ap` hold the bounds of its arguments.
pub fn program() -> Program {
    program_writing(7)
}

fn program_writing(number: u64) -> Program {
    let mut words = WORDS.map(Felt::from);
    words[7] = Felt::from(number);
    Program::new(words.to_vec(), vec![Builtin::Output], ArgumentBinding::Pointers { cell: 5 }).unwrap()
}

/// Its run on arguments.
pub fn run(arguments: &[u64]) -> Execution {
    run_of(7, felts(arguments))
}

/// The run of another program, which writes another number.
pub fn run_writing(number: u64, arguments: &[u64]) -> Execution {
    run_of(number, felts(arguments))
}

/// The program's run on arguments that are any elements.
pub fn run_on(arguments: &[Felt]) -> Execution {
    run_of(7, arguments.to_vec())
}

fn run_of(number: u64, arguments: Vec<Felt>) -> Execution {
    let program = program_writing(number);
    let mut memory = vec![Felt::from(0)];
    memory.extend_from_slice(program.bytecode());
    let end = 23 + arguments.len() as u32;
    // The stack with the arguments' bounds at its end, the output, and the arguments.
    memory.extend([15, 0, 22, 15, 5, number, 23, 23, end.into(), number].map(Felt::from));
    memory.extend_from_slice(&arguments);
    let segments = [(13, 22), (22, 23), (23, end)].map(|(base, stop)| Segment { base, stop });
    let pointers = [(13, 0), (15, 1), (16, 0), (19, 1), (20, 2), (21, 2)];
    let pointers = pointers.map(|(cell, segment)| Pointer { cell, segment });
    let states = [(1, 15, 15), (3, 16, 15), (7, 18, 18), (9, 19, 18), (10, 19, 18), (12, 20, 18), (5, 20, 15)];
    Execution {
        program,
        arguments,
        trace: states.map(|(pc, ap, fp)| Registers { pc, ap, fp }).to_vec(),
        memory,
        segments: BTreeMap::from([(Builtin::Output, Segment { base: 22, stop: 23 })]),
        arguments_start: Some(23),
        signatures: Vec::new(),
        relocation: Some(Relocation { segments: segments.to_vec(), pointers: pointers.to_vec() }),
    }
}

/// Numbers as elements.
pub fn felts(numbers: &[u64]) -> Vec<Felt> {
    numbers.iter().copied().map(Felt::from).collect()
}

/// A proof of a run by this prover, made in milliseconds.
pub fn prove(execution: Execution, prover: [u8; 32]) -> Vec<u8> {
    prove_with(execution, prover, CHEAP)
}

/// A proof of a run or of several, with other parameters.
pub fn prove_with(runs: impl Into<Batch>, prover: [u8; 32], parameters: Parameters) -> Vec<u8> {
    let options = Options { parameters, threads: Some(1), ..Options::default() };
    cairo_prover::prove(runs, prover, &options, &NoControl).unwrap().encode()
}

/// The file of an execution.
pub fn file(execution: &Execution) -> Vec<u8> {
    let mut bytes = Vec::new();
    cairo_execution::save(execution, &mut bytes).unwrap();
    bytes
}
