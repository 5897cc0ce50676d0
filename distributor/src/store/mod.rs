//! Where projects, units, leases and credits live.
//!
//! Each method is one transaction, or several if it may have very much to do; what it decides depends on its arguments,
//! the stored state and the store's [`Rules`] alone: time, ids and random numbers come from the caller. A backend is a folder here, known to nobody but [`open`]; the tests in
//! `tests/store` are written against [`Store`] and run on each.

mod keys;
mod model;
mod open;
pub mod spans;
mod sqlite;
mod statistics;
mod weights;

pub use keys::{GivenQuota, OverQuota, Pusher, Quota, Scopes, UploaderKey};
pub use model::{
    Accept, AcceptExecution, AcceptProof, AddUnits, BlobRef, Donor, DrawnUnit, Holder, LeaseAsk, LeaseChange,
    LeaseGrant, Miscount, PutProject, Rechecked, Refusal, Release, RemoveProject, Renewal, Rules, Submission, Target,
    Targeted, Thinned, UnitChange, UnitFilter, VerifiedRun,
};
pub use open::open;
pub use statistics::{Card, ProofRow, ProofsOf, Statistics, Subject, Value, sum};

use crate::location::Location;
use async_trait::async_trait;
use protocol::{
    Digest, DonorKey, Event, LeaseToken, Nonce, Project, ProjectList, ProjectName, ProjectSpec, ProofReceipt,
    ProofRuns, ResultPage, Timestamp, UnitDetail, UnitId, UnitPage, UploaderKeyId,
};
use std::io;
use std::path::{Path, PathBuf};

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
        by: &Pusher,
        now: Timestamp,
    ) -> StoreResult<PutProject>;
    /// Who owns a project, if there is such a project.
    async fn project_owner(&self, name: &ProjectName) -> StoreResult<Option<UploaderKeyId>>;
    /// Gives a project to another owner; whether there is such a project.
    async fn give_project(&self, name: &ProjectName, owner: &UploaderKeyId) -> StoreResult<bool>;
    /// Sets the most weight of a project; whether there is such a project.
    async fn set_weight(&self, name: &ProjectName, weight: u32) -> StoreResult<bool>;
    /// Notes who uploaded a program or record, unless it is there; what the owner would have too much of, if so.
    async fn note_upload(
        &self,
        file: &BlobRef,
        size: u64,
        by: &Pusher,
        now: Timestamp,
    ) -> StoreResult<Option<OverQuota>>;
    /// One project.
    async fn project(&self, name: &ProjectName, now: Timestamp) -> StoreResult<Option<Project>>;
    /// A page of the projects by name, of those after `after`.
    async fn projects(&self, after: Option<&ProjectName>, limit: u32, now: Timestamp) -> StoreResult<ProjectList>;
    /// Withdraws a project at once, and a batch of its units that are not proved; how many those are all together, if
    /// there is such a project. [`Projects::withdraw_more`] does the rest.
    async fn withdraw_project(&self, name: &ProjectName, now: Timestamp) -> StoreResult<Option<u64>>;
    /// Withdraws the next batch of units of withdrawn projects; whether there was one.
    async fn withdraw_more(&self, now: Timestamp) -> StoreResult<bool>;
}

/// Projects that are over.
#[async_trait]
pub trait Removal {
    /// A page of the projects that are not withdrawn, by name, of those after `after`.
    async fn active_projects(
        &self,
        after: Option<&ProjectName>,
        limit: u32,
        now: Timestamp,
    ) -> StoreResult<ProjectList>;
    /// Begins to delete a withdrawn project with all that belongs to it; what donors did for it stays to their credit. Unless
    /// forced, not while units of it are lent or have results that were not collected. [`Removal::remove_more`] does the rest.
    async fn remove_project(&self, name: &ProjectName, force: bool, now: Timestamp) -> StoreResult<RemoveProject>;
    /// Deletes the next batch of what belongs to projects that are being deleted; whether there was one.
    async fn remove_more(&self) -> StoreResult<bool>;
}

/// Units and their results.
#[async_trait]
pub trait Units {
    /// Adds units, all or none.
    async fn add_units(
        &self,
        project: &ProjectName,
        units: &[DrawnUnit],
        by: &Pusher,
        now: Timestamp,
    ) -> StoreResult<AddUnits>;
    /// A page of units in the order of their making, after a cursor. It may have fewer units than asked for, or none,
    /// although more come: what is looked at is bounded.
    async fn units(
        &self,
        project: &ProjectName,
        filter: &UnitFilter,
        cursor: u64,
        limit: u32,
        now: Timestamp,
    ) -> StoreResult<UnitPage>;
    /// One unit with attempts and proof.
    async fn unit(&self, id: &UnitId, now: Timestamp) -> StoreResult<Option<UnitDetail>>;
    /// Proved units after a cursor, in the order of their proofs.
    async fn results(&self, project: &ProjectName, cursor: u64, limit: u32) -> StoreResult<ResultPage>;
    /// Marks a batch of results up to a cursor as collected, into a manifest with this root; how many were not before. 0 when
    /// all are.
    async fn mark_collected(
        &self,
        project: &ProjectName,
        cursor: u64,
        root: Option<&Digest>,
        now: Timestamp,
    ) -> StoreResult<u64>;
    /// Puts a failed or withdrawn unit back into the queue.
    async fn retry_unit(&self, id: &UnitId, now: Timestamp) -> StoreResult<UnitChange>;
    /// Has a proved unit proven again, before all others. Its result stays until then.
    async fn prove_again(&self, id: &UnitId, now: Timestamp) -> StoreResult<UnitChange>;
    /// Withdraws a unit that is not proved.
    async fn withdraw_unit(&self, id: &UnitId, now: Timestamp) -> StoreResult<UnitChange>;
    /// The projects that have a unit with this proof.
    async fn projects_of_proof(&self, proof: &Digest) -> StoreResult<Vec<ProjectName>>;
    /// Of which runs a proof of a project is.
    async fn proof_runs(&self, project: &ProjectName, proof: &Digest) -> StoreResult<Option<ProofRuns>>;
    /// Events of a project after a number, in order.
    async fn events(&self, project: &ProjectName, after: u64, limit: u32) -> StoreResult<Vec<Event>>;
    /// Number of the last event of all projects, 0 if there is none.
    async fn last_event(&self) -> StoreResult<u64>;
    /// Number of the last event of a project that is not kept any more, 0 if all are kept.
    async fn folded_events(&self, project: &ProjectName) -> StoreResult<u64>;
}

