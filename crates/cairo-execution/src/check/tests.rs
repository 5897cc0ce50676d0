#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use crate::fixture::{builtins, cairo0, cairo2};
use crate::{Execution, ExecutionError as E, Registers, Segment, Signature};
use cairo_air::claim::MAX_OUTPUT;
use cairo_air::{Builtin, Program};
use felt::Felt;

/// What is wrong with the form of an execution after a change; the whole check says the same.
fn refused(mut execution: Execution, change: impl FnOnce(&mut Execution)) -> E {
    execution.check_form().expect("the fixture is sound");
    change(&mut execution);
    let error = execution.check_form().expect_err("the change must be noticed");
    assert_eq!(execution.check(), Err(error.clone()));
    error
}

#[test]
fn the_fixtures_pass() {
    assert_eq!(cairo0().check(), Ok(()));
    assert_eq!(cairo2().check(), Ok(()));
    assert_eq!(cairo0().n_steps(), 6);
    assert_eq!(cairo0().output(), &[Felt::from(7)]);
}

#[test]
fn output_of_a_broken_segment_is_empty() {
    let mut execution = cairo0();
    execution.segments.insert(Builtin::Output, Segment { base: 20, stop: 99 });
    assert_eq!(execution.output(), &[]);
    execution.segments.clear();
    assert_eq!(execution.output(), &[]);
}

#[test]
fn memory_size() {
    let error = refused(cairo0(), |e| e.memory.truncate(10));
    assert_eq!(error, E::MemoryTooShort { cells: 10, needed: 16 });
    let error = refused(cairo0(), |e| e.memory.truncate(15));
    assert_eq!(error, E::MemoryTooShort { cells: 15, needed: 16 });
    // No run fits in the least, but that is for others to say.
    let error = refused(cairo0(), |e| e.memory.truncate(16));
    assert!(matches!(error, E::RegisterOutside { .. }), "{error}");
    let most = u64::from(u32::MAX);
    assert_eq!(super::check_cells(16, 16), Ok(()));
    assert_eq!(super::check_cells(most, 16), Ok(()));
    for cells in [most + 1, most + 2] {
        assert_eq!(super::check_cells(cells, 16), Err(E::MemoryTooLong { cells }));
    }
    let error = refused(cairo0(), |e| e.memory[0] = Felt::from(5));
    assert_eq!(error, E::CellZero { found: "0x5".to_owned() });
}

#[test]
fn trace_of_no_steps() {
    assert_eq!(refused(cairo0(), |e| e.trace.clear()), E::EmptyTrace { states: 0 });
    assert_eq!(refused(cairo0(), |e| e.trace.truncate(1)), E::EmptyTrace { states: 1 });
}

#[test]
fn registers_outside_memory() {
    let error = refused(cairo0(), |e| e.trace[2].pc = 21);
    assert_eq!(error, E::RegisterOutside { step: 2, register: "pc", value: 21, last: 20 });
    let error = refused(cairo0(), |e| e.trace[3].ap = 22);
    assert_eq!(error, E::RegisterOutside { step: 3, register: "ap", value: 22, last: 21 });
    let error = refused(cairo0(), |e| e.trace[4].fp = 0);
    assert_eq!(error, E::RegisterOutside { step: 4, register: "fp", value: 0, last: 21 });
    let last = refused(cairo0(), |e| e.trace[6].ap = u32::MAX);
    assert_eq!(last, E::RegisterOutside { step: 6, register: "ap", value: u32::MAX, last: 21 });
}

