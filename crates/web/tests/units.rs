//! Units of both languages, as a tab does them: run, proved, sent and checked.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use files::{program_of, real_program};
use protocol::{
    Digest, DonorKey, FailureCause, Felts, Identity, LeasedProject, LeasedUnit, ProjectSpec, UnitId, UnitLimits,
    read_trailer,
};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use web::{Bounds, Failure, Host, OpenProject, Stop, work};

/// Programs of the repository.
mod files {
    use std::path::PathBuf;

    pub fn real_program(file: &str) -> Vec<u8> {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../programs").join(file);
        std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    pub fn program_of(bytes: &[u8]) -> cairo_runner::RunnableProgram {
        cairo_runner::RunnableProgram::from_json(bytes).unwrap()
    }
}

const CAIRO0: (&str, &[u64]) = ("primes/primes.json", &[0, 60]);
const CAIRO2: (&str, &[u64]) = ("collatz/collatz.executable.json", &[1, 30]);

fn spec(file: &[u8], limits: UnitLimits) -> ProjectSpec {
    let program = program_of(file);
    let name = "tab".parse().unwrap();
    let spec = ProjectSpec {
        program: Digest::of(file),
        record: protocol::record_digest(program.program()),
        program_hash: protocol::program_hash(program.program()),
        signer: Identity::from_seed(&[1; 32]).signer_key(),
        signature: protocol::Signature::from_bytes([0; 64]),
        limits,
        preset: stark::Preset::Bench96,
        description: "for a test".to_owned(),
        weight: 1,
        byte_price: None,
        keep_proofs: protocol::KeepProofs::All,
    };
    spec.signed(&name, &Identity::from_seed(&[1; 32]))
}

fn leased(spec: &ProjectSpec) -> LeasedProject {
    spec.leased("tab".parse().unwrap())
}

fn unit(arguments: &[u64]) -> LeasedUnit {
    LeasedUnit {
        id: UnitId::from_bytes([3; 10]),
        attempt: 1,
        arguments: Felts(testkit::tiny::felts(arguments)),
        estimated_steps: 1000,
        execution: None,
    }
}

const WIDE: Bounds = Bounds { max_steps: 1 << 20, max_memory: 2 << 30, max_seconds: 600.0 };

/// Counts checkpoints, notes phases, and cancels or lets time pass as a test wants.
#[derive(Default)]
struct Tab {
    cancel: AtomicBool,
    passing: AtomicU64,
    clock: AtomicU64,
    phases: Mutex<Vec<String>>,
}

impl Host for Tab {
    fn checkpoint(&self) -> Result<(), stark::Cancelled> {
        if self.cancel.load(Ordering::Relaxed) { Err(stark::Cancelled) } else { Ok(()) }
    }

    fn seconds(&self) -> f64 {
        self.clock.fetch_add(self.passing.load(Ordering::Relaxed), Ordering::Relaxed) as f64
    }

