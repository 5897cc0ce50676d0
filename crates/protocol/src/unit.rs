//! Units: a project's program with one argument set.

use crate::felts::Felts;
use crate::ids::{AttemptNumber, Digest, DonorKey, ExternalId, ProjectName, Timestamp, UnitId};
use crate::lease::{FailureCause, LeaseMode};
use crate::problem::Cause;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Most units of one batch.
pub const MAX_BATCH: usize = 1000;

/// Most field elements that a unit's arguments may have.
pub const MAX_UNIT_ARGUMENTS: usize = 1 << 16;

/// Most entries of one page of a list.
pub const MAX_PAGE: u32 = 1000;

/// Most attempts of a unit that are shown.
pub const MAX_ATTEMPTS: u32 = 1000;

/// Most reports on a unit that are shown.
pub const MAX_REPORTS: u32 = 256;

/// A unit to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewUnit {
    /// The uploader's name for it; the same again is the same unit.
    pub external_id: ExternalId,
    /// The field elements that a proof binds, in order.
    pub arguments: Felts,
    /// The uploader's estimate of its steps.
    pub estimated_steps: u64,
}

/// Body of `POST /v1/projects/{name}/units`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NewUnits {
    /// 1 to [`MAX_BATCH`] units.
    pub units: Vec<NewUnit>,
}

/// A unit that was taken in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StoredUnit {
    /// The uploader's name.
    pub external_id: ExternalId,
    /// The distributor's.
    pub id: UnitId,
    /// Whether it is new.
    pub created: bool,
}

/// Answer to a batch: one entry for each unit, in the order of the batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UnitsStored {
    /// The units.
    pub units: Vec<StoredUnit>,
}

/// Where a unit is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum UnitState {
    /// Waiting for a donor to execute it.
    Queued,
    /// With a donor; the attempt says for what.
    Leased,
    /// Executed, waiting for a prover.
    Executed,
    /// Proved.
    Proved,
    /// Proved, and the uploader has the proof.
    Collected,
    /// Set aside after failures on several donors.
    Failed,
    /// Withdrawn by the uploader.
    Withdrawn,
}

impl UnitState {
    /// All states.
    pub const ALL: [Self; 7] =
        [Self::Queued, Self::Leased, Self::Executed, Self::Proved, Self::Collected, Self::Failed, Self::Withdrawn];

    /// Name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Leased => "leased",
            Self::Executed => "executed",
            Self::Proved => "proved",
            Self::Collected => "collected",
            Self::Failed => "failed",
            Self::Withdrawn => "withdrawn",
        }
    }
}

impl fmt::Display for UnitState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Why a unit is set aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Failure {
    /// The cause reported most recently.
    pub cause: FailureCause,
    /// What that donor said.
    pub detail: String,
    /// On how many donors it failed.
    pub donors: u32,
    /// How many of them the distributor trusts. Only their reports set a unit aside.
    #[serde(default)]
    pub trusted: u32,
}

/// A donor says that the unit failed on it. An assertion, not a fact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Report {
    /// Who.
    pub donor: DonorKey,
    /// Whether the distributor trusts it now, by what it proved for the project or because its operator says so.
    pub trusted: bool,
    /// Why it failed.
    pub cause: FailureCause,
    /// What the donor said.
    pub detail: String,
    /// When.
    pub time: Timestamp,
}

/// A unit in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Unit {
    /// The distributor's name for it.
    pub id: UnitId,
    /// Its project.
    pub project: ProjectName,
    /// The uploader's name for it.
    pub external_id: ExternalId,
    /// Its arguments.
    pub arguments: Felts,
    /// The uploader's estimate of its steps.
    pub estimated_steps: u64,
    /// Where it is in its life.
    pub state: UnitState,
    /// Number of attempts.
    pub attempts: AttemptNumber,
    /// Failures so far, if there were any since it was made or last retried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// Whether donors reported failures of it and it is not settled: it is still lent, to trusted donors first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suspect: bool,
    /// Whether its uploader has it proven again; its result stays until then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub again: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its state last changed, other than by a lease's running out.
    pub changed_at: Timestamp,
}

/// A page of units, ordered by when they were made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UnitPage {
    /// The units.
    pub units: Vec<Unit>,
    /// Where the next page begins, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
}

