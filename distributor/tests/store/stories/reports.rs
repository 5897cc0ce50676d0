//! Reports of failures, and whom the store believes.

use super::execute;
use crate::world::{COOLDOWN, REST, World, donor, failure, new_unit, primes, spec};
use distributor::store::{Accept, AddUnits, Rechecked, Refusal, UnitChange, UnitFilter};
use protocol::{Cause, Digest, ExecutionStatus, FailureCause, LeaseMode, NoWork, UnitId, UnitState};

/// Lets a donor report a failure of the unit that is suspect.
async fn report(world: &World, number: u8, id: UnitId, cause: FailureCause) {
    let lease = world.lease(donor(number), LeaseMode::Both).await;
    assert_eq!(lease.units[0].id, id);
    world.release(&lease, donor(number), Some(failure(cause))).await;
    world.pass(24 * 3600);
}

pub async fn a_report_of_a_bad_execution_is_looked_into(world: &World) {
    let id = world.add(1).await[0];
    let lease = world.lease(donor(1), LeaseMode::Execute).await;
    execute(world, &lease, 1, "run").await;
    let run = Digest::of(b"run");
    let bad = || Some(failure(FailureCause::BadExecution));
    // The stored file is sound: the report was wrong.
    let liar = world.lease(donor(2), LeaseMode::Prove).await;
    let holders = world.store.holders(&liar.token, &donor(2)).await.unwrap();
    assert_eq!((holders.len(), holders[0].execution), (1, Some(run)));
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
        assert_eq!(lease.units[0].id, id);
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
    assert_eq!(lease.units[0].id, ids[0]);
    assert_ne!(world.lease(donor(3), LeaseMode::Both).await.units[0].id, ids[0], "a stranger");
    assert_eq!(world.lease(donor(1), LeaseMode::Both).await.units[0].id, ids[0], "at once: only a stranger said so");
    world.lease(donor(3), LeaseMode::Both).await;
    assert_eq!(world.no_work(donor(3), LeaseMode::Both).await, NoWork::AllLeased);
}
