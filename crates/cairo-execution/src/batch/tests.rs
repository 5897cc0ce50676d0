#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use super::*;
use crate::Pointer;
use crate::fixture::{builtins, cairo0, cairo2, countdown};

fn segment(base: u32, stop: u32) -> Segment {
    Segment { base, stop }
}

fn relocation(segments: &[(u32, u32)], pointers: &[(u32, u32)]) -> Relocation {
    Relocation {
        segments: segments.iter().map(|(base, stop)| segment(*base, *stop)).collect(),
        pointers: pointers.iter().map(|&(cell, segment)| Pointer { cell, segment }).collect(),
    }
}

/// The stack holds the head, the output's base, the caller's frame and the stop pointer.
fn movable0() -> Execution {
    let pointers = [(13, 0), (15, 1), (16, 0), (19, 1)];
    Execution { relocation: Some(relocation(&[(13, 20), (20, 21)], &pointers)), ..cairo0() }
}

/// With the segments of the pointers to the arguments and of the arguments.
fn movable2() -> Execution {
    let pointers = [(13, 0), (15, 1), (16, 0), (19, 1), (21, 3), (22, 3)];
    let segments = [(13, 20), (20, 21), (21, 23), (23, 25)];
    Execution { relocation: Some(relocation(&segments, &pointers)), ..cairo2() }
}

fn movable_countdown(n: u32) -> Execution {
    let run = countdown(n);
    let end = 22 + n;
    assert_eq!(run.memory.len() as u32, end);
    let pointers = [(15, 0), (17, 1), (18, 0), (end - 1, 1)];
    Execution { relocation: Some(relocation(&[(15, end), (end, end)], &pointers)), ..run }
}

fn movable_builtins() -> Execution {
    let pointers = [(13, 0), (15, 1), (16, 2), (17, 3), (18, 0), (20, 1), (21, 2), (22, 3)];
    let segments = [(13, 23), (23, 23), (23, 25), (25, 35)];
    Execution { relocation: Some(relocation(&segments, &pointers)), ..builtins() }
}

#[test]
fn stacks_come_first_and_then_each_builtin() {
    let runs: Vec<Execution> = vec![movable0(), movable0(), movable0()];
    let batch = Batch::new(&runs).unwrap();
    assert_eq!(batch.check(), Ok(()));
    let stack = |base: u64, output: u64| [base + 2, 0, output, base + 2, 5, 7, output + 1];
    let expected = [stack(13, 34), stack(20, 35), stack(27, 36)].concat();
    let joined = batch.joined();
    let cells = expected.into_iter().chain([7; 3]).map(Felt::from).collect::<Vec<_>>();
    assert_eq!(joined.memory[13..], cells);
    assert_eq!(joined.memory[..13], runs[0].memory[..13]);
    assert_eq!(joined.segments, BTreeMap::from([(Builtin::Output, segment(34, 37))]));
    assert_eq!((joined.trace.len(), batch.n_steps()), (21, 18));
    for (index, run) in batch.runs().enumerate() {
        let moved = 7 * index as u32;
        assert_eq!((run.offset, run.n_steps(), run.output()), (moved, 6, &[Felt::from(7)][..]));
        assert_eq!(run.segments[&Builtin::Output], segment(34 + index as u32, 35 + index as u32));
        let there = |state: &Registers| Registers { pc: state.pc, ap: state.ap + moved, fp: state.fp + moved };
        assert_eq!(run.trace, runs[index].trace.iter().map(there).collect::<Vec<_>>());
    }
}

#[test]
fn all_kinds_of_segments() {
    // How far it counts is part of the program.
    let lengths = [7; 4];
    let runs: Vec<Execution> = lengths.into_iter().map(movable_countdown).collect();
    let batch = Batch::new(&runs).unwrap();
    assert_eq!(batch.check(), Ok(()));
    assert_eq!(batch.runs().map(|run| run.n_steps()).collect::<Vec<_>>(), lengths.map(|n| 2 * n as usize + 5));
    // The pointers to the arguments must lie in the execution segment, which is moved as a whole; here they do not.
    let batch = Batch::new(&[movable2(), movable2()]).unwrap();
    assert!(matches!(
        batch.check(),
        Err(BatchError::Execution { run: 0, error: ExecutionError::ArgumentsOutside { .. } })
    ));
    let batch = Batch::new(&[movable_builtins(), movable_builtins()]).unwrap();
    assert_eq!(batch.check(), Ok(()));
    let whole = [(Builtin::Output, 33, 33), (Builtin::RangeCheck, 33, 37), (Builtin::Bitwise, 37, 57)];
    assert_eq!(batch.joined().segments, whole.map(|(builtin, base, stop)| (builtin, segment(base, stop))).into());
}

