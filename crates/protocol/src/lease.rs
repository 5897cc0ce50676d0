//! Leases: units of a project lent to a donor for a while.

use crate::felts::Felts;
use crate::ids::{
    AttemptNumber, Digest, DonorKey, LeaseToken, ProgramHash, ProjectName, RequestKey, Signature, SignerKey, Timestamp,
    UnitId,
};
use crate::signing::Offer;
use crate::unit_limits::UnitLimits;
use serde::{Deserialize, Serialize};
use stark::Preset;
use std::fmt;

/// Most characters of a failure's detail that are kept.
pub const MAX_DETAIL: usize = 2000;

/// Most units of one lease, and of one proof.
pub const MAX_LEASE_UNITS: usize = 1024;

/// A small enum that travels under its names.
macro_rules! named_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$item:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $($(#[$item])* $variant,)*
        }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Name on the wire.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }

            /// The one of this name.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.name() == name)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.name())
            }
        }
    };
}

named_enum! {
    /// What a donor does under a lease. Asking for `both` may also bring a lease to `prove`: an execution that
    /// waits for a prover.
    LeaseMode {
        /// Execute and prove.
        Both = "both",
        /// Execute and upload the execution.
        Execute = "execute",
        /// Fetch an execution and prove it.
        Prove = "prove",
    }
}

named_enum! {
    /// Why there is no work.
    NoWork {
        /// No unit is left to do.
        Empty = "empty",
        /// All open units are with other donors, or have failed on this one.
        AllLeased = "all_leased",
        /// All free units are too large for the limits given.
        TooLarge = "too_large",
        /// The donor's version makes proofs that the distributor does not take.
        Version = "version",
        /// The operator paused the grid, or the project was withdrawn.
        Paused = "paused",
        /// The donor holds as many units as it may. It may hold more the more it has proved.
        LeaseLimit = "lease_limit",
    }
}

named_enum! {
    /// Why an attempt failed on a donor.
    FailureCause {
        /// The program panicked or an assertion in it failed.
        Panic = "panic",
        /// More steps than the project allows.
        StepLimit = "step_limit",
        /// More memory than the project allows.
        MemoryLimit = "memory_limit",
        /// More time than the project allows.
        TimeLimit = "time_limit",
        /// A hint that failed or is not allowed.
        BadHint = "bad_hint",
        /// The program file is not what the project declares, or does not load.
        BadProgram = "bad_program",
        /// The run cannot be proved.
        ProveFailed = "prove_failed",
        /// The working process crashed or was killed.
        Crash = "crash",
        /// The donor's own memory limit was too small.
        OutOfMemory = "out_of_memory",
        /// The execution that was to be proved is not valid.
        BadExecution = "bad_execution",
        /// The donor stopped before it was done.
        Stopped = "stopped",
    }
}

impl FailureCause {
    /// Whether it counts against the unit: the unit is suspect, and set aside once enough trusted donors say so.
    pub const fn counts(self) -> bool {
        !matches!(self, Self::BadExecution | Self::Stopped)
    }

    /// Whether a run of the unit within its limits, proved or executed by anybody, shows that the report was wrong. Other
    /// causes depend on the machine, or on limits and hints that a proof says nothing of.
    pub const fn is_refuted_by_a_run(self) -> bool {
        matches!(self, Self::Panic | Self::StepLimit)
    }
}

/// What a donor can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct DonorLimits {
    /// Most steps of a unit that it can prove (or execute) with its memory.
    pub max_steps: u64,
    /// Bytes of memory that a unit may take.
    pub max_memory: u64,
    /// Steps it proves (or executes) in a second, as measured; 0 if it does not know.
    pub steps_per_second: u64,
    /// Most steps of all units of the lease together, beyond the first unit.
    pub lease_steps: u64,
    /// Most units of the lease; 0 is as 1.
    pub lease_units: u32,
}

