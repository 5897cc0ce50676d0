//! Where projects, units, leases and credits live.
//!
//! Each method is one transaction; what it decides depends on its arguments and the stored state alone: time, ids and
//! random numbers come from the caller. [`sqlite`] is the only backend so far; all of its SQL is in that module, and the
//! tests in `tests/store` are written against [`Store`].

mod model;
pub mod sqlite;
mod weights;

pub use model::{
    Accept, AcceptExecution, AcceptProof, AddUnits, BlobRef, Donor, DrawnUnit, Holder, LeaseAsk, LeaseChange,
    LeaseGrant, PutProject, Refusal, Release, Scopes, Shown, Submission, Target, UnitChange, UploaderKey,
};

use async_trait::async_trait;
use protocol::{
    Digest, DonorKey, Event, LeaseToken, Nonce, Project, ProjectName, ProjectSpec, ProofReceipt, ResultPage, Timestamp,
    UnitDetail, UnitId, UnitPage, UnitState, UploaderKeyId,
};

/// Why the store could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk is full.
    #[error("the database cannot grow, since its disk is full")]
    Full,
    /// The database is held by somebody else for too long.
    #[error("the database is busy: {0}")]
    Busy(String),
    /// What is stored is not what was stored.
    #[error("the database holds a damaged {what}")]
    Damaged {
        /// Which column.
        what: &'static str,
    },
    /// Anything else.
    #[error("the database failed: {0}")]
    Failed(String),
}

/// What store methods return.
pub type StoreResult<T> = Result<T, StoreError>;

/// Uploaders' keys.
#[async_trait]
pub trait Keys {
    /// Adds a key.
    async fn add_key(&self, key: &UploaderKey) -> StoreResult<()>;
    /// The key of this id.
    async fn key(&self, id: &UploaderKeyId) -> StoreResult<Option<UploaderKey>>;
    /// All keys, oldest first.
    async fn keys(&self) -> StoreResult<Vec<UploaderKey>>;
    /// Revokes a key; whether there is one.
    async fn revoke_key(&self, id: &UploaderKeyId, now: Timestamp) -> StoreResult<bool>;
}

/// Projects.
#[async_trait]
pub trait Projects {
    /// Makes a project, or changes limits, description and weight of one with the same program, signer and preset.
    async fn put_project(
        &self,
        name: &ProjectName,
        spec: &ProjectSpec,
        owner: &UploaderKeyId,
        now: Timestamp,
    ) -> StoreResult<PutProject>;
    /// One project.
    async fn project(&self, name: &ProjectName, now: Timestamp) -> StoreResult<Option<Project>>;
    /// All projects, by name.
    async fn projects(&self, now: Timestamp) -> StoreResult<Vec<Project>>;
    /// Withdraws a project and its units that are not proved; how many, if there is such a project.
    async fn withdraw_project(&self, name: &ProjectName, now: Timestamp) -> StoreResult<Option<u64>>;
}

/// Units and their results.
#[async_trait]
pub trait Units {
    /// Adds units, all or none.
    async fn add_units(&self, project: &ProjectName, units: &[DrawnUnit], now: Timestamp) -> StoreResult<AddUnits>;
    /// A page of units in the order of their making, optionally of one state, after a cursor.
    async fn units(
        &self,
        project: &ProjectName,
        state: Option<UnitState>,
        cursor: u64,
        limit: u32,
        now: Timestamp,
    ) -> StoreResult<UnitPage>;
    /// One unit with attempts and proof.
    async fn unit(&self, id: &UnitId, now: Timestamp) -> StoreResult<Option<UnitDetail>>;
    /// Proved units after a cursor, in the order of their proofs.
    async fn results(&self, project: &ProjectName, cursor: u64, limit: u32) -> StoreResult<ResultPage>;
    /// Marks results up to a cursor as collected; how many were not before.
    async fn mark_collected(&self, project: &ProjectName, cursor: u64, now: Timestamp) -> StoreResult<u64>;
    /// Puts a failed or withdrawn unit back into the queue.
    async fn retry_unit(&self, id: &UnitId, now: Timestamp) -> StoreResult<UnitChange>;
    /// Withdraws a unit that is not proved.
    async fn withdraw_unit(&self, id: &UnitId, now: Timestamp) -> StoreResult<UnitChange>;
    /// The projects that have a unit with this proof.
    async fn projects_of_proof(&self, proof: &Digest) -> StoreResult<Vec<ProjectName>>;
    /// Events of a project after a number, in order.
    async fn events(&self, project: &ProjectName, after: u64, limit: u32) -> StoreResult<Vec<Event>>;
    /// Number of the last event of all projects, 0 if there is none.
    async fn last_event(&self) -> StoreResult<u64>;
}

