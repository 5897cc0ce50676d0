//! What a store must do, one story each.

use crate::world::{COOLDOWN, LEASE, RENEWABLE, World, donor, failure, name, new_unit, owner, primes, shown, spec};
use distributor::store::{Accept, AddUnits, LeaseChange, LeaseGrant, PutProject, Refusal, UnitChange};
use felt::Felt;
use protocol::{
    Cause, Digest, ExecutionReceipt, ExecutionStatus, FailureCause, Felts, Lease, LeaseMode, NoWork, Nonce, Outcome,
    ProjectState, ProofStatus, Timestamp, UnitId, UnitState, UploaderKeyId,
};
use std::collections::HashSet;

async fn execute(world: &World, lease: &Lease, number: u8, file: &str) -> Accept<ExecutionReceipt> {
    let submission = world.submission(lease.unit.id, donor(number), Some(lease.token), file);
    world.store.accept_execution(&submission, &shown()).await.unwrap()
}

pub async fn a_unit_lives_from_queue_to_collection(world: &World) {
    let id = world.add(1).await[0];
    assert_eq!(world.state(id).await, UnitState::Queued);
    let lease = world.lease(donor(1), LeaseMode::Both).await;
    assert_eq!((lease.unit.id, lease.attempt, lease.mode), (id, 1, LeaseMode::Both));
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
    assert_eq!(world.store.mark_collected(&primes(), page.next, world.now()).await.unwrap(), 1);
    assert_eq!(world.store.mark_collected(&primes(), page.next, world.now()).await.unwrap(), 0);
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
    assert_eq!((second.unit.id, second.attempt), (id, 2));
    assert_eq!(world.renew(&first, donor(1)).await, LeaseChange::Ended);
    assert_eq!(world.outcomes(id).await, [Outcome::Expired, Outcome::Running]);
    // The late release of the first changes nothing for the second.
    assert!(matches!(world.release(&first, donor(1), None).await, LeaseChange::Done(_)));
    assert_eq!(world.state(id).await, UnitState::Leased);
    assert!(matches!(world.renew(&second, donor(2)).await, LeaseChange::Done(_)));
}

pub async fn the_same_wish_gets_the_same_lease(world: &World) {
    world.add(2).await;
    let ask = world.ask(donor(1), LeaseMode::Both);
    let first = world.store.lease(&ask).await.unwrap();
    let mut again = world.ask(donor(1), LeaseMode::Both);
    again.request = ask.request;
    assert_eq!(world.store.lease(&again).await.unwrap(), first);
    again.donor = donor(2);
    assert_ne!(world.store.lease(&again).await.unwrap(), first, "another donor's wish is another wish");
    world.pass(LEASE);
    let mut late = world.ask(donor(1), LeaseMode::Both);
    late.request = ask.request;
    let LeaseGrant::Granted(late) = world.store.lease(&late).await.unwrap() else { panic!("no lease") };
    assert_ne!(LeaseGrant::Granted(late), first, "it ran out, so the wish is new");
}

pub async fn a_late_proof_is_taken_and_the_other_donor_superseded(world: &World) {
    let id = world.add(1).await[0];
    let first = world.lease(donor(1), LeaseMode::Both).await;
    world.pass(LEASE + 1);
    let second = world.lease(donor(2), LeaseMode::Both).await;
    let submission = world.submission(id, donor(1), Some(first.token), "late");
    let accept = world.store.accept_proof(&submission, &shown()).await.unwrap();
    assert!(matches!(accept, Accept::Receipt(receipt) if receipt.status == ProofStatus::Accepted));
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
    let stored = world.store.proof_receipt(&id, &Digest::of(b"proof"), &donor(1)).await.unwrap();
    assert_eq!(stored, Some(first));
    assert_eq!(world.store.proof_receipt(&id, &Digest::of(b"proof"), &donor(2)).await.unwrap(), None);
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
    assert_eq!(world.store.accept_proof(&unknown, &shown()).await.unwrap(), Accept::Unknown);
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
    assert_eq!((prover.mode, prover.unit.id, prover.attempt), (LeaseMode::Prove, id, 2));
    assert_eq!(prover.execution.map(|execution| execution.sha256), Some(Digest::of(b"run")));
    let Accept::Receipt(second) = execute(world, &lease, 1, "other run").await else { panic!("not accepted") };
    assert_eq!(second.status, ExecutionStatus::AlreadyExecuted);
    assert_eq!(world.state(id).await, UnitState::Leased, "the prover's lease goes on");
    assert_eq!(execute(world, &lease, 1, "run").await, Accept::Receipt(receipt), "the same again");
    world.prove(id, donor(2), "proof").await;
    assert_eq!(world.outcomes(id).await, [Outcome::Executed, Outcome::Proved]);
    assert_eq!(world.store.execution_of(&id).await.unwrap(), None, "not needed any more");
    assert_eq!(world.store.donor(&donor(1), world.now()).await.unwrap().credit.executed_units, 1);
}

