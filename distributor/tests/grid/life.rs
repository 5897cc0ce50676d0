//! From push to collection, as uploaders and donors see it.

use crate::fixture::{self, STEPS, felts};
use crate::harness::{Grid, Plan, cause, primes};
use distributor::blobs::{self, Kind};
use distributor::config::Settings;
use distributor::verify::CairoVerifier;
use protocol::client::LeaseAnswer;
use protocol::{
    Cause, ExecutionStatus, FailureCause, FailureReport, GivenBack, LeaseMode, NoWork, Outcome, Preset, ProofStatus,
    UnitState,
};
use std::sync::Arc;
use std::time::Duration;

#[tokio::test]
async fn a_unit_is_lent_proved_and_collected() {
    let grid = Grid::start().await;
    let ids = grid.push(2).await;
    let donor = grid.donor(1);
    for number in [0, 1] {
        let lease = donor.lease(LeaseMode::Both).await;
        assert_eq!((lease.units[0].id, &lease.units[0].arguments), (ids[number as usize], &felts(&[number])));
        let receipt = donor.submit(&lease.units[0].id, Some(&lease), donor.proof(number)).await.unwrap();
        assert_eq!((receipt.status, receipt.credited_steps), (ProofStatus::Accepted, STEPS));
    }
    assert_eq!(donor.no_work().await, NoWork::Empty);
    let credit = donor.0.credit().await.unwrap();
    assert_eq!((credit.proven_units, credit.proven_steps, credit.live_leases), (2, 2 * STEPS, 0));

    let uploader = grid.uploader();
    let page = uploader.results(&primes(), 0, 100).await.unwrap();
    assert_eq!((page.results.len(), page.more), (2, false));
    for result in &page.results {
        let proof = uploader.proof(&result.proof.sha256).await.unwrap();
        assert_eq!((proof.len() as u64, &result.proof.output), (result.proof.size, &felts(&[7])));
        let (arguments, policy) = (vec![result.arguments.0.clone()], fixture::lenient(Preset::Bench96, 1000));
        protocol::proof::verify(&fixture::program(), arguments, &result.proof.prover, &proof, &policy).unwrap();
        assert_eq!((result.proof.index, result.proof.runs, result.proof.kept), (0, 1, true));
    }
    assert_eq!(uploader.mark_collected(&primes(), page.next, None).await.unwrap().units, 2);
    assert_eq!(uploader.project(&primes()).await.unwrap().units.collected, 2);
}

#[tokio::test]
async fn a_proof_with_full_security_passes_the_real_policy() {
    let plan = Plan { verifier: Arc::new(CairoVerifier::default()), ..Plan::default() };
    let grid = Grid::start_with(plan).await;
    let id = grid.push(1).await[0];
    let donor = grid.donor(1);
    assert_eq!(donor.refused(&id, donor.proof(0)).await, Cause::PolicyFailed);
    let parameters = Preset::Bench96.parameters();
    let proof = fixture::prove_with(fixture::run(&[0]), &donor.0.identity().donor_key(), parameters);
    assert_eq!(donor.submit(&id, None, proof).await.unwrap().status, ProofStatus::Accepted);
}

#[tokio::test]
async fn one_executes_and_another_proves() {
    let grid = Grid::start().await;
    let id = grid.push(1).await[0];
    let (executor, prover) = (grid.donor(1), grid.donor(2));
    let lease = executor.lease(LeaseMode::Execute).await;
    let file = fixture::file(&fixture::run(&[0]));
    let receipt = executor.execute(&lease, file.clone()).await.unwrap();
    assert_eq!((receipt.status, receipt.n_steps), (ExecutionStatus::Accepted, STEPS));
    assert_eq!(executor.execute(&lease, file.clone()).await.unwrap(), receipt);
    assert_eq!(grid.state(&id).await, UnitState::Executed);

    let lease = prover.lease(LeaseMode::Prove).await;
    let info = lease.units[0].execution.unwrap();
    assert_eq!((info.size, info.n_steps), (file.len() as u64, STEPS));
    let path = grid.folder().join("fetched");
    assert_eq!(prover.0.execution(&info.sha256, 1 << 20, &path, None).await.unwrap(), info.size);
    let execution =
        cairo_execution::load(std::fs::File::open(&path).unwrap(), cairo_execution::LoadLimits::default()).unwrap();
    let proof = fixture::prove(execution, &prover.0.identity().donor_key());
    prover.submit(&id, Some(&lease), proof).await.unwrap();
    assert_eq!(grid.state(&id).await, UnitState::Proved);
    assert_eq!(grid.files(Kind::Execution).await, 0, "an execution that is proved is not kept");
    let outcomes: Vec<_> = grid.unit(&id).await.attempts.iter().map(|attempt| attempt.outcome).collect();
    assert_eq!(outcomes, [Outcome::Executed, Outcome::Proved]);
}

