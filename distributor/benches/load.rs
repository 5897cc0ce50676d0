//! 500 donors against one distributor: how many leases and proofs it serves in a second, and how long each takes.
//!
//! Everything is real: sockets, signed requests, SQLite, files, and proofs of full security, each bound to its unit's arguments and to
//! the key of the donor that submits it. Proving is left out of the measurement: donors lease units, all proofs are made, and then
//! the clock starts. All that once with leases of one unit, and once with leases and proofs of several. Donors and distributor share the
//! machine.
//!
//! `cargo bench -p distributor --bench load`; with `--test` it is short.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use cairo_execution::Batch;
use distributor::app::{App, Parts};
use distributor::blobs;
use distributor::config::{Place, Settings};
use distributor::server;
use distributor::store::{self, IfMissing, Scopes, UploaderKey};
use futures_util::future::join_all;
use protocol::client::{ClientConfig, DonorClient, LeaseAnswer, RetryPolicy, UploaderClient};
use protocol::{
    ApiKey, Digest, DonorLimits, Felts, Identity, Lease, LeaseMode, LeaseRequest, NewUnit, NewUnits, Preset,
    ProjectName, ProjectSpec, ProofStatus, RequestKey, Timestamp, UnitLimits, Versions, encode_program, policy,
    program_hash,
};
use std::collections::VecDeque;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use testkit::tiny;
use tokio::net::TcpListener;

/// Security of the proofs.
const PRESET: Preset = Preset::Default100;

/// What is measured.
#[derive(Clone, Copy)]
struct Plan {
    donors: usize,
    /// Units of each donor when all work as fast as they can.
    rushed: usize,
    /// Units of each donor when they take their time.
    paced: usize,
    /// How long a unit takes a donor then.
    pace: Duration,
}

const FULL: Plan = Plan { donors: 500, rushed: 2, paced: 1, pace: Duration::from_secs(10) };
const SHORT: Plan = Plan { donors: 20, rushed: 1, paced: 1, pace: Duration::from_secs(1) };

/// Units of a lease, and of its proof.
const TOGETHER: [u32; 2] = [1, 16];

/// One kind of request: how long each took, and how many failed.
#[derive(Default)]
struct Kind {
    times: Mutex<Vec<Duration>>,
    errors: AtomicUsize,
}

impl Kind {
    async fn measure<T, E: std::fmt::Display>(&self, request: impl Future<Output = Result<T, E>>) -> Option<T> {
        let begin = Instant::now();
        let answer = request.await;
        let took = begin.elapsed();
        match answer {
            Ok(answer) => {
                self.times.lock().unwrap().push(took);
                Some(answer)
            }
            Err(error) => {
                eprintln!("{error}");
                self.errors.fetch_add(1, Ordering::Relaxed);
                None
            }
        }
    }

    fn report(&self, name: &str, took: Duration) -> usize {
        let mut times = self.times.lock().unwrap();
        times.sort();
        let at = |share: f64| {
            let place = (times.len().saturating_sub(1) as f64 * share) as usize;
            times.get(place).map_or(0.0, |time| time.as_secs_f64() * 1e3)
        };
        let (count, errors) = (times.len(), self.errors.load(Ordering::Relaxed));
        let rate = count as f64 / took.as_secs_f64();
        let (p50, p99, most) = (at(0.5), at(0.99), at(1.0));
        println!("{name:<14}{count:>9}{rate:>12.0}{p50:>12.1}{p99:>12.1}{most:>12.1}{errors:>9}");
        errors
    }
}

/// All kinds of requests of one run.
#[derive(Default)]
struct Figures {
    leases: Kind,
    renewals: Kind,
    proofs: Kind,
    /// That were proved, and the bytes of their proofs.
    units: AtomicUsize,
    bytes: AtomicUsize,
}

impl Figures {
    fn report(&self, title: &str, took: Duration) -> usize {
        println!("\n{title}: {:.1} s", took.as_secs_f64());
        println!(
            "{:<14}{:>9}{:>12}{:>12}{:>12}{:>12}{:>9}",
            "", "requests", "per second", "p50 ms", "p99 ms", "max ms", "errors"
        );
        let kinds = [("leases", &self.leases), ("renewals", &self.renewals), ("proofs", &self.proofs)];
        let used = kinds
            .into_iter()
            .filter(|(_, kind)| !kind.times.lock().unwrap().is_empty() || kind.errors.load(Ordering::Relaxed) > 0);
        let errors = used.map(|(name, kind)| kind.report(name, took)).sum();
        let rate = |count: &AtomicUsize| count.load(Ordering::Relaxed) as f64 / took.as_secs_f64();
        if rate(&self.units) > 0.0 {
            println!("{:.0} units and {:.0} kB of proofs a second", rate(&self.units), rate(&self.bytes) / 1e3);
        }
        errors
    }
}

