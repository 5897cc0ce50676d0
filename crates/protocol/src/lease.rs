//! Leases: a unit lent to a donor for a while.

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
        /// The donor holds as many leases as it may. It may hold more the more it has proved.
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
    /// Most steps that it can prove (or execute) with its memory.
    pub max_steps: u64,
    /// Bytes of memory that a unit may take.
    pub max_memory: u64,
    /// Steps it proves (or executes) in a second, as measured; 0 if it does not know.
    pub steps_per_second: u64,
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

/// The unit of a lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LeasedUnit {
    /// Its id.
    pub id: UnitId,
    /// Its arguments.
    pub arguments: Felts,
    /// The uploader's estimate of its steps.
    pub estimated_steps: u64,
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

/// An execution that a lease is to prove.
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

/// A unit lent to a donor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Lease {
    /// Proof of holding it; for renewal, release and submission.
    pub token: LeaseToken,
    /// Which attempt at the unit this is.
    pub attempt: AttemptNumber,
    /// What to do.
    pub mode: LeaseMode,
    /// The distributor's clock at the answer.
    pub now: Timestamp,
    /// When it runs out, by the distributor's clock. Renew it at half of the time.
    pub expires_at: Timestamp,
    /// Beyond this it cannot be renewed. A proof is still taken later while the unit is unproved.
    pub renewable_until: Timestamp,
    /// What is lent.
    pub unit: LeasedUnit,
    /// Of which project.
    pub project: LeasedProject,
    /// The execution to prove, with [`LeaseMode::Prove`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution: Option<ExecutionInfo>,
}

/// Answer to `POST /v1/leases/{token}/renew`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Renewed {
    /// The distributor's clock at the answer.
    pub now: Timestamp,
    /// When the lease runs out now.
    pub expires_at: Timestamp,
}

/// Body of `DELETE /v1/leases/{token}`; without a body the lease is given back without a failure.
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

/// What became of a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ProofStatus {
    /// Verified, stored and credited.
    Accepted,
    /// Another proof of this unit was there before; nothing is credited, and the copy may be deleted.
    AlreadyProved,
}

/// Answer to `PUT /v1/units/{id}/proof`; the same proof again gets the same answer. Only this lets a donor delete its copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProofReceipt {
    /// What became of it.
    pub status: ProofStatus,
    /// The unit.
    pub unit: UnitId,
    /// The proof.
    pub sha256: Digest,
    /// Steps credited to the donor for it.
    pub credited_steps: u64,
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
    /// Leases that it holds now.
    pub live_leases: u64,
    /// When it was first seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
}
