//! A unit from queue to collection, its executions and its proofs.

use super::execute;
use crate::world::{LEASE, RENEWABLE, REST, World, donor, failure, primes, rules, shown, spec};
use distributor::blobs::Kind;
use distributor::store::{Accept, BlobRef, LeaseChange, Refusal, Rules};
use protocol::{
    Cause, Digest, ExecutionStatus, FailureCause, LeaseMode, NoWork, Outcome, ProofStatus, UnitId, UnitState,
};

pub async fn a_unit_lives_from_queue_to_collection(world: &World) {
    let id = world.add(1).await[0];
    assert_eq!(world.state(id).await, UnitState::Queued);
    let lease = world.lease(donor(1), LeaseMode::Both).await;
    assert_eq!((lease.units[0].id, lease.units[0].attempt, lease.mode), (id, 1, LeaseMode::Both));
    assert_eq!((lease.expires_at, lease.renewable_until), (world.now().plus(LEASE), world.now().plus(RENEWABLE)));
    assert_eq!((lease.project.name.clone(), lease.project.limits), (primes(), spec().limits));
    assert_eq!(world.state(id).await, UnitState::Leased);
    let receipt = world.prove(id, donor(1), "proof").await;
    assert_eq!((receipt.status, receipt.credited_steps), (ProofStatus::Accepted, 900));
    let detail = world.unit(id).await;
    let proof = detail.proof.unwrap();
    assert_eq!((detail.unit.state, detail.attempts[0].outcome), (UnitState::Proved, Outcome::Proved));
    assert_eq!((proof.sha256, proof.prover, proof.output), (Digest::of(b"proof"), donor(1), shown().output));

    let page = world.store.results(&primes(), 0, 10).await.unwrap();
    assert_eq!((page.results.len(), page.more, page.next), (1, false, page.results[0].cursor));
    assert_eq!(world.store.mark_collected(&primes(), page.next, None, world.now()).await.unwrap(), 1);
    assert_eq!(world.store.mark_collected(&primes(), page.next, None, world.now()).await.unwrap(), 0);
    assert_eq!(world.state(id).await, UnitState::Collected);
    let events = world.store.events(&primes(), 0, 100).await.unwrap();
    let states: Vec<_> = events.iter().map(|event| event.state).collect();
    assert_eq!(states, [UnitState::Queued, UnitState::Leased, UnitState::Proved, UnitState::Collected]);
    assert_eq!(world.store.events(&primes(), events[2].seq, 100).await.unwrap(), events[3..]);
    let project = world.store.project(&primes(), world.now()).await.unwrap().unwrap();
    assert_eq!((project.units.collected, project.units.total(), project.proven_steps), (1, 1, 900));
    let credit = world.store.donor(&donor(1), world.now()).await.unwrap().credit;
    assert_eq!((credit.proven_steps, credit.proven_units, credit.live_leases), (900, 1, 0));
}

pub async fn a_lease_runs_out_by_time_alone(world: &World) {
    let id = world.add(1).await[0];
    let first = world.lease(donor(1), LeaseMode::Both).await;
    world.pass(LEASE - 1);
    assert_eq!(world.no_work(donor(2), LeaseMode::Both).await, NoWork::AllLeased);
    world.pass(1);
    assert_eq!(world.state(id).await, UnitState::Queued);
    assert_eq!(world.outcomes(id).await, [Outcome::Expired]);
    let second = world.lease(donor(2), LeaseMode::Both).await;
    assert_eq!((second.units[0].id, second.units[0].attempt), (id, 2));
    assert_eq!(world.renew(&first, donor(1)).await, LeaseChange::Ended);
    assert_eq!(world.outcomes(id).await, [Outcome::Expired, Outcome::Running]);
    // The late release of the first changes nothing for the second.
    assert!(matches!(world.release(&first, donor(1), None).await, LeaseChange::Done(_)));
    assert_eq!(world.state(id).await, UnitState::Leased);
    assert!(matches!(world.renew(&second, donor(2)).await, LeaseChange::Done(_)));
}

pub async fn a_late_proof_is_taken_and_the_other_donor_superseded(world: &World) {
    let id = world.add(1).await[0];
    let first = world.lease(donor(1), LeaseMode::Both).await;
    world.pass(LEASE + 1);
    let second = world.lease(donor(2), LeaseMode::Both).await;
    let submission = world.submission(id, donor(1), Some(first.token), "late");
    let accept = world.store.accept_proof(&submission, &[shown()]).await.unwrap();
    assert!(matches!(accept, Accept::Receipt(receipt) if receipt.count(ProofStatus::Accepted) == 1));
    assert_eq!(world.outcomes(id).await, [Outcome::Proved, Outcome::Superseded]);
    assert_eq!(world.renew(&second, donor(2)).await, LeaseChange::Ended);
    assert_eq!(world.store.donor(&donor(1), world.now()).await.unwrap().credit.proven_units, 1);
}