/// Somebody with a key, the units that it holds, and their proofs.
struct Donor {
    client: DonorClient,
    held: VecDeque<(Lease, Vec<u8>)>,
}

impl Donor {
    fn new(address: &str, number: usize) -> Self {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&number.to_le_bytes());
        Self { client: DonorClient::new(config(address), Identity::from_seed(&seed)).unwrap(), held: VecDeque::new() }
    }

    async fn lease(&self, units: u32) -> Result<Lease, String> {
        let limits =
            DonorLimits { lease_units: units, lease_steps: 1 << 40, ..DonorLimits::alone(1 << 30, 1 << 40, 0) };
        let request = LeaseRequest {
            request: RequestKey::random().unwrap(),
            project: None,
            mode: LeaseMode::Both,
            limits,
            versions: Versions::current("bench"),
        };
        match self.client.lease(&request).await {
            Ok(LeaseAnswer::Lease(lease)) if lease.units.len() == units as usize => Ok(*lease),
            Ok(other) => Err(format!("{other:?}")),
            Err(error) => Err(error.to_string()),
        }
    }

    async fn submit(&self, lease: &Lease, proof: Vec<u8>) -> Result<(), String> {
        let units: Vec<_> = lease.units.iter().map(|unit| unit.id).collect();
        match self.client.submit_proof(&units, Some(&lease.token), &proof, None).await {
            Ok(receipt) if receipt.count(ProofStatus::Accepted) == units.len() => Ok(()),
            Ok(receipt) => Err(format!("{receipt:?}")),
            Err(error) => Err(error.to_string()),
        }
    }

    /// What a donor asks for each unit: it renews the lease, brings the proof, and takes the next unit.
    async fn unit(&mut self, figures: &Figures) {
        let (lease, proof) = self.held.pop_front().expect("a unit");
        let units = lease.units.len();
        figures.units.fetch_add(units, Ordering::Relaxed);
        figures.bytes.fetch_add(proof.len(), Ordering::Relaxed);
        figures.renewals.measure(self.client.renew(&lease.token)).await;
        figures.proofs.measure(self.submit(&lease, proof)).await;
        figures.leases.measure(self.lease(units as u32)).await;
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let plan = if std::env::args().any(|argument| argument == "--test") { SHORT } else { FULL };
    let mut errors = 0;
    for together in TOGETHER {
        println!("\nLeases and proofs of {together} unit(s)");
        errors += measure(plan, together).await;
    }
    if errors == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A new distributor, and all its donors. How many requests failed.
async fn measure(plan: Plan, together: u32) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let (address, key) = start(folder.path(), plan, together).await;
    let units = plan.rushed + plan.paced;
    push(&address, key, 2 * plan.donors * units * together as usize).await;
    let mut donors: Vec<_> = (0..plan.donors).map(|number| Donor::new(&address, number)).collect();

    let figures = Figures::default();
    let begin = Instant::now();
    let held = join_all(donors.iter().map(async |donor| {
        let mut held = Vec::new();
        for _ in 0..units {
            held.extend(figures.leases.measure(donor.lease(together)).await);
        }
        held
    }))
    .await;
    let mut errors = figures.report("All donors lease units", begin.elapsed());

    let proofs = prove_all(&donors, &held);
    for (donor, (leases, proofs)) in donors.iter_mut().zip(held.into_iter().zip(proofs)) {
        donor.held = leases.into_iter().zip(proofs).collect();
    }

    let figures = Figures::default();
    let begin = Instant::now();
    join_all(donors.iter_mut().map(async |donor| {
        for _ in 0..plan.rushed {
            donor.unit(&figures).await;
        }
    }))
    .await;
    errors += figures.report("All donors as fast as they can", begin.elapsed());

    let figures = Figures::default();
    let begin = Instant::now();
    join_all((0..).zip(&mut donors).map(async |(number, donor)| {
        for round in 0..plan.paced as u32 {
            let at = plan.pace * round + plan.pace * number / plan.donors as u32;
            tokio::time::sleep_until((begin + at).into()).await;
            donor.unit(&figures).await;
        }
    }))
    .await;
    let title = format!("Each donor a proof in {} seconds", plan.pace.as_secs());
    errors + figures.report(&title, begin.elapsed())
}

