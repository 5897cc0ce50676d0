//! Leases of several units and proofs of several runs, over sockets.

use crate::fixture::{self, STEPS, felts};
use crate::harness::{Donor, Grid, Plan, cause, lease_request, primes, until};
use crate::raw::{Answer, send_signed, sign};
use cairo_air::Program;
use distributor::blobs::Kind;
use distributor::clock::Clock as _;
use distributor::config::Settings;
use distributor::store::{Refusal, VerifiedRun};
use distributor::verify::{CairoVerifier, ExecutionBounds, Runs, Verifier};
use felt::Felt;
use protocol::client::LeaseAnswer;
use protocol::{
    Cause, Digest, FailureCause, FailureReport, GivenBack, Lease, LeaseMode, Preset, ProofStatus, UnitId, UnitLimits,
    UnitState, routes, trailer,
};
use std::fs::File;
use std::sync::Arc;

/// Takes several proofs in one file, each behind its length, as one of all their runs: what the distributor does with a proof of many
/// units does not depend on how it is made.
struct Bundles(CairoVerifier);

impl Verifier for Bundles {
    fn proof(
        &self,
        runs: Runs<'_>,
        mut proof: &[u8],
        preset: Preset,
        max_steps: u64,
    ) -> Result<Vec<VerifiedRun>, Refusal> {
        let bad = || Refusal::new(Cause::BadEncoding, "no bundle");
        let mut shown = Vec::new();
        for arguments in runs.arguments {
            let (length, rest) = proof.split_first_chunk::<4>().ok_or_else(bad)?;
            let (one, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize).ok_or_else(bad)?;
            let run = Runs { program: runs.program, arguments: vec![arguments], prover: runs.prover };
            shown.extend(self.0.proof(run, one, preset, max_steps)?);
            proof = rest;
        }
        if proof.is_empty() { Ok(shown) } else { Err(bad()) }
    }

    fn execution(
        &self,
        program: &Program,
        arguments: &[Felt],
        file: File,
        limits: &UnitLimits,
        bounds: &ExecutionBounds,
    ) -> Result<VerifiedRun, Refusal> {
        self.0.execution(program, arguments, file, limits, bounds)
    }
}

async fn grid(settings: Settings) -> Grid {
    let verifier = Arc::new(Bundles(CairoVerifier::with_policy(fixture::lenient)));
    Grid::start_with(Plan { settings, verifier, ..Plan::default() }).await
}

/// Proofs of these numbers' runs in one file.
fn bundle(donor: &Donor, numbers: &[u64]) -> Vec<u8> {
    let mut file = Vec::new();
    for number in numbers {
        let proof = donor.proof(*number);
        file.extend_from_slice(&(proof.len() as u32).to_le_bytes());
        file.extend_from_slice(&proof);
    }
    file
}

async fn lease(donor: &Donor, mode: LeaseMode, units: u32) -> Lease {
    let mut request = lease_request(mode);
    (request.limits.lease_units, request.limits.lease_steps) = (units, u64::MAX);
    match donor.0.lease(&request).await.unwrap() {
        LeaseAnswer::Lease(lease) => *lease,
        other => panic!("{other:?}"),
    }
}

fn ids(lease: &Lease) -> Vec<UnitId> {
    lease.units.iter().map(|unit| unit.id).collect()
}

#[tokio::test]
async fn a_batch_is_lent_proved_and_collected() {
    let grid = grid(Settings::default()).await;
    let units = grid.push(4).await;
    let donor = grid.donor(1);
    let lease = lease(&donor, LeaseMode::Both, 3).await;
    assert_eq!(ids(&lease), units[..3]);
    let file = bundle(&donor, &[0, 1, 2]);
    let receipt = donor.submit_all(&units[..3], Some(&lease), file.clone()).await.unwrap();
    assert_eq!((receipt.sha256, receipt.count(ProofStatus::Accepted)), (Digest::of(&file), 3));
    assert_eq!(receipt.credited_steps(), 3 * STEPS);
    assert_eq!(donor.submit_all(&units[..3], Some(&lease), file.clone()).await.unwrap(), receipt);
    assert_eq!(grid.files(Kind::Proof).await, 1);

    let uploader = grid.uploader();
    let page = uploader.results(&primes(), 0, 100).await.unwrap();
    for (index, result) in page.results.iter().enumerate() {
        assert_eq!((result.proof.index as usize, result.proof.runs), (index, 3));
        assert_eq!(result.proof.output, felts(&[7]));
    }
    let runs = uploader.proof_runs(&primes(), &receipt.sha256).await.unwrap();
    assert_eq!(runs.size, file.len() as u64);
    for (number, run) in (0..).zip(&runs.runs) {
        assert_eq!((run.unit, &run.arguments), (units[number as usize], &felts(&[number])));
    }
    assert_eq!(uploader.proof(&receipt.sha256).await.unwrap(), file, "what follows the proof is cut off");
    assert_eq!(cause(uploader.proof_runs(&primes(), &Digest::of(b"x")).await), Cause::UnknownBlob);
    let reader = grid.uploader_with(Some(grid.new_key("other", crate::harness::scopes(false, true, false)).await));
    assert_eq!(cause(reader.proof_runs(&primes(), &receipt.sha256).await), Cause::OutOfScope);
}

