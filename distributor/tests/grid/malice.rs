//! People who mean no good.

use crate::fixture::{self, STEPS};
use crate::harness::{Grid, Plan, behind_a_proxy, cause, primes, until};
use crate::raw::{connect, get, read_answer, send, send_signed, sign, signed_head};
use cairo_air::CairoProof;
use distributor::clock::Clock as _;
use distributor::config::Settings;
use felt::Felt;
use protocol::{Cause, Digest, LeaseMode, Nonce, ProofStatus, UnitState, routes};
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt as _;

/// Nobody is held back by rate limits here.
fn unlimited() -> Plan {
    let settings = Settings { requests_per_minute: 0, unleased_per_minute: 0, ..Settings::default() };
    Plan { settings, ..Plan::default() }
}

#[tokio::test]
async fn each_forgery_is_refused_with_its_cause() {
    let grid = Grid::start_with(unlimited()).await;
    let ids = grid.push(2).await;
    let donor = grid.donor(1);
    let honest = donor.proof(0);
    let forged = |change: fn(&mut CairoProof)| {
        let mut proof = CairoProof::decode(&honest).unwrap();
        change(&mut proof);
        proof.encode()
    };
    let mut newer = honest.clone();
    newer[8] += 1;
    let cases = [
        ("garbage", b"garbage".to_vec(), Cause::BadEncoding),
        ("nothing", Vec::new(), Cause::BadEncoding),
        ("cut off", honest[..honest.len() - 1].to_vec(), Cause::BadEncoding),
        ("another version", newer, Cause::UnsupportedVersion),
        ("another output", forged(|proof| proof.claim.runs[0].output[0] = Felt::from(8)), Cause::VerifyFailed),
        ("more steps", forged(|proof| proof.claim.runs[0].n_steps += 1), Cause::VerifyFailed),
        ("too many steps", forged(|proof| proof.claim.runs[0].n_steps = 1001), Cause::PolicyFailed),
        ("a flipped bit", forged(|proof| proof.stark[40] ^= 1), Cause::VerifyFailed),
        ("other arguments", donor.proof(1), Cause::WrongArguments),
        (
            "relabelled arguments",
            {
                let mut proof = CairoProof::decode(&donor.proof(1)).unwrap();
                proof.arguments_hash = CairoProof::decode(&honest).unwrap().arguments_hash;
                proof.encode()
            },
            Cause::VerifyFailed,
        ),
        (
            "another program",
            fixture::prove(fixture::run_writing(8, &[0]), &donor.0.identity().donor_key()),
            Cause::WrongProgram,
        ),
    ];
    for (name, proof, expected) in cases {
        assert_eq!(donor.refused(&ids[0], proof).await, expected, "{name}");
        assert_eq!(grid.state(&ids[0]).await, UnitState::Queued, "{name}");
    }
    assert_eq!(grid.files(distributor::blobs::Kind::Proof).await, 0);
    assert_eq!(donor.submit(&ids[0], None, honest).await.unwrap().status, ProofStatus::Accepted);
}

#[tokio::test]
async fn a_stolen_proof_earns_nothing() {
    let grid = Grid::start_with(unlimited()).await;
    let ids = grid.push(1).await;
    let (owner, thief) = (grid.donor(1), grid.donor(2));
    let proof = owner.proof(0);
    assert_eq!(thief.refused(&ids[0], proof.clone()).await, Cause::WrongProver, "before the owner");
    let mut relabelled = CairoProof::decode(&proof).unwrap();
    relabelled.prover = *thief.0.identity().donor_key().as_bytes();
    assert_eq!(thief.refused(&ids[0], relabelled.encode()).await, Cause::VerifyFailed);
    let lease = thief.lease(LeaseMode::Both).await;
    assert_eq!(cause(thief.submit(&ids[0], Some(&lease), proof.clone()).await), Cause::WrongProver, "with a lease");
    owner.submit(&ids[0], None, proof.clone()).await.unwrap();
    assert_eq!(thief.refused(&ids[0], proof).await, Cause::WrongProver, "after the owner");
    assert_eq!(thief.0.credit().await.unwrap().proven_steps, 0);
    assert_eq!(owner.0.credit().await.unwrap().proven_steps, STEPS);
}

