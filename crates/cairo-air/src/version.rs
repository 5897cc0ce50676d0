//! The versions of the protocol.

/// Version of the protocol: of the tables, the buses, the transcript and the proof file together.
pub const PROTOCOL_VERSION: u32 = 7;

/// Oldest version that is read.
pub const OLDEST_VERSION: u32 = Version::Single.number();

/// Most runs of a proof.
pub const MAX_RUNS: usize = 1 << 12;

/// The versions that are read. They differ in how a claim is written and what the hash of arguments is, and in nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// 6: a claim of one run.
    Single,
    /// 7, [`PROTOCOL_VERSION`]: a claim of several.
    Batch,
}

impl Version {
    /// The number in a proof file.
    pub const fn number(self) -> u32 {
        match self {
            Self::Single => 6,
            Self::Batch => PROTOCOL_VERSION,
        }
    }

    pub(crate) fn from_number(number: u32) -> Option<Self> {
        [Self::Single, Self::Batch].into_iter().find(|version| version.number() == number)
    }
}