impl DonorLimits {
    /// Those of a donor that takes one unit at a time.
    pub const fn alone(max_steps: u64, max_memory: u64, steps_per_second: u64) -> Self {
        Self { max_steps, max_memory, steps_per_second, lease_steps: 0, lease_units: 1 }
    }
}

/// What a donor speaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Versions {
    /// Version of the donor program, for the operator's information.
    pub donor: String,
    /// [`cairo_air::PROTOCOL_VERSION`] of the proofs that it makes.
    pub proof: u32,
}

impl Versions {
    /// Those of this build.
    pub fn current(donor: impl Into<String>) -> Self {
        Self { donor: donor.into(), proof: cairo_air::PROTOCOL_VERSION }
    }
}

/// Body of `POST /v1/leases`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct LeaseRequest {
    /// Drawn anew for each lease. Asking again with the same key, after a lost answer, gives the same lease.
    pub request: RequestKey,
    /// From which project; from all, by weight, if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectName>,
    /// What to do.
    pub mode: LeaseMode,
    /// What fits.
    pub limits: DonorLimits,
    /// What the donor speaks.
    pub versions: Versions,
}

/// A unit of a lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LeasedUnit {
    /// Its id.
    pub id: UnitId,
    /// Which attempt at the unit this is.
    pub attempt: AttemptNumber,
    /// Its arguments.
    pub arguments: Felts,
    /// The uploader's estimate of its steps.
    pub estimated_steps: u64,
    /// The execution to prove, with [`LeaseMode::Prove`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution: Option<ExecutionInfo>,
}

impl LeasedUnit {
    /// Its steps as far as they are known: those of its execution, or the uploader's estimate.
    pub const fn steps(&self) -> u64 {
        match &self.execution {
            Some(execution) => execution.n_steps,
            None => self.estimated_steps,
        }
    }
}

/// The project of a lease: all that a donor must check before it runs anything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LeasedProject {
    /// Its name.
    pub name: ProjectName,
    /// SHA-256 of the program file.
    pub program: Digest,
    /// SHA-256 of the program's record.
    pub record: Digest,
    /// The program's identity in proofs.
    pub program_hash: ProgramHash,
    /// Who signed the program.
    pub signer: SignerKey,
    /// The signature of [`crate::signing::program_message`].
    pub signature: Signature,
    /// What the unit may use.
    pub limits: UnitLimits,
    /// Security that the proof must have.
    #[serde(with = "crate::preset")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "default-100"))]
    pub preset: Preset,
    /// SHA-256 of the project's description, which the signature covers.
    pub description: Digest,
    /// The weight that the uploader declared, which the signature covers.
    pub weight: u32,
    /// The price of a proof's bytes that the uploader declared, which the signature covers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub byte_price: Option<u32>,
}

impl LeasedProject {
    /// What the uploader signed.
    pub const fn offer(&self) -> Offer<'_> {
        Offer {
            name: &self.name,
            program: &self.program,
            record: &self.record,
            limits: &self.limits,
            preset: self.preset,
            description: self.description,
            weight: self.weight,
            byte_price: self.byte_price,
        }
    }
}

/// An execution that is to be proved under a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ExecutionInfo {
    /// Its address.
    pub sha256: Digest,
    /// Bytes of the file.
    pub size: u64,
    /// Steps of the run.
    pub n_steps: u64,
}

/// Units lent to a donor: all of one project, and all for the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Lease {
    /// Proof of holding it; for renewal, release and submission.
    pub token: LeaseToken,
    /// What to do.
    pub mode: LeaseMode,
    /// The distributor's clock at the answer.
    pub now: Timestamp,
    /// When it runs out, by the distributor's clock. Renew it at half of the time.
    pub expires_at: Timestamp,
    /// Beyond this it cannot be renewed. A proof is still taken later for the units that are unproved.
    pub renewable_until: Timestamp,
    /// What is lent: 1 to [`MAX_LEASE_UNITS`] units, none twice.
    pub units: Vec<LeasedUnit>,
    /// Of which project.
    pub project: LeasedProject,
}

