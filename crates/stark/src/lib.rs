//! A STARK for many tables of different heights, tied together by LogUp buses, over the 252-bit Stark field.
//!
//! One proof holds any number of tables. `docs/PROTOCOL.md` at the root of the repository describes every message.

pub mod air;
pub mod composition;
pub mod control;
pub mod debug;
pub mod describe;
pub mod disclosed;
pub mod expr;
pub mod fold;
pub mod graph;
pub mod hash;
pub mod merkle;
pub mod outline;
pub mod parameters;
pub mod proof;
pub mod proof_shape;
pub mod prover;
pub mod public;
pub mod security;
pub mod shape;
pub mod table;
pub mod transcript;
pub mod verifier;

pub use air::{Air, AirBuilder, AirError, Bus, Constraint, Interaction, Rows};
pub use control::{Cancelled, Control, NoControl, Phase};
pub use disclosed::DisclosedError;
pub use expr::Expr;
pub use outline::{BusTerm, Outline, Outlined};
pub use parameters::{Parameters, Preset};
pub use proof::{DecodeError, Proof};
pub use prover::{ProveError, Work, least_memory, peak_memory, prove, prove_within, recomputed_cells, work};
pub use public::{PublicTerms, check_public};
pub use shape::Shape;
pub use table::{MAX_LOG_HEIGHT, MAX_TABLES, MAX_TERMS, MIN_LOG_HEIGHT, PublicTuple, Table, TableError, check_tables};
pub use verifier::{Bound, VerifyError, bind, verify};
