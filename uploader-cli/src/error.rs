//! What can go wrong, and the exit code of each.

use crate::aggregate::AggregateError;
use crate::bring::BringError;
use crate::check_proof::Refused;
use crate::compile::CompileError;
use crate::journal::JournalError;
use crate::local::{MergeError, StateError};
use crate::manifest::CheckError;
use crate::show::number::{counted, grouped};
use crate::trial::TrialError;
use crate::units::UnitsError;
use protocol::client::ClientError;
use protocol::text::{MAX_SHOWN, printable};
use protocol::{Cause, ExternalId, ProgramHash, ProjectName};

/// Exit codes of the command line.
pub mod exit {
    /// Done.
    pub const DONE: u8 = 0;
    /// The user's or the data's fault.
    pub const FAULT: u8 = 1;
    /// The command line makes no sense.
    pub const USAGE: u8 = 2;
    /// The distributor could not be reached.
    pub const UNREACHABLE: u8 = 3;
    /// Something from the distributor, or in a manifest, is not believed.
    pub const REFUSED: u8 = 4;
}

/// Why a command ends without success.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The program.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// The argument sets.
    #[error(transparent)]
    Units(#[from] UnitsError),
    /// A unit that does not run.
    #[error(transparent)]
    Trial(#[from] TrialError),
    /// A run that was made elsewhere.
    #[error(transparent)]
    Bring(#[from] BringError),
    /// Local files.
    #[error(transparent)]
    State(#[from] StateError),
    /// A folder of results.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The distributor.
    #[error("{}", with_advice(.0))]
    Client(#[from] ClientError),
    /// No value of these rows.
    #[error(transparent)]
    Aggregate(#[from] AggregateError),
    /// A manifest that is not believed.
    #[error(transparent)]
    Check(#[from] CheckError),
    /// A command line that makes no sense.
    #[error("{0}")]
    Usage(String),
    /// Data that make no sense.
    #[error("{0}")]
    Fault(String),
    /// No distributor is named.
    #[error(
        "which distributor? Give its address with --distributor or CAIRN_DISTRIBUTOR, or add a key with \
         `uploader key add --distributor ADDRESS`"
    )]
    NoDistributor,
    /// No access key for the distributor.
    #[error(
        "there is no access key for {distributor}. Its operator makes one with `distributor key create`; then run \
         `uploader key add --distributor {distributor}` and paste it, or set CAIRN_KEY"
    )]
    NoKey {
        /// The distributor.
        distributor: String,
    },
    /// A project that was not pushed from here.
    #[error(
        "there is no record here of the project `{project}` at {distributor}, so its results cannot be checked. Run this where \
         it was pushed, or give its program and arguments with --program and --args (or --range)"
    )]
    NoRecord {
        /// The project.
        project: ProjectName,
        /// The distributor.
        distributor: String,
    },
    /// A project that was pushed with another program.
    #[error(
        "the project `{project}` was pushed from here with another program; give the new program a name of its own with \
         --project NAME (a project keeps its program, since its results are about it)"
    )]
    ProgramChanged {
        /// The project.
        project: ProjectName,
    },
    /// Units that do not go with what was pushed before.
    #[error(transparent)]
    Merge(#[from] MergeError),
    /// Units that the distributor does not know.
    #[error("the project `{project}` has no unit {}", .units.iter().map(|unit| format!("`{unit}`")).collect::<Vec<_>>().join(", "))]
    UnknownUnits {
        /// The project.
        project: ProjectName,
        /// The units.
        units: Vec<ExternalId>,
    },
    /// Units without a result.
    #[error(
        "{} of {} no result yet; --wait waits for them, --partial goes on without them",
        grouped(*missing as u64), has(*pushed)
    )]
    Incomplete {
        /// How many.
        missing: usize,
        /// Of how many.
        pushed: usize,
    },
    /// A value that is to be made of all rows, where some are missing.
    #[error(
        "{} of {} no row in this manifest, so nothing is made of the others; --partial makes it of those that are there",
        grouped(*missing), has(*pushed as usize)
    )]
    PartOfRows {
        /// How many.
        missing: u64,
        /// Of how many.
        pushed: u64,
    },
    /// Collected results that are not of what was pushed.
    #[error(
        "the folder of results holds unit `{unit}` with arguments that were not pushed; name another folder with --out and \
         collect again"
    )]
    JournalDiffers {
        /// The unit.
        unit: ExternalId,
    },
    /// Another program under the project's name.
    #[error(
        "the distributor has another program under the name `{project}`: its program hash is {found}, that of the pushed program \
         is {expected}. Nothing from it was taken"
    )]
    OtherProgramOffered {
        /// The project.
        project: ProjectName,
        /// Hash at the distributor.
        found: ProgramHash,
        /// Hash in the record.
        expected: ProgramHash,
    },
    /// A list that does not go forward.
    #[error("the distributor's list makes no sense: cursor {cursor} follows {after}. Nothing of that page was taken")]
    BadList {
        /// The cursor.
        cursor: u64,
        /// The one before.
        after: u64,
    },
    /// A list without end.
    #[error("the distributor's list has more than {} units, comes in endless pages or repeats itself. Nothing more was taken", grouped(*most as u64))]
    EndlessList {
        /// Most units of a list.
        most: usize,
    },
    /// An answer to a batch of units that is about other units.
    #[error(
        "the distributor's answer to a batch of units is about other units: {what}. Push again; what was taken in is known then"
    )]
    OtherUnits {
        /// What is wrong.
        what: String,
    },
    /// Results that are not believed.
    #[error("{} not believed:{}", count(refused.len()), list(refused))]
    Refused {
        /// The units and why.
        refused: Vec<Refused>,
    },
    /// Standard output.
    #[error("cannot write to standard output: {0}")]
    Output(#[from] std::io::Error),
    /// A fault of this program.
    #[error("a fault of this program: {0}")]
    Internal(String),
}

