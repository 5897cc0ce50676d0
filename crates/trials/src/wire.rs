//! Requests from an address of our choice, signed or not, as they are written here: what a typed client would never send goes too.

use anyhow::Context as _;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::HeaderMap;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use protocol::{Cause, Digest, HEADER_PROTOCOL, Identity, Nonce, PROTOCOL_VERSION, Problem, Timestamp};
use serde::de::DeserializeOwned;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::net::{TcpSocket, TcpStream};

/// Most bytes of an answer that are read.
const MOST: usize = 256 << 20;

/// Longest wait for a connection, and for an answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Errors
    /// If it is none of this type.
    pub fn json<T: DeserializeOwned>(&self) -> anyhow::Result<T> {
        serde_json::from_slice(&self.body).with_context(|| format!("an answer with status {}", self.status))
    }

    /// Why the request was refused, if it was.
    pub fn cause(&self) -> Option<Cause> {
        if self.status.is_success() {
            return None;
        }
        Some(self.json::<Problem>().map_or(Cause::Unknown, |problem| problem.cause))
    }

    /// When to come back, if that is said.
    pub fn retry_after(&self) -> Option<Duration> {
        let seconds = self.headers.get("retry-after")?.to_str().ok()?.parse().ok()?;
        Some(Duration::from_secs(seconds))
    }
}

/// Opens a connection from an address of this machine.
///
/// # Errors
/// If the distributor does not take it in time.
pub async fn connect(from: IpAddr, to: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.set_nodelay(true)?;
    socket.bind((from, 0).into())?;
    tokio::time::timeout(PATIENCE, socket.connect(to)).await?
}

/// A connection that is opened when it is needed, and again when it broke.
#[derive(Debug)]
pub struct Wire {
    from: IpAddr,
    to: SocketAddr,
    open: Option<SendRequest<Full<Bytes>>>,
}

impl Wire {
    /// Nothing is opened yet.
    pub const fn new(from: IpAddr, to: SocketAddr) -> Self {
        Self { from, to, open: None }
    }

    /// The address that requests come from.
    pub const fn from(&self) -> IpAddr {
        self.from
    }

    /// The address that they go to.
    pub const fn to(&self) -> SocketAddr {
        self.to
    }

    /// Ends the connection.
    pub fn close(&mut self) {
        self.open = None;
    }

    /// Sends a request and reads the answer.
    ///
    /// # Errors
    /// If there is no connection or it breaks. Whether the request arrived is not known then.
    pub async fn ask(
        &mut self,
        method: &Method,
        target: &str,
        headers: &[(&str, String)],
        body: Bytes,
    ) -> anyhow::Result<Answer> {
        let answer = tokio::time::timeout(PATIENCE, self.exchange(method, target, headers, body)).await;
        let answer = answer.unwrap_or_else(|_| Err(anyhow::anyhow!("no answer within {PATIENCE:?}")));
        if answer.is_err() {
            self.close();
        }
        answer
    }

    async fn exchange(
        &mut self,
        method: &Method,
        target: &str,
        headers: &[(&str, String)],
        body: Bytes,
    ) -> anyhow::Result<Answer> {
        let mut sender = match self.open.take().filter(|sender| !sender.is_closed()) {
            Some(sender) => sender,
            None => {
                let stream = connect(self.from, self.to).await?;
                let (sender, connection) = handshake(TokioIo::new(stream)).await?;
                // It ends with the sender; why it broke is told to whoever waits for an answer.
                tokio::spawn(async move { drop(connection.await) });
                sender
            }
        };
        sender.ready().await?;
        let mut request = Request::builder().method(method).uri(target).header("host", self.to.to_string());
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let answer = sender.send_request(request.body(Full::new(body))?).await?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = Limited::new(answer.into_body(), MOST).collect().await;
        let body = body.map_err(|error| anyhow::anyhow!("{error}"))?.to_bytes();
        self.open = Some(sender);
        Ok(Answer { status, headers, body })
    }
}

/// Headers of a request signed now.
///
/// # Errors
/// If the operating system gives no random bytes.
pub fn sign(
    identity: &Identity,
    method: &Method,
    target: &str,
    body: &[u8],
    time: Timestamp,
) -> anyhow::Result<Vec<(&'static str, String)>> {
    let signed = identity.sign_request(method.as_str(), target, Digest::of(body), time, Nonce::random()?);
    let mut headers = signed.to_headers().to_vec();
    headers.push((HEADER_PROTOCOL, PROTOCOL_VERSION.to_string()));
    Ok(headers)
}
