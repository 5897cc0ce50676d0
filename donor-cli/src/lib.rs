//! The donor: takes units from a distributor, runs and proves them with a share of the machine, and delivers the proofs.
//!
//! * [`governor`] decides how much of the machine may be used now;
//! * [`child`] is the process in which a unit runs, throttled and confined;
//! * [`state`] is everything on disk, so that the donor can be killed at any moment;
//! * [`session`] takes, works and delivers;
//! * [`progress`] tells people and machines about it;
//! * [`commands`] are the commands of the command line.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod child;
pub mod cli;
pub mod commands;
pub mod exit;
pub mod governor;
pub mod progress;
pub mod service;
pub mod session;
pub mod setting;
pub mod state;
