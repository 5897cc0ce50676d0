//! Each reason for which a claim is refused, just where it begins.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use crate::codec::Reader;
use crate::fixture;

/// `ap += 3; call rel 4; jmp rel 0; ret`: seven words, so that the initial ap is 10.
fn program(arguments: ArgumentBinding) -> Program {
    fixture::program(&[Builtin::Output, Builtin::RangeCheck, Builtin::Bitwise], [fixture::RET], arguments)
}

fn cairo0() -> Program {
    program(ArgumentBinding::OutputPrefix)
}

fn felts(values: &[u64]) -> Vec<Felt> {
    values.iter().copied().map(Felt::from).collect()
}

/// Output 40..42, range_check 50..53, bitwise 60..70; the memory ends at 70.
fn claim() -> Claim {
    Claim {
        n_steps: 1,
        final_ap: 16,
        owned_end: 1,
        segments: [[40, 42], [50, 53], [60, 70]].map(|[base, stop]| Segment { base, stop }).to_vec(),
        arguments_start: None,
        output: felts(&[7, 8]),
        fetches: vec![Fetch { pc: 7, count: 1 }],
    }
}

fn check(change: impl FnOnce(&mut Claim)) -> Result<(), ClaimError> {
    let mut claim = claim();
    change(&mut claim);
    claim.check(&cairo0(), &felts(&[7]), 70)
}

#[test]
fn steps_and_owned_cells() {
    assert_eq!(check(|_| {}), Ok(()));
    assert_eq!(check(|claim| claim.n_steps = 0), Err(ClaimError::Steps(0)));
    assert_eq!((MAX_STEPS, MAX_OUTPUT), (1 << 40, 1 << 20));
    assert_eq!(check(|claim| claim.n_steps = MAX_STEPS), Ok(()));
    assert_eq!(check(|claim| claim.n_steps = MAX_STEPS + 1), Err(ClaimError::Steps(MAX_STEPS + 1)));
    assert_eq!(check(|claim| claim.owned_end = 0), Err(ClaimError::OwnedEnd));
}

#[test]
fn segments() {
    assert_eq!(check(|claim| claim.final_ap = 15), Err(ClaimError::FinalAp { found: 15, least: 16 }));
    let count = ClaimError::SegmentCount { found: 2, expected: 3 };
    assert_eq!(check(|claim| claim.segments.truncate(2)), Err(count));
    let (builtin, order) = (Builtin::RangeCheck, |base, stop| Segment { base, stop });
    let refused = |base, stop| Err(ClaimError::SegmentOrder { builtin, base, stop });
    assert_eq!(check(|claim| claim.segments[1] = order(0, 3)), refused(0, 3));
    assert_eq!(check(|claim| claim.segments[1] = order(0, 0)), refused(0, 0));
    assert_eq!(check(|claim| claim.segments[1] = order(51, 50)), refused(51, 50));
    assert_eq!(check(|claim| claim.segments[1] = order(50, 50)), Ok(()));
    assert_eq!(check(|claim| claim.segments[1] = order(1, 2)), Ok(()));
    for (stop, cells) in [(64, 4), (66, 6), (61, 1)] {
        let size = ClaimError::SegmentSize { builtin: Builtin::Bitwise, cells, instance: 5 };
        assert_eq!(check(|claim| claim.segments[2].stop = stop), Err(size));
    }
}

/// A declared builtin costs a base and a stop pointer. Its segment may be empty, and has whole instances.
#[test]
fn segments_of_each_builtin() {
    for builtin in Builtin::ALL {
        let program = fixture::program(&[builtin], [0_u64; 0], ArgumentBinding::OutputPrefix);
        let with = |cells| {
            let claim = Claim {
                n_steps: 1,
                final_ap: 16,
                owned_end: 1,
                segments: vec![Segment { base: 40, stop: 40 + cells }],
                arguments_start: None,
                output: vec![Felt::zero(); if builtin == Builtin::Output { cells as usize } else { 0 }],
                fetches: Vec::new(),
            };
            claim.check(&program, &[], 100)
        };
        assert_eq!(with(0), Ok(()), "{builtin}");
        let cells = builtin.cells_per_instance();
        assert_eq!([with(cells), with(2 * cells)], [Ok(()), Ok(())], "{builtin}");
        for part in (1..cells).chain(cells + 1..2 * cells) {
            let refused = ClaimError::SegmentSize { builtin, cells: part, instance: cells };
            assert_eq!(with(part), Err(refused), "{builtin}");
        }
    }
}

