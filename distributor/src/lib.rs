//! The distributor: keeps projects and units, lends units to donors, verifies what they bring, and gives the proofs to the
//! uploaders. `docs/API.md` describes the interface, `docs/OPERATIONS.md` how to run it.
//!
//! A request goes through [`observe`], `linger`, `auth` and a handler in [`routes`]; handlers decide nothing about states: that is
//! the [`store`]'s, one transaction each. Files are in [`blobs`], judged by [`verify`] before they are stored.

mod addresses;
pub mod app;
mod auth;
pub mod blobs;
mod body;
mod bundle;
pub mod clock;
pub mod config;
mod error;
mod feeds;
mod limits;
mod linger;
pub mod location;
mod machine;
mod metrics;
mod observe;
mod pace;
mod plots;
pub mod prefix;
mod pulse;
mod rate;
pub mod routes;
pub mod server;
mod sessions;
pub mod share;
mod site;
mod socket;
pub mod source;
pub mod store;
pub mod upkeep;
pub mod verify;

pub use error::{ApiError, ApiResult};
