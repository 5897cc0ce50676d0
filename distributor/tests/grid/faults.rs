//! What breaks, and what must hold all the same.

use crate::fixture;
use crate::harness::{Grid, Plan, cause};
use crate::hooks::{Hook, HookedBlobs, HookedVerifier};
use crate::raw::{connect, send_signed, sign, signed_head};
use distributor::blobs::{Blobs, Kind};
use distributor::clock::Clock as _;
use distributor::config::Settings;
use distributor::verify::CairoVerifier;
use protocol::client::{ClientConfig, DonorClient, RetryPolicy};
use protocol::{Cause, Digest, Identity, LeaseMode, ProofStatus, UnitState, routes, trailer};
use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;

/// A distributor whose files fail on demand: when `full`, no room is left; when `lost`, the storing fails after it was done, as if
/// the process had died right after.
async fn faulty() -> (Grid, Arc<AtomicBool>, Arc<AtomicBool>) {
    let (full, lost) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let (inner_full, inner_lost) = (Arc::clone(&full), Arc::clone(&lost));
    let fail = |error: fn() -> io::Error, when: Arc<AtomicBool>| -> Hook {
        Box::new(move || if when.load(Ordering::SeqCst) { Err(error().into()) } else { Ok(()) })
    };
    let blobs = move |inner| {
        let before_put = fail(|| io::ErrorKind::StorageFull.into(), inner_full);
        let after_put = fail(|| io::Error::other("died here"), inner_lost);
        Arc::new(HookedBlobs { inner, before_put, after_put }) as Arc<dyn Blobs>
    };
    (Grid::start_with(Plan { blobs: Some(Box::new(blobs)), ..Plan::default() }).await, full, lost)
}

#[tokio::test]
async fn a_full_disk_is_said_and_nothing_is_half_done() {
    let (grid, full, _) = faulty().await;
    let id = grid.push(1).await[0];
    let donor = grid.donor(1);
    let lease = donor.lease(LeaseMode::Both).await;
    full.store(true, Ordering::SeqCst);
    let error = donor.submit(&id, Some(&lease), donor.proof(0)).await.unwrap_err();
    assert_eq!((error.cause(), error.retry_after()), (Some(Cause::StorageFull), Some(Duration::from_secs(60))));
    assert!(error.is_temporary() && error.is_unreachable());
    assert_eq!(cause(grid.uploader().put_program(b"another".as_slice().into(), None).await), Cause::StorageFull);
    assert_eq!(
        (grid.state(&id).await, grid.temporary_files(), grid.files(Kind::Proof).await),
        (UnitState::Leased, 0, 0)
    );
    full.store(false, Ordering::SeqCst);
    assert_eq!(donor.submit(&id, Some(&lease), donor.proof(0)).await.unwrap().status, ProofStatus::Accepted);
}

#[tokio::test]
async fn a_death_between_file_and_transaction_is_mended_by_the_next_try() {
    let (grid, _, lost) = faulty().await;
    let id = grid.push(1).await[0];
    let donor = grid.donor(1);
    lost.store(true, Ordering::SeqCst);
    assert_eq!(donor.refused(&id, donor.proof(0)).await, Cause::Internal);
    assert_eq!(
        (grid.state(&id).await, grid.files(Kind::Proof).await),
        (UnitState::Queued, 1),
        "the file is there, the unit is not proved"
    );
    lost.store(false, Ordering::SeqCst);
    assert_eq!(donor.submit(&id, None, donor.proof(0)).await.unwrap().status, ProofStatus::Accepted);
    let credit = donor.0.credit().await.unwrap();
    assert_eq!((credit.proven_units, grid.files(Kind::Proof).await), (1, 1));
}

/// A real file system without room, where the machine lets us have one.
#[tokio::test]
async fn a_really_full_disk_is_survived() {
    let folder = tempfile::tempdir().unwrap();
    let mounted = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=4m", "tmpfs"])
        .arg(folder.path())
        .output()
        .is_ok_and(|output| output.status.success());
    if !mounted {
        eprintln!("skipped: no tmpfs can be mounted here");
        return;
    }
    let path = folder.path().to_owned();
    let grid = Grid::start_in(folder, Plan::default()).await;
    let id = grid.push(1).await[0];
    let donor = grid.donor(1);
    let lease = donor.lease(LeaseMode::Both).await;
    // A program fills what is left, to the last byte.
    let large = grid.uploader().put_program(vec![1; 5 << 20].into(), None).await;
    assert_eq!(cause(large), Cause::StorageFull);
    assert_eq!(grid.temporary_files(), 0, "what did not fit is gone");
    let filler = path.join("filler");
    let mut size = 4 << 20;
    while size > 0 {
        let mut file = File::options().create(true).append(true).open(&filler).unwrap();
        if io::Write::write_all(&mut file, &vec![0; size]).is_err() {
            size /= 2;
        }
    }
    assert_eq!(cause(donor.submit(&id, Some(&lease), donor.proof(0)).await), Cause::StorageFull);
    assert_eq!(grid.temporary_files(), 0);
    std::fs::remove_file(&filler).unwrap();
    assert_eq!(donor.submit(&id, Some(&lease), donor.proof(0)).await.unwrap().status, ProofStatus::Accepted);
    let folder = grid.stop().await;
    let unmounted = std::process::Command::new("umount").arg(folder.path()).status().unwrap();
    assert!(unmounted.success());
}

