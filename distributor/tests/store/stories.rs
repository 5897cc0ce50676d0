//! What a store must do, one story each.

use crate::world::{
    COOLDOWN, LEASE, RENEWABLE, REST, World, donor, failure, name, new_unit, owner, primes, rules, shown, spec,
};
use distributor::blobs::Kind;
use distributor::location::Location;
use distributor::store::{
    self, Accept, AddUnits, BlobRef, DrawnUnit, IfMissing, LeaseChange, LeaseGrant, Pusher, PutProject, Quota,
    Rechecked, Refusal, Rules, UnitChange, UnitFilter,
};
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

pub async fn a_report_of_a_bad_execution_is_looked_into(world: &World) {
    let id = world.add(1).await[0];
    let lease = world.lease(donor(1), LeaseMode::Execute).await;
    execute(world, &lease, 1, "run").await;
    let run = Digest::of(b"run");
    let bad = || Some(failure(FailureCause::BadExecution));
    // The stored file is sound: the report was wrong.
    let liar = world.lease(donor(2), LeaseMode::Prove).await;
    let holder = world.store.holder(&liar.token, &donor(2)).await.unwrap().unwrap();
    assert_eq!(holder.execution, Some(run));
    world.release_checked(&liar, donor(2), bad(), Some(Rechecked::Sound(run))).await;
    assert_eq!(world.state(id).await, UnitState::Executed, "the execution stays");
    assert_eq!(world.store.donor(&donor(2), world.now()).await.unwrap().credit.marks, 1);
    assert_eq!(world.store.donor(&donor(1), world.now()).await.unwrap().credit.marks, 0);
    assert_eq!(world.no_work(donor(2), LeaseMode::Prove).await, NoWork::AllLeased, "others first");
    // It is damaged here: nobody is blamed, and it is made again.
    let honest = world.lease(donor(3), LeaseMode::Prove).await;
    world.release_checked(&honest, donor(3), bad(), Some(Rechecked::Bad(run))).await;
    assert_eq!(world.state(id).await, UnitState::Queued);
    assert_eq!(world.store.execution_of(&id).await.unwrap(), None);
    assert_eq!(world.store.orphans(10).await.unwrap().len(), 1, "its file is let go");
    let detail = world.unit(id).await;
    assert_eq!((detail.unit.failure, detail.unit.suspect), (None, false), "it says nothing against the unit");
    for number in [1, 3] {
        assert_eq!(world.store.donor(&donor(number), world.now()).await.unwrap().credit.marks, 0);
    }
    let again = world.lease(donor(1), LeaseMode::Execute).await;
    assert!(
        matches!(execute(world, &again, 1, "run").await, Accept::Receipt(receipt) if receipt.status == ExecutionStatus::Accepted)
    );
    // Nothing that could be looked at: nothing happens.
    let lease = world.lease(donor(3), LeaseMode::Prove).await;
    world.release_checked(&lease, donor(3), bad(), None).await;
    assert_eq!(world.state(id).await, UnitState::Executed);
}

pub async fn strangers_make_a_unit_suspect_and_no_more(world: &World) {
    let id = world.add(1).await[0];
    for number in 1..=40 {
        let lease = world.lease(donor(number), LeaseMode::Both).await;
        assert_eq!(lease.unit.id, id);
        world.release(&lease, donor(number), Some(failure(FailureCause::Panic))).await;
        let unit = world.unit(id).await.unit;
        assert_eq!((unit.state, unit.suspect), (UnitState::Queued, true));
        let said = unit.failure.unwrap();
        assert_eq!((said.donors, said.trusted), (u32::from(number), 0));
        assert_eq!(world.no_work(donor(200), LeaseMode::Both).await, NoWork::AllLeased, "it rests");
        world.pass((REST << (number - 1).min(20)).min(24 * 3600));
    }
    let detail = world.unit(id).await;
    assert_eq!((detail.reports.len(), detail.reports[0].trusted), (40, false), "its owner sees who said what");
    let project = world.store.project(&primes(), world.now()).await.unwrap().unwrap();
    assert_eq!((project.units.suspect, project.units.queued, project.units.total()), (1, 1, 1));
    let filter = UnitFilter { state: None, suspect: true };
    assert_eq!(world.store.units(&primes(), &filter, 0, 10, world.now()).await.unwrap().units.len(), 1);
    // A proof settles it, and who was wrong is marked.
    world.prove(id, donor(250), "proof").await;
    let detail = world.unit(id).await;
    assert_eq!((detail.unit.suspect, detail.unit.failure, detail.reports.len()), (false, None, 0));
    assert_eq!(world.store.donor(&donor(7), world.now()).await.unwrap().credit.marks, 1);
}