/// A proof without output shows that the program ran to its end, and nothing about arguments.
#[test]
fn programs_without_output() {
    let program = |binding| fixture::program(&[], [0_u64; 0], binding);
    let (cairo0, cairo2) = (program(ArgumentBinding::OutputPrefix), program(ArgumentBinding::Pointers { cell: 3 }));
    let silent = Claim { segments: Vec::new(), output: Vec::new(), fetches: Vec::new(), ..claim() };
    assert_eq!(silent.check(&cairo0, &[], 70), Ok(()));
    assert_eq!(silent.check(&cairo0, &felts(&[7]), 70), Err(ClaimError::OutputTooShort { output: 0, arguments: 1 }));
    let speaking = Claim { output: felts(&[7]), ..silent.clone() };
    assert_eq!(speaking.check(&cairo0, &felts(&[7]), 70), Err(ClaimError::OutputLength { found: 1, expected: 0 }));
    let segment = Claim { segments: vec![Segment { base: 40, stop: 41 }], ..speaking };
    assert_eq!(segment.check(&cairo0, &[], 70), Err(ClaimError::SegmentCount { found: 1, expected: 0 }));
    // The arguments of Cairo 2 are bound elsewhere.
    let named = Claim { arguments_start: Some(20), ..silent };
    assert_eq!(named.check(&cairo2, &felts(&[7]), 70), Ok(()));
}

#[test]
fn output() {
    for (found, output) in [(1, &[7][..]), (3, &[7, 8, 9])] {
        let refused = ClaimError::OutputLength { found, expected: 2 };
        assert_eq!(check(|claim| claim.output = felts(output)), Err(refused));
    }
    let long = |length: usize| {
        let mut claim = claim();
        claim.output = vec![Felt::from(7_u64); length];
        claim.segments[0] = Segment { base: 100, stop: 100 + length as u32 };
        claim.check(&cairo0(), &felts(&[7]), 1 << 30)
    };
    assert_eq!(long(MAX_OUTPUT), Ok(()));
    assert_eq!(long(MAX_OUTPUT + 1), Err(ClaimError::OutputTooLong(MAX_OUTPUT + 1)));
}

#[test]
fn arguments_of_cairo_0() {
    let check = |arguments: &[u64]| claim().check(&cairo0(), &felts(arguments), 70);
    assert_eq!((check(&[]), check(&[7]), check(&[7, 8])), (Ok(()), Ok(()), Ok(())));
    assert_eq!(check(&[7, 8, 9]), Err(ClaimError::OutputTooShort { output: 2, arguments: 3 }));
    let prefix = |index, [found, expected]: [u64; 2]| {
        let [found, expected] = [found, expected].map(|value| encoding::to_hex(&Felt::from(value)));
        Err(ClaimError::OutputPrefix { index, found, expected })
    };
    assert_eq!(check(&[9]), prefix(0, [7, 9]));
    assert_eq!(check(&[7, 9]), prefix(1, [8, 9]));
    let mut named = claim();
    named.arguments_start = Some(20);
    assert_eq!(named.check(&cairo0(), &[], 70), Err(ClaimError::ArgumentsStartUnexpected));
}

#[test]
fn arguments_of_cairo_2() {
    let program = program(ArgumentBinding::Pointers { cell: 57 });
    let mut claim = claim();
    assert_eq!(claim.check(&program, &[], 70), Err(ClaimError::ArgumentsStartMissing));
    claim.arguments_start = Some(65);
    // The output says nothing about the arguments, and the pointers stand at 67 and 68.
    for arguments in 0..=5 {
        assert_eq!(claim.check(&program, &vec![Felt::from(1_u64); arguments], 70), Ok(()));
    }
    let outside = |what, address, end| Err(ClaimError::OutsideMemory { what, address, end });
    assert_eq!(claim.check(&program, &felts(&[0; 6]), 70), outside("argument segment", 70, 70));
    let other = |cell| super::tests::program(ArgumentBinding::Pointers { cell });
    assert_eq!(claim.check(&other(58), &[], 70), Ok(()));
    assert_eq!(claim.check(&other(59), &[], 70), outside("pair of argument pointers", 70, 70));
}

