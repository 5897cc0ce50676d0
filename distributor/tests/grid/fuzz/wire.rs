//! A request as it goes out, and its answer.

use crate::harness::Grid;
use crate::raw::connect;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A request, as it goes out.
pub struct Request {
    pub method: String,
    pub target: String,
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Vec<u8>,
    pub chunked: bool,
    /// Who signed it, if anybody did.
    pub donor: u8,
}

impl Request {
    pub fn show(&self) -> String {
        let headers = self.headers.iter().map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value)));
        let body = String::from_utf8_lossy(&self.body[..self.body.len().min(2000)]);
        format!("{} {}\n{}\n\n{body}", self.method, self.target, headers.collect::<Vec<_>>().join("\n"))
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = format!("{} {} HTTP/1.1\r\nhost: x\r\n", self.method, self.target).into_bytes();
        for (name, value) in &self.headers {
            bytes.extend_from_slice(name.as_bytes());
            bytes.extend_from_slice(b": ");
            bytes.extend(value.iter().filter(|byte| **byte >= 32 && **byte != 127));
            bytes.extend_from_slice(b"\r\n");
        }
        if self.chunked {
            bytes.extend_from_slice(b"transfer-encoding: chunked\r\n\r\n");
            for chunk in self.body.chunks(700) {
                bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                bytes.extend_from_slice(chunk);
                bytes.extend_from_slice(b"\r\n");
            }
            bytes.extend_from_slice(b"0\r\n\r\n");
        } else {
            bytes.extend_from_slice(format!("content-length: {}\r\n\r\n", self.body.len()).as_bytes());
            bytes.extend_from_slice(&self.body);
        }
        bytes
    }
}

pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let body = String::from_utf8_lossy(&self.body[..self.body.len().min(2000)]);
        write!(f, "{}\n\n{body}", self.head)
    }
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(header, _)| header.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// Sends a request and reads its answer, of a stream the head alone.
pub async fn ask(grid: &Grid, connection: &mut Option<TcpStream>, request: &Request) -> Option<Answer> {
    let reused = connection.is_some();
    let mut stream = match connection.take() {
        Some(stream) => stream,
        None => connect(grid).await,
    };
    let asked = tokio::time::timeout(Duration::from_secs(60), async {
        stream.write_all(&request.bytes()).await.ok()?;
        read(&mut stream).await
    });
    let answer = asked.await.unwrap_or_else(|_| panic!("no answer: {}", request.show()));
    match &answer {
        // A connection that was left alone may have been closed meanwhile.
        None if reused => return Box::pin(ask(grid, connection, request)).await,
        Some(answer) if answer.header("connection") != Some("close") && answer.header("content-length").is_some() => {
            *connection = Some(stream);
        }
        _ => {}
    }
    answer
}

async fn read(stream: &mut TcpStream) -> Option<Answer> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let mut answer = Answer { status, head, body: bytes.split_off(end + 4) };
    let length = answer.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    while answer.body.len() < length {
        if stream.read_buf(&mut answer.body).await.ok()? == 0 {
            return None;
        }
    }
    Some(answer)
}
