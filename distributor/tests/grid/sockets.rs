//! What no client of HTTP sends: the distributor answers as HTTP says or closes, and serves everybody else.

use crate::harness::{Grid, Plan, until};
use crate::raw::{connect, get, read_answer, send, sign, signed_head};
use distributor::clock::Clock as _;
use distributor::config::Settings;
use protocol::routes;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// Everything that comes back until the connection ends.
async fn exchange(grid: &Grid, bytes: &[u8]) -> String {
    let mut stream = connect(grid).await;
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    let _ = tokio::time::timeout(Duration::from_secs(40), read).await.expect("the connection stays open");
    String::from_utf8_lossy(&answer).into_owned()
}

fn statuses(text: &str) -> Vec<u16> {
    let heads = text.split("HTTP/1.1 ").skip(1);
    heads.filter_map(|head| head.get(..3).and_then(|status| status.parse().ok())).collect()
}

async fn quick() -> Grid {
    let settings = Settings { idle_seconds: 1, ..Settings::default() };
    Grid::start_with(Plan { settings, ..Plan::default() }).await
}

#[tokio::test]
async fn a_request_that_hides_in_another_is_not_served() {
    let grid = quick().await;
    let hidden = "GET /v1/projects HTTP/1.1\r\nhost: x\r\n\r\n";
    let both = |te: &str| {
        format!(
            "POST /v1/leases HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n{te}\r\n\r\n0\r\n\r\n{hidden}",
            hidden.len() + 5
        )
    };
    // Chunked wins over a length, as RFC 9112 says, and then nothing more on the connection is believed.
    for te in ["transfer-encoding: chunked", "Transfer-Encoding:\tchunked", "transfer-encoding: gzip, chunked"] {
        let answers = statuses(&exchange(&grid, both(te).as_bytes()).await);
        assert!(answers.len() <= 1 && answers.iter().all(|status| (400..500).contains(status)), "{te}: {answers:?}");
    }
    let tricks = [
        both("transfer-encoding: xchunked"),
        both("transfer-encoding: chunked, identity"),
        both("transfer-encoding : chunked"),
        format!("POST /v1/leases HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\ncontent-length: 40\r\n\r\n{hidden}"),
        format!("POST /v1/leases HTTP/1.1\r\nhost: x\r\ncontent-length: +0\r\n\r\n{hidden}"),
        format!("POST /v1/leases HTTP/1.1\r\nhost: x\r\ncontent-length: 0, 0\r\n\r\n{hidden}"),
        format!("POST /v1/leases HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n{hidden}"),
        format!("POST /v1/leases HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999999999999\r\n\r\n{hidden}"),
        format!("POST /v1/leases HTTP/1.0\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n{hidden}"),
        format!("POST /v1/leases HTTP/1.1\r\nhost: x\r\n folded: y\r\n\r\n{hidden}"),
        format!("POST /v1/leases HTTP/1.1\r\nhost: x\r\nx\0y: z\r\n\r\n{hidden}"),
        format!("POST /v1/leases HTTP/1.1\r\nhost: x\r\nx: a\rb\r\n\r\n{hidden}"),
    ];
    for trick in tricks {
        let answers = statuses(&exchange(&grid, trick.as_bytes()).await);
        assert!(answers.iter().all(|status| (400..500).contains(status)), "{trick:?}: {answers:?}");
    }
    assert_eq!(get(&grid, "/healthz").await.status, 200);
}

#[tokio::test]
async fn chunks_that_are_none_are_refused() {
    let grid = quick().await;
    grid.push(1).await;
    let head = |body: &str| {
        let signed = sign(1, "POST", routes::LEASES, b"{}", grid.clock.now());
        signed_head("POST", routes::LEASES, "transfer-encoding: chunked", &signed) + body
    };
    let huge = format!("{}\r\n", "f".repeat(17));
    let extension = format!("2;{}\r\n{{}}\r\n0\r\n\r\n", "x".repeat(1 << 20));
    let trailers = format!("2\r\n{{}}\r\n0\r\n{}\r\n", "x-y: z\r\n".repeat(100_000));
    let bodies = ["zz\r\n", "-1\r\n", "2\r\n{}XX0\r\n\r\n", "2\r\n{", &huge, &extension, &trailers, "\r\n\r\n"];
    for body in bodies {
        let answer = exchange(&grid, head(body).as_bytes()).await;
        let answers = statuses(&answer);
        assert!(answers.len() <= 1, "{body:.20}");
        assert!(answers.iter().all(|status| (400..500).contains(status)), "{body:.20}: {answer}");
    }
    until(async || grid.app.limits.bodies.taken() == 0).await;
}

