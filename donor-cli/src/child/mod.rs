//! A unit's process: the donor's own file, started again with a hidden command.

pub mod bucket;
pub mod gate;
pub mod limits;
pub mod messages;
pub mod unit;
pub mod work;

/// The hidden command.
pub const COMMAND: &str = "work-unit";

/// The variable with which tests hold a unit's process in one of its phases; it names a file. Release builds do not look at it.
pub const HOLD: &str = "CAIRN_TEST_HOLD";

/// The donor's own file, which a unit's process is started from.
///
/// # Errors
/// If the system does not tell.
pub fn program() -> std::io::Result<std::path::PathBuf> {
    // This is the running file, even after another version was put in its place.
    let running = std::path::Path::new("/proc/self/exe");
    if cfg!(target_os = "linux") && running.exists() { Ok(running.to_owned()) } else { std::env::current_exe() }
}
