//! Executions that are not what they should be.

use crate::fixture::{self, felts};
use crate::harness::{Donor, Grid, Plan};
use distributor::config::Settings;
use protocol::{Cause, Lease, LeaseMode, Outcome, UnitState};
use std::io::Write as _;

/// A file of the execution format around any frame.
fn packed(body_bytes: u64, frame: &[u8]) -> Vec<u8> {
    let mut file = b"CAIRNRUN\x02\0\0\0".to_vec();
    file.extend_from_slice(&body_bytes.to_le_bytes());
    file.extend_from_slice(&(frame.len() as u64).to_le_bytes());
    let mut hasher = blake3::Hasher::new_derive_key("cairn execution file v1");
    hasher.update(&file).update(frame);
    let checksum = *hasher.finalize().as_bytes();
    file.extend_from_slice(&checksum);
    file.extend_from_slice(frame);
    file
}

async fn refused(donor: &Donor, lease: &Lease, file: Vec<u8>) -> Cause {
    let error = donor.execute(lease, file).await.unwrap_err();
    error.cause().unwrap_or_else(|| panic!("{error}"))
}

#[tokio::test]
async fn each_bad_execution_has_its_cause_and_goes_back_to_the_queue() {
    let plan = Plan { settings: Settings { unleased_per_minute: 0, ..Settings::default() }, ..Plan::default() };
    let grid = Grid::start_with(plan).await;
    let id = grid.push(1).await[0];
    let honest = fixture::file(&fixture::run(&[0]));
    let mut broken = honest.clone();
    let last = broken.len() - 1;
    broken[last] ^= 1;
    let mut newer = honest.clone();
    newer[8] += 1;
    let cases = [
        (b"garbage".to_vec(), Cause::BadEncoding),
        (broken, Cause::BadEncoding),
        (newer, Cause::UnsupportedVersion),
        (fixture::file(&fixture::run(&[1])), Cause::WrongArguments),
        (fixture::file(&fixture::run_writing(8, &[0])), Cause::WrongProgram),
        (honest[..honest.len() - 1].to_vec(), Cause::BadEncoding),
    ];
    for (number, (file, expected)) in cases.into_iter().enumerate() {
        let donor = grid.donor(number as u8 + 1);
        let lease = donor.lease(LeaseMode::Execute).await;
        assert_eq!(refused(&donor, &lease, file).await, expected, "case {number}");
        let detail = grid.unit(&id).await;
        assert_eq!(detail.unit.state, UnitState::Queued);
        assert_eq!(detail.attempts[number].outcome, Outcome::Refused);
        assert_eq!(detail.attempts[number].refusal, Some(expected));
        // The unit rests after each.
        grid.clock.advance(3600);
    }
    assert_eq!(grid.files(distributor::blobs::Kind::Execution).await, 0);
    assert_eq!(grid.temporary_files(), 0);
}

#[tokio::test]
async fn zip_bombs_do_not_go_off() {
    let grid = Grid::start().await;
    grid.push(1).await;
    // A gigabyte of zeros, made without ever holding it.
    let zeros = bomb(&[]);
    // The same behind a run that is in order.
    let honest = zstd::decode_all(&fixture::file(&fixture::run(&[0]))[60..]).unwrap();
    let hidden = bomb(&honest);
    let mut two_frames = zstd::bulk::compress(&honest, 3).unwrap();
    two_frames.extend_from_slice(&zeros);
    let length = honest.len() as u64;
    let bombs = [
        ("says what it is", packed(1 << 30, &zeros), Cause::PolicyFailed),
        ("says more than can be", packed(u64::MAX, &zeros), Cause::PolicyFailed),
        ("says that it is small; a program of no words comes out", packed(1000, &zeros), Cause::BadExecution),
        ("hides behind a run", packed(length, &hidden), Cause::BadEncoding),
        ("hides behind a run and says so", packed(length + (1 << 30), &hidden), Cause::PolicyFailed),
        ("a second frame", packed(length, &two_frames), Cause::BadEncoding),
    ];
    for (number, (name, bomb, expected)) in bombs.into_iter().enumerate() {
        let donor = grid.donor(number as u8 + 1);
        let lease = donor.lease(LeaseMode::Execute).await;
        let before = memory();
        assert_eq!(refused(&donor, &lease, bomb).await, expected, "{name}");
        let took = memory().saturating_sub(before);
        assert!(took < 200 << 20, "{name}: it took {took} bytes");
        grid.clock.advance(3600);
    }
}

/// A frame that unpacks to `beginning` and a gigabyte of zeros.
fn bomb(beginning: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
    encoder.write_all(beginning).unwrap();
    for _ in 0..1024 {
        encoder.write_all(&[0; 1 << 20]).unwrap();
    }
    let frame = encoder.finish().unwrap();
    assert!(frame.len() < 1 << 20, "a bomb is small");
    frame
}

/// The most memory this process has held so far.
fn memory() -> u64 {
    crate::process::memory("self")
}

#[tokio::test]
async fn a_run_beyond_the_projects_limits_is_refused() {
    let grid = Grid::start().await;
    let uploader = grid.uploader();
    grid.push(0).await;
    let mut spec = crate::harness::spec(&crate::harness::primes(), b"the compiled program");
    spec.limits.max_steps = 5;
    let spec = spec.signed(&crate::harness::primes(), &crate::harness::signer());
    uploader.put_project(&crate::harness::primes(), &spec).await.unwrap();
    let mut unit = crate::harness::unit(0);
    (unit.arguments, unit.estimated_steps) = (felts(&[0]), 1);
    uploader.add_units(&crate::harness::primes(), &protocol::NewUnits { units: vec![unit] }).await.unwrap();
    let donor = grid.donor(1);
    let lease = donor.lease(LeaseMode::Execute).await;
    assert_eq!(refused(&donor, &lease, fixture::file(&fixture::run(&[0]))).await, Cause::PolicyFailed);
    assert_eq!(donor.refused(&lease.units[0].id, donor.proof(0)).await, Cause::PolicyFailed);
}
