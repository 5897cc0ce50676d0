//! Projects, their owners, and what they may have.

use crate::world::{World, donor, name, new_unit, owner, primes, shown, spec};
use distributor::blobs::Kind;
use distributor::store::{
    Accept, AddUnits, BlobRef, DrawnUnit, LeaseChange, Pusher, PutProject, Quota, Submission, Targeted, UnitChange,
};
use felt::Felt;
use protocol::{Digest, Felts, LeaseMode, NoWork, ProjectState, ProofStatus, UnitId, UnitState, UploaderKeyId};

/// What becomes of a proof of one unit.
async fn taken(world: &World, submission: &Submission) -> ProofStatus {
    match world.store.accept_proof(submission, &[shown()]).await.unwrap() {
        Accept::Receipt(receipt) => receipt.units[0].status,
        other => panic!("{other:?}"),
    }
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
    assert_eq!(taken(world, &submission).await, ProofStatus::Withdrawn);
    let Targeted::Together(target) = world.store.target(&[late]).await.unwrap() else { panic!("unknown") };
    assert!(target.withdrawn);
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
    assert_eq!(taken(world, &submission).await, ProofStatus::Withdrawn);
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
