//! The distributor is killed in each phase of a submission and started again: nothing is lost, nothing counts twice.
//!
//! Where the phase can be seen from outside, the program itself is killed. In the other phases a process ends itself: this test
//! program, started again with the distributor's parts and a hook between two of them.

use crate::fixture;
use crate::harness::{lease_request, primes};
use crate::hooks::{HookedBlobs, HookedVerifier};
use crate::process::{Serving, data, push, run, text};
use crate::raw::signed_head;
use distributor::app::{App, Parts};
use distributor::blobs::{self, Blobs};
use distributor::config::{Place, Settings};
use distributor::server;
use distributor::store::{self, IfMissing};
use distributor::verify::CairoVerifier;
use protocol::client::{LeaseAnswer, UploaderClient};
use protocol::{Digest, Identity, Lease, LeaseMode, Nonce, Outcome, Preset, ProofStatus, Timestamp, UnitState, routes};
use sqlx::ConnectOptions as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

/// Where a submission is when the distributor dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Half of the proof is there.
    Receiving,
    /// The proof is there and not verified.
    Received,
    /// It is verified and not stored.
    Verified,
    /// Its file is stored, the transaction has not begun.
    Stored,
    /// The transaction has begun and is not committed.
    Transaction,
    /// It is committed, and the answer never reached the donor.
    Committed,
}

const PHASES: [Phase; 6] =
    [Phase::Receiving, Phase::Received, Phase::Verified, Phase::Stored, Phase::Transaction, Phase::Committed];

const PHASE: &str = "CAIRN_TEST_PHASE";
const FOLDER: &str = "CAIRN_TEST_FOLDER";

/// Who proves.
fn donor() -> Identity {
    Identity::from_seed(&[1; 32])
}