/// Long runs are looked at in pieces, of which only those with something wrong are looked at closely.
#[test]
fn states_of_a_long_run() {
    let mut long = cairo0();
    let again = vec![long.trace[3]; 3000];
    long.trace.splice(3..3, again);
    let last = long.trace.len() - 1;
    assert_eq!(long.check_form(), Ok(()));
    type Change = (fn(&mut Registers), fn(usize) -> E);
    let changes: [Change; 12] = [
        (|state| state.pc = 0, |step| E::RegisterOutside { step, register: "pc", value: 0, last: 20 }),
        (|state| state.pc = 21, |step| E::RegisterOutside { step, register: "pc", value: 21, last: 20 }),
        (|state| state.ap = 0, |step| E::RegisterOutside { step, register: "ap", value: 0, last: 21 }),
        (|state| state.ap = 22, |step| E::RegisterOutside { step, register: "ap", value: 22, last: 21 }),
        (|state| state.fp = 0, |step| E::RegisterOutside { step, register: "fp", value: 0, last: 21 }),
        (|state| state.fp = 22, |step| E::RegisterOutside { step, register: "fp", value: 22, last: 21 }),
        (|state| state.pc = 5, |step| E::EarlyEnd { step, last: 3006 }),
        // Several of one state, of which one is told.
        (|state| (state.pc, state.ap) = (0, 0), |step| E::RegisterOutside { step, register: "pc", value: 0, last: 20 }),
        (|state| (state.pc, state.fp) = (0, 0), |step| E::RegisterOutside { step, register: "pc", value: 0, last: 20 }),
        (|state| (state.ap, state.fp) = (0, 0), |step| E::RegisterOutside { step, register: "ap", value: 0, last: 21 }),
        (|state| (state.pc, state.ap) = (5, 0), |step| E::RegisterOutside { step, register: "ap", value: 0, last: 21 }),
        (|state| (state.pc, state.fp) = (5, 0), |step| E::RegisterOutside { step, register: "fp", value: 0, last: 21 }),
    ];
    assert_eq!(last, 3006);
    for step in [1, 5, 1022, 1023, 1024, 1500, 2047, 2048, 3005] {
        for (change, expected) in changes {
            assert_eq!(refused(long.clone(), |e| change(&mut e.trace[step])), expected(step));
            // The first of several is what is told.
            let both = refused(long.clone(), |e| {
                change(&mut e.trace[step]);
                e.trace[3005].ap = u32::MAX;
            });
            if step < 3005 {
                assert_eq!(both, expected(step));
            }
        }
        // The largest values that there may be.
        let mut edge = long.clone();
        edge.trace[step] = Registers { pc: 20, ap: 21, fp: 21 };
        assert_eq!(edge.check_form(), Ok(()), "{step}");
    }
}

/// A whole piece of wrong states, none of which differs from the others.
#[test]
fn states_that_are_all_wrong() {
    let mut long = cairo0();
    let again = vec![long.trace[3]; 3000];
    long.trace.splice(3..3, again);
    let all = |change: fn(&mut Registers)| refused(long.clone(), |e| e.trace[1024..2048].iter_mut().for_each(change));
    let nowhere = all(|state| *state = Registers { pc: 0, ap: 0, fp: 0 });
    assert_eq!(nowhere, E::RegisterOutside { step: 1024, register: "pc", value: 0, last: 20 });
    assert_eq!(all(|state| state.pc = 5), E::EarlyEnd { step: 1024, last: 3006 });
}

#[test]
fn first_and_last_state() {
    let expected = Registers { pc: 1, ap: 15, fp: 15 };
    for found in [Registers { pc: 2, ..expected }, Registers { ap: 16, ..expected }, Registers { fp: 14, ..expected }] {
        let error = refused(cairo0(), |e| e.trace[0] = found);
        assert_eq!(error, E::InitialState { found, expected });
    }
    let error = refused(cairo0(), |e| e.trace[6].pc = 6);
    assert_eq!(error, E::FinalState { pc: 6, fp: 15, expected_pc: 5, expected_fp: 15 });
    let error = refused(cairo0(), |e| e.trace[6].fp = 18);
    assert_eq!(error, E::FinalState { pc: 5, fp: 18, expected_pc: 5, expected_fp: 15 });
    let error = refused(cairo0(), |e| e.trace[4].pc = 5);
    assert_eq!(error, E::EarlyEnd { step: 4, last: 6 });
    // A closing jump counted as a step.
    let error = refused(cairo0(), |e| e.trace.push(e.trace[6]));
    assert_eq!(error, E::EarlyEnd { step: 6, last: 7 });
    let error = refused(cairo0(), |e| e.trace[6].ap = 16);
    assert_eq!(error, E::FinalAp { ap: 16, least: 17 });
    // Two cells for each builtin; where they may just stand there are others.
    let ends_at = |ap| refused(builtins(), |e| e.trace[6].ap = ap);
    assert_eq!(ends_at(20), E::FinalAp { ap: 20, least: 21 });
    assert!(matches!(ends_at(21), E::StopPointer { builtin: Builtin::Output, address: 18, .. }), "{}", ends_at(21));
}

#[test]
fn program_in_memory() {
    for word in 0..12 {
        let error = refused(cairo0(), |e| e.memory[word + 1] += Felt::from(1));
        assert!(matches!(error, E::Bytecode { address, word: at, .. } if at == word && address == word as u32 + 1));
    }
}

