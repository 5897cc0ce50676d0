//! What the tests of several crates share; a distributor to talk to is in `testgrid`. Nothing but tests and benchmarks may depend on it.
//!
//! A failure here is a test's failure: functions panic, and say what was missing.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may panic")]

pub mod faults;
pub mod programs;
pub mod proofs;
pub mod random;
pub mod tiny;
