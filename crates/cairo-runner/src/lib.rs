//! cairo-runner
