//! Random operations on a store and on a small model, which must agree after each.

use crate::world::{COOLDOWN, QUARANTINE, World, donor, failure, primes, shown};
use distributor::location::Location;
use distributor::store::{Accept, LeaseChange, LeaseGrant, UnitChange};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use protocol::{Digest, DonorProfile, FailureCause, Lease, LeaseMode, NoWork, Outcome, ProofStatus, UnitId, UnitState};
use std::collections::HashMap;
use std::path::Path;

const UNITS: usize = 4;
const DONORS: u8 = 5;

#[derive(Debug, Clone)]
enum Op {
    Lease(u8, LeaseMode),
    Renew(usize),
    Release(usize, Option<FailureCause>),
    Prove(u8, usize, u8),
    Execute(u8, usize),
    Refuse(u8, usize),
    Withdraw(usize),
    Retry(usize),
    Collect,
    Pass(u64),
}

fn op() -> impl Strategy<Value = Op> {
    let (donor, unit, lease) = (1..=DONORS, 0..UNITS, 0..12_usize);
    let mode = prop::sample::select(LeaseMode::ALL);
    let cause = prop::option::of(prop::sample::select(FailureCause::ALL));
    prop_oneof![
        8 => (donor.clone(), mode).prop_map(|(donor, mode)| Op::Lease(donor, mode)),
        2 => lease.clone().prop_map(Op::Renew),
        4 => (lease, cause).prop_map(|(lease, cause)| Op::Release(lease, cause)),
        2 => (donor.clone(), unit.clone(), 0..2_u8).prop_map(|(donor, unit, file)| Op::Prove(donor, unit, file)),
        2 => (donor.clone(), unit.clone()).prop_map(|(donor, unit)| Op::Execute(donor, unit)),
        1 => (donor, unit.clone()).prop_map(|(donor, unit)| Op::Refuse(donor, unit)),
        1 => unit.clone().prop_map(Op::Withdraw),
        2 => unit.prop_map(Op::Retry),
        1 => Just(Op::Collect),
        3 => prop::sample::select(vec![1, 40, 99, 100, 260, COOLDOWN]).prop_map(Op::Pass),
    ]
}

/// What the model knows of a unit.
#[derive(Debug, Clone, Default)]
struct Modelled {
    state: &'static str,
    /// Donor of the first proof, and its file.
    proof: Option<(u8, Digest)>,
    collected: bool,
    /// Token's owner, end, and number of the attempt that holds the unit.
    lease: Option<(u8, u64, u32)>,
    attempts: u32,
    failed_on: Vec<u8>,
    /// Changes of state that must have left an event.
    events: usize,
}

impl Modelled {
    fn live(&self, now: u64) -> bool {
        self.lease.is_some_and(|(_, until, _)| until > now)
    }

    fn shown(&self, now: u64) -> UnitState {
        match self.state {
            "queued" | "executed" if self.live(now) => UnitState::Leased,
            "queued" => UnitState::Queued,
            "executed" => UnitState::Executed,
            "proved" if self.collected => UnitState::Collected,
            "proved" => UnitState::Proved,
            "failed" => UnitState::Failed,
            _ => UnitState::Withdrawn,
        }
    }

    fn open(&self) -> bool {
        matches!(self.state, "queued" | "executed")
    }

    /// A donor may have reported a failure; the store says on how many donors it failed by now.
    fn reported(&mut self, number: u8, donors: usize) {
        if donors > self.failed_on.len() {
            assert!(!self.failed_on.contains(&number));
            self.failed_on.push(number);
        }
        if self.failed_on.len() >= QUARANTINE as usize && self.open() {
            (self.state, self.lease) = ("failed", None);
            self.events += 1;
        }
    }
}

struct Run {
    world: World,
    ids: Vec<UnitId>,
    units: Vec<Modelled>,
    leases: Vec<(Lease, u8, usize)>,
    steps: HashMap<u8, u64>,
}