#[test]
fn execution_head() {
    let error = refused(cairo0(), |e| e.memory[13] = Felt::from(14));
    assert_eq!(error, E::ExecutionHead { address: 13, found: "0xe".to_owned(), expected: "0xf".to_owned() });
    let error = refused(cairo0(), |e| e.memory[14] = Felt::from(1));
    assert_eq!(error, E::ExecutionHead { address: 14, found: "0x1".to_owned(), expected: "0x0".to_owned() });
}

#[test]
fn builtin_segments() {
    assert_eq!(refused(cairo0(), |e| e.segments.clear()), E::SegmentMissing(Builtin::Output));
    let segment = Segment { base: 20, stop: 20 };
    let error = refused(cairo0(), |e| {
        let _ = e.segments.insert(Builtin::RangeCheck, segment);
    });
    assert_eq!(error, E::SegmentUndeclared(Builtin::RangeCheck));
    for (base, stop) in [(21, 20), (20, 22), (0, 1)] {
        let error = refused(cairo0(), |e| {
            let _ = e.segments.insert(Builtin::Output, Segment { base, stop });
        });
        assert_eq!(error, E::SegmentBounds { builtin: Builtin::Output, base, stop, cells: 21 });
    }
    let error = refused(cairo0(), |e| e.memory[15] = Felt::from(19));
    assert!(matches!(error, E::BuiltinBase { builtin: Builtin::Output, address: 15, expected: 20, .. }), "{error}");
    let error = refused(cairo0(), |e| e.memory[19] = Felt::from(20));
    assert!(matches!(error, E::StopPointer { builtin: Builtin::Output, address: 19, expected: 21, .. }), "{error}");
}

#[test]
fn segments_hold_whole_instances() {
    // The same words with the bitwise builtin declared too: the header and all addresses move by one cell.
    let mut execution = cairo0();
    let mut words = execution.program.bytecode().to_vec();
    words[1] = Felt::from(2);
    let builtins = vec![Builtin::Output, Builtin::Bitwise];
    execution.program = Program::new(words.clone(), builtins, execution.program.arguments()).unwrap();
    execution.memory[2] = Felt::from(2);
    execution.memory.extend([0; 9].map(Felt::from));
    execution.memory[18] = Felt::from(21);
    execution.memory[16] = Felt::from(22);
    execution.memory[19] = Felt::from(26);
    execution.segments.insert(Builtin::Bitwise, Segment { base: 22, stop: 26 });
    let error = execution.check_form().unwrap_err();
    assert_eq!(error, E::SegmentInstances { builtin: Builtin::Bitwise, len: 4, cells_per_instance: 5 });
    execution.segments.insert(Builtin::Bitwise, Segment { base: 22, stop: 27 });
    execution.memory[19] = Felt::from(27);
    assert_eq!(execution.check_form(), Ok(()));
}

/// A program may declare any builtin and not use it, or use it for whole instances.
#[test]
fn builtins_may_be_declared_in_vain() {
    for builtin in Builtin::ALL.into_iter().filter(|builtin| *builtin != Builtin::Output) {
        let mut execution = cairo0();
        let mut words = execution.program.bytecode().to_vec();
        words[1] = Felt::from(2);
        let binding = execution.program.arguments();
        execution.program = Program::new(words, vec![Builtin::Output, builtin], binding).unwrap();
        execution.memory[2] = Felt::from(2);
        execution.memory.extend(vec![Felt::zero(); 20]);
        // The pointer that was the output's, and one more cell below the final ap: bases at 15 and 16, stop pointers at 18 and 19.
        execution.memory[16] = Felt::from(22);
        execution.memory[18] = Felt::from(21);
        execution.memory[19] = Felt::from(22);
        let cells = builtin.cells_per_instance();
        let claimed = |instances: u32, more: u32| {
            let mut execution = execution.clone();
            let stop = 22 + instances * cells + more;
            execution.memory[19] = Felt::from(u64::from(stop));
            execution.segments.insert(builtin, Segment { base: 22, stop });
            if builtin == Builtin::Ecdsa {
                execution.signatures = vec![Signature { r: Felt::one(), s: Felt::one() }; instances as usize];
            }
            execution.check_form()
        };
        assert_eq!([claimed(0, 0), claimed(1, 0)], [Ok(()), Ok(())], "{builtin}");
        if cells > 1 {
            let refused = E::SegmentInstances { builtin, len: cells + 1, cells_per_instance: cells };
            assert_eq!(claimed(1, 1), Err(refused));
        }
    }
}