fn has(units: usize) -> String {
    format!("{} {}", counted(units as u64, "unit"), if units == 1 { "has" } else { "have" })
}

/// The first of them, a line each.
fn list(refused: &[Refused]) -> String {
    const SHOWN: usize = 50;
    let lines = refused.iter().take(SHOWN).map(|one| format!("\n  {}", printable(&one.to_string(), MAX_SHOWN)));
    let more = refused.len().saturating_sub(SHOWN);
    let rest = if more > 0 { format!("\n  and {} more", grouped(more as u64)) } else { String::new() };
    lines.collect::<String>() + &rest
}

fn count(refused: usize) -> String {
    if refused == 1 { "1 result is".to_owned() } else { format!("{refused} results are") }
}

/// What to do about a refusal or an unreachable distributor.
fn with_advice(error: &ClientError) -> String {
    let advice = match (error, error.cause()) {
        (ClientError::Unreachable { .. }, _) => {
            ". Is it running, and is the address right? What was done so far is kept; run the same command again"
        }
        (_, Some(Cause::UnknownProject)) => ". `uploader status` lists the projects there are",
        (_, Some(Cause::MissingKey | Cause::BadKey | Cause::KeyRevoked)) => {
            ". Ask the operator for a key and add it with `uploader key add`"
        }
        (_, Some(Cause::ProjectTaken)) => ". Choose another name with --project",
        (_, Some(cause)) if cause.is_temporary() => ". Run the same command again later",
        _ => "",
    };
    let text = error.to_string();
    format!("{}{advice}", if advice.is_empty() { text.as_str() } else { text.trim_end_matches('.') })
}

impl Error {
    /// Whether the same may succeed later without anybody changing it, since it came of the way to the distributor or of what it
    /// had to do just now.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Client(error) if error.is_temporary())
    }

    /// The command line's exit code.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_)
            | Self::NoDistributor
            | Self::Client(ClientError::Address { .. } | ClientError::Insecure { .. }) => exit::USAGE,
            Self::Client(error) => match error {
                _ if error.is_unreachable() => exit::UNREACHABLE,
                ClientError::Answer { .. } => exit::UNREACHABLE,
                ClientError::Refused(problem) if problem.cause.is_temporary() => exit::UNREACHABLE,
                ClientError::Digest { .. } => exit::REFUSED,
                _ => exit::FAULT,
            },
            Self::OtherProgramOffered { .. }
            | Self::BadList { .. }
            | Self::EndlessList { .. }
            | Self::OtherUnits { .. }
            | Self::Refused { .. } => exit::REFUSED,
            Self::Check(CheckError::Read { .. } | CheckError::NotAManifest { .. }) => exit::FAULT,
            Self::Check(_) => exit::REFUSED,
            _ => exit::FAULT,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::Problem;

    fn refused(cause: Cause) -> Error {
        ClientError::Refused(Box::new(Problem::new(cause, "Something is wrong."))).into()
    }

    #[test]
    fn exit_codes() {
        let unreachable = ClientError::Unreachable { address: "http://a/".to_owned(), reason: "refused".to_owned() };
        let answer = ClientError::Answer { address: "a".to_owned(), reason: "no JSON".to_owned(), status: 200 };
        let address = ClientError::Address { address: "x".to_owned(), reason: "y".to_owned() };
        let codes = [
            (Error::from(unreachable), exit::UNREACHABLE),
            (answer.into(), exit::UNREACHABLE),
            (address.into(), exit::USAGE),
            (refused(Cause::UnknownProject), exit::FAULT),
            (refused(Cause::BadKey), exit::FAULT),
            (refused(Cause::Busy), exit::UNREACHABLE),
            (refused(Cause::RateLimited), exit::UNREACHABLE),
            (refused(Cause::Internal), exit::UNREACHABLE),
            (Error::Usage(String::new()), exit::USAGE),
            (Error::NoDistributor, exit::USAGE),
            (Error::BadList { cursor: 1, after: 2 }, exit::REFUSED),
            (Error::Refused { refused: Vec::new() }, exit::REFUSED),
            (Error::Incomplete { missing: 1, pushed: 2 }, exit::FAULT),
            (Error::State(StateError::NoHome), exit::FAULT),
        ];
        for (error, code) in codes {
            assert_eq!(error.exit_code(), code, "{error}");
        }
    }

    #[test]
    fn advice_follows_the_message() {
        assert_eq!(refused(Cause::ProjectTaken).to_string(), "Something is wrong. Choose another name with --project");
        assert_eq!(refused(Cause::BadRequest).to_string(), "Something is wrong.");
        assert_eq!(refused(Cause::Busy).to_string(), "Something is wrong. Run the same command again later");
    }
}
