//! A program small enough to be written by hand, its runs on any arguments, and proofs of them.

use cairo_air::{ArgumentBinding, Builtin, Policy, Program};
use cairo_execution::{Execution, Registers, Segment};
use cairo_prover::Options;
use felt::Felt;
use protocol::{DonorKey, Felts, Preset};
use stark::{Parameters, Unattended};
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

/// Proofs in milliseconds, of no security.
pub const CHEAP: Parameters = Parameters { log_blowup: 1, queries: 4, grinding_bits: 0, log_fold: 3 };

/// A policy under which cheap proofs pass.
pub fn lenient(_: Preset, max_steps: u64) -> Policy {
    Policy { min_conjectured_bits: 0.0, min_proven_bits: 0.0, max_steps, ..Policy::default() }
}

/// The program; the cells from 6 behind the initial `ap` hold the bounds of its arguments.
pub fn program() -> Program {
    program_writing(7)
}

fn program_writing(number: u64) -> Program {
    let mut words = WORDS.map(Felt::from);
    words[7] = Felt::from(number);
    Program::new(words.to_vec(), vec![Builtin::Output], ArgumentBinding::Pointers { cell: 6 }).unwrap()
}

/// Its run on arguments.
pub fn run(arguments: &[u64]) -> Execution {
    run_on(&felts(arguments))
}

/// The run of another program, which writes another number.
pub fn run_writing(number: u64, arguments: &[u64]) -> Execution {
    run_of(number, felts(arguments))
}

/// The program's run on arguments as they travel.
pub fn run_on(arguments: &Felts) -> Execution {
    run_of(7, arguments.clone())
}

fn run_of(number: u64, Felts(arguments): Felts) -> Execution {
    let program = program_writing(number);
    let mut memory = vec![Felt::from(0)];
    memory.extend_from_slice(program.bytecode());
    memory.extend([15, 0, 20, 15, 5, number, 21, number, 23, 23 + arguments.len() as u64].map(Felt::from));
    memory.extend_from_slice(&arguments);
    let states = [(1, 15, 15), (3, 16, 15), (7, 18, 18), (9, 19, 18), (10, 19, 18), (12, 20, 18), (5, 20, 15)];
    Execution {
        program,
        arguments,
        trace: states.map(|(pc, ap, fp)| Registers { pc, ap, fp }).to_vec(),
        memory,
        segments: BTreeMap::from([(Builtin::Output, Segment { base: 20, stop: 21 })]),
        arguments_start: Some(23),
    }
}

pub fn felts(numbers: &[u64]) -> Felts {
    Felts(numbers.iter().copied().map(Felt::from).collect())
}

/// A proof of a run, made in milliseconds.
pub fn prove(execution: Execution, donor: &DonorKey) -> Vec<u8> {
    prove_with(execution, donor, CHEAP)
}

/// A proof with other parameters.
pub fn prove_with(execution: Execution, donor: &DonorKey, parameters: Parameters) -> Vec<u8> {
    let options = Options { parameters, threads: Some(1), ..Options::default() };
    cairo_prover::prove(execution, *donor.as_bytes(), &options, &Unattended).unwrap().encode()
}

/// The file of an execution.
pub fn file(execution: &Execution) -> Vec<u8> {
    let mut bytes = Vec::new();
    cairo_execution::save(execution, &mut bytes).unwrap();
    bytes
}