#[tokio::test]
async fn a_lease_is_renewed_runs_out_and_the_late_proof_is_taken() {
    let settings = Settings { lease_seconds: 60, ..Settings::default() };
    let grid = Grid::start_with(Plan { settings, ..Plan::default() }).await;
    let id = grid.push(1).await[0];
    let (slow, quick) = (grid.donor(1), grid.donor(2));
    let lease = slow.lease(LeaseMode::Both).await;
    grid.clock.advance(40);
    let renewed = slow.0.renew(&lease.token).await.unwrap();
    assert_eq!(renewed.expires_at, renewed.now.plus(60));
    assert_eq!(quick.no_work().await, NoWork::AllLeased);
    grid.clock.advance(61);
    let second = quick.lease(LeaseMode::Both).await;
    assert_eq!(cause(slow.0.renew(&lease.token).await), Cause::LeaseExpired);
    let receipt = slow.submit(&id, Some(&lease), slow.proof(0)).await.unwrap();
    assert_eq!(receipt.status, ProofStatus::Accepted);
    let receipt = quick.submit(&id, Some(&second), quick.proof(0)).await.unwrap();
    assert_eq!((receipt.status, receipt.credited_steps), (ProofStatus::AlreadyProved, 0));
    assert_eq!(grid.unit(&id).await.proof.unwrap().prover, slow.0.identity().donor_key());
    assert_eq!(grid.files(Kind::Proof).await, 1, "a second proof is not kept");
}

#[tokio::test]
async fn failures_set_a_unit_aside_and_the_uploader_retries() {
    let grid = Grid::start().await;
    let id = grid.push(1).await[0];
    for number in 1..=3 {
        let donor = grid.donor(number);
        grid.trust(&donor).await;
        let lease = donor.lease(LeaseMode::Both).await;
        let report = FailureReport { cause: FailureCause::StepLimit, detail: "1001 steps\u{7}".to_owned() };
        let report = GivenBack::failed(id, report);
        donor.0.release(&lease.token, Some(&report)).await.unwrap();
        donor.0.release(&lease.token, Some(&report)).await.unwrap();
    }
    let unit = grid.unit(&id).await.unit;
    let failure = unit.failure.unwrap();
    assert_eq!((unit.state, failure.cause, failure.donors), (UnitState::Failed, FailureCause::StepLimit, 3));
    assert_eq!(failure.detail, "1001 steps", "control characters do not reach terminals");
    assert_eq!(grid.uploader().retry_unit(&id).await.unwrap().state, UnitState::Queued);
    grid.donor(1).lease(LeaseMode::Both).await;
}

#[tokio::test]
async fn a_report_of_a_bad_execution_is_looked_into() {
    let grid = Grid::start().await;
    let id = grid.push(1).await[0];
    let (executor, liar, honest) = (grid.donor(1), grid.donor(2), grid.donor(3));
    let lease = executor.lease(LeaseMode::Execute).await;
    executor.execute(&lease, fixture::file(&fixture::run(&[0]))).await.unwrap();
    let report = FailureReport { cause: FailureCause::BadExecution, detail: String::new() };
    let report = GivenBack { units: Vec::new(), failure: Some(report) };
    let lease = liar.lease(LeaseMode::Prove).await;
    liar.0.release(&lease.token, Some(&report)).await.unwrap();
    assert_eq!((grid.state(&id).await, grid.files(Kind::Execution).await), (UnitState::Executed, 1), "it is sound");
    assert_eq!(liar.0.credit().await.unwrap().marks, 1);
    // The disk loses a bit.
    let (digest, _) = grid.app.blobs.stored(Kind::Execution).await.unwrap().remove(0);
    let path = blobs::place_in(&grid.folder().join("blobs"), Kind::Execution, &digest);
    let mut file = std::fs::read(&path).unwrap();
    let middle = file.len() / 2;
    file[middle] ^= 1;
    std::fs::write(&path, file).unwrap();
    let lease = honest.lease(LeaseMode::Prove).await;
    honest.0.release(&lease.token, Some(&report)).await.unwrap();
    assert_eq!((grid.state(&id).await, grid.files(Kind::Execution).await), (UnitState::Queued, 0), "it is made again");
    for donor in [&honest, &executor] {
        assert_eq!(donor.0.credit().await.unwrap().marks, 0);
    }
}

