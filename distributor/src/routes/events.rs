//! `/v1/projects/{name}/events`: server-sent events.

use super::extract::At;
use crate::app::App;
use crate::auth::{Scope, Uploader};
use crate::error::{ApiError, ApiResult};
use crate::feeds::{self, Batch, Subscription};
use crate::limits::limited;
use crate::share::Hold;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, Stream};
use protocol::{Cause, Event, ProjectName};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

/// Silence after which a comment keeps the connection open.
const QUIET: Duration = Duration::from_secs(15);

/// Changes of units, as they happen, each with its number as `id`. After `Last-Event-ID`, or from now on.
#[utoipa::path(
    get, path = "/v1/projects/{name}/events", tag = "results", security(("uploader" = ["read"])),
    params(
        ("name" = String, Path, description = "The project"),
        ("last-event-id" = Option<u64>, Header, description = "Number of the last event that is known"),
    ),
    responses(
        (status = 200, body = Event, content_type = "text/event-stream"),
        (status = 404, description = "`unknown_project`"),
        (status = 410, description = "`events_folded`"),
    )
)]
pub async fn stream(
    State(app): State<App>,
    At(name): At<ProjectName>,
    uploader: Uploader,
    headers: HeaderMap,
) -> ApiResult<Response> {
    uploader.may(Scope::Read, &name)?;
    app.store.project_owner(&name).await?.ok_or_else(|| ApiError::unknown_project(&name))?;
    let known = headers.get("last-event-id").map(|id| {
        let id = id.to_str().ok().and_then(|id| id.parse::<u64>().ok());
        let bad = || ApiError::new(Cause::BadRequest, "the header `Last-Event-ID` holds no number of an event");
        id.ok_or_else(bad)
    });
    let known = known.transpose()?;
    if let Some(known) = known {
        check_kept(&app, &name, known).await?;
    }
    let place = app.limits.streams.take(uploader.owner(), 1).map_err(|full| {
        limited(format!("too many streams of events are open: {full}; close some, or ask for pages of units"), 60)
    })?;
    let subscription = app.feeds.subscribe(&name).await?;
    let revoked = app.feeds.watch(uploader.id());
    let (after, behind) = (known.unwrap_or_else(|| subscription.last()), known.is_some());
    let listener = Listener { app, name, after, behind, subscription, revoked, _place: place };
    let mut response = Body::from_stream(messages(listener)).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // A proxy that gathers events keeps them back.
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(response)
}

/// Refuses to go on after an event beyond which not all are kept.
async fn check_kept(app: &App, name: &ProjectName, known: u64) -> ApiResult<()> {
    let folded = app.store.folded_events(name).await?;
    if known >= folded {
        return Ok(());
    }
    let detail = format!(
        "events up to {folded} are not kept any more, and {known} was the last known; list the units, then listen without \
         `Last-Event-ID`"
    );
    Err(ApiError::new(Cause::EventsFolded, detail))
}

/// Somebody who listens to a project.
struct Listener {
    app: App,
    name: ProjectName,
    /// Number of the last event that was sent.
    after: u64,
    /// Whether the store may have events after that which nobody will hand to us.
    behind: bool,
    subscription: Subscription,
    /// Cancelled when the access key is revoked.
    revoked: Arc<CancellationToken>,
    _place: Hold,
}

/// The messages, until the key is revoked, the distributor stops or the store fails; the listener then comes back.
fn messages(listener: Listener) -> impl Stream<Item = Result<Bytes, Infallible>> {
    stream::unfold(listener, |mut listener| async move {
        let revoked = Arc::clone(&listener.revoked);
        let message = tokio::select! {
            biased;
            () = revoked.cancelled() => None,
            message = listener.next() => message,
        };
        Some((Ok(message?), listener))
    })
}

impl Listener {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if self.behind
                && let Some(message) = self.catch_up().await?
            {
                return Some(message);
            }
            tokio::select! {
                () = self.app.stopping.cancelled() => return None,
                batch = self.subscription.batches.recv() => match batch {
                    Ok(batch) if batch.after > self.after => self.behind = true,
                    Ok(batch) => if let Some(message) = self.news(&batch) { return Some(message) },
                    Err(RecvError::Lagged(_)) => self.behind = true,
                    Err(RecvError::Closed) => return None,
                },
                () = tokio::time::sleep(QUIET) => return Some(Bytes::from_static(b": still here\n\n")),
            }
        }
    }

    /// Reads what was missed from the store; nothing if there is no more of it. `None` if that fails.
    async fn catch_up(&mut self) -> Option<Option<Bytes>> {
        let read = self.subscription.last();
        let events = self.app.feeds.missed(&self.name, self.after).await.ok()?;
        if let Some(last) = events.last() {
            // Whoever is that far behind comes back and is told.
            check_kept(&self.app, &self.name, self.after).await.ok()?;
            self.after = last.seq;
            return Some(Some(join(events.iter().filter_map(feeds::message))));
        }
        // Nothing lies between, so what comes next goes on from there.
        self.after = self.after.max(read);
        self.behind = false;
        Some(None)
    }

    /// What of a batch was not sent before.
    fn news(&mut self, batch: &Batch) -> Option<Bytes> {
        let news = batch.events.iter().filter(|(number, _)| *number > self.after);
        let message = join(news.map(|(_, message)| message.clone()));
        self.after = self.after.max(batch.events.last()?.0);
        Some(message).filter(|message| !message.is_empty())
    }
}

fn join(messages: impl Iterator<Item = Bytes>) -> Bytes {
    let mut joined = BytesMut::new();
    messages.for_each(|message| joined.extend_from_slice(&message));
    joined.freeze()
}