    fn progress(&self, phase: &str, fraction: f64) {
        assert!((0.0..=1.0).contains(&fraction), "{phase} {fraction}");
        let mut phases = self.phases.lock().unwrap();
        if phases.last().is_none_or(|last| last != phase) {
            phases.push(phase.to_owned());
        }
    }
}

fn prover() -> DonorKey {
    Identity::from_seed(&[7; 32]).donor_key()
}

fn account(spec: &ProjectSpec, arguments: &[u64], sha256: Digest, size: usize) -> protocol::ProofCheck {
    protocol::ProofCheck {
        project: "tab".parse().unwrap(),
        spec: spec.clone(),
        proof: protocol::ProofRuns {
            sha256,
            size: size as u64,
            kept: true,
            prover: prover(),
            runs: vec![protocol::ProvedRun {
                unit: UnitId::from_bytes([3; 10]),
                external_id: "first".parse().unwrap(),
                arguments: Felts(testkit::tiny::felts(arguments)),
            }],
        },
    }
}

#[test]
fn units_of_both_languages_are_proved_and_check() {
    for (file, arguments) in [CAIRO0, CAIRO2] {
        let bytes = real_program(file);
        let spec = spec(&bytes, UnitLimits::default());
        let project = OpenProject::open(leased(&spec), &bytes).unwrap();
        let tab = Tab::default();
        let done = work(&project, &unit(arguments), &prover(), &WIDE, &tab).unwrap();
        let (units, length) = read_trailer(&done.body).unwrap();
        assert_eq!(units, [UnitId::from_bytes([3; 10])]);
        let proof = &done.body[..done.body.len() - length];
        assert_eq!(Digest::of(proof), done.sha256);
        let phases = tab.phases.lock().unwrap().clone();
        assert_eq!(phases.first().map(String::as_str), Some("execute"));
        assert_eq!(phases.last().map(String::as_str), Some("verify"), "{phases:?}");

        // What the page gets is text.
        let good = account(&spec, arguments, done.sha256, proof.len());
        let text = serde_json::to_string(&good).unwrap();
        let read = web::read_check(&done.sha256.to_string(), &text).unwrap();
        let checked = web::check(&read, &bytes, proof).unwrap();
        assert_eq!(checked.runs[0].steps, done.steps);
        assert_eq!(checked.runs[0].arguments.0, testkit::tiny::felts(arguments));
        assert!(!checked.runs[0].output.0.is_empty());

        // Whatever is changed is noticed: the file, the arguments, the prover, the program, the settings.
        let refused = |change: &dyn Fn(&mut protocol::ProofCheck), program: &[u8], proof: &[u8]| {
            let mut account = good.clone();
            change(&mut account);
            web::check(&account, program, proof).unwrap_err()
        };
        let mut altered = proof.to_vec();
        let middle = altered.len() / 2;
        altered[middle] ^= 1;
        assert!(refused(&|_| (), &bytes, &altered).contains("it was altered"));
        let same_digest = |account: &mut protocol::ProofCheck| account.proof.sha256 = Digest::of(&altered);
        assert!(!refused(&same_digest, &bytes, &altered).contains("altered"), "the verifier says it");
        let other_arguments =
            |account: &mut protocol::ProofCheck| account.proof.runs[0].arguments.0[0] = testkit::tiny::felts(&[9])[0];
        assert!(refused(&other_arguments, &bytes, proof).contains("other arguments"));
        let other_prover =
            |account: &mut protocol::ProofCheck| account.proof.prover = Identity::from_seed(&[8; 32]).donor_key();
        assert!(refused(&other_prover, &bytes, proof).contains("another prover"));
        let other_limits = |account: &mut protocol::ProofCheck| account.spec.limits.max_steps += 1;
        assert!(refused(&other_limits, &bytes, proof).contains("signature"));
        assert!(refused(&|_| (), b"{}", proof).contains("SHA-256"));
        let other = web::read_check(&Digest::of(b"another").to_string(), &text).unwrap_err();
        assert!(other.contains("not about"), "{other}");
    }
}

#[test]
fn nothing_runs_before_signature_and_digest_are_right() {
    let bytes = real_program(CAIRO2.0);
    let good = leased(&spec(&bytes, UnitLimits::default()));
    let refused = |project: LeasedProject, file: &[u8]| OpenProject::open(project, file).unwrap_err();
    let mut wider = good.clone();
    wider.limits.max_steps *= 2;
    let Failure { cause, detail } = refused(wider, &bytes);
    assert_eq!(cause, FailureCause::BadProgram);
    assert!(detail.contains("signature"), "{detail}");
    assert!(refused(good, &real_program(CAIRO0.0)).detail.contains("SHA-256"));
    // A signed project whose record is of another program.
    let mut lying = spec(&bytes, UnitLimits::default());
    lying.record = Digest::of(b"another");
    let lying = lying.signed(&"tab".parse().unwrap(), &Identity::from_seed(&[1; 32]));
    assert!(refused(leased(&lying), &bytes).detail.contains("record"));
}

#[test]
fn limits_hold_and_say_whose_they_are() {
    let (file, arguments) = CAIRO2;
    let bytes = real_program(file);
    let failure = |limits: UnitLimits, bounds: Bounds, tab: &Tab| {
        let project = OpenProject::open(leased(&spec(&bytes, limits)), &bytes).unwrap();
        match work(&project, &unit(arguments), &prover(), &bounds, tab).unwrap_err() {
            Stop::Failed(failure) => failure,
            Stop::Cancelled => panic!("cancelled"),
        }
    };
    let tab = Tab::default();
    let few = UnitLimits { max_steps: 10, ..UnitLimits::default() };
    assert_eq!(failure(few, WIDE, &tab).cause, FailureCause::StepLimit);
    let own = failure(UnitLimits::default(), Bounds { max_steps: 10, ..WIDE }, &tab);
    assert_eq!(own.cause, FailureCause::Stopped);
    assert!(own.detail.contains("own limit"), "{}", own.detail);
    let cells = UnitLimits { max_memory_cells: 10, ..UnitLimits::default() };
    assert_eq!(failure(cells, WIDE, &tab).cause, FailureCause::MemoryLimit);
    let memory = failure(UnitLimits::default(), Bounds { max_memory: 1 << 20, ..WIDE }, &tab);
    assert_eq!(memory.cause, FailureCause::OutOfMemory);
    let slow = Tab { passing: AtomicU64::new(1000), ..Tab::default() };
    assert_eq!(failure(UnitLimits::default(), WIDE, &slow).cause, FailureCause::TimeLimit);
    let own_time = failure(UnitLimits::default(), Bounds { max_seconds: 10.0, ..WIDE }, &slow);
    assert_eq!(own_time.cause, FailureCause::Stopped);
}

#[test]
fn a_unit_that_nobody_wants_is_given_up() {
    let (file, arguments) = CAIRO0;
    let bytes = real_program(file);
    let project = OpenProject::open(leased(&spec(&bytes, UnitLimits::default())), &bytes).unwrap();
    let tab = Tab { cancel: AtomicBool::new(true), ..Tab::default() };
    assert_eq!(work(&project, &unit(arguments), &prover(), &WIDE, &tab), Err(Stop::Cancelled));
}