/// Waits for something that comes, however long the machine takes.
async fn until(what: &str, mut there: impl AsyncFnMut() -> bool) {
    for _ in 0..6000 {
        if there().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{what} did not come");
}

fn files(folder: &Path, path: &str) -> usize {
    let Ok(entries) = std::fs::read_dir(folder.join("blobs").join(path)) else { return 0 };
    entries.count()
}

/// Begins to submit, and never reads the answer.
async fn send(serving: &Serving, lease: &Lease, proof: &[u8], bytes: Option<usize>) -> TcpStream {
    let target = routes::proof(&Digest::of(proof));
    let body = [proof, &protocol::trailer(&[lease.units[0].id]).unwrap()].concat();
    let (time, nonce) = (Timestamp::now(), Nonce::random().unwrap());
    let signed = donor().sign_request("PUT", &target, Digest::of(&body), time, nonce);
    let length = format!("content-length: {}\r\ncairn-lease: {}", body.len(), lease.token);
    let mut stream = TcpStream::connect(serving.address.trim_start_matches("http://")).await.unwrap();
    stream.write_all(signed_head("PUT", &target, &length, &signed).as_bytes()).await.unwrap();
    stream.write_all(&body[..bytes.unwrap_or(body.len())]).await.unwrap();
    stream
}

async fn open(folder: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(folder.join("cairn.db")).busy_timeout(Duration::ZERO);
    options.connect().await.unwrap()
}

async fn execute(database: &mut SqliteConnection, sql: &'static str) -> Result<(), sqlx::Error> {
    sqlx::query(sql).execute(database).await.map(drop)
}

/// A submission that dies in its phase.
async fn submit_and_die(folder: &Path, phase: Phase, lease: &Lease, proof: &[u8]) {
    let sha256 = Digest::of(proof).to_string();
    let stored = || folder.join("blobs/proofs").join(&sha256[..2]).join(&sha256).exists();
    match phase {
        Phase::Receiving => {
            let serving = Serving::start(folder);
            let _stream = send(&serving, lease, proof, Some(proof.len() / 2)).await;
            until("the temporary file", async || files(folder, "tmp") > 0).await;
            serving.kill();
            assert_eq!(files(folder, "tmp"), 1, "the half proof lies there still");
        }
        Phase::Received | Phase::Verified | Phase::Stored => {
            let serving = start_mortal(folder, phase);
            let units = [lease.units[0].id];
            let answer = serving.donor().submit_proof(&units, Some(&lease.token), proof, None).await;
            assert!(answer.unwrap_err().is_unreachable());
            serving.ended();
            assert_eq!(stored(), phase == Phase::Stored);
        }
        Phase::Transaction => {
            let serving = Serving::start(folder);
            let mut database = open(folder).await;
            // Keeps the transaction busy for longer than anybody waits.
            let endless = "CREATE TRIGGER endless AFTER UPDATE OF proof ON units BEGIN SELECT count(*) FROM (WITH RECURSIVE \
                           c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c LIMIT 1000000000000); END";
            until("a moment to write", async || execute(&mut database, endless).await.is_ok()).await;
            let _stream = send(&serving, lease, proof, None).await;
            until("the file", async || stored()).await;
            until("the transaction", async || {
                let locked = execute(&mut database, "BEGIN IMMEDIATE").await.is_err();
                if !locked {
                    execute(&mut database, "ROLLBACK").await.unwrap();
                }
                locked
            })
            .await;
            serving.kill();
            execute(&mut database, "DROP TRIGGER endless").await.unwrap();
        }
        Phase::Committed => {
            let serving = Serving::start(folder);
            let _stream = send(&serving, lease, proof, None).await;
            let donor = serving.donor();
            let before = PHASES.len() as u64 - 1;
            until("the credit", async || donor.credit().await.unwrap().proven_units > before).await;
            serving.kill();
        }
    }
}

#[tokio::test]
async fn killed_in_each_phase_of_a_submission_nothing_is_lost_or_counted_twice() {
    let (folder, key) = data();
    let folder = folder.path();
    let mut serving = Serving::start(folder);
    push(&serving, &key, PHASES.len() as u64).await;
    for (number, phase) in (0..).zip(PHASES) {
        let lease = match serving.donor().lease(&lease_request(LeaseMode::Both)).await.unwrap() {
            LeaseAnswer::Lease(lease) => lease,
            other => panic!("{phase:?}: {other:?}"),
        };
        let proof = fixture::prove_with(fixture::run(&[number]), &donor().donor_key(), Preset::Bench96.parameters());
        serving.kill();
        submit_and_die(folder, phase, &lease, &proof).await;

        serving = Serving::start(folder);
        assert_eq!(files(folder, "tmp"), 0, "what was half received is gone");
        let uploader = UploaderClient::new(crate::harness::config(&serving.address), Some(key.clone())).unwrap();
        let state = uploader.unit(&lease.units[0].id).await.unwrap().unit.state;
        assert_eq!(state, if phase == Phase::Committed { UnitState::Proved } else { UnitState::Leased }, "{phase:?}");
        let units = [lease.units[0].id];
        let submit = async || serving.donor().submit_proof(&units, Some(&lease.token), &proof, None).await.unwrap();
        let receipt = submit().await;
        assert_eq!((receipt.count(ProofStatus::Accepted), receipt.credited_steps()), (1, fixture::STEPS), "{phase:?}");
        assert_eq!(submit().await, receipt);
        let attempts = uploader.unit(&lease.units[0].id).await.unwrap().attempts;
        assert_eq!(attempts.iter().map(|attempt| attempt.outcome).collect::<Vec<_>>(), [Outcome::Proved], "{phase:?}");
        let credit = serving.donor().credit().await.unwrap();
        assert_eq!(
            (credit.proven_units, credit.proven_steps),
            (number + 1, (number + 1) * fixture::STEPS),
            "{phase:?}"
        );
    }
    let uploader = UploaderClient::new(crate::harness::config(&serving.address), Some(key)).unwrap();
    assert_eq!(uploader.results(&primes(), 0, 100).await.unwrap().results.len(), PHASES.len());
    serving.kill();
    let output = run(folder, &["check"]);
    let expected = format!("{} files referred to, 0 of them bad; 0 files without a reference\n", PHASES.len() + 2);
    assert_eq!((output.status.success(), text(&output.stderr)), (true, expected));
}

/// Starts [`mortal`] in a process of its own.
fn start_mortal(folder: &Path, phase: Phase) -> Serving {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["crash::mortal", "--exact", "--ignored", "--nocapture"]);
    command.env(PHASE, format!("{phase:?}")).env(FOLDER, folder);
    Serving::start_as(command)
}

/// A distributor that ends its process in a phase of the first submission.
#[tokio::test]
#[ignore = "the process that another test starts"]
async fn mortal() {
    let (Ok(phase), Some(folder)) = (std::env::var(PHASE), std::env::var_os(FOLDER)) else { return };
    // Nothing is tidied up: neither destructors nor handlers run.
    let die_in = |here: Phase| {
        let now = phase == format!("{here:?}");
        move || {
            if now {
                std::process::abort()
            }
        }
    };
    let (received, verified, stored) = (die_in(Phase::Received), die_in(Phase::Verified), die_in(Phase::Stored));
    let place = Place { data: Some(folder.into()), ..Place::default() };
    let blobs = HookedBlobs {
        inner: blobs::open(&place.blobs(), blobs::Use::Serve).unwrap(),
        before_put: Box::new(move || {
            verified();
            Ok(())
        }),
        after_put: Box::new(move || {
            stored();
            Ok(())
        }),
    };
    let store = store::open(&place.database(), IfMissing::Make).await.unwrap();
    let verifier = HookedVerifier { inner: CairoVerifier::default(), before_proof: Box::new(received) };
    let parts = Parts::new(store, Arc::new(blobs) as Arc<dyn Blobs>, Settings::default());
    let app = App::new(Parts { verifier: Arc::new(verifier), ..parts });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("listening on http://{}", listener.local_addr().unwrap());
    server::serve(app, listener, std::future::pending()).await.unwrap();
}
