//! What one sender may have only so much of, and what is remembered of senders.

use crate::harness::{Grid, behind_a_proxy, cause, primes, until};
use crate::raw::{Answer, connect, get, read_answer, send, send_signed, sign, signed_head};
use distributor::clock::Clock as _;
use distributor::config::Settings;
use protocol::client::UploaderClient;
use protocol::{Cause, Digest, Identity, LeaseMode, routes};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

async fn from(grid: &Grid, client: &str, target: &str) -> Answer {
    let request = format!("GET {target} HTTP/1.1\r\nhost: x\r\nx-forwarded-for: {client}\r\nconnection: close\r\n\r\n");
    send(grid, request.as_bytes()).await.unwrap()
}

async fn signed_from(grid: &Grid, client: &str, donor: u8, target: &str) -> Answer {
    let signed = sign(donor, "GET", target, b"", grid.clock.now());
    let head = signed_head("GET", target, &format!("x-forwarded-for: {client}"), &signed);
    send(grid, head.as_bytes()).await.unwrap()
}

/// Nonces that were written down.
async fn nonces(grid: &Grid) -> i64 {
    let path = grid.folder().join("cairn.db");
    let pool = sqlx::SqlitePool::connect(&format!("sqlite:{}", path.display())).await.unwrap();
    let count = sqlx::query_scalar("SELECT count(*) FROM nonces").fetch_one(&pool).await.unwrap();
    pool.close().await;
    count
}

#[tokio::test]
async fn requests_are_counted_by_address_and_a_header_changes_nothing() {
    let grid =
        Grid::start_with(behind_a_proxy(Settings { source_requests_per_minute: 8, ..Settings::default() })).await;
    let status = async |client: &str| from(&grid, client, "/v1/projects").await.status;
    assert_eq!([status("203.0.113.1").await, status("203.0.113.1").await], [200; 2]);
    let refused = from(&grid, "203.0.113.1", "/v1/projects").await;
    assert_eq!((refused.status, refused.cause().as_str()), (429, "rate_limited"));
    assert_eq!(refused.header("retry-after"), Some("8"));
    assert_eq!(status("198.51.100.7, 203.0.113.1").await, 429, "what the client wrote itself is not believed");
    assert_eq!(status("203.0.113.2").await, 200);
    // All addresses of one IPv6 network are one sender.
    assert_eq!([status("2001:db8::1").await, status("2001:db8::ffff:2").await], [200; 2]);
    assert_eq!([status("2001:db8::3").await, status("2001:db8:0:1::3").await], [429, 200]);
    // Health checks count for themselves, and refused signatures like anything else.
    assert_eq!(from(&grid, "203.0.113.1", "/healthz").await.status, 200);
    assert_eq!(signed_from(&grid, "203.0.113.1", 1, routes::DONOR).await.status, 429);
    grid.clock.advance(8);
    assert_eq!(status("203.0.113.1").await, 200);
}

#[tokio::test]
async fn an_access_key_does_not_share_its_address_s_rate() {
    let limits = Settings { source_requests_per_minute: 8, key_requests_per_minute: 40, ..Settings::default() };
    let grid = Grid::start_with(behind_a_proxy(limits)).await;
    let uploader = grid.uploader();
    for _ in 0..10 {
        assert_eq!(cause(uploader.results(&primes(), 0, 1).await), Cause::UnknownProject);
    }
    assert_eq!(cause(uploader.results(&primes(), 0, 1).await), Cause::RateLimited);
    let other = UploaderClient::new(crate::harness::config(&grid.address), None).unwrap();
    other.projects().await.unwrap();
}

#[tokio::test]
async fn nothing_is_written_for_who_is_refused() {
    let limits =
        Settings { requests_per_minute: 8, unleased_per_minute: 1, new_keys_per_hour: 2, ..Settings::default() };
    let grid = Grid::start_with(behind_a_proxy(limits)).await;
    let (target, now) = (routes::proof(&Digest::of(b"x")), grid.clock.now());
    for number in 0..6 {
        let status = signed_from(&grid, "203.0.113.1", 1, routes::DONOR).await.status;
        assert_eq!(status, if number < 2 { 200 } else { 429 });
    }
    assert_eq!(nonces(&grid).await, 2);
    // Submissions without a lease.
    for number in 0..4 {
        let signed = sign(1, "PUT", &target, b"x", now);
        let answer = send_signed(&grid, "PUT", &target, b"x", &signed).await;
        assert_eq!(answer.status, if number == 0 { 400 } else { 429 });
    }
    assert_eq!(nonces(&grid).await, 3);
    // Signatures that do not hold, and that are too old.
    let mut forged = sign(2, "GET", routes::DONOR, b"", now);
    forged.nonce = protocol::Nonce::from_bytes([1; 16]);
    assert_eq!(send_signed(&grid, "GET", routes::DONOR, b"", &forged).await.status, 401);
    let old = sign(2, "GET", routes::DONOR, b"", protocol::Timestamp(now.0 - 10_000));
    assert_eq!(send_signed(&grid, "GET", routes::DONOR, b"", &old).await.cause(), "clock_skew");
    // One key too many.
    for donor in 2..6 {
        let status = signed_from(&grid, "203.0.113.9", donor, routes::DONOR).await.status;
        assert_eq!(status, if donor < 4 { 200 } else { 429 }, "{donor}");
    }
    assert_eq!(nonces(&grid).await, 5);
}

