//! Proofs that are made in milliseconds and secure nothing, and the policies under which they pass.

use cairo_air::Policy;
use stark::Parameters;

/// No false claim in a test needs luck: queries would only cost time.
pub const CHEAP: Parameters = Parameters { log_blowup: 1, queries: 4, grinding_bits: 0, log_fold: 3 };

/// A policy that asks for no security.
pub fn policy() -> Policy {
    Policy { min_conjectured_bits: 0.0, min_proven_bits: 0.0, ..Policy::default() }
}
