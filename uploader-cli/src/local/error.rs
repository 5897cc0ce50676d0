//! Why local files cannot be used.

use std::io;
use std::path::PathBuf;

/// Why local files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Reading failed.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Writing failed.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file that is not as it was written.
    #[error("{} is damaged: {what}. {advice}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
        /// What to do.
        advice: String,
    },
    /// No place for local files.
    #[error("there is no home folder to keep keys and records in; give one with --state DIR or CAIRN_UPLOADER_STATE")]
    NoHome,
    /// The signing key.
    #[error(transparent)]
    SigningKey(#[from] protocol::KeyFileError),
}