#[tokio::test]
async fn an_hour_of_skew_is_learnt() {
    for seconds in [3600_i64, -3600] {
        let grid = Grid::start().await;
        let id = grid.push(1).await[0];
        grid.clock.set(grid.clock.now().0.saturating_add_signed(seconds));
        let donor = grid.donor(1);
        // The proof goes first, as after a restart.
        let receipt = donor.submit(&id, None, donor.proof(0)).await.unwrap();
        assert_eq!(receipt.status, ProofStatus::Accepted);
        assert!(donor.0.server_now().0.abs_diff(grid.clock.now().0) < 30);
        let signed = sign(2, "GET", routes::DONOR, b"", protocol::Timestamp::now());
        let answer = send_signed(&grid, "GET", routes::DONOR, b"", &signed).await;
        assert_eq!((answer.status, answer.cause().as_str()), (401, "clock_skew"));
        assert_eq!(answer.json()["server_time"], grid.clock.now().0);
    }
}

#[tokio::test]
async fn the_same_proof_many_times_at_once_counts_once() {
    let grid = Grid::start_with(unlimited()).await;
    let id = grid.push(1).await[0];
    let donor = grid.donor(1);
    let proof = donor.proof(0);
    let tries = (0..8).map(|_| donor.submit(&id, None, proof.clone()));
    let receipts = futures_util::future::join_all(tries).await;
    for receipt in &receipts {
        assert_eq!(receipt.as_ref().unwrap(), receipts[0].as_ref().unwrap());
    }
    let credit = donor.0.credit().await.unwrap();
    assert_eq!((credit.proven_units, grid.files(Kind::Proof).await), (1, 1));
}

fn unlimited() -> Plan {
    let settings = Settings { requests_per_minute: 0, unleased_per_minute: 0, ..Settings::default() };
    Plan { settings, ..Plan::default() }
}

#[tokio::test]
async fn one_of_two_racing_donors_wins() {
    let grid = Grid::start().await;
    let ids = grid.push(3).await;
    for (number, id) in (0..).zip(&ids) {
        let (a, b) = (grid.donor(1), grid.donor(2));
        let (first, second) = tokio::join!(a.submit(id, None, a.proof(number)), b.submit(id, None, b.proof(number)));
        let accepted =
            [first.unwrap(), second.unwrap()].iter().filter(|receipt| receipt.status == ProofStatus::Accepted).count();
        assert_eq!(accepted, 1);
    }
    assert_eq!(grid.files(Kind::Proof).await, 3);
    let (a, b) = (grid.donor(1).0.credit().await.unwrap(), grid.donor(2).0.credit().await.unwrap());
    assert_eq!(a.proven_units + b.proven_units, 3);
}

#[tokio::test]
async fn a_cut_upload_leaves_nothing_and_is_sent_again() {
    let grid = Grid::start().await;
    let id = grid.push(1).await[0];
    let donor = grid.donor(1);
    let proof = donor.proof(0);
    let (target, body) = (routes::proof(&Digest::of(&proof)), [&proof[..], &trailer(&[id]).unwrap()].concat());
    for part in [0, 1, proof.len() / 2, proof.len(), body.len() - 1] {
        let signed = sign(1, "PUT", &target, &body, grid.clock.now());
        let head = signed_head("PUT", &target, &format!("content-length: {}", body.len()), &signed);
        let mut stream = connect(&grid).await;
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&body[..part]).await.unwrap();
        drop(stream);
    }
    assert_eq!(donor.submit(&id, None, proof).await.unwrap().status, ProofStatus::Accepted);
    // The connections' ends may be noticed a moment later.
    for _ in 0..100 {
        if grid.temporary_files() == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(grid.temporary_files(), 0);
}

/// A gate that is open at first.
#[derive(Default)]
struct Gate {
    closed: Mutex<bool>,
    changed: Condvar,
}

impl Gate {
    fn close(&self) {
        *self.closed.lock().unwrap() = true;
    }

    fn open(&self) {
        *self.closed.lock().unwrap() = false;
        self.changed.notify_all();
    }

    fn pass(&self) {
        drop(self.changed.wait_while(self.closed.lock().unwrap(), |closed| *closed).unwrap());
    }
}

/// A distributor that verifies one proof at a time, when it is let.
async fn slow(queue: usize) -> (Grid, Arc<Gate>, Arc<AtomicU32>) {
    let (gate, started) = (Arc::<Gate>::default(), Arc::<AtomicU32>::default());
    let (inner_gate, inner_started) = (Arc::clone(&gate), Arc::clone(&started));
    let before_proof = move || {
        inner_started.fetch_add(1, Ordering::SeqCst);
        inner_gate.pass();
    };
    let inner = CairoVerifier::with_policy(fixture::lenient);
    let verifier = HookedVerifier { inner, before_proof: Box::new(before_proof) };
    let settings = Settings { verify_threads: 1, verify_queue: queue, unleased_per_minute: 0, ..Settings::default() };
    let plan = Plan { settings, verifier: Arc::new(verifier), blobs: None };
    (Grid::start_with(plan).await, gate, started)
}

