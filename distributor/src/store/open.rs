//! Opening a database of any kind.

use super::sqlite::SqliteStore;
use super::{Store, StoreError};
use crate::location::Location;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// What to do if there is no database yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IfMissing {
    /// Make it.
    Make,
    /// Say so.
    Refuse,
}

/// Why a database cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// No backend has this scheme, or nothing comes after it.
    #[error("the database `{0}` is not supported; this version takes `sqlite:FILE`")]
    Unsupported(Location),
    /// There is none.
    #[error(
        "there is no database {path}; `distributor serve` makes one, and --data or $CAIRN_DATA says where it is",
        path = .0.display()
    )]
    Missing(PathBuf),
    /// Its folder cannot be made.
    #[error("cannot make the folder {path}: {source}", path = .folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The backend refused it.
    #[error("cannot open the database {database}: {source}")]
    Failed {
        /// Which, without anything secret.
        database: String,
        /// Why.
        source: StoreError,
    },
}

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
