//! What the store keeps, and for how long: keys, blocks, nonces, history.

use crate::world::{World, donor, owner, primes, rules};
use distributor::location::Location;
use distributor::store::{self, IfMissing, Rules};
use protocol::{LeaseMode, Nonce, Timestamp, UnitState, UploaderKeyId};

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
