//! What goes into the store and comes out of it, besides the wire types.

use super::keys::OverQuota;
use protocol::{
    AttemptNumber, Cause, Digest, DonorKey, DonorLimits, ExecutionReceipt, FailureReport, Felts, KeepProofs, Lease,
    LeaseMode, LeaseToken, NewUnit, NoWork, Preset, Project, ProjectName, ProofReceipt, RequestKey, Timestamp, Unit,
    UnitId, UnitLimits, UnitState,
};

/// What became of a project declaration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PutProject {
    /// It is new.
    Created(Project),
    /// It was there; these settings were changed.
    Updated(Project, Vec<String>),
    /// The name belongs to something else, for this reason.
    Taken(String),
    /// The project belongs to another owner.
    NotOwner,
    /// The owner would have too much.
    OverQuota(OverQuota),
    /// The project was withdrawn.
    Withdrawn,
}

/// What became of a wish to delete a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemoveProject {
    /// It is being deleted, with so many units.
    Begun(u64),
    /// No such project.
    Unknown,
    /// It is not withdrawn.
    Active,
    /// So many of its units are lent.
    Lent(u64),
    /// So many of its results were not collected.
    Uncollected(u64),
}

/// What became of a batch of units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AddUnits {
    /// All are there: for each its id, and whether it is new.
    Stored(Vec<(UnitId, bool)>),
    /// None was added: the unit at this place of the batch has an external id that stands for other arguments.
    Taken(usize),
    /// None was added: no such project.
    UnknownProject,
    /// None was added: the project belongs to another owner.
    NotOwner,
    /// None was added: the owner would have too much.
    OverQuota(OverQuota),
    /// None was added: the project was withdrawn.
    Withdrawn,
}

/// A unit to be added, with the id drawn for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DrawnUnit {
    /// Its id, if it is new.
    pub id: UnitId,
    /// What the uploader gave.
    pub unit: NewUnit,
}

/// What became of an action on a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnitChange {
    /// Done, or it was so already.
    Done(Unit),
    /// Its state does not allow it.
    Conflict(Unit),
    /// Its project was withdrawn.
    ProjectWithdrawn(ProjectName),
    /// No such unit.
    Unknown,
}

/// A donor's wish for work, with all that is drawn and decided outside of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseAsk {
    /// Who.
    pub donor: DonorKey,
    /// Marks the wish; the same wish gets the same lease.
    pub request: RequestKey,
    /// Token of the lease, if there will be one.
    pub token: LeaseToken,
    /// From which project.
    pub project: Option<ProjectName>,
    /// For what.
    pub mode: LeaseMode,
    /// What fits.
    pub limits: DonorLimits,
    /// Random number that decides among projects, by weight.
    pub draw: u64,
    /// When.
    pub now: Timestamp,
    /// When the lease runs out.
    pub until: Timestamp,
    /// Seconds beyond which it cannot be renewed.
    pub renewable_for: u64,
    /// The same for a donor that proved nothing of the project yet.
    pub renewable_for_new: u64,
    /// Where the wish comes from, in the form in which senders are told apart; empty if that is not known.
    pub source: String,
}

/// How donors are judged and what they may hold. The same for all operations of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// This many different trusted donors must report a failure of a unit to set it aside.
    pub quarantine_after: u32,
    /// A donor that proved this many units of a project under leases is trusted in it.
    pub trust_units: u32,
    /// Only donors that proved a unit of the project within this many seconds count in it.
    pub active_for: u64,
    /// A unit is not lent to a donor on which it failed less than this many seconds ago.
    pub cooldown: u64,
    /// Seconds until a suspect unit is lent again after the first report; doubled by each further one, up to a day.
    pub suspect_cooldown: u64,
    /// Most units that a donor holds that proved nothing; one more in a project for each unit that it proved of it.
    pub new_leases: u32,
    /// Most units, of all projects that they proved nothing of, that all donors of one source hold together.
    pub source_leases: u32,
    /// Most units that any donor holds.
    pub most_leases: u32,
    /// Seconds that no lease can be ahead of: an end beyond that was set while the clock was wrong, and is over.
    pub longest_lease: u64,
    /// Attempts of a unit whose rows are kept.
    pub kept_attempts: u32,
    /// Events of a project that are kept.
    pub kept_events: u32,
    /// Seconds for which events are kept.
    pub events_for: u64,
}

/// What the distributor found when a donor said that the execution it was lent is bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rechecked {
    /// The stored file is what was accepted: the report is wrong.
    Sound(Digest),
    /// The stored file is missing, damaged or not valid.
    Bad(Digest),
}

/// Answer to a wish for work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeaseGrant {
    /// Units were lent.
    Granted(Box<Lease>),
    /// There is none, for this reason.
    NoWork(NoWork),
    /// No such project.
    UnknownProject,
}

