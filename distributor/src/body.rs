//! Reading bodies: never more than allowed, never slower than allowed, within the sender's share of the room, and what was
//! announced.

use crate::app::App;
use crate::blobs::{BlobError, Spooled};
use crate::error::{ApiError, ApiResult};
use crate::pace::Pace;
use crate::share::{Full, Hold, Owner};
use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_LENGTH;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use protocol::{Cause, Digest};
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use std::io::Write as _;
use tokio::time::Instant;

/// Bytes that are gathered before they are written to disk.
pub const WRITE_SIZE: usize = 1 << 16;

/// A body that is being read.
pub struct Reader {
    app: App,
    owner: Owner,
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
    pub fn new(app: &App, owner: Owner, body: Body, headers: &HeaderMap, limit: u64) -> ApiResult<Self> {
        let announced = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
        if announced.and_then(|length| length.parse::<u64>().ok()).is_some_and(|length| length > limit) {
            return Err(too_large(limit));
        }
        Ok(Self { app: app.clone(), owner, body, limit, read: 0, pace: Pace::new(&app.settings) })
    }

    /// The next piece; `None` at the end.
    async fn piece(&mut self, room: &Hold) -> ApiResult<Option<Bytes>> {
        let begin = Instant::now();
        let frame = tokio::select! {
            frame = tokio::time::timeout(self.pace.left(), self.body.frame()) => frame,
            () = room.taken_back() => return Err(no_room(Full::TakenBack)),
        };
        let frame = frame.map_err(|_| {
            let detail = "the body came too slowly; send it again over a better connection";
            ApiError::new(Cause::BodyTimeout, detail)
        })?;
        let frame = match frame {
            None => return Ok(None),
            Some(Ok(frame)) => frame,
            Some(Err(error)) => {
                let detail = format!("the body broke off after {} bytes ({error}); send it again", self.read);
                return Err(ApiError::new(Cause::BodyBroken, detail));
            }
        };
        let data = frame.into_data().unwrap_or_default();
        self.pace.moved(begin.elapsed(), data.len() as u64);
        self.read += data.len() as u64;
        if self.read > self.limit {
            return Err(too_large(self.limit));
        }
        room.grow(data.len() as u64).map_err(no_room)?;
        Ok(Some(data))
    }

    /// The whole body in memory, with the room that it takes there.
    ///
    /// # Errors
    /// If it is too large, too slow, breaks off, is not what was announced, or there is no room.
    pub async fn bytes(mut self, announced: Option<&Digest>) -> ApiResult<(Vec<u8>, Hold)> {
        let (mut bytes, room) = (Vec::new(), self.app.limits.bodies.nothing(self.owner));
        while let Some(piece) = self.piece(&room).await? {
            bytes.extend_from_slice(&piece);
        }
        if let Some(announced) = announced {
            check(announced, &Digest::of(&bytes))?;
        }
        Ok((bytes, room))
    }

    /// The whole body in a temporary file.
    ///
    /// # Errors
    /// If it is too large, too slow, breaks off, is not what was announced, there is no room, or it cannot be
    /// written.
    pub async fn spool(mut self, announced: &Digest) -> ApiResult<Spooled> {
        let (mut file, room) = (self.app.blobs.spool().await?, self.app.limits.incoming.nothing(self.owner));
        let (mut hasher, mut waiting, mut size) = (Sha256::new(), Vec::new(), 0);
        loop {
            let piece = self.piece(&room).await?;
            if let Some(piece) = &piece {
                size += piece.len() as u64;
                hasher.update(piece);
                waiting.extend_from_slice(piece);
            }
            if waiting.len() >= WRITE_SIZE || piece.is_none() {
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
        room.keep().map_err(no_room)?;
        Ok(Spooled { file, sha256, size, room })
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes), and if it is not the JSON that is expected.
    pub async fn json<T: DeserializeOwned>(self, announced: Option<&Digest>) -> ApiResult<T> {
        let (bytes, _room) = self.bytes(announced).await?;
        parse_json(&bytes)
    }
}

/// The sender has its share of the room, or there is none.
fn no_room(full: Full) -> ApiError {
    let whose = match full {
        Full::Key => "this key has its share of the room for them",
        Full::Source => "this address has its share of the room for them",
        Full::All => "there is no room for more",
        Full::TakenBack => "others, who have less of it, needed the room",
    };
    let detail = format!("too many bytes are being received at once, and {whose}; keep the file and try again");
    ApiError::new(Cause::Busy, detail)
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