impl Run {
    async fn new(place: &Location) -> Self {
        let world = World::open(place).await;
        // What each donor says counts; who may be believed is another test's matter.
        for number in 1..=DONORS {
            world.store.trust_donor(&donor(number), true, world.now()).await.unwrap();
            // Every other one counts for a team, which the count of everything looks at, too.
            let team = (number % 2 == 0).then(|| format!("Team {}", number / 4).parse().unwrap());
            let profile = DonorProfile { nickname: None, team };
            world.store.set_profile(&donor(number), &profile, world.now()).await.unwrap();
        }
        let ids = world.add(UNITS as u64).await;
        let units = vec![Modelled { state: "queued", events: 1, ..Modelled::default() }; UNITS];
        Self { world, ids, units, leases: Vec::new(), steps: HashMap::new() }
    }

    fn now(&self) -> u64 {
        self.world.now().0
    }

    async fn apply(&mut self, op: &Op) {
        match op {
            Op::Lease(number, mode) => self.lease(*number, *mode).await,
            Op::Renew(index) => self.renew(*index).await,
            Op::Release(index, cause) => self.release(*index, *cause).await,
            Op::Prove(number, unit, file) => self.prove(*number, *unit, *file).await,
            Op::Execute(number, unit) => self.execute(*number, *unit).await,
            Op::Refuse(number, unit) => self.refuse(*number, *unit).await,
            Op::Withdraw(unit) => self.withdraw(*unit).await,
            Op::Retry(unit) => self.retry(*unit).await,
            Op::Collect => {
                self.world.store.mark_collected(&primes(), u64::MAX >> 1, None, self.world.now()).await.unwrap();
                for unit in self.units.iter_mut().filter(|unit| unit.state == "proved" && !unit.collected) {
                    (unit.collected, unit.events) = (true, unit.events + 1);
                }
            }
            Op::Pass(seconds) => self.world.pass(*seconds),
        }
        self.compare(op).await;
    }

    async fn lease(&mut self, number: u8, mode: LeaseMode) {
        let now = self.now();
        match self.world.store.lease(&self.world.ask(donor(number), mode)).await.unwrap() {
            LeaseGrant::Granted(lease) => {
                let index = self.ids.iter().position(|id| *id == lease.units[0].id).unwrap();
                let unit = &mut self.units[index];
                assert!(unit.open() && !unit.live(now), "lent although {unit:?}");
                assert_eq!(lease.mode == LeaseMode::Prove, unit.state == "executed");
                assert_eq!(lease.units[0].execution.is_some(), lease.mode == LeaseMode::Prove);
                assert!(mode == LeaseMode::Both || mode == lease.mode);
                unit.attempts += 1;
                unit.events += 1;
                unit.lease = Some((number, lease.expires_at.0, unit.attempts));
                assert_eq!(lease.units[0].attempt, unit.attempts);
                self.leases.push((*lease, number, index));
            }
            LeaseGrant::NoWork(reason) => {
                let fits = |unit: &&Modelled| match mode {
                    LeaseMode::Both => unit.open(),
                    LeaseMode::Execute => unit.state == "queued",
                    LeaseMode::Prove => unit.state == "executed",
                };
                let any = self.units.iter().any(|unit| fits(&unit));
                assert_eq!(reason, if any { NoWork::AllLeased } else { NoWork::Empty });
            }
            LeaseGrant::UnknownProject => panic!("no project was named"),
        }
    }

    async fn renew(&mut self, index: usize) {
        let Some((lease, number, unit)) = self.leases.get(index).cloned() else { return };
        let holds = self.units[unit].lease.is_some_and(|(_, _, attempt)| attempt == lease.units[0].attempt);
        match self.world.renew(&lease, donor(number)).await {
            LeaseChange::Done(until) => {
                assert!(holds && self.units[unit].open());
                self.units[unit].lease = Some((number, until.0, lease.units[0].attempt));
            }
            LeaseChange::Ended => {
                assert!(!holds || !self.units[unit].open() || lease.renewable_until.0 <= self.now());
            }
            LeaseChange::Unknown => panic!("the token is known"),
        }
    }

