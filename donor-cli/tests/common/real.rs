//! The real distributor, in the test's own process, with a project.

use super::fixture;
use cairo_runner::{Arguments, RunnableProgram};
use distributor::app::{App, Parts};
use distributor::blobs::FolderBlobs;
use distributor::clock::Clock;
use distributor::config::Settings;
use distributor::server;
use distributor::store::sqlite::SqliteStore;
use distributor::store::{Keys as _, Scopes, UploaderKey};
use protocol::client::{Bytes, ClientConfig, RetryPolicy, UploaderClient};
use protocol::{
    ApiKey, Digest, Felts, Identity, NewUnit, NewUnits, Preset, ProjectName, ProjectSpec, Timestamp, UnitCounts,
    UnitDetail, UnitId, UnitLimits,
};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// The machine's clock, moved.
struct MovedClock(i64);

impl Clock for MovedClock {
    fn now(&self) -> Timestamp {
        Timestamp(Timestamp::now().0.saturating_add_signed(self.0))
    }
}

/// A running distributor with one project.
pub struct Real {
    pub address: String,
    pub units: Vec<UnitId>,
    pub name: ProjectName,
    uploader: UploaderClient,
    runtime: Runtime,
    _data: TempDir,
}

impl Real {
    /// One whose project has this program, with a unit for each argument set.
    pub fn with(program: &str, units: &[&str]) -> Self {
        Self::at(program, units, 0, 600)
    }

    /// One whose clock is off.
    pub fn at(program: &str, units: &[&str], clock: i64, lease_seconds: u64) -> Self {
        let (data, key) = (tempfile::tempdir().unwrap(), ApiKey::random().unwrap());
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let settings = Settings { lease_seconds, retry_empty: 1, retry_all_leased: 1, ..Settings::default() };
        let address = runtime.block_on(start(&data, &key, settings, clock));
        let config = ClientConfig::new(&address, "test").unwrap().retry(RetryPolicy::interactive());
        let uploader = UploaderClient::new(config, Some(key)).unwrap();
        let name: ProjectName = "primes".parse().unwrap();
        let units = runtime.block_on(push(&uploader, &name, &fixture(program), units));
        Self { address, units, name, uploader, runtime, _data: data }
    }

    /// Counts of the project's units.
    pub fn counts(&self) -> UnitCounts {
        self.runtime.block_on(self.uploader.project(&self.name)).unwrap().units
    }

    /// A unit with its attempts.
    pub fn unit(&self, index: usize) -> UnitDetail {
        self.runtime.block_on(self.uploader.unit(&self.units[index])).unwrap()
    }

    /// Waits until the counts are so.
    pub fn wait_until(&self, what: &str, condition: impl Fn(&UnitCounts) -> bool) {
        let begin = Instant::now();
        while !condition(&self.counts()) {
            assert!(begin.elapsed() < super::process::PATIENCE, "{what} did not come about: {:?}", self.counts());
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Every unit was proved, and each once.
    pub fn assert_all_proved_once(&self) {
        let results = self.runtime.block_on(self.uploader.results(&self.name, 0, 1000)).unwrap().results;
        let mut proved: Vec<UnitId> = results.iter().map(|result| result.unit).collect();
        let mut expected = self.units.clone();
        proved.sort();
        expected.sort();
        assert_eq!(proved, expected);
    }
}

async fn start(data: &TempDir, key: &ApiKey, settings: Settings, clock: i64) -> String {
    let store = SqliteStore::open(&data.path().join("cairn.db")).await.unwrap();
    let scopes = Scopes { push: true, read: true, withdraw: true };
    let key = UploaderKey {
        id: key.id(),
        name: "test".to_owned(),
        secret_hash: key.secret_hash(),
        projects: "*".to_owned(),
        scopes,
        created_at: Timestamp::now(),
        revoked_at: None,
    };
    store.add_key(&key).await.unwrap();
    let blobs = FolderBlobs::open(&data.path().join("blobs")).unwrap();
    let mut parts = Parts::new(Arc::new(store), Arc::new(blobs), settings);
    parts.clock = Arc::new(MovedClock(clock));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(server::serve(App::new(parts), listener, std::future::pending()));
    address
}

async fn push(uploader: &UploaderClient, name: &ProjectName, file: &[u8], units: &[&str]) -> Vec<UnitId> {
    let runnable = RunnableProgram::from_json(file).unwrap();
    let (program, record) = (Digest::of(file), protocol::record_digest(runnable.program()));
    uploader.put_program(Bytes::copy_from_slice(file), None).await.unwrap();
    uploader.put_record(Bytes::from(protocol::encode_program(runnable.program()))).await.unwrap();
    let signer = Identity::random().unwrap();
    let spec = ProjectSpec {
        program,
        record,
        program_hash: protocol::program_hash(runnable.program()),
        signer: signer.signer_key(),
        signature: signer.sign_program(name, &program, &record),
        limits: UnitLimits { max_steps: 1 << 20, max_memory_cells: 1 << 22, time_limit: 60 },
        preset: Preset::Default100,
        description: "Counts primes by trial division".to_owned(),
        weight: 1,
    };
    uploader.put_project(name, &spec).await.unwrap();
    let unit = |(index, json): (usize, &&str)| {
        let arguments = Arguments::from_json(json.as_bytes()).unwrap();
        let arguments = Felts(runnable.bind(&arguments).unwrap());
        NewUnit { external_id: format!("unit-{index}").parse().unwrap(), arguments, estimated_steps: 10_000 }
    };
    let units = NewUnits { units: units.iter().enumerate().map(unit).collect() };
    uploader.add_units(name, &units).await.unwrap().units.iter().map(|unit| unit.id).collect()
}