#[tokio::test]
async fn many_requests_at_once_are_answered_in_order() {
    let grid = quick().await;
    let three = "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\nGET /nothing HTTP/1.1\r\nhost: x\r\n\r\n\
                 GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    assert_eq!(statuses(&exchange(&grid, three.as_bytes()).await), [200, 404, 200]);
    let flood = "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n".repeat(100);
    let answers = statuses(&exchange(&grid, flood.as_bytes()).await);
    assert_eq!(answers, [200; 100]);
}

#[tokio::test]
async fn heads_are_bounded_in_size_number_and_time() {
    let grid = quick().await;
    let huge = format!("GET /healthz HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "y".repeat(1 << 20));
    let many = format!("GET /healthz HTTP/1.1\r\nhost: x\r\n{}\r\n", "x: y\r\n".repeat(5000));
    let long = format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(1 << 20));
    for head in [huge, many, long] {
        let answers = statuses(&exchange(&grid, head.as_bytes()).await);
        assert!(answers.iter().all(|status| matches!(status, 400 | 414 | 431)), "{head:.30}: {answers:?}");
    }
    // A head that comes byte by byte, and a connection on which nothing comes: both end.
    let begin = Instant::now();
    let mut slow = connect(&grid).await;
    let silent = connect(&grid).await;
    for byte in b"GET /healthz HTTP/1.1\r\nx: ".iter().chain(std::iter::repeat(&b'y')) {
        if slow.write_all(&[*byte]).await.is_err() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(begin.elapsed() < Duration::from_secs(15));
    until(async || grid.app.limits.connections.taken() == 0).await;
    drop(silent);
}

#[tokio::test]
async fn half_a_connection_is_no_trouble() {
    let grid = quick().await;
    let mut stream = connect(&grid).await;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    // The end may be noticed before the answer is made; either is in order, hanging is not.
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 200"));
    for part in ["", "G", "GET / HTTP/1.1\r\n", "POST /v1/leases HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc"]
    {
        let mut stream = connect(&grid).await;
        stream.write_all(part.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let _ = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut answer)).await.expect(part);
    }
    // A request that was cut on its way is told from one that is not understood: the sender may send it again.
    let body = [b' '; 40];
    let signed = sign(1, "POST", routes::LEASES, &body, grid.clock.now());
    let mut stream = connect(&grid).await;
    stream.write_all(signed_head("POST", routes::LEASES, "content-length: 40", &signed).as_bytes()).await.unwrap();
    stream.write_all(&body[..7]).await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(read_answer(&mut stream).await.unwrap().cause(), "body_broken");
    for garbage in
        [&[0_u8; 4096][..], b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"]
    {
        let answers = statuses(&exchange(&grid, garbage).await);
        assert!(answers.iter().all(|status| (400..600).contains(status)), "{answers:?}");
    }
    until(async || grid.app.limits.connections.taken() == 0).await;
    assert_eq!(get(&grid, "/healthz").await.status, 200);
}

#[tokio::test]
async fn methods_that_no_address_takes_are_named_and_cut() {
    let grid = quick().await;
    let method = "M".repeat(8000);
    let request = format!("{method} /v1/projects HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    let answer = send(&grid, request.as_bytes()).await.unwrap();
    assert_eq!(answer.status, 405);
    assert!(answer.body.len() < 500, "{}", answer.body.len());
    for request in [
        "CONNECT x:1 HTTP/1.1\r\nhost: x\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nhost: x\r\n\r\n",
        "TRACE / HTTP/1.1\r\nhost: x\r\n\r\n",
    ] {
        let answers = statuses(&exchange(&grid, request.as_bytes()).await);
        assert!(answers.iter().all(|status| (400..500).contains(status)), "{request}: {answers:?}");
    }
}