#[tokio::test]
async fn collected_proofs_are_let_go_and_made_anew() {
    let grid = grid(Settings { upkeep_seconds: 1, ..Settings::default() }).await;
    let units = grid.push(2).await;
    let uploader = grid.uploader();
    let mut spec = uploader.project(&primes()).await.unwrap().spec;
    spec.keep_proofs = "until-collected".parse().unwrap();
    let changed = uploader.put_project(&primes(), &spec).await.unwrap();
    assert_eq!((changed.created, changed.changed), (false, vec!["keep_proofs".to_owned()]));
    let donor = grid.donor(1);
    let lent = lease(&donor, LeaseMode::Both, 2).await;
    let file = bundle(&donor, &[0, 1]);
    donor.submit_all(&units, Some(&lent), file.clone()).await.unwrap();
    let next = uploader.results(&primes(), 0, 100).await.unwrap().next;
    assert_eq!(uploader.mark_collected(&primes(), next, None).await.unwrap().units, 2);
    until(async || grid.files(Kind::Proof).await == 0).await;

    assert_eq!(cause(uploader.proof(&Digest::of(&file)).await), Cause::UnknownBlob);
    let page = uploader.results(&primes(), 0, 100).await.unwrap();
    assert!(page.results.len() == 2 && page.results.iter().all(|result| !result.proof.kept), "{page:?}");
    assert!(!uploader.proof_runs(&primes(), &Digest::of(&file)).await.unwrap().kept);
    let proofs = uploader.project(&primes()).await.unwrap().proofs;
    assert_eq!((proofs.files, proofs.bytes, proofs.thinned), (0, 0, 1));

    // One of the two is wanted again, and only that one is lent.
    assert!(uploader.prove_again(&units[1]).await.unwrap().again);
    let other = grid.donor(2);
    let lent = lease(&other, LeaseMode::Both, 5).await;
    assert_eq!(ids(&lent), units[1..]);
    let again = other.submit_all(&units[1..], Some(&lent), bundle(&other, &[1])).await.unwrap();
    assert_eq!(again.count(ProofStatus::Accepted), 1);
    let page = uploader.results(&primes(), next, 100).await.unwrap();
    let [result] = page.results.as_slice() else { panic!("{page:?}") };
    assert_eq!((result.unit, result.proof.sha256, result.proof.kept), (units[1], again.sha256, true));
    assert!(!grid.unit(&units[1]).await.unit.again);
    uploader.proof(&again.sha256).await.unwrap();
    // Nobody is lent it a second time.
    assert!(matches!(
        grid.donor(3).0.lease(&lease_request(LeaseMode::Both)).await.unwrap(),
        LeaseAnswer::NoWork { .. }
    ));
}

#[tokio::test]
async fn a_run_in_another_place_is_another_units() {
    let grid = grid(Settings { unleased_per_minute: 0, ..Settings::default() }).await;
    let units = grid.push(3).await;
    let donor = grid.donor(1);
    for (numbers, named) in [([1, 0], [0, 1]), ([0, 0], [0, 1]), ([0, 2], [0, 1])] {
        let named = named.map(|index: usize| units[index]);
        let error = donor.submit_all(&named, None, bundle(&donor, &numbers)).await.unwrap_err();
        assert_eq!(error.cause(), Some(Cause::WrongArguments), "{numbers:?}");
    }
    let left_out = donor.submit_all(&units[..2], None, bundle(&donor, &[0])).await.unwrap_err();
    assert_eq!(left_out.cause(), Some(Cause::BadEncoding));
    assert_eq!(grid.files(Kind::Proof).await, 0);
    for unit in &units {
        assert_eq!(grid.state(unit).await, UnitState::Queued);
    }
    assert_eq!(donor.0.credit().await.unwrap().refused, 4, "one for each file");
}

