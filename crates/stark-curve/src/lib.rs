//! The Stark curve `y² = x³ + x + β` over the Stark field: what the machine's elliptic-curve builtins compute with.
//!
//! The curve's coordinates are elements of the field in which proofs are made. Its group has a prime order `n` near `2^251`, so there is no
//! point of order two (no point with `y = 0`), and it has no point with `x = 0`. Source of the curve and its constants: StarkEx's
//! documentation, "STARK curve" and "Pedersen hash function".
//!
//! All points here are finite. Additions that would give infinity say so.

mod constants;
pub mod ec_op;
pub mod ecdsa;
pub mod lines;
pub mod pedersen;
mod point;
pub mod products;

pub use constants::{GENERATOR, ORDER, START};
pub use point::{BETA, Point, double_repeatedly};

/// An integer below `2^256`, least significant limb first.
pub type Word = [u64; 4];
