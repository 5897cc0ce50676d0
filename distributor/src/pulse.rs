//! The grid's figures for everybody who looks: read at most once a second, however many do.

use crate::error::ApiResult;
use crate::store::Store;
use protocol::{Figures, Timestamp};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// How old the figures may be.
const FRESH: Duration = Duration::from_secs(1);

/// The figures, and when they were read.
pub struct Pulse {
    store: Arc<dyn Store>,
    last: Mutex<Option<(Duration, Figures)>>,
}

impl Pulse {
    /// Of this store.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store, last: Mutex::default() }
    }

    /// The figures, of about this time; `elapsed` is by a clock that never steps.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn figures(&self, now: Timestamp, elapsed: Duration) -> ApiResult<Figures> {
        // Whoever comes while they are read waits for them.
        let mut last = self.last.lock().await;
        if let Some((read, figures)) = *last
            && elapsed.saturating_sub(read) < FRESH
        {
            return Ok(figures);
        }
        let figures = self.store.figures(now).await?;
        *last = Some((elapsed, figures));
        Ok(figures)
    }
}