#[tokio::test]
async fn a_list_that_is_none_is_refused_with_its_reason() {
    let grid = grid(Settings { unleased_per_minute: 0, requests_per_minute: 0, ..Settings::default() }).await;
    let units = grid.push(2).await;
    let other = grid.push_as(&"other".parse().unwrap(), 1).await[0];
    let donor = grid.donor(1);
    let proof = donor.proof(0);
    let submit = async |body: Vec<u8>, digest: &Digest| -> Answer {
        let target = routes::proof(digest);
        let signed = sign(1, "PUT", &target, &body, grid.clock.now());
        send_signed(&grid, "PUT", &target, &body, &signed).await
    };
    let (digest, good) = (Digest::of(&proof), trailer(&units).unwrap());
    let mut twice = good.clone();
    twice.copy_within(0..10, 10);
    let with = |trailer: &[u8]| [&proof[..], trailer].concat();
    for (body, status, cause, said) in [
        (proof.clone(), 400, "bad_request", "no list of units follows the proof"),
        (good[10..].to_vec(), 400, "bad_request", "is shorter than the list of 2 units"),
        (with(&[0, 0, 0, 0, b'C', b'A', b'I', b'R', b'N', b'I', b'D', b'S']), 400, "bad_request", "of 0 units"),
        (with(&twice), 400, "bad_request", "is named twice"),
        (with(&trailer(&[units[0], other]).unwrap()), 400, "bad_request", "is of another project"),
        (with(&trailer(&[units[0], UnitId::from_bytes([0xee; 10])]).unwrap()), 404, "unknown_unit", "no unit"),
        (Vec::new(), 400, "bad_request", "no list of units"),
    ] {
        let answer = submit(body, &digest).await;
        assert_eq!((answer.status, answer.cause().as_str()), (status, cause), "{answer:?}");
        assert!(answer.json()["detail"].as_str().unwrap().contains(said), "{said}: {answer:?}");
    }
    let answer = submit(with(&good), &Digest::of(b"another")).await;
    assert_eq!((answer.status, answer.cause().as_str()), (400, "digest_mismatch"));
    assert_eq!(grid.files(Kind::Proof).await, 0);
    assert_eq!(donor.0.credit().await.unwrap().refused, 0, "none of this is counted against anybody");
}

#[tokio::test]
async fn a_lease_pays_for_what_it_lends_and_nothing_else() {
    let grid = grid(Settings { unleased_per_minute: 1, ..Settings::default() }).await;
    let units = grid.push(3).await;
    let donor = grid.donor(1);
    let lease = lease(&donor, LeaseMode::Both, 2).await;
    // What is not of the lease counts, however open the lease is.
    let garbage = async |named: &[UnitId]| donor.submit_all(named, Some(&lease), b"garbage".to_vec()).await;
    assert_eq!(cause(garbage(&units[2..]).await), Cause::BadEncoding);
    assert_eq!(cause(garbage(&units[2..]).await), Cause::RateLimited);
    assert_eq!(cause(garbage(&units[1..]).await), Cause::BadEncoding, "one of the lease's is among them");
    assert_eq!(cause(garbage(&units[1..]).await), Cause::RateLimited, "which ended its attempt");
    let receipt = donor.submit_all(&units[..1], Some(&lease), bundle(&donor, &[0])).await.unwrap();
    assert_eq!(receipt.count(ProofStatus::Accepted), 1);
}

#[tokio::test]
async fn one_unit_fails_and_the_others_are_proved() {
    let grid = grid(Settings::default()).await;
    let units = grid.push(3).await;
    let donor = grid.donor(1);
    let lease = lease(&donor, LeaseMode::Both, 3).await;
    let report = FailureReport { cause: FailureCause::Panic, detail: "it panicked".to_owned() };
    donor.0.release(&lease.token, Some(&GivenBack::failed(units[1], report.clone()))).await.unwrap();
    let renewed = donor.0.renew(&lease.token).await.unwrap();
    assert!(renewed.settled.is_empty());
    let rest = [units[0], units[2]];
    let receipt = donor.submit_all(&rest, Some(&lease), bundle(&donor, &[0, 2])).await.unwrap();
    assert_eq!(receipt.count(ProofStatus::Accepted), 2);
    let detail = grid.unit(&units[1]).await;
    assert_eq!((detail.unit.state, detail.unit.suspect), (UnitState::Queued, true));
    assert_eq!(detail.reports[0].detail, "it panicked");
    let stranger = GivenBack::failed(UnitId::from_bytes([0xee; 10]), report);
    assert_eq!(cause(donor.0.release(&lease.token, Some(&stranger)).await), Cause::UnknownLease);
    assert_eq!(cause(donor.0.renew(&lease.token).await), Cause::LeaseExpired);
}

#[tokio::test]
async fn a_bad_execution_is_said_of_one_unit_at_a_time() {
    let grid = grid(Settings::default()).await;
    let units = grid.push(2).await;
    let (executor, prover) = (grid.donor(1), grid.donor(2));
    let lent = lease(&executor, LeaseMode::Execute, 2).await;
    for (number, unit) in (0..).zip(&units) {
        let file = fixture::file(&fixture::run(&[number]));
        executor
            .0
            .submit_execution(unit, Some(&lent.token), protocol::client::Payload::Bytes(file.into()), None)
            .await
            .unwrap();
    }
    let lent = lease(&prover, LeaseMode::Prove, 2).await;
    assert!(lent.units.iter().all(|unit| unit.execution.is_some()));
    let report = FailureReport { cause: FailureCause::BadExecution, detail: String::new() };
    let both = GivenBack { units: Vec::new(), failure: Some(report.clone()) };
    assert_eq!(cause(prover.0.release(&lent.token, Some(&both)).await), Cause::BadRequest);
    prover.0.release(&lent.token, Some(&GivenBack::failed(units[0], report))).await.unwrap();
    assert_eq!(prover.0.credit().await.unwrap().marks, 1, "the file is sound");
    assert_eq!(grid.state(&units[0]).await, UnitState::Executed);
    assert_eq!(grid.state(&units[1]).await, UnitState::Leased);
}
