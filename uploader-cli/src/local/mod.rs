//! What the uploader keeps on its own disk: keys, and what it pushed.

mod corelibs;
mod error;
pub mod file;
mod keys;
mod record;
mod state;

pub use corelibs::Corelibs;
pub use error::StateError;
pub use keys::{Keys, StoredKey};
pub use record::{MergeError, Record, RecordedUnit};
pub use state::State;
