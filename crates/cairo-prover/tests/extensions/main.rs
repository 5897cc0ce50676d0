//! Opcode extensions: QM31 arithmetic and blake2s. Honest rows, forged ones, and whole proofs.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;
#[allow(dead_code, reason = "each test file takes its part")]
#[path = "../curve/forger.rs"]
mod forger;
#[path = "../modular/system.rs"]
#[allow(dead_code, reason = "shared with the modular builtins")]
mod system;

mod attack;
mod blake;
mod cheating;
mod decoding;
mod programs;
mod proofs;
mod qm31;
mod random;
mod runs;
