//! Projects that are withdrawn and deleted.

use crate::world::{LEASE, World, donor, failure, name, new_unit, primes, shown, spec};
use distributor::blobs::Kind;
use distributor::store::{BlobRef, LeaseAsk, LeaseGrant, PutProject, RemoveProject};
use protocol::{Digest, FailureCause, LeaseMode, NoWork, ProjectName};

async fn remove(world: &World, force: bool) -> RemoveProject {
    world.store.remove_project(&primes(), force, world.now()).await.unwrap()
}

/// Names of the projects that are listed, all and those that are not withdrawn.
async fn listed(world: &World) -> [Vec<ProjectName>; 2] {
    let names = |list: protocol::ProjectList| list.projects.into_iter().map(|project| project.name).collect();
    [
        names(world.store.projects(None, 10, world.now()).await.unwrap()),
        names(world.store.active_projects(None, 10, world.now()).await.unwrap()),
    ]
}

pub async fn withdrawn_projects_are_listed_for_who_asks(world: &World) {
    for other in ["a", "queens"] {
        assert!(matches!(world.put(&name(other), &spec()).await, PutProject::Created(_)));
    }
    let all = vec![name("a"), primes(), name("queens")];
    assert_eq!(listed(world).await, [all.clone(), all.clone()]);
    world.store.withdraw_project(&primes(), world.now()).await.unwrap();
    assert_eq!(listed(world).await, [all, vec![name("a"), name("queens")]]);
    // Pages leave nobody out.
    let page = async |after: Option<&ProjectName>| world.store.active_projects(after, 1, world.now()).await.unwrap();
    let first = page(None).await;
    assert_eq!((first.projects[0].name.clone(), first.next), (name("a"), Some(name("a"))));
    let second = page(Some(&name("a"))).await;
    assert_eq!((second.projects[0].name.clone(), second.next), (name("queens"), None));
}

pub async fn a_project_is_deleted_with_all_that_belongs_to_it(world: &World) {
    let units = world.add(5).await;
    let kept = world.put(&name("queens"), &spec()).await;
    assert!(matches!(kept, PutProject::Created(_)));
    world.add_to(&name("queens"), vec![new_unit(1)]).await;
    // A unit each that is proved, was executed, failed on a donor, is lent, or waits.
    let credit = async || world.store.donor(&donor(1), world.now()).await.unwrap();
    world.prove(units[0], donor(1), "proof").await;
    let submission = world.submission(units[1], donor(1), None, "execution");
    world.store.accept_execution(&submission, &shown()).await.unwrap();
    let before = credit().await;
    let lend = async |number| {
        let ask = LeaseAsk { project: Some(primes()), ..world.ask(donor(number), LeaseMode::Execute) };
        match world.store.lease(&ask).await.unwrap() {
            LeaseGrant::Granted(lease) => *lease,
            other => panic!("{other:?}"),
        }
    };
    world.release(&lend(2).await, donor(2), Some(failure(FailureCause::Panic))).await;
    let lease = lend(3).await;

    assert_eq!(remove(world, true).await, RemoveProject::Active, "whatever is forced");
    world.store.withdraw_project(&primes(), world.now()).await.unwrap();
    assert_eq!(remove(world, false).await, RemoveProject::Uncollected(1));
    assert_eq!(remove(world, true).await, RemoveProject::Begun(5));
    assert_eq!(remove(world, true).await, RemoveProject::Begun(5), "the same again");
    while world.store.remove_more().await.unwrap() {}

    assert_eq!(remove(world, true).await, RemoveProject::Unknown);
    assert_eq!(listed(world).await, [vec![name("queens")], vec![name("queens")]]);
    assert_eq!(world.store.unit(&lease.units[0].id, world.now()).await.unwrap(), None);
    assert!(world.store.recount(false).await.unwrap().is_empty(), "what is counted is what is there");
    assert_eq!(credit().await.credit, before.credit, "what was done is done");
    // The proof's file is an orphan. Program and record are those of the other project, too.
    let orphans = world.store.orphans(10).await.unwrap();
    assert_eq!(orphans.iter().filter(|file| file.kind == Kind::Proof).count(), 1);
    for (kind, bytes) in [(Kind::Program, &b"program"[..]), (Kind::Record, b"record")] {
        assert!(world.store.needs_file(&BlobRef { kind, sha256: Digest::of(bytes) }).await.unwrap(), "{kind}");
    }
    for file in world.store.blob_refs().await.unwrap() {
        assert!(world.store.needs_file(&file).await.unwrap());
    }
    // The name is free, with another program and a new beginning.
    assert_eq!(world.store.events(&primes(), 0, 100).await.unwrap(), []);
    let mut other = spec();
    other.program = Digest::of(b"another");
    assert!(matches!(world.put(&primes(), &other).await, PutProject::Created(_)));
    let project = world.store.project(&primes(), world.now()).await.unwrap().unwrap();
    assert_eq!((project.units.total(), project.proven_steps, project.proofs.files), (0, 0, 0));
}

pub async fn a_project_is_not_deleted_under_a_donor(world: &World) {
    let unit = world.add(1).await[0];
    world.prove(unit, donor(1), "proof").await;
    assert_eq!(world.store.mark_collected(&primes(), 1 << 40, None, world.now()).await.unwrap(), 1);
    // A lease that the withdrawal does not end: a result that is proven once more.
    world.store.prove_again(&unit, world.now()).await.unwrap();
    world.lease(donor(2), LeaseMode::Both).await;
    world.store.withdraw_project(&primes(), world.now()).await.unwrap();
    assert_eq!(remove(world, false).await, RemoveProject::Lent(1));
    world.pass(LEASE + 1);
    assert_eq!(remove(world, false).await, RemoveProject::Begun(1));
    while world.store.remove_more().await.unwrap() {}
    assert!(world.store.recount(false).await.unwrap().is_empty());
    assert_eq!(world.no_work(donor(3), LeaseMode::Both).await, NoWork::Empty);
}

pub async fn a_large_project_is_deleted_in_batches(world: &World) {
    for first in [0, 1000, 2000] {
        world.add_to(&primes(), (first..first + 1000).map(new_unit).collect()).await;
    }
    world.store.withdraw_project(&primes(), world.now()).await.unwrap();
    assert_eq!(remove(world, false).await, RemoveProject::Begun(3000));
    // Interrupted anywhere, it goes on.
    let (mut batches, mut left) = (0, 3000);
    while world.store.remove_more().await.unwrap() {
        batches += 1;
        let now = world.store.project(&primes(), world.now()).await.unwrap().map_or(0, |project| project.units.total());
        assert!(now <= left && left - now <= 1000, "{left}, then {now}");
        left = now;
        assert!(world.store.recount(false).await.unwrap().is_empty());
    }
    assert!(left == 0 && batches > 3, "{batches}");
}
