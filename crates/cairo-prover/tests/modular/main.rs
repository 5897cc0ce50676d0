//! The builtins range_check96, add_mod and mul_mod: honest rows, forged ones, and whole proofs.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;
#[allow(dead_code, reason = "each test file takes its part")]
#[path = "../curve/forger.rs"]
mod forger;

mod add_mod;
mod border;
mod instances;
mod mul_mod;
mod programs;
mod range_check96;
mod system;

use felt::Felt;

/// A power of two.
fn two(bits: u64) -> Felt {
    Felt::from(2_u64).pow(bits)
}