/// Leases.
#[async_trait]
pub trait Leases {
    /// Lends a unit, or says why not.
    async fn lease(&self, ask: &LeaseAsk) -> StoreResult<LeaseGrant>;
    /// Prolongs a lease to `until`, or as far as it may be prolonged.
    async fn renew(
        &self,
        token: &LeaseToken,
        donor: &DonorKey,
        now: Timestamp,
        until: Timestamp,
        renewable_for: u64,
    ) -> StoreResult<LeaseChange>;
    /// Takes a lease back.
    async fn release(&self, release: &Release) -> StoreResult<LeaseChange>;
    /// What a donor's token stands for.
    async fn holder(&self, token: &LeaseToken, donor: &DonorKey) -> StoreResult<Option<Holder>>;
}

/// Proofs and executions.
#[async_trait]
pub trait Submissions {
    /// What a submission for this unit is checked against.
    async fn target(&self, unit: &UnitId) -> StoreResult<Option<Target>>;
    /// The answer that this very proof got before.
    async fn proof_receipt(
        &self,
        unit: &UnitId,
        sha256: &Digest,
        donor: &DonorKey,
    ) -> StoreResult<Option<ProofReceipt>>;
    /// The answer that this very execution got before.
    async fn execution_receipt(
        &self,
        unit: &UnitId,
        sha256: &Digest,
        donor: &DonorKey,
    ) -> StoreResult<Option<protocol::ExecutionReceipt>>;
    /// Takes in a verified proof whose file is stored. Durable when it returns.
    async fn accept_proof(&self, submission: &Submission, shown: &Shown) -> StoreResult<AcceptProof>;
    /// Takes in a checked execution whose file is stored. Durable when it returns.
    async fn accept_execution(&self, submission: &Submission, shown: &Shown) -> StoreResult<AcceptExecution>;
    /// Notes that a submission was refused, and ends the lease under which it came.
    async fn refuse(&self, submission: &Submission, refusal: &Refusal) -> StoreResult<()>;
    /// The execution of a unit that waits for its proof.
    async fn execution_of(&self, unit: &UnitId) -> StoreResult<Option<Digest>>;
}

/// Donors.
#[async_trait]
pub trait Donors {
    /// Remembers a nonce until it expires; false if it was seen before. Forgets expired ones.
    async fn remember_nonce(
        &self,
        donor: &DonorKey,
        nonce: &Nonce,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> StoreResult<bool>;
    /// One donor; with zeros if it was never seen.
    async fn donor(&self, key: &DonorKey, now: Timestamp) -> StoreResult<Donor>;
    /// Whether a donor is blocked.
    async fn is_blocked(&self, key: &DonorKey) -> StoreResult<bool>;
    /// All donors, those that proved most first.
    async fn donors(&self, now: Timestamp) -> StoreResult<Vec<Donor>>;
    /// Blocks a donor or lets it in again.
    async fn block_donor(&self, key: &DonorKey, blocked: bool, now: Timestamp) -> StoreResult<()>;
}

/// The operator's side.
#[async_trait]
pub trait Operations {
    /// Whether it answers.
    async fn ping(&self) -> StoreResult<()>;
    /// Whether the grid gives out work.
    async fn is_paused(&self) -> StoreResult<bool>;
    /// Pauses or resumes the grid.
    async fn set_paused(&self, paused: bool) -> StoreResult<()>;
    /// Whether this file is referred to.
    async fn needs_file(&self, file: &BlobRef) -> StoreResult<bool>;
    /// Every file that is referred to.
    async fn blob_refs(&self) -> StoreResult<Vec<BlobRef>>;
    /// Writes a consistent copy of the database to a file that does not exist.
    async fn backup(&self, path: &std::path::Path) -> StoreResult<()>;
    /// Ends all work with the database.
    async fn close(&self);
}

/// All of it.
pub trait Store: Keys + Projects + Units + Leases + Submissions + Donors + Operations + Send + Sync + 'static {}

impl<T> Store for T where T: Keys + Projects + Units + Leases + Submissions + Donors + Operations + Send + Sync + 'static
{}
