//! The distributor over real sockets: its interface, the life of units, faults, malice, and the program itself.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod backup;
mod batches;
mod crash;
mod documents;
mod events;
mod executions;
mod faults;
mod files;
mod fixture;
mod fuzz;
mod harness;
mod hooks;
mod life;
mod limits;
mod malice;
mod process;
mod raw;
mod routes;
mod site;
mod sockets;
