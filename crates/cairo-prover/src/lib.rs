//! cairo-prover