#[test]
fn a_single_run_stays_as_it_is() {
    let batch = Batch::new(&[cairo0()]).unwrap();
    assert_eq!((batch.check(), batch.joined()), (Ok(()), &cairo0()));
    assert_eq!(batch.runs().next().unwrap().arguments, [Felt::from(7)]);
}

#[test]
fn what_cannot_be_together() {
    let error = |runs: &[Execution]| Batch::new(runs).unwrap_err();
    assert_eq!(error(&[]), BatchError::Empty);
    assert_eq!(error(&vec![movable0(); MAX_RUNS + 1]), BatchError::TooManyRuns(MAX_RUNS + 1));
    assert!(matches!(error(&[movable0(), movable_countdown(3)]), BatchError::OtherProgram { run: 1, .. }));
    let unknown = BatchError::Relocation { run: 1, error: RelocationError::Unknown };
    assert_eq!(error(&[movable0(), cairo0()]), unknown);
    let mut wrong = movable0();
    wrong.memory[19] += Felt::one();
    assert!(matches!(error(&[movable0(), wrong]), BatchError::Execution { run: 1, .. }));
    let other = |change: &dyn Fn(&mut Relocation)| {
        let mut run = movable0();
        change(run.relocation.as_mut().unwrap());
        match error(&[movable0(), run]) {
            BatchError::Relocation { run: 1, error } => error,
            other => unreachable!("{other}"),
        }
    };
    let segment = |index| move |error| matches!(error, RelocationError::Segment { segment, .. } if segment == index);
    assert!(segment(0)(other(&|r| r.segments[0].base = 12)));
    assert!(segment(0)(other(&|r| r.segments[0].stop = 12)));
    assert!(segment(1)(other(&|r| r.segments[1].base = 19)));
    assert!(segment(1)(other(&|r| {
        r.segments[0].stop = 19;
        r.segments[1].base = 19;
    })));
    for change in [|r: &mut Relocation| r.segments[1].stop = 20, |r: &mut Relocation| r.segments.truncate(1)] {
        assert!(matches!(other(&change), RelocationError::Segments { .. }));
    }
    assert!(matches!(other(&|r| r.segments.clear()), RelocationError::Segments { segments: 0, .. }));
    let pointer = |cell: u32, index: usize| {
        let error = other(&move |r: &mut Relocation| r.pointers[index].cell = cell);
        matches!(error, RelocationError::Pointer { .. })
    };
    assert!(pointer(12, 0) && pointer(13, 1) && pointer(21, 3) && pointer(u32::MAX, 3));
    assert!(matches!(other(&|r| r.pointers[0].segment = 2), RelocationError::Pointer { segment: 2, .. }));
}

/// A list of pointers that is not the program's makes something that is no run, and it is told which.
#[test]
fn wrong_pointers_are_noticed() {
    for left_out in 0..4 {
        let mut run = movable0();
        run.relocation.as_mut().unwrap().pointers.remove(left_out);
        let batch = Batch::new(&[movable0(), run.clone(), movable0()]).unwrap();
        assert!(matches!(batch.check(), Err(BatchError::Execution { run: 1, .. })), "{left_out}");
        // The first run's stack is not moved, but its output is.
        let first = Batch::new(&[run, movable0()]).unwrap().check();
        assert_eq!(first.is_ok(), left_out == 0 || left_out == 2, "{left_out}");
    }
}

#[test]
fn too_much_memory_is_refused() {
    let length = u64::from(u32::MAX) / 2;
    let places = |lengths: &[u64]| {
        let mut next = 0;
        lengths.iter().try_for_each(|length| place(&mut Vec::new(), &mut next, *length))
    };
    assert_eq!(places(&[length, length - 1]), Ok(()));
    assert_eq!(places(&[length, length, 1]), Err(RelocationError::TooMuchMemory { cells: 2 * length + 1 }));
}
