//! Projects: a program, its limits and its metadata.

use crate::hex::IdError;
use crate::ids::{Digest, ProgramHash, ProjectName, Signature, SignerKey, Timestamp};
use crate::keep::KeepProofs;
use crate::lease::LeasedProject;
use crate::signing::{Identity, Offer};
use crate::unit_limits::UnitLimits;
use serde::{Deserialize, Serialize};
use stark::Preset;

/// Most characters of a description.
pub const MAX_DESCRIPTION: usize = 2000;

/// Largest weight.
pub const MAX_WEIGHT: u32 = 1000;

/// Highest price of a proof's bytes, in nanoseconds of one thread for each.
pub const MAX_BYTE_PRICE: u32 = 1_000_000;

/// What an uploader declares: body of `PUT /v1/projects/{name}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ProjectSpec {
    /// SHA-256 of the program file, uploaded before.
    pub program: Digest,
    /// SHA-256 of the program's record, uploaded before.
    pub record: Digest,
    /// The program's identity in proofs.
    pub program_hash: ProgramHash,
    /// Who signed the program.
    pub signer: SignerKey,
    /// The signature of [`crate::signing::program_message`].
    pub signature: Signature,
    /// What one unit may use.
    pub limits: UnitLimits,
    /// Security that proofs must have.
    #[serde(with = "crate::preset")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "default-100"))]
    pub preset: Preset,
    /// What the project is for, at most [`MAX_DESCRIPTION`] characters.
    pub description: String,
    /// Share of the donors that serve all projects, 1 to [`MAX_WEIGHT`]; never more than the operator gives the project.
    pub weight: u32,
    /// What a byte of a proof is worth, in nanoseconds of one thread, at most [`MAX_BYTE_PRICE`]: a higher price makes proofs smaller, and slower
    /// to make. The prover's own if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub byte_price: Option<u32>,
    /// Which proofs the distributor keeps. Not signed: it is no business of donors.
    #[serde(default, skip_serializing_if = "KeepProofs::is_all")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "until-collected+30"))]
    pub keep_proofs: KeepProofs,
}

impl ProjectSpec {
    /// What the uploader signs.
    pub fn offer<'a>(&'a self, name: &'a ProjectName) -> Offer<'a> {
        Offer {
            name,
            program: &self.program,
            record: &self.record,
            limits: &self.limits,
            preset: self.preset,
            description: Digest::of(self.description.as_bytes()),
            weight: self.weight,
            byte_price: self.byte_price,
        }
    }

    /// The project of this name as it is lent.
    pub fn leased(&self, name: ProjectName) -> LeasedProject {
        LeasedProject {
            name,
            program: self.program,
            record: self.record,
            program_hash: self.program_hash,
            signer: self.signer,
            signature: self.signature,
            limits: self.limits,
            preset: self.preset,
            description: Digest::of(self.description.as_bytes()),
            weight: self.weight,
            byte_price: self.byte_price,
        }
    }

    /// The same, signed for a project of this name.
    #[must_use]
    pub fn signed(mut self, name: &ProjectName, identity: &Identity) -> Self {
        self.signer = identity.signer_key();
        self.signature = identity.sign_program(&self.offer(name));
        self
    }

    /// Checks the ranges of the settings.
    ///
    /// # Errors
    /// Names the setting that is out of range.
    pub fn check(&self) -> Result<(), IdError> {
        let bad = |what, form, found: String| Err(IdError::new(what, form, &found));
        let UnitLimits { max_steps, max_memory_cells, time_limit } = self.limits;
        if !(1..=cairo_air::claim::MAX_STEPS).contains(&max_steps) {
            return bad("limits.max_steps", "a number from 1 to 2^40", max_steps.to_string());
        }
        if !(1..=1 << 32).contains(&max_memory_cells) {
            return bad("limits.max_memory_cells", "a number from 1 to 2^32", max_memory_cells.to_string());
        }
        if !(1..=7 * 24 * 3600).contains(&time_limit) {
            return bad("limits.time_limit", "a number of seconds from 1 to a week", time_limit.to_string());
        }
        if !(1..=MAX_WEIGHT).contains(&self.weight) {
            return bad("weight", "a number from 1 to 1000", self.weight.to_string());
        }
        if let Some(price) = self.byte_price.filter(|price| *price > MAX_BYTE_PRICE) {
            return bad("byte_price", "a number of nanoseconds from 0 to 1000000", price.to_string());
        }
        if self.description.chars().count() > MAX_DESCRIPTION || self.description.contains('\0') {
            return bad("description", "at most 2000 characters", self.description.clone());
        }
        Ok(())
    }
}

/// Whether a project gives out work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ProjectState {
    /// It does.
    Active,
    /// Its uploader withdrew it; the units that were not proved are being withdrawn, a few at a time.
    Withdrawing,
    /// Its uploader withdrew it, with all units that were not proved.
    Withdrawn,
}

/// How many units are in which state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UnitCounts {
    /// Waiting for a donor.
    pub queued: u64,
    /// With a donor now.
    pub leased: u64,
    /// Executed, waiting for a prover.
    pub executed: u64,
    /// Proved and not collected.
    pub proved: u64,
    /// Proved and collected.
    pub collected: u64,
    /// Set aside after failures.
    pub failed: u64,
    /// Withdrawn.
    pub withdrawn: u64,
    /// Those of the queued, leased and executed ones of which donors reported failures.
    #[serde(default)]
    pub suspect: u64,
}

impl UnitCounts {
    /// All units.
    pub const fn total(&self) -> u64 {
        let done = self.proved.saturating_add(self.collected);
        self.open().saturating_add(done).saturating_add(self.failed).saturating_add(self.withdrawn)
    }

    /// Units that donors have work on.
    pub const fn open(&self) -> u64 {
        self.queued.saturating_add(self.leased).saturating_add(self.executed)
    }
}

/// The proof files of a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProofCounts {
    /// Files that are kept.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Files that were thinned: their results stay, and can be proven again.
    pub thinned: u64,
}

/// A project as the distributor shows it to everybody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Project {
    /// Its name.
    pub name: ProjectName,
    /// What the uploader declared.
    pub spec: ProjectSpec,
    /// Whether it gives out work.
    pub state: ProjectState,
    /// Its share of the donors that serve all projects: the declared weight, or what the operator gives it if that is less.
    pub weight: u32,
    /// Its units.
    pub units: UnitCounts,
    /// Steps proven for it.
    pub proven_steps: u64,
    /// Its proof files.
    #[serde(default)]
    pub proofs: ProofCounts,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Answer to `GET /v1/projects`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProjectList {
    /// The projects, by name.
    pub projects: Vec<Project>,
    /// Where the next page begins, if there is one: it holds the projects whose names come after this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<ProjectName>,
}

/// What `PUT /v1/projects/{name}` did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProjectStored {
    /// Whether the project is new.
    pub created: bool,
    /// Settings that were changed, such as `limits` or `weight`; empty if it was the same already.
    pub changed: Vec<String>,
    /// The project now.
    pub project: Project,
}

/// Answer to the upload of a program, a record or another file under its digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BlobStored {
    /// Its digest.
    pub sha256: Digest,
    /// Its bytes.
    pub size: u64,
    /// Whether it is new.
    pub created: bool,
}
