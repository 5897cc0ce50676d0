//! Fetching results and believing none of them before they are verified.

mod journal;
mod missing;
mod refusal;
mod session;

pub use journal::{About, Journal, JournalError};
pub use missing::{Missing, all_units, each_unit, find_missing};
pub use refusal::{Refusal, Refused, check_proof};
pub use session::{Session, Settings};