#[tokio::test]
async fn a_signed_request_counts_once_and_for_what_it_says() {
    let grid = Grid::start().await;
    let now = grid.clock.now();
    let signed = sign(1, "GET", routes::DONOR, b"", now);
    assert_eq!(send_signed(&grid, "GET", routes::DONOR, b"", &signed).await.status, 200);
    let answer = send_signed(&grid, "GET", routes::DONOR, b"", &signed).await;
    assert_eq!((answer.status, answer.cause().as_str()), (401, "replayed"));

    let refused = async |method: &str, target: &str, body: &[u8], signed| {
        let answer = send_signed(&grid, method, target, body, &signed).await;
        (answer.status, answer.cause())
    };
    let bad = (401, "bad_signature".to_owned());
    let fresh = || sign(1, "GET", routes::DONOR, b"", now);
    assert_eq!(refused("GET", "/v1/donors/me?x=1", b"", fresh()).await, bad);
    assert_eq!(refused("POST", routes::LEASES, b"", fresh()).await, bad);
    let changes: [fn(&mut protocol::SignedHeaders); 4] = [
        |signed| signed.time = signed.time.plus(1),
        |signed| signed.nonce = Nonce::from_bytes([9; 16]),
        |signed| signed.content = Digest::of(b"other"),
        |signed| signed.key = protocol::Identity::from_seed(&[2; 32]).donor_key(),
    ];
    for change in changes {
        let mut signed = fresh();
        change(&mut signed);
        assert_eq!(refused("GET", routes::DONOR, b"", signed).await, bad);
    }
    // Signed for one body, sent with another.
    let signed = sign(1, "POST", routes::LEASES, b"{}", now);
    assert_eq!(refused("POST", routes::LEASES, b"[]", signed).await, (400, "digest_mismatch".to_owned()));
    let answer = get(&grid, routes::DONOR).await;
    assert_eq!((answer.status, answer.cause().as_str()), (401, "missing_signature"));
}

#[tokio::test]
async fn a_replay_is_refused_as_long_as_its_time_would_pass() {
    let grid = Grid::start().await;
    let window = Settings::default().clock_window;
    // Signed as far in the future as is taken, so valid for twice the window.
    let signed = sign(1, "GET", routes::DONOR, b"", grid.clock.now().plus(window));
    assert_eq!(send_signed(&grid, "GET", routes::DONOR, b"", &signed).await.status, 200);
    grid.clock.advance(2 * window);
    assert_eq!(send_signed(&grid, "GET", routes::DONOR, b"", &signed).await.cause(), "replayed");
    grid.clock.advance(1);
    assert_eq!(send_signed(&grid, "GET", routes::DONOR, b"", &signed).await.cause(), "clock_skew");
}

#[tokio::test]
async fn revoked_and_blocked_keys_open_nothing() {
    let grid = Grid::start().await;
    grid.push(1).await;
    grid.store.revoke_key(&grid.key.id(), grid.clock.now()).await.unwrap();
    assert_eq!(cause(grid.uploader().results(&primes(), 0, 1).await), Cause::KeyRevoked);
    let donor = grid.donor(1);
    let lease = donor.lease(LeaseMode::Both).await;
    grid.store.block_donor(&donor.0.identity().donor_key(), true, grid.clock.now()).await.unwrap();
    assert_eq!(cause(donor.0.renew(&lease.token).await), Cause::KeyRevoked);
    assert_eq!(cause(donor.submit(&lease.units[0].id, Some(&lease), donor.proof(0)).await), Cause::KeyRevoked);
}

#[tokio::test]
async fn tricks_with_paths_and_ids_reach_nothing() {
    let grid = Grid::start().await;
    grid.push(1).await;
    let digest = Digest::of(b"the compiled program").to_string();
    let mut targets = vec![
        "/v1/programs/../../cairn.db".to_owned(),
        "/v1/programs/..%2f..%2f..%2fcairn.db".to_owned(),
        "/v1/programs/%2e%2e%2fcairn.db".to_owned(),
        "/v1/programs/%252e%252e".to_owned(),
        "/v1/programs/..\\..\\cairn.db".to_owned(),
        "/v1/programs/".to_owned(),
        "/v1/programs/%00".to_owned(),
        "/v1/programs/%ff%fe".to_owned(),
        "/v1/programs/lock".to_owned(),
        format!("/v1/programs/{digest}%00"),
        format!("/v1/programs/{digest}/"),
        format!("/v1/programs/{digest}/.."),
        format!("/v1/programs/./{digest}"),
        format!("//v1/programs/{digest}"),
        format!("/v1/programs/{}", digest.to_uppercase()),
        format!("/v1/programs/{}", &digest[1..]),
        "/v1/projects/primes'--".to_owned(),
        "/v1/projects/primes%20".to_owned(),
        "/v1/projects/-".to_owned(),
        "/v1/projects/*".to_owned(),
        format!("/v1/projects/{}", "a".repeat(64)),
        format!("/v1/projects/{}", "a".repeat(30_000)),
        "/v1/units/0".to_owned(),
        "/v1/units/'; DROP TABLE units; --".replace(' ', "%20"),
    ];
    targets.extend(
        ["/v1/leases/..", "/etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/static/../Cargo.toml"].map(str::to_owned),
    );
    for target in targets {
        let answer = get(&grid, &target).await;
        assert!(matches!(answer.status, 400 | 401 | 404 | 405 | 414), "{target}: {answer:?}");
    }
    for request in [
        "GET http://evil.example/v1/programs HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".to_owned(),
        "GET /v1/nothing HTTP/1.1\r\nconnection: close\r\n\r\n".to_owned(),
        format!("GET /healthz HTTP/1.1\r\nhost: x\r\nx: {}\r\nconnection: close\r\n\r\n", "y".repeat(300_000)),
        "POST /v1/leases HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\nconnection: close\r\n\r\nhello".to_owned(),
        "NONSENSE\r\n\r\n".to_owned(),
    ] {
        if let Some(answer) = send(&grid, request.as_bytes()).await {
            assert!((400..500).contains(&answer.status), "{request:.60}: {answer:?}");
        }
    }
    assert_eq!(get(&grid, &format!("/v1/programs/{digest}")).await.status, 200);
}

