//! Refusals: `application/problem+json` (RFC 9457) with a cause that programs can act on.

use crate::ids::Timestamp;
use crate::text::{MAX_SHOWN, printable};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Media type of a refusal.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// Declares the causes once: name on the wire, status, title, whether the same request may succeed later.
macro_rules! causes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $status:literal, $title:literal, $retry:literal;)*) => {
        /// Why a request was refused. One list for both sides.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(rename_all = "snake_case")]
        pub enum Cause {
            $($(#[$doc])* $variant,)*
            /// A cause that a newer distributor knows and this program does not.
            #[serde(other)]
            Unknown,
        }

        impl Cause {
            /// All causes that this version knows.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Name on the wire.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                    Self::Unknown => "unknown",
                }
            }

            /// HTTP status.
            pub const fn status(self) -> u16 {
                match self {
                    $(Self::$variant => $status,)*
                    Self::Unknown => 500,
                }
            }

            /// A short sentence, the same for each refusal of this cause.
            pub const fn title(self) -> &'static str {
                match self {
                    $(Self::$variant => $title,)*
                    Self::Unknown => "The request was refused",
                }
            }

            /// Whether the same request may succeed later without anybody changing it.
            pub const fn is_temporary(self) -> bool {
                match self {
                    $(Self::$variant => $retry,)*
                    Self::Unknown => false,
                }
            }
        }
    };
}

causes! {
    /// No access key where one is needed.
    MissingKey = "missing_key", 401, "An access key is needed", false;
    /// An access key that does not exist.
    BadKey = "bad_key", 401, "The access key is not valid", false;
    /// An access key or donor key that the operator revoked.
    KeyRevoked = "key_revoked", 403, "The key was revoked", false;
    /// An access key that does not reach so far.
    OutOfScope = "out_of_scope", 403, "The access key does not allow this", false;
    /// A project of somebody else.
    NotOwner = "not_owner", 403, "The project belongs to another key", false;
    /// More projects, units or bytes than the access key may have.
    QuotaExceeded = "quota_exceeded", 403, "The access key's quota is used up", false;
    /// A donor's request without its signature headers.
    MissingSignature = "missing_signature", 401, "The request must be signed", false;
    /// A signature that does not hold.
    BadSignature = "bad_signature", 401, "The signature is not valid", false;
    /// A request signed too long ago or in the future; `server_time` says what time it is.
    ClockSkew = "clock_skew", 401, "The request's time is too far from the distributor's", true;
    /// A signed request that was seen before.
    Replayed = "replayed", 401, "The request was seen before", true;
    /// Another version of the wire protocol.
    ProtocolVersion = "protocol_version", 400, "The protocol versions differ", false;
    /// An address that does not exist.
    UnknownRoute = "unknown_route", 404, "There is nothing at this address", false;
    /// An address that knows other methods.
    MethodNotAllowed = "method_not_allowed", 405, "The method is not allowed here", false;
    /// A project that does not exist.
    UnknownProject = "unknown_project", 404, "There is no such project", false;
    /// A unit that does not exist.
    UnknownUnit = "unknown_unit", 404, "There is no such unit", false;
    /// A donor that was never here.
    UnknownDonor = "unknown_donor", 404, "There is no such donor", false;
    /// A team for which nobody has proven anything.
    UnknownTeam = "unknown_team", 404, "There is no such team", false;
    /// A program, record, execution or proof that is not there.
    UnknownBlob = "unknown_blob", 404, "There is no such file", false;
    /// A request that cannot be read; the detail says where.
    BadRequest = "bad_request", 400, "The request is not understood", false;
    /// A body above the limit.
    TooLarge = "too_large", 413, "The body is too large", false;
    /// A body whose digest is not the announced one.
    DigestMismatch = "digest_mismatch", 400, "The body is not what was announced", true;
    /// A body that came too slowly.
    BodyTimeout = "body_timeout", 408, "The body came too slowly", true;
    /// A body that ended before its announced length: the connection was cut or closed on the sender's side.
    BodyBroken = "body_broken", 400, "The body broke off", true;
    /// A request that took too long to answer.
    Timeout = "timeout", 503, "The request took too long", true;
    /// A project of that name with another program or signer.
    ProjectTaken = "project_taken", 409, "The project name is taken", false;
    /// A project whose program or record was not uploaded.
    ProgramMissing = "program_missing", 409, "The program was not uploaded", false;
    /// A record that is none, or not the announced one.
    BadRecord = "bad_record", 422, "The program record is not valid", false;
    /// A program signature that does not hold.
    BadProgramSignature = "bad_program_signature", 422, "The program's signature is not valid", false;
    /// A unit of that external id with other arguments.
    ExternalIdTaken = "external_id_taken", 409, "The external id is taken", false;
    /// A unit whose state does not allow this.
    UnitState = "unit_state", 409, "The unit's state does not allow this", false;
    /// Events that are not kept any more.
    EventsFolded = "events_folded", 410, "The events after this number are not kept", false;
    /// A project that its uploader withdrew.
    ProjectWithdrawn = "project_withdrawn", 409, "The project was withdrawn", false;
    /// A project whose state does not allow this.
    ProjectState = "project_state", 409, "The project's state does not allow this", false;
    /// A unit that its uploader withdrew.
    UnitWithdrawn = "unit_withdrawn", 410, "The unit was withdrawn", false;
    /// A token that is no lease of this donor.
    UnknownLease = "unknown_lease", 404, "There is no such lease", false;
    /// A lease that ended.
    LeaseExpired = "lease_expired", 409, "The lease has ended", false;
    /// A proof or execution that cannot be read.
    BadEncoding = "bad_encoding", 422, "The file cannot be read", false;
    /// A proof or execution of another program.
    WrongProgram = "wrong_program", 422, "The file is about another program", false;
    /// A proof or execution of other arguments.
    WrongArguments = "wrong_arguments", 422, "The file is about other arguments", false;
    /// A proof made by another donor.
    WrongProver = "wrong_prover", 422, "The proof was made by somebody else", false;
    /// A proof that does not hold.
    VerifyFailed = "verify_failed", 422, "The proof does not hold", false;
    /// A proof that is too weak, too large or too long for the project.
    PolicyFailed = "policy_failed", 422, "The proof does not meet the project's demands", false;
    /// A proof or execution of another version.
    UnsupportedVersion = "unsupported_version", 422, "The file's version is not supported", false;
    /// An execution that is no finished run.
    BadExecution = "bad_execution", 422, "The execution is not valid", false;
    /// Too many requests.
    RateLimited = "rate_limited", 429, "Too many requests", true;
    /// More work than the distributor takes at once.
    Busy = "busy", 503, "The distributor is busy", true;
    /// No room on the distributor's disk.
    StorageFull = "storage_full", 507, "The distributor's disk is full", true;
    /// The distributor is stopping.
    ShuttingDown = "shutting_down", 503, "The distributor is stopping", true;
    /// A fault of the distributor.
    Internal = "internal", 500, "The distributor failed", true;
}

