//! Who is lent what, and for how long.

use crate::world::{COOLDOWN, LEASE, RENEWABLE, World, donor, failure, name, new_unit, primes, rules, shown, spec};
use distributor::store::{LeaseChange, LeaseGrant, Rules, UnitChange};
use protocol::{FailureCause, LeaseMode, NoWork, Outcome, UnitState};
use std::collections::HashSet;

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
    let submission = world.submission(first.units[0].id, donor(1), Some(first.token), "proof");
    world.store.accept_proof(&submission, &[shown()]).await.unwrap();
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
    assert_eq!(world.lease(donor(3), LeaseMode::Both).await.units[0].id, ids[0]);
    assert_eq!(world.lease(donor(2), LeaseMode::Both).await.units[0].id, ids[1]);
    assert_eq!(world.renew(&lease, donor(1)).await, LeaseChange::Ended);
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

pub async fn there_is_a_reason_for_no_work(world: &World) {
    assert_eq!(world.no_work(donor(1), LeaseMode::Both).await, NoWork::Empty);
    world.add(1).await;
    for (max_steps, max_memory, speed) in [(999, 1 << 30, 100), (5000, 11_999, 100), (5000, 1 << 30, 3)] {
        let mut ask = world.ask(donor(1), LeaseMode::Both);
        ask.limits = protocol::DonorLimits::alone(max_steps, max_memory, speed);
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

pub async fn two_connections_lend_each_unit_once(world: &World) {
    let ids = world.add(60).await;
    let asks: Vec<_> = (0..80).map(|number| world.ask(donor(number), LeaseMode::Both)).collect();
    let grants = futures_util::future::join_all(asks.iter().map(|ask| world.store.lease(ask))).await;
    let mut lent = HashSet::new();
    let mut without = 0;
    for grant in grants {
        match grant.unwrap() {
            LeaseGrant::Granted(lease) => assert!(lent.insert(lease.units[0].id), "lent twice"),
            LeaseGrant::NoWork(NoWork::AllLeased) => without += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((lent.len(), without), (ids.len(), 20));
}