/// Lets a donor report a failure of the unit that is suspect.
async fn report(world: &World, number: u8, id: UnitId, cause: FailureCause) {
    let lease = world.lease(donor(number), LeaseMode::Both).await;
    assert_eq!(lease.unit.id, id);
    world.release(&lease, donor(number), Some(failure(cause))).await;
    world.pass(24 * 3600);
}

pub async fn a_unit_is_set_aside_by_most_of_the_work(world: &World) {
    for (number, steps) in [(1, 100), (2, 100), (3, 100), (4, 299), (5, 1)] {
        world.earn(donor(number), steps).await;
    }
    let id = world.add(1).await[0];
    for number in 1..=3 {
        report(world, number, id, FailureCause::OutOfMemory).await;
        let unit = world.unit(id).await.unit;
        assert_eq!((unit.state, unit.failure.unwrap().trusted), (UnitState::Queued, u32::from(number)));
        assert!(unit.suspect, "half of the work is not more than half");
    }
    // What stands behind the reports is weighed again before the unit is lent.
    world.store.block_donor(&donor(5), true, world.now()).await.unwrap();
    assert_eq!(world.no_work(donor(6), LeaseMode::Both).await, NoWork::Empty);
    assert_eq!(world.state(id).await, UnitState::Failed);
}

pub async fn work_without_a_lease_earns_no_trust(world: &World) {
    world.earn(donor(1), 100).await;
    for number in 2..=4 {
        let unit = world.add_to(&primes(), vec![new_unit(50 + u64::from(number))]).await;
        let AddUnits::Stored(stored) = unit else { panic!("not stored") };
        world.prove(stored[0].0, donor(number), &format!("chosen {number}")).await;
        assert_eq!(world.store.donor(&donor(number), world.now()).await.unwrap().credit.proven_units, 1);
    }
    let id = world.add(1).await[0];
    for number in 2..=4 {
        report(world, number, id, FailureCause::Panic).await;
    }
    let unit = world.unit(id).await.unit;
    assert_eq!((unit.state, unit.failure.unwrap().trusted), (UnitState::Queued, 0));
}

pub async fn a_donor_that_the_operator_names_needs_no_majority(world: &World) {
    for number in 1..=4 {
        world.earn(donor(number), if number == 4 { 1000 } else { 10 }).await;
    }
    let id = world.add(1).await[0];
    world.store.trust_donor(&donor(9), true, world.now()).await.unwrap();
    assert!(world.store.donors(world.now()).await.unwrap().iter().any(|donor| donor.trusted_at.is_some()));
    report(world, 1, id, FailureCause::Crash).await;
    report(world, 2, id, FailureCause::Crash).await;
    assert_eq!(world.state(id).await, UnitState::Queued);
    report(world, 9, id, FailureCause::Crash).await;
    assert_eq!(world.state(id).await, UnitState::Failed);
    let events = world.store.events(&primes(), 0, 1000).await.unwrap();
    let last = events.last().unwrap();
    assert_eq!((last.state, last.failure), (UnitState::Failed, Some(FailureCause::Crash)));
    // Retrying begins a new round, in which nothing was said.
    let UnitChange::Done(unit) = world.store.retry_unit(&id, world.now()).await.unwrap() else { panic!("refused") };
    assert_eq!((unit.state, unit.failure, unit.suspect), (UnitState::Queued, None, false));
    world.store.trust_donor(&donor(9), false, world.now()).await.unwrap();
    for number in [1, 2, 9] {
        report(world, number, id, FailureCause::Crash).await;
    }
    assert_eq!(world.state(id).await, UnitState::Queued, "not named any more");
    world.store.block_donor(&donor(4), true, world.now()).await.unwrap();
    report(world, 3, id, FailureCause::Crash).await;
    assert_eq!(world.state(id).await, UnitState::Failed, "who is blocked counts for nothing");
}

pub async fn a_wrong_report_costs_all_standing(world: &World) {
    for number in 1..=4 {
        world.earn(donor(number), 100).await;
    }
    let id = world.add(1).await[0];
    report(world, 1, id, FailureCause::Panic).await;
    // A later excuse does not take the claim back.
    world.pass(COOLDOWN);
    report(world, 1, id, FailureCause::Crash).await;
    report(world, 2, id, FailureCause::OutOfMemory).await;
    world.prove(id, donor(4), "it can be proved").await;
    let marks = async |number| world.store.donor(&donor(number), world.now()).await.unwrap().credit.marks;
    assert_eq!((marks(1).await, marks(2).await), (1, 0), "out of memory is no lie");
    let AddUnits::Stored(stored) = world.add_to(&primes(), vec![new_unit(77)]).await else { panic!("not stored") };
    let id = stored[0].0;
    for number in 1..=3 {
        report(world, number, id, FailureCause::Panic).await;
    }
    assert_eq!(world.unit(id).await.unit.failure.unwrap().trusted, 2);
    assert_eq!(world.state(id).await, UnitState::Queued);
    // An execution, which the distributor checks, refutes as well as a proof.
    let lease = world.lease(donor(4), LeaseMode::Execute).await;
    execute(world, &lease, 4, "it runs").await;
    assert_eq!((marks(2).await, marks(3).await), (1, 1));
    assert!(!world.unit(id).await.unit.suspect);
}

