//! What distributor, donor and uploader say to each other.
//!
//! Types of requests and answers, ids that are checked when they are read, one list of causes of refusals for both
//! sides, signatures, and with the feature `client` the typed HTTP client. `docs/API.md` describes the protocol.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod api_key;
mod check;
#[cfg(feature = "client")]
pub mod client;
mod felts;
mod hex;
mod ids;
mod keep;
mod lease;
mod lease_check;
mod names;
pub mod output;
mod page;
mod policy;
mod problem;
mod project;
pub mod proof;
mod record;
pub mod routes;
pub mod signing;
mod statistics;
pub mod text;
mod trailer;
mod unit;
mod unit_limits;
pub mod wrap;

pub use api_key::ApiKey;
pub use check::ProofCheck;
pub use felts::{Felts, MAX_FELTS, felt_from_hex};
pub use hex::IdError;
pub use ids::{
    AttemptNumber, Digest, DonorKey, ExternalId, LeaseToken, Nonce, ProgramHash, ProjectName, RequestKey, Signature,
    SignerKey, Timestamp, UnitId, UploaderKeyId,
};
pub use keep::{KeepProofs, MAX_KEEP_DAYS};
pub use lease::{
    DonorCredit, DonorLimits, ExecutionInfo, ExecutionReceipt, ExecutionStatus, FailureCause, FailureReport, GivenBack,
    Lease, LeaseMode, LeaseRequest, LeasedProject, LeasedUnit, MAX_DETAIL, MAX_LEASE_UNITS, NoWork, ProofReceipt,
    ProofStatus, Renewed, UnitReceipt, Versions,
};
pub use lease_check::check_lease;
pub use names::{DonorProfile, MAX_NAME, Nickname, TeamId, TeamName};
pub use page::{MAX_ABOUT, MAX_CITE, MAX_COLUMN, MAX_LABEL, Plot, PlotKind, ProjectPage, Topic};
pub use policy::{MAX_PROOF_BYTES, policy, preset};
pub use problem::{Cause, PROBLEM_JSON, Problem};
pub use project::{
    BlobStored, MAX_BYTE_PRICE, MAX_DESCRIPTION, MAX_WEIGHT, Project, ProjectList, ProjectSpec, ProjectState,
    ProjectStored, ProofCounts, UnitCounts,
};
pub use record::{MAX_RECORD_BYTES, RecordError, decode_program, encode_program, program_hash, record_digest};
pub use signing::{Identity, KeyFileError, Offer, SignatureError, SignedHeaders};
pub use stark::Preset;
pub use statistics::{
    Board, BoardKind, BoardRow, DonorPage, Figures, MAX_POINTS, Point, ProjectFigures, Series, ShareRow, Span, Tally,
    TeamPage,
};
pub use trailer::{MAX_TRAILER, TRAILER_MAGIC, TrailerError, read_trailer, trailer};
pub use unit::{
    Attempt, Changed, Collected, Event, Failure, MAX_ATTEMPTS, MAX_BATCH, MAX_PAGE, MAX_REPORTS, MAX_UNIT_ARGUMENTS,
    NewUnit, NewUnits, Outcome, ProofInfo, ProofRuns, ProvedRun, Report, ResultPage, StoredUnit, Unit, UnitDetail,
    UnitPage, UnitResult, UnitState, UnitsStored,
};
pub use unit_limits::UnitLimits;

/// Version of the wire protocol, in the header [`HEADER_PROTOCOL`] of every request and answer.
pub const PROTOCOL_VERSION: u32 = 3;

/// Largest program file that travels.
pub const MAX_PROGRAM_BYTES: usize = 256 << 20;

/// Header with the version of the wire protocol.
pub const HEADER_PROTOCOL: &str = "cairn-protocol";
/// Header with the donor's public key.
pub const HEADER_KEY: &str = "cairn-key";
/// Header with the time of a signed request.
pub const HEADER_TIME: &str = "cairn-time";
/// Header with the nonce of a signed request.
pub const HEADER_NONCE: &str = "cairn-nonce";
/// Header with the SHA-256 of the body.
pub const HEADER_CONTENT: &str = "cairn-content-sha256";
/// Header with the signature of a request.
pub const HEADER_SIGNATURE: &str = "cairn-signature";
/// Header with the lease under which something is submitted.
pub const HEADER_LEASE: &str = "cairn-lease";
/// Header with the reason of a 204: [`NoWork`].
pub const HEADER_REASON: &str = "cairn-reason";
/// Header with the id of a request.
pub const HEADER_REQUEST_ID: &str = "x-request-id";
