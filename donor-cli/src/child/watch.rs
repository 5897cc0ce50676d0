//! The donor's own watch over a unit's process, which does not depend on what the process says: memory, threads, processor
//! time, how long it has worked, how long it has been silent. Pure; time and what was seen come from outside.

use super::messages::{Job, JobLimits};
use crate::governor::times;
use protocol::FailureCause;
use std::time::Duration;

/// How often to look.
pub const BETWEEN_LOOKS: Duration = Duration::from_millis(500);

/// The longest time between two looks that counts: after a longer one the whole machine was asleep, or the donor stopped.
const LONGEST_LOOK: Duration = Duration::from_secs(2);

/// How long a process may say nothing while it may work. At work it says something each second; only reading a huge program or
/// checking a huge execution takes it longer.
const SILENCE: Duration = Duration::from_secs(900);

/// How much longer than its processor time a unit may work: other programs come first, and take what they want.
const STRETCH: f64 = 5.0;

/// Threads beside those of the prover: the first, one that listens, one that looks at the clock.
const OTHER_THREADS: usize = 3;

/// Processor seconds beyond the limit, in which the process or the kernel should have ended it.
const GRACE: f64 = 60.0;

/// The resident memory at which a process with such a limit of its own data is ended: what is not data is the program itself
/// and the threads' stacks.
pub const fn most_memory(limit: u64) -> u64 {
    limit.saturating_add(limit / 16).saturating_add(128 << 20)
}

/// What is seen of a process at one time, as far as the system tells.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Sight {
    /// Resident memory in bytes.
    pub memory: Option<u64>,
    /// Threads.
    pub threads: Option<usize>,
    /// Processor seconds.
    pub cpu: Option<f64>,
}

/// Looks at a process.
pub fn look_at(process: u32) -> Sight {
    let mut sight = std::fs::read_to_string(format!("/proc/{process}/status"))
        .map_or_else(|_| Sight::default(), |text| parse(&text));
    sight.cpu = times::of(process).map(|times| times.own);
    sight
}

fn parse(status: &str) -> Sight {
    let field = |name: &str| -> Option<u64> {
        let rest = status.lines().find_map(|line| line.strip_prefix(name))?;
        rest.split_ascii_whitespace().next()?.parse().ok()
    };
    Sight {
        memory: field("VmRSS:").map(|kilobytes| kilobytes.saturating_mul(1024)),
        threads: field("Threads:").and_then(|count| usize::try_from(count).ok()),
        cpu: None,
    }
}

/// Watches one process.
#[derive(Debug, Clone)]
pub struct Watch {
    limits: JobLimits,
    threads: usize,
    /// Time in which it could have worked, in which one core was its own.
    worked: Duration,
    /// Time in which it could have worked, since it last said something.
    silent: Duration,
}

impl Watch {
    /// Over a process that has just been started with this job.
    pub const fn new(job: &Job) -> Self {
        let threads = job.threads.saturating_add(OTHER_THREADS);
        Self { limits: job.limits, threads, worked: Duration::ZERO, silent: Duration::ZERO }
    }

    /// Notes that it said something.
    pub const fn heard(&mut self) {
        self.silent = Duration::ZERO;
    }

