//! `/v1/projects/{name}/events`: server-sent events.

use super::extract::At;
use super::projects::unknown;
use crate::app::App;
use crate::auth::{Scope, Uploader};
use crate::error::{ApiError, ApiResult};
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream::{self, Stream};
use protocol::{Cause, Event, Problem, ProjectName};
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::watch;

/// Events that are sent at once.
const BATCH: u32 = 500;

/// Another process, such as the command line, may change units unnoticed by this one: so look from time to time.
const LOOK: Duration = Duration::from_secs(2);

/// Rounds of silence after which a comment keeps the connection open.
const QUIET_ROUNDS: u32 = 7;

/// Changes of units, as they happen, each with its number as `id`. After `Last-Event-ID`, or from now on.
#[utoipa::path(
    get, path = "/v1/projects/{name}/events", tag = "results", security(("uploader" = [])),
    params(
        ("name" = String, Path, description = "The project"),
        ("last-event-id" = Option<u64>, Header, description = "Number of the last event that is known"),
    ),
    responses(
        (status = 200, body = Event, content_type = "text/event-stream"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn stream(
    State(app): State<App>,
    At(name): At<ProjectName>,
    uploader: Uploader,
    headers: HeaderMap,
) -> ApiResult<Response> {
    uploader.may(Scope::Read, &name)?;
    app.store.project(&name, app.now()).await?.ok_or_else(|| unknown(&name))?;
    let after = match headers.get("last-event-id") {
        None => app.store.last_event().await?,
        Some(id) => id.to_str().ok().and_then(|id| id.parse().ok()).ok_or_else(|| {
            ApiError::new(Cause::BadRequest, "the header `Last-Event-ID` holds no number of an event")
        })?,
    };
    let listener = Listener { changes: app.listen(), app, name, after, quiet: 0 };
    let mut response = Body::from_stream(messages(listener)).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(response)
}

/// Somebody who listens to a project.
struct Listener {
    app: App,
    name: ProjectName,
    after: u64,
    changes: watch::Receiver<u64>,
    quiet: u32,
}

/// The messages, until the distributor stops or the store fails; the listener then comes back.
fn messages(listener: Listener) -> impl Stream<Item = Result<Bytes, Infallible>> {
    stream::unfold(listener, |mut listener| async move {
        let message = listener.next().await?;
        Some((Ok(message), listener))
    })
}

impl Listener {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            self.changes.mark_unchanged();
            let events = self.app.store.events(&self.name, self.after, BATCH).await.ok()?;
            if let Some(last) = events.last() {
                (self.after, self.quiet) = (last.seq, 0);
                return Some(events.iter().filter_map(message).collect::<String>().into());
            }
            self.quiet += 1;
            if self.quiet > QUIET_ROUNDS {
                self.quiet = 0;
                return Some(Bytes::from_static(b": still here\n\n"));
            }
            tokio::select! {
                () = self.app.stopping.cancelled() => return None,
                changed = self.changes.changed() => changed.ok()?,
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }
}

fn message(event: &Event) -> Option<String> {
    let data = serde_json::to_string(event).ok()?;
    Some(format!("id: {}\nevent: unit\ndata: {data}\n\n", event.seq))
}