/// Leases.
#[async_trait]
pub trait Leases {
    /// Lends units, or says why not.
    async fn lease(&self, ask: &LeaseAsk) -> StoreResult<LeaseGrant>;
    /// Prolongs a lease to `until`, or as far as it may be prolonged.
    async fn renew(
        &self,
        token: &LeaseToken,
        donor: &DonorKey,
        now: Timestamp,
        until: Timestamp,
    ) -> StoreResult<Renewal>;
    /// Takes units of a lease back.
    async fn release(&self, release: &Release) -> StoreResult<LeaseChange>;
    /// What a donor's token stands for: each unit that was lent under it.
    async fn holders(&self, token: &LeaseToken, donor: &DonorKey) -> StoreResult<Vec<Holder>>;
}

/// Proofs and executions.
#[async_trait]
pub trait Submissions {
    /// What a submission for these units is checked against.
    async fn target(&self, units: &[UnitId]) -> StoreResult<Targeted>;
    /// Whether this donor got an answer for a proof with this digest before, for whatever units.
    async fn knows_proof(&self, sha256: &Digest, donor: &DonorKey) -> StoreResult<bool>;
    /// The answer that this very proof got before for these units; `None` if one of them got none.
    async fn proof_receipt(
        &self,
        units: &[UnitId],
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
    /// Takes in a verified proof whose file is stored, given what it shows of each unit. Durable when it returns.
    async fn accept_proof(&self, submission: &Submission, shown: &[VerifiedRun]) -> StoreResult<AcceptProof>;
    /// Takes in a checked execution whose file is stored. Durable when it returns.
    async fn accept_execution(&self, submission: &Submission, shown: &VerifiedRun) -> StoreResult<AcceptExecution>;
    /// Notes that a submission was refused, and ends the attempts that it came of.
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
    /// Names a donor as trusted, or no more.
    async fn trust_donor(&self, key: &DonorKey, trusted: bool, now: Timestamp) -> StoreResult<()>;
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
    /// The rules for all operations from now on.
    fn set_rules(&self, rules: Rules);
    /// Files that lost a reference; some of them may have another one.
    async fn orphans(&self, limit: u32) -> StoreResult<Vec<BlobRef>>;
    /// Says that a file which lost a reference was dealt with.
    async fn forget_orphan(&self, file: &BlobRef) -> StoreResult<()>;
    /// Deletes, in batches, old events beyond what is kept and strangers that are long gone; how many rows.
    async fn fold(&self, now: Timestamp) -> StoreResult<u64>;
    /// Lets go of proof files as their projects' rules say, or only says which would go.
    async fn thin(&self, now: Timestamp, look_only: bool) -> StoreResult<Vec<Thinned>>;
    /// Compares all that is counted with what is there, and corrects it if asked to.
    async fn recount(&self, mend: bool) -> StoreResult<Vec<Miscount>>;
    /// Whether this file is referred to.
    async fn needs_file(&self, file: &BlobRef) -> StoreResult<bool>;
    /// Every file that is referred to.
    async fn blob_refs(&self) -> StoreResult<Vec<BlobRef>>;
    /// The file of the database, if it is one.
    fn file(&self) -> Option<&Path> {
        None
    }
    /// What copies the database, if this kind of database is not copied by tools of its own.
    fn copies(&self) -> Option<&dyn Copies> {
        None
    }
    /// Ends all work with the database.
    async fn close(&self);
}

/// What only a database in a file can do.
#[async_trait]
pub trait Copies: Send + Sync {
    /// Writes a consistent copy to a file that does not exist.
    async fn copy_to(&self, path: &Path) -> StoreResult<()>;
}

/// All of it.
pub trait Store:
    Keys + Projects + Removal + Units + Leases + Submissions + Donors + Statistics + Operations + Send + Sync + 'static
{
}

impl<T> Store for T where
    T: Keys
        + Projects
        + Removal
        + Units
        + Leases
        + Submissions
        + Donors
        + Statistics
        + Operations
        + Send
        + Sync
        + 'static
{
}