pub async fn a_limit_that_was_raised_makes_nobody_a_liar(world: &World) {
    world.earn(donor(1), 100).await;
    let id = world.add(1).await[0];
    report(world, 1, id, FailureCause::StepLimit).await;
    let mut more = spec();
    more.limits.max_steps *= 2;
    world.put(&primes(), &more).await;
    world.prove(id, donor(2), "longer").await;
    assert_eq!(world.store.donor(&donor(1), world.now()).await.unwrap().credit.marks, 0);
}

pub async fn refused_proofs_end_somewhere_too(world: &World) {
    for number in 1..=3 {
        world.earn(donor(number), 100).await;
    }
    let id = world.add(1).await[0];
    for number in 1..=3 {
        let lease = world.lease(donor(number), LeaseMode::Both).await;
        let submission = world.submission(id, donor(number), Some(lease.token), "not good");
        let refusal = Refusal::new(Cause::PolicyFailed, "too large");
        world.store.refuse(&submission, &refusal).await.unwrap();
        world.pass(24 * 3600);
    }
    let unit = world.unit(id).await.unit;
    assert_eq!((unit.state, unit.failure.unwrap().cause), (UnitState::Failed, FailureCause::ProveFailed));
}

pub async fn trusted_donors_look_at_suspect_units_first(world: &World) {
    world.earn(donor(1), 100).await;
    let ids = world.add(3).await;
    let lease = world.lease(donor(2), LeaseMode::Both).await;
    world.release(&lease, donor(2), Some(failure(FailureCause::Panic))).await;
    assert_eq!(lease.unit.id, ids[0]);
    assert_ne!(world.lease(donor(3), LeaseMode::Both).await.unit.id, ids[0], "a stranger");
    assert_eq!(world.lease(donor(1), LeaseMode::Both).await.unit.id, ids[0], "at once: only a stranger said so");
    world.lease(donor(3), LeaseMode::Both).await;
    assert_eq!(world.no_work(donor(3), LeaseMode::Both).await, NoWork::AllLeased);
}

pub async fn leases_of_newcomers_are_few(world: &World) {
    world.store.set_rules(Rules { new_leases: 2, source_leases: 3, most_leases: 4, ..rules() });
    world.add(50).await;
    let ask = async |number: u8, source: &str| {
        let mut ask = world.ask(donor(number), LeaseMode::Both);
        source.clone_into(&mut ask.source);
        world.store.lease(&ask).await.unwrap()
    };
    let limited = LeaseGrant::NoWork(NoWork::LeaseLimit);
    let LeaseGrant::Granted(first) = ask(1, "here").await else { panic!("no lease") };
    assert!(matches!(ask(1, "here").await, LeaseGrant::Granted(_)));
    assert_eq!(ask(1, "elsewhere").await, limited, "a key has its limit");
    assert!(matches!(ask(2, "here").await, LeaseGrant::Granted(_)));
    assert_eq!(ask(3, "here").await, limited, "an address has one");
    assert!(matches!(ask(3, "elsewhere").await, LeaseGrant::Granted(_)));
    // Work earns more, up to a limit, and counts against no address.
    let submission = world.submission(first.unit.id, donor(1), Some(first.token), "proof");
    world.store.accept_proof(&submission, &shown()).await.unwrap();
    for _ in 0..3 {
        assert!(matches!(ask(1, "here").await, LeaseGrant::Granted(_)));
    }
    assert_eq!(ask(1, "here").await, limited, "four at most");
    // What was given back or ran out is free.
    world.pass(LEASE);
    assert!(matches!(ask(3, "here").await, LeaseGrant::Granted(_)));
}

