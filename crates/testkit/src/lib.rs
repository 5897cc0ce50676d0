//! What the tests of several crates share. Nothing but tests and benchmarks may depend on it.
//!
//! A failure here is a test's failure: functions panic, and say what was missing.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may panic")]

#[cfg(feature = "grid")]
pub mod grid;
pub mod programs;
pub mod proofs;
pub mod tiny;