#[tokio::test]
async fn new_donors_are_limited_by_address_and_known_ones_are_not() {
    let grid = Grid::start_with(behind_a_proxy(Settings { new_keys_per_hour: 2, ..Settings::default() })).await;
    grid.push(5).await;
    grid.donor(1).lease(LeaseMode::Both).await;
    let status = async |donor: u8, client: &str| signed_from(&grid, client, donor, routes::DONOR).await.status;
    assert_eq!(status(2, "127.0.0.1").await, 200);
    let refused = signed_from(&grid, "127.0.0.1", 3, routes::DONOR).await;
    assert_eq!((refused.status, refused.cause().as_str()), (429, "rate_limited"));
    assert_eq!(refused.header("retry-after"), Some("1800"));
    assert_eq!([status(1, "127.0.0.1").await, status(2, "127.0.0.1").await], [200; 2]);
    assert_eq!(status(3, "203.0.113.1").await, 200, "elsewhere there is room");
    grid.clock.advance(1800);
    assert_eq!(status(4, "127.0.0.1").await, 200);
}

#[tokio::test]
async fn a_clock_that_was_wrong_freezes_no_bucket() {
    let grid = Grid::start_with(behind_a_proxy(Settings { requests_per_minute: 8, ..Settings::default() })).await;
    let right = grid.clock.now().0;
    let ask = async || signed_from(&grid, "203.0.113.1", 1, routes::DONOR).await.status;
    for wrong in [right + 365 * 86_400, right - 86_400] {
        grid.clock.set(wrong);
        assert_eq!([ask().await, ask().await, ask().await], [200, 200, 429], "a step gives nothing away");
        grid.clock.set(right);
        assert_eq!(ask().await, 429);
        grid.clock.advance(15);
        assert_eq!([ask().await, ask().await], [200; 2], "and takes nothing away");
        grid.clock.advance(15);
    }
}

#[tokio::test]
async fn connections_are_shared_among_addresses() {
    let limits = Settings { max_connections: 64, source_connections: 4, ..Settings::default() };
    let grid = Grid::start_with(crate::harness::Plan { settings: limits, ..Default::default() }).await;
    let mut held = Vec::new();
    for number in 1..=4 {
        held.push(connect(&grid).await);
        until(async || grid.app.limits.connections.taken() == number).await;
    }
    let answer = get_unless_reset(&grid).await;
    if let Some(answer) = answer {
        assert_eq!((answer.status, answer.cause().as_str()), (503, "busy"));
        assert_eq!(answer.header("retry-after"), Some("5"));
        assert!(answer.json()["detail"].as_str().unwrap().contains("the address has its share"), "{answer:?}");
    }
    assert_eq!(grid.app.limits.connections.taken(), 4);
    held.pop();
    until(async || grid.app.limits.connections.taken() == 3).await;
    assert_eq!(get(&grid, "/healthz").await.status, 200);
    drop(held);
    until(async || grid.app.limits.connections.taken() == 0).await;
    assert_eq!(grid.app.limits.connections.holders(), 0);
}

/// What a connection that has no place is told, if it comes to hear it.
async fn get_unless_reset(grid: &Grid) -> Option<Answer> {
    let mut stream = connect(grid).await;
    read_answer(&mut stream).await
}

/// As many requests as one likes on one connection; how many answers came.
async fn many(grid: &Grid, requests: impl IntoIterator<Item = String>) -> usize {
    let (mut reading, mut writing) = connect(grid).await.into_split();
    let read = tokio::spawn(async move {
        let mut text = Vec::new();
        let _ = reading.read_to_end(&mut text).await;
        String::from_utf8_lossy(&text).matches("HTTP/1.1 ").count()
    });
    for request in requests {
        writing.write_all(request.as_bytes()).await.unwrap();
    }
    writing.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    tokio::time::timeout(Duration::from_secs(60), read).await.unwrap().unwrap()
}

