//! Files: programs, records, executions, proofs. Each stands under the SHA-256 of its bytes and never changes.

mod folder;

pub use folder::FolderBlobs;

use crate::share::Hold;
use async_trait::async_trait;
use protocol::{Digest, Timestamp};
use std::fmt;
use std::io;
use tempfile::NamedTempFile;

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A compiled program.
    Program,
    /// A program's record.
    Record,
    /// An execution.
    Execution,
    /// A proof.
    Proof,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Program, Self::Record, Self::Execution, Self::Proof];

    /// Name of the folder.
    pub const fn folder(self) -> &'static str {
        match self {
            Self::Program => "programs",
            Self::Record => "records",
            Self::Execution => "executions",
            Self::Proof => "proofs",
        }
    }

    /// Name for messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Program => "program",
            Self::Record => "record",
            Self::Execution => "execution",
            Self::Proof => "proof",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Why a file cannot be stored or read.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// The disk is full.
    #[error("the disk for files is full")]
    Full,
    /// Anything else.
    #[error("the file store failed: {0}")]
    Io(#[source] io::Error),
}

impl From<io::Error> for BlobError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => Self::Full,
            _ => Self::Io(error),
        }
    }
}

/// A file that was received in full: its bytes are on disk under a temporary name, which vanishes unless it is stored.
#[derive(Debug)]
pub struct Spooled {
    /// The file.
    pub file: NamedTempFile,
    /// Digest of its bytes.
    pub sha256: Digest,
    /// Number of its bytes.
    pub size: u64,
    /// The room that it takes among all files that are being received.
    pub room: Hold,
}

/// Where files are kept.
#[async_trait]
pub trait Blobs: Send + Sync + 'static {
    /// A temporary file to receive into.
    async fn spool(&self) -> Result<NamedTempFile, BlobError>;
    /// Stores a received file; durable when it returns. Whether it is new.
    async fn put(&self, kind: Kind, spooled: Spooled) -> Result<bool, BlobError>;
    /// Opens a file: its length and its bytes.
    async fn open(&self, kind: Kind, sha256: &Digest) -> Result<Option<(u64, tokio::fs::File)>, BlobError>;
    /// Reads a whole file.
    async fn read(&self, kind: Kind, sha256: &Digest) -> Result<Option<Vec<u8>>, BlobError>;
    /// All files of a kind, with the time since which each is there, or was stored again.
    async fn stored(&self, kind: Kind) -> Result<Vec<(Digest, Timestamp)>, BlobError>;
    /// Deletes a file, if it is there.
    async fn delete(&self, kind: Kind, sha256: &Digest) -> Result<(), BlobError>;
    /// Whether files can be stored.
    async fn ping(&self) -> Result<(), BlobError>;
}
