//! Connections that no HTTP client would make.

use super::{Attacker, Deed};
use crate::wire::{connect, sign};
use hyper::Method;
use protocol::{Digest, HEADER_LEASE, LeaseMode, Timestamp, routes};
use rand::Rng as _;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Longest that a connection is held open.
const LONGEST: Duration = Duration::from_secs(120);

/// Longest wait for an answer that should come at once.
const PATIENCE: Duration = Duration::from_secs(30);

impl Attacker {
    async fn open(&self) -> std::io::Result<TcpStream> {
        connect(self.wire.from(), self.wire.to()).await
    }

    /// Reads the status of an answer, if one comes.
    async fn status(&mut self, deed: Deed, stream: &mut TcpStream) {
        let mut start = [0; 12];
        let read = tokio::time::timeout(PATIENCE, stream.read_exact(&mut start)).await;
        let outcome = match (read, start.get(9..)) {
            (Ok(Ok(_)), Some(status)) => String::from_utf8_lossy(status).into_owned(),
            (Ok(_), _) => "closed".to_owned(),
            (Err(_), _) => "no answer".to_owned(),
        };
        self.tally.note(deed, &outcome);
    }

    /// Announces a megabyte and sends a byte now and then.
    pub(super) async fn drip(&mut self) -> anyhow::Result<()> {
        let Some(lease) = self.take(Deed::Drip, LeaseMode::Both).await? else { return Ok(()) };
        let target = routes::proof(&Digest::of(lease.units[0].id.as_bytes()));
        let mut head = format!("PUT {target} HTTP/1.1\r\nhost: x\r\ncontent-length: 1048576\r\n");
        for (name, value) in sign(&self.identity, &Method::PUT, &target, b"drip", Timestamp::now())? {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("{HEADER_LEASE}: {}\r\n\r\n", lease.token));
        let mut stream = self.open().await?;
        stream.write_all(head.as_bytes()).await?;
        // Enough at once to take room for it, and then as little as keeps the connection alive.
        stream.write_all(&[0; 200 << 10]).await?;
        let pause = Duration::from_millis(self.random.random_range(500..11_000));
        for _ in 0..LONGEST.as_millis() / pause.as_millis().max(1) {
            if !self.linger(pause).await {
                self.tally.note(Deed::Drip, "held to the end");
                return Ok(());
            }
            let mut byte = [0];
            let answered = tokio::time::timeout(Duration::from_millis(1), stream.peek(&mut byte)).await.is_ok();
            if answered || stream.write_all(&byte).await.is_err() {
                self.status(Deed::Drip, &mut stream).await;
                return Ok(());
            }
        }
        self.tally.note(Deed::Drip, "held as long as wanted");
        Ok(())
    }

    /// A method of any length, new each time.
    pub(super) async fn methods(&mut self) -> anyhow::Result<()> {
        let length = if self.random.random() { 16_000 } else { 12 };
        let method: String = (0..length).map(|_| char::from(self.random.random_range(b'A'..=b'Z'))).collect();
        let target = if self.random.random() { "/v1/projects" } else { "/v1/leases" };
        let mut stream = self.open().await?;
        let request = format!("{method} {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        self.status(Deed::Methods, &mut stream).await;
        Ok(())
    }

    /// A stream of events that nobody reads.
    pub(super) async fn stream(&mut self) -> anyhow::Result<()> {
        let (key, project) = self.orders.uploader.clone();
        let mut stream = self.open().await?;
        let head = format!(
            "GET /v1/projects/{project}/events HTTP/1.1\r\nhost: x\r\nlast-event-id: 0\r\nauthorization: Bearer {}\r\n\r\n",
            key.reveal()
        );
        stream.write_all(head.as_bytes()).await?;
        self.status(Deed::Streams, &mut stream).await;
        self.linger(LONGEST).await;
        Ok(())
    }

    /// A head that does not end, or is larger than any.
    pub(super) async fn heads(&mut self) -> anyhow::Result<()> {
        let mut stream = self.open().await?;
        match self.random.random_range(0..4) {
            0 => {
                stream.write_all(b"GET /v1/projects HTTP/1.1\r\nhost: x\r\nx-slow:").await?;
                let mut byte = [0];
                tokio::select! {
                    _ = stream.read(&mut byte) => self.tally.note(Deed::Heads, "an endless head was cut off"),
                    () = tokio::time::sleep(LONGEST) => self.tally.note(Deed::Heads, "an endless head was held"),
                }
                return Ok(());
            }
            1 => {
                let request = format!("GET / HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "y".repeat(300_000));
                // It may be refused before it is all there.
                let _ = stream.write_all(request.as_bytes()).await;
            }
            2 => {
                let request =
                    "POST /v1/leases HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffff\r\n";
                stream.write_all(request.as_bytes()).await?;
            }
            _ => {
                let noise = self.garbage(10_000);
                let _ = stream.write_all(&noise).await;
                let _ = stream.write_all(b"\r\n\r\n").await;
            }
        }
        self.status(Deed::Heads, &mut stream).await;
        Ok(())
    }
}