pub async fn a_bad_execution_goes_back_and_marks_its_executor(world: &World) {
    let id = world.add(1).await[0];
    let lease = world.lease(donor(1), LeaseMode::Execute).await;
    execute(world, &lease, 1, "bad run").await;
    let prover = world.lease(donor(2), LeaseMode::Prove).await;
    world.release(&prover, donor(2), Some(failure(FailureCause::BadExecution))).await;
    assert_eq!(world.state(id).await, UnitState::Queued);
    assert_eq!(world.store.execution_of(&id).await.unwrap(), None);
    let detail = world.unit(id).await;
    assert_eq!((detail.attempts[0].outcome, detail.attempts[0].refusal), (Outcome::Refused, Some(Cause::BadExecution)));
    assert_eq!(detail.unit.failure, None, "it says nothing against the unit");
    assert_eq!(world.store.donor(&donor(1), world.now()).await.unwrap().credit.marks, 1);
    assert_eq!(world.no_work(donor(1), LeaseMode::Execute).await, NoWork::AllLeased, "not to the same executor");
    assert_eq!(world.lease(donor(2), LeaseMode::Both).await.unit.id, id, "the prover did nothing wrong");
}

pub async fn failures_on_several_donors_set_a_unit_aside(world: &World) {
    let id = world.add(1).await[0];
    for number in 1..=3 {
        let lease = world.lease(donor(number), LeaseMode::Both).await;
        world.release(&lease, donor(number), Some(failure(FailureCause::Panic))).await;
        let unit = world.unit(id).await.unit;
        let expected = if number < 3 { UnitState::Queued } else { UnitState::Failed };
        assert_eq!((unit.state, unit.failure.unwrap().donors), (expected, u32::from(number)));
    }
    assert_eq!(world.no_work(donor(4), LeaseMode::Both).await, NoWork::Empty);
    let events = world.store.events(&primes(), 0, 100).await.unwrap();
    let last = events.last().unwrap();
    assert_eq!((last.state, last.failure), (UnitState::Failed, Some(FailureCause::Panic)));

    let UnitChange::Done(unit) = world.store.retry_unit(&id, world.now()).await.unwrap() else { panic!("refused") };
    assert_eq!((unit.state, unit.failure), (UnitState::Queued, None));
    // The count begins anew, and so does who may have it.
    let lease = world.lease(donor(1), LeaseMode::Both).await;
    world.release(&lease, donor(1), Some(failure(FailureCause::StepLimit))).await;
    assert_eq!(world.unit(id).await.unit.failure.unwrap().donors, 1);
    // A valid proof settles all doubts.
    world.prove(id, donor(5), "proof").await;
    assert_eq!(world.unit(id).await.unit.failure, None);
}

pub async fn a_unit_is_not_lent_again_to_a_donor_on_which_it_failed(world: &World) {
    world.add(1).await;
    let lease = world.lease(donor(1), LeaseMode::Both).await;
    assert!(matches!(world.release(&lease, donor(1), Some(failure(FailureCause::Crash))).await, LeaseChange::Done(_)));
    assert!(matches!(world.release(&lease, donor(1), None).await, LeaseChange::Done(_)), "the same again");
    assert_eq!(world.no_work(donor(1), LeaseMode::Both).await, NoWork::AllLeased);
    world.pass(COOLDOWN);
    let lease = world.lease(donor(1), LeaseMode::Both).await;
    // Stopping is no failure.
    world.release(&lease, donor(1), Some(failure(FailureCause::Stopped))).await;
    world.lease(donor(1), LeaseMode::Both).await;
}