/// Proves every unit with its donor's key, on all cores, and says how large the proofs are and how long one takes to verify.
fn prove_all(donors: &[Donor], held: &[Vec<Lease>]) -> Vec<Vec<Vec<u8>>> {
    let begin = Instant::now();
    let work: Vec<_> =
        donors.iter().zip(held).map(|(donor, leases)| (donor.client.identity().donor_key(), leases)).collect();
    let next = AtomicUsize::new(0);
    let done: Vec<Mutex<Vec<Vec<u8>>>> = work.iter().map(|_| Mutex::default()).collect();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some((key, leases)) = work.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let place = work.iter().position(|(other, _)| other == key).unwrap();
                    let prove = |lease: &Lease| {
                        let runs: Vec<_> = lease.units.iter().map(|unit| tiny::run_on(&unit.arguments.0)).collect();
                        tiny::prove_with(Batch::new(&runs).unwrap(), *key.as_bytes(), PRESET.parameters())
                    };
                    *done[place].lock().unwrap() = leases.iter().map(prove).collect();
                }
            });
        }
    });
    let proofs: Vec<_> = done.into_iter().map(|proofs| proofs.into_inner().unwrap()).collect();
    let count = proofs.iter().map(Vec::len).sum::<usize>();
    let bytes = proofs.iter().flatten().map(Vec::len).sum::<usize>() / count;
    let statement = cairo_air::Statement {
        program: tiny::program(),
        runs: held[0][0].units.iter().map(|unit| unit.arguments.0.clone()).collect(),
        prover: *donors[0].client.identity().donor_key().as_bytes(),
    };
    let verify = || {
        let begin = Instant::now();
        cairo_air::verify(&statement, &proofs[0][0], &policy(PRESET, 1000)).unwrap();
        begin.elapsed()
    };
    let mut times: Vec<_> = (0..21).map(|_| verify()).collect();
    times.sort();
    println!(
        "\n{count} proofs made in {:.0} s; each has about {} kB and takes {:.2} ms of one core to verify",
        begin.elapsed().as_secs_f64(),
        bytes / 1000,
        times[10].as_secs_f64() * 1e3
    );
    proofs
}

/// A distributor on a port of its own, without rate limits.
async fn start(folder: &std::path::Path, plan: Plan, together: u32) -> (String, ApiKey) {
    let place = Place { data: Some(folder.to_owned()), ..Place::default() };
    let store = store::open(&place.database(), IfMissing::Make).await.unwrap();
    let key = ApiKey::random().unwrap();
    let stored = UploaderKey {
        id: key.id(),
        name: "bench".to_owned(),
        secret_hash: key.secret_hash(),
        projects: "*".to_owned(),
        scopes: Scopes { push: true, read: true, withdraw: true },
        owner: key.id(),
        quota: distributor::store::GivenQuota::default(),
        created_at: Timestamp::now(),
        revoked_at: None,
    };
    store.add_key(&stored).await.unwrap();
    // All donors come from one address and hold all their units at once, and may submit at the same moment.
    let units = (plan.rushed + plan.paced + 1) * together as usize;
    let leases = u32::try_from(plan.donors * units).unwrap();
    let settings = Settings {
        requests_per_minute: 0,
        unleased_per_minute: 0,
        source_requests_per_minute: 0,
        new_keys_per_hour: 0,
        new_leases: u32::try_from(units).unwrap(),
        source_leases: leases,
        source_connections: 4 * plan.donors,
        max_connections: 64 * plan.donors,
        verify_queue: 2 * plan.donors + 2,
        ..Settings::default()
    };
    let blobs = blobs::open(&place.blobs(), blobs::Use::Serve).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let parts = Parts::new(store, blobs, settings);
    tokio::spawn(server::serve(App::new(parts), listener, std::future::pending()));
    (address, key)
}

fn config(address: &str) -> ClientConfig {
    ClientConfig::new(address, "bench").unwrap().retry(RetryPolicy::never())
}

/// A project with that many units.
async fn push(address: &str, key: ApiKey, units: usize) {
    let uploader = UploaderClient::new(config(address), Some(key)).unwrap();
    let (file, record) = (vec![0; 1000], encode_program(&tiny::program()));
    let name: ProjectName = "bench".parse().unwrap();
    let (program, record_digest) = (Digest::of(&file), Digest::of(&record));
    let signer = Identity::random().unwrap();
    uploader.put_program(file.into(), None).await.unwrap();
    uploader.put_record(record.into()).await.unwrap();
    let spec = ProjectSpec {
        program,
        record: record_digest,
        program_hash: program_hash(&tiny::program()),
        signer: signer.signer_key(),
        signature: protocol::Signature::from_bytes([0; 64]),
        limits: UnitLimits::default(),
        preset: PRESET,
        description: String::new(),
        weight: 1,
        byte_price: None,
        keep_proofs: protocol::KeepProofs::All,
    }
    .signed(&name, &signer);
    uploader.put_project(&name, &spec).await.unwrap();
    let unit = |number: usize| NewUnit {
        external_id: number.to_string().parse().unwrap(),
        arguments: Felts(tiny::felts(&[number as u64])),
        estimated_steps: tiny::STEPS,
    };
    for first in (0..units).step_by(1000) {
        let batch = NewUnits { units: (first..units.min(first + 1000)).map(unit).collect() };
        uploader.add_units(&name, &batch).await.unwrap();
    }
}
