//! `/v1/programs`, `/v1/records`, `/v1/proofs`, `/v1/executions`.

use crate::fixture;
use crate::harness::{Grid, cause, primes, scopes};
use crate::raw::{get, send};
use protocol::{Cause, Digest, Identity, encode_program};

#[tokio::test]
async fn programs_stand_under_their_digest() {
    let grid = Grid::start().await;
    let uploader = grid.uploader();
    let file = vec![b'x'; 3 << 20];
    let stored = uploader.put_program(file.clone().into(), None).await.unwrap();
    assert_eq!((stored.sha256, stored.size, stored.created), (Digest::of(&file), 3 << 20, true));
    assert!(!uploader.put_program(file.clone().into(), None).await.unwrap().created);
    assert_eq!(grid.donor(1).0.program(&stored.sha256, None).await.unwrap(), file, "public");
    assert_eq!(cause(uploader.program(&Digest::of(b"other")).await), Cause::UnknownBlob);
    let answer = get(&grid, &format!("/v1/programs/{}", stored.sha256)).await;
    assert_eq!(answer.header("cache-control"), Some("public, max-age=31536000, immutable"));
}

#[tokio::test]
async fn a_body_that_is_not_what_its_address_says_is_refused() {
    let grid = Grid::start().await;
    let (key, digest) = (grid.key.reveal(), Digest::of(b"expected"));
    let request = format!(
        "PUT /v1/programs/{digest} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\nconnection: close\r\ncontent-length: 5\r\n\r\nother"
    );
    let answer = send(&grid, request.as_bytes()).await.unwrap();
    assert_eq!((answer.status, answer.cause().as_str()), (400, "digest_mismatch"));
    assert_eq!((grid.temporary_files(), grid.files(distributor::blobs::Kind::Program).await), (0, 0));
}

#[tokio::test]
async fn records_are_read_before_they_are_kept() {
    let grid = Grid::start().await;
    let uploader = grid.uploader();
    assert_eq!(cause(uploader.put_record(b"nonsense".as_slice().into()).await), Cause::BadRecord);
    let mut record = encode_program(&fixture::program());
    record.truncate(record.len() - 1);
    let error = uploader.put_record(record.into()).await.unwrap_err().to_string();
    assert!(error.starts_with("the program record ends within its words"), "{error}");
    assert_eq!(grid.files(distributor::blobs::Kind::Record).await, 0);
}

#[tokio::test]
async fn proofs_are_for_keys_that_reach_their_project() {
    let grid = Grid::start().await;
    let id = grid.push(1).await[0];
    let donor = grid.donor(1);
    let receipt = donor.submit_all(&[id], None, donor.proof(0)).await.unwrap();
    assert_eq!(grid.uploader().proof(&receipt.sha256).await.unwrap(), donor.proof(0));
    let other = grid.uploader_with(Some(grid.new_key("collatz", scopes(true, true, true)).await));
    assert_eq!(cause(other.proof(&receipt.sha256).await), Cause::UnknownBlob, "not even that it exists");
    assert_eq!(get(&grid, &format!("/v1/proofs/{}", receipt.sha256)).await.cause(), "missing_key");
    assert_eq!(get(&grid, &format!("/v1/executions/{}", receipt.sha256)).await.cause(), "missing_signature");
}

#[tokio::test]
async fn a_key_pair_is_enough_to_be_a_donor() {
    let grid = Grid::start().await;
    grid.push(1).await;
    let folder = tempfile::tempdir().unwrap();
    let identity = Identity::load_or_create(&folder.path().join("key")).unwrap();
    let client = protocol::client::DonorClient::new(crate::harness::config(&grid.address), identity).unwrap();
    assert_eq!(client.credit().await.unwrap().since, None);
    assert_eq!(client.projects().await.unwrap().projects[0].name, primes());
}
