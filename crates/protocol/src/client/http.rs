//! One request: address, headers, answer, refusal.

use super::config::{ClientConfig, is_loopback};
use super::error::ClientError;
use super::payload::{Payload, Progress, file_error};
use super::traffic::{Way, pass};
use super::{proxy, tls};
use crate::ids::Digest;
use crate::problem::{PROBLEM_JSON, Problem};
use crate::text::printable;
use crate::{HEADER_PROTOCOL, PROTOCOL_VERSION};
use bytes::Bytes;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION};
use reqwest::{Client, Method, Response};
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::time::{Instant, timeout};

/// Most bytes of an answer that has a few fields.
pub(super) const MAX_SMALL_JSON: u64 = 64 << 10;

/// Most bytes of an answer with the arguments of one unit, at most [`crate::MAX_UNIT_ARGUMENTS`].
pub(super) const MAX_UNIT_JSON: u64 = 8 << 20;

/// Most bytes of a list, or of a unit with its output, at most [`crate::MAX_FELTS`]. What is too large for one page is asked
/// for in smaller ones.
pub(super) const MAX_LIST_JSON: u64 = 96 << 20;

/// Most bytes of a refusal.
const MAX_PROBLEM: u64 = 64 << 10;

/// One request, ready to be sent.
pub(super) struct Call<'a> {
    pub method: Method,
    /// Path and query.
    pub target: &'a str,
    pub headers: Vec<(&'static str, String)>,
    pub payload: Payload,
    pub length: u64,
    pub json: bool,
    pub progress: Option<Progress>,
}

impl<'a> Call<'a> {
    pub fn new(method: Method, target: &'a str) -> Self {
        Self { method, target, headers: Vec::new(), payload: Payload::EMPTY, length: 0, json: false, progress: None }
    }
}

/// The connection to one distributor.
#[derive(Clone, Debug)]
pub(super) struct Http {
    client: Client,
    pub config: ClientConfig,
}

impl Http {
    pub fn new(config: ClientConfig) -> Result<Self, ClientError> {
        static PROVIDER: Once = Once::new();
        // An error means that the program has set one already.
        PROVIDER.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
        // The client's own limit on silence would count the time of sending, too.
        let mut builder = Client::builder()
            .user_agent(&config.user_agent)
            .connect_timeout(config.connect_timeout)
            .redirect(reqwest::redirect::Policy::none());
        if config.address.host_str().is_some_and(is_loopback) {
            builder = builder.no_proxy();
        }
        let needs_certificates = config.address.scheme() == "https" || proxy::is_encrypted();
        if !needs_certificates {
            builder = builder.tls_certs_only([]);
        }
        let client = builder.build().map_err(|error| {
            let reason = proxy::redact(&innermost(&error));
            let roots = needs_certificates && reason.contains("No CA certificates");
            ClientError::Setup(if roots { tls::no_roots() } else { printable(&reason, 500) })
        })?;
        Ok(Self { client, config })
    }

    pub fn address(&self, target: &str) -> String {
        format!("{}{target}", self.config.address.as_str().trim_end_matches('/'))
    }

    pub fn unreachable(&self, error: &reqwest::Error) -> ClientError {
        if let Some(reason) = tls::certificate(error) {
            return ClientError::Certificate { address: self.config.address.to_string(), reason };
        }
        if error.is_timeout() {
            return self.silent();
        }
        self.cut(&proxy::redact(&innermost(error)))
    }

    /// Nothing comes.
    fn silent(&self) -> ClientError {
        self.cut("it does not answer in time")
    }

    fn cut(&self, reason: &str) -> ClientError {
        let through =
            if self.config.address.host_str().is_some_and(is_loopback) { String::new() } else { proxy::note() };
        let reason = format!("{}{through}", printable(reason, 500));
        ClientError::Unreachable { address: self.config.address.to_string(), reason }
    }

