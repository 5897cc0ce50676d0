//! What all requests share.

use crate::blobs::{Blobs, Kind};
use crate::clock::{Clock, SystemClock};
use crate::config::Settings;
use crate::error::{ApiError, ApiResult};
use crate::feeds::Feeds;
use crate::limits::Limits;
use crate::machine::Disks;
use crate::metrics::Metrics;
use crate::plots::Plots;
use crate::pulse::Pulse;
use crate::sessions::Sessions;
use crate::store::{BlobRef, Store};
use crate::verify::{CairoVerifier, Pool, Verifier};
use cairo_air::Program;
use protocol::{Cause, Digest, Timestamp, decode_program};
use std::collections::HashMap;
use std::ops::Deref;
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::Duration;
use tokio::sync::{RwLock, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

/// Decoded programs that are kept.
const PROGRAMS: usize = 64;

/// What the distributor is made of. Everything with an effect is handed in.
pub struct Parts {
    /// Projects, units, leases.
    pub store: Arc<dyn Store>,
    /// Files.
    pub blobs: Arc<dyn Blobs>,
    /// Judge of submissions.
    pub verifier: Arc<dyn Verifier>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Settings.
    pub settings: Settings,
}

impl Parts {
    /// The usual parts around a store and files.
    pub fn new(store: Arc<dyn Store>, blobs: Arc<dyn Blobs>, settings: Settings) -> Self {
        Self {
            store,
            blobs,
            verifier: Arc::new(CairoVerifier::default()),
            clock: Arc::new(SystemClock::default()),
            settings,
        }
    }
}

/// State of the running distributor; clones share it.
#[derive(Clone)]
pub struct App(Arc<Shared>);

/// What [`App`] shares.
pub struct Shared {
    /// Projects, units, leases.
    pub store: Arc<dyn Store>,
    /// Files.
    pub blobs: Arc<dyn Blobs>,
    /// Judge of submissions.
    pub verifier: Arc<dyn Verifier>,
    /// Settings.
    pub settings: Settings,
    /// Figures.
    pub metrics: Metrics,
    /// Threads that verify proofs.
    pub proofs: Pool,
    /// The thread that checks executions: one at a time, since each may take much memory.
    pub executions: Pool,
    /// What each sender may have only so much of.
    pub limits: Limits,
    /// Events on their way to who listens.
    pub feeds: Arc<Feeds>,
    /// The grid's figures for visitors.
    pub pulse: Pulse,
    /// Results on their way to plots.
    pub plots: Arc<Plots>,
    /// Owners who are signed in.
    pub sessions: Sessions,
    /// Cancelled when the distributor stops.
    pub stopping: CancellationToken,
    /// Work that goes on when its request ends.
    pub tasks: TaskTracker,
    /// Held for reading between storing a file (or making sure that it is there) and committing the reference to it, for writing
    /// while a file without a reference is deleted.
    pub files: RwLock<()>,
    /// Done once the operator was told of a proxy that is not trusted.
    pub proxy_warning: Once,
    clock: Arc<dyn Clock>,
    events: watch::Sender<u64>,
    programs: Mutex<HashMap<Digest, Arc<Program>>>,
}

impl Deref for App {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl App {
    /// Puts the parts together.
    pub fn new(parts: Parts) -> Self {
        let Parts { store, blobs, verifier, clock, settings } = parts;
        store.set_rules(settings.rules());
        let disks = Disks::new(store.file(), blobs.folder());
        let (events, stopping) = (watch::Sender::new(0), CancellationToken::new());
        let feeds = Feeds::new(Arc::clone(&store), events.subscribe(), stopping.clone());
        let pulse = Pulse::new(Arc::clone(&store));
        let plots = Arc::new(Plots::new(Arc::clone(&store), stopping.clone()));
        Self(Arc::new(Shared {
            store,
            blobs,
            verifier,
            metrics: Metrics::new(disks),
            proofs: Pool::new(settings.verifiers(), settings.verify_queue),
            executions: Pool::new(1, settings.verify_queue),
            limits: Limits::new(&settings),
            feeds: Arc::new(feeds),
            pulse,
            plots,
            sessions: Sessions::default(),
            stopping,
            tasks: TaskTracker::new(),
            files: RwLock::new(()),
            proxy_warning: Once::new(),
            clock,
            events,
            programs: Mutex::default(),
            settings,
        }))
    }
}

impl Shared {
    /// The time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Time since some beginning, by a clock that never steps: for rates and waits.
    pub fn elapsed(&self) -> Duration {
        self.clock.elapsed()
    }

    /// Wakes whoever listens to events.
    pub fn announce(&self) {
        self.events.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// What changes whenever there may be something new.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.events.subscribe()
    }

    /// The program of a record.
    ///
    /// # Errors
    /// If the record is not there or damaged.
    pub async fn program(&self, record: &Digest) -> ApiResult<Arc<Program>> {
        let cached = |programs: &Mutex<HashMap<Digest, Arc<Program>>>| {
            programs.lock().unwrap_or_else(PoisonError::into_inner).get(record).map(Arc::clone)
        };
        if let Some(program) = cached(&self.programs) {
            return Ok(program);
        }
        let Some(bytes) = self.blobs.read(Kind::Record, record).await? else {
            return Err(ApiError::internal(format!("the record {record} is missing")));
        };
        let program = decode_program(&bytes)
            .map_err(|error| ApiError::internal(format!("the record {record} is damaged: {error}")))?;
        let program = Arc::new(program);
        let mut programs = self.programs.lock().unwrap_or_else(PoisonError::into_inner);
        if programs.len() >= PROGRAMS {
            programs.clear();
        }
        programs.insert(*record, Arc::clone(&program));
        Ok(program)
    }

    /// Deletes a file unless something refers to it; whether that is settled. A failure leaves a file that is found later.
    pub async fn forget(&self, kind: Kind, sha256: &Digest) -> bool {
        match self.try_forget(&BlobRef { kind, sha256: *sha256 }).await {
            Ok(()) => true,
            Err(reason) => {
                tracing::warn!(%kind, %sha256, %reason, "a file that is not needed any more could not be deleted");
                false
            }
        }
    }

    async fn try_forget(&self, file: &BlobRef) -> Result<(), String> {
        let _alone = self.files.write().await;
        if !self.store.needs_file(file).await.map_err(|error| error.to_string())? {
            self.blobs.delete(file.kind, &file.sha256).await.map_err(|error| error.to_string())?;
        }
        self.store.forget_orphan(file).await.map_err(|error| error.to_string())
    }

    /// Work that goes on when its request ends; its log names the request, and with it who asked.
    pub fn begin<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        self.tasks.spawn(work.in_current_span())
    }

    /// Refuses when the distributor stops.
    ///
    /// # Errors
    /// `shutting_down`.
    pub fn check_running(&self) -> ApiResult<()> {
        if self.stopping.is_cancelled() {
            return Err(ApiError::new(Cause::ShuttingDown, "the distributor is stopping; try again in a moment"));
        }
        Ok(())
    }
}
