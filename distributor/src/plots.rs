//! Results on their way to a plot. Each is read once, by a task in the background, and kept in bins; a page shows what
//! is read so far, so it costs the same however many results there are.

use crate::error::ApiResult;
use crate::site::plot::Bins;
use crate::store::Store;
use protocol::{Plot, ProjectName};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio_util::sync::CancellationToken;

/// Results that are read at once.
const BATCH: u32 = 500;

/// Projects whose bins are kept.
const MOST: usize = 256;

/// What is read of a project.
#[derive(Debug, Clone)]
pub struct Progress {
    plot: Plot,
    cursor: u64,
    /// Results that are in the bins.
    pub read: u64,
    /// Their values.
    pub bins: Bins,
    /// Whether a task reads on.
    busy: bool,
}

/// All projects whose plots somebody looked at.
pub struct Plots {
    store: Arc<dyn Store>,
    stopping: CancellationToken,
    projects: Mutex<HashMap<ProjectName, Progress>>,
}

impl Plots {
    /// Of this store, until the distributor stops.
    pub fn new(store: Arc<dyn Store>, stopping: CancellationToken) -> Self {
        Self { store, stopping, projects: Mutex::default() }
    }

    /// What is read of a project with so many results. If that is not all, more is read: a little at once, the rest in
    /// the background.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn get(self: &Arc<Self>, name: &ProjectName, plot: &Plot, results: u64) -> ApiResult<Progress> {
        let progress = self.begin(name, plot, results);
        if progress.busy || progress.read >= results {
            return Ok(progress);
        }
        let mut reading = Reading { plots: Arc::clone(self), name: name.clone(), plot: plot.clone() };
        if reading.step().await? {
            tokio::spawn(async move {
                while !reading.plots.stopping.is_cancelled() && reading.step().await.unwrap_or(false) {}
            });
        }
        Ok(self.lock().get(name).cloned().unwrap_or(progress))
    }

    /// What is known, and the mark that somebody reads on, if nobody does.
    fn begin(&self, name: &ProjectName, plot: &Plot, results: u64) -> Progress {
        let mut projects = self.lock();
        if projects.len() >= MOST && !projects.contains_key(name) {
            projects.retain(|_, progress| progress.busy);
        }
        let fresh = || Progress { plot: plot.clone(), cursor: 0, read: 0, bins: Bins::default(), busy: false };
        let progress = projects.entry(name.clone()).or_insert_with(fresh);
        // A unit that was proven again has another place, so it was read twice.
        if progress.plot != *plot || (progress.read > results && !progress.busy) {
            *progress = fresh();
        }
        let before = progress.clone();
        progress.busy = progress.busy || progress.read < results;
        before
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<ProjectName, Progress>> {
        // Each change leaves something whole, so a panic elsewhere does no harm.
        self.projects.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who reads on; when it is dropped, nobody does.
struct Reading {
    plots: Arc<Plots>,
    name: ProjectName,
    plot: Plot,
}

impl Reading {
    /// Reads some more; whether there may be more still.
    async fn step(&mut self) -> ApiResult<bool> {
        let Some(after) = self.with(|progress| progress.cursor) else { return Ok(false) };
        let values = self.plots.store.values(&self.name, &self.plot, after, BATCH).await?;
        let Some(last) = values.last() else { return Ok(false) };
        let cursor = last.cursor;
        let mine = self.with(|progress| {
            for value in &values {
                progress.bins.add(self.plot.kind, value.argument.as_ref(), value.output.as_ref());
            }
            progress.read += values.len() as u64;
            progress.cursor = cursor;
        });
        Ok(mine.is_some() && values.len() == BATCH as usize)
    }

    /// Does something with the progress, as long as it is of this plot.
    fn with<T>(&self, act: impl FnOnce(&mut Progress) -> T) -> Option<T> {
        let mut projects = self.plots.lock();
        projects.get_mut(&self.name).filter(|progress| progress.plot == self.plot).map(act)
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.with(|progress| progress.busy = false);
    }
}
