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
        runs: vec![RunClaim {
            offset: 0,
            n_steps: 1,
            final_ap: 16,
            segments: [[40, 42], [50, 53], [60, 70]].map(|[base, stop]| Segment { base, stop }).to_vec(),
            arguments_start: None,
            output: felts(&[7, 8]),
        }],
        owned_end: 1,
        fetches: vec![Fetch { pc: 7, count: 1 }],
    }
}

fn check(change: impl FnOnce(&mut Claim)) -> Result<(), ClaimError> {
    let mut claim = claim();
    change(&mut claim);
    claim.check(&cairo0(), &[felts(&[7])], 70)
}

#[test]
fn steps_and_owned_cells() {
    assert_eq!(check(|_| {}), Ok(()));
    assert_eq!(check(|claim| claim.runs[0].n_steps = 0), Err(ClaimError::Steps(0)));
    assert_eq!((MAX_STEPS, MAX_OUTPUT), (1 << 40, 1 << 20));
    assert_eq!(check(|claim| claim.runs[0].n_steps = MAX_STEPS), Ok(()));
    assert_eq!(check(|claim| claim.runs[0].n_steps = MAX_STEPS + 1), Err(ClaimError::Steps(MAX_STEPS + 1)));
    assert_eq!(check(|claim| claim.owned_end = 0), Err(ClaimError::OwnedEnd));
}

#[test]
fn segments() {
    assert_eq!(check(|claim| claim.runs[0].final_ap = 15), Err(ClaimError::FinalAp { found: 15, least: 16 }));
    let count = ClaimError::SegmentCount { found: 2, expected: 3 };
    assert_eq!(check(|claim| claim.runs[0].segments.truncate(2)), Err(count));
    let (builtin, order) = (Builtin::RangeCheck, |base, stop| Segment { base, stop });
    let refused = |base, stop| Err(ClaimError::SegmentOrder { builtin, base, stop });
    assert_eq!(check(|claim| claim.runs[0].segments[1] = order(0, 3)), refused(0, 3));
    assert_eq!(check(|claim| claim.runs[0].segments[1] = order(0, 0)), refused(0, 0));
    assert_eq!(check(|claim| claim.runs[0].segments[1] = order(51, 50)), refused(51, 50));
    assert_eq!(check(|claim| claim.runs[0].segments[1] = order(50, 50)), Ok(()));
    assert_eq!(check(|claim| claim.runs[0].segments[1] = order(1, 2)), Ok(()));
    for (stop, cells) in [(64, 4), (66, 6), (61, 1)] {
        let size = ClaimError::SegmentSize { builtin: Builtin::Bitwise, cells, instance: 5 };
        assert_eq!(check(|claim| claim.runs[0].segments[2].stop = stop), Err(size));
    }
}

