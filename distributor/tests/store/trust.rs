//! Any mixture of honest and hostile donors, the hostile ones with less than half of the work, however many keys they have:
//! no good unit is ever set aside, every bad one is in the end, and the hostile keys hold few leases.

use crate::world::{World, donor, failure, new_unit, primes, rules};
use distributor::location::Location;
use distributor::store::{Accept, AddUnits, LeaseGrant, Refusal, Rules, VerifiedRun};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use protocol::{Cause, DonorKey, FailureCause, Felts, Lease, LeaseMode, ProofStatus, UnitId, UnitState};
use std::collections::{HashMap, HashSet};
use std::path::Path;

/// Leases of a key that proved nothing, and of all such keys of the hostile address.
const NEW_LEASES: u32 = 2;
const SOURCE_LEASES: u32 = 5;

/// Steps that each honest donor proved before.
const WORK: u64 = 1000;

/// Hostile keys are drawn without end; this many of them act.
const KEYS: u8 = 12;

#[derive(Debug, Clone)]
enum Op {
    /// An honest donor does a unit.
    Work(u8),
    /// A hostile key takes a lease.
    Take(u8),
    /// It says that its unit failed.
    Report(usize, FailureCause),
    /// It gives back a lease.
    Drop(usize),
    /// It brings garbage.
    Garbage(usize),
    /// It proves its unit, as long as it stays below half of the work.
    Earn(usize, u64),
    /// It proves a unit of its own choice, with very many steps.
    Choose(u8, usize),
    /// Every hostile key reports all that it is lent.
    Storm(FailureCause),
    Pass(u64),
}

fn op(honest: u8) -> impl Strategy<Value = Op> {
    let cause = prop::sample::select(FailureCause::ALL);
    prop_oneof![
        3 => (0..honest).prop_map(Op::Work),
        4 => (0..KEYS).prop_map(Op::Take),
        3 => (0..8_usize, cause.clone()).prop_map(|(lease, cause)| Op::Report(lease, cause)),
        1 => (0..8_usize).prop_map(Op::Drop),
        1 => (0..8_usize).prop_map(Op::Garbage),
        3 => (0..8_usize, 1..WORK).prop_map(|(lease, steps)| Op::Earn(lease, steps)),
        1 => (0..KEYS, 0..6_usize).prop_map(|(key, unit)| Op::Choose(key, unit)),
        3 => cause.prop_map(Op::Storm),
        2 => prop::sample::select(vec![1, 15, 100, 1000, 100_000]).prop_map(Op::Pass),
    ]
}

/// Who there is in the beginning: honest donors, and what part of the most that hostile ones may have proved they have.
#[derive(Debug, Clone)]
struct Beginning {
    honest: u8,
    /// Hostile keys that proved something, and each one's thousandths of what is allowed to all.
    earned: Vec<u64>,
    good: u64,
    bad: u64,
}

fn beginning() -> impl Strategy<Value = (Beginning, Vec<Op>)> {
    let earned = prop::collection::vec(100..400_u64, 0..6);
    (3..7_u8, earned, 1..6_u64, 1..3_u64).prop_flat_map(|(honest, earned, good, bad)| {
        (Just(Beginning { honest, earned, good, bad }), prop::collection::vec(op(honest), 1..40))
    })
}

fn hostile(key: u8) -> DonorKey {
    donor(100 + key)
}

struct Run {
    world: World,
    honest: u8,
    /// Whether each unit is good.
    units: HashMap<UnitId, bool>,
    order: Vec<UnitId>,
    /// Live leases of the hostile keys.
    held: Vec<(u8, Lease)>,
    /// Hostile keys that proved something under a lease.
    earners: HashSet<u8>,
    honest_work: u64,
    hostile_work: u64,
}

impl Run {
    async fn new(place: &Location, beginning: &Beginning) -> Self {
        let world = World::open(place).await;
        for number in 1..=beginning.honest {
            world.earn(donor(number), WORK).await;
        }
        let honest_work = WORK * u64::from(beginning.honest);
        let (mut hostile_work, mut earners) = (0, HashSet::new());
        for (key, thousandths) in (0..).zip(&beginning.earned) {
            let steps = (honest_work * thousandths / 1000).min((honest_work - 1).saturating_sub(hostile_work));
            if steps > 0 {
                world.earn(hostile(key), steps).await;
                hostile_work += steps;
                earners.insert(key);
            }
        }
        world.store.set_rules(Rules {
            new_leases: NEW_LEASES,
            source_leases: SOURCE_LEASES,
            active_for: 1_000_000_000,
            ..rules()
        });
        let count = beginning.good + beginning.bad;
        let AddUnits::Stored(stored) = world.add_to(&primes(), (0..count).map(new_unit).collect()).await else {
            panic!("not stored")
        };
        let order: Vec<_> = stored.into_iter().map(|(id, _)| id).collect();
        let units = order.iter().enumerate().map(|(index, id)| (*id, (index as u64) < beginning.good)).collect();
        Self { world, honest: beginning.honest, units, order, held: Vec::new(), earners, honest_work, hostile_work }
    }

