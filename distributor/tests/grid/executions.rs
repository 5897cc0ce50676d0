//! Executions that are none, and executions that are looked at again.

use crate::fixture::{self, STEPS};
use crate::harness::{Grid, Plan, cause};
use cairo_air::{ArgumentBinding, Builtin, Program};
use cairo_execution::{Execution, Registers, Segment};
use distributor::blobs::Kind;
use distributor::config::Settings;
use distributor::store::{Refusal, VerifiedRun};
use distributor::verify::{CairoVerifier, ExecutionBounds, Recheck, recheck};
use felt::Felt;
use protocol::client::{ClientError, Payload};
use protocol::{Cause, Digest, Felts, LeaseMode, UnitLimits, UnitState};
use std::collections::BTreeMap;
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
    let good = Recheck::Good(VerifiedRun { n_steps: STEPS, output: Felts(vec![Felt::from(7)]) });
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

/// The run of a program that has range_check check the number that it writes.
fn checking() -> Execution {
    let words = [
        0x0407_8001_7fff_7fff, // ap += 2
        2,
        0x1104_8001_8001_8000, // call rel 4
        4,
        0x0107_8001_7fff_7fff, // jmp rel 0
        0,
        0x4806_8001_7fff_8000, // [ap] = 7, ap++
        7,
        0x4002_8000_7ffc_7fff, // [ap - 1] = [[fp - 4]]
        0x4002_8000_7ffd_7fff, // [ap - 1] = [[fp - 3]]
        0x4826_8001_7ffc_8000, // [ap] = [fp - 4] + 1, ap++
        1,
        0x4826_8001_7ffd_8000, // [ap] = [fp - 3] + 1, ap++
        1,
        0x208b_7fff_7fff_7ffe, // ret
    ]
    .map(|word: u64| Felt::from(word));
    let mut memory = vec![Felt::from(0)];
    memory.extend_from_slice(&words);
    memory.extend([18, 0, 25, 26, 18, 5, 7, 26, 27, 7, 7].map(Felt::from));
    let states = [
        (1, 18, 18),
        (3, 20, 18),
        (7, 22, 22),
        (9, 23, 22),
        (10, 23, 22),
        (11, 23, 22),
        (13, 24, 22),
        (15, 25, 22),
        (5, 25, 18),
    ];
    let builtins = [(Builtin::Output, 25), (Builtin::RangeCheck, 26)];
    let segments = builtins.map(|(builtin, base)| (builtin, Segment { base, stop: base + 1 }));
    Execution {
        program: Program::new(
            words.to_vec(),
            builtins.map(|(builtin, _)| builtin).to_vec(),
            ArgumentBinding::OutputPrefix,
        )
        .unwrap(),
        arguments: vec![Felt::from(7)],
        trace: states.map(|(pc, ap, fp)| Registers { pc, ap, fp }).to_vec(),
        memory,
        segments: BTreeMap::from(segments),
        arguments_start: None,
        signatures: Vec::new(),
        relocation: None,
    }
}

#[test]
fn altered_builtin_cells_are_refused() {
    let honest = checking();
    let judge = |execution: &Execution| {
        let bytes = fixture::file(execution);
        again(&bytes, &Digest::of(&bytes), &honest, &LIMITS)
    };
    assert!(matches!(judge(&honest), Recheck::Good(_)));
    let refused = |address: usize, value: Felt| {
        let mut execution = honest.clone();
        execution.memory[address] = value;
        match judge(&execution) {
            Recheck::Bad(Refusal { cause: Cause::BadExecution, detail }) => detail,
            other => panic!("{other:?}"),
        }
    };
    let beyond = refused(26, Felt::from(2).pow(128_u64));
    assert!(beyond.contains("memory cell 26 belongs to the range_check builtin but holds 0x1000"), "{beyond}");
    let other = refused(26, Felt::from(8));
    assert!(other.contains("step 4, at pc = 10, is none of the machine's"), "{other}");
}

/// Executions of the right form that are no runs, as somebody sends who wants others to fail at proving them.
#[tokio::test]
async fn invented_executions_are_refused() {
    type Change = fn(&mut Execution);
    let settings = Settings { requests_per_minute: 0, unleased_per_minute: 0, ..Settings::default() };
    let grid = Grid::start_with(Plan { settings, ..Plan::default() }).await;
    let ids = grid.push(1).await;
    let (attacker, honest) = (grid.donor(1), grid.donor(2));
    let cases: [(&str, Change, &str); 6] = [
        ("one step", |run| drop(run.trace.drain(1..6)), "step 0, at pc = 1"),
        ("a step left out", |run| drop(run.trace.drain(3..4)), "step 2, at pc = 7"),
        ("an altered cell", |run| run.memory[18] = Felt::from(8), "step 2, at pc = 7"),
        ("an altered output", |run| run.memory[22] = Felt::from(8), "step 3, at pc = 9"),
        ("an altered register", |run| run.trace[4].ap -= 1, "step 3, at pc = 9"),
        ("a step too many", |run| run.trace.insert(3, run.trace[3]), "step 3, at pc = 9"),
    ];
    let refusals = cases.len() as u64;
    for (name, change, expected) in cases {
        let mut execution = fixture::run(&[0]);
        change(&mut execution);
        let payload = Payload::Bytes(fixture::file(&execution).into());
        match attacker.0.submit_execution(&ids[0], None, payload, None).await {
            Err(ClientError::Refused(problem)) => {
                assert_eq!(problem.cause, Cause::BadExecution, "{name}");
                assert!(problem.detail.contains(expected), "{name}: {}", problem.detail);
            }
            other => panic!("{name}: {other:?}"),
        }
        assert_eq!(grid.state(&ids[0]).await, UnitState::Queued, "{name}");
    }
    assert_eq!(grid.files(Kind::Execution).await, 0);
    let credit = attacker.0.credit().await.unwrap();
    assert_eq!((credit.refused, credit.executed_units), (refusals, 0));
    // With a lease too; then the unit is free for others at once.
    let lease = attacker.lease(LeaseMode::Execute).await;
    let mut execution = fixture::run(&[0]);
    drop(execution.trace.drain(1..6));
    assert_eq!(cause(attacker.execute(&lease, fixture::file(&execution)).await), Cause::BadExecution);
    assert_eq!(grid.state(&ids[0]).await, UnitState::Queued);
    let lease = honest.lease(LeaseMode::Execute).await;
    honest.execute(&lease, fixture::file(&fixture::run(&[0]))).await.unwrap();
    assert_eq!(grid.state(&ids[0]).await, UnitState::Executed);
}