impl Lease {
    /// Steps of all units together, as far as they are known.
    pub fn steps(&self) -> u64 {
        self.units.iter().fold(0, |sum, unit| sum.saturating_add(unit.steps()))
    }
}

/// Answer to `POST /v1/leases/{token}/renew`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Renewed {
    /// The distributor's clock at the answer.
    pub now: Timestamp,
    /// When the lease runs out now.
    pub expires_at: Timestamp,
    /// Units of the lease of which nothing is wanted any more: proved by somebody, withdrawn or set aside.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settled: Vec<UnitId>,
}

/// Body of `DELETE /v1/leases/{token}`; without a body all units are given back without a failure.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct GivenBack {
    /// Which units of the lease; all that it has left if none is named. The others' lease goes on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub units: Vec<UnitId>,
    /// The failure, if there was one: each of these units failed so. `bad_execution` is said of one unit at a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<FailureReport>,
}

impl GivenBack {
    /// One unit that failed.
    pub fn failed(unit: UnitId, failure: FailureReport) -> Self {
        Self { units: vec![unit], failure: Some(failure) }
    }
}

/// A failure as a donor reports it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct FailureReport {
    /// What went wrong.
    pub cause: FailureCause,
    /// The message, for the uploader; cut at [`MAX_DETAIL`] characters.
    #[serde(default)]
    pub detail: String,
}

/// What became of a unit in a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ProofStatus {
    /// Verified, stored and credited.
    Accepted,
    /// Another proof of this unit was there before; nothing is credited.
    AlreadyProved,
    /// The uploader withdrew it; nothing is credited.
    Withdrawn,
}

impl ProofStatus {
    /// Name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::AlreadyProved => "already_proved",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// What became of a unit in a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UnitReceipt {
    /// The unit.
    pub unit: UnitId,
    /// What became of it.
    pub status: ProofStatus,
    /// Steps credited to the donor for it.
    pub credited_steps: u64,
}

/// Answer to `PUT /v1/proofs/{sha256}`; the same again gets the same answer. Only this lets a donor delete its copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProofReceipt {
    /// The proof.
    pub sha256: Digest,
    /// Each unit that was named with it, in order.
    pub units: Vec<UnitReceipt>,
}

impl ProofReceipt {
    /// Steps credited to the donor for all units.
    pub fn credited_steps(&self) -> u64 {
        self.units.iter().fold(0, |sum, unit| sum.saturating_add(unit.credited_steps))
    }

    /// How many units have this status.
    pub fn count(&self, status: ProofStatus) -> usize {
        self.units.iter().filter(|unit| unit.status == status).count()
    }
}

/// What became of an execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ExecutionStatus {
    /// Checked and stored; it waits for a prover.
    Accepted,
    /// The unit has an execution or a proof already; the copy may be deleted.
    AlreadyExecuted,
}

/// Answer to `PUT /v1/units/{id}/execution`; the same execution again gets the same answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ExecutionReceipt {
    /// What became of it.
    pub status: ExecutionStatus,
    /// The unit.
    pub unit: UnitId,
    /// The execution.
    pub sha256: Digest,
    /// Steps of the run.
    pub n_steps: u64,
}

/// Answer to `GET /v1/donors/me`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DonorCredit {
    /// The donor.
    pub donor: DonorKey,
    /// Steps that it proved.
    pub proven_steps: u64,
    /// Units that it proved.
    pub proven_units: u64,
    /// Units that it executed for others to prove.
    pub executed_units: u64,
    /// Submissions that were refused.
    pub refused: u64,
    /// Reports of failures that turned out to be wrong.
    pub marks: u64,
    /// Units that it holds under leases now.
    pub live_leases: u64,
    /// When it was first seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
}
