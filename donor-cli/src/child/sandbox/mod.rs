//! The walls around a unit's process. It opens the few files that it works with, and then gives up everything else: other
//! descriptors, privileges, files, the network, other processes, and all system calls that proving does not need.
//!
//! The order matters: [`shed`] and [`close_files`] come before the first thread is started, since threads have what the one
//! that starts them has; [`close_descriptors`] and, last of all, [`close_calls`] come after the last one, since then no more
//! can be started. All of it comes before the first byte of a stranger's program is read.

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod filter;
mod report;

pub use report::{Missing, Report};

use serde::{Deserialize, Serialize};
use std::io;

/// The walls that depend on the kernel. The others (no environment, no descriptors, no privileges, limits) are always there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Walls {
    /// The version of Landlock's interface; 0 without Landlock. From 1 on it closes files, from 4 on TCP, from 6 on signals
    /// and abstract sockets.
    pub landlock: u32,
    /// Whether system calls are filtered.
    pub filter: bool,
}

/// A wall that cannot be built.
#[derive(Debug, thiserror::Error)]
#[error("cannot {what}: {error}")]
pub struct SandboxError {
    what: &'static str,
    error: io::Error,
}

fn failed<E: Into<io::Error>>(what: &'static str) -> impl FnOnce(E) -> SandboxError {
    move |error| SandboxError { what, error: error.into() }
}

/// Closes all descriptors but the three standard ones. To be called before anything is opened.
///
/// # Errors
/// If the system does not list them.
pub fn close_inherited() -> Result<(), SandboxError> {
    let mut found = Vec::new();
    // On other systems this is the place where they are listed, too.
    let listed = std::fs::read_dir("/proc/self/fd").or_else(|_| std::fs::read_dir("/dev/fd"));
    for entry in listed.map_err(failed("list the open files"))?.flatten() {
        found.extend(entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()).filter(|number| *number > 2));
    }
    for number in found {
        // The list's own descriptor is among them and is closed already: that is no error.
        let _ = nix::unistd::close(number);
    }
    Ok(())
}

/// Gives up all privileges, for good: what this process may do only becomes less from here.
///
/// # Errors
/// If the system refuses.
#[cfg(target_os = "linux")]
pub fn shed() -> Result<(), SandboxError> {
    use rustix::thread::{CapabilitySet, CapabilitySets, set_capabilities, set_no_new_privs};
    set_no_new_privs(true).map_err(failed("give up new privileges"))?;
    let none = CapabilitySet::empty();
    let none = CapabilitySets { effective: none, permitted: none, inheritable: none };
    set_capabilities(None, none).map_err(failed("give up capabilities"))
}

/// Gives up all privileges, for good. There are none that this system lets a process give up.
///
/// # Errors
/// None.
#[cfg(not(target_os = "linux"))]
pub fn shed() -> Result<(), SandboxError> {
    Ok(())
}

/// Closes the file system, the network, and other processes, as far as Landlock does. What is open stays open. Returns the
/// version of Landlock's interface, 0 if there is none.
///
/// # Errors
/// If there is Landlock and it refuses.
#[cfg(target_os = "linux")]
pub fn close_files() -> Result<u32, SandboxError> {
    use landlock::{
        ABI, Access as _, AccessFs, AccessNet, LandlockStatus, Ruleset, RulesetAttr as _, RulesetError, RulesetStatus,
        Scope,
    };
    // The newest that the crate knows; it leaves out what the kernel does not.
    let newest = ABI::V10;
    // No rule follows: nothing at all is allowed.
    let close = || -> Result<_, RulesetError> {
        Ruleset::default()
            .handle_access(AccessFs::from_all(newest))?
            .handle_access(AccessNet::from_all(newest))?
            .scope(Scope::from_all(newest))?
            .create()?
            .restrict_self()
    };
    let status = close().map_err(|error| failed("close the file system")(io::Error::other(error)))?;
    Ok(match (status.ruleset, status.landlock) {
        (RulesetStatus::NotEnforced, _) => 0,
        (_, LandlockStatus::Available { effective_abi, .. }) => effective_abi as u32,
        _ => 0,
    })
}

/// Closes the file system. This system has no Landlock.
///
/// # Errors
/// None.
#[cfg(not(target_os = "linux"))]
pub fn close_files() -> Result<u32, SandboxError> {
    Ok(0)
}

/// Takes all system calls away from all threads but those that proving needs. Returns whether the system can do so.
///
/// # Errors
/// If it can and refuses.
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
pub fn close_calls() -> Result<bool, SandboxError> {
    use seccompiler::Error;
    let programs =
        filter::programs(std::process::id()).map_err(|error| failed("filter system calls")(io::Error::other(error)))?;
    for program in programs {
        match seccompiler::apply_filter_all_threads(&program) {
            Ok(()) => {}
            // A kernel without filters, or a container that forbids them.
            Err(Error::Seccomp(error))
                if matches!(
                    error.kind(),
                    io::ErrorKind::Unsupported | io::ErrorKind::InvalidInput | io::ErrorKind::PermissionDenied
                ) =>
            {
                return Ok(false);
            }
            Err(error) => return Err(failed("filter system calls")(io::Error::other(error))),
        }
    }
    Ok(true)
}

/// Takes system calls away. There is no filter for this system.
///
/// # Errors
/// None.
#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
pub fn close_calls() -> Result<bool, SandboxError> {
    Ok(false)
}

/// Lets no descriptor be opened any more, whatever for: no file, no socket, no pipe. Those that are open stay.
///
/// # Errors
/// If the system refuses.
pub fn close_descriptors() -> Result<(), SandboxError> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    setrlimit(Resource::Nofile, Rlimit { current: Some(0), maximum: Some(0) }).map_err(failed("limit the open files"))
}
