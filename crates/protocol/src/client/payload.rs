//! Bodies to be sent: bytes and files, in pieces that are counted on their way.

use super::error::ClientError;
use super::traffic::{Traffic, Way, pass};
use crate::ids::Digest;
use bytes::Bytes;
use futures_util::stream::{self, Stream};
use reqwest::Body;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::io::AsyncReadExt as _;

/// Bytes that travel between two reports of progress.
const CHUNK: usize = 64 << 10;

/// The same where somebody slows them down, so that they come evenly.
const SMALL_CHUNK: usize = 8 << 10;

/// Told how many bytes of how many have travelled.
pub type Progress = Arc<dyn Fn(u64, u64) + Send + Sync>;

/// A body to be sent, as often as needed.
#[derive(Clone, Debug)]
pub enum Payload {
    /// Bytes in memory.
    Bytes(Bytes),
    /// A file, read anew for each try.
    File(PathBuf),
}

impl Payload {
    /// Nothing.
    pub const EMPTY: Self = Self::Bytes(Bytes::new());

    /// Digest and length.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub async fn measure(&self) -> Result<(Digest, u64), ClientError> {
        match self {
            Self::Bytes(bytes) => Ok((Digest::of(bytes), bytes.len() as u64)),
            Self::File(path) => measure_file(path).await.map_err(|error| file_error(path, error)),
        }
    }

    /// The body of a request, with a report of each piece.
    pub(super) async fn body(
        &self,
        length: u64,
        progress: Option<Progress>,
        traffic: Option<Arc<dyn Traffic>>,
    ) -> Result<Body, ClientError> {
        match self {
            Self::Bytes(bytes) if progress.is_none() && traffic.is_none() => Ok(Body::from(bytes.clone())),
            Self::Bytes(bytes) => Ok(Body::wrap_stream(slices(bytes.clone(), progress, traffic))),
            Self::File(path) => {
                let file = tokio::fs::File::open(path).await.map_err(|error| file_error(path, error))?;
                Ok(Body::wrap_stream(pieces(file, length, progress, traffic)))
            }
        }
    }
}

async fn measure_file(path: &Path) -> std::io::Result<(Digest, u64)> {
    let mut file = tokio::fs::File::open(path).await?;
    let (mut hasher, mut length, mut buffer) = (Sha256::new(), 0, vec![0; CHUNK]);
    loop {
        let read = file.read(&mut buffer).await?;
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else {
            return Ok((Digest::from_bytes(hasher.finalize().into()), length));
        };
        hasher.update(bytes);
        length += read as u64;
    }
}

fn slices(
    bytes: Bytes,
    progress: Option<Progress>,
    traffic: Option<Arc<dyn Traffic>>,
) -> impl Stream<Item = std::io::Result<Bytes>> {
    let (total, chunk) = (bytes.len() as u64, chunk(traffic.as_ref()));
    stream::unfold(bytes, move |mut rest| {
        let (progress, traffic) = (progress.clone(), traffic.clone());
        async move {
            if let Some(progress) = &progress {
                progress(total - rest.len() as u64, total);
            }
            let piece = (!rest.is_empty()).then(|| rest.split_to(rest.len().min(chunk)))?;
            pass(traffic.as_ref(), Way::Up, piece.len()).await;
            Some((Ok(piece), rest))
        }
    })
}

fn pieces(
    file: tokio::fs::File,
    total: u64,
    progress: Option<Progress>,
    traffic: Option<Arc<dyn Traffic>>,
) -> impl Stream<Item = std::io::Result<Bytes>> {
    let chunk = chunk(traffic.as_ref());
    stream::unfold((file, 0), move |(mut file, sent)| {
        let (progress, traffic) = (progress.clone(), traffic.clone());
        async move {
            if let Some(progress) = &progress {
                progress(sent, total);
            }
            let mut buffer = vec![0; chunk];
            match file.read(&mut buffer).await {
                Ok(0) => None,
                Ok(read) => {
                    pass(traffic.as_ref(), Way::Up, read).await;
                    buffer.truncate(read);
                    Some((Ok(Bytes::from(buffer)), (file, sent + read as u64)))
                }
                Err(error) => Some((Err(error), (file, sent))),
            }
        }
    })
}

fn chunk(traffic: Option<&Arc<dyn Traffic>>) -> usize {
    if traffic.is_some() { SMALL_CHUNK } else { CHUNK }
}

/// A body of JSON.
pub(super) fn json_payload(value: &impl Serialize) -> Result<Payload, ClientError> {
    let bytes = serde_json::to_vec(value).map_err(|error| ClientError::Setup(error.to_string()))?;
    Ok(Payload::Bytes(bytes.into()))
}

pub(super) fn file_error(path: &Path, source: std::io::Error) -> ClientError {
    ClientError::File { path: path.to_owned(), source }
}
