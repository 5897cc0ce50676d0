//! Access keys of uploaders, and what their owners may have.

use protocol::{Digest, ProjectName, Timestamp, UploaderKeyId};

/// What an uploader's key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scopes {
    /// Make projects and add units.
    pub push: bool,
    /// Read units, results, proofs and events.
    pub read: bool,
    /// Withdraw and retry.
    pub withdraw: bool,
}

/// An uploader's key, as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploaderKey {
    /// Its public part.
    pub id: UploaderKeyId,
    /// Whose it is, for the operator.
    pub name: String,
    /// SHA-256 of the secret.
    pub secret_hash: Digest,
    /// The project names it reaches: a name, or a beginning and `*`.
    pub projects: String,
    /// What it may do there.
    pub scopes: Scopes,
    /// The owner of what is made with it: its own id, or that of the first key of its owner.
    pub owner: UploaderKeyId,
    /// What its owner may have, as far as it differs from the settings.
    pub quota: GivenQuota,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// Limits of one access key that differ from the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GivenQuota {
    /// Most projects.
    pub projects: Option<u64>,
    /// Most units, all projects together.
    pub units: Option<u64>,
    /// Most bytes of programs, records, arguments and proofs, all projects together.
    pub bytes: Option<u64>,
}

impl GivenQuota {
    /// With what is not given.
    pub fn or(self, other: Quota) -> Quota {
        Quota {
            projects: self.projects.unwrap_or(other.projects),
            units: self.units.unwrap_or(other.units),
            bytes: self.bytes.unwrap_or(other.bytes),
        }
    }
}

/// What an owner may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Most projects.
    pub projects: u64,
    /// Most units, all projects together.
    pub units: u64,
    /// Most bytes of programs, records, arguments and proofs, all projects together.
    pub bytes: u64,
}

impl Quota {
    /// No limits.
    pub const NONE: Self = Self { projects: u64::MAX, units: u64::MAX, bytes: u64::MAX };
}

/// What an owner would have too much of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OverQuota {
    /// `projects`, `units` or `bytes`.
    pub what: &'static str,
    /// How much there is.
    pub has: u64,
    /// How much would come.
    pub more: u64,
    /// How much there may be.
    pub most: u64,
}

/// On whose behalf something is pushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pusher {
    /// The owner.
    pub owner: UploaderKeyId,
    /// What it may have.
    pub quota: Quota,
}

impl UploaderKey {
    /// Whether the key reaches this project.
    pub fn reaches(&self, project: &ProjectName) -> bool {
        match self.projects.strip_suffix('*') {
            Some(beginning) => project.as_str().starts_with(beginning),
            None => project.as_str() == self.projects,
        }
    }
}
