//! The Cairo machine as a set of AIR tables, the statement that a proof makes, and its verifier.

pub mod builtin;
pub mod buses;
pub mod claim;
mod codec;
pub mod components;
pub mod decode;
pub mod draft;
pub mod fetch;
#[cfg(test)]
mod fixture;
pub mod keccak;
pub mod layout;
pub mod policy;
pub mod program;
pub mod proof;
pub mod public;
pub mod statement;
pub mod verify;
pub mod version;

pub use builtin::Builtin;
pub use claim::{Claim, ClaimError, RunClaim, Segment};
pub use codec::CodecError;
pub use components::TableKind;
pub use draft::Draft;
pub use fetch::Fetch;
pub use layout::{Built, DisclosedTable, Layout, LayoutError, TableEntry};
pub use policy::{Policy, PolicyError};
pub use program::{ArgumentBinding, Program, ProgramError};
pub use proof::{CairoProof, ProofFileError};
pub use public::{public_terms, public_tuples};
pub use statement::{Statement, StatementError};
pub use verify::{Verified, VerifiedRun, VerifyError, verify};
pub use version::{MAX_RUNS, OLDEST_VERSION, PROTOCOL_VERSION, Version};