pub async fn a_newcomer_renews_for_a_shorter_time(world: &World) {
    world.add(2).await;
    let mut ask = world.ask(donor(1), LeaseMode::Both);
    ask.renewable_for_new = 120;
    let LeaseGrant::Granted(lease) = world.store.lease(&ask).await.unwrap() else { panic!("no lease") };
    assert_eq!(lease.renewable_until, world.now().plus(120));
    let begin = world.now();
    world.pass(90);
    assert_eq!(world.renew(&lease, donor(1)).await, LeaseChange::Done(begin.plus(120)));
    world.pass(30);
    assert_eq!(world.renew(&lease, donor(1)).await, LeaseChange::Ended);
}

pub async fn a_lease_of_a_wrong_clock_is_over(world: &World) {
    const YEAR: u64 = 365 * 24 * 3600;
    let ids = world.add(2).await;
    world.pass(YEAR);
    let lease = world.lease(donor(1), LeaseMode::Both).await;
    let failed = world.lease(donor(2), LeaseMode::Both).await;
    world.release(&failed, donor(2), Some(failure(FailureCause::Panic))).await;
    world.back(YEAR);
    assert_eq!(world.state(ids[0]).await, UnitState::Queued);
    assert_eq!(world.outcomes(ids[0]).await, [Outcome::Expired]);
    let project = world.store.project(&primes(), world.now()).await.unwrap().unwrap();
    assert_eq!((project.units.queued, project.units.leased), (2, 0));
    let retried = world.store.retry_unit(&ids[0], world.now()).await.unwrap();
    assert!(matches!(retried, UnitChange::Done(_)), "it tells the truth: the unit is not leased");
    let credit = world.store.donor(&donor(1), world.now()).await.unwrap().credit;
    assert_eq!(credit.live_leases, 0);
    // Both are lent again, neither lease nor cool-down lasts a year.
    assert_eq!(world.lease(donor(3), LeaseMode::Both).await.unit.id, ids[0]);
    assert_eq!(world.lease(donor(2), LeaseMode::Both).await.unit.id, ids[1]);
    assert_eq!(world.renew(&lease, donor(1)).await, LeaseChange::Ended);
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
    assert_eq!(lease.unit.id, ids[2]);
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

pub async fn a_large_project_is_withdrawn_in_batches(world: &World) {
    for first in [0, 1000, 2000] {
        world.add_to(&primes(), (first..first + 1000).map(new_unit).collect()).await;
    }
    let lease = world.lease(donor(1), LeaseMode::Both).await;
    assert_eq!(world.store.withdraw_project(&primes(), world.now()).await.unwrap(), Some(3000));
    let project = async || world.store.project(&primes(), world.now()).await.unwrap().unwrap();
    let begun = project().await;
    assert_eq!((begun.state, begun.units.withdrawn), (ProjectState::Withdrawing, 1000));
    // It is withdrawn as a whole at once, whatever became of its units.
    assert_eq!(world.no_work(donor(2), LeaseMode::Both).await, NoWork::Empty);
    assert_eq!(world.renew(&lease, donor(1)).await, LeaseChange::Ended);
    let late = world.page(Some(UnitState::Queued), 0, 1).await.units[0].id;
    let submission = world.submission(late, donor(1), None, "late");
    assert_eq!(world.store.accept_proof(&submission, &shown()).await.unwrap(), Accept::Withdrawn);
    assert!(world.store.target(&late).await.unwrap().unwrap().withdrawn);
    assert!(world.store.withdraw_more(world.now()).await.unwrap());
    assert!(world.store.withdraw_more(world.now()).await.unwrap());
    assert!(!world.store.withdraw_more(world.now()).await.unwrap());
    let ended = project().await;
    assert_eq!((ended.state, ended.units.withdrawn), (ProjectState::Withdrawn, 3000));
}

pub async fn projects_belong_to_their_owner(world: &World) {
    let stranger = Pusher { owner: UploaderKeyId::from_bytes([2; 6]), quota: Quota::NONE };
    let put = world.store.put_project(&primes(), &spec(), &stranger, world.now()).await.unwrap();
    assert_eq!(put, PutProject::NotOwner);
    let drawn = [DrawnUnit { id: UnitId::from_bytes([1; 10]), unit: new_unit(1) }];
    let add = world.store.add_units(&primes(), &drawn, &stranger, world.now()).await.unwrap();
    assert_eq!(add, AddUnits::NotOwner);
    let key = distributor::store::UploaderKey {
        id: stranger.owner,
        owner: stranger.owner,
        ..world.store.key(&owner()).await.unwrap().unwrap()
    };
    world.store.add_key(&key).await.unwrap();
    assert!(world.store.give_project(&primes(), &stranger.owner).await.unwrap());
    assert_eq!(world.store.project_owner(&primes()).await.unwrap(), Some(stranger.owner));
    let add = world.store.add_units(&primes(), &drawn, &stranger, world.now()).await.unwrap();
    assert!(matches!(add, AddUnits::Stored(_)));
    assert_eq!(world.put(&primes(), &spec()).await, PutProject::NotOwner);
}

pub async fn an_owner_may_only_lower_the_weight(world: &World) {
    let weight = async || world.store.project(&primes(), world.now()).await.unwrap().unwrap().weight;
    let mut heavy = spec();
    heavy.weight = 1000;
    world.put(&primes(), &heavy).await;
    assert_eq!(weight().await, 100, "what everybody has");
    assert!(world.store.set_weight(&primes(), 500).await.unwrap());
    assert_eq!(weight().await, 500);
    heavy.weight = 7;
    world.put(&primes(), &heavy).await;
    assert_eq!(weight().await, 7);
    assert!(!world.store.set_weight(&name("unknown"), 5).await.unwrap());
}

pub async fn quotas_are_kept(world: &World) {
    let quota = Quota { projects: 1, units: 3, bytes: 200 };
    let by = Pusher { owner: owner(), quota };
    let put = world.store.put_project(&name("more"), &spec(), &by, world.now()).await.unwrap();
    assert!(matches!(put, PutProject::OverQuota(over) if (over.what, over.has, over.most) == ("projects", 1, 1)));
    assert_eq!(world.store.project_owner(&name("more")).await.unwrap(), None, "nothing was made");
    let add = async |numbers: std::ops::Range<u64>| {
        let drawn: Vec<_> = numbers
            .map(|number| DrawnUnit { id: UnitId::from_bytes([number as u8; 10]), unit: new_unit(number) })
            .collect();
        world.store.add_units(&primes(), &drawn, &by, world.now()).await.unwrap()
    };
    assert!(matches!(add(0..3).await, AddUnits::Stored(_)));
    assert!(matches!(add(0..3).await, AddUnits::Stored(_)), "the same again takes nothing");
    let refused = add(2..4).await;
    assert!(matches!(refused, AddUnits::OverQuota(over) if (over.what, over.has, over.more) == ("units", 3, 1)));
    assert_eq!(world.store.project(&primes(), world.now()).await.unwrap().unwrap().units.total(), 3);
    let file = |byte| BlobRef { kind: Kind::Program, sha256: Digest::from_bytes([byte; 32]) };
    let upload = async |byte, size| world.store.note_upload(&file(byte), size, &by, world.now()).await.unwrap();
    assert_eq!(upload(1, 100).await, None);
    assert_eq!(upload(1, 100).await, None, "once");
    assert!(upload(2, 100).await.is_some_and(|over| (over.what, over.has) == ("bytes", 196)));
    assert_eq!(upload(3, 4).await, None);
}

pub async fn what_grows_is_folded(world: &World) {
    world.store.set_rules(Rules { kept_attempts: 5, kept_events: 10, ..rules() });
    let id = world.add(1).await[0];
    for _ in 0..12 {
        let lease = world.lease(donor(1), LeaseMode::Both).await;
        world.release(&lease, donor(1), None).await;
    }
    let detail = world.unit(id).await;
    assert_eq!((detail.unit.attempts, detail.attempts.len(), detail.folded_attempts), (12, 5, 7));
    assert_eq!(detail.attempts[0].number, 8);
    let last = world.store.last_event().await.unwrap();
    assert_eq!((last, world.store.folded_events(&primes()).await.unwrap()), (25, 0));
    assert_eq!(world.store.fold(world.now()).await.unwrap(), 15);
    assert_eq!(
        (world.store.last_event().await.unwrap(), world.store.folded_events(&primes()).await.unwrap()),
        (25, 15)
    );
    let events = world.store.events(&primes(), 0, 100).await.unwrap();
    assert_eq!((events.len(), events[0].seq), (10, 16));
    world.pass(rules().events_for + 1);
    assert_eq!(world.store.fold(world.now()).await.unwrap(), 11, "ten events, and a donor that brought nothing");
    assert_eq!(world.store.last_event().await.unwrap(), 25, "numbers are never given twice");
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
    if let Some(copies) = world.store.copies() {
        copies.copy_to(&copy).await.unwrap();
    }
    world.store.close().await;
    let again = store::open(&world.place, IfMissing::Refuse).await.unwrap();
    assert_eq!(again.unit(&id, world.now()).await.unwrap().unwrap().unit.state, UnitState::Proved);
    if copy.exists() {
        let place = Location::new(world.place.scheme(), copy);
        let copy = store::open(&place, IfMissing::Refuse).await.unwrap();
        assert_eq!(copy.unit(&id, world.now()).await.unwrap().unwrap().unit.state, UnitState::Proved);
    }
}