/// What became of a renewal or release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeaseChange {
    /// Done; for a renewal with the new end.
    Done(Timestamp),
    /// The lease has ended.
    Ended,
    /// The donor holds no such lease.
    Unknown,
}

/// What became of a renewal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renewal {
    /// The change.
    pub change: LeaseChange,
    /// Units of the lease of which nothing is wanted any more.
    pub settled: Vec<UnitId>,
}

/// Units of a lease given back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// Which lease.
    pub token: LeaseToken,
    /// By whom.
    pub donor: DonorKey,
    /// Which of its units; all that it has left if none is named.
    pub units: Vec<UnitId>,
    /// The failure, if there was one.
    pub failure: Option<FailureReport>,
    /// What became of the distributor's own check, if the failure is a bad execution and there was one to check.
    pub recheck: Option<Rechecked>,
    /// When.
    pub now: Timestamp,
}

/// Who submits something, for what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submission {
    /// For which units, all of one project: of a proof, run `i` is that of unit `i`; of an execution there is one.
    pub units: Vec<UnitId>,
    /// By whom.
    pub donor: DonorKey,
    /// Under which lease.
    pub lease: Option<LeaseToken>,
    /// Digest of the file.
    pub sha256: Digest,
    /// Bytes of the file.
    pub size: u64,
    /// When.
    pub now: Timestamp,
}

/// What a submission is checked against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The project.
    pub project: ProjectName,
    /// Record of its program.
    pub record: Digest,
    /// The units' arguments, in the order in which they were named.
    pub arguments: Vec<Felts>,
    /// The project's limits.
    pub limits: UnitLimits,
    /// The project's preset.
    pub preset: Preset,
    /// Whether all units were withdrawn.
    pub withdrawn: bool,
}

/// What the units that a submission names come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Targeted {
    /// They can be looked at together.
    Together(Box<Target>),
    /// There is no such unit.
    Unknown(UnitId),
    /// This unit belongs to another project than the first one.
    Apart(UnitId),
    /// They have more arguments together than a submission of several may: so many field elements.
    TooLong(u64),
}

/// What a valid proof or execution shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedRun {
    /// Steps of the run.
    pub n_steps: u64,
    /// Its output.
    pub output: Felts,
}

/// What became of a valid submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accept<R> {
    /// The answer to give.
    Receipt(R),
    /// The unit was withdrawn (executions only: a proof's receipt says so of each unit).
    Withdrawn,
    /// No such unit.
    Unknown,
    /// The unit was set aside (executions only).
    Failed,
}

/// Answer to a proof.
pub type AcceptProof = Accept<ProofReceipt>;

/// Answer to an execution.
pub type AcceptExecution = Accept<ExecutionReceipt>;

/// Why a submission is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// For programs.
    pub cause: Cause,
    /// For people.
    pub detail: String,
}

impl Refusal {
    /// A refusal.
    pub fn new(cause: Cause, detail: impl Into<String>) -> Self {
        Self { cause, detail: detail.into() }
    }
}

/// A donor, as the operator sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Donor {
    /// What it has done.
    pub credit: protocol::DonorCredit,
    /// When it was blocked.
    pub blocked_at: Option<Timestamp>,
    /// When the operator named it as trusted.
    pub trusted_at: Option<Timestamp>,
}

/// Which files the store refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlobRef {
    /// Of what kind.
    pub kind: crate::blobs::Kind,
    /// Under which digest.
    pub sha256: Digest,
}

/// Number of an attempt's row, with its donor: what a token stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder {
    /// The unit.
    pub unit: UnitId,
    /// The attempt.
    pub attempt: AttemptNumber,
    /// Whether it brought nothing yet, neither result nor failure; its lease may have run out.
    pub open: bool,
    /// The execution that was lent, while the unit waits for its proof.
    pub execution: Option<Digest>,
}

/// Proof files of a project that a rule for keeping them lets go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thinned {
    /// The project.
    pub project: ProjectName,
    /// Its rule.
    pub rule: KeepProofs,
    /// Files that go.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Files that were looked at and stay.
    pub stay: u64,
}

/// A difference between what is counted and what is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Miscount {
    /// What is counted, and of which project.
    pub what: String,
    /// The number that is kept.
    pub kept: i64,
    /// The number that is there.
    pub found: i64,
}

/// Which units a page has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UnitFilter {
    /// Only those of this state.
    pub state: Option<UnitState>,
    /// Only suspect ones.
    pub suspect: bool,
}

impl From<Option<UnitState>> for UnitFilter {
    fn from(state: Option<UnitState>) -> Self {
        Self { state, suspect: false }
    }
}
