//! Fetching results and believing none of them before they are verified.

mod missing;
mod session;

pub use missing::{Missing, all_units, each_unit, find_missing};
pub use session::{Session, Settings};
