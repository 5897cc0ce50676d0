//! How the program ends.

use std::process::ExitCode;

/// Exit codes. They are part of the interface: scripts rely on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// The user's or the data's fault.
    Fault = 1,
    /// The command line is not understood.
    Usage = 2,
    /// The distributor could not be reached.
    Unreachable = 3,
    /// The distributor refused a proof.
    Refused = 4,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command ended early, and with which code.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// The code.
    pub exit: Exit,
    /// What happened, where, and what to do.
    pub message: String,
}

impl Failure {
    /// A failure with this code.
    pub fn new(exit: Exit, message: impl ToString) -> Self {
        Self { exit, message: message.to_string() }
    }

    /// The user's or the data's fault.
    pub fn fault(message: impl ToString) -> Self {
        Self::new(Exit::Fault, message)
    }
}

impl From<crate::state::StateError> for Failure {
    fn from(error: crate::state::StateError) -> Self {
        Self::fault(error)
    }
}

impl From<crate::state::record::RecordError> for Failure {
    fn from(error: crate::state::record::RecordError) -> Self {
        Self::fault(error)
    }
}

impl From<crate::state::atomic::FileError> for Failure {
    fn from(error: crate::state::atomic::FileError) -> Self {
        Self::fault(error)
    }
}

impl From<crate::state::config::ConfigError> for Failure {
    fn from(error: crate::state::config::ConfigError) -> Self {
        Self::fault(error)
    }
}