async fn until_started(started: &AtomicU32, count: u32) {
    while started.load(Ordering::SeqCst) < count {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn beyond_the_queue_the_distributor_is_busy_and_says_so() {
    let (grid, gate, started) = slow(0).await;
    let ids = grid.push(2).await;
    gate.close();
    let (first, second) = (grid.donor(1), grid.donor(2));
    let id = ids[0];
    let working = tokio::spawn(async move { first.submit(&id, None, first.proof(0)).await });
    until_started(&started, 1).await;
    let error = second.submit(&ids[1], None, second.proof(1)).await.unwrap_err();
    assert_eq!((error.cause(), error.retry_after()), (Some(Cause::Busy), Some(Duration::from_secs(5))));
    gate.open();
    assert_eq!(working.await.unwrap().unwrap().status, ProofStatus::Accepted);
    assert_eq!(second.submit(&ids[1], None, second.proof(1)).await.unwrap().status, ProofStatus::Accepted);
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_waits_for_a_proof_that_is_being_verified() {
    let (mut grid, gate, started) = slow(8).await;
    let id = grid.push(1).await[0];
    let donor = grid.donor(1);
    gate.close();
    let working = tokio::spawn(async move { donor.submit(&id, None, donor.proof(0)).await });
    until_started(&started, 1).await;
    grid.begin_stop();
    tokio::time::sleep(Duration::from_millis(100)).await;
    gate.open();
    assert_eq!(working.await.unwrap().unwrap().status, ProofStatus::Accepted);
    grid.stopped().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_donor_that_goes_away_while_its_proof_is_verified_loses_nothing() {
    let (grid, gate, started) = slow(8).await;
    let id = grid.push(1).await[0];
    let donor = grid.donor(1);
    let proof = donor.proof(0);
    gate.close();
    {
        let gone = tokio::time::timeout(Duration::from_secs(30), async {
            tokio::select! {
                _ = donor.submit(&id, None, proof.clone()) => panic!("answered"),
                () = until_started(&started, 1) => {}
            }
        });
        gone.await.unwrap();
    }
    gate.open();
    let receipt = donor.submit(&id, None, proof).await.unwrap();
    assert_eq!(receipt.status, ProofStatus::Accepted);
    assert_eq!(donor.0.credit().await.unwrap().proven_units, 1);
}

#[tokio::test]
async fn clients_come_back_until_the_distributor_is_there() {
    let grid = Grid::start().await;
    let id = grid.push(1).await[0];
    let address = grid.address.clone();
    let port: u16 = address.rsplit(':').next().unwrap().parse().unwrap();
    let folder = grid.stop().await;
    let donor = Identity::from_seed(&[1; 32]);
    let proof = fixture::prove(fixture::run(&[0]), &donor.donor_key());
    let heard = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&heard);
    let mut retry = RetryPolicy::patient().notify(move |error, _| {
        assert!(error.is_unreachable(), "{error}");
        counter.fetch_add(1, Ordering::SeqCst);
    });
    (retry.first, retry.longest) = (Duration::from_millis(50), Duration::from_millis(200));
    let config = ClientConfig::new(&address, "test").unwrap().retry(retry);
    let client = DonorClient::new(config, donor).unwrap();
    let waiting = tokio::spawn(async move { client.submit_proof(&[id], None, &proof, None).await });
    until_started(&heard, 2).await;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    let grid = Grid::serve_on(listener, folder, Plan::default()).await;
    assert_eq!(waiting.await.unwrap().unwrap().count(ProofStatus::Accepted), 1);
    assert_eq!(grid.state(&id).await, UnitState::Proved);
}

#[tokio::test]
async fn an_unreachable_distributor_is_said_to_be_so() {
    let client = crate::harness::config("http://127.0.0.1:1");
    let donor = DonorClient::new(client, Identity::from_seed(&[1; 32])).unwrap();
    let error = donor.credit().await.unwrap_err();
    assert!(error.is_unreachable() && error.is_temporary());
    assert!(error.to_string().starts_with("the distributor at http://127.0.0.1:1/ cannot be reached: "), "{error}");
    for bad in ["localhost:80", "ftp://x", "http://x/?query", "", "http://"] {
        let error = ClientConfig::new(bad, "test").unwrap_err().to_string();
        assert!(error.contains("give one like"), "{error}");
    }
    // Something that answers, but is no distributor.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = tokio::io::AsyncReadExt::read(&mut stream, &mut [0; 4096]).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi").await.unwrap();
    });
    let donor = DonorClient::new(crate::harness::config(&address), Identity::from_seed(&[1; 32])).unwrap();
    let error = donor.credit().await.unwrap_err().to_string();
    assert!(error.contains("is this the address of a distributor?"), "{error}");
}
