//! The public side of a statement, tuple by tuple.

#![allow(clippy::expect_used)]

use super::*;
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
        n_steps: 33,
        final_ap: 30,
        owned_end: 1,
        segments: [[40, 42], [50, 53]].map(|[base, stop]| Segment { base, stop }).to_vec(),
        arguments_start: None,
        output: vec![Felt::from(70_u64), Felt::from(71_u64)],
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
    tuples_of(&Statement { program: program(arguments), arguments: values, prover: [0; 32] }, claim, &Layout::default())
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
    claim.arguments_start = Some(80);
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
    let statement = Statement { program, arguments: Vec::new(), prover: [0; 32] };
    let segments = vec![Segment { base: 60, stop: 70 }];
    let claim = Claim { segments, owned_end: 70, output: Vec::new(), ..claim() };
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