/// What became of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The lease runs.
    Running,
    /// The lease ran out.
    Expired,
    /// The donor gave it back without a failure.
    Released,
    /// The donor reported a failure.
    Failed,
    /// It brought the execution.
    Executed,
    /// It brought the proof.
    Proved,
    /// It brought something that was refused.
    Refused,
    /// Another attempt brought the proof, or the unit was withdrawn.
    Superseded,
}

/// One lease of a unit, or one submission without a lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Attempt {
    /// Counted from 1.
    pub number: AttemptNumber,
    /// Who.
    pub donor: DonorKey,
    /// For what.
    pub mode: LeaseMode,
    /// What became of it.
    pub outcome: Outcome,
    /// When it began.
    pub started_at: Timestamp,
    /// When its lease runs out.
    pub expires_at: Timestamp,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// The failure that the donor reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<FailureCause>,
    /// Why the submission was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Cause>,
    /// More about failure or refusal.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

/// A unit's part of an accepted proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProofInfo {
    /// Address of the proof.
    pub sha256: Digest,
    /// Its bytes.
    pub size: u64,
    /// Which of its runs is the unit's, from 0.
    pub index: u32,
    /// How many runs it is of.
    pub runs: u32,
    /// Whether the file is there: it may be thinned once its results are collected, as the project says.
    pub kept: bool,
    /// The prover's identity, which the proof binds.
    pub prover: DonorKey,
    /// Steps of the run.
    pub n_steps: u64,
    /// Output of the run.
    pub output: Felts,
    /// When it was accepted.
    pub proved_at: Timestamp,
}

/// Answer to `GET /v1/units/{id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UnitDetail {
    /// The unit.
    pub unit: Unit,
    /// Attempts in order, at most [`MAX_ATTEMPTS`]; the oldest of very many are only counted.
    pub attempts: Vec<Attempt>,
    /// Attempts before these, of which only the number is kept.
    #[serde(default)]
    pub folded_attempts: u32,
    /// Failures that donors reported since it was made or last retried, newest first, at most
    /// [`MAX_REPORTS`]; of very many by strangers only some.
    #[serde(default)]
    pub reports: Vec<Report>,
    /// Its proof.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<ProofInfo>,
}

/// A proved unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UnitResult {
    /// Place in the order of proofs. A result list after this cursor begins with the next proof.
    pub cursor: u64,
    /// The distributor's name for the unit.
    pub unit: UnitId,
    /// The uploader's name for it.
    pub external_id: ExternalId,
    /// Its arguments.
    pub arguments: Felts,
    /// Its proof.
    pub proof: ProofInfo,
}

/// Answer to `GET /v1/projects/{name}/results`: proved units in the order of their proofs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ResultPage {
    /// The results.
    pub results: Vec<UnitResult>,
    /// Where to go on: the cursor of the last result, or the one that was asked for if there is none after it.
    pub next: u64,
    /// Whether more results are there already.
    pub more: bool,
}

/// A run of a proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProvedRun {
    /// The unit that it was submitted for. Another proof may be that unit's result.
    pub unit: UnitId,
    /// The uploader's name for it.
    pub external_id: ExternalId,
    /// Its arguments.
    pub arguments: Felts,
}

/// Answer to `GET /v1/projects/{name}/proofs/{sha256}`: what a proof is of. It can be verified only with the arguments of all its
/// runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProofRuns {
    /// The proof.
    pub sha256: Digest,
    /// Its bytes.
    pub size: u64,
    /// Whether the file is there.
    pub kept: bool,
    /// The prover's identity, which the proof binds.
    pub prover: DonorKey,
    /// Its runs in order.
    pub runs: Vec<ProvedRun>,
}

/// Body of `POST /v1/projects/{name}/collected`: the uploader has all results up to this cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Collected {
    /// The last cursor that was collected.
    pub cursor: u64,
    /// Merkle root of the manifest over what was collected: it draws the proofs that stay, where only a sample does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<Digest>,
}

/// How many units an action changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Changed {
    /// Units whose state changed.
    pub units: u64,
}

/// A change of a unit's state. A lease's running out is no event: it happens by time alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Event {
    /// Number of the event, rising; the `id` of the server-sent event.
    pub seq: u64,
    /// When.
    pub time: Timestamp,
    /// Which unit.
    pub unit: UnitId,
    /// The uploader's name for it.
    pub external_id: ExternalId,
    /// Its state now.
    pub state: UnitState,
    /// The failure, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<FailureCause>,
}
