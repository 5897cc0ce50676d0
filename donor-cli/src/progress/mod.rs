//! How far a unit is: phases, an honest fraction, and the time that is left.

pub mod notice;
pub mod show;
pub mod summary;
mod tracker;
pub mod words;

pub use show::Show;
pub use tracker::{Tracker, Weights};

use serde::{Deserialize, Serialize};
use std::fmt;

/// The phases of a unit, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Fetching the program, and the execution if somebody else has executed.
    Download,
    /// Running the program.
    Execute,
    /// Filling the tables.
    Witness,
    /// Main columns.
    Main,
    /// Lookup columns.
    Lookup,
    /// Quotients.
    Quotient,
    /// Openings.
    Openings,
    /// Low-degree test.
    Fri,
    /// Verifying the proof before it is sent.
    Verify,
    /// Sending.
    Upload,
}

impl Phase {
    /// All phases, in order.
    pub const ALL: [Self; 10] = [
        Self::Download,
        Self::Execute,
        Self::Witness,
        Self::Main,
        Self::Lookup,
        Self::Quotient,
        Self::Openings,
        Self::Fri,
        Self::Verify,
        Self::Upload,
    ];

    /// Name for messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Download => "download",
            Self::Execute => "execute",
            Self::Witness => "witness",
            Self::Main => "main",
            Self::Lookup => "lookup",
            Self::Quotient => "quotient",
            Self::Openings => "openings",
            Self::Fri => "fri",
            Self::Verify => "verify own proof",
            Self::Upload => "upload",
        }
    }

    /// The phase of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|phase| phase.name() == name)
    }

    /// What is done in it, for people who know nothing of proofs; the project's name follows.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Download => "fetching",
            Self::Execute => "computing",
            Self::Witness | Self::Main | Self::Lookup | Self::Quotient | Self::Openings | Self::Fri => "proving",
            Self::Verify => "checking the proof of",
            Self::Upload => "sending",
        }
    }

    /// Share of a unit's time that the phase usually takes, measured on programs of 2^16 to 2^20 steps.
    const fn weight(self) -> f64 {
        match self {
            Self::Download => 0.01,
            Self::Execute => 0.10,
            Self::Witness => 0.06,
            Self::Main => 0.26,
            Self::Lookup => 0.20,
            Self::Quotient => 0.18,
            Self::Openings => 0.06,
            Self::Fri => 0.10,
            Self::Verify => 0.02,
            Self::Upload => 0.01,
        }
    }
}

impl From<stark::Phase> for Phase {
    fn from(phase: stark::Phase) -> Self {
        match phase {
            stark::Phase::Witness => Self::Witness,
            stark::Phase::Main => Self::Main,
            stark::Phase::Lookup => Self::Lookup,
            stark::Phase::Quotient => Self::Quotient,
            stark::Phase::Openings => Self::Openings,
            stark::Phase::Fri => Self::Fri,
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
