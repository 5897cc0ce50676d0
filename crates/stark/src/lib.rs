//! A STARK for many tables of different heights, tied together by LogUp buses, over the 252-bit Stark field.
//!
//! One proof holds any number of tables. `docs/PROTOCOL.md` at the root of the repository describes every message.

pub mod air;
pub mod debug;
pub mod expr;
pub mod graph;
pub mod table;

pub use air::{Air, AirBuilder, AirError, Bus, Constraint, Interaction, Rows};
pub use expr::Expr;
pub use table::{MAX_LOG_HEIGHT, MAX_TABLES, MAX_TERMS, MIN_LOG_HEIGHT, PublicTuple, Table, TableError, check_tables};
