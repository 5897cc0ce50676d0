//! The uploader: pushes a Cairo program with its argument sets to a distributor, and collects the results.
//!
//! It trusts nobody. Every result is verified against the uploader's own program and its own record of the arguments,
//! and whatever the distributor says otherwise is refused with the name of the unit.

pub mod aggregate;
pub mod bring;
pub mod check_proof;
pub mod cli;
pub mod collect;
pub mod commands;
pub mod compile;
pub mod error;
pub mod forecast;
pub mod journal;
pub mod local;
pub mod manifest;
pub mod row;
pub mod show;
pub mod trial;
pub mod units;
