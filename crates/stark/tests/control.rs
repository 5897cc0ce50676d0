//! Progress, pausing and cancelling.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod common;

use common::{CONTEXT, System, features, parameters, small, system};
use stark::{Cancelled, Control, Parameters, Phase, Proof, ProveError, prove_within};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, mpsc};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

/// Proves in a pool of so many threads, within so many bytes.
fn proven((threads, limit): (usize, u64), system: &System, control: &dyn Control) -> Result<Proof, ProveError> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let System { tables, traces, public } = system;
    pool.install(|| prove_within(limit, tables, traces.clone(), public, CONTEXT, &parameters(), control))
}

/// Extensions kept, and recomputed.
const LIMITS: [u64; 2] = [u64::MAX, 0];

/// With and without memory, in pools of these sizes.
fn ways<const N: usize>(threads: [usize; N]) -> impl Iterator<Item = (usize, u64)> {
    threads.into_iter().flat_map(|threads| LIMITS.map(|limit| (threads, limit)))
}

#[derive(Default)]
struct Recorder {
    checkpoints: AtomicU64,
    kept: Mutex<Vec<f64>>,
    progress: Mutex<Vec<(Phase, f64)>>,
}

impl Control for Recorder {
    fn checkpoint(&self) -> Result<(), Cancelled> {
        self.checkpoints.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn progress(&self, phase: Phase, fraction: f64) {
        self.progress.lock().unwrap().push((phase, fraction));
    }

    fn kept(&self, share: f64) {
        self.kept.lock().unwrap().push(share);
    }
}

#[test]
fn progress_never_goes_back() {
    for way in ways([1, 4]) {
        let recorder = Recorder::default();
        proven(way, &system(10, [12, 11], [3000, 2000]), &recorder).unwrap();
        assert_eq!(recorder.kept.into_inner().unwrap(), [if way.1 == 0 { 0.0 } else { 1.0 }]);
        let progress = recorder.progress.into_inner().unwrap();
        assert!(progress.iter().all(|(_, fraction)| (0.0..=1.0).contains(fraction)));
        assert!(progress.windows(2).all(|pair| pair[0] <= pair[1]), "phases follow each other and fractions grow");
        // Each phase but the caller's own begins at 0 and gets to its end.
        for phase in &Phase::ALL[1..] {
            let fractions: Vec<_> =
                progress.iter().filter(|(p, _)| p == phase).map(|(_, fraction)| *fraction).collect();
            assert_eq!(fractions[0], 0.0, "{}", phase.name());
            assert!(
                fractions.len() > 3 && fractions.last().is_some_and(|&last| last > 0.99),
                "{way:?}, {}: {fractions:?}",
                phase.name()
            );
        }
    }
}

/// The work between two checkpoints is bounded whatever the size: their number grows with the cells.
#[test]
fn checkpoints_keep_up_with_the_work() {
    let count = |log: u32, limit| {
        let recorder = Recorder::default();
        proven((2, limit), &system(6, [log, log], [0, 0]), &recorder).unwrap();
        recorder.checkpoints.into_inner()
    };
    // 10 main columns and 4 LogUp columns: cells of the low-degree extensions, at 2^14 cells a checkpoint.
    for log in [10, 14, 16] {
        let cells = ((10 + 4) * 2) << log;
        // Moved in place, each cell is transformed twice as often and more.
        for (limit, cells) in LIMITS.into_iter().zip([cells, 2 * cells]) {
            let checkpoints = count(log, limit);
            assert!(checkpoints >= cells >> 14, "2^{log} rows: {checkpoints} checkpoints for {cells} cells");
        }
    }
}

/// Cancels at checkpoint number `at` and from then on.
struct CancelAt {
    at: u64,
    seen: AtomicU64,
}

impl Control for CancelAt {
    fn checkpoint(&self) -> Result<(), Cancelled> {
        if self.seen.fetch_add(1, Ordering::Relaxed) < self.at { Ok(()) } else { Err(Cancelled) }
    }
}

#[test]
fn cancelling_anywhere() {
    for way in ways([1, 3]) {
        let recorder = Recorder::default();
        let system = features();
        proven(way, &system, &recorder).unwrap();
        let total = recorder.checkpoints.into_inner();
        assert!(total > 100, "{total}");
        for at in (0..total / 2).step_by(7).chain(total / 2..total.min(total / 2 + 5)) {
            let control = CancelAt { at, seen: AtomicU64::new(0) };
            assert_eq!(
                proven(way, &system, &control),
                Err(ProveError::Cancelled(Cancelled)),
                "{way:?}: at {at} of {total}"
            );
        }
    }
    // In one thread the number of checkpoints is fixed: the last one still cancels, the next is never reached.
    for way in ways([1]) {
        let count = |at| {
            let control = CancelAt { at, seen: AtomicU64::new(0) };
            (proven(way, &small(), &control), control.seen.into_inner())
        };
        let (proof, total) = count(u64::MAX);
        assert!(proof.is_ok());
        for at in 0..total {
            let (result, seen) = count(at);
            assert_eq!(result, Err(ProveError::Cancelled(Cancelled)));
            // Once cancelled, the thread gives up soon: a step may visit a few more checkpoints, not all.
            assert!(seen - at < 64, "{seen} checkpoints, cancelled at {at}");
        }
        assert_eq!(count(total).0, proof);
    }
}

/// Blocks once, at checkpoint number `at`, until told to go on.
struct Pause {
    at: u64,
    seen: AtomicU64,
    reports: AtomicU64,
    paused: Mutex<mpsc::Sender<()>>,
    resume: Mutex<mpsc::Receiver<()>>,
}

impl Control for Pause {
    fn checkpoint(&self) -> Result<(), Cancelled> {
        if self.seen.fetch_add(1, Ordering::SeqCst) == self.at {
            self.paused.lock().unwrap().send(()).unwrap();
            self.resume.lock().unwrap().recv().unwrap();
        }
        Ok(())
    }

