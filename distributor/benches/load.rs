//! 500 donors against one distributor: how many leases and submissions it serves in a second, and how long each takes.
//!
//! Everything is real (sockets, signatures, SQLite, files) but proofs: donors send a few bytes, and a verifier that accepts
//! them stands in for the real one. Run with `cargo bench -p distributor --bench load`; `--test` makes it short.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use cairo_air::{ArgumentBinding, Builtin, Program, Statement};
use distributor::app::{App, Parts};
use distributor::blobs::FolderBlobs;
use distributor::config::Settings;
use distributor::server;
use distributor::store::sqlite::SqliteStore;
use distributor::store::{Keys as _, Refusal, Scopes, Shown, UploaderKey};
use distributor::verify::{ExecutionBounds, Verifier};
use felt::Felt;
use protocol::client::{ClientConfig, DonorClient, LeaseAnswer, Payload, RetryPolicy, UploaderClient};
use protocol::{
    ApiKey, Digest, DonorLimits, Felts, Identity, LeaseMode, LeaseRequest, NewUnit, NewUnits, Preset, ProjectName,
    ProjectSpec, RequestKey, Timestamp, UnitLimits, Versions, encode_program, program_hash,
};
use std::fs::File;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::sync::Mutex;

/// Bytes of a stand-in proof.
const PROOF_BYTES: usize = 256 << 10;

/// Accepts everything.
struct Stub;

impl Verifier for Stub {
    fn proof(&self, _: &Statement, _: &[u8], _: Preset, _: u64) -> Result<Shown, Refusal> {
        Ok(Shown { n_steps: 1000, output: Felts(vec![Felt::from(7)]) })
    }

    fn execution(
        &self,
        _: &Program,
        _: &[Felt],
        _: File,
        _: &UnitLimits,
        _: &ExecutionBounds,
    ) -> Result<Shown, Refusal> {
        Ok(Shown { n_steps: 1000, output: Felts::default() })
    }
}

/// How long each request of a kind took.
#[derive(Default)]
struct Times(Mutex<Vec<Duration>>);

impl Times {
    async fn note(&self, begin: Instant) {
        self.0.lock().await.push(begin.elapsed());
    }

    async fn report(&self, name: &str, took: Duration) {
        let mut times = self.0.lock().await;
        times.sort();
        let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
        let rate = times.len() as f64 / took.as_secs_f64();
        println!("{name:<12}{:>9}{rate:>12.0}{:>12.1}{:>12.1}{:>12.1}", times.len(), at(0.5), at(0.99), at(1.0));
    }
}

#[tokio::main]
async fn main() {
    let short = std::env::args().any(|argument| argument == "--test");
    let (donors, rounds) = if short { (20, 2) } else { (500, 20) };
    let folder = tempfile::tempdir().unwrap();
    let (address, key) = start(folder.path()).await;
    push(&address, key, donors * rounds).await;

    let (leases, submissions) = (Arc::new(Times::default()), Arc::new(Times::default()));
    let begin = Instant::now();
    let work: Vec<_> = (0..donors)
        .map(|number| {
            tokio::spawn(donate(address.clone(), number, rounds, Arc::clone(&leases), Arc::clone(&submissions)))
        })
        .collect();
    let mut errors = 0;
    for donor in work {
        errors += donor.await.unwrap();
    }
    let took = begin.elapsed();
    println!("{donors} donors, {rounds} units each, {:.1} s, {} kB a proof", took.as_secs_f64(), PROOF_BYTES >> 10);
    println!("{:<12}{:>9}{:>12}{:>12}{:>12}{:>12}", "", "requests", "per second", "p50 ms", "p99 ms", "max ms");
    leases.report("leases", took).await;
    submissions.report("submissions", took).await;
    println!("errors      {errors:>9}");
    assert_eq!(errors, 0);
}

