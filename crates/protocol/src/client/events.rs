//! A project's events, as they happen.

use super::error::ClientError;
use super::http::Http;
use crate::unit::Event;
use reqwest::Response;
use std::time::Duration;

/// Most bytes of one event.
const MAX_EVENT_BYTES: usize = 1 << 20;

/// An open stream of server-sent events. When it ends, open another one after the last event's number.
#[derive(Debug)]
pub struct EventStream {
    http: Http,
    target: String,
    response: Response,
    buffer: Vec<u8>,
    /// Bytes of the buffer that were looked through.
    seen: usize,
}

impl EventStream {
    pub(super) const fn new(http: Http, target: String, response: Response) -> Self {
        Self { http, target, response, buffer: Vec::new(), seen: 0 }
    }

    /// The next event; `None` when the distributor ends the stream.
    ///
    /// # Errors
    /// If the connection breaks or what comes is no event.
    pub async fn next(&mut self) -> Result<Option<Event>, ClientError> {
        loop {
            while let Some(end) = self.end_of_message() {
                let message: Vec<u8> = self.buffer.drain(..end).collect();
                if let Some(event) = self.parse(&message)? {
                    return Ok(Some(event));
                }
            }
            if self.buffer.len() > MAX_EVENT_BYTES {
                return Err(self.bad("an event has no end"));
            }
            // A stream has no end, so it has no pace.
            match self.http.piece(&mut self.response, &mut Duration::default(), 0).await? {
                Some(chunk) => self.buffer.extend_from_slice(&chunk),
                None => return Ok(None),
            }
        }
    }

    /// Where the first message in the buffer ends.
    fn end_of_message(&mut self) -> Option<usize> {
        let rest = self.buffer.get(self.seen..).unwrap_or_default();
        let end = rest.windows(2).position(|pair| pair == b"\n\n").map(|at| self.seen + at + 2);
        self.seen = if end.is_some() { 0 } else { self.buffer.len().saturating_sub(1) };
        end
    }

    /// The event of a message; `None` for a comment that only keeps the connection open.
    fn parse(&self, message: &[u8]) -> Result<Option<Event>, ClientError> {
        let text = std::str::from_utf8(message).map_err(|_| self.bad("an event is no UTF-8 text"))?;
        let data: Vec<&str> =
            text.lines().filter_map(|line| line.strip_prefix("data:")).map(|data| data.trim_start()).collect();
        if data.is_empty() {
            return Ok(None);
        }
        let event = serde_json::from_str(&data.join("\n"));
        event.map(Some).map_err(|error| self.bad(&format!("an event is not as expected: {error}")))
    }

    fn bad(&self, reason: &str) -> ClientError {
        self.http.bad_answer(&self.target, self.response.status().as_u16(), reason.to_owned())
    }
}
