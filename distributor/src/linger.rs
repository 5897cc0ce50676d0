//! A request may be refused before its body was read. If the connection were then closed at once, the client, still sending,
//! might never see the refusal. So what is left of a body of modest size is read and thrown away first.

use axum::body::{Body, HttpBody as _};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Frame, SizeHint};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

/// Most bytes that are thrown away.
const MOST_BYTES: u64 = 4 << 20;

/// Most time that is spent on it.
const MOST_TIME: Duration = Duration::from_secs(5);

/// Where an unread body is left.
type Slot = Arc<Mutex<Option<Body>>>;

/// A body that is left in the slot when it is dropped before its end.
struct Lingering {
    body: Body,
    ended: bool,
    slot: Slot,
}

impl hyper::body::Body for Lingering {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if matches!(polled, Poll::Ready(None | Some(Err(_)))) {
            self.ended = true;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Lingering {
    fn drop(&mut self) {
        if !self.ended && !self.body.is_end_stream() {
            let body = std::mem::take(&mut self.body);
            *self.slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(body);
        }
    }
}

/// The layer.
pub async fn linger(request: Request, next: Next) -> Response {
    let slot = Slot::default();
    let inner = Arc::clone(&slot);
    let request = request.map(|body| Body::new(Lingering { body, ended: false, slot: inner }));
    let response = next.run(request).await;
    let left = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(body) = left
        && hyper::body::Body::size_hint(&body).lower() <= MOST_BYTES
    {
        // Too slow or too much: then the client has had its chance.
        let _ = tokio::time::timeout(MOST_TIME, discard(body)).await;
    }
    response
}

async fn discard(mut body: Body) {
    let mut left = MOST_BYTES;
    while let Some(Ok(frame)) = body.frame().await {
        let length = frame.data_ref().map_or(0, Bytes::len) as u64;
        match left.checked_sub(length) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}