/// A distributor on a port of its own, without rate limits.
async fn start(folder: &std::path::Path) -> (String, ApiKey) {
    let store = SqliteStore::open(&folder.join("cairn.db")).await.unwrap();
    let key = ApiKey::random().unwrap();
    let stored = UploaderKey {
        id: key.id(),
        name: "bench".to_owned(),
        secret_hash: key.secret_hash(),
        projects: "*".to_owned(),
        scopes: Scopes { push: true, read: true, withdraw: true },
        created_at: Timestamp::now(),
        revoked_at: None,
    };
    store.add_key(&stored).await.unwrap();
    let settings =
        Settings { requests_per_minute: 0, unleased_per_minute: 0, verify_queue: 100_000, ..Settings::default() };
    let blobs = FolderBlobs::open(&folder.join("blobs")).unwrap();
    let parts = Parts { verifier: Arc::new(Stub), ..Parts::new(Arc::new(store), Arc::new(blobs), settings) };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(server::serve(App::new(parts), listener, std::future::pending()));
    (address, key)
}

fn config(address: &str) -> ClientConfig {
    ClientConfig::new(address, "bench").unwrap().retry(RetryPolicy::never())
}

/// A project with that many units.
async fn push(address: &str, key: ApiKey, units: u64) {
    let uploader = UploaderClient::new(config(address), Some(key)).unwrap();
    let words =
        [0x0407_8001_7fff_7fff, 1, 0x1104_8001_8001_8000, 4, 0x0107_8001_7fff_7fff, 0, 0x208b_7fff_7fff_7ffe_u64];
    let program =
        Program::new(words.map(Felt::from).to_vec(), vec![Builtin::Output], ArgumentBinding::OutputPrefix).unwrap();
    let (file, record) = (vec![0; 1000], encode_program(&program));
    let name: ProjectName = "bench".parse().unwrap();
    let (program_digest, record_digest) = (Digest::of(&file), Digest::of(&record));
    let signer = Identity::random().unwrap();
    uploader.put_program(file.into(), None).await.unwrap();
    uploader.put_record(record.into()).await.unwrap();
    let spec = ProjectSpec {
        program: program_digest,
        record: record_digest,
        program_hash: program_hash(&program),
        signer: signer.signer_key(),
        signature: signer.sign_program(&name, &program_digest, &record_digest),
        limits: UnitLimits::default(),
        preset: Preset::Default100,
        description: String::new(),
        weight: 1,
    };
    uploader.put_project(&name, &spec).await.unwrap();
    let unit = |number: u64| NewUnit {
        external_id: number.to_string().parse().unwrap(),
        arguments: Felts(vec![Felt::from(number)]),
        estimated_steps: 1000,
    };
    for first in (0..units).step_by(1000) {
        let batch = NewUnits { units: (first..units.min(first + 1000)).map(unit).collect() };
        uploader.add_units(&name, &batch).await.unwrap();
    }
}

/// Leases, renews and submits; returns the number of errors.
async fn donate(address: String, number: u64, rounds: u64, leases: Arc<Times>, submissions: Arc<Times>) -> u64 {
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&number.to_le_bytes());
    let donor = DonorClient::new(config(&address), Identity::from_seed(&seed)).unwrap();
    let mut errors = 0;
    for round in 0..rounds {
        let request = LeaseRequest {
            request: RequestKey::random().unwrap(),
            project: None,
            mode: LeaseMode::Both,
            limits: DonorLimits { max_steps: 1 << 30, max_memory: 1 << 40, steps_per_second: 0 },
            versions: Versions::current("bench"),
        };
        let begin = Instant::now();
        let Ok(LeaseAnswer::Lease(lease)) = donor.lease(&request).await else {
            errors += 1;
            continue;
        };
        leases.note(begin).await;
        errors += u64::from(donor.renew(&lease.token).await.is_err());
        let mut proof = vec![0; PROOF_BYTES];
        proof[..8].copy_from_slice(&number.to_le_bytes());
        proof[8..16].copy_from_slice(&round.to_le_bytes());
        let begin = Instant::now();
        let sent = donor.submit_proof(&lease.unit.id, Some(&lease.token), Payload::Bytes(proof.into()), None).await;
        submissions.note(begin).await;
        errors += u64::from(sent.is_err());
    }
    errors
}
