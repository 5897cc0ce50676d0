//! Opening files of any kind of store.

use super::Blobs;
use super::folder::FolderBlobs;
use crate::location::Location;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// What the files are opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// To serve them: what an earlier distributor left half received is tidied up, and a store that only one distributor may serve
    /// is held as long as it is open.
    Serve,
    /// To look at them beside whoever serves them.
    Look,
}

/// Why files cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// No backend has this scheme, or nothing comes after it.
    #[error("files in `{0}` are not supported; this version takes a folder")]
    Unsupported(Location),
    /// Another distributor serves them.
    #[error("another distributor uses the folder {folder}", folder = .0.display())]
    InUse(PathBuf),
    /// The folder is of no use.
    #[error("cannot use {path}: {source}", path = .path.display())]
    Folder {
        /// The folder, or what is in it.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Opens files. The one place that knows all backends.
///
/// # Errors
/// If there is no such backend, or it cannot be used.
pub fn open(location: &Location, purpose: Use) -> Result<Arc<dyn Blobs>, OpenError> {
    match (location.scheme(), location.path()) {
        ("folder", Some(path)) => Ok(Arc::new(FolderBlobs::open(path, purpose)?)),
        _ => Err(OpenError::Unsupported(location.clone())),
    }
}