/// Nothing that a client makes up becomes a label, nor anything else that stays.
#[tokio::test]
async fn made_up_words_are_not_remembered() {
    let unlimited =
        Settings { source_requests_per_minute: 0, new_keys_per_hour: 0, max_connections: 100, ..Settings::default() };
    let grid = Grid::start_with(behind_a_proxy(unlimited)).await;
    let series = async || {
        let figures = get(&grid, "/metrics").await.body;
        assert!(!figures.contains("M1") && !figures.contains("p17"), "{figures}");
        figures.lines().count()
    };
    let round = |round: usize| {
        let (grid, now) = (&grid, grid.clock.now());
        async move {
            let odd = (0..1000).map(|number| {
                let number = 1000 * round + number;
                let method = format!("M{number}{}", "X".repeat(number % 500));
                let (key, port) = (format!("Bearer cairn_{number:012x}_{number:064x}"), number % 65536);
                format!(
                    "{method} /p{number}?q{number}=1 HTTP/1.1\r\nhost: h{number}:{port}\r\nx-h{number}: 1\r\n\
                     x-request-id: id{number}\r\nx-forwarded-for: 10.0.{}.{}\r\nauthorization: {key}\r\n\
                     user-agent: u{number}\r\n\r\n",
                    number / 256 % 256,
                    number % 256
                )
            });
            assert_eq!(many(grid, odd).await, 1001);
            let gets = (0..1000).map(|number| {
                let number = 1000 * round + number;
                format!(
                    "GET /v1/projects/p{number} HTTP/1.1\r\nhost: x\r\ncairn-protocol: {}\r\n\
                     last-event-id: {number}\r\n\r\n",
                    if usize::is_multiple_of(number, 2) { "1".to_owned() } else { format!("v{number}") }
                )
            });
            assert_eq!(many(grid, gets).await, 1001);
            for number in 0..50 {
                let mut seed = [round as u8; 32];
                seed[0] = number;
                let nonce = protocol::Nonce::random().unwrap();
                let empty = Digest::of(b"");
                let signed = Identity::from_seed(&seed).sign_request("GET", routes::DONOR, empty, now, nonce);
                assert_eq!(send_signed(grid, "GET", routes::DONOR, b"", &signed).await.status, 200);
            }
        }
    };
    // The first look makes figures of itself.
    series().await;
    round(0).await;
    let (lines, before) = (series().await, grid.app.limits.remembered());
    round(1).await;
    round(2).await;
    assert_eq!(series().await, lines, "figures do not grow");
    // Fifty new keys a round: one bucket each, and a note that it was let in. Nothing else.
    assert!(grid.app.limits.remembered() <= before + 2 * 2 * 50 + 8, "{}", grid.app.limits.remembered());
}

#[tokio::test]
async fn a_path_prefix_is_the_operators_word_alone() {
    let prefixed = Settings { path_prefix: "/cairn".parse().unwrap(), ..Settings::default() };
    let grid = Grid::start_with(crate::harness::Plan { settings: prefixed, ..Default::default() }).await;
    assert_eq!(get(&grid, "/cairn/v1/projects").await.status, 200);
    assert_eq!(get(&grid, "/v1/projects").await.status, 200, "a proxy may have cut it off already");
    assert_eq!(get(&grid, "/other/v1/projects").await.status, 404);
    // Donors sign what follows the distributor's address.
    let signed = sign(1, "GET", routes::DONOR, b"", grid.clock.now());
    let target = format!("/cairn{}", routes::DONOR);
    assert_eq!(send_signed(&grid, "GET", &target, b"", &signed).await.status, 200);
    let whole = sign(1, "GET", &target, b"", grid.clock.now());
    assert_eq!(send_signed(&grid, "GET", &target, b"", &whole).await.cause(), "bad_signature");
    let grid = Grid::start().await;
    for header in ["x-forwarded-prefix: /cairn", "x-forwarded-path: /cairn", "x-original-url: /healthz"] {
        let request = format!("GET /cairn/v1/projects HTTP/1.1\r\nhost: x\r\n{header}\r\nconnection: close\r\n\r\n");
        assert_eq!(send(&grid, request.as_bytes()).await.unwrap().status, 404, "{header}");
    }
    // Pages find their parts wherever they stand.
    for page in ["/", "/docs"] {
        let body = get(&grid, page).await.body;
        let absolute = body.contains("href=\"/") || body.contains("src=\"/") || body.contains("fetch(\"/");
        assert!(!absolute && body.contains("href=\"./assets/site.css\""));
    }
}
