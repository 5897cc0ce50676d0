//! What a unit's process does to itself before it touches a stranger's program: lowest priority, hard limits on memory, time
//! and files, and death with its parent.

use super::messages::JobLimits;
use rustix::process::{Pid, Resource, Rlimit, getppid, getrlimit, setpriority_process, setrlimit};
use std::io;

/// The nicest priority.
const NICEST: i32 = 19;

/// Why a process could not be limited.
#[derive(Debug, thiserror::Error)]
pub enum LimitError {
    /// A system call failed.
    #[error("cannot {what}: {error}")]
    System {
        /// What was tried.
        what: &'static str,
        /// Why it failed.
        error: io::Error,
    },
    /// The parent has died meanwhile.
    #[error("the donor that started this process is gone")]
    Orphan,
}

/// The largest stack of the first thread in bytes, if nobody asked for less.
const STACK: u64 = 64 << 20;

/// Processor seconds after which the kernel ends a process that should have ended itself.
const GRACE: u64 = 30;

/// Limits this process. To be called before any thread is started.
///
/// Not among the limits is the number of processes: the kernel counts all those of the user. None can be started at all once
/// the walls are complete, and the donor counts threads.
///
/// # Errors
/// If the system refuses, or the parent is gone.
pub fn confine(parent: u32, limits: &JobLimits) -> Result<(), LimitError> {
    let failed = |what| move |error: rustix::io::Errno| LimitError::System { what, error: error.into() };
    // Donors know each other by this name; without it, it would be that of the link which the process was started from.
    #[cfg(target_os = "linux")]
    std::fs::write("/proc/self/comm", "donor").map_err(|error| LimitError::System { what: "take its name", error })?;
    setpriority_process(None, NICEST).map_err(failed("lower the priority"))?;
    for (resource, most, what) in [
        // Data rather than address space: it counts what can really be written to, not what allocators reserve.
        (Resource::Data, limits.memory_bytes, "limit the memory"),
        // No core dumps of strangers' programs.
        (Resource::Core, 0, "switch core dumps off"),
        (Resource::Cpu, limits.total_seconds.saturating_add(GRACE), "limit the processor time"),
        (Resource::Fsize, limits.file_bytes, "limit the size of files"),
        (Resource::Stack, STACK, "limit the stack"),
        (Resource::Memlock, 0, "limit locked memory"),
        #[cfg(target_os = "linux")]
        (Resource::Msgqueue, 0, "limit message queues"),
        #[cfg(target_os = "linux")]
        (Resource::Nice, 0, "limit the priority"),
        #[cfg(target_os = "linux")]
        (Resource::Rtprio, 0, "limit the priority"),
    ] {
        // Somebody may have set a lower one, which cannot be raised.
        let most = [getrlimit(resource).maximum, Some(most)].into_iter().flatten().min();
        setrlimit(resource, Rlimit { current: most, maximum: most }).map_err(failed(what))?;
    }
    // Two files a unit are opened, and some systems allow few at first.
    let most = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: most, maximum: most })
        .map_err(failed("raise the limit of open files"))?;
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))
        .map_err(failed("tie this process to the donor"))?;
    // It may have died before it could be tied to.
    let tied = getppid().map(Pid::as_raw_nonzero).is_some_and(|pid| u32::try_from(pid.get()) == Ok(parent));
    if tied { Ok(()) } else { Err(LimitError::Orphan) }
}
