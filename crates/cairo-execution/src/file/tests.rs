#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use super::*;
use crate::fixture::{cairo0, cairo2, countdown};
use felt::Felt;

fn saved(execution: &Execution) -> Vec<u8> {
    let mut file = Vec::new();
    save(execution, &mut file).expect("a sound execution is saved");
    file
}

fn loaded(file: &[u8]) -> Result<Execution, LoadError> {
    load(file, LoadLimits::default())
}

/// A file around any body, with a right checksum.
fn file_of(body: &[u8]) -> Vec<u8> {
    file_of_frame(body.len() as u64, &zstd::encode_all(body, 1).unwrap())
}

fn file_of_frame(body_bytes: u64, frame: &[u8]) -> Vec<u8> {
    let mut file = MAGIC.to_vec();
    file.extend(VERSION.to_le_bytes());
    file.extend(body_bytes.to_le_bytes());
    file.extend((frame.len() as u64).to_le_bytes());
    file.extend(checksum(&file.clone(), frame));
    file.extend(frame);
    file
}

/// The body of an execution that need not be sound.
fn body_of(execution: &Execution) -> Vec<u8> {
    let mut sink = Sink::new(Vec::new());
    body::write(execution, &mut sink).unwrap();
    sink.finish().0
}

#[test]
fn executions_come_back_equal() {
    for execution in [cairo0(), cairo2()] {
        assert_eq!(loaded(&saved(&execution)).unwrap(), execution);
    }
}

#[test]
fn an_unsound_execution_is_neither_saved_nor_loaded() {
    let mut execution = cairo0();
    execution.trace.pop();
    assert!(matches!(save(&execution, Vec::new()), Err(SaveError::Invalid(ExecutionError::FinalState { .. }))));
    assert!(matches!(
        loaded(&file_of(&body_of(&execution))),
        Err(LoadError::Invalid(ExecutionError::FinalState { .. }))
    ));
}

#[test]
fn a_failing_writer_or_reader_is_reported() {
    struct Broken;
    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::Error::other("disk full"))
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("disk gone"))
        }
    }
    assert!(matches!(save(&cairo0(), Broken), Err(SaveError::Io(_))));
    assert!(matches!(load(Broken, LoadLimits::default()), Err(LoadError::Io(_))));
}

#[test]
fn every_flipped_bit_is_noticed() {
    for execution in [cairo0(), cairo2()] {
        let file = saved(&execution);
        for index in 0..file.len() {
            for bit in 0..8 {
                let mut damaged = file.clone();
                damaged[index] ^= 1 << bit;
                assert!(loaded(&damaged).is_err(), "byte {index}, bit {bit}");
            }
        }
    }
}

#[test]
fn every_truncation_is_noticed() {
    let file = saved(&cairo0());
    for length in 0..file.len() {
        let error = loaded(&file[..length]).expect_err("a part is no file");
        assert!(matches!(error, LoadError::Truncated { .. }), "{length}: {error}");
    }
}

#[test]
fn damage_below_the_checksum_is_noticed_or_harmless() {
    // With the checksum made right again, a flipped bit may give another sound execution, but never a panic.
    let body = body_of(&cairo2());
    let mut accepted = 0;
    for index in 0..body.len() {
        for bit in 0..8 {
            let mut damaged = body.clone();
            damaged[index] ^= 1 << bit;
            if let Ok(execution) = loaded(&file_of(&damaged)) {
                assert_eq!(body_of(&execution), damaged, "byte {index}, bit {bit}: two forms of one execution");
                accepted += 1;
            }
        }
        let error = loaded(&file_of(&body[..index])).expect_err("a part is no body");
        assert!(matches!(error, LoadError::Truncated { .. } | LoadError::CountBeyondEnd { .. }), "{index}: {error}");
    }
    // Registers in the middle of the trace and free cells are not bound by the structural check.
    assert!(accepted < body.len() * 2, "{accepted} of {} changes pass", body.len() * 8);
}

#[test]
fn header_errors() {
    let file = saved(&cairo0());
    let mut other = file.clone();
    other[0] = b'X';
    assert!(matches!(loaded(&other), Err(LoadError::Magic)));
    let mut other = file.clone();
    other[8] = 1;
    assert!(matches!(loaded(&other), Err(LoadError::Version { found: 1 })));
    let mut other = file.clone();
    *other.last_mut().unwrap() ^= 1;
    assert!(matches!(loaded(&other), Err(LoadError::Checksum)));
    let mut other = file.clone();
    other.push(0);
    assert!(matches!(loaded(&other), Err(LoadError::Trailing { part: "file" })));
    // A huge announced length allocates nothing.
    let mut other = file;
    other[20..28].copy_from_slice(&(1_u64 << 30).to_le_bytes());
    assert!(matches!(loaded(&other), Err(LoadError::Truncated { part: "packed body" })));
}