    /// Takes a look, so long after the last one, in which it might use so many cores; 0 is a pause, in which a process neither
    /// works nor speaks. Returns why it must be ended, if it must.
    pub fn look(&mut self, passed: Duration, cores: f64, sight: Sight) -> Option<(FailureCause, String)> {
        let passed = passed.min(LONGEST_LOOK);
        if cores > 0.0 {
            self.silent += passed;
            self.worked += passed.mul_f64(cores.min(1.0));
        }
        let limits = &self.limits;
        let most = most_memory(limits.memory_bytes);
        if let Some(memory) = sight.memory.filter(|memory| *memory > most) {
            let detail =
                format!("the work unit's process had {memory} bytes of memory; {} were allowed", limits.memory_bytes);
            return Some((FailureCause::OutOfMemory, detail));
        }
        if let Some(threads) = sight.threads.filter(|threads| *threads > self.threads) {
            let detail = format!("the work unit's process had {threads} threads; it needs {}", self.threads);
            return Some((FailureCause::Crash, detail));
        }
        let most = limits.total_seconds as f64;
        if sight.cpu.is_some_and(|seconds| seconds > most + GRACE) {
            let detail = format!("the unit took more than {most} s of processor time and did not end itself");
            return Some((FailureCause::TimeLimit, detail));
        }
        if self.worked.as_secs_f64() > STRETCH * most + GRACE {
            let detail = format!("the unit did not end within {} s of working time", self.worked.as_secs());
            return Some((FailureCause::TimeLimit, detail));
        }
        if self.silent > SILENCE {
            let detail =
                format!("the work unit's process has not answered for {} s of working time", SILENCE.as_secs());
            return Some((FailureCause::Crash, detail));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: JobLimits = JobLimits {
        max_steps: 1,
        max_memory_cells: 1,
        own_memory: false,
        execute_seconds: 10,
        total_seconds: 1000,
        memory_bytes: 1 << 30,
        file_bytes: 1 << 30,
    };

    fn watch() -> Watch {
        Watch { limits: LIMITS, threads: 4, worked: Duration::ZERO, silent: Duration::ZERO }
    }

    /// The cause for which the watch ends a process, and after how many seconds, if it does within a day.
    fn end(cores: f64, speaks: bool, sight: Sight) -> Option<(FailureCause, u64)> {
        let mut watch = watch();
        for second in 1..86_400 {
            if speaks {
                watch.heard();
            }
            if let Some((cause, _)) = watch.look(Duration::from_secs(1), cores, sight) {
                return Some((cause, second));
            }
        }
        None
    }

    #[test]
    fn a_silent_process_is_ended_and_a_paused_one_is_not() {
        assert_eq!(end(1.0, false, Sight::default()), Some((FailureCause::Crash, 901)));
        assert_eq!(end(0.04, false, Sight::default()), Some((FailureCause::Crash, 901)));
        assert_eq!(end(0.0, false, Sight::default()), None);
    }

    #[test]
    fn a_process_that_only_talks_is_ended() {
        assert_eq!(end(4.0, true, Sight::default()), Some((FailureCause::TimeLimit, 5061)));
        let (cause, after) = end(0.1, true, Sight::default()).expect("an end");
        assert_eq!((cause, after / 100), (FailureCause::TimeLimit, 506), "a tenth of a core takes ten times as long");
        assert_eq!(end(0.0, true, Sight::default()), None);
    }

    #[test]
    fn what_it_takes_is_seen() {
        let seen = |memory, threads, cpu| {
            let sight = Sight { memory: Some(memory), threads: Some(threads), cpu: Some(cpu) };
            watch().look(BETWEEN_LOOKS, 0.0, sight).map(|(cause, _)| cause)
        };
        assert_eq!(seen(1 << 30, 4, 1000.0), None);
        assert_eq!(seen(5 << 28, 4, 0.0), Some(FailureCause::OutOfMemory));
        assert_eq!(seen(0, 5, 0.0), Some(FailureCause::Crash));
        assert_eq!(seen(0, 1, 1061.0), Some(FailureCause::TimeLimit));
    }

    #[test]
    fn a_machine_that_slept_ends_nothing() {
        let mut watch = watch();
        for _ in 0..100 {
            assert_eq!(watch.look(Duration::from_secs(100_000), 1.0, Sight::default()), None);
        }
    }

    #[test]
    fn limits_without_end_do_not_overflow() {
        let limits = JobLimits { total_seconds: u64::MAX, memory_bytes: u64::MAX, ..LIMITS };
        let mut watch = Watch { limits, ..watch() };
        let sight = Sight { memory: Some(u64::MAX - 1), threads: None, cpu: Some(1e18) };
        assert_eq!(watch.look(BETWEEN_LOOKS, f64::INFINITY, sight), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn sees_this_process() {
        let sight = look_at(std::process::id());
        assert!(sight.memory.is_some_and(|memory| memory > 1 << 20), "{sight:?}");
        assert!(sight.threads.is_some_and(|threads| threads >= 1) && sight.cpu.is_some(), "{sight:?}");
        assert_eq!(look_at(u32::MAX), Sight::default());
    }
}
