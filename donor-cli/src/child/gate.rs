//! Where every worker thread of a work unit comes by, at least every 50 ms of work: it waits here when the process has
//! used its share.

use super::bucket::{Bucket, Verdict};
use rustix::time::{ClockId, clock_gettime};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Between two looks at the clocks.
const BETWEEN_LOOKS: Duration = Duration::from_millis(4);

/// The throttle of this process.
#[derive(Debug)]
pub struct Gate {
    begin: Instant,
    bucket: Mutex<Bucket>,
    changed: Condvar,
    cancelled: AtomicBool,
    /// Nanoseconds since the beginning at which the clocks are looked at again.
    next_look: AtomicU64,
    looks: AtomicU64,
}

/// The parent cancelled the unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cancelled;

impl Gate {
    /// A gate that lets through so many cores, with credit (or debt) in seconds of one core to begin with. What the process
    /// has used before it came here counts.
    pub fn new(cores: f64, credit: f64) -> Self {
        let credit = if credit.is_finite() { credit } else { 0.0 };
        Self {
            begin: Instant::now(),
            bucket: Mutex::new(Bucket::new(cores, credit, Duration::ZERO, Duration::ZERO)),
            changed: Condvar::new(),
            cancelled: AtomicBool::new(false),
            next_look: AtomicU64::new(0),
            looks: AtomicU64::new(0),
        }
    }

    /// Changes the number of cores; 0 pauses.
    pub fn set(&self, cores: f64) {
        self.lock().set(cores, self.begin.elapsed(), cpu_time());
        self.changed.notify_all();
    }

    /// Makes every thread that comes by stop.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
        let _bucket = self.lock();
        self.changed.notify_all();
    }

    /// How often the clocks were looked at: a number that grows while threads come by, or wait here for their share.
    pub fn looks(&self) -> u64 {
        self.looks.load(Ordering::Relaxed)
    }

    /// Waits as long as the process is over its share.
    ///
    /// # Errors
    /// If the unit was cancelled.
    pub fn pass(&self) -> Result<(), Cancelled> {
        let now = self.begin.elapsed().as_nanos() as u64;
        if now < self.next_look.load(Ordering::Relaxed) {
            return if self.cancelled.load(Ordering::Relaxed) { Err(Cancelled) } else { Ok(()) };
        }
        let mut bucket = self.lock();
        loop {
            if self.cancelled.load(Ordering::Relaxed) {
                return Err(Cancelled);
            }
            self.looks.fetch_add(1, Ordering::Relaxed);
            let now = self.begin.elapsed();
            match bucket.visit(now, cpu_time()) {
                Verdict::Work => {
                    self.next_look.store((now + BETWEEN_LOOKS).as_nanos() as u64, Ordering::Relaxed);
                    return Ok(());
                }
                Verdict::Wait(time) => {
                    let waited = self.changed.wait_timeout(bucket, time);
                    bucket = waited.unwrap_or_else(PoisonError::into_inner).0;
                }
                Verdict::Pause => bucket = self.changed.wait(bucket).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Bucket> {
        self.bucket.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Processor time of this process, all threads together.
pub fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = Duration::from_secs(u64::try_from(time.tv_sec).unwrap_or_default());
    seconds + Duration::from_nanos(u64::try_from(time.tv_nsec).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn a_paused_gate_opens_again_and_a_cancelled_one_stops() {
        let gate = Arc::new(Gate::new(0.0, 0.0));
        let visitor = {
            let gate = Arc::clone(&gate);
            std::thread::spawn(move || gate.pass())
        };
        gate.set(4.0);
        assert_eq!(visitor.join().expect("joined"), Ok(()));
        gate.set(0.0);
        let visitor = {
            let gate = Arc::clone(&gate);
            std::thread::spawn(move || {
                std::thread::sleep(BETWEEN_LOOKS);
                gate.pass()
            })
        };
        gate.cancel();
        assert_eq!(visitor.join().expect("joined"), Err(Cancelled));
        assert_eq!(gate.pass(), Err(Cancelled));
    }
}