    fn progress(&self, _: Phase, _: f64) {
        self.reports.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn a_blocked_checkpoint_pauses() {
    let system = small();
    let expected = system.prove(&parameters()).unwrap();
    for at in [0, 1, 20, 60] {
        let ((paused, is_paused), (go_on, resume)) = (mpsc::channel(), mpsc::channel());
        let control = Pause {
            at,
            seen: AtomicU64::new(0),
            reports: AtomicU64::new(0),
            paused: Mutex::new(paused),
            resume: Mutex::new(resume),
        };
        std::thread::scope(|scope| {
            let prover = scope.spawn(|| proven((1, u64::MAX), &system, &control));
            is_paused.recv().unwrap();
            // The only worker is blocked, so nothing happens until it is let go.
            let before = control.reports.load(Ordering::SeqCst);
            for _ in 0..1000 {
                std::thread::yield_now();
            }
            assert_eq!(control.seen.load(Ordering::SeqCst), at + 1);
            assert_eq!(control.reports.load(Ordering::SeqCst), before);
            assert!(!prover.is_finished());
            go_on.send(()).unwrap();
            assert_eq!(prover.join().unwrap().as_ref(), Ok(&expected));
        });
    }
}

/// Processor time that this thread has used, by the kernel's account.
#[cfg(target_os = "linux")]
fn thread_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}

/// The most processor time between two checkpoints of one thread, by the phases in which they fell. (The clock on the wall
/// would count the time in which a thread waits for work or for a processor.)
#[cfg(target_os = "linux")]
struct Gaps {
    phase: Mutex<Phase>,
    last: Mutex<HashMap<ThreadId, (Duration, Phase)>>,
    longest: Mutex<HashMap<(Phase, Phase), Duration>>,
}

#[cfg(target_os = "linux")]
impl Control for Gaps {
    fn checkpoint(&self) -> Result<(), Cancelled> {
        let (now, phase) = (thread_time(), *self.phase.lock().unwrap());
        if let Some((before, from)) = self.last.lock().unwrap().insert(std::thread::current().id(), (now, phase)) {
            let mut longest = self.longest.lock().unwrap();
            let entry = longest.entry((from, phase)).or_default();
            *entry = (*entry).max(now - before);
        }
        Ok(())
    }

    fn progress(&self, phase: Phase, _: f64) {
        *self.phase.lock().unwrap() = phase;
    }
}

/// Prints the longest work without a checkpoint: `cargo test -p stark --release --test control -- --ignored --nocapture`, with
/// the tallest table's `LOG_HEIGHT` and a limit of memory in bytes, `LIMIT`, in the environment.
#[cfg(target_os = "linux")]
#[test]
#[ignore = "a measurement"]
fn longest_gaps() {
    let log = std::env::var("LOG_HEIGHT").map_or(18, |log| log.parse().unwrap());
    let limit = std::env::var("LIMIT").map_or(u64::MAX, |limit| limit.parse().unwrap());
    let system = system(log - 2, [log, log - 1], [1000, 1000]);
    let control = Gaps { phase: Mutex::new(Phase::Witness), last: Mutex::default(), longest: Mutex::default() };
    let start = Instant::now();
    let parameters = Parameters { queries: 80, grinding_bits: 16, ..parameters() };
    let System { tables, traces, public } = system;
    prove_within(limit, &tables, traces, &public, CONTEXT, &parameters, &control).unwrap();
    eprintln!("2^{log} rows in {:.1?}", start.elapsed());
    let mut longest: Vec<_> = control.longest.into_inner().unwrap().into_iter().collect();
    longest.sort();
    for ((from, to), gap) in longest {
        eprintln!("{} → {}: {gap:.1?}", from.name(), to.name());
    }
}