    async fn apply(&mut self, op: &Op) {
        match op {
            Op::Work(number) => drop(self.work(1 + *number).await),
            Op::Take(key) => drop(self.take(*key).await),
            Op::Report(index, cause) => {
                if let Some((key, lease)) = self.held_at(*index) {
                    self.world.release(&lease, hostile(key), Some(failure(*cause))).await;
                }
            }
            Op::Drop(index) => {
                if let Some((key, lease)) = self.held_at(*index) {
                    self.world.release(&lease, hostile(key), None).await;
                }
            }
            Op::Garbage(index) => {
                if let Some((key, lease)) = self.held_at(*index) {
                    let submission =
                        self.world.submission(lease.units[0].id, hostile(key), Some(lease.token), "garbage");
                    self.world.store.refuse(&submission, &Refusal::new(Cause::VerifyFailed, "")).await.unwrap();
                }
            }
            Op::Earn(index, steps) => self.earn(*index, *steps).await,
            Op::Choose(key, index) => {
                let Some(id) = self.order.get(*index).filter(|id| self.units[id]).copied() else { return };
                self.prove(id, hostile(*key), None, 1_000_000).await;
            }
            Op::Storm(cause) => self.storm(*cause).await,
            Op::Pass(seconds) => self.world.pass(*seconds),
        }
        self.check(op).await;
    }

    fn held_at(&mut self, index: usize) -> Option<(u8, Lease)> {
        (index < self.held.len()).then(|| self.held.remove(index))
    }

    async fn prove(&self, id: UnitId, donor: DonorKey, lease: Option<&Lease>, steps: u64) -> bool {
        let file = format!("proof {}", self.world.draw());
        let submission = self.world.submission(id, donor, lease.map(|lease| lease.token), &file);
        let shown = VerifiedRun { n_steps: steps, output: Felts(Vec::new()) };
        let accept = self.world.store.accept_proof(&submission, &[shown]).await.unwrap();
        matches!(accept, Accept::Receipt(receipt) if receipt.count(ProofStatus::Accepted) == 1)
    }

    /// An honest donor is lent a unit and does what can be done. Whether there was one.
    async fn work(&mut self, number: u8) -> bool {
        let LeaseGrant::Granted(lease) =
            self.world.store.lease(&self.world.ask(donor(number), LeaseMode::Both)).await.unwrap()
        else {
            return false;
        };
        if self.units[&lease.units[0].id] {
            assert!(self.prove(lease.units[0].id, donor(number), Some(&lease), 1).await, "it was free, so it is first");
            self.honest_work += 1;
        } else {
            self.world.release(&lease, donor(number), Some(failure(FailureCause::Panic))).await;
        }
        true
    }

    async fn take(&mut self, key: u8) -> bool {
        let mut ask = self.world.ask(hostile(key), LeaseMode::Both);
        "hostile".clone_into(&mut ask.source);
        let LeaseGrant::Granted(lease) = self.world.store.lease(&ask).await.unwrap() else { return false };
        self.held.push((key, *lease));
        true
    }

    async fn earn(&mut self, index: usize, steps: u64) {
        let Some((key, lease)) = self.held_at(index) else { return };
        if !self.units[&lease.units[0].id] || self.hostile_work + steps >= self.honest_work {
            return;
        }
        if self.prove(lease.units[0].id, hostile(key), Some(&lease), steps).await {
            self.hostile_work += steps;
            self.earners.insert(key);
        }
    }

    async fn storm(&mut self, cause: FailureCause) {
        for _ in 0..2 {
            for key in 0..KEYS {
                if self.take(key).await {
                    let (key, lease) = self.held.pop().unwrap();
                    self.world.release(&lease, hostile(key), Some(failure(cause))).await;
                }
                self.world.pass(20);
            }
        }
    }

    async fn state(&self, id: &UnitId) -> UnitState {
        self.world.unit(*id).await.unit.state
    }

    async fn check(&self, op: &Op) {
        for id in &self.order {
            if self.units[id] {
                assert_ne!(self.state(id).await, UnitState::Failed, "a good unit after {op:?}");
            }
        }
        let mut newcomers = 0;
        for key in 0..KEYS {
            let credit = self.world.store.donor(&hostile(key), self.world.now()).await.unwrap().credit;
            if !self.earners.contains(&key) {
                assert!(credit.live_leases <= u64::from(NEW_LEASES), "{} leases after {op:?}", credit.live_leases);
                newcomers += credit.live_leases;
            }
        }
        assert!(newcomers <= u64::from(SOURCE_LEASES), "{newcomers} leases of one address after {op:?}");
    }

    async fn settled(&self) -> bool {
        for id in &self.order {
            if !matches!(self.state(id).await, UnitState::Proved | UnitState::Failed) {
                return false;
            }
        }
        true
    }

    /// Left to the honest donors, everything ends.
    async fn end(&mut self) {
        for round in 0..60 {
            if self.settled().await {
                break;
            }
            self.world.pass(100_000);
            // Who always came first would take a suspect unit again each time, and nobody else would say anything about it.
            for place in 0..self.honest {
                let number = 1 + (place + round) % self.honest;
                while self.work(number).await {}
            }
        }
        for id in &self.order {
            let expected = if self.units[id] { UnitState::Proved } else { UnitState::Failed };
            assert_eq!(self.state(id).await, expected, "{:?}", self.world.unit(*id).await);
        }
    }
}

/// Runs random beginnings and lists of operations, each on a new store.
pub fn run(place: impl Fn(&Path) -> Location) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    // More with PROPTEST_CASES=1000.
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { Config::default().cases } else { 12 };
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let result = TestRunner::new(config).run(&beginning(), |(beginning, ops)| {
        runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let place = place(folder.path());
            let mut run = Run::new(&place, &beginning).await;
            for op in &ops {
                run.apply(op).await;
            }
            run.end().await;
            run.world.store.close().await;
        });
        Ok(())
    });
    result.unwrap();
}