#[test]
fn limits_hold() {
    let file = saved(&cairo0());
    let limits = LoadLimits::default();
    let small = [
        ("packed bytes", LoadLimits { max_packed_bytes: 10, ..limits }),
        ("unpacked bytes", LoadLimits { max_body_bytes: 10, ..limits }),
        ("trace states", LoadLimits { max_steps: 5, ..limits }),
        ("memory cells", LoadLimits { max_memory_cells: 20, ..limits }),
    ];
    for (name, limits) in small {
        let error = load(file.as_slice(), limits).expect_err(name);
        assert!(matches!(error, LoadError::TooLarge { what, .. } if what == name), "{name}: {error}");
    }
    let exact = LoadLimits { max_steps: 6, max_memory_cells: 21, ..limits };
    assert!(load(file.as_slice(), exact).is_ok());
}

#[test]
fn bombs_are_refused() {
    // A gigabyte of zeros packs to a few kilobytes; whatever length is announced, it is never unpacked whole.
    let frame = zstd::encode_all(io::repeat(0).take(1 << 30), 1).unwrap();
    for announced in [0, 100, 1 << 30, 1 << 32] {
        assert!(loaded(&file_of_frame(announced, &frame)).is_err(), "{announced}");
    }
    // A count that the body cannot hold is refused before memory is taken for it.
    let mut body = body_of(&cairo0());
    let cells = body.len() - (21 + 30);
    body.truncate(cells);
    body.extend([0xff, 0xff, 0xff, 0x3f]);
    assert!(loaded(&file_of(&body)).is_err());
}

#[test]
fn frames_are_exact() {
    let body = body_of(&cairo0());
    let frame = zstd::encode_all(body.as_slice(), 1).unwrap();
    let mut two = frame.clone();
    two.extend(&frame);
    let length = body.len() as u64;
    assert!(matches!(loaded(&file_of_frame(length, &two)), Err(LoadError::Trailing { part: "zstd frame" })));
    assert!(matches!(loaded(&file_of_frame(length, b"no frame")), Err(LoadError::Unpack { .. })));
    let mut longer = body.clone();
    longer.push(0);
    assert!(matches!(loaded(&file_of(&longer)), Err(LoadError::Trailing { part: "body" })));
    let frame = zstd::encode_all(longer.as_slice(), 1).unwrap();
    assert!(matches!(loaded(&file_of_frame(length, &frame)), Err(LoadError::Trailing { part: "announced body" })));
    assert!(matches!(
        loaded(&file_of_frame(length + 1, &zstd::encode_all(body.as_slice(), 1).unwrap())),
        Err(LoadError::Trailing { part: "body" })
    ));
}

#[test]
fn body_errors() {
    let body = body_of(&cairo0());
    // One builtin (output), binding by output, 12 words.
    assert_eq!(body[..4], [1, 0, 0, 12]);
    let changed = |index: usize, byte: u8| {
        let mut body = body.clone();
        body[index] = byte;
        loaded(&file_of(&body)).expect_err("changed")
    };
    assert!(matches!(changed(0, 12), LoadError::TooLarge { what: "builtins", found: 12, .. }));
    assert!(matches!(changed(1, 11), LoadError::UnknownTag { what: "builtin", found: 11 }));
    // Another builtin than the one that has a segment.
    assert!(matches!(changed(1, 1), LoadError::Invalid(ExecutionError::SegmentUndeclared(Builtin::Output))));
    assert!(matches!(changed(2, 2), LoadError::UnknownTag { what: "argument binding", found: 2 }));
    assert!(matches!(changed(4, 33), LoadError::NonCanonicalFelt { what: "words" }));
    assert!(matches!(changed(5, 0), LoadError::Program(ProgramError::Header { .. })));
    let many = [&body[..3], &[0xff, 0xff, 0x3f]].concat();
    assert!(matches!(loaded(&file_of(&many)), Err(LoadError::CountBeyondEnd { what: "words", .. })));
    let overlong = [&[0x81, 0][..], &body[1..]].concat();
    assert!(matches!(loaded(&file_of(&overlong)), Err(LoadError::NonCanonicalNumber { what: "builtins" })));
}

#[test]
fn segments_are_listed_once() {
    let execution = cairo0();
    let (body, segment) = (body_of(&execution), [1, 0, 20, 21]);
    let at = body.windows(4).position(|bytes| bytes == segment).unwrap();
    let twice = [&body[..at], &[2, 0, 20, 21, 0, 20, 21], &body[at + 4..]].concat();
    assert!(matches!(loaded(&file_of(&twice)), Err(LoadError::RepeatedSegment(Builtin::Output))));
}

#[test]
fn large_executions_pack_well() {
    let execution = countdown(50_000);
    let file = saved(&execution);
    // Two bytes for each of the numbers counted, and hardly any for the trace.
    assert!(file.len() < 120_000, "{} bytes", file.len());
    assert_eq!(loaded(&file).unwrap(), execution);
}

/// Its form is right: only who executes it finds out.
#[test]
fn an_invented_run_is_not_loaded() {
    let mut execution = countdown(3);
    execution.memory[21] += Felt::one();
    assert_eq!(execution.check_form(), Ok(()));
    let error = loaded(&saved(&execution)).unwrap_err();
    assert!(matches!(error, LoadError::Invalid(ExecutionError::Step { step: 3, pc: 9, .. })), "{error}");
}