pub async fn refusals_end_the_attempt(world: &World) {
    let id = world.add(1).await[0];
    let lease = world.lease(donor(1), LeaseMode::Both).await;
    let refusal = Refusal::new(Cause::VerifyFailed, "it does not hold");
    let submission = world.submission(id, donor(1), Some(lease.token), "forged");
    assert!(world.store.holder(&lease.token, &donor(1)).await.unwrap().unwrap().open);
    world.store.refuse(&submission, &refusal).await.unwrap();
    assert!(!world.store.holder(&lease.token, &donor(1)).await.unwrap().unwrap().open);
    assert_eq!(world.store.holder(&lease.token, &donor(2)).await.unwrap(), None);
    let detail = world.unit(id).await;
    assert_eq!((detail.unit.state, detail.attempts[0].outcome), (UnitState::Queued, Outcome::Refused));
    assert_eq!(
        (detail.attempts[0].refusal, detail.attempts[0].detail.as_str()),
        (Some(Cause::VerifyFailed), "it does not hold")
    );
    assert_eq!(world.no_work(donor(1), LeaseMode::Both).await, NoWork::AllLeased);
    assert_eq!(world.store.donor(&donor(1), world.now()).await.unwrap().credit.refused, 1);
    // Garbage from a stranger leaves the holder alone, and no row.
    let holder = world.lease(donor(2), LeaseMode::Both).await;
    let stranger = world.submission(id, donor(3), None, "garbage");
    world.store.refuse(&stranger, &refusal).await.unwrap();
    assert!(matches!(world.renew(&holder, donor(2)).await, LeaseChange::Done(_)));
    assert_eq!(world.unit(id).await.attempts.len(), 2);
    // An honest proof after a refused one is welcome.
    assert_eq!(world.prove(id, donor(1), "proof").await.status, ProofStatus::Accepted);
}

pub async fn there_is_a_reason_for_no_work(world: &World) {
    assert_eq!(world.no_work(donor(1), LeaseMode::Both).await, NoWork::Empty);
    world.add(1).await;
    for (max_steps, max_memory, speed) in [(999, 1 << 30, 100), (5000, 11_999, 100), (5000, 1 << 30, 3)] {
        let mut ask = world.ask(donor(1), LeaseMode::Both);
        ask.limits = protocol::DonorLimits { max_steps, max_memory, steps_per_second: speed };
        assert_eq!(world.store.lease(&ask).await.unwrap(), LeaseGrant::NoWork(NoWork::TooLarge));
    }
    let mut ask = world.ask(donor(1), LeaseMode::Both);
    ask.project = Some(name("unknown"));
    assert_eq!(world.store.lease(&ask).await.unwrap(), LeaseGrant::UnknownProject);
    world.store.set_paused(true).await.unwrap();
    assert_eq!(world.no_work(donor(1), LeaseMode::Both).await, NoWork::Paused);
    assert!(world.store.is_paused().await.unwrap());
    world.store.set_paused(false).await.unwrap();
    world.lease(donor(1), LeaseMode::Both).await;
    assert_eq!(world.no_work(donor(2), LeaseMode::Both).await, NoWork::AllLeased);
    world.store.withdraw_project(&primes(), world.now()).await.unwrap();
    let mut ask = world.ask(donor(1), LeaseMode::Both);
    ask.project = Some(primes());
    assert_eq!(world.store.lease(&ask).await.unwrap(), LeaseGrant::NoWork(NoWork::Paused));
}

pub async fn leases_end_at_last(world: &World) {
    world.add(1).await;
    let begin = world.now();
    let lease = world.lease(donor(1), LeaseMode::Both).await;
    world.pass(90);
    assert_eq!(world.renew(&lease, donor(1)).await, LeaseChange::Done(begin.plus(190)));
    assert_eq!(world.renew(&lease, donor(2)).await, LeaseChange::Unknown);
    world.pass(90);
    assert_eq!(world.renew(&lease, donor(1)).await, LeaseChange::Done(begin.plus(RENEWABLE)));
    world.pass(60);
    assert_eq!(world.renew(&lease, donor(1)).await, LeaseChange::Done(begin.plus(RENEWABLE)), "no further");
    world.pass(10);
    assert_eq!(world.renew(&lease, donor(1)).await, LeaseChange::Ended);
    // One that ran out early goes on while nobody else has the unit.
    let lease = world.lease(donor(1), LeaseMode::Both).await;
    world.pass(LEASE + 20);
    assert_eq!(world.renew(&lease, donor(1)).await, LeaseChange::Done(world.now().plus(LEASE)));
}

