//! Events on their way to whoever listens. However many listen to a project, its events are read once, by a task of its own, and
//! handed to all; only who comes back after a break reads the store, and few at once do. Nothing is read unless something happened: no
//! other process changes units.

use crate::app::App;
use crate::error::{ApiError, ApiResult};
use bytes::Bytes;
use protocol::{Event, ProjectName, UploaderKeyId};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::{Semaphore, broadcast};
use tokio_util::sync::CancellationToken;

/// Events that are read at once.
const BATCH: u32 = 500;

/// Batches that a listener may be behind before it has to read the store.
const BATCHES: usize = 16;

/// Least time between two reads for one project: what happens meanwhile goes out together.
const GATHER: Duration = Duration::from_millis(50);

/// Listeners that read the store at once.
const READERS: usize = 4;

/// How often keys with open streams are looked at: the operator's command revokes them in the database.
const LOOK: Duration = Duration::from_secs(1);

/// Events of one project, ready to be sent.
#[derive(Debug)]
pub struct Batch {
    /// Number of the event before them.
    pub after: u64,
    /// Each with its number.
    pub events: Vec<(u64, Bytes)>,
}

/// What is read for one project.
#[derive(Debug, Clone)]
struct Feed {
    batches: broadcast::Sender<Arc<Batch>>,
    last: Arc<AtomicU64>,
}

/// All projects that somebody listens to, and all keys with which somebody does.
#[derive(Debug)]
pub struct Feeds {
    feeds: Mutex<HashMap<ProjectName, Feed>>,
    keys: Mutex<HashMap<UploaderKeyId, Weak<CancellationToken>>>,
    /// Taken by listeners that read the store.
    readers: Semaphore,
    reads: AtomicU64,
}

impl Default for Feeds {
    fn default() -> Self {
        Self {
            feeds: Mutex::default(),
            keys: Mutex::default(),
            readers: Semaphore::new(READERS),
            reads: AtomicU64::new(0),
        }
    }
}

/// A listener's end.
#[derive(Debug)]
pub struct Subscription {
    /// What comes.
    pub batches: broadcast::Receiver<Arc<Batch>>,
    last: Arc<AtomicU64>,
}

impl Subscription {
    /// Number of the last event that was read for all.
    pub fn last(&self) -> u64 {
        self.last.load(Ordering::Acquire)
    }
}

impl Feeds {
    /// How often events were read from the store.
    pub fn reads(&self) -> u64 {
        self.reads.load(Ordering::Relaxed)
    }

    /// Whether no listener reads the store at the moment.
    pub fn idle(&self) -> bool {
        self.readers.available_permits() == READERS
    }

    /// Projects and keys that are remembered.
    pub fn remembered(&self) -> usize {
        lock(&self.feeds).len() + lock(&self.keys).len()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // Each change is one call of a map, so a panic elsewhere leaves nothing half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Listens to a project from now on.
///
/// # Errors
/// If the store fails.
pub async fn subscribe(app: &App, name: &ProjectName) -> ApiResult<Subscription> {
    let last = app.store.last_event().await?;
    let mut feeds = lock(&app.feeds.feeds);
    let feed = feeds.entry(name.clone()).or_insert_with(|| {
        let feed = Feed { batches: broadcast::Sender::new(BATCHES), last: Arc::new(AtomicU64::new(last)) };
        tokio::spawn(run(app.clone(), name.clone(), feed.clone()));
        feed
    });
    Ok(Subscription { batches: feed.batches.subscribe(), last: Arc::clone(&feed.last) })
}

/// Reads from the store what a listener missed.
///
/// # Errors
/// If the store fails.
pub async fn missed(app: &App, name: &ProjectName, after: u64) -> ApiResult<Vec<Event>> {
    let _turn = app.feeds.readers.acquire().await.map_err(ApiError::internal)?;
    app.feeds.reads.fetch_add(1, Ordering::Relaxed);
    Ok(app.store.events(name, after, BATCH).await?)
}

/// Reads for all, as long as somebody listens and the distributor does not stop.
async fn run(app: App, name: ProjectName, feed: Feed) {
    let mut changes = app.listen();
    loop {
        changes.mark_unchanged();
        if let Err(error) = read(&app, &name, &feed).await {
            // The listeners come back.
            tracing::warn!(%error, project = %name, "events could not be read");
            break;
        }
        tokio::select! {
            () = app.stopping.cancelled() => break,
            () = feed.batches.closed() => {
                let mut feeds = lock(&app.feeds.feeds);
                if feed.batches.receiver_count() == 0 {
                    feeds.remove(&name);
                    return;
                }
            }
            changed = changes.changed() => if changed.is_err() { break },
        }
        tokio::select! {
            () = app.stopping.cancelled() => break,
            () = tokio::time::sleep(GATHER) => {}
        }
    }
    // With the last sender the streams end.
    lock(&app.feeds.feeds).remove(&name);
}

/// Reads what happened, and hands it out.
async fn read(app: &App, name: &ProjectName, feed: &Feed) -> Result<(), crate::store::StoreError> {
    loop {
        let after = feed.last.load(Ordering::Acquire);
        app.feeds.reads.fetch_add(1, Ordering::Relaxed);
        let events = app.store.events(name, after, BATCH).await?;
        let Some(last) = events.last().map(|event| event.seq) else { return Ok(()) };
        let events = events.iter().filter_map(|event| Some((event.seq, message(event)?))).collect();
        feed.last.store(last, Ordering::Release);
        // Nobody may listen at the moment.
        let _ = feed.batches.send(Arc::new(Batch { after, events }));
    }
}

/// An event as it is sent.
pub fn message(event: &Event) -> Option<Bytes> {
    let data = serde_json::to_string(event).ok()?;
    Some(format!("id: {}\nevent: unit\ndata: {data}\n\n", event.seq).into())
}

/// A token that is cancelled when the key is revoked. As long as somebody has one, the key is looked at.
pub fn watch(app: &App, key: UploaderKeyId) -> Arc<CancellationToken> {
    let mut keys = lock(&app.feeds.keys);
    if let Some(token) = keys.get(&key).and_then(Weak::upgrade) {
        return token;
    }
    let token = Arc::new(CancellationToken::new());
    let first = keys.is_empty();
    keys.insert(key, Arc::downgrade(&token));
    if first {
        tokio::spawn(look(app.clone()));
    }
    token
}

/// Looks at all keys, one look-up for each however many streams it has open, until there are none.
async fn look(app: App) {
    loop {
        tokio::select! {
            () = app.stopping.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
        let watched: Vec<_> = {
            let mut keys = lock(&app.feeds.keys);
            keys.retain(|_, token| token.strong_count() > 0);
            if keys.is_empty() {
                return;
            }
            keys.iter().map(|(key, token)| (*key, Weak::clone(token))).collect()
        };
        for (key, token) in watched {
            let Ok(stored) = app.store.key(&key).await else { continue };
            if stored.is_none_or(|stored| stored.revoked_at.is_some())
                && let Some(token) = token.upgrade()
            {
                token.cancel();
            }
        }
    }
}
