//! A store with a project, and short words for what happens to it.

use distributor::location::Location;
use distributor::store::{
    self, Accept, AddUnits, DrawnUnit, GivenQuota, IfMissing, LeaseAsk, LeaseChange, LeaseGrant, Pusher, PutProject,
    Quota, Rechecked, Release, Rules, Scopes, Store, Submission, UnitFilter, UploaderKey, VerifiedRun,
};
use felt::Felt;
use protocol::{
    Digest, DonorKey, DonorLimits, FailureCause, FailureReport, Felts, Lease, LeaseMode, LeaseToken, NewUnit, NoWork,
    Preset, ProgramHash, ProjectName, ProjectSpec, ProofReceipt, RequestKey, Signature, SignerKey, Timestamp,
    UnitDetail, UnitId, UnitLimits, UnitReceipt, UnitState, UploaderKeyId,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Seconds of a lease.
pub const LEASE: u64 = 100;
/// Seconds after which a lease cannot be renewed any more.
pub const RENEWABLE: u64 = 250;
/// Seconds for which a unit is kept from a donor on which it failed.
pub const COOLDOWN: u64 = 1000;
/// Seconds until a unit with one report is lent again.
pub const REST: u64 = 10;
/// Trusted donors on which a unit must fail.
pub const QUARANTINE: u32 = 3;

/// The rules of the stories: a donor is trusted after its first unit.
pub fn rules() -> Rules {
    Rules {
        quarantine_after: QUARANTINE,
        trust_units: 1,
        active_for: 1_000_000,
        cooldown: COOLDOWN,
        suspect_cooldown: REST,
        new_leases: 1000,
        source_leases: 1000,
        most_leases: 1000,
        longest_lease: 10 * RENEWABLE,
        kept_attempts: 1000,
        kept_events: 100_000,
        events_for: 10_000_000,
    }
}

/// Whoever pushes, without limits.
pub fn pusher() -> Pusher {
    Pusher { owner: owner(), quota: Quota::NONE }
}

/// A store with the project `primes` and a clock.
pub struct World {
    pub store: Arc<dyn Store>,
    pub place: Location,
    now: AtomicU64,
    drawn: AtomicU64,
}

pub fn name(name: &str) -> ProjectName {
    name.parse().unwrap()
}

pub fn primes() -> ProjectName {
    name("primes")
}

pub fn donor(number: u8) -> DonorKey {
    DonorKey::from_bytes([number; 32])
}

pub fn owner() -> UploaderKeyId {
    UploaderKeyId::from_bytes([1; 6])
}

pub fn spec() -> ProjectSpec {
    ProjectSpec {
        program: Digest::of(b"program"),
        record: Digest::of(b"record"),
        program_hash: ProgramHash::from_bytes([5; 32]),
        signer: SignerKey::from_bytes([6; 32]),
        signature: Signature::from_bytes([7; 64]),
        limits: UnitLimits { max_steps: 10_000, max_memory_cells: 10_000, time_limit: 60 },
        preset: Preset::Default100,
        description: "counts primes".to_owned(),
        weight: 1,
        byte_price: None,
        keep_proofs: protocol::KeepProofs::All,
    }
}

pub fn new_unit(number: u64) -> NewUnit {
    let arguments = Felts(vec![Felt::from(number)]);
    NewUnit { external_id: format!("unit-{number}").parse().unwrap(), arguments, estimated_steps: 1000 }
}

pub fn failure(cause: FailureCause) -> FailureReport {
    FailureReport { cause, detail: format!("it was {cause}") }
}

pub fn shown() -> VerifiedRun {
    VerifiedRun { n_steps: 900, output: Felts(vec![Felt::from(42)]) }
}

impl World {
    /// Around the empty store at this place.
    pub async fn open(place: &Location) -> Self {
        let store = store::open(place, IfMissing::Make).await.unwrap();
        let world = Self { store, place: place.clone(), now: AtomicU64::new(1_000_000), drawn: AtomicU64::new(0) };
        let scopes = Scopes { push: true, read: true, withdraw: true };
        let key = UploaderKey {
            id: owner(),
            name: "alice".to_owned(),
            secret_hash: Digest::of(b"secret"),
            projects: "*".to_owned(),
            scopes,
            owner: owner(),
            quota: GivenQuota::default(),
            created_at: world.now(),
            revoked_at: None,
        };
        world.store.set_rules(rules());
        world.store.add_key(&key).await.unwrap();
        assert!(matches!(world.put(&primes(), &spec()).await, PutProject::Created(_)));
        world
    }

    pub fn now(&self) -> Timestamp {
        Timestamp(self.now.load(Ordering::Relaxed))
    }

    pub fn pass(&self, seconds: u64) {
        self.now.fetch_add(seconds, Ordering::Relaxed);
    }

    /// Sets the clock back.
    pub fn back(&self, seconds: u64) {
        self.now.fetch_sub(seconds, Ordering::Relaxed);
    }

    /// A number that was not drawn before.
    pub fn draw(&self) -> u64 {
        self.drawn.fetch_add(1, Ordering::Relaxed)
    }

    fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        bytes[..8].copy_from_slice(&self.draw().to_le_bytes());
        bytes
    }

    pub async fn put(&self, name: &ProjectName, spec: &ProjectSpec) -> PutProject {
        self.store.put_project(name, spec, &pusher(), self.now()).await.unwrap()
    }

    pub async fn add_to(&self, project: &ProjectName, units: Vec<NewUnit>) -> AddUnits {
        let draw = |unit| DrawnUnit { id: UnitId::from_bytes(self.bytes()), unit };
        let drawn: Vec<_> = units.into_iter().map(draw).collect();
        self.store.add_units(project, &drawn, &pusher(), self.now()).await.unwrap()
    }

    /// Adds that many units and returns their ids.
    pub async fn add(&self, count: u64) -> Vec<UnitId> {
        match self.add_to(&primes(), (0..count).map(new_unit).collect()).await {
            AddUnits::Stored(stored) => stored.into_iter().map(|(id, _)| id).collect(),
            other => panic!("{other:?}"),
        }
    }

    pub fn ask(&self, donor: DonorKey, mode: LeaseMode) -> LeaseAsk {
        LeaseAsk {
            donor,
            request: RequestKey::from_bytes(self.bytes()),
            token: LeaseToken::from_bytes(self.bytes()),
            project: None,
            mode,
            limits: DonorLimits::alone(5000, 1 << 30, 100),
            draw: self.draw(),
            now: self.now(),
            until: self.now().plus(LEASE),
            renewable_for: RENEWABLE,
            renewable_for_new: RENEWABLE,
            source: String::new(),
        }
    }

    pub async fn lease(&self, donor: DonorKey, mode: LeaseMode) -> Lease {
        match self.store.lease(&self.ask(donor, mode)).await.unwrap() {
            LeaseGrant::Granted(lease) => *lease,
            other => panic!("{other:?}"),
        }
    }

    pub async fn no_work(&self, donor: DonorKey, mode: LeaseMode) -> NoWork {
        match self.store.lease(&self.ask(donor, mode)).await.unwrap() {
            LeaseGrant::NoWork(reason) => reason,
            other => panic!("{other:?}"),
        }
    }

    pub async fn release(&self, lease: &Lease, donor: DonorKey, failure: Option<FailureReport>) -> LeaseChange {
        self.release_checked(lease, donor, failure, None).await
    }

    /// A release after the distributor's own look at the execution.
    pub async fn release_checked(
        &self,
        lease: &Lease,
        donor: DonorKey,
        failure: Option<FailureReport>,
        recheck: Option<Rechecked>,
    ) -> LeaseChange {
        let release = Release { token: lease.token, donor, units: Vec::new(), failure, recheck, now: self.now() };
        self.store.release(&release).await.unwrap()
    }

    /// Lets a donor earn trust: it is lent a unit of a project, which it proves with so many steps.
    pub async fn earn(&self, donor: DonorKey, steps: u64) {
        let number = self.draw();
        let AddUnits::Stored(_) = self.add_to(&primes(), vec![new_unit(1_000_000 + number)]).await else {
            panic!("not stored")
        };
        let lease = self.lease(donor, LeaseMode::Both).await;
        let submission = self.submission(lease.units[0].id, donor, Some(lease.token), &format!("earned {number}"));
        let shown = VerifiedRun { n_steps: steps, output: Felts(Vec::new()) };
        let accept = self.store.accept_proof(&submission, &[shown]).await.unwrap();
        assert!(matches!(accept, Accept::Receipt(receipt) if receipt.credited_steps() == steps));
    }

    /// A page of units of a state.
    pub async fn page(&self, state: Option<UnitState>, cursor: u64, limit: u32) -> protocol::UnitPage {
        let filter = UnitFilter { state, suspect: false };
        self.store.units(&primes(), &filter, cursor, limit, self.now()).await.unwrap()
    }

    pub async fn renew(&self, lease: &Lease, donor: DonorKey) -> LeaseChange {
        let until = self.now().plus(LEASE);
        self.store.renew(&lease.token, &donor, self.now(), until).await.unwrap().change
    }

    pub fn submission(&self, unit: UnitId, donor: DonorKey, lease: Option<LeaseToken>, file: &str) -> Submission {
        let sha256 = Digest::of(file.as_bytes());
        Submission { units: vec![unit], donor, lease, sha256, size: file.len() as u64, now: self.now() }
    }

    /// Takes a proof of these units in, by a donor that may hold no lease.
    pub async fn prove_all(
        &self,
        units: &[UnitId],
        donor: DonorKey,
        lease: Option<LeaseToken>,
        file: &str,
    ) -> ProofReceipt {
        let submission =
            Submission { units: units.to_vec(), ..self.submission(UnitId::from_bytes([0; 10]), donor, lease, file) };
        match self.store.accept_proof(&submission, &vec![shown(); units.len()]).await.unwrap() {
            Accept::Receipt(receipt) => receipt,
            other => panic!("{other:?}"),
        }
    }

    /// The same of one unit.
    pub async fn prove(&self, unit: UnitId, donor: DonorKey, file: &str) -> UnitReceipt {
        self.prove_all(&[unit], donor, None, file).await.units[0]
    }

    /// A lease of so many units at most, of so many steps beyond the first.
    pub async fn lease_many(&self, donor: DonorKey, mode: LeaseMode, units: u32, steps: u64) -> Lease {
        let mut ask = self.ask(donor, mode);
        (ask.limits.lease_units, ask.limits.lease_steps) = (units, steps);
        match self.store.lease(&ask).await.unwrap() {
            LeaseGrant::Granted(lease) => *lease,
            other => panic!("{other:?}"),
        }
    }

    pub async fn unit(&self, id: UnitId) -> UnitDetail {
        self.store.unit(&id, self.now()).await.unwrap().unwrap()
    }

    pub async fn state(&self, id: UnitId) -> UnitState {
        self.unit(id).await.unit.state
    }

    pub async fn outcomes(&self, id: UnitId) -> Vec<protocol::Outcome> {
        self.unit(id).await.attempts.iter().map(|attempt| attempt.outcome).collect()
    }
}