    async fn release(&mut self, index: usize, cause: Option<FailureCause>) {
        let Some((lease, number, index)) = self.leases.get(index).cloned() else { return };
        let before = self.world.unit(self.ids[index]).await;
        let outcome = before.attempts.iter().find(|attempt| attempt.number == lease.units[0].attempt).unwrap().outcome;
        let change = self.world.release(&lease, donor(number), cause.map(failure)).await;
        if !matches!(outcome, Outcome::Running | Outcome::Expired) {
            let again = matches!(outcome, Outcome::Released | Outcome::Failed);
            assert_eq!(matches!(change, LeaseChange::Done(_)), again);
            return;
        }
        let unit = &mut self.units[index];
        let holds = unit.open() && unit.lease.is_some_and(|(_, _, attempt)| attempt == lease.units[0].attempt);
        if holds {
            unit.lease = None;
            unit.events += 1;
        }
        // Failures of an earlier round do not count; the model learns the round from the store's own count.
        if cause.is_some_and(FailureCause::counts) {
            let donors = self.world.unit(self.ids[index]).await.unit.failure.map_or(0, |failure| failure.donors);
            unit.reported(number, donors as usize);
        }
    }

    async fn prove(&mut self, number: u8, index: usize, file: u8) {
        let file = format!("proof {number} {index} {file}");
        let submission = self.world.submission(self.ids[index], donor(number), None, &file);
        let accept = self.world.store.accept_proof(&submission, &[shown()]).await.unwrap();
        let unit = &mut self.units[index];
        let accepted = match accept {
            Accept::Receipt(receipt) if receipt.count(ProofStatus::Withdrawn) == 1 => {
                return assert_eq!(unit.state, "withdrawn");
            }
            Accept::Receipt(receipt) => receipt.count(ProofStatus::Accepted) == 1,
            other => panic!("{other:?}"),
        };
        match unit.proof {
            Some(first) => assert_eq!(accepted, first == (number, submission.sha256), "proved once only"),
            None => {
                assert!(accepted);
                *self.steps.entry(number).or_default() += shown().n_steps;
                (unit.state, unit.lease, unit.proof) = ("proved", None, Some((number, submission.sha256)));
                (unit.events, unit.failed_on) = (unit.events + 1, Vec::new());
                unit.attempts = self.world.unit(self.ids[index]).await.unit.attempts;
            }
        }
    }

    async fn execute(&mut self, number: u8, index: usize) {
        let submission = self.world.submission(self.ids[index], donor(number), None, &format!("run {number} {index}"));
        let executor = donor(number);
        let known = self.world.store.execution_receipt(&submission.units[0], &submission.sha256, &executor);
        let known = known.await.unwrap().is_some();
        self.world.store.accept_execution(&submission, &shown()).await.unwrap();
        let detail = self.world.unit(self.ids[index]).await;
        let unit = &mut self.units[index];
        // Whose lease it was that ended, the store knows; the model holds it to what may have happened.
        let held = unit.lease.is_some_and(|(holder, _, _)| holder == number);
        let ended = held
            && detail
                .attempts
                .iter()
                .rfind(|attempt| attempt.donor == donor(number))
                .is_some_and(|last| matches!(last.outcome, Outcome::Executed | Outcome::Superseded));
        match unit.state {
            _ if known => {}
            "queued" => {
                (unit.state, unit.events, unit.attempts) = ("executed", unit.events + 1, detail.unit.attempts);
                unit.failed_on.clear();
                if ended {
                    unit.lease = None;
                }
            }
            "executed" if ended => (unit.lease, unit.events) = (None, unit.events + 1),
            _ => {}
        }
    }

    async fn refuse(&mut self, number: u8, index: usize) {
        let submission = self.world.submission(self.ids[index], donor(number), None, "garbage");
        let refusal = distributor::store::Refusal::new(protocol::Cause::BadEncoding, "garbage");
        self.world.store.refuse(&submission, &refusal).await.unwrap();
        let detail = self.world.unit(self.ids[index]).await;
        let unit = &mut self.units[index];
        if let Some((holder, _, attempt)) = unit.lease
            && detail.attempts.iter().any(|row| row.number == attempt && row.outcome == Outcome::Refused)
        {
            assert_eq!(holder, number, "only one's own lease ends");
            (unit.lease, unit.events) = (None, unit.events + 1);
        }
        unit.reported(number, detail.unit.failure.map_or(0, |failure| failure.donors as usize));
    }

    async fn withdraw(&mut self, index: usize) {
        let change = self.world.store.withdraw_unit(&self.ids[index], self.world.now()).await.unwrap();
        let unit = &mut self.units[index];
        assert_eq!(matches!(change, UnitChange::Conflict(_)), unit.state == "proved");
        if unit.state != "proved" && unit.state != "withdrawn" {
            (unit.state, unit.lease, unit.events) = ("withdrawn", None, unit.events + 1);
        }
    }

