//! The public side of a statement, tuple by tuple.

#![allow(clippy::expect_used)]

use super::*;
use crate::RunClaim;
use crate::components::bitwise::BitwiseSize;
use crate::components::bitwise_row::BitwiseRow;
use crate::fetch::Fetch;
use crate::{Program, Segment, TableEntry, TableKind, fixture};
use stark::Bus;

fn program(arguments: ArgumentBinding) -> Program {
    fixture::program(&[Builtin::Output, Builtin::RangeCheck], [fixture::RET], arguments)
}

fn claim() -> Claim {
    Claim {
        runs: vec![RunClaim {
            offset: 0,
            n_steps: 33,
            final_ap: 30,
            segments: [[40, 42], [50, 53]].map(|[base, stop]| Segment { base, stop }).to_vec(),
            arguments_start: None,
            output: vec![Felt::from(70_u64), Felt::from(71_u64)],
        }],
        owned_end: 1,
        fetches: Vec::new(),
    }
}

/// Bus, multiplicity and entries, all small.
type Tuple = (u64, i64, Vec<u64>);

fn of(bus: Bus, multiplicity: i64, tuple: &[u64]) -> Tuple {
    (u64::from(bus.id), multiplicity, tuple.to_vec())
}

fn tuples(arguments: ArgumentBinding, claim: &Claim, values: &[u64]) -> Vec<Tuple> {
    let values = values.iter().copied().map(Felt::from).collect();
    tuples_of(&Statement::single(program(arguments), values, [0; 32]), claim, &Layout::default())
}

fn tuples_of(statement: &Statement, claim: &Claim, layout: &Layout) -> Vec<Tuple> {
    let number = |value: &Felt| felt::encoding::to_u64(value).expect("small");
    let signed = |value: &Felt| felt::encoding::to_u64(value).map_or_else(|| -(number(&-value) as i64), |v| v as i64);
    let tuples = public_tuples(statement, claim, layout);
    let one = |tuple: &PublicTuple| {
        (u64::from(tuple.bus.id), signed(&tuple.multiplicity), tuple.tuple.iter().map(number).collect())
    };
    tuples.iter().map(one).collect()
}

/// What is there for every statement: states, owned cells, words, the head of the execution segment, segments, output.
fn common(owned_end: u64) -> [Vec<Tuple>; 2] {
    let states = [of(buses::STATE, 1, &[1, 10, 10, 0]), of(buses::STATE, -1, &[5, 30, 10, 33])];
    let owned = [of(buses::OWNED, 1, &[1]), of(buses::OWNED, -1, &[owned_end])];
    let words = [0x0407_8001_7fff_7fff, 2, 0x1104_8001_8001_8000, 4, 0x0107_8001_7fff_7fff, 0, 0x208b_7fff_7fff_7ffe];
    let words = (1..).zip(words).map(|(address, word)| [address, word]);
    let head = [[8, 10], [9, 0], [10, 40], [28, 42], [11, 50], [29, 53], [40, 70], [41, 71]];
    let cells = words.chain(head).map(|cell| of(buses::MEMORY, -1, &cell));
    [[states, owned].concat(), cells.collect()]
}

#[test]
fn of_cairo_0() {
    assert_eq!(tuples(ArgumentBinding::OutputPrefix, &claim(), &[70]), common(1).concat());
}

#[test]
fn of_cairo_2() {
    let mut claim = claim();
    let binding = ArgumentBinding::Pointers { cell: 3 };
    // Without an address, which Claim::check refuses, nothing is said.
    assert_eq!(tuples(binding, &claim, &[5, 6]), common(1).concat());
    claim.runs[0].arguments_start = Some(80);
    let arguments = [[13, 80], [14, 82], [80, 5], [81, 6]].map(|cell| of(buses::MEMORY, -1, &cell));
    assert_eq!(tuples(binding, &claim, &[5, 6]), [common(1).concat(), arguments.to_vec()].concat());
}

#[test]
fn of_owned_range_checks() {
    let mut claim = claim();
    claim.owned_end = 53;
    let [head, cells] = common(53);
    let range = [
        of(buses::OWNED, -1, &[50]),
        of(buses::OWNED, 1, &[53]),
        of(buses::RANGE, 1, &[50]),
        of(buses::RANGE, -1, &[53]),
    ];
    assert_eq!(tuples(ArgumentBinding::OutputPrefix, &claim, &[]), [head, range.to_vec(), cells].concat());
}

/// Of instances with a row each: their walk, and the deed of their cells if those are the rows'. Nothing of it for other tables.
#[test]
fn of_bitwise_rows() {
    let program = fixture::program(&[Builtin::Bitwise], [fixture::RET], ArgumentBinding::OutputPrefix);
    let statement = Statement::single(program, Vec::new(), [0; 32]);
    let segments = vec![Segment { base: 60, stop: 70 }];
    let run = RunClaim { segments, output: Vec::new(), ..claim().runs.remove(0) };
    let claim = Claim { runs: vec![run], owned_end: 70, ..claim() };
    let with = |kind: Option<TableKind>| {
        let tables = kind.into_iter().map(|kind| TableEntry { kind, log_height: 6 }).collect();
        let all = tuples_of(&statement, &claim, &Layout { tables, disclosed: Vec::new() });
        all.into_iter()
            .filter(|(bus, ..)| [buses::OWNED, buses::BITWISE].iter().any(|known| u64::from(known.id) == *bus))
    };
    let row = |owned| BitwiseRow::new(8, 4, owned).map(TableKind::BitwiseRow);
    let ends = [of(buses::OWNED, 1, &[1]), of(buses::OWNED, -1, &[70])];
    let deed = [of(buses::OWNED, -1, &[60]), of(buses::OWNED, 1, &[70])];
    let walk = [of(buses::BITWISE, 1, &[60]), of(buses::BITWISE, -1, &[70])];
    for kind in [None, Some(TableKind::Bitwise(BitwiseSize::Any)), Some(TableKind::ByteAnd)] {
        assert!(with(kind).eq(ends.clone()));
    }
    assert!(with(row(None)).eq([ends.clone(), walk.clone()].concat()));
    assert!(with(row(Some([1, 1, 2, 0, 0]))).eq([ends, deed, walk].concat()));
}

