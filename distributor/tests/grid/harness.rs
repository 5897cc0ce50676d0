//! A distributor on a socket of its own, and people who use it.

use crate::fixture::{self, felts};
use distributor::app::{App, Parts};
use distributor::blobs::{self, Blobs, Kind};
use distributor::clock::{Clock as _, ManualClock};
use distributor::config::{Place, Settings};
use distributor::server;
use distributor::store::{self, GivenQuota, IfMissing, Scopes, Store, UploaderKey};
use distributor::verify::{CairoVerifier, Verifier};
use protocol::client::{ClientConfig, ClientError, DonorClient, LeaseAnswer, Payload, RetryPolicy, UploaderClient};
use protocol::{
    ApiKey, Cause, Digest, DonorLimits, Identity, Lease, LeaseMode, LeaseRequest, NewUnit, NewUnits, NoWork, Preset,
    ProjectName, ProjectSpec, ProofReceipt, RequestKey, Timestamp, UnitDetail, UnitId, UnitLimits, UnitReceipt,
    UnitState, Versions, encode_program, program_hash,
};
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A running distributor.
pub struct Grid {
    pub address: String,
    pub clock: Arc<ManualClock>,
    pub store: Arc<dyn Store>,
    pub key: ApiKey,
    pub app: App,
    /// Of the grid's keys, but for those of strangers.
    owner: Option<protocol::UploaderKeyId>,
    stop: Option<oneshot::Sender<()>>,
    server: Option<JoinHandle<std::io::Result<()>>>,
    folder: TempDir,
}

/// Puts something around the files.
pub type Wrap = Box<dyn FnOnce(Arc<dyn Blobs>) -> Arc<dyn Blobs>>;

/// What a test changes of the distributor.
pub struct Plan {
    pub settings: Settings,
    pub verifier: Arc<dyn Verifier>,
    pub blobs: Option<Wrap>,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            settings: Settings::default(),
            verifier: Arc::new(CairoVerifier::with_policy(fixture::lenient)),
            blobs: None,
        }
    }
}

pub fn primes() -> ProjectName {
    "primes".parse().unwrap()
}

/// The signer of the test programs.
pub fn signer() -> Identity {
    Identity::from_seed(&[77; 32])
}

pub fn scopes(push: bool, read: bool, withdraw: bool) -> Scopes {
    Scopes { push, read, withdraw }
}

/// A client that asks once.
pub fn config(address: &str) -> ClientConfig {
    ClientConfig::new(address, "test").unwrap().retry(RetryPolicy::never())
}