impl Cause {
    /// Whether this answer to a submission is the last word: sending the same again will not change it. Everything else is tried
    /// again: an operator may give back a key, or a newer distributor take what an older one did not understand.
    pub const fn is_final(self) -> bool {
        matches!(
            self,
            Self::BadEncoding
                | Self::WrongProgram
                | Self::WrongArguments
                | Self::WrongProver
                | Self::VerifyFailed
                | Self::PolicyFailed
                | Self::UnsupportedVersion
                | Self::BadExecution
                | Self::TooLarge
                | Self::UnknownUnit
                | Self::UnitWithdrawn
                | Self::ProjectWithdrawn
        )
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// `urn:cairn:problem:` and the cause.
    #[serde(rename = "type")]
    pub kind: String,
    /// The cause in a few words.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What happened, where, and what to do.
    pub detail: String,
    /// The cause, for programs.
    pub cause: Cause,
    /// The request's id in the distributor's log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Seconds after which to try again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
    /// The distributor's clock, with `clock_skew`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_time: Option<Timestamp>,
}

impl Problem {
    /// A refusal without the optional parts.
    pub fn new(cause: Cause, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("urn:cairn:problem:{cause}"),
            title: cause.title().to_owned(),
            status: cause.status(),
            detail: detail.into(),
            cause,
            request_id: None,
            retry_after: None,
            server_time: None,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&printable(&self.detail, MAX_SHOWN))?;
        if let Some(id) = &self.request_id {
            write!(f, " (request {})", printable(id, 64))?;
        }
        Ok(())
    }
}