#[test]
fn of_fetches() {
    let mut claim = claim();
    claim.fetches = vec![Fetch { pc: 3, count: 9 }];
    let expected = [3, 0x1104, 0, 1, 1, 4];
    let expected = [common(1).concat(), vec![of(buses::INSTRUCTION, 9, &expected)]].concat();
    assert_eq!(tuples(ArgumentBinding::OutputPrefix, &claim, &[]), expected);
}

/// Of each run its own states at clocks of its own, head, bases, stop pointers, output and arguments; the program once.
#[test]
fn of_several_runs() {
    let mut claim = claim();
    let mut second = claim.runs[0].clone();
    (second.offset, second.n_steps, second.final_ap) = (25, 7, 50);
    second.segments = [[42, 43], [53, 56]].map(|[base, stop]| Segment { base, stop }).to_vec();
    second.output = vec![Felt::from(90_u64)];
    claim.runs.push(second);
    let mut third = claim.runs[1].clone();
    (third.offset, third.n_steps, third.final_ap) = (60, 1, 80);
    third.segments = [[43, 43], [56, 56]].map(|[base, stop]| Segment { base, stop }).to_vec();
    third.output.clear();
    claim.runs.push(third);
    for (run, start) in claim.runs.iter_mut().zip([81, 84, 86]) {
        run.arguments_start = Some(start);
    }
    let states = [
        of(buses::STATE, 1, &[1, 10, 10, 0]),
        of(buses::STATE, -1, &[5, 30, 10, 33]),
        of(buses::STATE, 1, &[1, 35, 35, 34]),
        of(buses::STATE, -1, &[5, 50, 35, 41]),
        of(buses::STATE, 1, &[1, 70, 70, 42]),
        of(buses::STATE, -1, &[5, 80, 70, 43]),
    ];
    let [head, cells] = common(1);
    let first = [[13, 81], [14, 83], [81, 5], [82, 6]];
    let second = [[33, 35], [34, 0], [35, 42], [48, 43], [36, 53], [49, 56], [42, 90], [38, 84], [39, 85], [84, 7]];
    let third = [[68, 70], [69, 0], [70, 43], [78, 43], [71, 56], [79, 56], [73, 86], [74, 86]];
    let further = first.iter().chain(&second).chain(&third).map(|cell| of(buses::MEMORY, -1, cell));
    let expected = [states.to_vec(), head[2..].to_vec(), cells, further.collect()].concat();
    let statement = Statement {
        runs: [&[5, 6][..], &[7], &[]].map(|list: &[u64]| list.iter().copied().map(Felt::from).collect()).to_vec(),
        ..Statement::single(program(ArgumentBinding::Pointers { cell: 3 }), Vec::new(), [0; 32])
    };
    assert_eq!(tuples_of(&statement, &claim, &Layout::default()), expected);
}

/// Where a run's instances of a modular builtin end, their batch ends; nothing is said twice, or of runs without instances.
#[test]
fn of_instances_of_several_runs() {
    for (builtin, bus) in [(Builtin::AddMod, buses::ADD_MOD), (Builtin::MulMod, buses::MUL_MOD)] {
        let program = fixture::program(&[builtin], [fixture::RET], ArgumentBinding::OutputPrefix);
        let borders = |stops: &[u32]| {
            let mut base = 60;
            let run = |stop: &u32| {
                let segments = vec![Segment { base, stop: *stop }];
                base = *stop;
                RunClaim { segments, output: Vec::new(), ..claim().runs.remove(0) }
            };
            let runs: Vec<RunClaim> = stops.iter().map(run).collect();
            let statement = Statement {
                runs: vec![Vec::new(); runs.len()],
                ..Statement::single(program.clone(), Vec::new(), [0; 32])
            };
            let claim = Claim { runs, ..claim() };
            let all = tuples_of(&statement, &claim, &Layout::default());
            let walk: Vec<_> = all.iter().filter(|(id, ..)| *id == u64::from(bus.id)).cloned().collect();
            let ends = |at: u32| [vec![u64::from(at)], vec![0; bus.arity - 1]].concat();
            let stop = *stops.last().expect("one");
            let expected = if stop > 60 { vec![of(bus, 1, &ends(60)), of(bus, -1, &ends(stop))] } else { Vec::new() };
            assert_eq!(walk, expected, "{builtin}");
            // Behind the base there are no other public cells.
            let cells = all.into_iter().filter(|(id, _, cell)| *id == u64::from(buses::MEMORY.id) && cell[0] > 58);
            cells.map(|(_, multiplicity, cell)| (multiplicity, cell[0], cell[1])).collect::<Vec<_>>()
        };
        assert_eq!(borders(&[67]), []);
        assert_eq!(borders(&[67, 74]), [(-1, 66, 1)]);
        assert_eq!(borders(&[67, 67, 81]), [(-1, 66, 1)]);
        assert_eq!(borders(&[60, 67, 81]), [(-1, 66, 1)]);
        assert_eq!(borders(&[67, 81, 81]), [(-1, 66, 1)]);
        assert_eq!(borders(&[67, 81, 88]), [(-1, 66, 1), (-1, 80, 1)]);
        assert_eq!(borders(&[60, 60]), []);
    }
}
