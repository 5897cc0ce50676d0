//! When to ask again.

use super::error::{ClientError, MOST_WAIT};
use backon::{BackoffBuilder as _, ExponentialBuilder, Retryable as _};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The longest wait that a distributor can ask of somebody who waits.
const MOST_WAIT_INTERACTIVE: Duration = Duration::from_secs(60);

/// Called before each wait, with the error and the wait.
pub type OnRetry = Arc<dyn Fn(&ClientError, Duration) + Send + Sync>;

/// How often and how fast a request is repeated. Waits double from `first` to `longest`, with jitter; a distributor
/// that says when to come back is obeyed.
#[derive(Clone)]
pub struct RetryPolicy {
    /// The first wait.
    pub first: Duration,
    /// The longest wait.
    pub longest: Duration,
    /// Repetitions after the first try; without end if not given.
    pub times: Option<usize>,
    /// Told of each repetition.
    pub on_retry: Option<OnRetry>,
}

impl RetryPolicy {
    /// One try.
    pub const fn never() -> Self {
        Self { first: Duration::ZERO, longest: Duration::ZERO, times: Some(0), on_retry: None }
    }

    /// For somebody who waits: six tries within about fifteen seconds.
    pub const fn interactive() -> Self {
        let (first, longest) = (Duration::from_millis(250), Duration::from_secs(5));
        Self { first, longest, times: Some(5), on_retry: None }
    }

    /// For work that must not be lost: from a second to an hour, without end.
    pub const fn patient() -> Self {
        let (first, longest) = (Duration::from_secs(1), Duration::from_secs(3600));
        Self { first, longest, times: None, on_retry: None }
    }

    /// With a listener.
    #[must_use]
    pub fn notify(mut self, listener: impl Fn(&ClientError, Duration) + Send + Sync + 'static) -> Self {
        self.on_retry = Some(Arc::new(listener));
        self
    }

    /// The longest wait that is obeyed.
    fn most_asked(&self) -> Duration {
        if self.times.is_some() { MOST_WAIT_INTERACTIVE } else { MOST_WAIT }
    }

    /// Runs `request` until it succeeds, fails for good, or the tries are used up.
    pub(super) async fn run<T, F>(&self, mut request: impl FnMut() -> F) -> Result<T, ClientError>
    where
        F: Future<Output = Result<T, ClientError>>,
    {
        if self.times == Some(0) {
            return request().await;
        }
        let mut waits = ExponentialBuilder::default()
            .with_min_delay(self.first)
            .with_max_delay(self.longest)
            .with_max_times(self.times.unwrap_or(usize::MAX))
            .with_jitter();
        if self.times.is_none() {
            waits = waits.without_max_times();
        }
        (|| request())
            .retry(waits.build())
            .sleep(tokio::time::sleep)
            .when(ClientError::is_temporary)
            .adjust(|error, wait| match (wait, error.retry_after()) {
                (Some(wait), Some(asked)) => Some(wait.max(asked.min(self.most_asked()))),
                (wait, _) => wait,
            })
            .notify(|error, wait| {
                if let Some(listener) = &self.on_retry {
                    listener(error, wait);
                }
            })
            .await
    }
}

impl fmt::Debug for RetryPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { first, longest, times, .. } = self;
        write!(f, "RetryPolicy {{ first: {first:?}, longest: {longest:?}, times: {times:?} }}")
    }
}
