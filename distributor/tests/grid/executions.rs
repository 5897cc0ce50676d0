//! Executions that are none, and executions that are looked at again.

use crate::fixture::{self, STEPS};
use cairo_execution::Execution;
use distributor::store::{Refusal, Shown};
use distributor::verify::{CairoVerifier, ExecutionBounds, Recheck, recheck};
use felt::Felt;
use protocol::{Cause, Digest, Felts, UnitLimits};
use std::fs::File;
use std::io::Write as _;

const LIMITS: UnitLimits = UnitLimits { max_steps: 1000, max_memory_cells: 1000, time_limit: 10 };
const BOUNDS: ExecutionBounds = ExecutionBounds { max_bytes: 1 << 20, max_cells: 1000 };

/// The kept file is looked at again by the program and arguments of `of`.
fn again(bytes: &[u8], kept_as: &Digest, of: &Execution, limits: &UnitLimits) -> Recheck {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    std::io::Seek::rewind(&mut file).unwrap();
    look(file, kept_as, of, limits)
}

fn look(file: File, kept_as: &Digest, of: &Execution, limits: &UnitLimits) -> Recheck {
    recheck(&CairoVerifier::default(), &of.program, &of.arguments, (file, kept_as), limits, &BOUNDS)
}

#[test]
fn a_kept_execution_is_judged_again() {
    let honest = fixture::run(&[3]);
    let bytes = fixture::file(&honest);
    let digest = Digest::of(&bytes);
    let good = Recheck::Good(Shown { n_steps: STEPS, output: Felts(vec![Felt::from(7)]) });
    assert_eq!(again(&bytes, &digest, &honest, &LIMITS), good);

    let cause = |found: Recheck| match found {
        Recheck::Bad(Refusal { cause, .. }) => cause,
        other => panic!("{other:?}"),
    };
    let other_arguments = again(&bytes, &digest, &fixture::run(&[4]), &LIMITS);
    assert_eq!(cause(other_arguments), Cause::WrongArguments);
    assert_eq!(cause(again(&bytes, &digest, &fixture::run_writing(8, &[3]), &LIMITS)), Cause::WrongProgram);
    let narrow = UnitLimits { max_steps: STEPS - 1, ..LIMITS };
    assert_eq!(cause(again(&bytes, &digest, &honest, &narrow)), Cause::PolicyFailed);
    // Kept as it was brought, and no execution at all.
    assert_eq!(cause(again(b"CAIRN", &Digest::of(b"CAIRN"), &honest, &LIMITS)), Cause::BadEncoding);
}

/// A disk that lost something accuses nobody.
#[test]
fn a_damaged_file_is_told_from_a_bad_one() {
    let honest = fixture::run(&[3]);
    let bytes = fixture::file(&honest);
    let digest = Digest::of(&bytes);
    let mut flipped = bytes.clone();
    *flipped.last_mut().unwrap() ^= 1;
    for damaged in [&flipped[..], &bytes[..bytes.len() - 1], &[]] {
        let Recheck::Damaged(why) = again(damaged, &digest, &honest, &LIMITS) else { panic!("{}", damaged.len()) };
        assert!(why.contains(&digest.to_string()), "{why}");
    }
    let folder = tempfile::tempdir().unwrap();
    let Recheck::Damaged(why) = look(File::open(folder.path()).unwrap(), &digest, &honest, &LIMITS) else { panic!() };
    assert!(why.contains("cannot be read"), "{why}");
}
