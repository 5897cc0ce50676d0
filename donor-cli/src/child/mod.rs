//! A unit's process: the donor's own file, started again with a hidden command.
//!
//! In the process itself, [`work`] does the job behind the walls of [`sandbox`] and within [`limits`]. On the donor's side,
//! [`mod@unit`] starts it, hears it and ends it, and believes nothing that it says: [`account`] checks each message, [`watch`] its
//! use of the machine, [`result`] what it wrote.

pub mod account;
#[cfg(debug_assertions)]
pub mod attempts;
pub mod bucket;
pub mod files;
pub mod gate;
pub mod limits;
pub mod lines;
pub mod messages;
pub mod probe;
pub mod result;
pub mod sandbox;
pub mod unit;
pub mod watch;
pub mod work;

/// Most runs that one proof is of.
pub const MOST_RUNS: usize = cairo_air::MAX_RUNS;

/// The hidden command.
pub const COMMAND: &str = "work-unit";

/// The variable with which tests hold a unit's process in one of its phases; it names a file. Release builds do not look at it.
pub const HOLD: &str = "CAIRN_TEST_HOLD";

/// The variable with which tests have a unit's process try to get out; see [`attempts`]. Release builds do not look at it.
pub const ATTEMPT: &str = "CAIRN_TEST_ATTEMPT";

/// The donor's own file, which a unit's process is started from.
///
/// # Errors
/// If the system does not tell.
pub fn program() -> std::io::Result<std::path::PathBuf> {
    // This is the running file, even after another version was put in its place.
    let running = std::path::Path::new("/proc/self/exe");
    if cfg!(target_os = "linux") && running.exists() { Ok(running.to_owned()) } else { std::env::current_exe() }
}
