//! What can go wrong with a request.

use crate::ids::Digest;
use crate::problem::{Cause, Problem};
use std::path::PathBuf;
use std::time::Duration;

/// The longest wait that a distributor can ask for. It may say more, by mistake or malice; whoever comes back after this is
/// told again.
pub const MOST_WAIT: Duration = Duration::from_secs(3600);

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
    /// A connection that is not encrypted with somebody who may not be the distributor.
    #[error("the distributor at {address} is not trusted: {reason}")]
    Certificate {
        /// The distributor.
        address: String,
        /// What is wrong with its certificate, and what to do.
        reason: String,
    },
    /// A secret that everybody on the way could read.
    #[error(
        "the access key is not sent to {address}: without https everybody on the way could read it. Give the https address of \
         the distributor; if the way to it is safe all the same, say so with --insecure-http or CAIRN_INSECURE_HTTP=true"
    )]
    Insecure {
        /// The distributor.
        address: String,
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

    /// Whether it is the distributor's own refusal, for a cause that this program knows. Only such a one can be final: all
    /// other answers may be of a proxy, of a network that wants a login first, or of a distributor in the middle of an upgrade.
    pub fn is_refusal(&self) -> bool {
        self.cause().is_some_and(|cause| cause != Cause::Unknown)
    }

    /// Whether the distributor could not be reached, or could not work (exit code 3 of the command lines).
    pub fn is_unreachable(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Certificate { .. } => true,
            Self::Answer { status, .. } => *status >= 500,
            Self::Refused(problem) => problem.status >= 500,
            _ => false,
        }
    }

    /// Whether the same request may succeed later.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Certificate { .. } | Self::Digest { .. } | Self::Answer { .. } => true,
            Self::Refused(problem) if problem.cause == Cause::Unknown => {
                problem.status >= 500 || matches!(problem.status, 408 | 429)
            }
            Self::Refused(problem) => problem.cause.is_temporary(),
            _ => false,
        }
    }

    /// When the distributor wants to be asked again, at most [`MOST_WAIT`].
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused(problem) => problem.retry_after.map(|seconds| Duration::from_secs(seconds).min(MOST_WAIT)),
            _ => None,
        }
    }
}
