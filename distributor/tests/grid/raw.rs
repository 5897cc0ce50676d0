//! Requests by hand, for what no honest client sends.

use crate::harness::Grid;
use protocol::{Digest, Identity, Nonce, SignedHeaders, Timestamp};
use serde_json::Value;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// An answer, taken apart.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub fn cause(&self) -> String {
        self.json()["cause"].as_str().unwrap().to_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(header, _)| header.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

pub async fn connect(grid: &Grid) -> TcpStream {
    TcpStream::connect(grid.address.trim_start_matches("http://")).await.unwrap()
}

/// Reads until the distributor closes the connection.
pub async fn read_answer(stream: &mut TcpStream) -> Option<Answer> {
    let mut bytes = Vec::new();
    // A reset after the answer is as good as an end.
    let _ = tokio::time::timeout(Duration::from_secs(30), stream.read_to_end(&mut bytes)).await.expect("no answer");
    let text = String::from_utf8_lossy(&bytes);
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Answer { status, head: head.to_owned(), body: body.to_owned() })
}

/// Sends bytes as they are, and reads the answer.
pub async fn send(grid: &Grid, request: &[u8]) -> Option<Answer> {
    let mut stream = connect(grid).await;
    stream.write_all(request).await.unwrap();
    read_answer(&mut stream).await
}

/// A request without a body.
pub async fn get(grid: &Grid, target: &str) -> Answer {
    let request = format!("GET {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    send(grid, request.as_bytes()).await.unwrap()
}

/// The head of a signed request.
pub fn signed_head(method: &str, target: &str, length: &str, signed: &SignedHeaders) -> String {
    let mut head = format!("{method} {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{length}\r\n");
    for (name, value) in signed.to_headers() {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    head
}

/// Signs a request at a time.
pub fn sign(donor: u8, method: &str, target: &str, body: &[u8], time: Timestamp) -> SignedHeaders {
    let nonce = Nonce::random().unwrap();
    Identity::from_seed(&[donor; 32]).sign_request(method, target, Digest::of(body), time, nonce)
}

/// Sends a signed request whose body may be another one.
pub async fn send_signed(grid: &Grid, method: &str, target: &str, body: &[u8], signed: &SignedHeaders) -> Answer {
    let mut request = signed_head(method, target, &format!("content-length: {}", body.len()), signed).into_bytes();
    request.extend_from_slice(body);
    send(grid, &request).await.unwrap()
}
