//! Events on their way to whoever listens. However many listen to a project, its events are read once, by a task of its own, and
//! handed to all; only who comes back after a break reads the store, and few at once do. Nothing is read unless something happened: no
//! other process changes units.

use crate::error::{ApiError, ApiResult};
use crate::store::{Store, StoreError};
use bytes::Bytes;
use protocol::{Event, ProjectName, UploaderKeyId};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::{Semaphore, broadcast, watch};
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
pub struct Feeds {
    store: Arc<dyn Store>,
    /// Changes whenever there may be events.
    changes: watch::Receiver<u64>,
    /// Cancelled when the distributor stops.
    stopping: CancellationToken,
    feeds: Mutex<HashMap<ProjectName, Feed>>,
    keys: Mutex<HashMap<UploaderKeyId, Weak<CancellationToken>>>,
    /// Taken by listeners that read the store.
    readers: Semaphore,
    reads: AtomicU64,
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
    /// Of this store, which may have events whenever `changes` does.
    pub fn new(store: Arc<dyn Store>, changes: watch::Receiver<u64>, stopping: CancellationToken) -> Self {
        Self {
            store,
            changes,
            stopping,
            feeds: Mutex::default(),
            keys: Mutex::default(),
            readers: Semaphore::new(READERS),
            reads: AtomicU64::new(0),
        }
    }

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

    /// Listens to a project from now on.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn subscribe(self: &Arc<Self>, name: &ProjectName) -> ApiResult<Subscription> {
        let last = self.store.last_event().await?;
        let mut feeds = lock(&self.feeds);
        let feed = feeds.entry(name.clone()).or_insert_with(|| {
            let feed = Feed { batches: broadcast::Sender::new(BATCHES), last: Arc::new(AtomicU64::new(last)) };
            tokio::spawn(Arc::clone(self).run(name.clone(), feed.clone()));
            feed
        });
        Ok(Subscription { batches: feed.batches.subscribe(), last: Arc::clone(&feed.last) })
    }

    /// Reads from the store what a listener missed.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn missed(&self, name: &ProjectName, after: u64) -> ApiResult<Vec<Event>> {
        let _turn = self.readers.acquire().await.map_err(ApiError::internal)?;
        self.reads.fetch_add(1, Ordering::Relaxed);
        Ok(self.store.events(name, after, BATCH).await?)
    }

    /// Reads for all, as long as somebody listens and the distributor does not stop.
    async fn run(self: Arc<Self>, name: ProjectName, feed: Feed) {
        let mut changes = self.changes.clone();
        loop {
            changes.mark_unchanged();
            if let Err(error) = self.read(&name, &feed).await {
                // The listeners come back.
                tracing::warn!(%error, project = %name, "events could not be read");
                break;
            }
            tokio::select! {
                () = self.stopping.cancelled() => break,
                () = feed.batches.closed() => {
                    let mut feeds = lock(&self.feeds);
                    if feed.batches.receiver_count() == 0 {
                        feeds.remove(&name);
                        return;
                    }
                }
                changed = changes.changed() => if changed.is_err() { break },
            }
            tokio::select! {
                () = self.stopping.cancelled() => break,
                () = tokio::time::sleep(GATHER) => {}
            }
        }
        // With the last sender the streams end.
        lock(&self.feeds).remove(&name);
    }

    /// Reads what happened, and hands it out.
    async fn read(&self, name: &ProjectName, feed: &Feed) -> Result<(), StoreError> {
        loop {
            let after = feed.last.load(Ordering::Acquire);
            self.reads.fetch_add(1, Ordering::Relaxed);
            let events = self.store.events(name, after, BATCH).await?;
            let Some(last) = events.last().map(|event| event.seq) else { return Ok(()) };
            let events = events.iter().filter_map(|event| Some((event.seq, message(event)?))).collect();
            feed.last.store(last, Ordering::Release);
            // Nobody may listen at the moment.
            let _ = feed.batches.send(Arc::new(Batch { after, events }));
        }
    }

    /// A token that is cancelled when the key is revoked. As long as somebody has one, the key is looked at.
    pub fn watch(self: &Arc<Self>, key: UploaderKeyId) -> Arc<CancellationToken> {
        let mut keys = lock(&self.keys);
        if let Some(token) = keys.get(&key).and_then(Weak::upgrade) {
            return token;
        }
        let token = Arc::new(CancellationToken::new());
        let first = keys.is_empty();
        keys.insert(key, Arc::downgrade(&token));
        if first {
            tokio::spawn(Arc::clone(self).look());
        }
        token
    }

    /// Looks at all keys, one lookup for each however many streams it has open, until there are none.
    async fn look(self: Arc<Self>) {
        loop {
            tokio::select! {
                () = self.stopping.cancelled() => return,
                () = tokio::time::sleep(LOOK) => {}
            }
            let watched: Vec<_> = {
                let mut keys = lock(&self.keys);
                keys.retain(|_, token| token.strong_count() > 0);
                if keys.is_empty() {
                    return;
                }
                keys.iter().map(|(key, token)| (*key, Weak::clone(token))).collect()
            };
            for (key, token) in watched {
                let Ok(stored) = self.store.key(&key).await else { continue };
                if stored.is_none_or(|stored| stored.revoked_at.is_some())
                    && let Some(token) = token.upgrade()
                {
                    token.cancel();
                }
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // Each change is one call of a map, so a panic elsewhere leaves nothing half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An event as it is sent.
pub fn message(event: &Event) -> Option<Bytes> {
    let data = serde_json::to_string(event).ok()?;
    Some(format!("id: {}\nevent: unit\ndata: {data}\n\n", event.seq).into())
}