pub async fn batches_are_all_or_nothing(world: &World) {
    let ids = world.add(2).await;
    let AddUnits::Stored(again) = world.add_to(&primes(), vec![new_unit(1), new_unit(2)]).await else {
        panic!("refused")
    };
    assert_eq!((again[0], again[1].1), ((ids[1], false), true));
    let mut other = new_unit(0);
    other.arguments = Felts(vec![Felt::from(77)]);
    assert_eq!(world.add_to(&primes(), vec![new_unit(3), other]).await, AddUnits::Taken(1));
    let project = world.store.project(&primes(), world.now()).await.unwrap().unwrap();
    assert_eq!(project.units.total(), 3, "nothing of the refused batch");
    assert_eq!(world.add_to(&name("unknown"), vec![new_unit(0)]).await, AddUnits::UnknownProject);
}

pub async fn a_project_keeps_its_program(world: &World) {
    assert!(matches!(world.put(&primes(), &spec()).await, PutProject::Updated(_, changed) if changed.is_empty()));
    let mut new = spec();
    (new.weight, new.limits.max_steps) = (7, 99);
    let PutProject::Updated(project, changed) = world.put(&primes(), &new).await else { panic!("refused") };
    assert_eq!((changed, project.spec), (vec!["limits".to_owned(), "weight".to_owned()], new));
    let mut other = spec();
    other.program = Digest::of(b"another program");
    let PutProject::Taken(reason) = world.put(&primes(), &other).await else { panic!("taken") };
    assert!(reason.starts_with("it runs another program"), "{reason}");
    let mut other = spec();
    other.preset = protocol::Preset::Proven100;
    let PutProject::Taken(reason) = world.put(&primes(), &other).await else { panic!("taken") };
    assert!(reason.contains("default-100") && reason.contains("proven-100"), "{reason}");
    let mut other = spec();
    other.signer = protocol::SignerKey::from_bytes([9; 32]);
    assert!(matches!(world.put(&primes(), &other).await, PutProject::Taken(_)));
}

pub async fn withdrawn_is_withdrawn(world: &World) {
    let ids = world.add(4).await;
    world.prove(ids[0], donor(1), "proof").await;
    let lease = world.lease(donor(2), LeaseMode::Both).await;
    assert!(matches!(world.store.withdraw_unit(&ids[1], world.now()).await.unwrap(), UnitChange::Done(_)));
    assert!(matches!(world.store.withdraw_unit(&ids[1], world.now()).await.unwrap(), UnitChange::Done(_)));
    assert_eq!(world.renew(&lease, donor(2)).await, LeaseChange::Ended);
    let submission = world.submission(ids[1], donor(2), Some(lease.token), "proof 1");
    assert_eq!(world.store.accept_proof(&submission, &shown()).await.unwrap(), Accept::Withdrawn);
    assert!(matches!(world.store.withdraw_unit(&ids[0], world.now()).await.unwrap(), UnitChange::Conflict(_)));
    assert!(matches!(world.store.retry_unit(&ids[0], world.now()).await.unwrap(), UnitChange::Conflict(_)));
    assert!(matches!(world.store.retry_unit(&ids[1], world.now()).await.unwrap(), UnitChange::Done(_)));
    assert_eq!(world.state(ids[1]).await, UnitState::Queued);
    let unknown = UnitId::from_bytes([0xee; 10]);
    assert_eq!(world.store.retry_unit(&unknown, world.now()).await.unwrap(), UnitChange::Unknown);

    assert_eq!(world.store.withdraw_project(&primes(), world.now()).await.unwrap(), Some(3));
    assert_eq!(world.store.withdraw_project(&primes(), world.now()).await.unwrap(), Some(0));
    assert_eq!(world.store.withdraw_project(&name("unknown"), world.now()).await.unwrap(), None);
    let project = world.store.project(&primes(), world.now()).await.unwrap().unwrap();
    assert_eq!((project.state, project.units.withdrawn, project.units.proved), (ProjectState::Withdrawn, 3, 1));
    assert_eq!(world.put(&primes(), &spec()).await, PutProject::Withdrawn);
    assert_eq!(world.add_to(&primes(), vec![new_unit(9)]).await, AddUnits::Withdrawn);
    let retry = world.store.retry_unit(&ids[2], world.now()).await.unwrap();
    assert_eq!(retry, UnitChange::ProjectWithdrawn(primes()));
}