/// What no step touches: only the builtin says what it must hold.
#[test]
fn builtin_cells() {
    let honest = builtins();
    assert_eq!(honest.check(), Ok(()));
    for address in 23..25 {
        let mut execution = honest.clone();
        execution.memory[address] = Felt::from(2).pow(128_u64);
        assert_eq!(execution.check_form(), Ok(()));
        assert!(matches!(execution.check(), Err(E::RangeCheck { address: at, .. }) if at as usize == address));
    }
    for address in 25..35 {
        let mut execution = honest.clone();
        execution.memory[address] += Felt::one();
        let error = execution.check().unwrap_err();
        match (address - 25) % 5 {
            // Another input has other results, or is none.
            0 | 1 => assert!(matches!(error, E::BitwiseResult { .. } | E::BitwiseInput { .. }), "{error}"),
            _ => assert!(matches!(error, E::BitwiseResult { address: at, .. } if at as usize == address), "{error}"),
        }
    }
}

#[test]
fn an_output_that_no_proof_shows() {
    let mut execution = cairo0();
    let most = MAX_OUTPUT as u32;
    for (cells, expected) in [(most, None), (most + 1, Some(E::OutputTooLong(MAX_OUTPUT + 1)))] {
        let segment = Segment { base: 20, stop: 20 + cells };
        execution.memory.resize(segment.stop as usize, Felt::zero());
        execution.memory[19] = Felt::from(u64::from(segment.stop));
        execution.segments.insert(Builtin::Output, segment);
        assert_eq!(execution.check_form().err(), expected);
    }
}

/// Only the output has a limit of its own.
#[test]
fn a_segment_longer_than_any_output() {
    let mut execution = builtins();
    let segment = Segment { base: 36, stop: 37 + MAX_OUTPUT as u32 };
    execution.memory.resize(segment.stop as usize, Felt::zero());
    execution.memory[16] = Felt::from(u64::from(segment.base));
    execution.memory[21] = Felt::from(u64::from(segment.stop));
    execution.segments.insert(Builtin::RangeCheck, segment);
    assert_eq!(execution.check_form(), Ok(()));
}

#[test]
fn arguments_at_the_head_of_the_output() {
    let error = refused(cairo0(), |e| e.arguments.push(Felt::from(8)));
    assert_eq!(error, E::OutputTooShort { output: 1, arguments: 2 });
    let error = refused(cairo0(), |e| e.arguments[0] = Felt::from(8));
    assert_eq!(error, E::OutputPrefix { index: 0, found: "0x7".to_owned(), expected: "0x8".to_owned() });
    let error = refused(cairo0(), |e| e.arguments_start = Some(20));
    assert_eq!(error, E::ArgumentsStartUnexpected(20));
    let mut none = cairo0();
    none.arguments.clear();
    assert_eq!(none.check(), Ok(()));
}

#[test]
fn arguments_in_their_segment() {
    assert_eq!(refused(cairo2(), |e| e.arguments_start = None), E::ArgumentsStartMissing);
    let error = refused(cairo2(), |e| e.arguments_start = Some(24));
    assert_eq!(error, E::ArgumentsOutside { start: 24, arguments: 2, cells: 25 });
    let error = refused(cairo2(), |e| e.arguments_start = Some(0));
    assert_eq!(error, E::ArgumentsOutside { start: 0, arguments: 2, cells: 25 });
    let error = refused(cairo2(), |e| e.memory[21] = Felt::from(22));
    assert!(matches!(error, E::ArgumentPointer { which: "start", address: 21, expected: 23, .. }), "{error}");
    let error = refused(cairo2(), |e| e.memory[22] = Felt::from(24));
    assert!(matches!(error, E::ArgumentPointer { which: "end", address: 22, expected: 25, .. }), "{error}");
    let error = refused(cairo2(), |e| e.arguments.truncate(1));
    assert!(matches!(error, E::ArgumentPointer { which: "end", address: 22, expected: 24, .. }), "{error}");
    let error = refused(cairo2(), |e| e.memory[24] = Felt::from(32));
    assert!(matches!(error, E::Argument { index: 1, address: 24, .. }), "{error}");
}

#[test]
fn messages_name_place_and_remedy() {
    let error = refused(cairo0(), |e| e.arguments[0] = Felt::from(8)).to_string();
    assert!(error.contains("output value 0 is 0x7") && error.contains("first writes its arguments"), "{error}");
}