#[tokio::test]
async fn no_file_outlives_what_refers_to_it() {
    let grid = Grid::start().await;
    let ids = grid.push(3).await;
    let (donor, uploader) = (grid.donor(1), grid.uploader());
    for number in 0..3 {
        let lease = donor.lease(LeaseMode::Execute).await;
        donor.execute(&lease, fixture::file(&fixture::run(&[number]))).await.unwrap();
    }
    assert_eq!(grid.files(Kind::Execution).await, 3);
    uploader.withdraw_unit(&ids[0]).await.unwrap();
    assert_eq!(grid.files(Kind::Execution).await, 2, "withdrawn");
    donor.submit(&ids[1], None, donor.proof(1)).await.unwrap();
    assert_eq!(grid.files(Kind::Execution).await, 1, "proved");
    for number in 2..=4 {
        let judge = grid.donor(number);
        grid.trust(&judge).await;
        let lease = judge.lease(LeaseMode::Prove).await;
        let report = FailureReport { cause: FailureCause::ProveFailed, detail: String::new() };
        let report = GivenBack::failed(ids[2], report);
        judge.0.release(&lease.token, Some(&report)).await.unwrap();
    }
    assert_eq!((grid.state(&ids[2]).await, grid.files(Kind::Execution).await), (UnitState::Failed, 0), "set aside");
}

#[tokio::test]
async fn no_work_comes_with_a_reason_and_a_time() {
    let grid = Grid::start().await;
    grid.push(1).await;
    let donor = grid.donor(1);
    let mut old = crate::harness::lease_request(LeaseMode::Both);
    old.versions.proof += 1;
    let answer = donor.0.lease(&old).await.unwrap();
    assert_eq!(answer, LeaseAnswer::NoWork { reason: NoWork::Version, retry_after: Duration::from_secs(3600) });
    let mut small = crate::harness::lease_request(LeaseMode::Both);
    small.limits.max_steps = 5;
    let answer = donor.0.lease(&small).await.unwrap();
    assert_eq!(answer, LeaseAnswer::NoWork { reason: NoWork::TooLarge, retry_after: Duration::from_secs(300) });
    let mut unknown = crate::harness::lease_request(LeaseMode::Both);
    unknown.project = Some("unknown".parse().unwrap());
    assert_eq!(cause(donor.0.lease(&unknown).await), Cause::UnknownProject);
    grid.store.set_paused(true).await.unwrap();
    assert_eq!(donor.no_work().await, NoWork::Paused);
    grid.store.set_paused(false).await.unwrap();
    donor.lease(LeaseMode::Both).await;
    assert_eq!(donor.no_work().await, NoWork::AllLeased);
}

#[tokio::test]
async fn withdrawing_ends_everything_that_is_not_proved() {
    let grid = Grid::start().await;
    let ids = grid.push(3).await;
    let (donor, uploader) = (grid.donor(1), grid.uploader());
    let lease = donor.lease(LeaseMode::Both).await;
    donor.submit(&lease.units[0].id, Some(&lease), donor.proof(0)).await.unwrap();
    let lease = donor.lease(LeaseMode::Both).await;
    assert_eq!(uploader.withdraw_unit(&ids[1]).await.unwrap().state, UnitState::Withdrawn);
    let receipt = donor.submit(&ids[1], Some(&lease), donor.proof(1)).await.unwrap();
    assert_eq!((receipt.status, receipt.credited_steps), (ProofStatus::Withdrawn, 0));
    assert_eq!(cause(uploader.withdraw_unit(&ids[0]).await), Cause::UnitState);
    assert_eq!(uploader.withdraw_project(&primes()).await.unwrap().units, 1);
    assert_eq!(cause(uploader.retry_unit(&ids[2]).await), Cause::ProjectWithdrawn);
    assert_eq!(uploader.results(&primes(), 0, 10).await.unwrap().results.len(), 1, "what is proved stays");
}