    async fn retry(&mut self, index: usize) {
        let now = self.now();
        let before = self.world.unit(self.ids[index]).await.unit;
        let change = self.world.store.retry_unit(&self.ids[index], self.world.now()).await.unwrap();
        let unit = &mut self.units[index];
        let fresh = unit.open() && before.failure.is_none();
        let allowed = fresh || !(unit.state == "proved" || unit.live(now));
        assert_eq!(matches!(change, UnitChange::Done(_)), allowed, "{unit:?}");
        if allowed && !fresh {
            (unit.state, unit.lease, unit.events) = ("queued", None, unit.events + 1);
            unit.failed_on = Vec::new();
        }
    }

    /// Everything that can be seen agrees with the model.
    async fn compare(&self, op: &Op) {
        let now = self.now();
        let events = self.world.store.events(&primes(), 0, 10_000).await.unwrap();
        for (id, unit) in self.ids.iter().zip(&self.units) {
            let detail = self.world.unit(*id).await;
            assert_eq!(detail.unit.state, unit.shown(now), "after {op:?}: {unit:?}");
            assert_eq!(detail.unit.attempts, unit.attempts, "after {op:?}: {unit:?}");
            assert_eq!(detail.attempts.len(), unit.attempts as usize, "each attempt keeps a row");
            assert_eq!(detail.unit.suspect, unit.open() && !unit.failed_on.is_empty(), "after {op:?}: {unit:?}");
            let needed = self.world.store.execution_of(id).await.unwrap();
            assert_eq!(needed.is_some(), unit.state == "executed", "after {op:?}: {unit:?}");
            assert_eq!(
                detail.proof.map(|proof| (proof.prover, proof.sha256)),
                unit.proof.map(|(n, sha)| (donor(n), sha))
            );
            let proved = detail.attempts.iter().filter(|attempt| attempt.outcome == Outcome::Proved).count();
            assert_eq!(proved, usize::from(unit.proof.is_some()));
            let running = detail.attempts.iter().filter(|attempt| attempt.outcome == Outcome::Running).count();
            assert_eq!(running, usize::from(unit.live(now)), "after {op:?}: {unit:?}");
            let of_unit: Vec<_> = events.iter().filter(|event| event.unit == *id).collect();
            assert_eq!(of_unit.len(), unit.events, "no lost change after {op:?}: {unit:?} {of_unit:?}");
        }
        let wrong = self.world.store.recount(false).await.unwrap();
        assert!(wrong.is_empty(), "after {op:?}: {wrong:?}");
        let counts = self.world.store.project(&primes(), self.world.now()).await.unwrap().unwrap().units;
        for (state, counted) in [
            (UnitState::Queued, counts.queued),
            (UnitState::Leased, counts.leased),
            (UnitState::Executed, counts.executed),
            (UnitState::Proved, counts.proved),
            (UnitState::Collected, counts.collected),
            (UnitState::Failed, counts.failed),
            (UnitState::Withdrawn, counts.withdrawn),
        ] {
            let expected = self.units.iter().filter(|unit| unit.shown(now) == state).count();
            assert_eq!(counted, expected as u64, "{state} after {op:?}");
            let page = self.world.page(Some(state), 0, 100).await;
            assert_eq!((page.units.len(), page.next), (expected, None), "{state} after {op:?}");
        }
        for number in 1..=DONORS {
            let credit = self.world.store.donor(&donor(number), self.world.now()).await.unwrap().credit;
            assert_eq!(credit.proven_steps, self.steps.get(&number).copied().unwrap_or(0));
        }
    }
}

/// Runs random lists of operations, each on a new store.
pub fn run(place: impl Fn(&Path) -> Location) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    // More with PROPTEST_CASES=1000.
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { Config::default().cases } else { 24 };
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let lists = prop::collection::vec(op(), 1..60);
    let result = TestRunner::new(config).run(&lists, |ops| {
        runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let place = place(folder.path());
            let mut run = Run::new(&place).await;
            for op in &ops {
                run.apply(op).await;
            }
            run.world.store.close().await;
        });
        Ok(())
    });
    result.unwrap();
}
