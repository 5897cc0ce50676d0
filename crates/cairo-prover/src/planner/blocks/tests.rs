#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use crate::fixture::execution;
use cairo_air::Builtin;
use cairo_air::decode::Decoded;
use cairo_air::program::PROGRAM_BASE;
use cairo_execution::Registers;
use cairo_runner::{Arguments, RunLimits, RunnableProgram, run, unwatched};
use felt::Felt;

/// Executions of two programs, and one of them with states in disorder and outside the bytecode.
fn executions() -> Vec<Execution> {
    let mut executions = Vec::new();
    for name in ["bench/primes_2p14", "cairo0/mixed_2p12"] {
        let file = format!("{}/../../programs/fixtures/{name}.json", env!("CARGO_MANIFEST_DIR"));
        let program = RunnableProgram::from_json(&std::fs::read(file).unwrap()).unwrap();
        executions.push(run(&program, &Arguments::none(), &RunLimits::default(), &mut unwatched).unwrap());
    }
    let mut shuffled = executions[1].clone();
    let mut state = 1_u64;
    for registers in &mut shuffled.trace {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        match state >> 60 {
            0 => registers.pc = (state >> 40) as u32 % 200,
            1 => registers.pc = u32::MAX - (state >> 40) as u32 % 3,
            2 => registers.fp ^= 1,
            _ => {}
        }
    }
    executions.push(shuffled);
    executions
}

#[test]
fn chunks_make_no_difference() {
    for execution in executions() {
        let expected = Blocks::in_chunks(&execution, CHUNK);
        for len in [1, 2, 7, 100, 1000, 4095] {
            let found = Blocks::in_chunks(&execution, len);
            assert_eq!(format!("{:?}", found.tokens), format!("{:?}", expected.tokens));
            assert_eq!(format!("{:?}", found.blocks), format!("{:?}", expected.blocks));
            assert_eq!(found.sequence, expected.sequence);
            assert_eq!(found.returns, expected.returns);
        }
    }
}

/// Both outcomes lead to the same place, so only the cell tells them apart, each time anew.
#[test]
fn a_jump_to_the_next_instruction_is_told_by_its_cell() {
    // jmp rel 2 if [ap - 1] != 0; jmp rel -2.
    let [jump_if, jump] = [0x0206_8001_7fff_7fff_u64, 0x0107_8001_7fff_7fff].map(Felt::from);
    let words = [jump_if, Felt::from(2_u64), jump, -Felt::from(2_u64)];
    let jumps: Vec<bool> = (0..300).map(|round| round % 7 < 3 || round % 2 == 0).collect();
    let memory: Vec<Felt> =
        std::iter::repeat_n(false, 20).chain(jumps.clone()).map(|x| Felt::from(u64::from(x))).collect();
    let round = |ap: u32| [7, 9].map(|pc| Registers { pc, ap, fp: 12 });
    let execution = execution(&[Builtin::Output], &words, (21..=321).flat_map(round).collect(), memory);
    let blocks = Blocks::new(&execution);
    let tokens = blocks.sequence.iter().flat_map(|block| blocks.block(*block));
    let found: Vec<bool> = tokens.filter_map(|token| blocks.token(*token).unwrap().taken).take(300).collect();
    assert_eq!(found, jumps);
}

#[test]
fn distances_are_those_of_all_returns() {
    let mut known = 0;
    for execution in executions() {
        let blocks = Blocks::new(&execution);
        let bytecode = execution.program.bytecode();
        let is_return = |pc: u32| {
            let word = bytecode.get(pc.wrapping_sub(PROGRAM_BASE) as usize);
            word.and_then(|word| Decoded::new(word).ok()).is_some_and(|decoded| decoded.flags.ret())
        };
        let mut found: HashMap<(u32, u32), Vec<i64>> = HashMap::new();
        for pair in execution.trace.windows(2).filter(|pair| is_return(pair[0].pc)) {
            let distance = i64::from(pair[0].fp) - i64::from(pair[1].fp);
            found.entry((pair[0].pc, pair[1].pc)).or_default().push(distance);
        }
        for ((from, to), distances) in &found {
            let same = distances.iter().all(|distance| distance == &distances[0] && *distance > 0);
            let expected = same.then(|| distances[0] as u32);
            assert_eq!(blocks.distance(*from, *to), expected, "{from} to {to}");
            known += usize::from(same);
        }
        assert_eq!(blocks.distance(1, 1), None);
    }
    assert!(known > 10, "{known}");
}

#[test]
fn blocks_are_the_run() {
    for execution in executions() {
        let blocks = Blocks::new(&execution);
        let tokens = blocks.sequence.iter().flat_map(|block| blocks.block(*block));
        let pcs: Vec<u32> = tokens.map(|token| blocks.token(*token).unwrap().pc).collect();
        let program = &execution.program;
        let clamp = |pc: u32| (pc.wrapping_sub(PROGRAM_BASE) as usize).min(program.bytecode().len());
        let steps = execution.trace.split_last().unwrap().1;
        assert!(pcs.iter().map(|pc| clamp(*pc)).eq(steps.iter().map(|state| clamp(state.pc))));
    }
}
