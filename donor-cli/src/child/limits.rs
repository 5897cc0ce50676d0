//! What a unit's process does to itself before it touches a stranger's program: lowest priority, a hard limit on memory,
//! and death with its parent.

use rustix::process::{Pid, Resource, Rlimit, getppid, setpriority_process, setrlimit};
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

/// Limits this process. To be called before any thread is started.
///
/// # Errors
/// If the system refuses, or the parent is gone.
pub fn confine(parent: u32, memory_bytes: u64) -> Result<(), LimitError> {
    let failed = |what| move |error: rustix::io::Errno| LimitError::System { what, error: error.into() };
    // Donors know each other by this name; without it, it would be that of the link which the process was started from.
    #[cfg(target_os = "linux")]
    std::fs::write("/proc/self/comm", "donor").map_err(|error| LimitError::System { what: "take its name", error })?;
    setpriority_process(None, NICEST).map_err(failed("lower the priority"))?;
    let limit = |most: u64| Rlimit { current: Some(most), maximum: Some(most) };
    // Data rather than address space: it counts what can really be written to, not what allocators reserve.
    setrlimit(Resource::Data, limit(memory_bytes)).map_err(failed("limit the memory"))?;
    // No core dumps of strangers' programs.
    setrlimit(Resource::Core, limit(0)).map_err(failed("switch core dumps off"))?;
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))
        .map_err(failed("tie this process to the donor"))?;
    // It may have died before it could be tied to.
    let tied = getppid().map(Pid::as_raw_nonzero).is_some_and(|pid| u32::try_from(pid.get()) == Ok(parent));
    if tied { Ok(()) } else { Err(LimitError::Orphan) }
}

/// The largest resident size that this process has had, where the system tells.
pub fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kilobytes: u64 = line.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes * 1024)
}
