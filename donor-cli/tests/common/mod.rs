//! What the tests on real processes share.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod grid;
pub mod process;
pub mod real;
pub mod wire;

pub use testkit::programs::file as fixture;