pub async fn the_second_proof_of_a_unit_is_already_proved(world: &World) {
    let id = world.add(1).await[0];
    world.lease(donor(1), LeaseMode::Both).await;
    world.pass(LEASE);
    world.lease(donor(2), LeaseMode::Both).await;
    world.prove(id, donor(2), "second's").await;
    let receipt = world.prove(id, donor(1), "first's").await;
    assert_eq!((receipt.status, receipt.credited_steps), (ProofStatus::AlreadyProved, 0));
    let again = world.prove(id, donor(2), "another of the second's").await;
    assert_eq!(again.status, ProofStatus::AlreadyProved);
    assert_eq!(world.unit(id).await.proof.unwrap().sha256, Digest::of(b"second's"));
    assert_eq!(world.outcomes(id).await, [Outcome::Superseded, Outcome::Proved]);
    let project = world.store.project(&primes(), world.now()).await.unwrap().unwrap();
    assert_eq!(project.proven_steps, 900, "credited once");
}

pub async fn the_same_submission_gets_the_same_receipt(world: &World) {
    let id = world.add(1).await[0];
    let first = world.prove(id, donor(1), "proof").await;
    world.pass(10);
    assert_eq!(world.prove(id, donor(1), "proof").await, first);
    let (file, stored) = (Digest::of(b"proof"), async |number| {
        world.store.proof_receipt(&[id], &Digest::of(b"proof"), &donor(number)).await.unwrap()
    });
    assert_eq!(stored(1).await.map(|receipt| receipt.units), Some(vec![first]));
    assert_eq!(stored(2).await, None);
    assert!(world.store.knows_proof(&file, &donor(1)).await.unwrap());
    assert!(!world.store.knows_proof(&file, &donor(2)).await.unwrap());
    let credit = world.store.donor(&donor(1), world.now()).await.unwrap().credit;
    assert_eq!((credit.proven_units, credit.proven_steps), (1, 900));
}

pub async fn a_submission_without_an_attempt_gets_a_row(world: &World) {
    let id = world.add(1).await[0];
    world.prove(id, donor(9), "from nowhere").await;
    let detail = world.unit(id).await;
    assert_eq!((detail.unit.attempts, detail.attempts.len()), (1, 1));
    assert_eq!((detail.attempts[0].donor, detail.attempts[0].outcome), (donor(9), Outcome::Proved));
    let unknown = world.submission(UnitId::from_bytes([0xee; 10]), donor(9), None, "x");
    assert_eq!(world.store.accept_proof(&unknown, &[shown()]).await.unwrap(), Accept::Unknown);
}

pub async fn executions_are_lent_to_provers(world: &World) {
    let id = world.add(1).await[0];
    assert_eq!(world.no_work(donor(2), LeaseMode::Prove).await, NoWork::Empty);
    let lease = world.lease(donor(1), LeaseMode::Execute).await;
    let Accept::Receipt(receipt) = execute(world, &lease, 1, "run").await else { panic!("not accepted") };
    assert_eq!((receipt.status, receipt.n_steps), (ExecutionStatus::Accepted, 900));
    assert_eq!(world.state(id).await, UnitState::Executed);
    assert_eq!(world.store.execution_of(&id).await.unwrap(), Some(Digest::of(b"run")));
    assert_eq!(world.no_work(donor(3), LeaseMode::Execute).await, NoWork::Empty);
    // Whoever does both is given the execution too.
    let prover = world.lease(donor(2), LeaseMode::Both).await;
    assert_eq!((prover.mode, prover.units[0].id, prover.units[0].attempt), (LeaseMode::Prove, id, 2));
    assert_eq!(prover.units[0].execution.map(|execution| execution.sha256), Some(Digest::of(b"run")));
    let Accept::Receipt(second) = execute(world, &lease, 1, "other run").await else { panic!("not accepted") };
    assert_eq!(second.status, ExecutionStatus::AlreadyExecuted);
    assert_eq!(world.state(id).await, UnitState::Leased, "the prover's lease goes on");
    assert_eq!(execute(world, &lease, 1, "run").await, Accept::Receipt(receipt), "the same again");
    world.prove(id, donor(2), "proof").await;
    assert_eq!(world.outcomes(id).await, [Outcome::Executed, Outcome::Proved]);
    assert_eq!(world.store.execution_of(&id).await.unwrap(), None, "not needed any more");
    assert_eq!(world.store.donor(&donor(1), world.now()).await.unwrap().credit.executed_units, 1);
}