pub async fn pages_are_complete(world: &World) {
    let ids = world.add(25).await;
    for (index, id) in ids.iter().enumerate().filter(|(index, _)| index % 2 == 0) {
        world.prove(*id, donor(1), &format!("proof {index}")).await;
    }
    for (state, expected) in [(None, 25), (Some(UnitState::Queued), 12), (Some(UnitState::Proved), 13)] {
        let (mut cursor, mut seen) = (Some(0), Vec::new());
        while let Some(after) = cursor {
            let page = world.store.units(&primes(), state, after, 5, world.now()).await.unwrap();
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

pub async fn weights_share_the_work(world: &World) {
    let mut heavy = spec();
    heavy.weight = 4;
    world.put(&name("heavy"), &heavy).await;
    for project in [primes(), name("heavy")] {
        world.add_to(&project, (0..200).map(new_unit).collect()).await;
    }
    let mut heavy = 0;
    for _ in 0..150 {
        heavy += u32::from(world.lease(donor(1), LeaseMode::Both).await.project.name == name("heavy"));
    }
    assert!((95..=145).contains(&heavy), "{heavy} of 150, expected about 120");
}

pub async fn nonces_are_remembered_while_they_count(world: &World) {
    let nonce = |byte| Nonce::from_bytes([byte; 16]);
    let remember = async |number, byte, now: u64| {
        let until = Timestamp(now + 100);
        world.store.remember_nonce(&donor(number), &nonce(byte), until, Timestamp(now)).await.unwrap()
    };
    assert!(remember(1, 1, 0).await);
    assert!(!remember(1, 1, 50).await, "replayed");
    assert!(remember(2, 1, 50).await, "somebody else's");
    assert!(remember(1, 2, 50).await);
    assert!(remember(1, 1, 100).await, "forgotten");
}

pub async fn keys_are_found_and_revoked(world: &World) {
    let key = world.store.key(&owner()).await.unwrap().unwrap();
    assert!(key.reaches(&primes()) && key.revoked_at.is_none());
    assert_eq!(world.store.key(&UploaderKeyId::from_bytes([9; 6])).await.unwrap(), None);
    assert!(world.store.revoke_key(&owner(), Timestamp(5)).await.unwrap());
    assert!(world.store.revoke_key(&owner(), Timestamp(6)).await.unwrap());
    assert!(!world.store.revoke_key(&UploaderKeyId::from_bytes([9; 6]), Timestamp(6)).await.unwrap());
    assert_eq!(world.store.key(&owner()).await.unwrap().unwrap().revoked_at, Some(Timestamp(5)));
    assert_eq!(world.store.keys().await.unwrap().len(), 1);
    let scoped = |projects: &str| distributor::store::UploaderKey { projects: projects.to_owned(), ..key.clone() };
    assert!(
        scoped("pri*").reaches(&primes())
            && scoped("primes").reaches(&primes())
            && scoped("primes*").reaches(&primes())
    );
    assert!(!scoped("prime").reaches(&primes()) && !scoped("q*").reaches(&primes()) && !scoped("").reaches(&primes()));
}

pub async fn donors_can_be_blocked(world: &World) {
    assert!(!world.store.is_blocked(&donor(1)).await.unwrap());
    world.store.block_donor(&donor(1), true, world.now()).await.unwrap();
    assert!(world.store.is_blocked(&donor(1)).await.unwrap());
    world.store.block_donor(&donor(1), false, world.now()).await.unwrap();
    assert!(!world.store.is_blocked(&donor(1)).await.unwrap());
    assert_eq!(world.store.donors(world.now()).await.unwrap().len(), 1);
}

pub async fn two_connections_lend_each_unit_once(world: &World) {
    let ids = world.add(60).await;
    let asks: Vec<_> = (0..80).map(|number| world.ask(donor(number), LeaseMode::Both)).collect();
    let grants = futures_util::future::join_all(asks.iter().map(|ask| world.store.lease(ask))).await;
    let mut lent = HashSet::new();
    let mut without = 0;
    for grant in grants {
        match grant.unwrap() {
            LeaseGrant::Granted(lease) => assert!(lent.insert(lease.unit.id), "lent twice"),
            LeaseGrant::NoWork(NoWork::AllLeased) => without += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((lent.len(), without), (ids.len(), 20));
}

pub async fn what_is_stored_survives_reopening(world: &World) {
    let id = world.add(1).await[0];
    world.prove(id, donor(1), "proof").await;
    let refs = world.store.blob_refs().await.unwrap();
    assert_eq!(refs.len(), 3, "program, record and proof");
    for file in refs {
        assert!(world.store.needs_file(&file).await.unwrap());
    }
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.db");
    world.store.backup(&copy).await.unwrap();
    world.store.close().await;
    let copy = distributor::store::sqlite::SqliteStore::open(&copy).await.unwrap();
    let detail = distributor::store::Units::unit(&copy, &id, world.now()).await.unwrap().unwrap();
    assert_eq!(detail.unit.state, UnitState::Proved);
}
