//! What they do.

use std::fmt;

/// One kind of deed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Deed {
    /// Takes leases and keeps them.
    Hoard,
    /// Renews leases that were hoarded.
    Renew,
    /// Takes a lease and reports a failure, of any cause.
    Report,
    /// Takes an execution to prove and says that it is bad.
    ReportBadExecution,
    /// Sends executions that never ran.
    Invent,
    /// Sends garbage, altered proofs, proofs of other units and of other donors.
    Forge,
    /// Sends a body a byte at a time.
    Drip,
    /// Sends methods that nobody knows, long ones too.
    Methods,
    /// Opens streams of events and does not read them.
    Streams,
    /// Asks for the largest pages and everything that is counted.
    Pages,
    /// Signs many small requests, each with a nonce of its own.
    Nonces,
    /// Signs with keys that are used once.
    Keys,
    /// Sends requests again, with wrong signatures, and from other times.
    Replays,
    /// Sends heads that never end, or are far too large.
    Heads,
    /// Sends JSON that is deep, long or none.
    Json,
}

impl Deed {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::Hoard,
        Self::Renew,
        Self::Report,
        Self::ReportBadExecution,
        Self::Invent,
        Self::Forge,
        Self::Drip,
        Self::Methods,
        Self::Streams,
        Self::Pages,
        Self::Nonces,
        Self::Keys,
        Self::Replays,
        Self::Heads,
        Self::Json,
    ];

    /// Name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hoard => "hoard leases",
            Self::Renew => "renew hoarded leases",
            Self::Report => "report failures",
            Self::ReportBadExecution => "report bad executions",
            Self::Invent => "invent executions",
            Self::Forge => "forge proofs",
            Self::Drip => "drip bodies",
            Self::Methods => "odd methods",
            Self::Streams => "open event streams",
            Self::Pages => "huge pages",
            Self::Nonces => "flood of nonces",
            Self::Keys => "flood of keys",
            Self::Replays => "replays, bad signatures",
            Self::Heads => "endless and huge heads",
            Self::Json => "odd JSON",
        }
    }

    /// Whether it holds a connection open for nothing.
    pub const fn holds_open(self) -> bool {
        matches!(self, Self::Drip | Self::Streams | Self::Heads)
    }
}

impl fmt::Display for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
