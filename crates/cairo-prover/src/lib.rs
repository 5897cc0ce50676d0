//! Proves executions of Cairo programs: fills the tables of `cairo_air` and hands them to the STARK layer.

mod claim;
pub mod disclosed;
mod error;
#[cfg(test)]
mod fixture;
mod memory;
pub mod planner;
pub mod prove;
pub mod table_size;
pub mod witness;

pub use error::{ProveError, WitnessError};
pub use planner::StepTable;
pub use prove::{Options, prove};
pub use witness::Witness;

/// An environment variable to start a process with that will prove, unless it is set already: GNU's allocator then asks for large
/// pages, and keeps what is freed for what is allocated next. A proof takes and frees hundreds of megabytes, and to have the
/// system supply and clear each page anew can take a quarter of its time. Other allocators ignore it.
pub const MALLOC_TUNABLES: (&str, &str) = (
    "GLIBC_TUNABLES",
    "glibc.malloc.hugetlb=1:glibc.malloc.arena_max=1:glibc.malloc.mmap_threshold=33554432:\
     glibc.malloc.trim_threshold=1099511627776:glibc.malloc.top_pad=8388608",
);