#[test]
fn nothing_lies_outside_memory() {
    let at = |end, change: &dyn Fn(&mut Claim)| {
        let mut claim = claim();
        change(&mut claim);
        claim.check(&cairo0(), &[], end)
    };
    let outside = |what, address, end| Err(ClaimError::OutsideMemory { what, address, end });
    assert_eq!(at(70, &|_| {}), Ok(()));
    assert_eq!(at(69, &|_| {}), outside("builtin segment", 69, 69));
    // The first segment counts like the last.
    assert_eq!(at(70, &|claim| claim.segments[0] = Segment { base: 69, stop: 71 }), outside("builtin segment", 70, 70));
    assert_eq!(at(70, &|claim| claim.final_ap = 70), Ok(()));
    assert_eq!(at(70, &|claim| claim.final_ap = 71), outside("final ap", 70, 70));
    assert_eq!(at(9, &|_| {}), outside("program", 9, 9));
    assert_eq!(at(10, &|_| {}), outside("final ap", 15, 10));
}

#[test]
fn fetches_are_the_programs() {
    let refused = check(|claim| claim.fetches[0].pc = 5);
    assert_eq!(refused, Err(ClaimError::Fetches(FetchError::Final(5))));
}

#[test]
fn segments_by_builtin() {
    let (program, mut claim) = (cairo0(), claim());
    let segments = [Builtin::Output, Builtin::RangeCheck, Builtin::Bitwise].map(|b| claim.segment(&program, b));
    assert_eq!(segments.to_vec(), claim.segments.iter().copied().map(Some).collect::<Vec<_>>());
    assert_eq!(claim.segment(&program, Builtin::Pedersen), None);
    for (owned_end, [base, stop], is_owned) in
        [(53, [50, 53], true), (54, [50, 53], true), (52, [50, 53], false), (60, [50, 50], false), (1, [50, 53], false)]
    {
        claim.owned_end = owned_end;
        claim.segments[1] = Segment { base, stop };
        let expected = is_owned.then_some(Segment { base, stop });
        assert_eq!(claim.owned_range(&program), expected, "{base}..{stop} of {owned_end}");
    }
}

/// Every claim has one encoding, as the protocol's document has it.
#[test]
fn the_encoding_is_pinned() {
    let mut claim = Claim { n_steps: 258, owned_end: 5, ..claim() };
    claim.segments.truncate(1);
    claim.arguments_start = Some(9);
    let mut bytes = Vec::new();
    claim.encode(&mut bytes);
    let head: Vec<u8> = [&[2, 1, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0, 5, 0, 0, 0][..], &[1, 0, 0, 0, 0, 0, 0, 0]].concat();
    let rest: Vec<u8> = [&[40, 0, 0, 0, 42, 0, 0, 0, 1, 9, 0, 0, 0][..], &[2, 0, 0, 0, 0, 0, 0, 0]].concat();
    assert_eq!(bytes[..45], [head, rest].concat());
    let mut fetches = vec![1, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 1, 0, 0, 0];
    assert_eq!(bytes[bytes.len() - 16..], fetches);
    let mut reader = Reader::new(&bytes);
    assert_eq!(Claim::decode(&mut reader), Ok(claim.clone()));
    assert!(reader.rest().is_empty());
    // A file that is cut off is refused for the field in which it ends.
    let fields = [
        (8, "number of steps"),
        (12, "final ap"),
        (16, "end of owned cells"),
        (32, "list of builtin segments"),
        (33, "argument flag"),
        (37, "argument address"),
        (109, "output"),
        (125, "list of fetches"),
    ];
    assert_eq!(bytes.len(), 125);
    for offset in 0..bytes.len() {
        let what = fields.iter().find(|(end, _)| offset < *end).map_or("", |(_, name)| name);
        assert_eq!(Claim::decode(&mut Reader::new(&bytes[..offset])), Err(CodecError::Truncated { what, offset }));
    }
    // Without an argument segment its address is 0.
    claim.arguments_start = None;
    let mut without = Vec::new();
    claim.encode(&mut without);
    assert_eq!(without[32..37], [0; 5]);
    assert_eq!(Claim::decode(&mut Reader::new(&without)), Ok(claim));
    without[33] = 1;
    let refused = CodecError::Unknown { what: "argument address", found: 1, offset: 33 };
    assert_eq!(Claim::decode(&mut Reader::new(&without)), Err(refused));
    // Not more fetches than the limit.
    fetches[..8].copy_from_slice(&(fetch::MAX_FETCHES as u64 + 1).to_le_bytes());
    fetches.resize(8 + 8 * (fetch::MAX_FETCHES + 1), 0);
    assert!(matches!(fetch::decode(&mut Reader::new(&fetches)), Err(CodecError::TooLong { .. })));
    fetches[..8].copy_from_slice(&(fetch::MAX_FETCHES as u64).to_le_bytes());
    assert_eq!(fetch::decode(&mut Reader::new(&fetches)).map(|fetches| fetches.len()), Ok(1024));
}
