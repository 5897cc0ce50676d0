//! Files: programs, records, executions, proofs. Each stands under the SHA-256 of its bytes and never changes.

mod folder;
mod open;

pub use folder::place_in;
pub use open::open;

use crate::location::Location;
use crate::share::Hold;
use async_trait::async_trait;
use protocol::{Digest, Timestamp};
use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;
use tokio::io::AsyncRead;

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

impl From<BlobError> for io::Error {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::Full => Self::new(io::ErrorKind::StorageFull, error),
            BlobError::Io(error) => error,
        }
    }
}

/// A stored file that is being read.
pub struct Opened {
    /// Number of its bytes.
    pub size: u64,
    /// Its bytes, from the first one on.
    pub bytes: Box<dyn AsyncRead + Send + Unpin>,
}

/// Where files are kept.
#[async_trait]
pub trait Blobs: Send + Sync + 'static {
    /// A temporary file to receive into.
    async fn spool(&self) -> Result<NamedTempFile, BlobError>;
    /// Stores a received file; durable when it returns. Whether it is new.
    async fn put(&self, kind: Kind, spooled: Spooled) -> Result<bool, BlobError>;
    /// Opens a file for sending it.
    async fn open(&self, kind: Kind, sha256: &Digest) -> Result<Option<Opened>, BlobError>;
    /// Opens a file for reading it at any place: itself if it is on this machine, or a copy that vanishes when it is closed.
    async fn fetch(&self, kind: Kind, sha256: &Digest) -> Result<Option<File>, BlobError>;
    /// Reads a whole file.
    async fn read(&self, kind: Kind, sha256: &Digest) -> Result<Option<Vec<u8>>, BlobError>;
    /// Writes a file to a new place on this machine, durably; whether there is such a file. A hard link will do, since files
    /// never change.
    async fn copy(&self, kind: Kind, sha256: &Digest, to: &Path) -> io::Result<bool> {
        let Some(mut file) = self.fetch(kind, sha256).await? else { return Ok(false) };
        let to = to.to_owned();
        let copy = move || {
            let mut copy = File::create_new(to)?;
            io::copy(&mut file, &mut copy)?;
            copy.sync_all()
        };
        tokio::task::spawn_blocking(copy).await.map_err(io::Error::other)??;
        Ok(true)
    }
    /// All files of a kind, with the time since which each is there, or was stored again.
    async fn stored(&self, kind: Kind) -> Result<Vec<(Digest, Timestamp)>, BlobError>;
    /// Deletes a file, if it is there.
    async fn delete(&self, kind: Kind, sha256: &Digest) -> Result<(), BlobError>;
    /// Whether files can be stored.
    async fn ping(&self) -> Result<(), BlobError>;
    /// The folder that they are in, if they are in one.
    fn folder(&self) -> Option<&Path> {
        None
    }
}