#[tokio::test]
async fn a_gigabyte_of_garbage_is_refused_early() {
    let grid = Grid::start().await;
    let id = grid.push(1).await[0];
    let target = routes::proof(&Digest::of(b"x"));
    // Announced: refused before a byte of it is sent.
    let signed = sign(1, "PUT", &target, b"garbage", grid.clock.now());
    let head = signed_head("PUT", &target, "content-length: 1073741824", &signed);
    let answer = send(&grid, head.as_bytes()).await.unwrap();
    assert_eq!((answer.status, answer.cause().as_str()), (413, "too_large"));

    // Unannounced: refused at the limit.
    let signed = sign(1, "PUT", &target, b"garbage", grid.clock.now());
    let head = signed_head("PUT", &target, "transfer-encoding: chunked", &signed);
    let mut stream = connect(&grid).await;
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut chunk = b"100000\r\n".to_vec();
    chunk.resize(chunk.len() + (1 << 20), 0x5a);
    chunk.extend_from_slice(b"\r\n");
    let mut sent = 0;
    while sent < 1024 && stream.write_all(&chunk).await.is_ok() {
        sent += 1;
    }
    // The limit is 64 MiB; some more fits into the buffers of both sockets and what is read to let the refusal through.
    assert!((60..100).contains(&sent), "{sent} MiB were taken");
    assert_eq!(grid.temporary_files(), 0);
    assert_eq!(grid.state(&id).await, UnitState::Queued);
}

/// The beginning of a submission that never ends: a head, and so many bytes of a body.
async fn unfinished(grid: &Grid, donor: u8, source: &str, target: &str, bytes: usize) -> tokio::net::TcpStream {
    let signed = sign(donor, "PUT", target, b"x", grid.clock.now());
    let length = format!("x-forwarded-for: {source}\r\ncontent-length: 20000000");
    let mut stream = connect(grid).await;
    stream.write_all(signed_head("PUT", target, &length, &signed).as_bytes()).await.unwrap();
    stream.write_all(&vec![0; bytes]).await.unwrap();
    stream
}

#[tokio::test]
async fn what_is_received_at_once_is_bounded() {
    let settings = Settings { max_incoming_bytes: 6 << 20, ..unlimited().settings };
    let grid = Grid::start_with(behind_a_proxy(settings)).await;
    grid.push(1).await;
    let target = routes::proof(&Digest::of(b"x"));
    let mut stream = unfinished(&grid, 2, "203.0.113.1", &target, 5 << 19).await;
    let answer = read_answer(&mut stream).await.unwrap();
    assert_eq!((answer.status, answer.cause().as_str()), (503, "busy"), "a key gets a third of the room");
    assert!(answer.json()["detail"].as_str().unwrap().contains("this key has its share"), "{answer:?}");
    assert_eq!(answer.header("retry-after"), Some("5"));
    drop(stream);
    until(async || grid.app.limits.incoming.taken() == 0 && grid.temporary_files() == 0).await;
    // Three keys at one address: together they get half.
    let mut held = Vec::new();
    for donor in 3..5 {
        held.push(unfinished(&grid, donor, "203.0.113.1", &target, 5 << 18).await);
    }
    until(async || grid.app.limits.incoming.taken() == 5 << 19).await;
    let mut stream = unfinished(&grid, 5, "203.0.113.1", &target, 5 << 18).await;
    let answer = read_answer(&mut stream).await.unwrap();
    assert!(answer.json()["detail"].as_str().unwrap().contains("this address has its share"), "{answer:?}");
    // Everybody else is served.
    let push = async || grid.uploader().put_program(vec![1; 1 << 20].into(), None).await;
    push().await.unwrap();
    drop((stream, held));
    until(async || grid.temporary_files() == 0 && grid.app.limits.incoming.taken() == 0).await;
}

