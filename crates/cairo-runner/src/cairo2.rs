//! Cairo 2 executables: loading, the place of their arguments, and their hints.

mod core;
mod hint;
mod load;
mod processor;
mod wrapper;

pub(crate) use load::{Cairo2, load};
pub(crate) use processor::Cairo2Hints;