    /// The next piece of a body. `waited` is how long all of them were waited for, and `length` what came of them. Time in which
    /// we ourselves slow things down does not count.
    pub async fn piece(
        &self,
        response: &mut Response,
        waited: &mut Duration,
        length: u64,
    ) -> Result<Option<Bytes>, ClientError> {
        let begin = Instant::now();
        let piece = timeout(self.config.idle_timeout, response.chunk()).await.map_err(|_| self.silent())?;
        let piece = piece.map_err(|error| self.unreachable(&error))?;
        *waited = waited.saturating_add(begin.elapsed());
        if *waited > self.config.pace.time(length) {
            return Err(self.cut("what it sends comes too slowly"));
        }
        Ok(piece)
    }

    /// Sends a request once. An answer that is no success is an error.
    pub async fn send(&self, call: &Call<'_>) -> Result<Response, ClientError> {
        let mut headers = HeaderMap::new();
        headers.insert(HEADER_PROTOCOL, HeaderValue::from(PROTOCOL_VERSION));
        for (name, value) in &call.headers {
            let value = HeaderValue::from_str(value).map_err(|_| ClientError::Setup(format!("bad header {name}")))?;
            headers.insert(HeaderName::from_static(name), value);
        }
        let mut request = self.client.request(call.method.clone(), self.address(call.target)).headers(headers);
        if call.length > 0 || matches!(call.method, Method::PUT | Method::POST) {
            let media = if call.json { "application/json" } else { "application/octet-stream" };
            let traffic = self.config.traffic.clone();
            let body = call.payload.body(call.length, call.progress.clone(), traffic).await?;
            request = request.header(CONTENT_TYPE, media).header(CONTENT_LENGTH, call.length).body(body);
        }
        let patience = self.config.pace.time(call.length).max(self.config.idle_timeout);
        // Without a body nothing explains a long silence.
        let patience = match (call.length, &self.config.traffic) {
            (0, _) => self.config.idle_timeout,
            (_, None) => patience,
            // We may slow it down ourselves.
            (_, Some(_)) => patience.saturating_mul(8),
        };
        let sent = timeout(patience, request.send()).await.map_err(|_| self.silent())?;
        let response = sent.map_err(|error| self.unreachable(&error))?;
        let version = response.headers().get(HEADER_PROTOCOL).map(HeaderValue::as_bytes);
        let Some(version) = version.map(|version| String::from_utf8_lossy(version).into_owned()) else {
            return Err(self.stranger(call.target, &response));
        };
        if version.parse() != Ok(PROTOCOL_VERSION) {
            return Err(ClientError::Version { found: printable(&version, 20), ours: PROTOCOL_VERSION });
        }
        if response.status().is_success() { Ok(response) } else { Err(self.refusal(call.target, response).await) }
    }

    pub fn bad_answer(&self, target: &str, status: u16, reason: String) -> ClientError {
        ClientError::Answer { address: self.address(target), reason: printable(&reason, 500), status }
    }

    /// An answer without our header: of whom it may be, in plain words.
    fn stranger(&self, target: &str, response: &Response) -> ClientError {
        let status = response.status().as_u16();
        let location =
            response.headers().get(LOCATION).map(|place| String::from_utf8_lossy(place.as_bytes()).into_owned());
        let reason = match (status, location) {
            (300..=399, Some(place)) => format!(
                "it redirects to `{}`, which is not followed. If the distributor has moved, give its new address; a network that \
                 wants a login first answers so, too",
                printable(&proxy::redact(&place), 200)
            ),
            (407, _) => "a proxy wants a name and a password; give them in HTTPS_PROXY or HTTP_PROXY, as http://NAME:PASSWORD@HOST:PORT"
                .to_owned(),
            (511, _) => "this network wants a login first (status 511)".to_owned(),
            (401 | 403 | 451, _) => {
                format!("something on the way, such as a proxy or a firewall, does not let the request through (status {status})")
            }
            (502..=504, _) => format!("a server in front of the distributor says that it is out of reach (status {status})"),
            (200..=299, _) => format!(
                "it lacks the header `{HEADER_PROTOCOL}`; is this the address of a distributor? A network that wants a login first \
                 answers so, too"
            ),
            _ => format!("its status is {status}, without the header `{HEADER_PROTOCOL}`"),
        };
        self.bad_answer(target, status, reason)
    }

