//! Opening files of any kind of store.

use super::folder::FolderBlobs;
use super::{Blobs, OpenError, Use};
use crate::location::Location;
use std::sync::Arc;

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