/// Waits for something that comes, however long the machine takes.
pub async fn until(mut there: impl AsyncFnMut() -> bool) {
    for _ in 0..6000 {
        if there().await {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("it did not come");
}

/// A distributor that believes this machine's proxies, so that tests can come from anywhere; with other settings.
pub fn behind_a_proxy(settings: Settings) -> Plan {
    let settings = Settings { trusted_proxies: "127.0.0.1".parse().unwrap(), ..settings };
    Plan { settings, ..Plan::default() }
}

/// What a project of the test program says.
pub fn spec(name: &ProjectName, file: &[u8]) -> ProjectSpec {
    let record = encode_program(&fixture::program());
    let (program, record) = (Digest::of(file), Digest::of(&record));
    ProjectSpec {
        program,
        record,
        program_hash: program_hash(&fixture::program()),
        signer: signer().signer_key(),
        signature: protocol::Signature::from_bytes([0; 64]),
        limits: UnitLimits { max_steps: 1000, max_memory_cells: 1 << 16, time_limit: 60 },
        preset: Preset::Bench96,
        description: "writes seven".to_owned(),
        weight: 1,
        byte_price: None,
        keep_proofs: protocol::KeepProofs::All,
    }
    .signed(name, &signer())
}

pub fn unit(number: u64) -> NewUnit {
    NewUnit { external_id: format!("unit-{number}").parse().unwrap(), arguments: felts(&[number]), estimated_steps: 6 }
}

pub fn lease_request(mode: LeaseMode) -> LeaseRequest {
    LeaseRequest {
        request: RequestKey::random().unwrap(),
        project: None,
        mode,
        limits: DonorLimits::alone(1 << 20, 1 << 30, 0),
        versions: Versions::current("test"),
    }
}

impl Grid {
    pub async fn start() -> Self {
        Self::start_with(Plan::default()).await
    }

    pub async fn start_with(plan: Plan) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self::start_in(folder, plan).await
    }

    pub async fn start_in(folder: TempDir, plan: Plan) -> Self {
        Self::serve_on(TcpListener::bind("127.0.0.1:0").await.unwrap(), folder, plan).await
    }

    pub async fn serve_on(listener: TcpListener, folder: TempDir, plan: Plan) -> Self {
        let place = Place { data: Some(folder.path().to_owned()), ..Place::default() };
        let store = store::open(&place.database(), IfMissing::Make).await.unwrap();
        let blobs = blobs::open(&place.blobs(), blobs::Use::Look).unwrap();
        let blobs = match plan.blobs {
            Some(wrap) => wrap(blobs),
            None => blobs,
        };
        let clock = Arc::new(ManualClock::new(Timestamp::now()));
        let app = App::new(Parts {
            store: Arc::clone(&store),
            blobs,
            verifier: plan.verifier,
            clock: Arc::clone(&clock) as Arc<_>,
            settings: plan.settings,
        });
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel();
        let server = tokio::spawn(server::serve(app.clone(), listener, async {
            let _ = stopped.await;
        }));
        let mut grid = Self {
            address,
            clock,
            store,
            key: ApiKey::random().unwrap(),
            app,
            owner: None,
            stop: Some(stop),
            server: Some(server),
            folder,
        };
        grid.key = grid.new_key("*", scopes(true, true, true)).await;
        grid.owner = Some(grid.key.id());
        grid
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Files that are being received.
    pub fn temporary_files(&self) -> usize {
        std::fs::read_dir(self.folder().join("blobs/tmp")).unwrap().count()
    }

    /// Number of stored files of a kind.
    pub async fn files(&self, kind: Kind) -> usize {
        self.app.blobs.stored(kind).await.unwrap().len()
    }

    /// A key of the same owner as the grid's own.
    pub async fn new_key(&self, projects: &str, scopes: Scopes) -> ApiKey {
        self.key_of(self.owner, projects, scopes, GivenQuota::default()).await
    }

    /// A key of somebody else, or of an owner.
    pub async fn key_of(
        &self,
        owner: Option<protocol::UploaderKeyId>,
        projects: &str,
        scopes: Scopes,
        quota: GivenQuota,
    ) -> ApiKey {
        let key = ApiKey::random().unwrap();
        let stored = UploaderKey {
            owner: owner.unwrap_or(key.id()),
            quota,
            created_at: self.clock.now(),
            ..testgrid::stored_key(&key, projects, scopes)
        };
        self.store.add_key(&stored).await.unwrap();
        key
    }

    /// The operator names a donor as trusted.
    pub async fn trust(&self, donor: &Donor) {
        self.store.trust_donor(&donor.0.identity().donor_key(), true, self.clock.now()).await.unwrap();
    }

    /// Begins to stop, as at a signal.
    pub fn begin_stop(&mut self) {
        drop(self.stop.take());
    }

    /// Waits until it has stopped.
    pub async fn stopped(&mut self) {
        self.server.take().unwrap().await.unwrap().unwrap();
    }

    /// Stops, and hands back the folder.
    pub async fn stop(mut self) -> TempDir {
        self.begin_stop();
        self.stopped().await;
        self.folder
    }

    pub fn uploader(&self) -> UploaderClient {
        self.uploader_with(Some(self.key.clone()))
    }

    pub fn uploader_with(&self, key: Option<ApiKey>) -> UploaderClient {
        UploaderClient::new(config(&self.address), key).unwrap()
    }

    pub fn donor(&self, number: u8) -> Donor {
        let client = DonorClient::new(config(&self.address), Identity::from_seed(&[number; 32])).unwrap();
        Donor(client)
    }

    /// Makes the project `primes` with that many units, unit `n` having the argument `n`.
    pub async fn push(&self, units: u64) -> Vec<UnitId> {
        self.push_as(&primes(), units).await
    }

    pub async fn push_as(&self, name: &ProjectName, units: u64) -> Vec<UnitId> {
        let (uploader, file) = (self.uploader(), b"the compiled program");
        uploader.put_program(file.as_slice().into(), None).await.unwrap();
        uploader.put_record(encode_program(&fixture::program()).into()).await.unwrap();
        uploader.put_project(name, &spec(name, file)).await.unwrap();
        if units == 0 {
            return Vec::new();
        }
        let stored = uploader.add_units(name, &NewUnits { units: (0..units).map(unit).collect() }).await.unwrap();
        stored.units.into_iter().map(|unit| unit.id).collect()
    }

    pub async fn unit(&self, id: &UnitId) -> UnitDetail {
        self.uploader().unit(id).await.unwrap()
    }

    pub async fn state(&self, id: &UnitId) -> UnitState {
        self.unit(id).await.unit.state
    }
}

/// Somebody with time to give.
pub struct Donor(pub DonorClient);

impl Donor {
    pub async fn ask(&self, mode: LeaseMode) -> LeaseAnswer {
        self.0.lease(&lease_request(mode)).await.unwrap()
    }

    pub async fn lease(&self, mode: LeaseMode) -> Lease {
        match self.ask(mode).await {
            LeaseAnswer::Lease(lease) => *lease,
            other => panic!("{other:?}"),
        }
    }

    pub async fn no_work(&self) -> NoWork {
        match self.ask(LeaseMode::Both).await {
            LeaseAnswer::NoWork { reason, .. } => reason,
            other => panic!("{other:?}"),
        }
    }

    /// A proof of a lease's unit.
    pub fn proof(&self, number: u64) -> Vec<u8> {
        fixture::prove(fixture::run(&[number]), &self.0.identity().donor_key())
    }

    /// Submits a proof of one unit.
    pub async fn submit(
        &self,
        unit: &UnitId,
        lease: Option<&Lease>,
        proof: Vec<u8>,
    ) -> Result<UnitReceipt, ClientError> {
        Ok(self.submit_all(&[*unit], lease, proof).await?.units[0])
    }

    /// Submits a proof of several.
    pub async fn submit_all(
        &self,
        units: &[UnitId],
        lease: Option<&Lease>,
        proof: Vec<u8>,
    ) -> Result<ProofReceipt, ClientError> {
        self.0.submit_proof(units, lease.map(|lease| &lease.token), &proof, None).await
    }

    /// The cause of a refused proof.
    pub async fn refused(&self, unit: &UnitId, proof: Vec<u8>) -> Cause {
        let error = self.submit(unit, None, proof).await.unwrap_err();
        error.cause().unwrap_or_else(|| panic!("{error}"))
    }

    pub async fn execute(&self, lease: &Lease, file: Vec<u8>) -> Result<protocol::ExecutionReceipt, ClientError> {
        let payload = Payload::Bytes(file.into());
        self.0.submit_execution(&lease.units[0].id, Some(&lease.token), payload, None).await
    }
}

/// The cause of a refusal.
pub fn cause<T: std::fmt::Debug>(result: Result<T, ClientError>) -> Cause {
    let error = result.unwrap_err();
    error.cause().unwrap_or_else(|| panic!("{error}"))
}
