//! Opcode extensions: QM31 arithmetic and blake2s. Honest rows, forged ones, and whole proofs.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;
#[path = "../modular/system.rs"]
#[allow(dead_code, reason = "shared with the modular builtins")]
mod system;

mod blake;
mod cheating;
mod decoding;
mod programs;
mod proofs;
mod qm31;
mod runs;
