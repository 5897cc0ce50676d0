//! What can go wrong with a request.

use crate::ids::Digest;
use crate::problem::{Cause, Problem};
use std::path::PathBuf;
use std::time::Duration;

/// Why a request has no answer that can be used.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The address of the distributor is none.
    #[error(
        "`{address}` is no address of a distributor: {reason}; give one like `https://grid.example` or `http://127.0.0.1:8080`"
    )]
    Address {
        /// What was given.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
    /// No connection, or it broke.
    #[error("the distributor at {address} cannot be reached: {reason}")]
    Unreachable {
        /// The distributor.
        address: String,
        /// The innermost reason.
        reason: String,
    },
    /// The distributor refused.
    #[error("{0}")]
    Refused(Box<Problem>),
    /// An answer that is none of the distributor's.
    #[error("the answer from {address} is not a distributor's: {reason}")]
    Answer {
        /// The address asked.
        address: String,
        /// What is wrong.
        reason: String,
        /// Its status.
        status: u16,
    },
    /// The distributor speaks another version of the protocol.
    #[error(
        "the distributor speaks version {found} of the protocol, this program version {ours}; use the newer release of both"
    )]
    Version {
        /// The distributor's version.
        found: String,
        /// Our version.
        ours: u32,
    },
    /// A file that is not what its address says.
    #[error("the file from {address} has the digest {found} instead of {expected}; nothing of it was kept")]
    Digest {
        /// The address asked.
        address: String,
        /// The digest asked for.
        expected: Digest,
        /// The digest of what came.
        found: Digest,
    },
    /// A file above the limit.
    #[error("the file from {address} has more than {limit} bytes, the most that is taken")]
    TooLarge {
        /// The address asked.
        address: String,
        /// The limit.
        limit: u64,
    },
    /// A local file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// No random bytes for a nonce.
    #[error("the operating system gives no random bytes: {0}")]
    Random(#[from] getrandom::Error),
    /// The HTTP client cannot be set up.
    #[error("the HTTP client cannot be set up: {0}")]
    Setup(String),
}

impl ClientError {
    /// Why the distributor refused, if it did.
    pub fn cause(&self) -> Option<Cause> {
        match self {
            Self::Refused(problem) => Some(problem.cause),
            _ => None,
        }
    }

    /// Whether the distributor could not be reached, or could not work (exit code 3 of the command lines).
    pub fn is_unreachable(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Answer { status, .. } => *status >= 500,
            Self::Refused(problem) => problem.status >= 500,
            _ => false,
        }
    }

    /// Whether the same request may succeed later.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Digest { .. } => true,
            Self::Answer { status, .. } => matches!(status, 408 | 429 | 502 | 503 | 504),
            Self::Refused(problem) => problem.cause.is_temporary(),
            _ => false,
        }
    }

    /// When the distributor wants to be asked again.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused(problem) => problem.retry_after.map(Duration::from_secs),
            _ => None,
        }
    }
}