/// Fifty who drip, from an address each, with as much as they can hold.
#[tokio::test]
async fn who_drips_keeps_nobody_from_submitting() {
    let settings = Settings { max_incoming_bytes: 5 << 20, ..unlimited().settings };
    let grid = Grid::start_with(behind_a_proxy(settings)).await;
    let ids = grid.push(2).await;
    let target = routes::proof(&Digest::of(b"x"));
    let mut held = Vec::new();
    for number in 0..50 {
        let source = format!("198.51.100.{number}");
        held.push(unfinished(&grid, 100 + number, &source, &target, 160 << 10).await);
    }
    until(async || grid.app.limits.incoming.taken() > 9 << 19).await;
    let donor = grid.donor(1);
    for (number, id) in (0..).zip(&ids) {
        let receipt = donor.submit(id, None, donor.proof(number)).await.unwrap();
        assert_eq!(receipt.status, ProofStatus::Accepted);
    }
    drop(held);
    until(async || grid.app.limits.incoming.taken() == 0).await;
}

/// A fast beginning buys no slow end.
#[tokio::test]
async fn a_body_that_begins_fast_and_then_drips_is_cut() {
    let settings = Settings { idle_seconds: 1, min_rate: 1 << 20, ..unlimited().settings };
    let grid = Grid::start_with(behind_a_proxy(settings)).await;
    grid.push(1).await;
    let begin = Instant::now();
    let stream = unfinished(&grid, 1, "203.0.113.1", &routes::proof(&Digest::of(b"x")), 16 << 20).await;
    let (mut reading, mut writing) = stream.into_split();
    let drip = tokio::spawn(async move {
        while writing.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    let mut first = [0; 12];
    tokio::io::AsyncReadExt::read_exact(&mut reading, &mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 408");
    // Sixteen mebibytes at the least rate would have bought sixteen seconds.
    assert!(begin.elapsed() < Duration::from_secs(12), "{:?}", begin.elapsed());
    drip.abort();
    until(async || grid.temporary_files() == 0).await;
}

/// Who asks for much and reads nothing loses the connection.
#[tokio::test]
async fn who_does_not_read_is_not_waited_for() {
    let settings = Settings { idle_seconds: 1, min_rate: 1 << 20, ..unlimited().settings };
    let grid = Grid::start_with(Plan { settings, ..Plan::default() }).await;
    let file = vec![7; 48 << 20];
    grid.uploader().put_program(file.clone().into(), None).await.unwrap();
    until(async || grid.app.limits.connections.taken() == 0).await;
    let mut stream = connect(&grid).await;
    let request = format!("GET {} HTTP/1.1\r\nhost: x\r\n\r\n", routes::program(&Digest::of(&file)));
    stream.write_all(request.repeat(3).as_bytes()).await.unwrap();
    until(async || grid.app.limits.connections.taken() == 1).await;
    until(async || grid.app.limits.connections.taken() == 0).await;
    // Who reads gets all of it.
    let got = grid.uploader().program(&Digest::of(&file)).await.unwrap();
    assert_eq!(got.len(), file.len());
}

#[tokio::test]
async fn slow_senders_lose_their_connection() {
    let settings = Settings { idle_seconds: 1, min_rate: 1 << 20, ..Settings::default() };
    let grid = Grid::start_with(Plan { settings, ..Plan::default() }).await;
    grid.push(1).await;
    // A head that never ends.
    let begin = Instant::now();
    let mut stream = connect(&grid).await;
    stream.write_all(b"GET /v1/projects HTTP/1.1\r\nhost: x\r\n").await.unwrap();
    assert!(read_answer(&mut stream).await.is_none_or(|answer| answer.status == 408));
    assert!(begin.elapsed() < Duration::from_secs(10));
    // A body that trickles: never idle for long, but far below the least rate.
    let target = routes::proof(&Digest::of(b"x"));
    let signed = sign(1, "PUT", &target, b"x", grid.clock.now());
    let head = signed_head("PUT", &target, "content-length: 1000000", &signed);
    let mut stream = connect(&grid).await;
    stream.write_all(head.as_bytes()).await.unwrap();
    let begin = Instant::now();
    let (mut reading, mut writing) = stream.split();
    let trickle = async {
        while writing.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let mut first = [0; 12];
    tokio::select! {
        () = trickle => {}
        read = tokio::io::AsyncReadExt::read_exact(&mut reading, &mut first) => {
            read.unwrap();
            assert_eq!(&first, b"HTTP/1.1 408");
        }
    }
    assert!(begin.elapsed() < Duration::from_secs(15), "{:?}", begin.elapsed());
    // Everybody else is served meanwhile and afterwards.
    assert_eq!(get(&grid, "/healthz").await.status, 200);
    assert_eq!(grid.temporary_files(), 0);
}
