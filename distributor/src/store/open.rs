//! Opening a database of any kind.

use super::sqlite::SqliteStore;
use super::{IfMissing, OpenError, Store};
use crate::location::Location;
use std::sync::Arc;

/// Opens a database, and brings its schema up to date. The one place that knows all backends.
///
/// # Errors
/// If there is no such backend or database, or it cannot be opened.
pub async fn open(location: &Location, missing: IfMissing) -> Result<Arc<dyn Store>, OpenError> {
    match (location.scheme(), location.path()) {
        ("sqlite", Some(path)) => Ok(Arc::new(SqliteStore::open(path, missing).await?)),
        _ => Err(OpenError::Unsupported(location.clone())),
    }
}
