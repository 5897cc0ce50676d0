//! Processes of this machine: started, watched, ended.

mod process;
mod programs;
mod system;

pub use process::{Process, run, send};
pub use programs::Programs;
pub use system::{adopt_orphans, children, cpu_seconds, open_files, orphans, resident_bytes};