pub async fn a_unit_lets_go_of_its_execution(world: &World) {
    let ids = world.add(4).await;
    let mut runs = Vec::new();
    for number in 0..4 {
        let lease = world.lease(donor(1), LeaseMode::Execute).await;
        let run = format!("run {number}");
        execute(world, &lease, 1, &run).await;
        runs.push(BlobRef { kind: Kind::Execution, sha256: Digest::of(run.as_bytes()) });
    }
    let needed = async |index: usize| world.store.needs_file(&runs[index]).await.unwrap();
    assert!(needed(0).await && needed(1).await && needed(2).await && needed(3).await);
    assert!(world.store.orphans(10).await.unwrap().is_empty());
    world.prove(ids[0], donor(2), "proof").await;
    world.store.withdraw_unit(&ids[1], world.now()).await.unwrap();
    world.store.retry_unit(&ids[1], world.now()).await.unwrap();
    world.store.trust_donor(&donor(9), true, world.now()).await.unwrap();
    world.store.set_rules(Rules { quarantine_after: 1, ..rules() });
    let lease = world.lease(donor(9), LeaseMode::Prove).await;
    assert_eq!(lease.units[0].id, ids[2]);
    world.release(&lease, donor(9), Some(failure(FailureCause::ProveFailed))).await;
    assert_eq!(world.state(ids[2]).await, UnitState::Failed);
    world.store.withdraw_project(&primes(), world.now()).await.unwrap();
    for index in 0..4 {
        assert!(!needed(index).await, "{index}");
    }
    let mut orphans = world.store.orphans(10).await.unwrap();
    orphans.sort();
    runs.sort();
    assert_eq!(orphans, runs);
    for orphan in &orphans {
        world.store.forget_orphan(orphan).await.unwrap();
    }
    assert!(world.store.orphans(10).await.unwrap().is_empty());
}

pub async fn refusals_end_the_attempt(world: &World) {
    let id = world.add(1).await[0];
    let lease = world.lease(donor(1), LeaseMode::Both).await;
    let refusal = Refusal::new(Cause::VerifyFailed, "it does not hold");
    let submission = world.submission(id, donor(1), Some(lease.token), "forged");
    assert!(world.store.holders(&lease.token, &donor(1)).await.unwrap()[0].open);
    world.store.refuse(&submission, &refusal).await.unwrap();
    assert!(!world.store.holders(&lease.token, &donor(1)).await.unwrap()[0].open);
    assert!(world.store.holders(&lease.token, &donor(2)).await.unwrap().is_empty());
    let detail = world.unit(id).await;
    assert_eq!((detail.unit.state, detail.attempts[0].outcome), (UnitState::Queued, Outcome::Refused));
    assert_eq!(
        (detail.attempts[0].refusal, detail.attempts[0].detail.as_str()),
        (Some(Cause::VerifyFailed), "it does not hold")
    );
    assert_eq!(world.no_work(donor(1), LeaseMode::Both).await, NoWork::AllLeased);
    assert_eq!(world.store.donor(&donor(1), world.now()).await.unwrap().credit.refused, 1);
    world.pass(REST);
    // Garbage from a stranger leaves the holder alone, and no row.
    let holder = world.lease(donor(2), LeaseMode::Both).await;
    let stranger = world.submission(id, donor(3), None, "garbage");
    world.store.refuse(&stranger, &refusal).await.unwrap();
    assert!(matches!(world.renew(&holder, donor(2)).await, LeaseChange::Done(_)));
    assert_eq!(world.unit(id).await.attempts.len(), 2);
    // An honest proof after a refused one is welcome.
    assert_eq!(world.prove(id, donor(1), "proof").await.status, ProofStatus::Accepted);
}

pub async fn pages_are_complete(world: &World) {
    let ids = world.add(25).await;
    for (index, id) in ids.iter().enumerate().filter(|(index, _)| index % 2 == 0) {
        world.prove(*id, donor(1), &format!("proof {index}")).await;
    }
    for (state, expected) in [(None, 25), (Some(UnitState::Queued), 12), (Some(UnitState::Proved), 13)] {
        let (mut cursor, mut seen) = (Some(0), Vec::new());
        while let Some(after) = cursor {
            let page = world.page(state, after, 5).await;
            assert!(page.units.len() <= 5);
            seen.extend(page.units.iter().map(|unit| unit.id));
            cursor = page.next;
        }
        assert_eq!(seen.len(), expected);
        assert!(seen.is_sorted_by_key(|id| ids.iter().position(|other| other == id)));
    }
    let (mut cursor, mut seen) = (0, Vec::new());
    loop {
        let page = world.store.results(&primes(), cursor, 4).await.unwrap();
        seen.extend(page.results.iter().map(|result| result.unit));
        cursor = page.next;
        if !page.more {
            break;
        }
    }
    assert_eq!(seen.len(), 13);
    let page = world.store.results(&primes(), cursor, 4).await.unwrap();
    assert_eq!((page.results.len(), page.next), (0, cursor), "the cursor waits at the end");
    assert_eq!(world.store.projects_of_proof(&Digest::of(b"proof 0")).await.unwrap(), [primes()]);
    assert!(world.store.projects_of_proof(&Digest::of(b"no proof")).await.unwrap().is_empty());
}