    async fn refusal(&self, target: &str, response: Response) -> ClientError {
        let status = response.status().as_u16();
        let media = response.headers().get(CONTENT_TYPE).and_then(|media| media.to_str().ok()).unwrap_or_default();
        if media.split(';').next().map(str::trim) != Some(PROBLEM_JSON) {
            return self.bad_answer(target, status, format!("its status is {status} without a problem document"));
        }
        match self.read(target, response, MAX_PROBLEM, None).await {
            Ok(bytes) => match serde_json::from_slice::<Problem>(&bytes) {
                // What the document says of its status may be anything.
                Ok(problem) => ClientError::Refused(Box::new(Problem { status, ..problem })),
                Err(error) => self.bad_answer(target, status, format!("its problem document cannot be read: {error}")),
            },
            Err(error) => error,
        }
    }

    /// The whole body of an answer, up to a limit.
    pub async fn read(
        &self,
        target: &str,
        mut response: Response,
        limit: u64,
        progress: Option<&Progress>,
    ) -> Result<Vec<u8>, ClientError> {
        let total = response.content_length().unwrap_or(0);
        let (mut bytes, mut waited) = (Vec::new(), Duration::ZERO);
        while let Some(chunk) = self.piece(&mut response, &mut waited, bytes.len() as u64).await? {
            if bytes.len() as u64 + chunk.len() as u64 > limit {
                return Err(ClientError::TooLarge { address: self.address(target), limit });
            }
            pass(self.config.traffic.as_ref(), Way::Down, chunk.len()).await;
            bytes.extend_from_slice(&chunk);
            if let Some(progress) = progress {
                progress(bytes.len() as u64, total);
            }
        }
        Ok(bytes)
    }

    /// Reads JSON of at most `limit` bytes.
    pub async fn read_json<T: DeserializeOwned>(
        &self,
        target: &str,
        response: Response,
        limit: u64,
    ) -> Result<T, ClientError> {
        let status = response.status().as_u16();
        let bytes = self.read(target, response, limit, None).await?;
        serde_json::from_slice(&bytes)
            .map_err(|error| self.bad_answer(target, status, format!("its JSON is not as expected: {error}")))
    }

    /// Writes a file's bytes next to `path` and renames it once digest and length are right. Leaves nothing behind otherwise.
    pub async fn save(
        &self,
        target: &str,
        response: Response,
        expected: &Digest,
        limit: u64,
        path: &Path,
        progress: Option<&Progress>,
    ) -> Result<u64, ClientError> {
        let mut temporary = path.as_os_str().to_owned();
        temporary.push(".part");
        let temporary = PathBuf::from(temporary);
        let written = self.write(target, response, limit, &temporary, progress).await;
        let kept = match written {
            Ok((found, length)) if found == *expected => {
                tokio::fs::rename(&temporary, path).await.map(|()| length).map_err(|error| file_error(path, error))
            }
            Ok((found, _)) => Err(ClientError::Digest { address: self.address(target), expected: *expected, found }),
            Err(error) => Err(error),
        };
        if kept.is_err() {
            // It may not even have been made; what matters is the first error.
            let _ = tokio::fs::remove_file(&temporary).await;
        }
        kept
    }

    async fn write(
        &self,
        target: &str,
        mut response: Response,
        limit: u64,
        temporary: &Path,
        progress: Option<&Progress>,
    ) -> Result<(Digest, u64), ClientError> {
        let total = response.content_length().unwrap_or(0);
        let failed = |error| file_error(temporary, error);
        let mut file = tokio::fs::File::create(temporary).await.map_err(failed)?;
        let (mut hasher, mut length, mut waited) = (Sha256::new(), 0, Duration::ZERO);
        while let Some(chunk) = self.piece(&mut response, &mut waited, length).await? {
            length += chunk.len() as u64;
            if length > limit {
                return Err(ClientError::TooLarge { address: self.address(target), limit });
            }
            hasher.update(&chunk);
            file.write_all(&chunk).await.map_err(failed)?;
            pass(self.config.traffic.as_ref(), Way::Down, chunk.len()).await;
            if let Some(progress) = progress {
                progress(length, total);
            }
        }
        file.sync_all().await.map_err(failed)?;
        Ok((Digest::from_bytes(hasher.finalize().into()), length))
    }
}

/// The last error of the chain, which says what happened.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
