//! Saying, off a terminal, that something goes on that takes minutes: at a bearable rate, from whatever part of the program.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Between two lines about what goes on.
const BETWEEN: Duration = Duration::from_secs(20);

/// When something was last said.
#[derive(Debug)]
pub(super) struct Pace(Mutex<Option<Instant>>);

impl Pace {
    pub(super) const fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// Whether it is time for a further line; then the next one waits for as long again. The first is not due at once: most things are
    /// done before.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = *said.get_or_insert(now);
        let due = now.saturating_duration_since(before) >= BETWEEN;
        if due {
            *said = Some(now);
        }
        due
    }

    /// Something was said now.
    pub(super) fn restart(&self, now: Instant) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
    }
}

/// Something that goes on as long as this is kept.
#[derive(Debug, Default)]
pub struct Busy(Option<(Arc<Gate>, JoinHandle<()>)>);

/// What ends the thread that tells.
#[derive(Debug, Default)]
struct Gate {
    over: Mutex<bool>,
    changed: Condvar,
}

impl Busy {
    /// Nothing is said.
    pub const fn silent() -> Self {
        Self(None)
    }

    /// Asks once a second, with the time that has passed, whether there is something to say.
    pub(super) fn new(tell: impl Fn(Duration) + Send + 'static) -> Self {
        Self::every(Duration::from_secs(1), tell)
    }

    fn every(interval: Duration, tell: impl Fn(Duration) + Send + 'static) -> Self {
        let gate = Arc::<Gate>::default();
        let (seen, begin) = (Arc::clone(&gate), Instant::now());
        let thread = thread::Builder::new().name("busy".to_owned()).spawn(move || {
            let mut over = seen.over.lock().unwrap_or_else(PoisonError::into_inner);
            while !*over {
                let waited = seen.changed.wait_timeout(over, interval).unwrap_or_else(PoisonError::into_inner);
                over = waited.0;
                if !*over {
                    tell(begin.elapsed());
                }
            }
        });
        // Without a thread the work is done in silence.
        Self(thread.ok().map(|thread| (gate, thread)))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let Some((gate, thread)) = self.0.take() else { return };
        *gate.over.lock().unwrap_or_else(PoisonError::into_inner) = true;
        gate.changed.notify_all();
        // It tells nothing any more when this returns.
        let _ = thread.join();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn lines_come_at_a_bearable_rate() {
        let (pace, begin) = (Pace::new(), Instant::now());
        let due = |seconds| pace.is_due(begin + Duration::from_secs(seconds));
        assert_eq!([0, 5, 19, 20, 21, 39, 40].map(due), [false, false, false, true, false, false, true]);
        pace.restart(begin + Duration::from_secs(55));
        assert_eq!([60, 74, 75].map(due), [false, false, true]);
    }

    #[test]
    fn it_is_told_until_it_is_over() {
        let (sender, told) = mpsc::channel();
        let busy = Busy::every(Duration::from_millis(1), move |passed| sender.send(passed).unwrap_or_default());
        let times: Vec<Duration> = told.iter().take(3).collect();
        assert!(times.windows(2).all(|pair| pair[0] < pair[1]), "{times:?}");
        drop(busy);
        // The thread has ended, and its end of the channel with it.
        assert!(told.iter().count() < usize::MAX);
        drop(Busy::silent());
    }
}