/// A declared builtin costs a base and a stop pointer. Its segment may be empty, and has whole instances.
#[test]
fn segments_of_each_builtin() {
    for builtin in Builtin::ALL {
        let program = fixture::program(&[builtin], [0_u64; 0], ArgumentBinding::OutputPrefix);
        let with = |cells| {
            let claim = Claim {
                runs: vec![RunClaim {
                    offset: 0,
                    n_steps: 1,
                    final_ap: 16,
                    segments: vec![Segment { base: 40, stop: 40 + cells }],
                    arguments_start: None,
                    output: vec![Felt::zero(); if builtin == Builtin::Output { cells as usize } else { 0 }],
                }],
                owned_end: 1,
                fetches: Vec::new(),
            };
            claim.check(&program, &[Vec::new()], 100)
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
    let with = |segments, output, arguments_start| {
        let run = claim().runs.remove(0);
        Claim { runs: vec![RunClaim { segments, output, arguments_start, ..run }], fetches: Vec::new(), ..claim() }
    };
    let silent = with(Vec::new(), Vec::new(), None);
    assert_eq!(silent.check(&cairo0, &[Vec::new()], 70), Ok(()));
    assert_eq!(silent.check(&cairo0, &[felts(&[7])], 70), Err(ClaimError::OutputTooShort { output: 0, arguments: 1 }));
    let speaking = with(Vec::new(), felts(&[7]), None);
    assert_eq!(speaking.check(&cairo0, &[felts(&[7])], 70), Err(ClaimError::OutputLength { found: 1, expected: 0 }));
    let segment = with(vec![Segment { base: 40, stop: 41 }], felts(&[7]), None);
    assert_eq!(segment.check(&cairo0, &[Vec::new()], 70), Err(ClaimError::SegmentCount { found: 1, expected: 0 }));
    // The arguments of Cairo 2 are bound elsewhere.
    let named = with(Vec::new(), Vec::new(), Some(20));
    assert_eq!(named.check(&cairo2, &[felts(&[7])], 70), Ok(()));
}

#[test]
fn output() {
    for (found, output) in [(1, &[7][..]), (3, &[7, 8, 9])] {
        let refused = ClaimError::OutputLength { found, expected: 2 };
        assert_eq!(check(|claim| claim.runs[0].output = felts(output)), Err(refused));
    }
    let long = |length: usize| {
        let mut claim = claim();
        claim.runs[0].output = vec![Felt::from(7_u64); length];
        claim.runs[0].segments[0] = Segment { base: 100, stop: 100 + length as u32 };
        claim.check(&cairo0(), &[felts(&[7])], 1 << 30)
    };
    assert_eq!(long(MAX_OUTPUT), Ok(()));
    assert_eq!(long(MAX_OUTPUT + 1), Err(ClaimError::OutputTooLong(MAX_OUTPUT + 1)));
}

#[test]
fn arguments_of_cairo_0() {
    let check = |arguments: &[u64]| claim().check(&cairo0(), &[felts(arguments)], 70);
    assert_eq!((check(&[]), check(&[7]), check(&[7, 8])), (Ok(()), Ok(()), Ok(())));
    assert_eq!(check(&[7, 8, 9]), Err(ClaimError::OutputTooShort { output: 2, arguments: 3 }));
    let prefix = |index, [found, expected]: [u64; 2]| {
        let [found, expected] = [found, expected].map(|value| encoding::to_hex(&Felt::from(value)));
        Err(ClaimError::OutputPrefix { index, found, expected })
    };
    assert_eq!(check(&[9]), prefix(0, [7, 9]));
    assert_eq!(check(&[7, 9]), prefix(1, [8, 9]));
    let mut named = claim();
    named.runs[0].arguments_start = Some(20);
    assert_eq!(named.check(&cairo0(), &[Vec::new()], 70), Err(ClaimError::ArgumentsStartUnexpected));
}

#[test]
fn arguments_of_cairo_2() {
    let program = program(ArgumentBinding::Pointers { cell: 57 });
    let mut claim = claim();
    assert_eq!(claim.check(&program, &[Vec::new()], 70), Err(ClaimError::ArgumentsStartMissing));
    claim.runs[0].arguments_start = Some(65);
    // The output says nothing about the arguments, and the pointers stand at 67 and 68.
    for arguments in 0..=5 {
        assert_eq!(claim.check(&program, &[vec![Felt::from(1_u64); arguments]], 70), Ok(()));
    }
    let outside = |what, address, end| Err(ClaimError::OutsideMemory { what, address, end });
    assert_eq!(claim.check(&program, &[felts(&[0; 6])], 70), outside("argument segment", 70, 70));
    let other = |cell| super::tests::program(ArgumentBinding::Pointers { cell });
    assert_eq!(claim.check(&other(58), &[Vec::new()], 70), Ok(()));
    assert_eq!(claim.check(&other(59), &[Vec::new()], 70), outside("pair of argument pointers", 70, 70));
}

#[test]
fn nothing_lies_outside_memory() {
    let at = |end, change: &dyn Fn(&mut Claim)| {
        let mut claim = claim();
        change(&mut claim);
        claim.check(&cairo0(), &[Vec::new()], end)
    };
    let outside = |what, address, end| Err(ClaimError::OutsideMemory { what, address, end });
    assert_eq!(at(70, &|_| {}), Ok(()));
    assert_eq!(at(69, &|_| {}), outside("builtin segment", 69, 69));
    // The first segment counts like the last.
    assert_eq!(
        at(70, &|claim| claim.runs[0].segments[0] = Segment { base: 69, stop: 71 }),
        outside("builtin segment", 70, 70)
    );
    assert_eq!(at(70, &|claim| claim.runs[0].final_ap = 70), Ok(()));
    assert_eq!(at(70, &|claim| claim.runs[0].final_ap = 71), outside("final ap", 70, 70));
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
    assert_eq!(segments.to_vec(), claim.runs[0].segments.iter().copied().map(Some).collect::<Vec<_>>());
    assert_eq!(claim.segment(&program, Builtin::Pedersen), None);
    for (owned_end, [base, stop], is_owned) in
        [(53, [50, 53], true), (54, [50, 53], true), (52, [50, 53], false), (60, [50, 50], false), (1, [50, 53], false)]
    {
        claim.owned_end = owned_end;
        claim.runs[0].segments[1] = Segment { base, stop };
        let expected = is_owned.then_some(Segment { base, stop });
        assert_eq!(claim.owned_range(&program), expected, "{base}..{stop} of {owned_end}");
    }
}

/// Every claim has one encoding, as the protocol's document has it.
#[test]
fn the_encoding_is_pinned() {
    let mut claim = Claim { owned_end: 5, ..claim() };
    claim.runs[0].n_steps = 258;
    claim.runs[0].segments.truncate(1);
    claim.runs[0].arguments_start = Some(9);
    let mut bytes = Vec::new();
    claim.encode(Version::Single, &mut bytes);
    let head: Vec<u8> = [&[2, 1, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0, 5, 0, 0, 0][..], &[1, 0, 0, 0, 0, 0, 0, 0]].concat();
    let rest: Vec<u8> = [&[40, 0, 0, 0, 42, 0, 0, 0, 1, 9, 0, 0, 0][..], &[2, 0, 0, 0, 0, 0, 0, 0]].concat();
    assert_eq!(bytes[..45], [head, rest].concat());
    let mut fetches = vec![1, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 1, 0, 0, 0];
    assert_eq!(bytes[bytes.len() - 16..], fetches);
    let mut reader = Reader::new(&bytes);
    assert_eq!(Claim::decode(&mut reader, Version::Single), Ok(claim.clone()));
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
        assert_eq!(
            Claim::decode(&mut Reader::new(&bytes[..offset]), Version::Single),
            Err(CodecError::Truncated { what, offset })
        );
    }
    // Without an argument segment its address is 0.
    claim.runs[0].arguments_start = None;
    let mut without = Vec::new();
    claim.encode(Version::Single, &mut without);
    assert_eq!(without[32..37], [0; 5]);
    assert_eq!(Claim::decode(&mut Reader::new(&without), Version::Single), Ok(claim));
    without[33] = 1;
    let refused = CodecError::Unknown { what: "argument address", found: 1, offset: 33 };
    assert_eq!(Claim::decode(&mut Reader::new(&without), Version::Single), Err(refused));
    // Not more fetches than the limit.
    fetches[..8].copy_from_slice(&(fetch::MAX_FETCHES as u64 + 1).to_le_bytes());
    fetches.resize(8 + 8 * (fetch::MAX_FETCHES + 1), 0);
    assert!(matches!(fetch::decode(&mut Reader::new(&fetches)), Err(CodecError::TooLong { .. })));
    fetches[..8].copy_from_slice(&(fetch::MAX_FETCHES as u64).to_le_bytes());
    assert_eq!(fetch::decode(&mut Reader::new(&fetches)).map(|fetches| fetches.len()), Ok(1024));
}

/// Three runs; the execution segments begin at 8, 16 and 28, and the memory ends at 75.
fn several() -> Claim {
    let run = |offset, n_steps, final_ap, segments: [[u32; 2]; 3], output: &[u64]| RunClaim {
        offset,
        n_steps,
        final_ap,
        segments: segments.map(|[base, stop]| Segment { base, stop }).to_vec(),
        arguments_start: None,
        output: felts(output),
    };
    let runs = vec![
        run(0, 3, 16, [[40, 42], [50, 53], [60, 70]], &[7, 8]),
        run(8, 2, 24, [[42, 43], [53, 53], [70, 75]], &[9]),
        run(20, 5, 36, [[43, 45], [53, 55], [75, 75]], &[1, 2]),
    ];
    Claim { runs, owned_end: 1, fetches: Vec::new() }
}

fn check_several(change: impl FnOnce(&mut Claim)) -> Result<(), ClaimError> {
    let mut claim = several();
    change(&mut claim);
    claim.check(&cairo0(), &[felts(&[7]), felts(&[9]), Vec::new()], 75)
}

fn of_run(run: usize, error: ClaimError) -> Result<(), ClaimError> {
    Err(ClaimError::Run { run, error: Box::new(error) })
}

/// What is wrong about one run is said of it, whichever it is.
#[test]
fn each_of_several_runs() {
    assert_eq!(check_several(|_| {}), Ok(()));
    for run in 0..3 {
        let with = |change: &dyn Fn(&mut RunClaim)| check_several(|claim| change(&mut claim.runs[run]));
        assert_eq!(with(&|r| r.n_steps = 0), of_run(run, ClaimError::Steps(0)));
        assert_eq!(with(&|r| r.n_steps = MAX_STEPS + 1), of_run(run, ClaimError::Steps(MAX_STEPS + 1)));
        // The stop pointers stand on the run's own stack.
        let least = 16 + several().runs[run].offset;
        let refused = ClaimError::FinalAp { found: least - 1, least: least.into() };
        assert_eq!(with(&|r| r.final_ap = least - 1), of_run(run, refused));
        let count = ClaimError::SegmentCount { found: 2, expected: 3 };
        assert_eq!(with(&|r| r.segments.truncate(2)), of_run(run, count));
        let order = ClaimError::SegmentOrder { builtin: Builtin::RangeCheck, base: 54, stop: 53 };
        assert_eq!(with(&|r| r.segments[1] = Segment { base: 54, stop: 53 }), of_run(run, order));
        let Segment { base, stop } = several().runs[run].segments[2];
        let cells = stop + 1 - base;
        let size = ClaimError::SegmentSize { builtin: Builtin::Bitwise, cells, instance: 5 };
        assert_eq!(with(&|r| r.segments[2].stop += 1), of_run(run, size));
        let expected = several().runs[run].output.len() as u32;
        let length = ClaimError::OutputLength { found: expected as usize + 1, expected };
        assert_eq!(with(&|r| r.output.push(Felt::one())), of_run(run, length));
        assert_eq!(with(&|r| r.arguments_start = Some(9)), of_run(run, ClaimError::ArgumentsStartUnexpected));
        let outside = ClaimError::OutsideMemory { what: "final ap", address: 75, end: 75 };
        assert_eq!(with(&|r| r.final_ap = 76), of_run(run, outside));
    }
    let of_last = |change: &dyn Fn(&mut RunClaim)| check_several(|claim| change(&mut claim.runs[2]));
    let outside = ClaimError::OutsideMemory { what: "builtin segment", address: 79, end: 75 };
    assert_eq!(of_last(&|r| r.segments[2].stop = 80), of_run(2, outside));
    let prefix = |run: usize| {
        let mut arguments = [felts(&[7]), felts(&[9]), felts(&[1, 2])];
        arguments[run][0] = Felt::from(3_u64);
        let found = encoding::to_hex(&several().runs[run].output[0]);
        let error = ClaimError::OutputPrefix { index: 0, found, expected: encoding::to_hex(&Felt::from(3_u64)) };
        (several().check(&cairo0(), &arguments, 75), of_run(run, error))
    };
    for (found, expected) in (0..3).map(prefix) {
        assert_eq!(found, expected);
    }
    let long = several().check(&cairo0(), &[felts(&[7]), felts(&[9, 9]), Vec::new()], 75);
    assert_eq!(long, of_run(1, ClaimError::OutputTooShort { output: 1, arguments: 2 }));
}

#[test]
fn runs_behind_each_other() {
    for (found, arguments) in [(3, 0), (3, 2), (3, 4)] {
        let refused = ClaimError::Runs { found, expected: arguments };
        assert_eq!(several().check(&cairo0(), &vec![Vec::new(); arguments], 75), Err(refused));
    }
    let offset = |found, expected: &str| ClaimError::Offset { found, expected: expected.into() };
    for one in [false, true] {
        let mut claim = several();
        claim.runs[0].offset = 1;
        claim.runs[0].final_ap += 1;
        claim.runs.truncate(if one { 1 } else { 3 });
        let refused = claim.check(&cairo0(), &vec![Vec::new(); claim.runs.len()], 75);
        assert_eq!(refused, if one { Err(offset(1, "0")) } else { of_run(0, offset(1, "0")) });
    }
    // Where the run before has its final ap, or later.
    for (run, least) in [(1, 8), (2, 16)] {
        let at = |offset| check_several(|claim| claim.runs[run].offset = offset);
        assert_eq!(at(least), Ok(()));
        assert_eq!(at(least - 1), of_run(run, offset(least - 1, &format!("at least {least}"))));
        assert_eq!(at(0), of_run(run, offset(0, &format!("at least {least}"))));
    }
    let far = |value| check_several(|claim| claim.runs[1].offset = value);
    for value in [u32::MAX, u32::MAX - 17, 1 << 31] {
        let least = 16 + u64::from(value);
        assert_eq!(far(value), of_run(1, ClaimError::FinalAp { found: 24, least }));
    }
    // Parts of builtins' segments: not one cell between two of them, or shared.
    for (run, place, builtin) in [(1, 1, Builtin::RangeCheck), (2, 1, Builtin::RangeCheck), (2, 2, Builtin::Bitwise)] {
        let expected = several().runs[run].segments[place].base;
        for found in [expected - 5, expected + 5] {
            let moved = Segment { base: found, stop: found };
            let mut claim = several();
            claim.runs[run].segments[place] = moved;
            let refused = claim.check(&cairo0(), &[const { Vec::new() }; 3], 80);
            assert_eq!(refused, of_run(run, ClaimError::Part { builtin, found, expected }));
        }
    }
    for (found, stop) in [(41, 42), (43, 44), (44, 45)] {
        let refused = check_several(|claim| claim.runs[1].segments[0] = Segment { base: found, stop });
        assert_eq!(refused, of_run(1, ClaimError::Part { builtin: Builtin::Output, found, expected: 42 }));
    }
    // The pointers to the arguments stand on each run's own stack.
    let program = program(ArgumentBinding::Pointers { cell: 3 });
    let mut claim = several();
    claim.runs.iter_mut().for_each(|run| run.arguments_start = Some(70));
    let check = |claim: &Claim, end| claim.check(&program, &vec![felts(&[4, 4]); 3], end);
    assert_eq!(check(&claim, 75), Ok(()));
    claim.runs[2].arguments_start = Some(74);
    let outside = |what, address| ClaimError::OutsideMemory { what, address, end: 75 };
    assert_eq!(check(&claim, 75), of_run(2, outside("argument segment", 75)));
    let program = super::tests::program(ArgumentBinding::Pointers { cell: 44 });
    claim.runs[2].arguments_start = Some(70);
    let refused = claim.check(&program, &vec![felts(&[4, 4]); 3], 75);
    assert_eq!(refused, of_run(2, outside("pair of argument pointers", 75)));
}

#[test]
fn what_several_runs_have_together() {
    assert_eq!(check_several(|claim| claim.runs[0].n_steps = MAX_STEPS - 7), Ok(()));
    let more = check_several(|claim| claim.runs[0].n_steps = MAX_STEPS - 6);
    assert_eq!(more, Err(ClaimError::Steps(MAX_STEPS + 1)));
    let most = check_several(|claim| claim.runs.iter_mut().for_each(|run| run.n_steps = MAX_STEPS));
    assert_eq!(most, Err(ClaimError::Steps(3 * MAX_STEPS)));
    assert_eq!(check_several(|claim| claim.owned_end = 0), Err(ClaimError::OwnedEnd));
    let fetch = check_several(|claim| claim.fetches = vec![Fetch { pc: 5, count: 1 }]);
    assert_eq!(fetch, Err(ClaimError::Fetches(FetchError::Final(5))));
    // The first two take all output that there may be.
    let long = |last: usize| {
        let lengths = [MAX_OUTPUT / 2, MAX_OUTPUT / 2, last];
        let mut claim = several();
        let mut base = 100;
        for (run, length) in claim.runs.iter_mut().zip(lengths) {
            run.segments[0] = Segment { base, stop: base + length as u32 };
            run.output = vec![Felt::one(); length];
            base += length as u32;
        }
        claim
    };
    let check = |claim: &Claim| claim.check(&cairo0(), &[const { Vec::new() }; 3], 1 << 30);
    assert_eq!(check(&long(0)), Ok(()));
    assert_eq!(check(&long(1)), Err(ClaimError::OutputTooLong(MAX_OUTPUT + 1)));
    // A file cannot even be read.
    let mut bytes = Vec::new();
    long(1).encode(Version::Batch, &mut bytes);
    let refused = Claim::decode(&mut Reader::new(&bytes), Version::Batch);
    assert!(matches!(refused, Err(CodecError::TooLong { what: "output", .. })), "{refused:?}");
    // Segments of all runs together, from the first's base to the last's stop, and each run at its own clocks.
    let (program, claim) = (cairo0(), several());
    let segments = [Builtin::Output, Builtin::RangeCheck, Builtin::Bitwise].map(|b| claim.segment(&program, b));
    assert_eq!(segments, [[40, 45], [50, 55], [60, 75]].map(|[base, stop]| Some(Segment { base, stop })));
    assert_eq!(claim.segment(&program, Builtin::Pedersen), None);
    assert_eq!(claim.clocks().map(|(clock, _)| clock).collect::<Vec<_>>(), [0, 4, 7]);
    assert_eq!(claim.total_steps(), 10);
    for (owned_end, is_owned) in [(55, true), (54, false), (53, false)] {
        let claim = Claim { owned_end, ..several() };
        assert_eq!(claim.owned_range(&program), is_owned.then_some(Segment { base: 50, stop: 55 }));
    }
}

/// Every claim of several runs has one encoding, as the protocol's document has it.
#[test]
fn the_encoding_of_several_runs_is_pinned() {
    let mut claim = Claim { owned_end: 5, fetches: vec![Fetch { pc: 7, count: 1 }], ..several() };
    claim.runs.truncate(2);
    claim.runs[1].arguments_start = Some(9);
    claim.runs[1].n_steps = 258;
    claim.runs[1].segments.truncate(1);
    claim.runs[1].output = vec![-Felt::one()];
    let mut bytes = Vec::new();
    claim.encode(Version::Batch, &mut bytes);
    let head = vec![5, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0];
    let first = [
        &[0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0][..],
        &[40, 0, 0, 0, 42, 0, 0, 0, 50, 0, 0, 0, 53, 0, 0, 0, 60, 0, 0, 0, 70, 0, 0, 0],
        &[0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0],
    ];
    let second = [8, 0, 0, 0, 2, 1, 0, 0, 0, 0, 0, 0, 24, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 42, 0, 0, 0, 43, 0, 0, 0];
    let fetches = [1, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 1, 0, 0, 0];
    let mut values = Vec::new();
    claim.runs[0].output.iter().for_each(|value| values.small_felt(value));
    let mut last = vec![1, 9, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0];
    last.small_felt(&claim.runs[1].output[0]);
    let expected = [&head[..], &first.concat(), &values, &second, &last, &fetches].concat();
    assert_eq!(bytes, expected);
    // In a transcript and in a file alike; read to the last byte, and not a byte less.
    let mut reader = Reader::new(&bytes);
    assert_eq!(Claim::decode(&mut reader, Version::Batch), Ok(claim.clone()));
    assert!(reader.rest().is_empty());
    for length in 0..bytes.len() {
        assert!(Claim::decode(&mut Reader::new(&bytes[..length]), Version::Batch).is_err(), "{length}");
    }
    // Each field counts, so two claims have two encodings.
    let changes: [&dyn Fn(&mut Claim); 8] = [
        &|claim| claim.runs[1].offset += 1,
        &|claim| claim.runs[1].n_steps += 1,
        &|claim| claim.runs[0].final_ap += 1,
        &|claim| claim.runs[0].segments[2].stop += 5,
        &|claim| claim.runs[1].arguments_start = None,
        &|claim| claim.runs[1].arguments_start = Some(0),
        &|claim| claim.runs[0].output[1] += Felt::one(),
        &|claim| claim.runs.swap(0, 1),
    ];
    for change in changes {
        let mut other = claim.clone();
        change(&mut other);
        let mut encoded = Vec::new();
        other.encode(Version::Batch, &mut encoded);
        assert_ne!(encoded, bytes);
        assert_eq!(Claim::decode(&mut Reader::new(&encoded), Version::Batch), Ok(other));
    }
    // As many runs as there may be are read, and not one more.
    let run = RunClaim { segments: Vec::new(), output: Vec::new(), arguments_start: None, ..several().runs.remove(0) };
    for (count, is_read) in [(MAX_RUNS, true), (MAX_RUNS + 1, false)] {
        let many = Claim { runs: vec![run.clone(); count], ..several() };
        let mut encoded = Vec::new();
        many.encode(Version::Batch, &mut encoded);
        let read = Claim::decode(&mut Reader::new(&encoded), Version::Batch);
        let is_too_long = matches!(read, Err(CodecError::TooLong { what: "list of runs", .. }));
        assert_eq!((read == Ok(many), is_too_long), (is_read, !is_read));
    }
    // A list of runs longer than the limit, or than the file, is refused before room is made for it.
    for count in [MAX_RUNS as u64 + 1, MAX_RUNS as u64, 1 << 60, u64::MAX] {
        let mut long = bytes.clone();
        long[4..12].copy_from_slice(&count.to_le_bytes());
        let refused = Claim::decode(&mut Reader::new(&long), Version::Batch);
        let is_list = |what: &str| what == "list of runs";
        match refused {
            Err(CodecError::TooLong { what, .. } | CodecError::Truncated { what, .. }) => assert!(is_list(what)),
            other => unreachable!("{other:?}"),
        }
    }
}
