//! Reading bodies: never more than allowed, never slower than allowed, and what was announced.

use crate::app::App;
use crate::blobs::{BlobError, Spooled};
use crate::config::Settings;
use crate::error::{ApiError, ApiResult};
use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_LENGTH;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use protocol::{Cause, Digest};
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

/// Bytes that are gathered before they are written to disk.
pub const WRITE_SIZE: usize = 1 << 20;

/// How fast a body must come.
#[derive(Debug, Clone, Copy)]
struct Pace {
    begin: Instant,
    idle: Duration,
    min_rate: u64,
}

impl Pace {
    fn new(settings: &Settings) -> Self {
        Self { begin: Instant::now(), idle: settings.idle(), min_rate: settings.min_rate.max(1) }
    }

    /// When the next piece must be there, `read` bytes having come.
    fn deadline(&self, read: u64) -> Instant {
        let by_rate = self.begin + self.idle + Duration::from_millis(read.saturating_mul(1000) / self.min_rate);
        by_rate.min(Instant::now() + self.idle)
    }
}

/// A body that is being read.
pub struct Reader {
    body: Body,
    limit: u64,
    read: u64,
    pace: Pace,
}

impl Reader {
    /// Begins to read; refuses at once what is announced to be too large.
    ///
    /// # Errors
    /// `too_large`.
    pub fn new(body: Body, headers: &HeaderMap, limit: u64, settings: &Settings) -> ApiResult<Self> {
        let announced = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
        if announced.and_then(|length| length.parse::<u64>().ok()).is_some_and(|length| length > limit) {
            return Err(too_large(limit));
        }
        Ok(Self { body, limit, read: 0, pace: Pace::new(settings) })
    }

    /// The next piece; `None` at the end.
    async fn piece(&mut self) -> ApiResult<Option<Bytes>> {
        loop {
            let deadline = self.pace.deadline(self.read);
            let frame = tokio::time::timeout_at(deadline, self.body.frame()).await.map_err(|_| {
                let detail = "the body came too slowly; send it again over a better connection";
                ApiError::new(Cause::BodyTimeout, detail)
            })?;
            let frame = match frame {
                None => return Ok(None),
                Some(Ok(frame)) => frame,
                Some(Err(error)) => {
                    let detail = format!("the body broke off after {} bytes ({error}); send it again", self.read);
                    return Err(ApiError::new(Cause::BadRequest, detail));
                }
            };
            let Ok(data) = frame.into_data() else { continue };
            self.read += data.len() as u64;
            if self.read > self.limit {
                return Err(too_large(self.limit));
            }
            return Ok(Some(data));
        }
    }

    /// The whole body in memory.
    ///
    /// # Errors
    /// If it is too large, too slow, breaks off or is not what was announced.
    pub async fn bytes(mut self, announced: Option<&Digest>) -> ApiResult<Vec<u8>> {
        let mut bytes = Vec::new();
        while let Some(piece) = self.piece().await? {
            bytes.extend_from_slice(&piece);
        }
        if let Some(announced) = announced {
            check(announced, &Digest::of(&bytes))?;
        }
        Ok(bytes)
    }

    /// The whole body in a temporary file.
    ///
    /// # Errors
    /// If it is too large, too slow, breaks off, is not what was announced, or cannot be written.
    pub async fn spool(mut self, app: &App, announced: &Digest) -> ApiResult<Spooled> {
        let (mut file, mut room) = (app.blobs.spool().await?, None);
        let (mut hasher, mut waiting, mut size) = (Sha256::new(), Vec::new(), 0);
        loop {
            let piece = self.piece().await?;
            if let Some(piece) = &piece {
                size += piece.len() as u64;
                hasher.update(piece);
                waiting.extend_from_slice(piece);
            }
            if waiting.len() >= WRITE_SIZE || piece.is_none() {
                take_room(app, &mut room, size)?;
                let full = std::mem::take(&mut waiting);
                let write = move || file.as_file_mut().write_all(&full).map(|()| file);
                let written = tokio::task::spawn_blocking(write).await.map_err(ApiError::internal)?;
                file = written.map_err(BlobError::from)?;
            }
            if piece.is_none() {
                break;
            }
        }
        let sha256 = Digest::from_bytes(hasher.finalize().into());
        check(announced, &sha256)?;
        Ok(Spooled { file, sha256, size, room })
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes), and if it is not the JSON that is expected.
    pub async fn json<T: DeserializeOwned>(self, announced: Option<&Digest>) -> ApiResult<T> {
        parse_json(&self.bytes(announced).await?)
    }
}

/// Takes room on the disk for a file of so many bytes, in whole [`WRITE_SIZE`]s.
fn take_room(app: &App, room: &mut Option<OwnedSemaphorePermit>, bytes: u64) -> ApiResult<()> {
    let taken = room.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
    let more = (bytes.div_ceil(WRITE_SIZE as u64) as u32).saturating_sub(taken as u32);
    let more = Arc::clone(&app.incoming).try_acquire_many_owned(more).map_err(|_| {
        let most = app.settings.max_incoming_bytes;
        let detail = format!("more than {most} bytes of files are being received at once; keep the file and try again");
        ApiError::new(Cause::Busy, detail)
    })?;
    match room {
        Some(room) => room.merge(more),
        None => *room = Some(more),
    }
    Ok(())
}

/// Reads JSON.
///
/// # Errors
/// `bad_request` with the place.
pub fn parse_json<T: DeserializeOwned>(bytes: &[u8]) -> ApiResult<T> {
    serde_json::from_slice(bytes).map_err(|error| {
        let detail = format!("the body is not the JSON that is expected here: {error}");
        ApiError::new(Cause::BadRequest, detail)
    })
}

fn check(announced: &Digest, found: &Digest) -> ApiResult<()> {
    if announced == found {
        return Ok(());
    }
    let detail =
        format!("the body's SHA-256 is {found}, announced was {announced}; it was damaged on the way, send it again");
    Err(ApiError::new(Cause::DigestMismatch, detail))
}

fn too_large(limit: u64) -> ApiError {
    ApiError::new(Cause::TooLarge, format!("the body has more than {limit} bytes, the most that is taken here"))
}
