//! The elliptic-curve builtins: runs from end to end, pranks and forgeries.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;

mod corners;
mod ec_op;
mod ecdsa;
mod forger;
mod pedersen;
mod runs;
mod scalars;

use felt::{Felt, encoding};

/// A field element as the JSON of arguments has it.
fn json(value: &Felt) -> String {
    format!("\"{}\"", encoding::to_hex(value))
}
